/*
 * platform_host.h: what the host is, in the words of its kernel. One source for each kind of system.
 */
#ifndef CTRD_SRC_PLATFORM_HOST_H
#define CTRD_SRC_PLATFORM_HOST_H

enum { CTRD__HOST_WORD_SIZE = 65 };

struct ctrd__platform_host {
	char os[CTRD__HOST_WORD_SIZE];
	const char *arch; /* static */
	const char *variant;
};

void ctrd__platform_host(struct ctrd__platform_host *ret_host);
/* The architecture and variant of a kernel's word for a processor: "armv7l" is arm, v7. */
void ctrd__platform_machine(const char *machine, const char **ret_arch, const char **ret_variant);

#endif
