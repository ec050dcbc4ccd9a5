/*
 * What a whole life of `true` costs: create, start, wait, delete, by the library against conmon, with the same runtime
 * and the same bundle (one directory, one config.json, one linux.cgroupsPath).
 *
 * Sides, in turn within each round, LIVES lives each:
 *   captured  through the library; output goes to a data callback
 *   silent    through the library; output goes nowhere
 *   conmon    conmon and the runtime's command line (conmon.c); output goes to conmon's log file
 * The target compares `captured` with `conmon`, the two that keep the output, and is for crun. One client serves all
 * lives.
 *
 * CPU time is that of the whole process tree of a life: bench.c says how. It is read when the last process of the life
 * has gone. Wall time ends with the last call. Wall time depends on what else the machine does; CPU time hardly does.
 */
#include "conmon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIVES = 20, ROUNDS = 5, SIDES = 3 };

static const char id[] = "life";
static const char *const names[SIDES] = {"libctrd, captured", "libctrd, silent", "conmon"};

struct sides {
	const struct bench *bench;
	ctrd_client *client;
	struct conmon conmon;
	char bundle[96];
};

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

static void live_with_library(struct sides *sides, bool is_captured)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_start_options start = CTRD_START_OPTIONS_INIT;
	ctrd_delete_options delete = CTRD_DELETE_OPTIONS_INIT;
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	ctrd_exit exit = CTRD_EXIT_INIT;

	create.bundle = sides->bundle;
	stdio.out = stdio.err = CTRD_STREAM_DATA;
	stdio.data_fn = take_output;
	start.stdio = is_captured ? &stdio : NULL;
	delete.flags = CTRD_DELETE_FORCE; /* the task with it: it has ended */

	BENCH_CALL(ctrd_container_create(sides->client, id, &create, BENCH_NOBODY, &op));
	BENCH_CALL(ctrd_container_start(sides->client, id, &start, BENCH_NOBODY, &op));
	ctrd_op *wait = BENCH_OP(
		ctrd_process_wait(sides->client, id, CTRD_INIT_PROCESS, NULL, BENCH_NOBODY, &op));
	if (ctrd_op_get_exit(wait, &exit) != CTRD_OK || exit.code != 0 || exit.flags != 0)
		bench_die("true ended with %u, flags %#x", exit.code, exit.flags);
	ctrd_op_unref(wait);
	BENCH_CALL(ctrd_container_delete(sides->client, id, &delete, BENCH_NOBODY, &op));
}

static void live_with_conmon(struct sides *sides)
{
	conmon_create(&sides->conmon, id, sides->bundle);
	conmon_start(&sides->conmon, id);
	int code = conmon_wait(&sides->conmon, id);
	if (code != 0)
		bench_die("true ended with %d", code);
	conmon_delete(&sides->conmon, id, sides->bundle);
}

static void live(struct sides *sides, unsigned side)
{
	if (side == 2)
		live_with_conmon(sides);
	else
		live_with_library(sides, side == 0);
}

static void measure(struct sides *sides, unsigned side, struct bench_series *cpu,
		    struct bench_series *wall)
{
	double cpu_before = bench_cpu_ms(sides->bench);
	int64_t began = bench_now_ns();

	live(sides, side);
	bench_add(wall, (double)(bench_now_ns() - began) / 1e6);
	bench_settle(sides->bench);
	bench_add(cpu, bench_cpu_ms(sides->bench) - cpu_before);
}

static void print_row(const char *name, struct bench_series *cpu, struct bench_series *wall)
{
	printf("  %-20s cpu %7.2f (min %6.2f)   wall %7.2f (min %6.2f) ms\n", name,
	       bench_percentile(cpu, 50), bench_percentile(cpu, 0), bench_percentile(wall, 50),
	       bench_percentile(wall, 0));
}

static void run(const struct bench *bench)
{
	static const char *const args[] = {"/bin/true", NULL};
	unsigned lives = bench_number("CTRD_BENCH_LIVES", LIVES);
	unsigned rounds = bench_number("CTRD_BENCH_ROUNDS", ROUNDS);
	struct bench_series cpu[SIDES] = {{0}}, wall[SIDES] = {{0}}, ratios = {0}, silent = {0};
	struct sides sides = {.bench = bench};
	char cgroup[96];

	bench_format(sides.bundle, sizeof(sides.bundle), "%s/bundle", bench->dir);
	bench_format(cgroup, sizeof(cgroup), "%s/box/%s", bench->group, id);
	char *spec = bench_spec(bench, args, cgroup);
	bench_bundle(sides.bundle, spec);
	ctrd_free(spec);
	conmon_begin(&sides.conmon, bench);
	sides.client = bench_open(bench);

	for (unsigned side = 0; side < SIDES; side++)
		live(&sides, side); /* the first life of each fills caches */
	bench_settle(bench);

	printf("a life of true with %s, %u rounds of %u lives a side; medians\n", bench->runtime,
	       rounds, lives);
	for (unsigned round = 0; round < rounds; round++) {
		struct bench_series round_cpu[SIDES] = {{0}}, round_wall[SIDES] = {{0}};

		for (unsigned i = 0; i < lives; i++)
			for (unsigned side = 0; side < SIDES; side++)
				measure(&sides, side, &round_cpu[side], &round_wall[side]);
		printf("round %u\n", round + 1);
		for (unsigned side = 0; side < SIDES; side++) {
			print_row(names[side], &round_cpu[side], &round_wall[side]);
			for (size_t i = 0; i < lives; i++) {
				bench_add(&cpu[side], round_cpu[side].values[i]);
				bench_add(&wall[side], round_wall[side].values[i]);
			}
		}
		double base = bench_percentile(&round_cpu[2], 50);
		bench_add(&ratios, bench_percentile(&round_cpu[0], 50) / base);
		bench_add(&silent, bench_percentile(&round_cpu[1], 50) / base);
		printf("  cpu of conmon's: %.3f captured, %.3f silent\n",
		       bench_percentile(&round_cpu[0], 50) / base,
		       bench_percentile(&round_cpu[1], 50) / base);
		for (unsigned side = 0; side < SIDES; side++) {
			bench_clear(&round_cpu[side]);
			bench_clear(&round_wall[side]);
		}
	}
	printf("all rounds\n");
	for (unsigned side = 0; side < SIDES; side++)
		print_row(names[side], &cpu[side], &wall[side]);
	printf("  cpu of conmon's, median of the rounds: %.3f captured (%.3f to %.3f), %.3f silent\n",
	       bench_percentile(&ratios, 50), bench_percentile(&ratios, 0),
	       bench_percentile(&ratios, 100), bench_percentile(&silent, 50));
	bench_verdict("CPU of a life against conmon", bench_percentile(&ratios, 50), 0.8, "of it");

	bench_close(sides.client);
	conmon_end(&sides.conmon);
	for (unsigned side = 0; side < SIDES; side++) {
		bench_clear(&cpu[side]);
		bench_clear(&wall[side]);
	}
	bench_clear(&ratios);
	bench_clear(&silent);
}

int main(void)
{
	return bench_main("life", run);
}
