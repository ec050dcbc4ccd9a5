/*
 * Fuzz target: text to tree, one value and a series. What parses must print, and what was printed must
 * parse again to the same text; a copy prints the same.
 */
#include "libctrd/base.h"
#include "util/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(expr)               \
	do {                     \
		if (!(expr))     \
			abort(); \
	} while (0)

static void check_value(const struct ctrd__json *value)
{
	CTRD__AUTO_JSON struct ctrd__json *again = NULL;
	CTRD__AUTO_JSON struct ctrd__json *copy = ctrd__json_copy(value);
	char *CTRD__AUTO_FREE first = NULL;
	char *CTRD__AUTO_FREE second = NULL;
	char *CTRD__AUTO_FREE third = NULL;
	size_t first_len, second_len, third_len;
	char err[CTRD__JSON_ERR_SIZE];

	MUST(ctrd__json_print(value, &first, &first_len) == CTRD_OK);
	MUST(strlen(first) == first_len);
	MUST(ctrd__json_parse(first, first_len, CTRD__JSON_DEPTH_MAX, SIZE_MAX, &again, err) ==
	     CTRD_OK);
	MUST(ctrd__json_print(again, &second, &second_len) == CTRD_OK);
	MUST(second_len == first_len && memcmp(first, second, first_len) == 0);
	MUST(copy && ctrd__json_print(copy, &third, &third_len) == CTRD_OK);
	MUST(third_len == first_len && memcmp(first, third, first_len) == 0);
}

static void check_refusal(int status, const char *err)
{
	MUST(status == CTRD_EINVAL || status == CTRD_ERANGE || status == CTRD_ERESOURCES ||
	     status == CTRD_ENOTFOUND || status == CTRD_EDATALOSS);
	MUST(*err && strlen(err) < CTRD__JSON_ERR_SIZE && !strchr(err, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the exact size, so that a read behind the end is seen. */
	char *CTRD__AUTO_FREE text = malloc(size ? size : 1);
	CTRD__AUTO_JSON struct ctrd__json *whole = NULL;
	char err[CTRD__JSON_ERR_SIZE] = "";
	size_t at = 0, used = 0, count = 0;
	int r;

	MUST(text);
	if (size)
		memcpy(text, data, size);
	r = ctrd__json_parse(text, size, 0, 0, &whole, err);
	if (r == CTRD_OK)
		check_value(whole);
	else
		check_refusal(r, err);
	for (;; at += used, count++) {
		CTRD__AUTO_JSON struct ctrd__json *value = NULL;

		err[0] = '\0';
		r = ctrd__json_parse_next(text + at, size - at, &used, 8, 1 << 16, &value, err);
		if (r < 0)
			break;
		MUST(used > 0 && used <= size - at);
		check_value(value);
	}
	check_refusal(r, err);
	/* One value that is a series of one. */
	MUST(!whole || count == 1 || r == CTRD_ERANGE || r == CTRD_ERESOURCES);
	return 0;
}
