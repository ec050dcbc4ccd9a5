/*
 * How long single calls take on a running container, from the call to its completion: made by one thread, carried out by
 * the client's own thread, waited for with ctrd_op_wait. So each figure holds two changes of thread besides the work.
 *
 * Signals go to the container's first process (`sleep`, which ignores what it has no handler for, as any init of a pid
 * namespace) except for `kill`, which is SIGKILL for a process that was exec'd for it; its time is that of the call, not
 * until the process has ended. Pause and resume alternate: both do the work each time.
 *
 * Freezing has a price that is the kernel's: writing the freezer's state by hand is measured before the library has
 * paused anything. On v1 the first group that freezes switches a branch in the kernel's code, on all CPUs, and the last
 * one that thaws switches it back: more than a millisecond each, many on a busy machine. The library's first pause pays it
 * once, and leaves an empty frozen group that keeps the branch as it is.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 1000, PAUSES = 300, EXECS = 50 };

static const char id[] = "calls";
static const char sleeper[] = "{\"cwd\":\"/\",\"args\":[\"/bin/sleep\",\"3600\"]}";
static const char trivial[] = "{\"cwd\":\"/\",\"args\":[\"/bin/true\"]}";

#define TIMED(series, call)                                                      \
	do {                                                                     \
		int64_t timed_began = bench_now_ns();                            \
		BENCH_CALL(call);                                                \
		bench_add(series, (double)(bench_now_ns() - timed_began) / 1e3); \
	} while (0)

static double print_row(const char *name, struct bench_series *series)
{
	double median = bench_percentile(series, 50);

	printf("  %-26s median %9.1f   p99 %9.1f   min %9.1f us   (%zu calls)\n", name, median,
	       bench_percentile(series, 99), bench_percentile(series, 0), series->count);
	bench_clear(series);
	return median;
}

static void exec(ctrd_client *client, const char *process_id, const char *process)
{
	ctrd_exec_options options = CTRD_EXEC_OPTIONS_INIT;

	options.process = process;
	BENCH_CALL(ctrd_process_exec(client, id, process_id, &options, BENCH_NOBODY, &op));
}

static void measure_reading(ctrd_client *client)
{
	unsigned calls = bench_number("CTRD_BENCH_CALLS", CALLS);
	struct bench_series signals = {0}, stats = {0}, pids = {0}, status = {0}, list = {0};

	for (unsigned i = 0; i < calls; i++) {
		TIMED(&signals, ctrd_process_signal(client, id, CTRD_INIT_PROCESS, SIGUSR1, NULL,
						    BENCH_NOBODY, &op));
		TIMED(&stats, ctrd_container_stats(client, id, NULL, BENCH_NOBODY, &op));
		TIMED(&pids, ctrd_container_pids(client, id, NULL, BENCH_NOBODY, &op));
		TIMED(&status, ctrd_container_status(client, id, NULL, BENCH_NOBODY, &op));
		TIMED(&list, ctrd_process_list(client, id, NULL, BENCH_NOBODY, &op));
	}
	print_row("signal", &signals);
	print_row("stats", &stats);
	print_row("pids", &pids);
	print_row("status", &status);
	print_row("process list", &list);
}

/* The file that freezes a group of ours: v1 or v2. */
static int open_freezer(const char *cgroup, bool *ret_is_v1)
{
	char path[256];
	int fd;

	bench_format(path, sizeof(path), "/sys/fs/cgroup/freezer%s/freezer.state", cgroup);
	fd = open(path, O_RDWR | O_CLOEXEC);
	*ret_is_v1 = fd >= 0;
	if (fd < 0) {
		bench_format(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.freeze", cgroup);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (fd < 0)
		bench_die("%s: %s", path, strerror(errno));
	return fd;
}

static void write_state(int fd, const char *state)
{
	if (pwrite(fd, state, strlen(state), 0) != (ssize_t)strlen(state))
		bench_die("the freezer: %s", strerror(errno));
}

/* Nothing but the writing: what no pause can be faster than. */
static void measure_freezer(const char *cgroup, unsigned pauses)
{
	struct bench_series freeze = {0}, thaw = {0};
	bool is_v1;
	int fd = open_freezer(cgroup, &is_v1);

	for (unsigned i = 0; i < pauses; i++) {
		int64_t began = bench_now_ns();
		write_state(fd, is_v1 ? "FROZEN" : "1");
		int64_t frozen = bench_now_ns();
		write_state(fd, is_v1 ? "THAWED" : "0");
		bench_add(&freeze, (double)(frozen - began) / 1e3);
		bench_add(&thaw, (double)(bench_now_ns() - frozen) / 1e3);
	}
	close(fd);
	print_row("(the kernel's freezing)", &freeze);
	print_row("(the kernel's thawing)", &thaw);
}

static void measure_pauses(ctrd_client *client, const char *cgroup)
{
	unsigned pauses = bench_number("CTRD_BENCH_PAUSES", PAUSES);
	struct bench_series first = {0}, pause = {0}, resume = {0};

	measure_freezer(cgroup, pauses);
	TIMED(&first, ctrd_container_pause(client, id, NULL, BENCH_NOBODY, &op));
	BENCH_CALL(ctrd_container_resume(client, id, NULL, BENCH_NOBODY, &op));
	for (unsigned i = 0; i < pauses; i++) {
		TIMED(&pause, ctrd_container_pause(client, id, NULL, BENCH_NOBODY, &op));
		TIMED(&resume, ctrd_container_resume(client, id, NULL, BENCH_NOBODY, &op));
	}
	print_row("the first pause", &first);
	double median = print_row("pause", &pause);
	print_row("resume", &resume);
	bench_verdict("pause", median / 1e3, 1, "ms");
}

static void measure_exec(ctrd_client *client)
{
	unsigned execs = bench_number("CTRD_BENCH_EXECS", EXECS);
	struct bench_series kills = {0}, ends = {0}, whole = {0};

	for (unsigned i = 0; i < execs; i++) {
		exec(client, "victim", sleeper);
		int64_t began = bench_now_ns();
		TIMED(&kills,
		      ctrd_process_signal(client, id, "victim", SIGKILL, NULL, BENCH_NOBODY, &op));
		BENCH_CALL(ctrd_process_wait(client, id, "victim", NULL, BENCH_NOBODY, &op));
		bench_add(&ends, (double)(bench_now_ns() - began) / 1e3);
		BENCH_CALL(ctrd_process_delete(client, id, "victim", NULL, BENCH_NOBODY, &op));

		began = bench_now_ns();
		exec(client, "trivial", trivial);
		BENCH_CALL(ctrd_process_wait(client, id, "trivial", NULL, BENCH_NOBODY, &op));
		BENCH_CALL(ctrd_process_delete(client, id, "trivial", NULL, BENCH_NOBODY, &op));
		bench_add(&whole, (double)(bench_now_ns() - began) / 1e3);
	}
	double median = print_row("kill", &kills);
	print_row("kill and wait", &ends);
	print_row("exec true, wait, delete", &whole);
	bench_verdict("kill", median / 1e3, 1, "ms");
}

static void run(const struct bench *bench)
{
	static const char *const args[] = {"/bin/sleep", "3600", NULL};
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_delete_options delete = CTRD_DELETE_OPTIONS_INIT;
	char cgroup[96];
	ctrd_client *client = bench_open(bench);

	bench_format(cgroup, sizeof(cgroup), "%s/box/%s", bench->group, id);
	char *spec = bench_spec(bench, args, cgroup);

	create.spec = spec;
	delete.flags = CTRD_DELETE_FORCE;
	BENCH_CALL(ctrd_container_create(client, id, &create, BENCH_NOBODY, &op));
	BENCH_CALL(ctrd_container_start(client, id, NULL, BENCH_NOBODY, &op));

	printf("calls on a running container, with %s\n", bench->runtime);
	measure_reading(client);
	measure_pauses(client, cgroup);
	measure_exec(client);

	BENCH_CALL(ctrd_container_delete(client, id, &delete, BENCH_NOBODY, &op));
	bench_close(client);
	ctrd_free(spec);
}

int main(void)
{
	return bench_main("calls", run);
}
