/*
 * How long the library holds up a loop that it was lent: the watchdog of an adopted loop over LIVES lives, each with execs,
 * pauses and readings, and how long the calls themselves keep their caller.
 *
 * The host polls the loop's own descriptor and lets it turn without waiting, so that a turn is what the library does on
 * the loop and nothing else. A turn holds every callback that was due, so the longest turn bounds the longest step.
 * Three times of each turn, because the machine may be busy with other things:
 *   wall     what the host would notice
 *   cpu      what this thread computed (CLOCK_THREAD_CPUTIME_ID)
 *   asleep   wall, less cpu, less the time that the thread could have run but the machine ran others (second field of
 *            /proc/thread-self/schedstat): the time that a call in the turn slept in the kernel or waited for a lock
 * The target is for the greatest sum of cpu and asleep, in a turn and in a call.
 *
 * Not all of it is the library's: interrupts, and a hypervisor that takes the CPU away, count as cpu of whoever runs. So
 * the same clocks are held to as many turns of plain computing, about as long as a turn's median: what shows there is the
 * machine's. And what a verb takes usually is told beside what it took at worst. The first pause makes the kernel change its
 * code, and halt every CPU for that (bench_calls.c): it is not recorded.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { LIVES = 20, EXECS = 3, PATIENCE_MS = 60000, SPIN_NS = 50000, VERBS_MAX = 32 };

static const char id[] = "loop";

struct moment {
	double wall, cpu, queued; /* ms */
};

struct watchdog {
	struct bench_series wall, cpu, asleep, own; /* own = cpu + asleep */
	double worst;
	char worst_of[64];
};

/* The longest turn of each call of a verb. */
struct verb {
	const char *name;
	struct bench_series longest;
};

struct host {
	const struct bench *bench;
	uv_loop_t loop;
	ctrd_client *client;
	int schedstat;
	struct watchdog turns, calls;
	const char *verb; /* what is being waited for */
	double longest;	  /* since it began */
	bool blind;	  /* nothing is recorded */
	struct verb verbs[VERBS_MAX];
};

static struct moment look(struct host *host)
{
	struct moment now = {0};
	struct timespec cpu;
	char text[128];

	now.wall = (double)bench_now_ns() / 1e6;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	now.cpu = (double)cpu.tv_sec * 1e3 + (double)cpu.tv_nsec / 1e6;
	ssize_t length = pread(host->schedstat, text, sizeof(text) - 1, 0);
	if (length > 0) {
		text[length] = '\0';
		const char *space = strchr(text, ' ');
		now.queued = space ? strtod(space, NULL) / 1e6 : 0;
	}
	return now;
}

static void record(struct host *host, struct watchdog *watchdog, const struct moment *began)
{
	struct moment now = look(host);
	double wall = now.wall - began->wall, cpu = now.cpu - began->cpu;
	double asleep = wall - cpu - (now.queued - began->queued);

	if (host->blind)
		return;
	if (asleep < 0)
		asleep = 0;
	bench_add(&watchdog->wall, wall);
	bench_add(&watchdog->cpu, cpu);
	bench_add(&watchdog->asleep, asleep);
	bench_add(&watchdog->own, cpu + asleep);
	if (cpu + asleep > host->longest)
		host->longest = cpu + asleep;
	if (cpu + asleep > watchdog->worst) {
		watchdog->worst = cpu + asleep;
		snprintf(watchdog->worst_of, sizeof(watchdog->worst_of),
			 "%s: cpu %.3f, asleep %.3f, wall %.3f", host->verb, cpu, asleep, wall);
	}
}

static void begin_verb(struct host *host, const char *name)
{
	host->verb = name;
	host->longest = 0;
}

static void end_verb(struct host *host)
{
	struct verb *verb = host->verbs;

	while (verb->name && strcmp(verb->name, host->verb) != 0)
		verb++;
	if (verb == host->verbs + VERBS_MAX - 1)
		bench_die("more than %d verbs", VERBS_MAX - 1);
	verb->name = host->verb;
	bench_add(&verb->longest, host->longest);
}

static void turn(struct host *host)
{
	int timeout = uv_backend_timeout(&host->loop);
	struct pollfd poll_loop = {uv_backend_fd(&host->loop), POLLIN, 0};

	if (poll(&poll_loop, 1, timeout < 0 || timeout > PATIENCE_MS ? PATIENCE_MS : timeout) < 0 &&
	    errno != EINTR)
		bench_die("poll: %s", strerror(errno));
	struct moment began = look(host);
	uv_run(&host->loop, UV_RUN_NOWAIT);
	record(host, &host->turns, &began);
}

static void finish(struct host *host, ctrd_op *op)
{
	int64_t until = bench_now_ns() + PATIENCE_MS * INT64_C(1000000);

	while (!ctrd_op_is_done(op)) {
		if (bench_now_ns() > until)
			bench_die("%s does not end", ctrd_op_verb(op));
		turn(host);
	}
	bench_check(op);
	ctrd_op_unref(op);
	end_verb(host);
}

/* Make a call on the loop's thread, timed, then turn the loop until it has ended. */
#define DO(host, name, call)                                                    \
	do {                                                                    \
		ctrd_op *op = NULL;                                             \
		begin_verb(host, name);                                         \
		struct moment do_began = look(host);                            \
		int do_status = (call);                                         \
		record(host, &(host)->calls, &do_began);                        \
		if (do_status != CTRD_OK)                                       \
			bench_die("%s: %s", name, ctrd_status_name(do_status)); \
		finish(host, op);                                               \
	} while (0)

static int take_output(const char *container_id, const char *process_id, uint32_t stream,
		       const void *bytes, size_t length, void *data)
{
	(void)container_id;
	(void)process_id;
	(void)stream;
	(void)bytes;
	(void)length;
	(void)data;
	return 0;
}

static ctrd_stdio captured(void)
{
	ctrd_stdio stdio = CTRD_STDIO_INIT;

	stdio.out = stdio.err = CTRD_STREAM_DATA;
	stdio.data_fn = take_output;
	return stdio;
}

static void exec_once(struct host *host)
{
	ctrd_exec_options options = CTRD_EXEC_OPTIONS_INIT;
	ctrd_stdio stdio = captured();
	ctrd_client *client = host->client;

	options.process = "{\"cwd\":\"/\",\"args\":[\"/bin/echo\",\"a line of output\"]}";
	options.stdio = &stdio;
	DO(host, "exec", ctrd_process_exec(client, id, "e", &options, BENCH_NOBODY, &op));
	DO(host, "wait", ctrd_process_wait(client, id, "e", NULL, BENCH_NOBODY, &op));
	DO(host, "process delete", ctrd_process_delete(client, id, "e", NULL, BENCH_NOBODY, &op));
}

static void live(struct host *host, const char *spec)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_start_options start = CTRD_START_OPTIONS_INIT;
	ctrd_stdio stdio = captured();
	ctrd_client *client = host->client;

	create.spec = spec;
	start.stdio = &stdio;
	DO(host, "create", ctrd_container_create(client, id, &create, BENCH_NOBODY, &op));
	DO(host, "start", ctrd_container_start(client, id, &start, BENCH_NOBODY, &op));
	for (int i = 0; i < EXECS; i++) {
		exec_once(host);
		DO(host, "stats", ctrd_container_stats(client, id, NULL, BENCH_NOBODY, &op));
		DO(host, "pids", ctrd_container_pids(client, id, NULL, BENCH_NOBODY, &op));
		DO(host, "status", ctrd_container_status(client, id, NULL, BENCH_NOBODY, &op));
		DO(host, "list", ctrd_container_list(client, NULL, BENCH_NOBODY, &op));
		DO(host, "process list", ctrd_process_list(client, id, NULL, BENCH_NOBODY, &op));
		DO(host, "inspect", ctrd_container_inspect(client, id, NULL, BENCH_NOBODY, &op));
		DO(host, "pause", ctrd_container_pause(client, id, NULL, BENCH_NOBODY, &op));
		DO(host, "resume", ctrd_container_resume(client, id, NULL, BENCH_NOBODY, &op));
	}
	DO(host, "signal",
	   ctrd_process_signal(client, id, CTRD_INIT_PROCESS, SIGKILL, NULL, BENCH_NOBODY, &op));
	DO(host, "wait", ctrd_process_wait(client, id, CTRD_INIT_PROCESS, NULL, BENCH_NOBODY, &op));
	DO(host, "task delete", ctrd_task_delete(client, id, NULL, BENCH_NOBODY, &op));
	DO(host, "delete", ctrd_container_delete(client, id, NULL, BENCH_NOBODY, &op));
}

/* A second client finds it again: the reading of records and the connection to a monitor. */
static void load(struct host *host, const char *spec)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_delete_options delete = CTRD_DELETE_OPTIONS_INIT;
	ctrd_client *first = host->client;

	create.spec = spec;
	delete.flags = CTRD_DELETE_FORCE;
	DO(host, "create", ctrd_container_create(first, id, &create, BENCH_NOBODY, &op));
	DO(host, "start", ctrd_container_start(first, id, NULL, BENCH_NOBODY, &op));
	DO(host, "close", ctrd_client_close(first, NULL, BENCH_NOBODY, &op));
	ctrd_client_unref(first);

	ctrd_client_options options = bench_options(host->bench);
	options.loop = &host->loop;
	options.loop_size = uv_loop_size();
	host->verb = "open";
	struct moment began = look(host);
	if (ctrd_client_open("local:", &options, &host->client, NULL) != CTRD_OK)
		bench_die("cannot open");
	record(host, &host->calls, &began);
	DO(host, "load", ctrd_container_load(host->client, id, NULL, BENCH_NOBODY, &op));
	DO(host, "delete by force",
	   ctrd_container_delete(host->client, id, &delete, BENCH_NOBODY, &op));
}

/* By verb, as it usually is: the greatest of these medians. Chance hits each verb now and then, a slow step every time. */
static double print_verbs(struct host *host)
{
	double worst = 0;

	printf("the longest turn of each call, by verb\n");
	for (struct verb *verb = host->verbs; verb->name; verb++) {
		double median = bench_percentile(&verb->longest, 50);
		printf("  %-16s median %7.3f   longest %7.3f ms   (%zu calls)\n", verb->name,
		       median, bench_percentile(&verb->longest, 100), verb->longest.count);
		if (median > worst)
			worst = median;
		bench_clear(&verb->longest);
	}
	return worst;
}

static double print_watchdog(const char *name, struct watchdog *watchdog)
{
	struct bench_series *const rows[] = {&watchdog->wall, &watchdog->cpu, &watchdog->asleep};
	static const char *const names[] = {"wall", "cpu", "asleep"};
	size_t over = 0;

	for (size_t i = 0; i < watchdog->own.count; i++)
		over += watchdog->own.values[i] > 1;
	printf("%s: %zu\n", name, watchdog->own.count);
	for (size_t i = 0; i < 3; i++)
		printf("  %-8s median %7.3f   p99 %7.3f   longest %7.3f ms\n", names[i],
		       bench_percentile(rows[i], 50), bench_percentile(rows[i], 99),
		       bench_percentile(rows[i], 100));
	printf("  cpu and asleep over 1 ms: %zu; the longest: %s ms\n", over, watchdog->worst_of);
	double worst = bench_percentile(&watchdog->own, 100);
	bench_clear(&watchdog->wall);
	bench_clear(&watchdog->cpu);
	bench_clear(&watchdog->asleep);
	bench_clear(&watchdog->own);
	return worst;
}

/* Turns of our own that only compute: what the clocks show without the library. */
static void control(struct host *host, size_t turns)
{
	struct watchdog machine;
	struct pollfd nothing = {-1, 0, 0};

	memset(&machine, 0, sizeof(machine));
	host->verb = "computing";
	for (size_t i = 0; i < turns; i++) {
		poll(&nothing, 1, 1);
		struct moment began = look(host);
		int64_t until = bench_now_ns() + SPIN_NS;
		while (bench_now_ns() < until)
			;
		record(host, &machine, &began);
	}
	print_watchdog("for comparison, turns of 0.05 ms of computing", &machine);
}

/* A container that is paused, beside. */
static void pause_other(struct host *host, const char *spec)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_client *client = host->client;

	create.spec = spec;
	DO(host, "create", ctrd_container_create(client, "other", &create, BENCH_NOBODY, &op));
	DO(host, "start", ctrd_container_start(client, "other", NULL, BENCH_NOBODY, &op));
	host->blind = true;
	DO(host, "pause", ctrd_container_pause(client, "other", NULL, BENCH_NOBODY, &op));
	host->blind = false;
}

static void run_all(struct host *host, const char *spec, unsigned lives)
{
	ctrd_delete_options delete = CTRD_DELETE_OPTIONS_INIT;

	delete.flags = CTRD_DELETE_FORCE;
	pause_other(host, spec);
	for (unsigned i = 0; i < lives; i++)
		live(host, spec);
	load(host, spec);
	DO(host, "delete by force",
	   ctrd_container_delete(host->client, "other", &delete, BENCH_NOBODY, &op));
	DO(host, "close", ctrd_client_close(host->client, NULL, BENCH_NOBODY, &op));
	ctrd_client_unref(host->client);
	host->verb = "after close";
	while (uv_loop_alive(&host->loop))
		turn(host);
	if (uv_loop_close(&host->loop) != 0)
		bench_die("the library left something in the loop");
}

static void run(const struct bench *bench)
{
	static const char *const args[] = {"/bin/sleep", "3600", NULL};
	unsigned lives = bench_number("CTRD_BENCH_LIVES", LIVES);
	char *spec = bench_spec(bench, args, NULL);
	ctrd_client_options options = bench_options(bench);
	struct host host = {.bench = bench};

	host.schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	if (host.schedstat < 0)
		printf("no /proc/thread-self/schedstat: asleep holds the time of others\n");
	if (uv_loop_init(&host.loop) != 0)
		bench_die("no loop");
	options.loop = &host.loop;
	options.loop_size = uv_loop_size();
	host.verb = "open";
	struct moment began = look(&host);
	if (ctrd_client_open("local:", &options, &host.client, NULL) != CTRD_OK)
		bench_die("cannot open");
	record(&host, &host.calls, &began);

	run_all(&host, spec, lives);
	size_t count = host.turns.wall.count;

	printf("an adopted loop over %u lives with %d execs each, with %s\n", lives, EXECS,
	       bench->runtime);
	double turns = print_watchdog("turns of the loop", &host.turns);
	double calls = print_watchdog("calls on the loop", &host.calls);
	double usual = print_verbs(&host);
	control(&host, count);
	if (host.schedstat >= 0)
		close(host.schedstat);
	bench_verdict("longest turn (cpu + asleep)", turns, 1, "ms");
	bench_verdict("longest turn of the slowest verb, usually", usual, 1, "ms");
	bench_verdict("longest call (cpu + asleep)", calls, 1, "ms");
	ctrd_free(spec);
}

int main(void)
{
	return bench_main("loop", run);
}
