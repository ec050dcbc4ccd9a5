/*
 * Fuzz target: a record file. Whatever parses must come back the same from what it formats to.
 */
#include "libctrd/base.h"
#include "libctrd/event.h"
#include "local/record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(expr)               \
	do {                     \
		if (!(expr))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char again[CTRD__RECORD_SIZE];
	struct ctrd__record first, second;
	int r = ctrd__record_parse(data, size, &first);

	MUST(r == CTRD_OK || r == CTRD_EABI);
	if (r < 0)
		return 0;
	memset(again, 0, sizeof(again));
	if (first.has_start)
		ctrd__record_format_start(again + CTRD__RECORD_START_OFFSET, &first.start);
	if (first.has_exit)
		ctrd__record_format_exit(again + CTRD__RECORD_EXIT_OFFSET, &first.exit);
	MUST(ctrd__record_parse(again, sizeof(again), &second) == CTRD_OK);
	MUST(memcmp(&first, &second, sizeof(first)) == 0);
	return 0;
}
