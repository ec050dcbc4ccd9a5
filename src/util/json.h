/*
 * JSON (RFC 8259): text to a tree and back, through yajl, and looking at and changing the tree. Knows
 * nothing of what a document means.
 *
 * A node has one owner: its parent, or whoever made it. Functions that look accept NULL as "there is
 * no such node" and then say no, so that look-ups can be chained without checks in between.
 */
#ifndef CTRD__UTIL_JSON_H
#define CTRD__UTIL_JSON_H

#include "util/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CTRD__JSON_DEPTH_DEFAULT = 64,
	CTRD__JSON_DEPTH_MAX = 120, /* yajl cannot print deeper than 127 */
	CTRD__JSON_SIZE_DEFAULT = 4 << 20,
	CTRD__JSON_ERR_SIZE = 256,
};

enum ctrd__json_type {
	CTRD__JSON_NULL,
	CTRD__JSON_BOOL,
	CTRD__JSON_NUMBER,
	CTRD__JSON_STRING,
	CTRD__JSON_ARRAY,
	CTRD__JSON_OBJECT,
};

struct ctrd__json;

/*
 * Parse a text that is exactly one value. max_depth (nested containers) and max_size (bytes): 0 means
 * the default. Refused beyond the grammar: duplicate keys, NUL inside strings and keys, half
 * surrogate pairs, invalid UTF-8, a byte order mark.
 *
 * CTRD_EINVAL: not such a text; CTRD_ERANGE: nested too deep; CTRD_ERESOURCES: too long; CTRD_ENOMEM.
 * On failure err (may be NULL, else CTRD__JSON_ERR_SIZE bytes) says why, with line and column.
 */
int ctrd__json_parse(const char *data, size_t len, size_t max_depth, size_t max_size,
		     struct ctrd__json **ret_value, char *err);
/*
 * Parse the first value of a text that is a series of values, with or without white space between
 * them. *ret_used is the number of bytes up to the end of the value. max_size bounds one value.
 *
 * As ctrd__json_parse(), and CTRD_ENOTFOUND: nothing but white space is left; CTRD_EDATALOSS: the
 * text ends within the value. A number at the very end of the text counts as complete.
 */
int ctrd__json_parse_next(const char *data, size_t len, size_t *ret_used, size_t max_depth,
			  size_t max_size, struct ctrd__json **ret_value, char *err);
/*
 * Print as compact text, malloc'ed and NUL-terminated. ret_len may be NULL. CTRD_EINVAL: a string is
 * not UTF-8, or the tree (put together by hand) is nested deeper than CTRD__JSON_DEPTH_MAX.
 */
int ctrd__json_print(const struct ctrd__json *value, char **ret_text, size_t *ret_len);

/* Make a node; NULL when out of memory. */
struct ctrd__json *ctrd__json_new_null(void);
struct ctrd__json *ctrd__json_new_bool(bool value);
struct ctrd__json *ctrd__json_new_int(int64_t value);
struct ctrd__json *ctrd__json_new_uint(uint64_t value);
struct ctrd__json *ctrd__json_new_string(const char *text);
struct ctrd__json *ctrd__json_new_array(void);
struct ctrd__json *ctrd__json_new_object(void);
/* A deep copy; NULL when out of memory, and of NULL. */
struct ctrd__json *ctrd__json_copy(const struct ctrd__json *value);
/* Free the node and all below it, which must not hang in a parent. */
void ctrd__json_free(struct ctrd__json *value);

static inline void ctrd__json_free_ptr(struct ctrd__json **value)
{
	ctrd__json_free(*value);
}

/* CTRD__AUTO_JSON struct ctrd__json *doc = NULL; */
#define CTRD__AUTO_JSON CTRD__CLEANUP(ctrd__json_free_ptr)

/*
 * What a node is and holds. Each is false or NULL when the node is NULL or of another type; the
 * numbers also when the value does not fit or (for the integers) is written with fraction or exponent.
 */
enum ctrd__json_type ctrd__json_type(const struct ctrd__json *value);
bool ctrd__json_is(const struct ctrd__json *value, enum ctrd__json_type type);
bool ctrd__json_bool(const struct ctrd__json *value, bool *ret_bool);
bool ctrd__json_int64(const struct ctrd__json *value, int64_t *ret_number);
bool ctrd__json_uint64(const struct ctrd__json *value, uint64_t *ret_number);
bool ctrd__json_double(const struct ctrd__json *value, double *ret_number);
const char *ctrd__json_string(const struct ctrd__json *value);
/* The number as it was written. */
const char *ctrd__json_number_text(const struct ctrd__json *value);

/* Members of an object or elements of an array; 0 for everything else. */
size_t ctrd__json_count(const struct ctrd__json *value);
/* The member under a key, borrowed. */
struct ctrd__json *ctrd__json_object_get(const struct ctrd__json *object, const char *key);
/* The nth member in order, NULL behind the last one. ret_key may be NULL. */
struct ctrd__json *ctrd__json_object_at(const struct ctrd__json *object, size_t n,
					const char **ret_key);
struct ctrd__json *ctrd__json_array_get(const struct ctrd__json *array, size_t n);
/* Go down by keys: ctrd__json_get(spec, "linux", "resources", NULL). */
__attribute__((sentinel)) struct ctrd__json *ctrd__json_get(const struct ctrd__json *object, ...);

/*
 * Change a tree. The value is consumed in any case, freed on failure; NULL stands for one that could
 * not be made (CTRD_ENOMEM), so that a maker can be the argument. CTRD_EINVAL: the first argument is
 * not an object or array.
 */
int ctrd__json_object_set(struct ctrd__json *object, const char *key, struct ctrd__json *value);
int ctrd__json_array_append(struct ctrd__json *array, struct ctrd__json *value);
/* Delete a member; false when there was none. */
bool ctrd__json_object_delete(struct ctrd__json *object, const char *key);
/* Delete the nth element; false when there was none. */
bool ctrd__json_array_delete(struct ctrd__json *array, size_t n);

#endif
