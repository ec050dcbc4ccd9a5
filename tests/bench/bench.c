/*
 * A place for a benchmark: a directory, a root file system, a control group in which CPU time is measured.
 *
 * CPU time. The benchmark moves itself into GROUP/self of the hierarchy that accounts for CPU time (v1: cpuacct; v2: the
 * only one), and everything it starts is below GROUP: conmon and the runtimes inherit GROUP/self, containers of both
 * sides are given a linux.cgroupsPath below GROUP, and monitors of the library move to GROUP/lib/monitors, because
 * GROUP/lib is the client's cgroup_parent. Usage is hierarchical and stays when a child group is removed, so the number
 * at GROUP is the CPU time of the whole tree of processes on both sides alike, whoever their parent became. Threads of
 * the kernel (which tear down namespaces and control groups) are counted on neither side.
 *
 * Cleaning up. The benchmark runs in a child process; its parent stays outside of GROUP, and when the child has ended,
 * however it did, kills what is left in GROUP and removes the groups and the directory. Signals that end a program are
 * passed on, so that an interrupted benchmark is cleaned up as well. Only SIGKILL of the parent leaves something.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"
#define BUSYBOX "/bin/busybox"

enum { PATIENCE_MS = 10000, PATH_SIZE = 512, PIDS_MAX = 4096 };

void bench_die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("cannot go on: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	_exit(1);
}

char *bench_format(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(buffer, size, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= size)
		bench_die("%s... is too long", buffer);
	return buffer;
}

unsigned bench_number(const char *variable, unsigned otherwise)
{
	const char *text = getenv(variable);
	unsigned long number = text ? strtoul(text, NULL, 10) : 0;

	return number > 0 && number < 1000000 ? (unsigned)number : otherwise;
}

int64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void pause_us(long us)
{
	struct timespec span = {0, us * 1000};

	nanosleep(&span, NULL);
}

/*
 * Control groups.
 */
static bool is_of_type(const char *path, long type)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && (long)fs.f_type == type;
}

static bool is_unified(void)
{
	return is_of_type(CGROUPS, CGROUP2_SUPER_MAGIC);
}

/* A file of a group, or "" for itself, in the hierarchy that accounts for CPU time. */
static char *cpu_path(char buffer[PATH_SIZE], const char *group, const char *file)
{
	return bench_format(buffer, PATH_SIZE, CGROUPS "%s%s%s%s", is_unified() ? "" : "/cpuacct",
			    group, *file ? "/" : "", file);
}

static size_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;

	for (ssize_t n = 1; fd >= 0 && n > 0 && used<size - 1; used += n> 0 ? (size_t)n : 0)
		n = read(fd, buffer + used, size - 1 - used);
	if (fd >= 0)
		close(fd);
	buffer[used] = '\0';
	return used;
}

void bench_write(const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		bench_die("%s: %s", path, strerror(errno));
	close(fd);
}

static void enter_group(const struct bench *bench)
{
	static const char *const below[] = {"", "/self"};
	char group[PATH_SIZE], path[PATH_SIZE];

	for (size_t i = 0; i < 2; i++) {
		bench_format(group, sizeof(group), "%s%s", bench->group, below[i]);
		if (mkdir(cpu_path(path, group, ""), 0755) != 0)
			bench_die("%s: %s", path, strerror(errno));
	}
	bench_write(cpu_path(path, group, "cgroup.procs"), "0");
}

double bench_cpu_ms(const struct bench *bench)
{
	char path[PATH_SIZE], text[1024];

	if (is_unified()) {
		read_file(cpu_path(path, bench->group, "cpu.stat"), text, sizeof(text));
		const char *usage = strstr(text, "usage_usec ");
		if (usage)
			return strtod(usage + 11, NULL) / 1e3;
	} else if (read_file(cpu_path(path, bench->group, "cpuacct.usage"), text, sizeof(text))) {
		return strtod(text, NULL) / 1e6;
	}
	bench_die("%s tells no CPU time", path);
}

static size_t pids_of(const char *procs, pid_t *pids, size_t max)
{
	FILE *file = fopen(procs, "re");
	size_t count = 0;

	while (file && count < max && fscanf(file, "%d", &pids[count]) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

size_t bench_pids(const char *group, pid_t *pids, size_t max)
{
	char path[PATH_SIZE];

	return pids_of(cpu_path(path, group, "cgroup.procs"), pids, max);
}

/* What the walks below collect and do; nftw passes nothing on. */
static struct {
	size_t others; /* processes but this one */
	bool kill;
} walk;

static int count_others(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static pid_t pids[PIDS_MAX];

	(void)st;
	if (type != FTW_F || strcmp(path + ftw->base, "cgroup.procs") != 0)
		return 0;
	size_t count = pids_of(path, pids, PIDS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == getpid())
			continue;
		walk.others++;
		if (walk.kill)
			kill(pids[i], SIGKILL);
	}
	return 0;
}

static size_t others_in(const struct bench *bench, bool kill)
{
	char path[PATH_SIZE];

	walk.others = 0;
	walk.kill = kill;
	nftw(cpu_path(path, bench->group, ""), count_others, 16, FTW_PHYS);
	return walk.others;
}

void bench_settle(const struct bench *bench)
{
	int64_t until = bench_now_ns() + PATIENCE_MS * INT64_C(1000000);

	while (others_in(bench, false)) {
		if (bench_now_ns() > until)
			bench_die("%zu processes stay in %s", walk.others, bench->group);
		pause_us(300);
	}
}

/* Whom SIGKILL cannot reach because it is frozen. */
static int thaw(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (type == FTW_F && strcmp(path + ftw->base, "freezer.state") == 0 &&
	    access(path, W_OK) == 0)
		bench_write(path, "THAWED");
	return 0;
}

static int remove_group(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DP && rmdir(path) != 0 && errno != ENOENT)
		walk.others++;
	return 0;
}

/* In every hierarchy; how many groups could not be removed. */
static size_t remove_groups(const struct bench *bench)
{
	static const char *const v1[] = {
		"cpu",	 "cpuacct", "cpuset",  "memory",      "devices", "freezer",
		"blkio", "pids",    "hugetlb", "cpu,cpuacct", "net_cls", "net_prio",
		"rdma",	 "misc",    "systemd", "perf_event",  "unified",
	};
	char path[PATH_SIZE];

	walk.others = 0;
	if (is_unified()) {
		bench_format(path, sizeof(path), CGROUPS "%s", bench->group);
		nftw(path, remove_group, 16, FTW_DEPTH | FTW_PHYS);
		return walk.others;
	}
	for (size_t i = 0; i < sizeof(v1) / sizeof(*v1); i++) {
		bench_format(path, sizeof(path), CGROUPS "/%s", v1[i]);
		if (!is_of_type(path, CGROUP_SUPER_MAGIC) && !is_of_type(path, CGROUP2_SUPER_MAGIC))
			continue;
		bench_format(path, sizeof(path), CGROUPS "/%s%s", v1[i], bench->group);
		nftw(path, remove_group, 16, FTW_DEPTH | FTW_PHYS);
	}
	return walk.others;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path) != 0 && errno != ENOENT;
}

static bool clean_up(const struct bench *bench)
{
	int64_t until = bench_now_ns() + PATIENCE_MS * INT64_C(1000000);
	char path[PATH_SIZE];
	size_t left;

	bench_format(path, sizeof(path), CGROUPS "/freezer%s", bench->group);
	while ((left = others_in(bench, true)) && bench_now_ns() < until) {
		nftw(path, thaw, 16, FTW_PHYS);
		pause_us(2000);
	}
	if (left)
		fprintf(stderr, "%zu processes are left in %s\n", left, bench->group);
	while ((left = remove_groups(bench)) && bench_now_ns() < until)
		pause_us(2000);
	if (left)
		fprintf(stderr, "%zu control groups are left in %s\n", left, bench->group);
	if (nftw(bench->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0) {
		fprintf(stderr, "%s: %s\n", bench->dir, strerror(errno));
		left++;
	}
	return left == 0;
}

/*
 * The root file system.
 */
static void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;

	if (in < 0 || out < 0 || fstat(in, &st) != 0)
		bench_die("%s to %s: %s", from, to, strerror(errno));
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(out, in, NULL, (size_t)left);
		if (n <= 0)
			bench_die("%s: %s", to, strerror(errno));
		left -= n;
	}
	close(in);
	close(out);
}

static void make_rootfs(const char *rootfs)
{
	static const char *const dirs[] = {"", "/bin", "/proc", "/dev", "/sys", "/tmp"};
	static const char *const names[] = {"sh", "true", "sleep", "echo"};
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (mkdir(bench_format(path, sizeof(path), "%s%s", rootfs, dirs[i]), 0755) != 0)
			bench_die("%s: %s", path, strerror(errno));
	copy_file(BUSYBOX, bench_format(path, sizeof(path), "%s/bin/busybox", rootfs));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (symlink("busybox",
			    bench_format(path, sizeof(path), "%s/bin/%s", rootfs, names[i])) != 0)
			bench_die("%s: %s", path, strerror(errno));
}

/*
 * The two processes.
 */
static pid_t child;

static void pass_on(int signal)
{
	(void)signal;
	if (child > 0)
		kill(child, SIGKILL);
}

static void find_runtime(struct bench *bench)
{
	static const char *const dirs[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					   "/usr/bin",	      "/sbin",		"/bin"};
	const char *name = getenv("CTRD_TEST_RUNTIME");

	bench_format(bench->runtime, sizeof(bench->runtime), "%s", name ? name : "crun");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		bench_format(bench->program, sizeof(bench->program), "%s/%s", dirs[i],
			     bench->runtime);
		if (access(bench->program, X_OK) == 0)
			return;
	}
	bench_die("there is no %s", bench->runtime);
}

int bench_main(const char *name, void (*run)(const struct bench *bench))
{
	const char *tmp = getenv("TMPDIR");
	struct bench bench;
	int status = 0;

	memset(&bench, 0, sizeof(bench));
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid() != 0) {
		fprintf(stderr, "%s: needs root\n", name);
		return 77;
	}
	find_runtime(&bench);
	bench_format(bench.dir, sizeof(bench.dir), "%s/ctrd-bench-XXXXXX",
		     tmp && strlen(tmp) < 32 ? tmp : "/tmp");
	if (!mkdtemp(bench.dir) || chmod(bench.dir, 0755) != 0)
		bench_die("%s: %s", bench.dir, strerror(errno));
	bench_format(bench.state, sizeof(bench.state), "%s/state", bench.dir);
	bench_format(bench.rootfs, sizeof(bench.rootfs), "%s/rootfs", bench.dir);
	bench_format(bench.group, sizeof(bench.group), "/ctrd-bench-%d", (int)getpid());
	bench_format(bench.parent, sizeof(bench.parent), "%s/lib", bench.group);

	struct sigaction action = {.sa_handler = pass_on};
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	child = fork();
	if (child == 0) {
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		make_rootfs(bench.rootfs);
		enter_group(&bench);
		run(&bench);
		fflush(stdout);
		_exit(0);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	bool is_clean = clean_up(&bench);
	if (child < 0 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status) ? WEXITSTATUS(status) : !is_clean;
}

/*
 * Numbers.
 */
void bench_add(struct bench_series *series, double value)
{
	if (series->count == series->room) {
		series->room = series->room ? 2 * series->room : 64;
		series->values = realloc(series->values, series->room * sizeof(double));
		if (!series->values)
			bench_die("out of memory");
	}
	series->values[series->count++] = value;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_percentile(struct bench_series *series, double percent)
{
	if (series->count == 0)
		bench_die("a series without values");
	qsort(series->values, series->count, sizeof(double), by_value);
	double at = percent / 100 * (double)(series->count - 1);
	size_t low = (size_t)at;
	size_t high = low + 1 < series->count ? low + 1 : low;
	double part = at - (double)low;
	return series->values[low] * (1 - part) + series->values[high] * part;
}

void bench_clear(struct bench_series *series)
{
	free(series->values);
	memset(series, 0, sizeof(*series));
}

void bench_verdict(const char *what, double value, double most, const char *unit)
{
	printf("TARGET %-40s %8.3f %s, at most %.3f: %s\n", what, value, unit, most,
	       value <= most ? "held" : "MISSED");
}

/*
 * Containers.
 */
char *bench_spec(const struct bench *bench, const char *const *args, const char *cgroup)
{
	ctrd_spec *spec = NULL;
	ctrd_error *error = NULL;
	char quoted[PATH_SIZE], *json = NULL;

	if (ctrd_spec_new(bench->rootfs, args, 0, &spec) != CTRD_OK)
		bench_die("no spec");
	ctrd_spec_set_root_readonly(spec, 1);
	if (cgroup)
		ctrd_spec_set(spec, "linux/cgroupsPath",
			      bench_format(quoted, sizeof(quoted), "\"%s\"", cgroup));
	if (ctrd_spec_json(spec, &json, NULL, &error) != CTRD_OK)
		bench_die("spec: %s", ctrd_error_message(error));
	ctrd_spec_free(spec);
	return json;
}

void bench_bundle(const char *path, const char *spec)
{
	char config[PATH_SIZE];

	if (mkdir(path, 0700) != 0)
		bench_die("%s: %s", path, strerror(errno));
	bench_write(bench_format(config, sizeof(config), "%s/config.json", path), spec);
}

static void show_log(int32_t level, const char *line, void *data)
{
	(void)level;
	(void)data;
	fprintf(stderr, "libctrd: %s\n", line);
}

ctrd_client_options bench_options(const struct bench *bench)
{
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;

	options.state_dir = bench->state;
	options.cgroup_parent = bench->parent;
	options.default_runtime = bench->runtime;
	options.log.fn = show_log;
	options.log_level = CTRD_LOG_WARNING;
	return options;
}

ctrd_client *bench_open(const struct bench *bench)
{
	ctrd_client_options options = bench_options(bench);
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;

	if (ctrd_client_open("local:", &options, &client, &error) != CTRD_OK)
		bench_die("open: %s", ctrd_error_message(error));
	return client;
}

void bench_close(ctrd_client *client)
{
	BENCH_CALL(ctrd_client_close(client, NULL, BENCH_NOBODY, &op));
	ctrd_client_unref(client);
}

void bench_check(ctrd_op *op)
{
	if (ctrd_op_status(op) != CTRD_OK)
		bench_die("%s %s/%s: %s: %s", ctrd_op_verb(op), ctrd_op_container_id(op),
			  ctrd_op_process_id(op), ctrd_status_name(ctrd_op_status(op)),
			  ctrd_error_message(ctrd_op_error(op)));
}

ctrd_op *bench_await(int status, ctrd_op *op)
{
	if (status != CTRD_OK)
		bench_die("a call was refused: %s", ctrd_status_name(status));
	if (ctrd_op_wait(op, -1) != CTRD_OK)
		bench_die("%s: cannot wait", ctrd_op_verb(op));
	bench_check(op);
	return op;
}
