/*
 * Validation of UTF-8, character by character. The second byte carries all the special cases: its
 * lower and upper bound depend on the first one.
 */
#include "util/utf8.h"

size_t ctrd__utf8_char_len(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t need;

	if (!len)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		need = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		need = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (len < need || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}
	return need;
}

bool ctrd__utf8_is_valid(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = ctrd__utf8_char_len(text + i, len - i);
		if (!n)
			return false;
	}
	return true;
}
