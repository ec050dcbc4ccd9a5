/*
 * The runner: finds, selects, runs and reports tests (TAP). It forks one child per run of a test
 * body and is itself single-threaded and free of library state, so that every run starts the same.
 */
#include "internal.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum {
	EXIT_FAILED = 1,
	SHOWN_LINES = 400,  /* of the output of a failed test */
	OOM_MAX_FAILED = 3, /* per test: more of the same tell nothing new */
	OOM_TIMEOUT_S = 15, /* of a run whose whole body was just seen to be faster */
};

struct outcome {
	bool passed;
	bool skipped;
	char why[320];
};

struct test_shared *test_shared;

static struct test_case *tests;
static pid_t test_pid; /* of the child that runs the body; 0 in the runner */
static bool failing_allocations;
static double multiplier = 1;
static int scale = 1;
static int oom_level;
static int original_stdout = 1;
static sigset_t original_mask;

/* From leak checkers, where there is one. */
void __lsan_do_leak_check(void) __attribute__((weak));

void test_register(struct test_case *test)
{
	struct test_case **at = &tests;
	while (*at != NULL && (strcmp((*at)->file, test->file) < 0 ||
			       (strcmp((*at)->file, test->file) == 0 && (*at)->line < test->line)))
		at = &(*at)->next;
	test->next = *at;
	*at = test;
}

/*
 * What tests call
 */

int test_scale(int count)
{
	return count / scale > 0 ? count / scale : 1;
}

int test_timeout_ms(int ms)
{
	return (int)(ms * multiplier);
}

int64_t test_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void test_pause(void)
{
	poll(NULL, 0, 5);
}

const char *test_address(void)
{
	const char *address = getenv("CTRD_TEST_ADDRESS");
	return address != NULL ? address : "fake:";
}

bool test_is_failing_allocations(void)
{
	return atomic_load(&test_shared->injected) != 0;
}

int test_fd_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return -1;
	int count = -1; /* the directory itself */
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count - 2;
}

/* The end of the body by its own word. A child that the test has forked ends the test with it. */
static _Noreturn void end_early(atomic_int *flag, int status)
{
	if (getpid() != test_pid) {
		atomic_store(flag, 1);
		kill(test_pid, SIGKILL);
	}
	fflush(NULL);
	_exit(status);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	printf("%s:%d: ", file, line);
	vprintf(format, args);
	printf("\n");
	va_end(args);
	/* A test that notices the failed allocation has seen what it is run for. */
	if (failing_allocations && test_is_failing_allocations()) {
		fflush(NULL);
		_exit(0);
	}
	end_early(&test_shared->failed, EXIT_FAILED);
}

void test_skip(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(test_shared->skip_reason, sizeof(test_shared->skip_reason), format, args);
	va_end(args);
	end_early(&test_shared->skipped, TEST_EXIT_SKIP);
}

void test_note(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
}

void test_check_int(const char *file, int line, const char *what, intmax_t actual,
		    intmax_t expected)
{
	if (actual != expected)
		test_fail(file, line, "%s is %jd, expected %jd", what, actual, expected);
}

void test_check_str(const char *file, int line, const char *what, const char *actual,
		    const char *expected)
{
	if (actual == expected)
		return;
	if (actual == NULL || expected == NULL || strcmp(actual, expected) != 0)
		test_fail(file, line, "%s is\n  %s\nexpected\n  %s", what,
			  actual != NULL ? actual : "(NULL)",
			  expected != NULL ? expected : "(NULL)");
}

void test_check_contains(const char *file, int line, const char *what, const char *text,
			 const char *part)
{
	if (text == NULL || strstr(text, part) == NULL)
		test_fail(file, line, "%s is\n  %s\nwhich does not contain\n  %s", what,
			  text != NULL ? text : "(NULL)", part);
}

/*
 * The child
 */

static void on_crash(int signal)
{
	void *frames[32];
	int count = backtrace(frames, 32);
	backtrace_symbols_fd(frames, count, 2);
	raise(signal); /* SA_RESETHAND: with its default effect, once the handler is left */
}

static void report_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND};
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

static void print_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char target[256];
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = '\0';
		printf("  %s -> %s\n", entry->d_name, target);
	}
	if (dir != NULL)
		closedir(dir);
}

/* A thread that is on its way out may still hold what it gives back last. */
static void check_nothing_left(int fds_before)
{
	int64_t end = test_now_ms() + test_timeout_ms(2000);
	while ((test_fd_count() != fds_before || test_oom_balance() != 0) && test_now_ms() < end)
		test_pause();
	if (test_fd_count() != fds_before) {
		printf("%d descriptors were open before the test, now:\n", fds_before);
		print_fds();
	}
	if (test_oom_balance() != 0) {
		printf("%ld blocks of the library were not given back\n", test_oom_balance());
		test_oom_print_live();
	}
	bool clean = test_fd_count() == fds_before && test_oom_balance() == 0;
	fflush(NULL);
	if (!clean)
		_exit(EXIT_FAILED);
}

static _Noreturn void run_child(const struct test_case *test, int output, enum test_oom_mode mode,
				uint64_t which)
{
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, &original_mask, NULL);
	test_pid = getpid();
	dup2(output, 1);
	dup2(output, 2);
	close(output);
	close(original_stdout);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!SANITIZED)
		report_crashes();

	failing_allocations = mode == TEST_OOM_FAIL_PATH || mode == TEST_OOM_FAIL_NTH;
	int fds_before = test_fd_count();
	test_oom_arm(mode, which);
	test->body();
	test_oom_disarm();
	check_nothing_left(fds_before);
	if (__lsan_do_leak_check != NULL)
		__lsan_do_leak_check();
	_exit(0);
}

/*
 * The runner
 */

static void print_file(const char *title, const char *path)
{
	char text[1024];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return;
	text[length] = '\0';
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
		printf("#   %s %s\n", title, line);
}

/* Where is it stuck? */
static void print_threads(pid_t pid)
{
	char path[300];
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		static const char *const files[] = {"comm", "wchan", "syscall", "stack"};
		printf("# thread %s\n", entry->d_name);
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			snprintf(path, sizeof(path), "/proc/%d/task/%.20s/%s", pid, entry->d_name,
				 files[i]);
			print_file(files[i], path);
		}
	}
	if (dir != NULL)
		closedir(dir);
}

/* The test's output as TAP comments: its start and its end if there is too much. */
static void print_output(int output)
{
	FILE *stream = fdopen(dup(output), "r");
	if (stream == NULL)
		return;
	rewind(stream);
	char line[2000];
	long lines = 0;
	while (fgets(line, sizeof(line), stream) != NULL)
		lines++;
	rewind(stream);
	for (long i = 0; fgets(line, sizeof(line), stream) != NULL; i++) {
		line[strcspn(line, "\n")] = '\0';
		if (i < SHOWN_LINES / 2 || i >= lines - SHOWN_LINES / 2)
			printf("# %s\n", line);
		else if (i == SHOWN_LINES / 2)
			printf("# [%ld lines left out]\n", lines - SHOWN_LINES);
	}
	fclose(stream);
}

/* Until the child has ended; false if its time is over. SIGCHLD is blocked, so that it can be awaited. */
static bool await_child(pid_t pid, int timeout_s)
{
	sigset_t child_signal;
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	int64_t end = test_now_ms() + test_timeout_ms(timeout_s * 1000);
	for (;;) {
		siginfo_t info = {0};
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
		if (info.si_pid == pid)
			return true;
		int64_t left = end - test_now_ms();
		if (left <= 0)
			return false;
		struct timespec wait = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
		sigtimedwait(&child_signal, NULL, &wait);
	}
}

/* Nothing in a run that is to fail may hang, and there are hundreds of them per test. */
static int timeout_of(const struct test_case *test, enum test_oom_mode mode)
{
	bool failing = mode == TEST_OOM_FAIL_PATH || mode == TEST_OOM_FAIL_NTH;
	return failing && test->timeout_s > OOM_TIMEOUT_S ? OOM_TIMEOUT_S : test->timeout_s;
}

static void judge(const siginfo_t *info, bool in_time, int timeout_s, struct outcome *ret)
{
	if (!in_time)
		snprintf(ret->why, sizeof(ret->why), "not finished after %g s",
			 timeout_s * multiplier);
	else if (atomic_load(&test_shared->failed))
		snprintf(ret->why, sizeof(ret->why), "a check failed in a child of the test");
	else if (atomic_load(&test_shared->skipped))
		ret->skipped = true;
	else if (info->si_code != CLD_EXITED)
		snprintf(ret->why, sizeof(ret->why), "killed by signal %d (%s)", info->si_status,
			 strsignal(info->si_status));
	else if (info->si_status == TEST_EXIT_SKIP)
		ret->skipped = true;
	else if (info->si_status == EXIT_FAILED)
		snprintf(ret->why, sizeof(ret->why), "failed");
	else if (info->si_status != 0)
		snprintf(ret->why, sizeof(ret->why), "ended with status %d", info->si_status);
	else
		ret->passed = true;
}

/* One run of a test body in a child. The output is printed unless it passed or was skipped. */
static struct outcome run_once(const struct test_case *test, enum test_oom_mode mode,
			       uint64_t which)
{
	struct outcome outcome = {0};
	atomic_store(&test_shared->failed, 0);
	atomic_store(&test_shared->skipped, 0);
	atomic_store(&test_shared->dirs, 0);
	atomic_store(&test_shared->injected, 0);
	atomic_store(&test_shared->allocations, 0);

	int output = memfd_create("output", 0);
	fcntl(output, F_SETFL, O_APPEND);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		run_child(test, output, mode, which);
	if (pid < 0) {
		snprintf(outcome.why, sizeof(outcome.why), "fork: %s", strerror(errno));
		close(output);
		return outcome;
	}
	setpgid(pid, pid);

	int timeout_s = timeout_of(test, mode);
	bool in_time = await_child(pid, timeout_s);
	if (!in_time) {
		print_threads(pid);
		kill(pid, SIGKILL);
	}
	/* The child is not reaped before the group is gone: its number stays taken until then. */
	siginfo_t info = {0};
	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
		;
	kill(-pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR)
		;
	judge(&info, in_time, timeout_s, &outcome);
	if (!outcome.passed && !outcome.skipped)
		print_output(output);
	close(output);

	unsigned int dirs = atomic_load(&test_shared->dirs);
	for (unsigned int i = 0; i < dirs && i < TEST_MAX_DIRS; i++)
		test_remove_tree(test_shared->dir[i]);
	return outcome;
}

/* Run the body once to see what it allocates, then once per allocation with that one failing. */
static struct outcome run_failing(const struct test_case *test, unsigned int *ret_tried)
{
	atomic_store(&test_shared->paths, 0);
	struct outcome outcome = run_once(test, TEST_OOM_COUNT, 0);
	if (!outcome.passed)
		return outcome;

	bool every = oom_level > 1;
	unsigned int count = atomic_load(every ? &test_shared->allocations : &test_shared->paths);
	int failed = 0;
	for (unsigned int i = 0; i < count && failed < OOM_MAX_FAILED; i++) {
		struct outcome one =
			every ? run_once(test, TEST_OOM_FAIL_NTH, i)
			      : run_once(test, TEST_OOM_FAIL_PATH, test_shared->path[i]);
		++*ret_tried;
		if (one.passed || one.skipped)
			continue;
		printf("# ^ %s with allocation %u of %u failing: %s\n", test->name, i + 1, count,
		       one.why);
		failed++;
		outcome = one;
	}
	return outcome;
}

static bool run_test(const struct test_case *test, int number)
{
	unsigned int tried = 0;
	int64_t start = test_now_ms();
	struct outcome outcome = oom_level > 0 ? run_failing(test, &tried)
					       : run_once(test, TEST_OOM_OFF, 0);
	if (outcome.skipped) {
		printf("ok %d - %s # SKIP %s\n", number, test->name, test_shared->skip_reason);
	} else if (outcome.passed) {
		printf("ok %d - %s\n", number, test->name);
	} else {
		printf("# %s:%d: %s: %s\n", test->file, test->line, test->name, outcome.why);
		printf("not ok %d - %s\n", number, test->name);
	}
	if (oom_level > 0)
		printf("# %s: %u allocations failed one by one\n", test->name, tried);
	if (test_now_ms() - start > 5000)
		printf("# %s took %.1f s\n", test->name, (double)(test_now_ms() - start) / 1000);
	fflush(stdout);
	return outcome.passed || outcome.skipped;
}

static bool is_selected(const struct test_case *test, char **patterns)
{
	if (*patterns == NULL)
		return true;
	for (; *patterns != NULL; patterns++)
		if (fnmatch(*patterns, test->name, 0) == 0)
			return true;
	return false;
}

static void read_environment(void)
{
	const char *value;
	if ((value = getenv("CTRD_TEST_TIMEOUT_MULTIPLIER")) != NULL && atof(value) > 0)
		multiplier = atof(value);
	if ((value = getenv("CTRD_TEST_SCALE")) != NULL && atoi(value) > 0)
		scale = atoi(value);
	if ((value = getenv("CTRD_TEST_OOM")) != NULL)
		oom_level = atoi(value);
}

/* The child must have 0 to 2 taken, or the library would be right to avoid what it is given. */
static void fill_standard_fds(void)
{
	int fd;
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
		;
	if (fd > 2)
		close(fd);
}

/* The first loop of a process makes libuv open two descriptors for good: before any test counts its own. */
static void warm_up_libuv(void)
{
	uv_loop_t loop;

	if (uv_loop_init(&loop) == 0)
		uv_loop_close(&loop);
}

int main(int argc, char **argv)
{
	(void)argc;
	fill_standard_fds();
	warm_up_libuv();
	original_stdout = fcntl(1, F_DUPFD_CLOEXEC, 3);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigset_t child_signal;
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, &original_mask);
	signal(SIGCHLD, SIG_DFL);
	read_environment();
	test_shared = mmap(NULL, sizeof(*test_shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (test_shared == MAP_FAILED) {
		perror("mmap");
		return EXIT_FAILED;
	}

	bool list = argv[1] != NULL && strcmp(argv[1], "-l") == 0;
	char **patterns = argv + 1 + list;
	int count = 0;
	for (struct test_case *test = tests; test != NULL; test = test->next) {
		if (!is_selected(test, patterns))
			continue;
		count++;
		if (list)
			printf("%s\n", test->name);
	}
	if (list)
		return 0;
	if (count == 0) {
		printf("Bail out! no test of that name\n");
		return EXIT_FAILED;
	}

	printf("1..%d\n", count);
	int number = 0, failed = 0;
	for (struct test_case *test = tests; test != NULL; test = test->next)
		if (is_selected(test, patterns) && !run_test(test, ++number))
			failed++;
	return failed > 0 ? EXIT_FAILED : 0;
}
