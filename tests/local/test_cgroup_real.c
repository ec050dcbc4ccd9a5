/*
 * Control groups by the kernel's own: groups and processes that the test makes, under whatever layout
 * the machine (or support/in-cgroup-layout) has. Costs are printed as comments at the end.
 *
 * Each test works below /ctrd-test-PID. A janitor in a session of its own removes that also when the
 * test is cut short.
 */
#include "local/linux/cgroup.h"
#include "local/linux/pidfd.h"
#include "libctrd/base.h"
#include "test.h"
#include "util/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	HELPERS = 3, /* children of the contained process */
	LIMIT_MS = 10000,
};

/* What the runner prints when all tests have run. */
static struct {
	double stats_us;
	double stats_min_us;
	double stats_cold_us;
	double pids_us;
	double freeze_us;
	double thaw_us;
	double kill_us;
	int stats_files;
	int kind;
} * costs;

__attribute__((constructor)) static void make_costs(void)
{
	costs = mmap(NULL, sizeof(*costs), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
}

__attribute__((destructor)) static void print_costs(void)
{
	static const char *const kinds[] = {"none", "v1", "v2", "hybrid"};
	if (costs->stats_us <= 0)
		return;
	printf("# layout %s: stats warm %.1f us (least %.1f, %d files), cold %.1f us; pids %.1f us; "
	       "freeze %.1f us, thaw %.1f us, kill all %.1f us\n",
	       kinds[costs->kind], costs->stats_us, costs->stats_min_us, costs->stats_files,
	       costs->stats_cold_us, costs->pids_us, costs->freeze_us, costs->thaw_us,
	       costs->kill_us);
}

static double now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* What the contained processes share with the test. */
struct shared {
	atomic_ulong spins;
	atomic_int ready;
	atomic_int signals;
	atomic_int stop_forking;
};

struct fixture {
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	struct shared *shared;
	char top[64];  /* "/ctrd-test-PID" */
	char name[80]; /* "/ctrd-test-PID/c" */
	pid_t pid;     /* of the contained process, 0: none */
	pid_t janitor;
	int janitor_fd;
};

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		FAIL("open %s: %s", path, strerror(errno));
	if (write(fd, text, strlen(text)) < 0)
		FAIL("write %s to %s: %s", text, path, strerror(errno));
	close(fd);
}

static bool read_text(const char *dir, const char *name, char *text, size_t size)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, size - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

static bool lists(const struct ctrd__cgroup_mount *mount, const char *controller)
{
	return strstr(mount->controllers, controller) != NULL;
}

/* Make point/path; with cpuset every level needs the processors of the one above. */
static void make_group(const struct ctrd__cgroup_mount *mount, const char *path)
{
	char dir[1024], parent[1024], value[512];
	snprintf(parent, sizeof(parent), "%s", mount->point);
	for (const char *p = path; *p;) {
		const char *end = strchrnul(p + 1, '/');
		CHECK(snprintf(dir, sizeof(dir), "%s%.*s", parent, (int)(end - p), p) <
		      (int)sizeof(dir));
		if (mkdir(dir, 0755) != 0 && errno != EEXIST)
			FAIL("mkdir %s: %s", dir, strerror(errno));
		static const char *const names[] = {"cpuset.cpus", "cpuset.mems"};
		for (int i = 0; i < 2 && lists(mount, "cpuset"); i++) {
			CHECK(read_text(dir, names[i], value, sizeof(value)));
			if (value[0] == '\n' && read_text(parent, names[i], value, sizeof(value)))
				write_file(dir, names[i], value);
		}
		snprintf(parent, sizeof(parent), "%s", dir);
		p = end;
	}
}

/* Give the sub-groups of dir what the root has to give: v2 without a service manager gives nothing. */
static void try_controllers(const struct ctrd__cgroup_mount *mount, const char *path)
{
	static const char *const controllers[] = {"+memory", "+pids", "+io", "+cpu"};
	char name[1024];
	snprintf(name, sizeof(name), "%s%s/cgroup.subtree_control", mount->point, path);
	for (size_t i = 0; i < sizeof(controllers) / sizeof(*controllers); i++) {
		int fd = open(name, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, controllers[i], strlen(controllers[i])) < 0)
			test_note("%s: no %s", name, controllers[i]);
		close(fd);
	}
}

static void clean_up(const struct fixture *f)
{
	/* Sub-groups first: they are groups of their own right. */
	static const char *const names[] = {"/other", "/c", ""};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[128];
		struct ctrd__cgroup cgroup;
		snprintf(path, sizeof(path), "%s%s", f->top, names[i]);
		if (ctrd__cgroup_find(&f->layout, path, &cgroup) == CTRD_OK) {
			(void)ctrd__cgroup_thaw(&cgroup, LIMIT_MS);
			(void)ctrd__cgroup_signal_all(&cgroup, SIGKILL, LIMIT_MS);
			(void)ctrd__cgroup_remove(&cgroup, LIMIT_MS);
			ctrd__cgroup_done(&cgroup);
		}
	}
}

static void start_janitor(struct fixture *f)
{
	int ends[2];
	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	f->janitor = fork();
	CHECK(f->janitor >= 0);
	if (f->janitor == 0) {
		char end;
		setsid();
		close(ends[1]);
		while (read(ends[0], &end, 1) < 0 && errno == EINTR)
			;
		clean_up(f);
		_exit(0);
	}
	close(ends[0]);
	f->janitor_fd = ends[1];
}

static void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	ctrd__cgroup_init(&f->cgroup);
	CHECK_INT(ctrd__cgroup_layout_read("", &f->layout), CTRD_OK);
	if (f->layout.kind == CTRD__CGROUP_NONE)
		SKIP("no cgroup file system is mounted");
	if (geteuid() != 0)
		SKIP("not root");
	costs->kind = f->layout.kind;
	f->shared = mmap(NULL, sizeof(*f->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(f->shared != MAP_FAILED);
	snprintf(f->top, sizeof(f->top), "/ctrd-test-%d", (int)getpid());
	snprintf(f->name, sizeof(f->name), "%s/c", f->top);
	start_janitor(f);
	for (size_t i = 0; i < f->layout.count; i++) {
		make_group(&f->layout.mounts[i], f->top);
		if (!*f->layout.mounts[i].controllers)
			try_controllers(&f->layout.mounts[i], f->top);
		make_group(&f->layout.mounts[i], f->name);
	}
}

static bool exists_anywhere(const struct fixture *f, const char *path)
{
	for (size_t i = 0; i < f->layout.count; i++) {
		char dir[1024];
		struct stat st;
		snprintf(dir, sizeof(dir), "%s%s", f->layout.mounts[i].point, path);
		if (stat(dir, &st) == 0)
			return true;
	}
	return false;
}

static void fixture_done(struct fixture *f)
{
	ctrd__cgroup_done(&f->cgroup);
	close(f->janitor_fd);
	if (f->pid > 0) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	int status = -1;
	CHECK_INT(waitpid(f->janitor, &status, 0), f->janitor);
	CHECK(!exists_anywhere(f, f->top));
	munmap(f->shared, sizeof(*f->shared));
	ctrd__cgroup_layout_done(&f->layout);
}

/* Move a process into path of every hierarchy. */
static void enter(const struct fixture *f, const char *path, pid_t pid)
{
	for (size_t i = 0; i < f->layout.count; i++) {
		char dir[1024], text[32];
		snprintf(dir, sizeof(dir), "%s%s", f->layout.mounts[i].point, path);
		snprintf(text, sizeof(text), "%d\n", (int)pid);
		write_file(dir, "cgroup.procs", text);
	}
}

/* Start body in the container's groups. It begins when it is there. */
static void start(struct fixture *f, void (*body)(struct shared *))
{
	int go[2];
	char byte;
	CHECK_INT(pipe2(go, O_CLOEXEC), 0);
	f->pid = fork();
	CHECK(f->pid >= 0);
	if (f->pid == 0) {
		/* The janitor waits for all who hold this. */
		close(f->janitor_fd);
		close(go[1]);
		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		body(f->shared);
		_exit(0);
	}
	close(go[0]);
	enter(f, f->name, f->pid);
	CHECK_INT(ctrd__cgroup_resolve(&f->layout, f->pid, &f->cgroup), CTRD_OK);
	CHECK_INT(f->cgroup.count, f->layout.count);
	CHECK_INT(write(go[1], "x", 1), 1);
	close(go[1]);
}

static size_t count_pids(const struct fixture *f)
{
	pid_t *pids = NULL;
	size_t count = 0;
	CHECK_INT(ctrd__cgroup_pids(&f->cgroup, &pids, &count), CTRD_OK);
	free(pids);
	return count;
}

/*
 * Bodies of contained processes
 */

static struct shared *own_shared;

static void on_signal(int number)
{
	(void)number;
	atomic_fetch_add(&own_shared->signals, 1);
}

/* Counts, with children that only wait; all count what they get of SIGUSR1. */
static void run_family(struct shared *shared)
{
	own_shared = shared;
	struct sigaction action = {.sa_handler = on_signal};
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < HELPERS; i++) {
		if (fork() != 0)
			continue;
		atomic_fetch_add(&shared->ready, 1);
		for (;;)
			pause();
	}
	atomic_fetch_add(&shared->ready, 1);
	for (;;)
		atomic_fetch_add(&shared->spins, 1);
}

static void start_family(struct fixture *f)
{
	start(f, run_family);
	WAIT_UNTIL(atomic_load(&f->shared->ready) == HELPERS + 1, 20);
}

/* Hard to catch: each process lives only until it has forked the next. */
static void run_away(struct shared *shared)
{
	for (int i = 0; i < HELPERS; i++) {
		if (fork() != 0)
			continue;
		while (!atomic_load(&shared->stop_forking)) {
			atomic_fetch_add(&shared->spins, 1);
			pid_t pid = fork();
			if (pid > 0)
				_exit(0);
			if (pid < 0)
				poll(NULL, 0, 1);
		}
		_exit(0);
	}
	for (;;)
		pause();
}

static void use_memory(struct shared *shared)
{
	size_t size = 64 * 1024 * 1024;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	atomic_store(&shared->ready, 1);
	for (size_t i = 0; memory != MAP_FAILED && i < size; i += 4096)
		memory[i] = 1;
	atomic_store(&shared->ready, 2);
}

/*
 * Tests
 */

TEST(cgroup_real_finds_its_groups)
{
	struct fixture f;
	fixture_init(&f);
	start_family(&f);
	for (size_t i = 0; i < f.cgroup.count; i++)
		CHECK_CONTAINS(f.cgroup.groups[i].dir, f.name);
	CHECK_INT(count_pids(&f), HELPERS + 1);

	char *text = NULL;
	struct ctrd__cgroup again;
	CHECK_INT(ctrd__cgroup_to_text(&f.cgroup, &text), CTRD_OK);
	CHECK_INT(ctrd__cgroup_from_text(&f.layout, text, strlen(text), &again), CTRD_OK);
	CHECK_INT(again.count, f.cgroup.count);
	ctrd__cgroup_done(&again);
	free(text);
	CHECK_INT(ctrd__cgroup_find(&f.layout, f.name, &again), CTRD_OK);
	CHECK_INT(again.count, f.cgroup.count);
	ctrd__cgroup_done(&again);

	/* Our own are not for touching. */
	CHECK_INT(ctrd__cgroup_resolve(&f.layout, getpid(), &again), CTRD_OK);
	CHECK_INT(again.count, 0);
	ctrd__cgroup_done(&again);

	double before = now_us();
	for (int i = 0; i < 100; i++)
		(void)count_pids(&f);
	costs->pids_us = (now_us() - before) / 100;
	fixture_done(&f);
}

TEST(cgroup_real_freezes)
{
	struct fixture f;
	enum ctrd__cgroup_state state;
	fixture_init(&f);
	start_family(&f);
	double freeze_us = 0, thaw_us = 0;
	int rounds = 20;
	for (int i = 0; i < rounds; i++) {
		unsigned long spins = atomic_load(&f.shared->spins);
		WAIT_UNTIL(atomic_load(&f.shared->spins) != spins, 10);
		double begin = now_us();
		CHECK_INT(ctrd__cgroup_freeze(&f.cgroup, LIMIT_MS), CTRD_OK);
		freeze_us += now_us() - begin;
		CHECK_INT(ctrd__cgroup_state(&f.cgroup, &state), CTRD_OK);
		CHECK_INT(state, CTRD__CGROUP_FROZEN);
		spins = atomic_load(&f.shared->spins);
		test_pause();
		CHECK(atomic_load(&f.shared->spins) == spins);
		CHECK_INT(ctrd__cgroup_freeze(&f.cgroup, LIMIT_MS), CTRD_OK);
		begin = now_us();
		CHECK_INT(ctrd__cgroup_thaw(&f.cgroup, LIMIT_MS), CTRD_OK);
		thaw_us += now_us() - begin;
		CHECK_INT(ctrd__cgroup_state(&f.cgroup, &state), CTRD_OK);
		CHECK_INT(state, CTRD__CGROUP_THAWED);
		CHECK_INT(ctrd__cgroup_thaw(&f.cgroup, LIMIT_MS), CTRD_OK);
	}
	costs->freeze_us = freeze_us / rounds;
	costs->thaw_us = thaw_us / rounds;
	fixture_done(&f);
}

TEST(cgroup_real_signals_each_once)
{
	struct fixture f;
	enum ctrd__cgroup_state state;
	fixture_init(&f);
	start_family(&f);
	CHECK_INT(ctrd__cgroup_signal_all(&f.cgroup, SIGUSR1, LIMIT_MS), CTRD_OK);
	WAIT_UNTIL(atomic_load(&f.shared->signals) == HELPERS + 1, 10);
	CHECK_INT(ctrd__cgroup_state(&f.cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_THAWED);
	/* Frozen by somebody: it stays so, and they get it later. */
	CHECK_INT(ctrd__cgroup_freeze(&f.cgroup, LIMIT_MS), CTRD_OK);
	CHECK_INT(ctrd__cgroup_signal_all(&f.cgroup, SIGUSR1, LIMIT_MS), CTRD_OK);
	CHECK_INT(ctrd__cgroup_state(&f.cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_FROZEN);
	CHECK_INT(atomic_load(&f.shared->signals), HELPERS + 1);
	CHECK_INT(ctrd__cgroup_thaw(&f.cgroup, LIMIT_MS), CTRD_OK);
	WAIT_UNTIL(atomic_load(&f.shared->signals) == 2 * (HELPERS + 1), 10);
	CHECK_INT(ctrd__cgroup_signal_all(&f.cgroup, 999, LIMIT_MS), CTRD_EINVAL);
	CHECK_INT(ctrd__cgroup_state(&f.cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_THAWED);
	fixture_done(&f);
}

static void check_killed(struct fixture *f)
{
	double begin = now_us();
	CHECK_INT(ctrd__cgroup_signal_all(&f->cgroup, SIGKILL, LIMIT_MS), CTRD_OK);
	costs->kill_us = now_us() - begin;
	int status = 0;
	CHECK_INT(waitpid(f->pid, &status, 0), f->pid);
	f->pid = 0;
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGKILL);
	WAIT_UNTIL(count_pids(f) == 0, 20);
}

TEST(cgroup_real_kills_all)
{
	struct fixture f;
	fixture_init(&f);
	start_family(&f);
	check_killed(&f);
	CHECK_INT(ctrd__cgroup_signal_all(&f.cgroup, SIGKILL, LIMIT_MS), CTRD_OK);
	fixture_done(&f);
}

TEST(cgroup_real_kills_what_is_frozen)
{
	struct fixture f;
	fixture_init(&f);
	start_family(&f);
	CHECK_INT(ctrd__cgroup_freeze(&f.cgroup, LIMIT_MS), CTRD_OK);
	check_killed(&f);
	fixture_done(&f);
}

TEST(cgroup_real_kills_what_runs_away)
{
	struct fixture f;
	fixture_init(&f);
	start(&f, run_away);
	WAIT_UNTIL(atomic_load(&f.shared->spins) > 200, 30);
	check_killed(&f);
	unsigned long spins = atomic_load(&f.shared->spins);
	test_pause();
	CHECK(atomic_load(&f.shared->spins) == spins);
	atomic_store(&f.shared->stop_forking, 1);
	fixture_done(&f);
}

TEST(cgroup_real_stats)
{
	struct fixture f;
	ctrd_stats stats, later;
	fixture_init(&f);
	start_family(&f);
	int files = test_fd_count();
	double begin = now_us();
	CHECK_INT(ctrd__cgroup_stats(&f.cgroup, &stats), CTRD_OK);
	costs->stats_cold_us = now_us() - begin;
	costs->stats_files = test_fd_count() - files;
	CHECK(costs->stats_files <= 19);
	CHECK(stats.has & CTRD_STATS_CPU);
	WAIT_UNTIL(ctrd__cgroup_stats(&f.cgroup, &later) == CTRD_OK &&
			   later.cpu_usage_ns > stats.cpu_usage_ns + 20 * 1000 * 1000,
		   20);
	CHECK(later.time_ns > stats.time_ns);
	CHECK(later.cpu_usage_ns < UINT64_C(3600000000000));
	bool v1 = f.layout.kind != CTRD__CGROUP_V2;
	if (v1) {
		CHECK((stats.has & (CTRD_STATS_MEMORY | CTRD_STATS_PIDS | CTRD_STATS_OOM)) ==
		      (CTRD_STATS_MEMORY | CTRD_STATS_PIDS | CTRD_STATS_OOM));
		CHECK(stats.has & CTRD_STATS_IO);
	}
	if (stats.has & CTRD_STATS_PIDS) {
		CHECK_INT(stats.pids_current, HELPERS + 1);
		CHECK(stats.pids_limit == UINT64_MAX);
	}
	if (stats.has & CTRD_STATS_MEMORY) {
		CHECK(later.memory_usage_bytes < UINT64_C(1) << 30);
		CHECK(stats.memory_limit_bytes == UINT64_MAX);
	}
	if (stats.has & CTRD_STATS_OOM)
		CHECK_INT(stats.oom_kills, 0);
	/* The median of many: the machine may have other work. */
	enum { ROUNDS = 200 };
	double taken[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		begin = now_us();
		CHECK_INT(ctrd__cgroup_stats(&f.cgroup, &stats), CTRD_OK);
		double us = now_us() - begin;
		int at = i;
		for (; at > 0 && taken[at - 1] > us; at--)
			taken[at] = taken[at - 1];
		taken[at] = us;
	}
	costs->stats_us = taken[ROUNDS / 2];
	costs->stats_min_us = taken[0];
	/* Groups that are gone are not found, whatever is still open. */
	check_killed(&f);
	CHECK_INT(ctrd__cgroup_remove(&f.cgroup, LIMIT_MS), CTRD_OK);
	CHECK_INT(ctrd__cgroup_stats(&f.cgroup, &stats), CTRD_ENOTFOUND);
	CHECK_INT(test_fd_count(), files);
	fixture_done(&f);
}

TEST(cgroup_real_tells_of_memory_that_ran_out)
{
	struct fixture f;
	ctrd_stats stats;
	char text[512];
	int event = -1, count = -1;
	fixture_init(&f);
	CHECK_INT(ctrd__cgroup_find(&f.layout, f.name, &f.cgroup), CTRD_OK);
	const char *v1 = ctrd__cgroup_dir(&f.cgroup, "memory");
	const char *v2 = ctrd__cgroup_dir(&f.cgroup, "");
	if (v1) {
		write_file(v1, "memory.limit_in_bytes", "8388608");
		if (read_text(v1, "memory.memsw.limit_in_bytes", text, sizeof(text)))
			write_file(v1, "memory.memsw.limit_in_bytes", "16777216");
	} else if (v2 && read_text(v2, "memory.max", text, sizeof(text))) {
		write_file(v2, "memory.max", "8388608");
		if (read_text(v2, "memory.swap.max", text, sizeof(text)))
			write_file(v2, "memory.swap.max", "0");
	} else {
		CHECK_INT(ctrd__cgroup_oom_fds(&f.cgroup, &event, &count), CTRD_ENOSYS);
		fixture_done(&f);
		/* That answer is what this layout has to give. */
		return;
	}
	ctrd__cgroup_done(&f.cgroup);
	start(&f, use_memory);
	/* The process may be dead by now: the count tells, whether or not the event comes. */
	int r = ctrd__cgroup_oom_fds(&f.cgroup, &event, &count);
	CHECK_INT(r, CTRD_OK);
	CHECK(event > 2 && count > 2);
	int status = 0;
	CHECK_INT(waitpid(f.pid, &status, 0), f.pid);
	f.pid = 0;
	CHECK(WIFSIGNALED(status));
	CHECK_INT(WTERMSIG(status), SIGKILL);
	CHECK(atomic_load(&f.shared->ready) < 2);
	ssize_t n = pread(count, text, sizeof(text), 0);
	CHECK(n > 0);
	CHECK_INT(ctrd__cgroup_oom_count(text, (size_t)n), 1);
	CHECK_INT(ctrd__cgroup_stats(&f.cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.oom_kills, 1);
	CHECK_INT(stats.memory_limit_bytes, 8388608);
	CHECK(stats.memory_limit_hits > 0);

	/* With the event asked for before. */
	atomic_store(&f.shared->ready, 0);
	ctrd__cgroup_done(&f.cgroup);
	start(&f, use_memory);
	struct pollfd p = {.fd = event, .events = POLLIN};
	CHECK_INT(poll(&p, 1, test_timeout_ms(20000)), 1);
	CHECK_INT(waitpid(f.pid, &status, 0), f.pid);
	f.pid = 0;
	n = pread(count, text, sizeof(text), 0);
	CHECK(n > 0);
	CHECK_INT(ctrd__cgroup_oom_count(text, (size_t)n), 2);
	close(event);
	close(count);
	fixture_done(&f);
}

TEST(cgroup_real_removes_all)
{
	struct fixture f;
	char path[128];
	fixture_init(&f);
	start_family(&f);
	/* Sub-groups, one of them with a process, as an init system in a container makes them. */
	for (size_t i = 0; i < f.layout.count; i++) {
		snprintf(path, sizeof(path), "%s/sub/deep", f.name);
		make_group(&f.layout.mounts[i], path);
	}
	CHECK_INT(count_pids(&f), HELPERS + 1);
	pid_t stray = fork();
	CHECK(stray >= 0);
	if (stray == 0) {
		close(f.janitor_fd);
		for (;;)
			pause();
	}
	enter(&f, path, stray);
	CHECK_INT(count_pids(&f), HELPERS + 2);
	CHECK_INT(ctrd__cgroup_remove_empty_parents(&f.layout, f.top), CTRD_OK);
	CHECK(exists_anywhere(&f, f.name));
	CHECK_INT(ctrd__cgroup_freeze(&f.cgroup, LIMIT_MS), CTRD_OK);
	CHECK_INT(ctrd__cgroup_remove(&f.cgroup, test_timeout_ms(LIMIT_MS)), CTRD_OK);
	int status = 0;
	CHECK_INT(waitpid(stray, &status, 0), stray);
	CHECK_INT(WTERMSIG(status), SIGKILL);
	CHECK(!exists_anywhere(&f, f.name));
	CHECK(exists_anywhere(&f, f.top));
	CHECK_INT(ctrd__cgroup_remove_empty_parents(&f.layout, f.top), CTRD_OK);
	CHECK(!exists_anywhere(&f, f.top));
	CHECK_INT(ctrd__cgroup_remove(&f.cgroup, 0), CTRD_OK);
	fixture_done(&f);
}

/* What a client in a service does for its monitor, as a process in the container's groups. */
static void move_to_monitors(const struct fixture *f)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	int fds[16];
	size_t count, wanted;
	char other[128], **dirs;
	snprintf(other, sizeof(other), "%s/other", f->top);
	CHECK_INT(ctrd__cgroup_layout_read("", &layout), CTRD_OK);
	CHECK_INT(ctrd__cgroup_self_escape_paths(&layout, &dirs), CTRD_OK);
	CHECK_INT(ctrd__strv_len((const char *const *)dirs), layout.count);
	ctrd__strv_free(dirs);
	CHECK_INT(ctrd__cgroup_monitor_fds(&layout, other, fds, 16, &count, &wanted), CTRD_OK);
	CHECK_INT(wanted, layout.count);
	CHECK_INT(count, wanted);
	for (size_t i = 0; i < count; i++) {
		if (write(fds[i], "0", 1) != 1)
			FAIL("%s: %s", layout.mounts[i].point, strerror(errno));
		close(fds[i]);
	}
	CHECK_INT(ctrd__cgroup_find(&layout, other, &cgroup), CTRD_OK);
	/* They hold this process now, and so are not to be touched by it. */
	CHECK_INT(cgroup.count, 0);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_real_moves_monitors_out)
{
	struct fixture f;
	fixture_init(&f);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(f.janitor_fd);
		enter(&f, f.name, getpid());
		move_to_monitors(&f);
		_exit(0);
	}
	int status = -1;
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	char path[128];
	snprintf(path, sizeof(path), "%s/other/monitors", f.top);
	CHECK(exists_anywhere(&f, path));
	CHECK_INT(ctrd__cgroup_remove_empty_parents(&f.layout, path), CTRD_OK);
	CHECK(!exists_anywhere(&f, path));
	CHECK(exists_anywhere(&f, f.name));
	fixture_done(&f);
}
