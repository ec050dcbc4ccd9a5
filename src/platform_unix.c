/*
 * platform_unix.c: the host's platform by uname(). Not responsible for what platforms mean.
 *
 * It is the kernel that is asked and not what the library was compiled for: containers run on the kernel. A processor
 * that has no name here gets the empty one, which matches nothing but itself.
 */
#include "platform_host.h"

#include <stdbool.h>
#include <string.h>
#include <sys/utsname.h>

static const struct {
	const char *machine;
	const char *arch;
	const char *variant;
} machines[] = {
	{"x86_64", "amd64", ""},    {"i386", "386", ""},	   {"i486", "386", ""},
	{"i586", "386", ""},	    {"i686", "386", ""},	   {"aarch64", "arm64", ""},
	{"arm64", "arm64", ""},	    {"aarch64_be", "arm64be", ""}, {"armv5tel", "arm", "v5"},
	{"armv5tejl", "arm", "v5"}, {"armv6l", "arm", "v6"},	   {"armv7l", "arm", "v7"},
	{"armv8l", "arm", "v8"},    {"ppc64le", "ppc64le", ""},	   {"ppc64", "ppc64", ""},
	{"ppc", "ppc", ""},	    {"s390x", "s390x", ""},	   {"s390", "s390", ""},
	{"riscv64", "riscv64", ""}, {"riscv32", "riscv", ""},	   {"loongarch64", "loong64", ""},
	{"mips", "mips", ""},	    {"mips64", "mips64", ""},	   {"sparc64", "sparc64", ""},
	{"amd64", "amd64", ""},
};

/* mips says the same in both byte orders. */
static bool is_little_endian(void)
{
	const unsigned int one = 1;

	return *(const unsigned char *)&one == 1;
}

void ctrd__platform_machine(const char *machine, const char **ret_arch, const char **ret_variant)
{
	*ret_arch = "";
	*ret_variant = "";
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		if (strcmp(machines[i].machine, machine) != 0)
			continue;
		*ret_arch = machines[i].arch;
		*ret_variant = machines[i].variant;
	}
	if (strcmp(*ret_arch, "mips") == 0 && is_little_endian())
		*ret_arch = "mipsle";
	if (strcmp(*ret_arch, "mips64") == 0 && is_little_endian())
		*ret_arch = "mips64le";
}

void ctrd__platform_host(struct ctrd__platform_host *ret_host)
{
	struct utsname name;
	size_t i = 0;

	if (uname(&name) < 0)
		memset(&name, 0, sizeof(name));
	for (; name.sysname[i] && i + 1 < sizeof(ret_host->os); i++) {
		char c = name.sysname[i];

		ret_host->os[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
	}
	ret_host->os[i] = '\0';
	ctrd__platform_machine(name.machine, &ret_host->arch, &ret_host->variant);
}
