/*
 * conmon.h: the same containers by conmon and the runtime's command line, as a container engine drives them.
 * See conmon.c.
 */
#ifndef TESTS_BENCH_CONMON_H
#define TESTS_BENCH_CONMON_H

#include "bench.h"

struct conmon {
	const struct bench *bench;
	char dir[80];	/* bench->dir/conmon */
	char root[96];	/* --root of the runtime */
	char exits[96]; /* conmon's --exit-dir */
	int inotify;	/* of the exit directory */
};

void conmon_begin(struct conmon *conmon, const struct bench *bench);
void conmon_end(struct conmon *conmon);
/* The pid of the container's first process. The bundle is a directory with config.json. */
pid_t conmon_create(struct conmon *conmon, const char *id, const char *bundle);
void conmon_start(struct conmon *conmon, const char *id);
/* SIGKILL for the first process, by the runtime. */
void conmon_kill(struct conmon *conmon, const char *id);
/* The exit code, once conmon has written it. */
int conmon_wait(struct conmon *conmon, const char *id);
void conmon_delete(struct conmon *conmon, const char *id, const char *bundle);
/* Of the conmon that holds this container. */
pid_t conmon_pid(const char *bundle);

#endif
