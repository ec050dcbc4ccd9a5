/*
 * SHA-256 of a buffer, as bytes or as text. Not for secrets: nothing here is constant-time.
 */
#ifndef CTRD__UTIL_DIGEST_H
#define CTRD__UTIL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum {
	CTRD__SHA256_LEN = 32,
	CTRD__SHA256_HEX_SIZE = 65, /* with the NUL */
};

void ctrd__sha256(const void *data, size_t len, uint8_t ret_digest[CTRD__SHA256_LEN]);
/* Lower-case hexadecimal and a NUL. */
void ctrd__sha256_hex(const void *data, size_t len, char ret_hex[CTRD__SHA256_HEX_SIZE]);

#endif
