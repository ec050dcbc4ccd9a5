/*
 * What containers of the tests are made of: a root file system with a static busybox, and specs for it.
 *
 *	char *spec = test_spec(test_bundle(), "sh", "-c", "echo hello; exit 3", NULL);
 *	...
 *	free(spec);
 *
 * The root file system is made once per test program, before the first test, and removed when the
 * program ends. All containers share it, so specs make it read-only: what a container writes goes to
 * /dev/shm, which is its own.
 * A program that a test executes again (CTRD_TEST_ROOTFS is in its environment) uses the same one.
 */
#ifndef TESTS_BUNDLE_H
#define TESTS_BUNDLE_H

#include <libctrd/spec.h>

#include <stdint.h>

struct test_bundle {
	const char *dir;    /* absolute */
	const char *rootfs; /* dir/rootfs */
};

/*
 * The bundle of this program. The test fails where there is no static busybox; on fake: nothing is made
 * and the paths lead nowhere.
 * In it: /bin/{sh,cat,...} (bundle.c has the list), /bin/noexec (text, not executable), /proc, /dev, /sys,
 * /tmp.
 */
const struct test_bundle *test_bundle(void);

/*
 * The JSON of a spec that runs a program, by its path or by a name that $PATH finds; NULL ends the
 * arguments. To be freed with free().
 * The default spec of the library, with the root read-only.
 */
char *test_spec(const struct test_bundle *bundle, const char *program, ...)
	__attribute__((sentinel));

/* The same, changed by a function before it becomes JSON. */
typedef void (*test_spec_change)(ctrd_spec *spec, void *data);
char *test_spec_with(const struct test_bundle *bundle, test_spec_change change, void *data,
		     const char *program, ...) __attribute__((sentinel));

/* Changes for test_spec_with(). */
void test_spec_terminal(ctrd_spec *spec, void *data);	  /* data: not used */
void test_spec_host_pid(ctrd_spec *spec, void *data);	  /* data: not used */
void test_spec_memory_limit(ctrd_spec *spec, void *data); /* data: uint64_t *, bytes */

/* The JSON of an exec's process: args and cwd alone. To be freed with free(). */
char *test_process(const char *program, ...) __attribute__((sentinel));

#endif
