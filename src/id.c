/*
 * id.c: is a text an id. Not responsible for ids that are taken, or for names that mean something
 * ("init"): their users know.
 *
 * Invariant: what is valid here holds no '/', no leading dot and no control character, so that it can
 * be one component of a path. Messages show ids cut and without control characters.
 */
#include "id.h"

#include "error.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 32 };

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_separator(char c)
{
	return c == '.' || c == '_' || c == '-';
}

/* The first byte that breaks the rule; the terminating NUL when the last separator joins nothing. */
static const char *first_bad(const char *id)
{
	bool after_alnum = false;

	for (; *id; id++) {
		if (!is_alnum(*id) && !(after_alnum && is_separator(*id)))
			return id;
		after_alnum = is_alnum(*id);
	}
	return after_alnum ? NULL : id;
}

bool ctrd__id_is_valid(const char *id)
{
	return id && strnlen(id, CTRD_ID_MAX + 1) <= CTRD_ID_MAX && !first_bad(id);
}

static char shown(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

static ctrd_error *bad_character(const char *what, const char *id, const char *bad)
{
	char text[CTRD_ID_MAX + 1];
	size_t i = 0;

	for (; id[i]; i++)
		text[i] = shown(id[i]);
	text[i] = '\0';
	if (!*bad)
		return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
				       "%s \"%s\" ends with a separator", what, text);
	if (is_separator(*bad))
		return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
				       "%s \"%s\": no letter or digit before '%c' at byte %zu",
				       what, text, *bad, (size_t)(bad - id) + 1);
	if (shown(*bad) != *bad)
		return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
				       "%s \"%s\": byte 0x%02x at %zu is not allowed", what, text,
				       (unsigned char)*bad, (size_t)(bad - id) + 1);
	return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
			       "%s \"%s\": character '%c' at byte %zu is not allowed", what, text,
			       *bad, (size_t)(bad - id) + 1);
}

ctrd_error *ctrd__id_check(const char *what, const char *id)
{
	if (!id)
		return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL, "%s is NULL", what);
	if (!*id)
		return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL, "%s is empty", what);
	if (strnlen(id, CTRD_ID_MAX + 1) > CTRD_ID_MAX) {
		char text[SHOWN_MAX + 1];

		for (size_t i = 0; i < SHOWN_MAX; i++)
			text[i] = shown(id[i]);
		text[SHOWN_MAX] = '\0';
		return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
				       "%s \"%s...\" is longer than %d bytes", what, text,
				       CTRD_ID_MAX);
	}
	const char *bad = first_bad(id);

	return bad ? bad_character(what, id, bad) : NULL;
}
