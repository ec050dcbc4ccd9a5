/*
 * The root file system and the specs of containers in tests. Not responsible for running anything.
 *
 * Made by the runner before it forks, so that all tests share it and no test has to clean it up: a
 * process beside the runner removes it. Where containers are not real (fake:) nothing is made.
 */
#include "bundle.h"

#include "internal.h"
#include "test.h"

#include <libctrd/error.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BUSYBOX	 "/bin/busybox"
#define VARIABLE "CTRD_TEST_ROOTFS"

enum { MAX_ARGS = 64 };

static const char *const applets[] = {
	"sh",	"cat",	 "sleep",  "echo",   "true",	"false",    "kill",   "dd",
	"head", "tail",	 "seq",	   "id",     "ls",	"wc",	    "yes",    "stty",
	"env",	"sync",	 "mkdir",  "ps",     "rm",	"tr",	    "grep",   "printf",
	"test", "touch", "usleep", "setsid", "timeout", "hostname", "mkfifo", "sha256sum",
};

static char dir[128];
static char rootfs[sizeof(dir) + 8];
static char failure[640];
static pid_t owner, keeper;

static void fail(const char *what)
{
	if (!*failure)
		snprintf(failure, sizeof(failure), "%s: %s", what, strerror(errno));
}

static const char *below(const char *name)
{
	static char path[sizeof(rootfs) + 128];
	snprintf(path, sizeof(path), "%s/%s", rootfs, name);
	return path;
}

/* A copy, not a link: a container's root may not reach the machine's own busybox. */
static void copy_busybox(void)
{
	int in = open(BUSYBOX, O_RDONLY | O_CLOEXEC);
	int out = open(below("bin/busybox"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;
	if (in < 0 || fstat(in, &st) != 0)
		fail(BUSYBOX);
	else if (out < 0)
		fail(below("bin/busybox"));
	else
		for (off_t left = st.st_size; left > 0;) {
			ssize_t n = sendfile(out, in, NULL, (size_t)left);
			if (n <= 0) {
				fail("copying " BUSYBOX);
				break;
			}
			left -= n;
		}
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
}

static void make_rootfs(void)
{
	static const char *const dirs[] = {"", "bin", "proc", "dev", "sys", "tmp"};
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (mkdir(below(dirs[i]), 0755) != 0)
			fail(below(dirs[i]));
	copy_busybox();
	for (size_t i = 0; i < sizeof(applets) / sizeof(applets[0]); i++) {
		char name[64];
		snprintf(name, sizeof(name), "bin/%s", applets[i]);
		if (symlink("busybox", below(name)) != 0)
			fail(below(name));
	}
	int fd = open(below("bin/noexec"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "#!/bin/sh\n", 10) != 10)
		fail(below("bin/noexec"));
	if (fd >= 0)
		close(fd);
}

/*
 * Removal is left to a process of its own, in a session of its own, so that it also happens when the
 * runner is killed for its time.
 */
static void start_keeper(void)
{
	sigset_t all, old, term;
	pid_t runner = getpid();
	sigfillset(&all);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_SETMASK, &all, &old);
	keeper = fork();
	if (keeper == 0) {
		setsid();
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		while (getppid() == runner && sigwaitinfo(&term, NULL) < 0)
			;
		test_remove_tree(dir);
		_exit(0);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (keeper < 0)
		fail("fork");
}

__attribute__((constructor)) static void make_bundle(void)
{
	const char *inherited = getenv(VARIABLE);
	if (strncmp(test_address(), "local:", 6) != 0) {
		snprintf(dir, sizeof(dir), "/bundle");
		snprintf(rootfs, sizeof(rootfs), "/bundle/rootfs");
		return;
	}
	if (inherited != NULL && strlen(inherited) < sizeof(dir) && access(inherited, X_OK) == 0) {
		snprintf(dir, sizeof(dir), "%s", inherited);
		snprintf(rootfs, sizeof(rootfs), "%s/rootfs", dir);
		return;
	}
	snprintf(dir, sizeof(dir), "/tmp/ctrd-bundle-XXXXXX");
	if (mkdtemp(dir) == NULL || chmod(dir, 0755) != 0) {
		fail(dir);
		return;
	}
	owner = getpid();
	snprintf(rootfs, sizeof(rootfs), "%s/rootfs", dir);
	start_keeper();
	make_rootfs();
	setenv(VARIABLE, dir, 1);
}

__attribute__((destructor)) static void remove_bundle(void)
{
	if (owner == 0 || owner != getpid() || keeper <= 0)
		return;
	kill(keeper, SIGTERM);
	while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
		;
}

const struct test_bundle *test_bundle(void)
{
	static const struct test_bundle bundle = {dir, rootfs};
	if (*failure)
		FAIL("no root file system for containers: %s", failure);
	return &bundle;
}

static void collect(const char *program, va_list more, const char **args)
{
	size_t count = 0;
	for (const char *arg = program; arg != NULL; arg = va_arg(more, const char *)) {
		CHECK(count < MAX_ARGS);
		args[count++] = arg;
	}
	args[count] = NULL;
}

/* The library's text as a block of the test's own, so that free() is right for it. */
static char *take_json(ctrd_spec *spec)
{
	char *json = NULL;
	ctrd_error *error = NULL;
	if (ctrd_spec_json(spec, &json, NULL, &error) != 0)
		FAIL("%s", ctrd_error_message(error));
	char *copy = strdup(json);
	ctrd_free(json);
	ctrd_spec_free(spec);
	return copy;
}

static char *make_spec(const struct test_bundle *bundle, test_spec_change change, void *data,
		       const char *const *args)
{
	ctrd_spec *spec = NULL;
	CHECK_INT(ctrd_spec_new(bundle->rootfs, args, 0, &spec), 0);
	CHECK_INT(ctrd_spec_set_root_readonly(spec, 1), 0);
	if (change != NULL)
		change(spec, data);
	return take_json(spec);
}

char *test_spec(const struct test_bundle *bundle, const char *program, ...)
{
	const char *args[MAX_ARGS + 1];
	va_list more;
	va_start(more, program);
	collect(program, more, args);
	va_end(more);
	return make_spec(bundle, NULL, NULL, args);
}

char *test_spec_with(const struct test_bundle *bundle, test_spec_change change, void *data,
		     const char *program, ...)
{
	const char *args[MAX_ARGS + 1];
	va_list more;
	va_start(more, program);
	collect(program, more, args);
	va_end(more);
	return make_spec(bundle, change, data, args);
}

void test_spec_terminal(ctrd_spec *spec, void *data)
{
	(void)data;
	CHECK_INT(ctrd_spec_set_terminal(spec, 1), 0);
}

void test_spec_host_pid(ctrd_spec *spec, void *data)
{
	(void)data;
	CHECK_INT(ctrd_spec_set_namespace(spec, "pid", ""), 0);
}

void test_spec_memory_limit(ctrd_spec *spec, void *data)
{
	CHECK_INT(ctrd_spec_set_memory_limit(spec, *(const uint64_t *)data), 0);
}

static char *append_quoted(char *at, const char *text)
{
	*at++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
			at += sprintf(at, "\\u%04x", (unsigned int)*text);
		else
			*at++ = *text;
	}
	*at++ = '"';
	return at;
}

char *test_process(const char *program, ...)
{
	const char *args[MAX_ARGS + 1];
	va_list more;
	va_start(more, program);
	collect(program, more, args);
	va_end(more);

	size_t size = 64;
	for (const char **arg = args; *arg != NULL; arg++)
		size += 6 * strlen(*arg) + 3;
	char *json = malloc(size);
	char *at = json + sprintf(json, "{\"cwd\":\"/\",\"args\":[");
	for (const char **arg = args; *arg != NULL; arg++) {
		if (arg != args)
			*at++ = ',';
		at = append_quoted(at, *arg);
	}
	strcpy(at, "]}");
	return json;
}
