/*
 * Fuzz target: both forms of a platform. What is read must print, what was printed reads the same again, normalising
 * twice is normalising once, and everything is as good as itself.
 */
#include <libctrd/error.h>
#include <libctrd/platform.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(expr)               \
	do {                     \
		if (!(expr))     \
			abort(); \
	} while (0)

static void check_same(const ctrd_platform *a, const ctrd_platform *b)
{
	char *first = NULL, *second = NULL;

	MUST(ctrd_platform_json(a, &first, NULL) == 0 && ctrd_platform_json(b, &second, NULL) == 0);
	MUST(strcmp(first, second) == 0);
	ctrd_free(first);
	ctrd_free(second);
}

static void check(const ctrd_platform *platform)
{
	ctrd_platform *usual = NULL, *twice = NULL, *again = NULL;
	char *text = NULL;
	size_t length = 0;

	MUST(ctrd_platform_rank(platform, platform) == 1);
	MUST(ctrd_platform_normalise(platform, &usual) == 0);
	MUST(ctrd_platform_match(platform, usual) && ctrd_platform_match(usual, platform));
	MUST(ctrd_platform_normalise(usual, &twice) == 0);
	check_same(usual, twice);
	MUST(ctrd_platform_json(platform, &text, &length) == 0 && strlen(text) == length);
	MUST(ctrd_platform_parse_json(text, length, &again, NULL) == 0);
	check_same(platform, again);
	ctrd_free(text);
	ctrd_platform_free(usual);
	ctrd_platform_free(twice);
	ctrd_platform_free(again);
}

static void check_text(const char *input)
{
	ctrd_platform *platform = NULL, *again = NULL;
	ctrd_error *error = NULL;
	char *text = NULL;

	if (ctrd_platform_parse(input, &platform, &error) < 0) {
		MUST(ctrd_error_code(error) == CTRD_EINVAL);
		ctrd_error_unref(error);
		return;
	}
	check(platform);
	MUST(ctrd_platform_format(platform, &text) == 0);
	MUST(ctrd_platform_parse(text, &again, NULL) == 0);
	check_same(platform, again);
	ctrd_free(text);
	ctrd_platform_free(platform);
	ctrd_platform_free(again);
}

static void check_json(const char *input, size_t size)
{
	ctrd_platform *platform = NULL;
	ctrd_error *error = NULL;

	if (ctrd_platform_parse_json(input, size, &platform, &error) < 0) {
		MUST(ctrd_error_code(error) == CTRD_EINVAL);
		ctrd_error_unref(error);
		return;
	}
	check(platform);
	ctrd_platform_free(platform);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_text(text);
	check_json(text, size);
	free(text);
	return 0;
}
