/*
 * SHA-256 through libsodium. Only its hash is used: plain computation on the caller's stack that
 * depends on nothing sodium_init() sets up (random numbers, choice of CPU variants), allocates
 * nothing and always returns 0. So the library does not call sodium_init(), which would keep
 * process-wide state and open files in a host that never asked for it.
 */
#include "util/digest.h"

#include <sodium/crypto_hash_sha256.h>

_Static_assert(CTRD__SHA256_LEN == crypto_hash_sha256_BYTES, "SHA-256 has one length");

void ctrd__sha256(const void *data, size_t len, uint8_t ret_digest[CTRD__SHA256_LEN])
{
	(void)crypto_hash_sha256(ret_digest, data, len);
}

void ctrd__sha256_hex(const void *data, size_t len, char ret_hex[CTRD__SHA256_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[CTRD__SHA256_LEN];

	ctrd__sha256(data, len, digest);
	for (size_t i = 0; i < CTRD__SHA256_LEN; i++) {
		ret_hex[2 * i] = digits[digest[i] >> 4];
		ret_hex[2 * i + 1] = digits[digest[i] & 15];
	}
	ret_hex[CTRD__SHA256_HEX_SIZE - 1] = '\0';
}
