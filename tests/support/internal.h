/* What the parts of the harness share with each other; no test includes this. */
#ifndef TESTS_INTERNAL_H
#define TESTS_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	TEST_MAX_DIRS = 32,
	TEST_MAX_PATHS = 16384,
	TEST_EXIT_SKIP = 77,
};

/* One page of facts that the runner shares with the child that runs a test. */
struct test_shared {
	atomic_int failed;
	atomic_int skipped;
	char skip_reason[256];
	atomic_uint dirs;
	char dir[TEST_MAX_DIRS][64];

	/* out-of-memory runs: what was seen, and which one is to fail */
	atomic_uint paths;
	atomic_uint allocations;
	atomic_int injected;
	uint64_t path[TEST_MAX_PATHS];
};

enum test_oom_mode {
	TEST_OOM_OFF,
	TEST_OOM_COUNT,
	TEST_OOM_FAIL_PATH,
	TEST_OOM_FAIL_NTH,
};

extern struct test_shared *test_shared;

/* tmpdir.c */
void test_remove_tree(const char *path);

/* oom.c */
void test_oom_arm(enum test_oom_mode mode, uint64_t which);
void test_oom_disarm(void);
long test_oom_balance(void);
void test_oom_print_live(void);

#endif
