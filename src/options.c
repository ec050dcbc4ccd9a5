/*
 * options.c: reading a caller's sized struct into one that this version of the library knows.
 * Not responsible for what the members mean. Invariant: nothing that the caller set is ignored silently.
 */
#include <inttypes.h>
#include <string.h>

#include "core.h"

int ctrd__options_read(const char *what, const void *options, void *ret_copy, size_t known,
		       size_t least, ctrd_error **ret_error)
{
	uint32_t size;

	if (!options)
		return CTRD_OK;
	memcpy(&size, options, sizeof(size));
	if (size < least)
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
							  "%s: size: is %" PRIu32
							  ", must be at least %zu",
							  what, size, least),
					  ret_error);
	const unsigned char *bytes = options;
	for (size_t i = known; i < size; i++) {
		if (bytes[i])
			return ctrd__error_return(
				ctrd__error_new(
					CTRD_EABI, "ctrd", 0, NULL,
					"%s: byte %zu is set, which this version of the library does not know",
					what, i),
				ret_error);
	}
	memcpy(ret_copy, options, size < known ? size : known);
	return CTRD_OK;
}
