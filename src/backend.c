/*
 * backend.c: the list of backends. Nothing else names one.
 */
#include "backend.h"

#include <string.h>

static const struct ctrd__backend_ops *const backends[] = {
	&ctrd__fake_ops,
	&ctrd__local_ops,
	NULL,
};

const struct ctrd__backend_ops *ctrd__backend_find(const char *address, const char **ret_rest)
{
	for (size_t i = 0; backends[i]; i++) {
		size_t length = strlen(backends[i]->scheme);
		if (!strncmp(address, backends[i]->scheme, length)) {
			*ret_rest = address + length;
			return backends[i];
		}
	}
	return NULL;
}
