/*
 * Fuzz target: one packet. What is accepted has its whole text inside the packet, ended by a NUL, and
 * falls apart into strings that add up to it.
 */
#include "libctrd/base.h"
#include "local/wire.h"

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
	struct ctrd__wire_head head;
	const char *text, *at, *string, *end;
	size_t total = 0;

	if (size > CTRD__WIRE_PACKET_MAX || ctrd__wire_parse(data, size, &head, &text) < 0)
		return 0;
	end = (const char *)data + size;
	MUST(text >= (const char *)data + sizeof(head) && text + head.text_length == end);
	at = text;
	while ((string = ctrd__wire_next(&at, end)) != NULL)
		total += strlen(string) + 1;
	MUST(total == head.text_length);
	return 0;
}
