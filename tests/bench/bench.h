/*
 * bench.h: what the benchmarks share: a place of their own that is gone afterwards, a clock of CPU time over all
 * processes that come of them, numbers. See bench.c.
 *
 *	static void run(const struct bench *bench) { ... }
 *	int main(void) { return bench_main("life", run); }
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <libctrd/libctrd.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bench {
	char dir[64];	 /* a directory of our own */
	char state[80];	 /* dir/state: the library's state directory */
	char rootfs[80]; /* dir/rootfs: a static busybox and its names */
	char group
		[64]; /* "/ctrd-bench-N": the control group that is measured, in every hierarchy */
	char parent[80];   /* group/lib: cgroup_parent of clients */
	char runtime[16];  /* CTRD_TEST_RUNTIME, else crun */
	char program[128]; /* the absolute path of that runtime */
};

/* Run in a process of its own, in the measured control group; then remove everything. The exit status. */
int bench_main(const char *name, void (*run)(const struct bench *bench));
/* Say why and end; what was begun is removed. */
__attribute__((format(printf, 1, 2), noreturn)) void bench_die(const char *format, ...);
__attribute__((format(printf, 3, 4))) char *bench_format(char *buffer, size_t size,
							 const char *format, ...);
/* An environment variable as a number, or its default. */
unsigned bench_number(const char *variable, unsigned otherwise);

/*
 * Clocks. CPU time is that of every process of the measured control group, the dead ones included.
 */
int64_t bench_now_ns(void);
double bench_cpu_ms(const struct bench *bench);
/* Wait until no process but this one is left in the measured control group. */
void bench_settle(const struct bench *bench);
/* The processes in a control group (a path like bench->group) itself; how many. */
size_t bench_pids(const char *group, pid_t *pids, size_t max);

/*
 * Numbers.
 */
struct bench_series {
	double *values;
	size_t count, room;
};
void bench_add(struct bench_series *series, double value);
/* The value that `percent` of the values do not exceed; 50 is the median. Sorts. */
double bench_percentile(struct bench_series *series, double percent);
void bench_clear(struct bench_series *series);
/* "target: at most 0.12 MB: held", or missed. */
void bench_verdict(const char *what, double value, double most, const char *unit);

/*
 * Containers.
 */
/* The JSON of a spec that runs args; `cgroup` may be NULL. To be freed with ctrd_free. */
char *bench_spec(const struct bench *bench, const char *const *args, const char *cgroup);
/* Make the directory and its config.json. */
void bench_bundle(const char *path, const char *spec);
void bench_write(const char *path, const char *text);
ctrd_client_options bench_options(const struct bench *bench);
ctrd_client *bench_open(const struct bench *bench);
void bench_close(ctrd_client *client);

/* Make a call (its last argument is &op), wait for its end, which must be a success. The op, to be unreffed. */
#define BENCH_OP(call)                         \
	(__extension__({                       \
		ctrd_op *op = NULL;            \
		int bench_status = (call);     \
		bench_await(bench_status, op); \
	}))
#define BENCH_CALL(call) ((void)ctrd_op_unref(BENCH_OP(call)))
#define BENCH_NOBODY	 ((ctrd_done){NULL, NULL, NULL})
ctrd_op *bench_await(int status, ctrd_op *op);
/* The same for an op that has ended. */
void bench_check(ctrd_op *op);

#endif
