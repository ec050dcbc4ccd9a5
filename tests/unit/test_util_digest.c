/*
 * util/digest.h and util/crc32.h, against published values.
 */
#include "support/test.h"
#include "util/crc32.h"
#include "util/digest.h"

#include <string.h>

TEST(sha256_has_published_values)
{
	char hex[CTRD__SHA256_HEX_SIZE];
	static char million[1000000];

	ctrd__sha256_hex("", 0, hex);
	CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	ctrd__sha256_hex("abc", 3, hex);
	CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	memset(million, 'a', sizeof(million));
	ctrd__sha256_hex(million, sizeof(million), hex);
	CHECK_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(crc32_has_published_values)
{
	const char *text = "123456789";
	uint32_t crc = 0;

	CHECK_INT(ctrd__crc32(0, "", 0), 0);
	CHECK_INT(ctrd__crc32(0, text, 9), 0xcbf43926);
	for (int i = 0; i < 9; i++)
		crc = ctrd__crc32(crc, text + i, 1);
	CHECK_INT(crc, 0xcbf43926);
}
