/*
 * Strings: a growing builder, a bounded duplicate, and flat NULL-terminated arrays of strings. What
 * it is not: text encoding, paths, parsing.
 */
#ifndef CTRD__UTIL_STR_H
#define CTRD__UTIL_STR_H

#include "util/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Builder. Appending never fails visibly: out of memory is remembered in oom (sticky, later appends
 * do nothing), so that a caller appends freely and asks once, by oom or ctrd__str_take(). data is
 * NULL or NUL-terminated at data[len]; the content may hold NUL bytes.
 */
struct ctrd__str {
	char *data;
	size_t len;
	size_t cap;
	bool oom;
};

#define CTRD__STR_INIT            \
	{                         \
		NULL, 0, 0, false \
	}

void ctrd__str_init(struct ctrd__str *str);
/* Free the content; the builder is as after init. */
void ctrd__str_done(struct ctrd__str *str);
void ctrd__str_append(struct ctrd__str *str, const char *text);
void ctrd__str_append_n(struct ctrd__str *str, const char *data, size_t len);
void ctrd__str_append_char(struct ctrd__str *str, char c);
__attribute__((format(printf, 2, 3))) void ctrd__str_appendf(struct ctrd__str *str,
							     const char *format, ...);
__attribute__((format(printf, 2, 0))) void ctrd__str_vappendf(struct ctrd__str *str,
							      const char *format, va_list args);
/* Forget the content, keep the memory (and a remembered oom). */
void ctrd__str_clear(struct ctrd__str *str);
/*
 * The content as a malloc'ed string ("" when nothing was appended), NULL when any append ran out of
 * memory. The builder is as after init in both cases.
 */
char *ctrd__str_take(struct ctrd__str *str);

/* CTRD__AUTO_STR struct ctrd__str s = CTRD__STR_INIT; */
#define CTRD__AUTO_STR CTRD__CLEANUP(ctrd__str_done)

/* Exactly len bytes of text and a NUL; NULL when out of memory. */
char *ctrd__strdup_n(const char *text, size_t len);

/*
 * Flat arrays: strings, then NULL. A NULL array stands for an empty one.
 * _dup returns NULL when out of memory only: the copy of an empty array is an array.
 */
size_t ctrd__strv_len(const char *const *strv);
char **ctrd__strv_dup(const char *const *strv);
void ctrd__strv_free(char **strv);

static inline void ctrd__strv_free_ptr(char ***strv)
{
	ctrd__strv_free(*strv);
}

/* CTRD__AUTO_STRV char **v = NULL; */
#define CTRD__AUTO_STRV CTRD__CLEANUP(ctrd__strv_free_ptr)

#endif
