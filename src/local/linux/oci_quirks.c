/*
 * How the OCI runtimes differ: one table, so that nothing else asks which one it is. A runtime that is not in the table
 * is taken to behave like runc, whose command line all of them follow.
 */
#include "local/linux/local.h"

#include <string.h>

static const char *const none[] = {NULL};
/* The platform that needs neither KVM nor a recent kernel; its own network stack would want a prepared namespace. */
static const char *const of_runsc[] = {"--platform=ptrace", "--network=none", NULL};

static const struct ctrd__quirks table[] = {
	{.name = "crun",
	 .global = none,
	 .memfd = true,
	 .update = true,
	 .hybrid = false,
	 .direct = true},
	{.name = "runsc",
	 .global = of_runsc,
	 .memfd = false,
	 .update = false,
	 .hybrid = true,
	 .direct = false},
	{.name = "runc",
	 .global = none,
	 .memfd = false,
	 .update = true,
	 .hybrid = true,
	 .direct = true},
};

const struct ctrd__quirks *ctrd__quirks_find(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const size_t count = sizeof(table) / sizeof(table[0]);

	for (size_t i = 0; i < count; i++)
		if (strncmp(name, table[i].name, strlen(table[i].name)) == 0)
			return &table[i];
	return &table[count - 1];
}
