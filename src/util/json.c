/*
 * JSON trees: making, looking, changing, freeing, and printing through yajl's generator. The way from
 * text to a tree is json_parse.c.
 *
 * Invariant: a tree is always whole (no half-made member is ever linked), and its strings and keys
 * hold no NUL. Recursion goes as deep as the tree: what was parsed is bounded by
 * CTRD__JSON_DEPTH_MAX, deeper can only be put together by hand.
 *
 * yajl's generator does not check all of its allocations, so it never makes one: it draws from a
 * buffer on the stack that holds the two objects it asks for, and prints into our own builder.
 */
#include "util/json_impl.h"

#include "libctrd/base.h"
#include "util/str.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

enum {
	GROW_MIN = 4,
	/* yajl_gen is a state per level (4 bytes each, 128 levels) and change: 600 bytes in 2.1.0. */
	GEN_RESERVE = 4096,
};

struct ctrd__json *ctrd__json_new_null(void)
{
	return calloc(1, sizeof(struct ctrd__json));
}

static struct ctrd__json *new_node(enum ctrd__json_type type)
{
	struct ctrd__json *value = ctrd__json_new_null();

	if (value)
		value->type = type;
	return value;
}

struct ctrd__json *ctrd__json_new_bool(bool flag)
{
	struct ctrd__json *value = new_node(CTRD__JSON_BOOL);

	if (value)
		value->flag = flag;
	return value;
}

struct ctrd__json *ctrd__json_new_text(enum ctrd__json_type type, const char *text, size_t len)
{
	struct ctrd__json *value = new_node(type);

	if (!value)
		return NULL;
	value->text = ctrd__strdup_n(text, len);
	if (!value->text) {
		free(value);
		return NULL;
	}
	return value;
}

struct ctrd__json *ctrd__json_new_int(int64_t number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64, number);

	return ctrd__json_new_text(CTRD__JSON_NUMBER, text, (size_t)len);
}

struct ctrd__json *ctrd__json_new_uint(uint64_t number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIu64, number);

	return ctrd__json_new_text(CTRD__JSON_NUMBER, text, (size_t)len);
}

struct ctrd__json *ctrd__json_new_string(const char *text)
{
	return ctrd__json_new_text(CTRD__JSON_STRING, text, strlen(text));
}

struct ctrd__json *ctrd__json_new_array(void)
{
	return new_node(CTRD__JSON_ARRAY);
}

struct ctrd__json *ctrd__json_new_object(void)
{
	return new_node(CTRD__JSON_OBJECT);
}

void ctrd__json_free(struct ctrd__json *value)
{
	int saved = errno;

	if (!value)
		return;
	for (size_t i = 0; i < value->count; i++) {
		free(value->members[i].key);
		ctrd__json_free(value->members[i].value);
	}
	free(value->members);
	free(value->text);
	free(value);
	errno = saved;
}

int ctrd__json_add(struct ctrd__json *parent, char *key, struct ctrd__json *value)
{
	if (parent->count == parent->cap) {
		size_t cap = parent->cap ? parent->cap * 2 : GROW_MIN;
		struct ctrd__json_member *members = NULL;

		if (cap <= SIZE_MAX / 2 / sizeof(*members))
			members = realloc(parent->members, cap * sizeof(*members));
		if (!members)
			return CTRD_ENOMEM;
		parent->members = members;
		parent->cap = cap;
	}
	parent->members[parent->count++] = (struct ctrd__json_member){key, value};
	return CTRD_OK;
}

struct ctrd__json *ctrd__json_copy(const struct ctrd__json *value)
{
	CTRD__AUTO_JSON struct ctrd__json *copy = NULL;

	if (!value)
		return NULL;
	copy = new_node(value->type);
	if (!copy)
		return NULL;
	copy->flag = value->flag;
	if (value->text && !(copy->text = strdup(value->text)))
		return NULL;
	for (size_t i = 0; i < value->count; i++) {
		CTRD__AUTO_JSON struct ctrd__json *child = NULL;
		char *CTRD__AUTO_FREE key = NULL;

		if (value->members[i].key && !(key = strdup(value->members[i].key)))
			return NULL;
		child = ctrd__json_copy(value->members[i].value);
		if (!child || ctrd__json_add(copy, key, child) < 0)
			return NULL;
		key = NULL;
		child = NULL;
	}
	return ctrd__take_ptr(copy);
}

enum ctrd__json_type ctrd__json_type(const struct ctrd__json *value)
{
	return value ? value->type : CTRD__JSON_NULL;
}

bool ctrd__json_is(const struct ctrd__json *value, enum ctrd__json_type type)
{
	return value && value->type == type;
}

bool ctrd__json_bool(const struct ctrd__json *value, bool *ret_bool)
{
	if (!ctrd__json_is(value, CTRD__JSON_BOOL))
		return false;
	*ret_bool = value->flag;
	return true;
}

/* The value of decimal digits that are the whole rest of a text. */
static bool read_digits(const char *digits, uint64_t max, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (const char *p = digits; *p; p++) {
		unsigned int digit = (unsigned int)(*p - '0');

		if (*p < '0' || *p > '9' || number > (max - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*ret_number = number;
	return true;
}

bool ctrd__json_int64(const struct ctrd__json *value, int64_t *ret_number)
{
	uint64_t number;

	if (!ctrd__json_is(value, CTRD__JSON_NUMBER))
		return false;
	if (value->text[0] != '-') {
		if (!read_digits(value->text, INT64_MAX, &number))
			return false;
		*ret_number = (int64_t)number;
		return true;
	}
	if (!read_digits(value->text + 1, (uint64_t)INT64_MAX + 1, &number))
		return false;
	/* Negate without passing through +2^63, which does not exist. */
	*ret_number = number ? -(int64_t)(number - 1) - 1 : 0;
	return true;
}

bool ctrd__json_uint64(const struct ctrd__json *value, uint64_t *ret_number)
{
	if (!ctrd__json_is(value, CTRD__JSON_NUMBER) || value->text[0] == '-')
		return false;
	return read_digits(value->text, UINT64_MAX, ret_number);
}

bool ctrd__json_double(const struct ctrd__json *value, double *ret_number)
{
	char text[64], sample[16];
	char *point, *end;
	size_t len;
	double number;

	if (!ctrd__json_is(value, CTRD__JSON_NUMBER))
		return false;
	len = strlen(value->text);
	if (len >= sizeof(text))
		return false;
	memcpy(text, value->text, len + 1);
	/* The host may have set a locale in which strtod() wants another decimal point. */
	point = strchr(text, '.');
	if (point) {
		(void)snprintf(sample, sizeof(sample), "%.1f", 0.5);
		if (strlen(sample) == 3)
			*point = sample[1];
	}
	number = strtod(text, &end);
	if (*end || number - number != 0)
		return false;
	*ret_number = number;
	return true;
}

const char *ctrd__json_string(const struct ctrd__json *value)
{
	return ctrd__json_is(value, CTRD__JSON_STRING) ? value->text : NULL;
}

const char *ctrd__json_number_text(const struct ctrd__json *value)
{
	return ctrd__json_is(value, CTRD__JSON_NUMBER) ? value->text : NULL;
}

size_t ctrd__json_count(const struct ctrd__json *value)
{
	return value ? value->count : 0;
}

static struct ctrd__json_member *find_member(const struct ctrd__json *object, const char *key)
{
	if (!ctrd__json_is(object, CTRD__JSON_OBJECT))
		return NULL;
	for (size_t i = 0; i < object->count; i++) {
		if (strcmp(object->members[i].key, key) == 0)
			return &object->members[i];
	}
	return NULL;
}

struct ctrd__json *ctrd__json_object_get(const struct ctrd__json *object, const char *key)
{
	struct ctrd__json_member *member = find_member(object, key);

	return member ? member->value : NULL;
}

struct ctrd__json *ctrd__json_object_at(const struct ctrd__json *object, size_t n,
					const char **ret_key)
{
	if (!ctrd__json_is(object, CTRD__JSON_OBJECT) || n >= object->count)
		return NULL;
	if (ret_key)
		*ret_key = object->members[n].key;
	return object->members[n].value;
}

struct ctrd__json *ctrd__json_array_get(const struct ctrd__json *array, size_t n)
{
	if (!ctrd__json_is(array, CTRD__JSON_ARRAY) || n >= array->count)
		return NULL;
	return array->members[n].value;
}

struct ctrd__json *ctrd__json_get(const struct ctrd__json *object, ...)
{
	struct ctrd__json *value = NULL;
	const char *key;
	va_list keys;

	va_start(keys, object);
	while ((key = va_arg(keys, const char *)) != NULL) {
		value = ctrd__json_object_get(object, key);
		object = value;
	}
	va_end(keys);
	return value;
}

int ctrd__json_object_set(struct ctrd__json *object, const char *key, struct ctrd__json *value)
{
	CTRD__AUTO_JSON struct ctrd__json *owned = value;
	char *CTRD__AUTO_FREE copy = NULL;
	struct ctrd__json_member *member;

	if (!owned)
		return CTRD_ENOMEM;
	if (!ctrd__json_is(object, CTRD__JSON_OBJECT))
		return CTRD_EINVAL;
	member = find_member(object, key);
	if (member) {
		ctrd__json_free(member->value);
		member->value = ctrd__take_ptr(owned);
		return CTRD_OK;
	}
	copy = strdup(key);
	if (!copy || ctrd__json_add(object, copy, owned) < 0)
		return CTRD_ENOMEM;
	copy = NULL;
	owned = NULL;
	return CTRD_OK;
}

int ctrd__json_array_append(struct ctrd__json *array, struct ctrd__json *value)
{
	int r = CTRD_ENOMEM;

	if (value && !ctrd__json_is(array, CTRD__JSON_ARRAY))
		r = CTRD_EINVAL;
	else if (value)
		r = ctrd__json_add(array, NULL, value);
	if (r < 0)
		ctrd__json_free(value);
	return r;
}

static void delete_member(struct ctrd__json *parent, size_t n)
{
	struct ctrd__json_member *member = &parent->members[n];

	free(member->key);
	ctrd__json_free(member->value);
	parent->count--;
	memmove(member, member + 1, (parent->count - n) * sizeof(*member));
}

bool ctrd__json_object_delete(struct ctrd__json *object, const char *key)
{
	struct ctrd__json_member *member = find_member(object, key);

	if (!member)
		return false;
	delete_member(object, (size_t)(member - object->members));
	return true;
}

bool ctrd__json_array_delete(struct ctrd__json *array, size_t n)
{
	if (!ctrd__json_array_get(array, n))
		return false;
	delete_member(array, n);
	return true;
}

static void print_to_str(void *ctx, const char *text, size_t len)
{
	ctrd__str_append_n(ctx, text, len);
}

static bool print_text(yajl_gen gen, const char *text)
{
	size_t len = strlen(text);

	return ctrd__utf8_is_valid(text, len) &&
	       yajl_gen_string(gen, (const unsigned char *)text, len) == yajl_gen_status_ok;
}

/* The generator cannot be used any further once one of its calls has failed. */
static bool print_value(yajl_gen gen, const struct ctrd__json *value, unsigned int depth)
{
	bool is_object = value->type == CTRD__JSON_OBJECT;
	yajl_gen_status status;

	switch (value->type) {
	case CTRD__JSON_NULL:
		return yajl_gen_null(gen) == yajl_gen_status_ok;
	case CTRD__JSON_BOOL:
		return yajl_gen_bool(gen, value->flag) == yajl_gen_status_ok;
	case CTRD__JSON_NUMBER:
		status = yajl_gen_number(gen, value->text, strlen(value->text));
		return status == yajl_gen_status_ok;
	case CTRD__JSON_STRING:
		return print_text(gen, value->text);
	default:
		break;
	}
	if (depth >= CTRD__JSON_DEPTH_MAX)
		return false;
	status = is_object ? yajl_gen_map_open(gen) : yajl_gen_array_open(gen);
	if (status != yajl_gen_status_ok)
		return false;
	for (size_t i = 0; i < value->count; i++) {
		if (is_object && !print_text(gen, value->members[i].key))
			return false;
		if (!print_value(gen, value->members[i].value, depth + 1))
			return false;
	}
	status = is_object ? yajl_gen_map_close(gen) : yajl_gen_array_close(gen);
	return status == yajl_gen_status_ok;
}

int ctrd__json_print(const struct ctrd__json *value, char **ret_text, size_t *ret_len)
{
	CTRD__AUTO_STR struct ctrd__str text = CTRD__STR_INIT;
	_Alignas(max_align_t) char room[GEN_RESERVE];
	struct ctrd__json_reserve reserve = {room, sizeof(room), 0, NULL};
	yajl_alloc_funcs funcs = ctrd__json_reserve_funcs(&reserve);
	yajl_gen gen;
	size_t len;
	bool ok;

	gen = yajl_gen_alloc(&funcs);
	if (!gen)
		return CTRD_ENOMEM;
	(void)yajl_gen_config(gen, yajl_gen_print_callback, print_to_str, &text);
	ok = print_value(gen, value, 0);
	yajl_gen_free(gen);
	if (text.oom)
		return CTRD_ENOMEM;
	if (!ok)
		return CTRD_EINVAL;
	len = text.len;
	*ret_text = ctrd__str_take(&text);
	if (ret_len)
		*ret_len = len;
	return CTRD_OK;
}
