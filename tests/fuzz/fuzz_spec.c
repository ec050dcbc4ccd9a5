/*
 * Fuzz target: JSON from outside, as a spec, an exec's process, and resources. What is taken must print
 * and be taken again; what is refused must say why in one line and leave nothing.
 */
#include "libctrd/error.h"
#include "spec_check.h"
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

typedef int (*checker)(const char *, size_t, struct ctrd__json **, ctrd_error **);

/* The tree when it is taken, else NULL. */
static struct ctrd__json *check(checker checker, const char *text, size_t size, const char *what)
{
	struct ctrd__json *json = NULL;
	ctrd_error *error = NULL;
	int status = checker(text, size, &json, &error);

	if (status == 0) {
		MUST(json && !error);
		return json;
	}
	MUST(status == CTRD_EINVAL || status == CTRD_ERANGE);
	MUST(!json && ctrd_error_code(error) == status);
	MUST(strncmp(ctrd_error_message(error), what, strlen(what)) == 0);
	MUST(!strchr(ctrd_error_message(error), '\n'));
	ctrd_error_unref(error);
	return NULL;
}

static void check_again(checker checker, const struct ctrd__json *json, const char *what)
{
	char *CTRD__AUTO_FREE text = NULL;
	size_t size = 0;

	MUST(ctrd__json_print(json, &text, &size) == 0);
	CTRD__AUTO_JSON struct ctrd__json *again = check(checker, text, size, what);

	MUST(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the exact size, so that a read behind the end is seen. */
	char *CTRD__AUTO_FREE text = malloc(size ? size : 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	CTRD__AUTO_JSON struct ctrd__json *spec = check(ctrd__spec_check, text, size, "spec: ");
	CTRD__AUTO_JSON struct ctrd__json *process =
		check(ctrd__process_check, text, size, "process: ");
	CTRD__AUTO_JSON struct ctrd__json *resources =
		check(ctrd__resources_check, text, size, "resources: ");

	if (spec)
		check_again(ctrd__spec_check, spec, "spec: ");
	if (resources)
		check_again(ctrd__resources_check, resources, "resources: ");
	if (process) {
		/* As the container's own, and filled up from it. */
		MUST(ctrd__spec_exec_process(spec ? ctrd__json_object_get(spec, "process")
						  : process,
					     process) == 0);
		check_again(ctrd__process_check, process, "process: ");
	}
	return 0;
}
