/*
 * util/json.h and util/utf8.h: what is read, printed and refused, the limits, and trees that are
 * looked at and changed. With failing allocations it is also the proof that the reserve of
 * json_parse.c suffices: yajl would crash on one of its own that failed.
 */
#include "libctrd/base.h"
#include "support/test.h"
#include "util/json.h"
#include "util/str.h"
#include "util/utf8.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Memory that runs out on purpose ends a test here: what it holds is freed on the way out. */
#define ALLOCATED(r)                                          \
	do {                                                  \
		if ((r) == CTRD_ENOMEM) {                     \
			CHECK(test_is_failing_allocations()); \
			return;                               \
		}                                             \
	} while (0)

/* The text that parsing and printing make of a text. False: out of memory on purpose. */
static bool check_round(const char *text, const char *expected)
{
	CTRD__AUTO_JSON struct ctrd__json *value = NULL;
	CTRD__AUTO_JSON struct ctrd__json *copy = NULL;
	char *CTRD__AUTO_FREE printed = NULL;
	char *CTRD__AUTO_FREE again = NULL;
	char err[CTRD__JSON_ERR_SIZE] = "";
	size_t len;
	int r;

	test_note("text: %.200s", text);
	r = ctrd__json_parse(text, strlen(text), 0, 0, &value, err);
	if (r == CTRD_ENOMEM) {
		CHECK_STR(err, "out of memory");
		CHECK(value == NULL);
		return false;
	}
	CHECK_STR(err, "");
	CHECK_INT(r, 0);
	r = ctrd__json_print(value, &printed, &len);
	if (r == CTRD_ENOMEM)
		return false;
	CHECK_INT(r, 0);
	CHECK_STR(printed, expected);
	CHECK_INT(len, strlen(printed));
	copy = ctrd__json_copy(value);
	if (!copy || ctrd__json_print(copy, &again, NULL) == CTRD_ENOMEM)
		return false;
	CHECK_STR(again, expected);
	return true;
}

static void check_refused(const char *text, size_t len, int status, const char *why)
{
	struct ctrd__json *value = NULL;
	char err[CTRD__JSON_ERR_SIZE] = "";
	int r = ctrd__json_parse(text, len, 0, 0, &value, err);

	test_note("text: %.200s", text);
	CHECK(value == NULL);
	if (r == CTRD_ENOMEM && test_is_failing_allocations())
		return;
	CHECK_CONTAINS(err, why);
	CHECK_INT(r, status);
	CHECK(ctrd__json_parse(text, len, 0, 0, &value, NULL) == r ||
	      test_is_failing_allocations());
}

TEST(json_round_trip)
{
	static const char *const same[] = {
		"null",
		"true",
		"false",
		"\"\"",
		"[]",
		"{}",
		"0",
		"-0",
		"12",
		"1.50",
		"-1.0e+400",
		"123456789012345678901234567890.000",
		"[1,[2,[3,[]]],{}]",
		"{\"b\":1,\"a\":{\"c\":[null,true,false,\"x\"]},\"\":2}",
		"\"\\\\ \\\" / \\b\\f\\n\\r\\t \xc3\xa9 \xf0\x9f\x98\x80 \x7f\"",
		"\"\\u001F\"",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (!check_round(same[i], same[i]))
			return;
	}
	(void)(check_round(" {\n\t\"a\" : [ 1 ,\r 2 ] } \n", "{\"a\":[1,2]}") &&
	       check_round("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\/\"", "\"A\xc3\xa9\xe2\x82\xac"
									 "\xf0\x9f\x98\x80/\"") &&
	       check_round("{\"k\\u0065y\":1}", "{\"key\":1}"));
}

TEST(json_refuses)
{
	static const struct {
		const char *text;
		const char *why;
	} table[] = {
		{"", "line 1, column 1: there is no value"},
		{" \n ", "line 2, column 2: there is no value"},
		{"\xef\xbb\xbf{}", "byte order mark"},
		{"{} x", "line 1, column 4: there is more text"},
		{"1 2", "there is more text"},
		{"{}}", "there is more text"},
		{"{\"a\":1", "ends within a value"},
		{"[", "ends within a value"},
		{"\"abc", "ends within a value"},
		{"\"abc\\", "ends within a value"},
		{"\"\\u00", "ends within a value"},
		{"{\n \"a\": 1,\n \"b\" 2}", "line 3, column 7"},
		{"[1,]", "unallowed token"},
		{"{\"a\":1,}", "object key"},
		{"{1:2}", "object key"},
		{"[1}", "expect ',' or ']'"},
		{"}", "unallowed token"},
		{",", "unallowed token"},
		{"tru", "invalid string"},
		{"nullx", "trailing garbage"},
		{"01", "trailing garbage"},
		{"[01]", "expect ',' or ']'"},
		{"-", "digit is required"},
		{"[1.]", "digit is required"},
		{"[1e]", "digit is required"},
		{"+1", "invalid char"},
		{"NaN", "invalid char"},
		{"'a'", "invalid char"},
		{"[\xc3\xa9]", "invalid char"},
		{"/* c */ 1", "comment"},
		{"[1, // c\n 2]", "comment"},
		{"\v1", "control character"},
		{"[\f1]", "control character"},
		{"\"a\nb\"", "control character inside a string"},
		{"\"\x1f\"", "control character inside a string"},
		{"\"\\x\"", "may not"},
		{"\"\\u12g4\"", "non-hex"},
		{"\"\\u12\"", "non-hex"},
		{"\"\\u0000\"", "NUL inside a string"},
		{"{\"a\\u0000b\":1}", "NUL inside a string"},
		{"\"\\ud800\"", "half a surrogate pair"},
		{"\"\\ud800\\u0041\"", "half a surrogate pair"},
		{"\"\\ud800\\ud800\"", "half a surrogate pair"},
		{"\"\\udc00\\ud800\"", "half a surrogate pair"},
		{"\"\xff\"", "line 1, column 2: invalid UTF-8"},
		{"\"\xc0\x80\"", "invalid UTF-8"},
		{"\"\xed\xa0\x80\"", "invalid UTF-8"},
		{"\"\xf4\x90\x80\x80\"", "invalid UTF-8"},
		{"{\"a\":1,\"a\":2}",
		 "column 13: the object that ends here has the key \"a\" twice"},
		{"[{\"a\":{},\"b\":{},\"\\u0061\":[]}]", "key \"a\" twice"},
		{"{\"a\\nb\":1,\"a\\nb\":2}", "key \"a?b\" twice"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		check_refused(table[i].text, strlen(table[i].text), CTRD_EINVAL, table[i].why);
	check_refused("[1\0]", 4, CTRD_EINVAL, "control character");
	check_refused("\0", 1, CTRD_EINVAL, "control character");
	check_refused("1\0", 2, CTRD_EINVAL, "more text");
	check_refused("\"a\0b\"", 5, CTRD_EINVAL, "control character inside a string");
}

static char *make_nested(size_t levels)
{
	char *text = malloc(2 * levels + 1);

	CHECK(text != NULL);
	memset(text, '[', levels);
	memset(text + levels, ']', levels);
	text[2 * levels] = '\0';
	return text;
}

TEST(json_refuses_depth)
{
	char *CTRD__AUTO_FREE deep = make_nested(10000);
	char *CTRD__AUTO_FREE fits = make_nested(64);
	char *CTRD__AUTO_FREE over = make_nested(65);
	char *CTRD__AUTO_FREE most = make_nested(CTRD__JSON_DEPTH_MAX);
	CTRD__AUTO_JSON struct ctrd__json *value = NULL;
	char *CTRD__AUTO_FREE printed = NULL;
	int64_t begin = test_now_ms();
	int r;

	check_refused(deep, 20000, CTRD_ERANGE, "column 65: nested deeper than 64 levels");
	/* Also when it is not even closed. */
	check_refused(deep, 10000, CTRD_ERANGE, "nested deeper");
	CHECK(test_now_ms() - begin < test_timeout_ms(100));
	check_refused(over, strlen(over), CTRD_ERANGE, "nested deeper");
	if (!check_round(fits, fits))
		return;
	CHECK_INT(ctrd__json_parse("[[1]]", 5, 1, 0, &value, NULL), CTRD_ERANGE);
	/* A limit above the highest is the highest. */
	CHECK_INT(ctrd__json_parse(deep, 20000, 1000000, 0, &value, NULL), CTRD_ERANGE);
	r = ctrd__json_parse(most, strlen(most), CTRD__JSON_DEPTH_MAX, 0, &value, NULL);
	ALLOCATED(r);
	CHECK_INT(r, 0);
	r = ctrd__json_print(value, &printed, NULL);
	ALLOCATED(r);
	CHECK_STR(printed, most);
}

TEST(json_refuses_size)
{
	enum { SIZE = 20 << 20 };
	char *CTRD__AUTO_FREE text = malloc(SIZE);
	CTRD__AUTO_JSON struct ctrd__json *value = NULL;
	char err[CTRD__JSON_ERR_SIZE];
	int64_t begin;
	size_t used;

	CHECK(text != NULL);
	memset(text, 'x', SIZE);
	text[0] = text[SIZE - 1] = '"';
	begin = test_now_ms();
	CHECK_INT(ctrd__json_parse(text, SIZE, 0, 0, &value, err), CTRD_ERESOURCES);
	CHECK_CONTAINS(err, "longer than 4194304 bytes");
	CHECK(test_now_ms() - begin < test_timeout_ms(100));
	CHECK_INT(ctrd__json_parse("[1,2]", 5, 0, 4, &value, err), CTRD_ERESOURCES);
	/* In a series the limit is one of each value. */
	CHECK_INT(ctrd__json_parse_next(text, SIZE, &used, 0, 0, &value, err), CTRD_ERESOURCES);
	CHECK_INT(ctrd__json_parse_next("[1] [1,2]", 9, &used, 0, 3, &value, err), 0);
	CHECK_INT(ctrd__json_parse_next("[1,2] [1]", 9, &used, 0, 3, &value, err), CTRD_ERESOURCES);
}

TEST(json_many_keys_are_not_quadratic)
{
	CTRD__AUTO_STR struct ctrd__str text = CTRD__STR_INIT;
	CTRD__AUTO_JSON struct ctrd__json *value = NULL;
	char err[CTRD__JSON_ERR_SIZE] = "";
	clock_t begin;
	int count = test_scale(30000);
	int r;

	if (getenv("CTRD_TEST_OOM"))
		count = 40;
	ctrd__str_append_char(&text, '{');
	for (int i = 0; i < count; i++)
		ctrd__str_appendf(&text, "%s\"key%07d\":1", i ? "," : "", i);
	ctrd__str_append_char(&text, '}');
	if (text.oom)
		return;
	/* Processor time: the machine may be busy. Comparing all pairs would take twice that alone. */
	begin = clock();
	r = ctrd__json_parse(text.data, text.len, 0, 0, &value, err);
	ALLOCATED(r);
	CHECK_STR(err, "");
	CHECK((clock() - begin) / (CLOCKS_PER_SEC / 1000) < test_timeout_ms(3000));
	CHECK_INT(ctrd__json_count(value), count);
	/* The last key again. */
	text.data[text.len - 1] = ',';
	ctrd__str_appendf(&text, "\"key%07d\":2}", count - 1);
	if (text.oom)
		return;
	check_refused(text.data, text.len, CTRD_EINVAL, "twice");
}

/* Strings of every kind of length, with escapes: yajl's buffers grow, the reserve must hold them. */
TEST(json_long_escaped_strings)
{
	static const size_t lengths[] = {10,   2040,  2047,  2048,  2049,  4090,   4096,
					 8191, 16384, 65535, 65537, 99999, 1000000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		if (lengths[i] > (size_t)test_scale(1000000))
			break;
		CTRD__AUTO_STR struct ctrd__str text = CTRD__STR_INIT;

		ctrd__str_append(&text, "[\"\\n\",{\"");
		for (size_t n = 0; n < lengths[i] / 2; n++)
			ctrd__str_append(&text, "\\n");
		ctrd__str_append(&text, "\":\"");
		for (size_t n = 0; n < lengths[i]; n++)
			ctrd__str_append_char(&text, 'x');
		ctrd__str_append(&text, "\\\"\"}]");
		if (text.oom || !check_round(text.data, text.data))
			return;
	}
}

/* A word at the top is what yajl keeps as a whole until it sees the end. */
TEST(json_long_words)
{
	for (size_t len = 1; len < 100000; len = len * 3 + 1) {
		char *CTRD__AUTO_FREE text = malloc(len + 1);

		CHECK(text != NULL);
		memset(text, '7', len);
		text[len] = '\0';
		if (!check_round(text, text))
			return;
		text[len - 1] = 'e';
		check_refused(text, len, CTRD_EINVAL, "error");
	}
}

TEST(json_series)
{
	const char *text =
		"{\"level\":\"error\",\n \"msg\": \"one\"}\n\n{\"msg\":\"two\"}[3]\"four\"5 "
		"true \n\t";
	static const char *const expected[] = {"{\"level\":\"error\",\"msg\":\"one\"}",
					       "{\"msg\":\"two\"}",
					       "[3]",
					       "\"four\"",
					       "5",
					       "true"};
	char err[CTRD__JSON_ERR_SIZE] = "";
	size_t len = strlen(text), at = 0, used;

	for (size_t i = 0; i < 6; i++) {
		CTRD__AUTO_JSON struct ctrd__json *value = NULL;
		char *CTRD__AUTO_FREE printed = NULL;
		int r = ctrd__json_parse_next(text + at, len - at, &used, 0, 0, &value, err);

		ALLOCATED(r);
		CHECK_STR(err, "");
		CHECK_INT(r, 0);
		r = ctrd__json_print(value, &printed, NULL);
		ALLOCATED(r);
		CHECK_STR(printed, expected[i]);
		at += used;
	}
	used = 77;
	CHECK_INT(ctrd__json_parse_next(text + at, len - at, &used, 0, 0, NULL, err),
		  CTRD_ENOTFOUND);
	CHECK_INT(ctrd__json_parse_next("", 0, &used, 0, 0, NULL, err), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__json_parse_next("warning: x", 10, &used, 0, 0, NULL, err), CTRD_EINVAL);
	CHECK_INT(used, 77);
}

/* Whatever is missing at the end of a value, the rest may still come. */
TEST(json_series_tells_unfinished_from_wrong)
{
	const char *text = "{\"k\":[1,\"a\\u00e9\\ud83d\\ude00\xc3\xa9\xf0\x9f\x98\x80\",true]}";
	struct ctrd__json *value = NULL;
	char err[CTRD__JSON_ERR_SIZE];
	size_t used;

	for (size_t len = 1; len < strlen(text); len++) {
		test_note("length %zu", len);
		CHECK_INT(ctrd__json_parse_next(text, len, &used, 0, 0, &value, err),
			  CTRD_EDATALOSS);
		CHECK_CONTAINS(err, "ends within a value");
	}
	CHECK(value == NULL);
}

TEST(json_looks)
{
	const char *text = "{\"linux\":{\"resources\":{\"cpu\":[1,-2]}},\"s\":\"x\",\"t\":true,"
			   "\"d\":2.5,\"n\":null}";
	CTRD__AUTO_JSON struct ctrd__json *doc = NULL;
	struct ctrd__json *cpu;
	const char *key = NULL;
	int64_t i = 0;
	double d = 0;
	bool b = false;
	int r = ctrd__json_parse(text, strlen(text), 0, 0, &doc, NULL);

	ALLOCATED(r);
	cpu = ctrd__json_get(doc, "linux", "resources", "cpu", NULL);
	CHECK(ctrd__json_is(cpu, CTRD__JSON_ARRAY));
	CHECK_INT(ctrd__json_count(cpu), 2);
	CHECK(ctrd__json_int64(ctrd__json_array_get(cpu, 1), &i));
	CHECK_INT(i, -2);
	CHECK(ctrd__json_array_get(cpu, 2) == NULL);
	CHECK(ctrd__json_get(doc, "linux", "none", "cpu", NULL) == NULL);
	CHECK(ctrd__json_get(doc, "s", "x", NULL) == NULL);
	CHECK(ctrd__json_get(NULL, "s", NULL) == NULL);
	CHECK_STR(ctrd__json_string(ctrd__json_get(doc, "s", NULL)), "x");
	CHECK(ctrd__json_string(ctrd__json_get(doc, "t", NULL)) == NULL);
	CHECK(ctrd__json_string(NULL) == NULL);
	CHECK(ctrd__json_bool(ctrd__json_get(doc, "t", NULL), &b) && b);
	CHECK(!ctrd__json_bool(ctrd__json_get(doc, "s", NULL), &b));
	CHECK(ctrd__json_double(ctrd__json_get(doc, "d", NULL), &d) && d == 2.5);
	CHECK_STR(ctrd__json_number_text(ctrd__json_get(doc, "d", NULL)), "2.5");
	CHECK(!ctrd__json_int64(ctrd__json_get(doc, "d", NULL), &i));
	CHECK(ctrd__json_is(ctrd__json_get(doc, "n", NULL), CTRD__JSON_NULL));
	CHECK(!ctrd__json_is(NULL, CTRD__JSON_NULL));
	CHECK_INT(ctrd__json_type(doc), CTRD__JSON_OBJECT);
	CHECK_INT(ctrd__json_count(doc), 5);
	CHECK(ctrd__json_is(ctrd__json_object_at(doc, 1, &key), CTRD__JSON_STRING));
	CHECK_STR(key, "s");
	CHECK(ctrd__json_object_at(doc, 5, &key) == NULL);
	CHECK(ctrd__json_object_at(cpu, 0, &key) == NULL);
	CHECK(ctrd__json_array_get(doc, 0) == NULL);
}

static void check_number(const char *text, bool is_int, int64_t number, bool is_uint,
			 uint64_t positive)
{
	CTRD__AUTO_JSON struct ctrd__json *value = NULL;
	int64_t i = 0;
	uint64_t u = 0;
	int r = ctrd__json_parse(text, strlen(text), 0, 0, &value, NULL);

	ALLOCATED(r);
	test_note("number %s", text);
	CHECK_INT(r, 0);
	CHECK_INT(ctrd__json_int64(value, &i), is_int);
	CHECK_INT(i, number);
	CHECK_INT(ctrd__json_uint64(value, &u), is_uint);
	CHECK(u == positive);
}

TEST(json_numbers_have_edges)
{
	check_number("0", true, 0, true, 0);
	check_number("-0", true, 0, false, 0);
	check_number("9223372036854775807", true, INT64_MAX, true, INT64_MAX);
	check_number("9223372036854775808", false, 0, true, (uint64_t)INT64_MAX + 1);
	check_number("-9223372036854775808", true, INT64_MIN, false, 0);
	check_number("-9223372036854775809", false, 0, false, 0);
	check_number("18446744073709551615", false, 0, true, UINT64_MAX);
	check_number("18446744073709551616", false, 0, false, 0);
	check_number("99999999999999999999999", false, 0, false, 0);
	check_number("1.0", false, 0, false, 0);
	check_number("1e3", false, 0, false, 0);
}

TEST(json_double_is_the_same_in_every_locale)
{
	static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"};
	CTRD__AUTO_JSON struct ctrd__json *value = NULL;
	CTRD__AUTO_JSON struct ctrd__json *large = NULL;
	double d = 0;
	int r = ctrd__json_parse("-1.25e2", 7, 0, 0, &value, NULL);

	ALLOCATED(r);
	r = ctrd__json_parse("1e999", 5, 0, 0, &large, NULL);
	ALLOCATED(r);
	CHECK(!ctrd__json_double(large, &d));
	for (size_t i = 0; i < 4; i++) {
		if (!setlocale(LC_ALL, locales[i]))
			continue;
		CHECK(ctrd__json_double(value, &d) && d == -125);
	}
	(void)setlocale(LC_ALL, "C");
}

TEST(json_builds_and_changes)
{
	CTRD__AUTO_JSON struct ctrd__json *doc = ctrd__json_new_object();
	char *CTRD__AUTO_FREE text = NULL;
	struct ctrd__json *list;
	int r;

	if (!doc)
		return;
	r = ctrd__json_object_set(doc, "a", ctrd__json_new_int(INT64_MIN));
	ALLOCATED(r);
	r = ctrd__json_object_set(doc, "b", ctrd__json_new_uint(UINT64_MAX));
	ALLOCATED(r);
	r = ctrd__json_object_set(doc, "list", ctrd__json_new_array());
	ALLOCATED(r);
	list = ctrd__json_object_get(doc, "list");
	for (int i = 0; i < 6; i++) {
		r = ctrd__json_array_append(list, ctrd__json_new_int(i));
		ALLOCATED(r);
	}
	CHECK(ctrd__json_array_delete(list, 5));
	CHECK(ctrd__json_array_delete(list, 0));
	CHECK(!ctrd__json_array_delete(list, 4));
	/* A member that is there keeps its place. */
	r = ctrd__json_object_set(doc, "a", ctrd__json_new_string("\t\x01\""));
	ALLOCATED(r);
	CHECK(ctrd__json_object_delete(doc, "b"));
	CHECK(!ctrd__json_object_delete(doc, "b"));
	CHECK(!ctrd__json_object_delete(list, "b"));
	r = ctrd__json_object_set(doc, "t", ctrd__json_new_bool(true));
	ALLOCATED(r);
	r = ctrd__json_object_set(doc, "n", ctrd__json_new_null());
	ALLOCATED(r);
	r = ctrd__json_object_set(doc, "o", ctrd__json_new_object());
	ALLOCATED(r);
	r = ctrd__json_print(doc, &text, NULL);
	ALLOCATED(r);
	CHECK_STR(text,
		  "{\"a\":\"\\t\\u0001\\\"\",\"list\":[1,2,3,4],\"t\":true,\"n\":null,\"o\":{}}");
}

TEST(json_changes_consume_the_value)
{
	CTRD__AUTO_JSON struct ctrd__json *array = ctrd__json_new_array();
	struct ctrd__json *value;

	if (!array)
		return;
	CHECK_INT(ctrd__json_array_append(array, NULL), CTRD_ENOMEM);
	CHECK_INT(ctrd__json_object_set(array, "x", NULL), CTRD_ENOMEM);
	/* No leak although it is refused: the runner counts. */
	value = ctrd__json_new_int(1);
	CHECK(ctrd__json_object_set(array, "x", value) == (value ? CTRD_EINVAL : CTRD_ENOMEM));
	value = ctrd__json_new_int(1);
	CHECK(ctrd__json_array_append(NULL, value) == (value ? CTRD_EINVAL : CTRD_ENOMEM));
	CHECK_INT(ctrd__json_count(array), 0);
	CHECK(ctrd__json_copy(NULL) == NULL);
	ctrd__json_free(NULL);
}

TEST(json_print_refuses)
{
	CTRD__AUTO_JSON struct ctrd__json *bad = ctrd__json_new_string("a\xff");
	CTRD__AUTO_JSON struct ctrd__json *deep = ctrd__json_new_array();
	struct ctrd__json *at = deep;
	char *text = NULL;

	if (!bad || !deep)
		return;
	CHECK_INT(ctrd__json_print(bad, &text, NULL), CTRD_EINVAL);
	for (int i = 1; i < CTRD__JSON_DEPTH_MAX + 1; i++) {
		int r = ctrd__json_array_append(at, ctrd__json_new_array());

		ALLOCATED(r);
		at = ctrd__json_array_get(at, 0);
	}
	CHECK_INT(ctrd__json_print(deep, &text, NULL), CTRD_EINVAL);
	CHECK(text == NULL);
}

TEST(utf8_is_strict)
{
	static const char *const good[] = {"",
					   "a",
					   "\xc2\x80",
					   "\xdf\xbf",
					   "\xe0\xa0\x80",
					   "\xed\x9f\xbf",
					   "\xee\x80\x80",
					   "\xef\xbf\xbf",
					   "\xf0\x90\x80\x80",
					   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
					  "\xbf",
					  "\xc0\x80",
					  "\xc1\xbf",
					  "\xc2",
					  "\xc2\xc0",
					  "\xe0\x9f\xbf",
					  "\xe1\x80",
					  "\xe1\x80\xc0",
					  "\xed\xa0\x80",
					  "\xf0\x8f\xbf\xbf",
					  "\xf1\x80\x80",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xff",
					  "\xfe"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(ctrd__utf8_is_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!ctrd__utf8_is_valid(bad[i], strlen(bad[i])));
	CHECK(ctrd__utf8_is_valid("\0", 1));
}
