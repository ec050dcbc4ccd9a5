/*
 * world.h: what "fake:" clients share: containers, their processes, and who hears of what happens to them. Knows how
 * things end and who is told; what a program does is in program.c, what a call does in verbs.c.
 *
 * A world belongs to all clients that were opened with one name and one name space in one process. Everything in it is
 * guarded by its lock, which is never held while the core is called. What happens to a container is put into the inbox
 * of every client of the world; each takes it out on its own loop (notice.c).
 */
#ifndef CTRD_SRC_FAKE_WORLD_H
#define CTRD_SRC_FAKE_WORLD_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include <libctrd/op.h>

#include "util/list.h"
#include "util/map.h"

struct ctrd__fake_client;
struct ctrd__fake_io;

/* Notices beyond CTRD_EVENT_*. */
#define CTRD__FAKE_TASK_GONE	  0x100u
#define CTRD__FAKE_PROCESS_GONE	  0x101u
#define CTRD__FAKE_CONTAINER_GONE 0x102u
#define CTRD__FAKE_EXIT_ASKED	  0x103u /* ctrd_fake_exit */

/* One thing that happened, on its way to one client. */
struct ctrd__fake_notice {
	struct ctrd__list node;
	uint32_t kind;
	uint32_t pid;
	uint32_t flags;
	uint32_t code;
	int32_t signal;
	int64_t time_ns;
	uint64_t life;
	char container_id[CTRD_ID_MAX + 1];
	char process_id[CTRD_ID_MAX + 1];
};

struct ctrd__fake_process {
	struct ctrd__list node; /* container->processes */
	int refs;		/* the container's, and one of the io that runs its program */
	uint64_t serial;
	char container_id[CTRD_ID_MAX + 1];
	char id[CTRD_ID_MAX + 1];
	uint32_t pid;
	uint32_t state; /* CTRD_TASK_CREATED, RUNNING, STOPPED */
	ctrd_exit exit;
	int64_t created_at_ns;
	char **args;
	uint64_t pending; /* bit n-1: signal n waits until the container is resumed */
	bool started;
	struct ctrd__fake_io *parked; /* its program, half-way, while no client's loop runs it */
	bool terminal;
	bool discard; /* output goes nowhere */
	uint32_t kinds[3];
	int fds[3];  /* the process' ends, while no io has them; in the end what lingers */
	int kept[3]; /* duplicates of the caller's ends: for close stdin, resize and a later load */
};

struct ctrd__fake_container {
	char *id;
	uint64_t serial;
	char *spec;
	size_t spec_length;
	char **args;
	char *bundle;
	char *runtime;
	char *runtime_path;
	char **labels;
	char *cgroup;
	int64_t created_at_ns;
	int64_t started_at_ns;
	uint64_t life; /* 0 = no task */
	bool paused;
	uint64_t memory_limit;
	uint64_t pids_limit;
	struct ctrd__list processes; /* the first is init */
	/* Between clients a lock decides: who has calls under way that change it, and how many. */
	struct ctrd__fake_client *holder;
	unsigned holds;
};

struct ctrd__fake_world {
	struct ctrd__fake_world *next; /* in the registry */
	pid_t owner;
	char *name; /* NULL: private to its client */
	int refs;   /* memory; under the registry's lock */
	pthread_mutex_t lock;
	unsigned users;		   /* clients from open to close */
	struct ctrd__list clients; /* those with a loop: who is told */
	struct ctrd__map containers;
	uint64_t serial;
	uint32_t last_pid;
};

/* The world of that name and name space, made if there is none. `name` "" = a private one. NULL without memory. */
struct ctrd__fake_world *ctrd__fake_world_get(const char *name, const char *name_space);
void ctrd__fake_world_unref(struct ctrd__fake_world *world);

/* A client is opened; its loop runs; it is closed. With the last client the containers go. */
void ctrd__fake_world_join(struct ctrd__fake_world *world, struct ctrd__fake_client *client);
void ctrd__fake_world_listen(struct ctrd__fake_world *world, struct ctrd__fake_client *client);
void ctrd__fake_world_leave(struct ctrd__fake_world *world, struct ctrd__fake_client *client);

/*
 * All that follows: with the lock held.
 */
struct ctrd__fake_container *ctrd__fake_container_find(struct ctrd__fake_world *world,
						       const char *id);
void ctrd__fake_container_free(struct ctrd__fake_container *container);

/* NULL without memory. Not in a container yet. */
struct ctrd__fake_process *ctrd__fake_process_new(struct ctrd__fake_world *world,
						  const char *container_id, const char *id,
						  char *const *args);
struct ctrd__fake_process *ctrd__fake_process_unref(struct ctrd__fake_process *process);
struct ctrd__fake_process *ctrd__fake_process_find(struct ctrd__fake_container *container,
						   const char *id);
/* NULL when there is no task. */
struct ctrd__fake_process *ctrd__fake_process_init(struct ctrd__fake_container *container);
static inline bool ctrd__fake_process_is_init(const struct ctrd__fake_process *process)
{
	return process->id[0] == 'i' && process->id[1] == 'n' && process->id[2] == 'i' &&
	       process->id[3] == 't' && !process->id[4];
}

/* CTRD_TASK_* of the container. */
uint32_t ctrd__fake_container_state(struct ctrd__fake_container *container);

/* Tell every client. `process` NULL = the container's. */
void ctrd__fake_tell(struct ctrd__fake_world *world, uint32_t kind,
		     const struct ctrd__fake_container *container,
		     const struct ctrd__fake_process *process);

/* A living process ends; the first process takes the others with it. Everybody is told. */
void ctrd__fake_process_end(struct ctrd__fake_world *world, struct ctrd__fake_container *container,
			    struct ctrd__fake_process *process, uint32_t code, int32_t signal,
			    uint32_t flags);
/* A signal arrives: death, later if it is frozen, or nothing. */
void ctrd__fake_process_signal(struct ctrd__fake_world *world,
			       struct ctrd__fake_container *container,
			       struct ctrd__fake_process *process, int32_t signal);
/* Forget the task, whose processes have ended, or never ran. */
void ctrd__fake_task_drop(struct ctrd__fake_world *world, struct ctrd__fake_container *container);

#endif
