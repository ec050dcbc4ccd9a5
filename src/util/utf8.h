/*
 * UTF-8 (RFC 3629): is it valid. Strict: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef CTRD__UTIL_UTF8_H
#define CTRD__UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the valid character at the start of text (1 to 4), 0 when there is none. */
size_t ctrd__utf8_char_len(const char *text, size_t len);
bool ctrd__utf8_is_valid(const char *text, size_t len);

#endif
