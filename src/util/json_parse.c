/*
 * JSON text to a tree. Two passes over one value: the scan finds where the value ends and refuses what
 * yajl would let through (depth, control characters, bad UTF-8, half surrogate pairs, NUL); then yajl
 * parses exactly that stretch in one piece and its callbacks build the tree.
 *
 * Invariant: nothing is allocated before the scan has accepted the value, and the input cannot drive
 * recursion: scan and yajl have none, the tree is at most CTRD__JSON_DEPTH_MAX deep.
 *
 * Why yajl cannot run out of memory (it does not check its allocations): it draws from a reserve made
 * beforehand, large enough for everything it can ask for. That is
 * - its handle, its lexer and two buffer heads, each once, some 400 bytes, and its state stack, one
 *   byte for each level in steps of 128: with headers below FIXED_RESERVE;
 * - the decode buffer, which takes one string at a time and only strings with escapes, whose longest
 *   the scan has measured; and the lexer's buffer, which takes a token that the end of the piece cuts
 *   off: none of a string, an array or an object (their last byte ends a token), else the whole value.
 *   Such a buffer starts at 2048 bytes and doubles until it is larger than its content of n bytes, so
 *   it ends below 2048 + 2n, and all its sizes one after the other are below twice that;
 * - an error text of one line.
 */
#include "util/json_impl.h"

#include "libctrd/base.h"
#include "util/str.h"
#include "util/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

enum {
	FIXED_RESERVE = 4096,
	BUFFER_RESERVE = 2 * 2048 + 256,
	LINEAR_KEYS = 16,
	KEY_SHOWN = 64,
};

struct text {
	const char *data;
	size_t len;
	size_t max_depth;
	size_t max_size;
	char *err;
};

/* Where a value is, and what it will ask of yajl's buffers. */
struct extent {
	size_t begin;
	size_t end;
	size_t longest_escaped;
	bool is_word; /* number, literal or rubbish: may be cut off by the end of the text */
};

struct builder {
	const struct text *text;
	const struct extent *extent;
	yajl_handle yajl;
	struct ctrd__json *root;
	struct ctrd__json *open[CTRD__JSON_DEPTH_MAX];
	size_t depth;
	char *key;
	int status;
};

/* Say why and where (offset into the text); returns status. */
__attribute__((format(printf, 4, 5))) static int refuse(const struct text *text, size_t offset,
							int status, const char *format, ...)
{
	size_t line = 1, start = 0;
	va_list args;
	int n;

	if (!text->err)
		return status;
	for (size_t i = 0; i < offset && i < text->len; i++) {
		if (text->data[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	n = snprintf(text->err, CTRD__JSON_ERR_SIZE, "line %zu, column %zu: ", line,
		     offset - start + 1);
	va_start(args, format);
	(void)vsnprintf(text->err + n, CTRD__JSON_ERR_SIZE - (size_t)n, format, args);
	va_end(args);
	return status;
}

static int refuse_memory(const struct text *text)
{
	if (text->err)
		(void)snprintf(text->err, CTRD__JSON_ERR_SIZE, "out of memory");
	return CTRD_ENOMEM;
}

static int refuse_end(const struct text *text)
{
	return refuse(text, text->len, CTRD_EDATALOSS, "the text ends within a value");
}

/* A wrong sequence inside a string, which at the end of the text may only be an unfinished one. */
static int refuse_here(const struct text *text, size_t at, const char *what)
{
	if (text->len - at < 12 && !memchr(text->data + at, '"', text->len - at))
		return refuse_end(text);
	return refuse(text, at, CTRD_EINVAL, "%s", what);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20;
}

static size_t skip_space(const struct text *text, size_t at)
{
	while (at < text->len && is_space(text->data[at]))
		at++;
	return at;
}

/* The value of the escape \uXXXX at the offset, -1 when there is none. */
static int read_u_escape(const struct text *text, size_t at)
{
	int value = 0;

	if (text->len - at < 6 || text->data[at] != '\\' || text->data[at + 1] != 'u')
		return -1;
	for (size_t i = at + 2; i < at + 6; i++) {
		char c = text->data[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return value;
}

/* Step over the escape at *at. What is no escape at all is left for yajl to name. */
static int scan_escape(const struct text *text, size_t *at)
{
	int first = read_u_escape(text, *at), second;

	if (first < 0) {
		*at += 2;
		return CTRD_OK;
	}
	if (first == 0)
		return refuse(text, *at, CTRD_EINVAL, "NUL inside a string");
	if (first < 0xd800 || first > 0xdfff) {
		*at += 6;
		return CTRD_OK;
	}
	second = read_u_escape(text, *at + 6);
	if (first > 0xdbff || second < 0xdc00 || second > 0xdfff)
		return refuse_here(text, *at, "half a surrogate pair inside a string");
	*at += 12;
	return CTRD_OK;
}

/* Step from the opening quote at *at to behind the closing one. */
static int scan_string(const struct text *text, size_t *at, struct extent *extent)
{
	bool escaped = false;
	size_t begin = *at;
	size_t i = begin + 1;

	while (i < text->len && text->data[i] != '"') {
		if (text->data[i] == '\\') {
			int r = scan_escape(text, &i);

			if (r < 0)
				return r;
			escaped = true;
		} else if (is_control(text->data[i])) {
			return refuse(text, i, CTRD_EINVAL, "control character inside a string");
		} else {
			size_t n = ctrd__utf8_char_len(text->data + i, text->len - i);

			if (!n)
				return refuse_here(text, i, "invalid UTF-8 inside a string");
			i += n;
		}
	}
	if (i >= text->len)
		return refuse_end(text);
	*at = i + 1;
	if (escaped && *at - begin > extent->longest_escaped)
		extent->longest_escaped = *at - begin;
	return CTRD_OK;
}

/* Step over a number or literal, or over one byte that starts nothing. */
static int scan_word(const struct text *text, size_t *at)
{
	do {
		if (is_control(text->data[*at]))
			return refuse(text, *at, CTRD_EINVAL, "control character");
		++*at;
	} while (*at < text->len && !is_space(text->data[*at]) &&
		 !strchr("{}[],:\"", text->data[*at]));
	return CTRD_OK;
}

static int scan_value(const struct text *text, size_t begin, struct extent *ret_extent)
{
	struct extent extent = {begin, begin, 0, false};
	size_t at = begin, depth = 0;
	int r = CTRD_OK;

	do {
		char c;

		if (at >= text->len)
			return refuse_end(text);
		c = text->data[at];
		if (c == '"') {
			r = scan_string(text, &at, &extent);
		} else if (c == '{' || c == '[') {
			if (++depth > text->max_depth)
				return refuse(text, at, CTRD_ERANGE,
					      "nested deeper than %zu levels", text->max_depth);
			at++;
		} else if (depth && (c == '}' || c == ']')) {
			depth--;
			at++;
		} else if (depth && (is_space(c) || c == ',' || c == ':')) {
			at++;
		} else {
			extent.is_word = !depth;
			r = scan_word(text, &at);
		}
		if (r < 0)
			return r;
		if (at - begin > text->max_size)
			return refuse(text, begin, CTRD_ERESOURCES, "longer than %zu bytes",
				      text->max_size);
	} while (depth);
	extent.end = at;
	*ret_extent = extent;
	return CTRD_OK;
}

/* A key for a message of one line: cut short, without control characters. */
static const char *show_key(const char *key, char shown[KEY_SHOWN])
{
	size_t len = strlen(key), at = 0;

	while (at < len) {
		size_t n = ctrd__utf8_char_len(key + at, len - at);

		if (!n || at + n >= KEY_SHOWN)
			break;
		for (; n; n--, at++)
			shown[at] = is_control(key[at]) ? '?' : key[at];
	}
	shown[at] = '\0';
	return shown;
}

static void sift_down(const char **keys, size_t root, size_t count)
{
	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		const char *key = keys[root];

		if (child + 1 < count && strcmp(keys[child], keys[child + 1]) < 0)
			child++;
		if (strcmp(key, keys[child]) >= 0)
			return;
		keys[root] = keys[child];
		keys[child] = key;
	}
}

/*
 * Heap sort: in place and never quadratic, whatever the input, and unlike the qsort() of some C
 * libraries it allocates nothing.
 */
static void sort_keys(const char **keys, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift_down(keys, i, count);
	for (size_t i = count; i-- > 1;) {
		const char *largest = keys[0];

		keys[0] = keys[i];
		keys[i] = largest;
		sift_down(keys, 0, i);
	}
}

/* Find a key that an object has twice, NULL when there is none. */
static int find_duplicate(const struct ctrd__json *object, const char **ret_key)
{
	const char *few[LINEAR_KEYS];
	const char **CTRD__AUTO_FREE many = NULL;
	const char **keys = few;

	if (object->count > LINEAR_KEYS) {
		many = malloc(object->count * sizeof(*many));
		if (!many)
			return CTRD_ENOMEM;
		keys = many;
	}
	for (size_t i = 0; i < object->count; i++)
		keys[i] = object->members[i].key;
	sort_keys(keys, object->count);
	*ret_key = NULL;
	for (size_t i = 1; i < object->count; i++) {
		if (strcmp(keys[i - 1], keys[i]) == 0)
			*ret_key = keys[i];
	}
	return CTRD_OK;
}

/* Callbacks: 1 goes on, 0 ends the parse with builder->status. */

static int give_up(struct builder *builder, int status)
{
	builder->status = status;
	return 0;
}

/* Hang a new node into the tree, which owns it from then on. */
static int add_value(struct builder *builder, struct ctrd__json *value)
{
	if (!value)
		return give_up(builder, refuse_memory(builder->text));
	if (!builder->depth) {
		builder->root = value;
		return 1;
	}
	if (ctrd__json_add(builder->open[builder->depth - 1], builder->key, value) < 0) {
		ctrd__json_free(value);
		return give_up(builder, refuse_memory(builder->text));
	}
	builder->key = NULL;
	return 1;
}

static int on_null(void *ctx)
{
	return add_value(ctx, ctrd__json_new_null());
}

static int on_bool(void *ctx, int flag)
{
	return add_value(ctx, ctrd__json_new_bool(flag != 0));
}

static int on_number(void *ctx, const char *text, size_t len)
{
	return add_value(ctx, ctrd__json_new_text(CTRD__JSON_NUMBER, text, len));
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	return add_value(ctx, ctrd__json_new_text(CTRD__JSON_STRING, (const char *)text, len));
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct builder *builder = ctx;

	builder->key = ctrd__strdup_n((const char *)text, len);
	return builder->key ? 1 : give_up(builder, refuse_memory(builder->text));
}

static int open_container(struct builder *builder, struct ctrd__json *value)
{
	/* The scan counted already; this is for the day the two should disagree. */
	if (builder->depth >= CTRD__JSON_DEPTH_MAX) {
		ctrd__json_free(value);
		return give_up(builder, CTRD_ERANGE);
	}
	if (!add_value(builder, value))
		return 0;
	builder->open[builder->depth++] = value;
	return 1;
}

static int on_object_begin(void *ctx)
{
	return open_container(ctx, ctrd__json_new_object());
}

static int on_array_begin(void *ctx)
{
	return open_container(ctx, ctrd__json_new_array());
}

static int on_array_end(void *ctx)
{
	struct builder *builder = ctx;

	builder->depth--;
	return 1;
}

static int on_object_end(void *ctx)
{
	struct builder *builder = ctx;
	size_t at = builder->extent->begin + yajl_get_bytes_consumed(builder->yajl);
	const char *twice = NULL;
	char shown[KEY_SHOWN];

	if (find_duplicate(builder->open[--builder->depth], &twice) < 0)
		return give_up(builder, refuse_memory(builder->text));
	if (!twice)
		return 1;
	return give_up(builder, refuse(builder->text, at - 1, CTRD_EINVAL,
				       "the object that ends here has the key \"%s\" twice",
				       show_key(twice, shown)));
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_object_begin,
	.yajl_map_key = on_key,
	.yajl_end_map = on_object_end,
	.yajl_start_array = on_array_begin,
	.yajl_end_array = on_array_end,
};

/* Put yajl's own words into one line without its full stop. */
static int refuse_syntax(struct builder *builder, size_t at)
{
	unsigned char *words = yajl_get_error(builder->yajl, 0, NULL, 0);
	size_t len = words ? strlen((const char *)words) : 0;

	while (len && (words[len - 1] == '\n' || words[len - 1] == '.'))
		len--;
	(void)refuse(builder->text, at, CTRD_EINVAL, "%.*s", (int)len,
		     words ? (const char *)words : "");
	if (words)
		yajl_free_error(builder->yajl, words);
	return CTRD_EINVAL;
}

static int run_yajl(struct builder *builder)
{
	const char *begin = builder->text->data + builder->extent->begin;
	size_t len = builder->extent->end - builder->extent->begin;
	yajl_status status;
	size_t used;

	status = yajl_parse(builder->yajl, (const unsigned char *)begin, len);
	used = yajl_get_bytes_consumed(builder->yajl);
	if (status == yajl_status_ok) {
		status = yajl_complete_parse(builder->yajl);
		used = len;
	}
	if (status == yajl_status_ok)
		return CTRD_OK;
	if (builder->status < 0)
		return builder->status;
	return refuse_syntax(builder, builder->extent->begin + used);
}

static int build_tree(const struct text *text, const struct extent *extent,
		      struct ctrd__json **ret_value)
{
	size_t cut_off = extent->is_word ? extent->end - extent->begin : 0;
	size_t size = FIXED_RESERVE + 2 * BUFFER_RESERVE + 4 * (extent->longest_escaped + cut_off);
	char *CTRD__AUTO_FREE room = malloc(size);
	struct ctrd__json_reserve reserve = {room, size, 0, NULL};
	yajl_alloc_funcs funcs = ctrd__json_reserve_funcs(&reserve);
	struct builder builder = {.text = text, .extent = extent};
	int r;

	if (!room)
		return refuse_memory(text);
	builder.yajl = yajl_alloc(&callbacks, &funcs, &builder);
	if (!builder.yajl)
		return refuse_memory(text);
	r = run_yajl(&builder);
	yajl_free(builder.yajl);
	free(builder.key);
	if (r < 0) {
		ctrd__json_free(builder.root);
		return r;
	}
	*ret_value = builder.root;
	return CTRD_OK;
}

/* The first value of a text, and where it ends. */
static int parse_value(const struct text *text, size_t *ret_end, struct ctrd__json **ret_value)
{
	struct extent extent;
	size_t begin;
	int r;

	if (text->len >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0)
		return refuse(text, 0, CTRD_EINVAL, "the text starts with a byte order mark");
	begin = skip_space(text, 0);
	if (begin == text->len)
		return refuse(text, begin, CTRD_ENOTFOUND, "there is no value");
	r = scan_value(text, begin, &extent);
	if (r < 0)
		return r;
	r = build_tree(text, &extent, ret_value);
	if (r < 0)
		return r;
	*ret_end = extent.end;
	return CTRD_OK;
}

static struct text make_text(const char *data, size_t len, size_t max_depth, size_t max_size,
			     char *err)
{
	if (!max_depth)
		max_depth = CTRD__JSON_DEPTH_DEFAULT;
	if (max_depth > CTRD__JSON_DEPTH_MAX)
		max_depth = CTRD__JSON_DEPTH_MAX;
	if (!max_size)
		max_size = CTRD__JSON_SIZE_DEFAULT;
	/* Keeps the count of the reserve far from overflowing. */
	if (max_size > SIZE_MAX / 16)
		max_size = SIZE_MAX / 16;
	return (struct text){data, len, max_depth, max_size, err};
}

int ctrd__json_parse(const char *data, size_t len, size_t max_depth, size_t max_size,
		     struct ctrd__json **ret_value, char *err)
{
	struct text text = make_text(data, len, max_depth, max_size, err);
	CTRD__AUTO_JSON struct ctrd__json *value = NULL;
	size_t end = 0;
	int r;

	if (len > text.max_size)
		return refuse(&text, 0, CTRD_ERESOURCES, "longer than %zu bytes", text.max_size);
	r = parse_value(&text, &end, &value);
	if (r == CTRD_ENOTFOUND || r == CTRD_EDATALOSS)
		return CTRD_EINVAL;
	if (r < 0)
		return r;
	end = skip_space(&text, end);
	if (end < len)
		return refuse(&text, end, CTRD_EINVAL, "there is more text behind the value");
	*ret_value = ctrd__take_ptr(value);
	return CTRD_OK;
}

int ctrd__json_parse_next(const char *data, size_t len, size_t *ret_used, size_t max_depth,
			  size_t max_size, struct ctrd__json **ret_value, char *err)
{
	struct text text = make_text(data, len, max_depth, max_size, err);

	return parse_value(&text, ret_used, ret_value);
}
