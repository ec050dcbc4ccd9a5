/*
 * The test harness. A test file is a list of
 *
 *	TEST(noun_does_what)
 *	{
 *		CHECK_INT(1 + 1, 2);
 *	}
 *
 * and nothing else: tests register themselves, main() is in test.c. Each test runs in a child of its
 * own, in a process group of its own, under a timeout; the first failed check ends it, from whatever
 * thread. At its end a test must have as many open descriptors as before, and must have given back
 * every block that the library allocated.
 *
 * Environment:
 *	CTRD_TEST_TIMEOUT_MULTIPLIER	stretches every timeout (sanitizers, valgrind)
 *	CTRD_TEST_SCALE			divides what test_scale() is given
 *	CTRD_TEST_OOM			1: fail one allocation of each call path, 2: of every call
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test_case {
	const char *name;
	void (*body)(void);
	const char *file;
	int line;
	int timeout_s;
	struct test_case *next;
};

void test_register(struct test_case *test);

#define TEST_TIMEOUT(name, seconds)                                                       \
	static void test_body_##name(void);                                               \
	static struct test_case test_case_##name = {#name,    test_body_##name, __FILE__, \
						    __LINE__, (seconds),	NULL};    \
	__attribute__((constructor)) static void test_register_##name(void)               \
	{                                                                                 \
		test_register(&test_case_##name);                                         \
	}                                                                                 \
	static void test_body_##name(void)

/* The default timeout is meant for the slowest machine, not for the test: 60 s. */
#define TEST(name) TEST_TIMEOUT(name, 60)

/* End the test at once, from any thread or forked child of it. */
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
_Noreturn void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define FAIL(...) test_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...) test_skip(__VA_ARGS__)

#define CHECK(expr)                                                               \
	do {                                                                      \
		if (!(expr))                                                      \
			test_fail(__FILE__, __LINE__, "%s does not hold", #expr); \
	} while (0)

#define CHECK_INT(actual, expected) \
	test_check_int(__FILE__, __LINE__, #actual, (intmax_t)(actual), (intmax_t)(expected))
#define CHECK_STR(actual, expected) \
	test_check_str(__FILE__, __LINE__, #actual, (actual), (expected))
#define CHECK_CONTAINS(text, part) test_check_contains(__FILE__, __LINE__, #text, (text), (part))

/* Wait until expr holds; for what can be seen but tells nobody (a process or a file that goes). */
#define WAIT_UNTIL(expr, seconds)                                                                  \
	do {                                                                                       \
		int64_t test_end = test_now_ms() + test_timeout_ms((seconds)*1000);                \
		while (!(expr)) {                                                                  \
			if (test_now_ms() > test_end)                                              \
				test_fail(__FILE__, __LINE__, "%s does not come true within %d s", \
					  #expr, (int)(seconds));                                  \
			test_pause();                                                              \
		}                                                                                  \
	} while (0)

void test_check_int(const char *file, int line, const char *what, intmax_t actual,
		    intmax_t expected);
void test_check_str(const char *file, int line, const char *what, const char *actual,
		    const char *expected);
void test_check_contains(const char *file, int line, const char *what, const char *text,
			 const char *part);

/* A note that is shown if the test fails. */
void test_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* count / CTRD_TEST_SCALE, at least 1 */
int test_scale(int count);
/* ms x CTRD_TEST_TIMEOUT_MULTIPLIER: give every deadline of a test through this. */
int test_timeout_ms(int ms);
/* CLOCK_MONOTONIC in milliseconds */
int64_t test_now_ms(void);
/* A few milliseconds, for loops with a deadline: WAIT_UNTIL is one. */
void test_pause(void);
/* Open descriptors of this process. */
int test_fd_count(void);
/* An allocation has been made to fail in this process: the run is about surviving that. */
bool test_is_failing_allocations(void);

/* What CTRD_TEST_ADDRESS says: "fake:", or "local:" in the suite of real containers. */
const char *test_address(void);

/*
 * A new empty directory under /tmp, mode 0700. The runner removes it with all that is in it when the
 * test has ended, however it ended; mounts made below it are the test's to undo.
 */
const char *test_tmpdir(void);

#endif
