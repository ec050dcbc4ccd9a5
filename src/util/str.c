/*
 * The string builder and flat string arrays (see str.h for the contract of each).
 *
 * Invariant of the builder: data is NULL and cap 0, or cap bytes are allocated, len < cap and
 * data[len] is NUL; once oom is set nothing is appended any more, so that a half string is never
 * taken for a whole one.
 */
#include "util/str.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { STR_CAP_MIN = 64 };

void ctrd__str_init(struct ctrd__str *str)
{
	*str = (struct ctrd__str)CTRD__STR_INIT;
}

void ctrd__str_done(struct ctrd__str *str)
{
	int saved = errno;

	free(str->data);
	ctrd__str_init(str);
	errno = saved;
}

void ctrd__str_clear(struct ctrd__str *str)
{
	str->len = 0;
	if (str->data)
		str->data[0] = '\0';
}

/* Make room for extra bytes and the NUL behind them. */
static bool reserve(struct ctrd__str *str, size_t extra)
{
	size_t cap = str->cap ? str->cap : STR_CAP_MIN;
	char *data;

	if (str->oom)
		return false;
	if (extra < str->cap - str->len && str->data)
		return true;
	if (extra > SIZE_MAX / 2 || str->len > SIZE_MAX / 2 - 1 - extra) {
		str->oom = true;
		return false;
	}
	while (cap - str->len <= extra)
		cap *= 2;
	data = realloc(str->data, cap);
	if (!data) {
		str->oom = true;
		return false;
	}
	str->data = data;
	str->cap = cap;
	str->data[str->len] = '\0';
	return true;
}

void ctrd__str_append_n(struct ctrd__str *str, const char *data, size_t len)
{
	if (!reserve(str, len))
		return;
	if (len)
		memcpy(str->data + str->len, data, len);
	str->len += len;
	str->data[str->len] = '\0';
}

void ctrd__str_append(struct ctrd__str *str, const char *text)
{
	ctrd__str_append_n(str, text, strlen(text));
}

void ctrd__str_append_char(struct ctrd__str *str, char c)
{
	ctrd__str_append_n(str, &c, 1);
}

void ctrd__str_vappendf(struct ctrd__str *str, const char *format, va_list args)
{
	va_list again;
	size_t room;
	int n;

	if (!reserve(str, STR_CAP_MIN))
		return;
	room = str->cap - str->len;
	va_copy(again, args);
	n = vsnprintf(str->data + str->len, room, format, args);
	if (n >= 0 && (size_t)n >= room) {
		/* What did not fit is cut off again first: reserve() counts from len. */
		str->data[str->len] = '\0';
		if (!reserve(str, (size_t)n)) {
			va_end(again);
			return;
		}
		n = vsnprintf(str->data + str->len, str->cap - str->len, format, again);
	}
	va_end(again);
	if (n < 0) {
		/* libc has no other reason for the formats in use than its own lack of memory. */
		str->data[str->len] = '\0';
		str->oom = true;
		return;
	}
	str->len += (size_t)n;
}

void ctrd__str_appendf(struct ctrd__str *str, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ctrd__str_vappendf(str, format, args);
	va_end(args);
}

char *ctrd__str_take(struct ctrd__str *str)
{
	char *data;

	if (!str->data)
		(void)reserve(str, 0);
	if (str->oom) {
		ctrd__str_done(str);
		return NULL;
	}
	data = str->data;
	ctrd__str_init(str);
	return data;
}

char *ctrd__strdup_n(const char *text, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		return NULL;
	copy = malloc(len + 1);
	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

size_t ctrd__strv_len(const char *const *strv)
{
	size_t n = 0;

	while (strv && strv[n])
		n++;
	return n;
}

char **ctrd__strv_dup(const char *const *strv)
{
	size_t n = ctrd__strv_len(strv);
	char **copy = calloc(n + 1, sizeof(*copy));

	if (!copy)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		copy[i] = strdup(strv[i]);
		if (!copy[i]) {
			ctrd__strv_free(copy);
			return NULL;
		}
	}
	return copy;
}

void ctrd__strv_free(char **strv)
{
	int saved = errno;

	for (size_t i = 0; strv && strv[i]; i++)
		free(strv[i]);
	free(strv);
	errno = saved;
}
