/*
 * fake_client.h: one client's part of the backend "fake:": its place in a world, its view of the containers, the calls
 * whose answers wait, the programs that its loop runs, and its faults.
 */
#ifndef CTRD_SRC_FAKE_CLIENT_H
#define CTRD_SRC_FAKE_CLIENT_H

#include <libctrd/fake.h>

#include "client.h"
#include "fake/world.h"

/* What this client knows of a container: the life it has told the core of. Loop thread. */
struct ctrd__fake_view {
	uint64_t life;
	uint64_t task; /* the core's number for that life; 0 = not begun */
	bool paused;   /* as was told */
};

struct ctrd__fake_client {
	ctrd_client *client;
	struct ctrd__fake_world *world;
	pid_t owner;

	/* under world->lock */
	struct ctrd__list node;	 /* world->clients */
	bool joined;		 /* open */
	struct ctrd__list inbox; /* notices */
	struct ctrd__post wake;
	bool woken; /* the post is on its way */
	bool gap;   /* something could not be told, or was lost: look at everything */
	struct ctrd__list faults;

	/* loop thread */
	struct ctrd__map views;
	struct ctrd__list calls; /* whose answers wait */
	struct ctrd__list ios;
	bool watch_all;
	bool lost;			/* the backend is gone */
	struct ctrd__timer *back_timer; /* until it is back */
	struct ctrd__timer *resync_timer;
};

#define CTRD__FAKE_ORIGIN "fake"

/* faults.c: what the script has for one call or event; counts it. */
struct ctrd__fake_luck {
	uint32_t delay_ms;
	uint32_t lose_ms;
	uint32_t resync_ms;
	int32_t fail;
	bool hang;
	bool lose;
	bool drop;
	bool duplicate;
};
void ctrd__fake_faults_call(struct ctrd__fake_client *client, const ctrd_op *op,
			    struct ctrd__fake_luck *ret_luck);
void ctrd__fake_faults_event(struct ctrd__fake_client *client, uint32_t kind,
			     const char *container_id, struct ctrd__fake_luck *ret_luck);
void ctrd__fake_faults_clear(struct ctrd__fake_client *client); /* with the lock, or alone */

/* notice.c */
/* Put a notice into the inbox and wake the client; a failed allocation becomes a gap. With the lock. */
void ctrd__fake_notify(struct ctrd__fake_client *client, const struct ctrd__fake_notice *notice);
/* The same for a notice that is there already; takes it. With the lock. */
void ctrd__fake_enqueue(struct ctrd__fake_client *client, struct ctrd__fake_notice *notice);
/* Let the other clients of the world look around. With the lock. */
void ctrd__fake_wake_others(struct ctrd__fake_client *client);
/* What could not be told and may be told now, before a task is forgotten. Loop thread, without the lock. */
void ctrd__fake_settle(struct ctrd__fake_client *client);
/* Take out of the inbox what is there and tell the core. Loop thread, without the lock. */
void ctrd__fake_drain(struct ctrd__fake_client *client);
void ctrd__fake_wake(ctrd_client *client, struct ctrd__post *post, bool cancelled);
struct ctrd__fake_view *ctrd__fake_view_find(struct ctrd__fake_client *client,
					     const char *container_id);
/* Made if there is none; NULL without memory. */
struct ctrd__fake_view *ctrd__fake_view_get(struct ctrd__fake_client *client,
					    const char *container_id);
void ctrd__fake_view_drop(struct ctrd__fake_client *client, const char *container_id);
/* The core gets to know of this life, if it does not yet. False without memory. */
bool ctrd__fake_view_begin(struct ctrd__fake_client *client, struct ctrd__fake_view *view,
			   const char *container_id, uint64_t life);
/* The backend is gone for so long. */
void ctrd__fake_lose(struct ctrd__fake_client *client, uint32_t ms);
/* Forget timers and what waits. */
void ctrd__fake_notice_close(struct ctrd__fake_client *client);

/* program.c: what fake programs do. */
struct ctrd__fake_io;
/* NULL when the program exists; else what is wrong with it. */
const char *ctrd__fake_program_refuses(char *const *args);
/* Get ready to run it: before it is certain that it will. `ret_io` is NULL for a program that does nothing. False
 * without memory. With the lock. */
bool ctrd__fake_io_new(struct ctrd__fake_client *client, struct ctrd__fake_process *process,
		       struct ctrd__fake_io **ret_io);
/* Run it; takes the descriptors of the process. NULL-safe. Loop thread, without the lock. */
void ctrd__fake_io_run(struct ctrd__fake_io *io);
/* NULL-safe; descriptors are closed. With the lock. */
void ctrd__fake_io_free(struct ctrd__fake_io *io);
/* Drop the programs of processes that somebody else ended, go on with those that were paused or left by another
 * client. Loop thread, without the lock. */
void ctrd__fake_io_sweep(struct ctrd__fake_client *client);
/* Leave all programs to the other clients of the world. */
void ctrd__fake_io_leave(struct ctrd__fake_client *client);

/* terminal.c */
/* A terminal of that size: its side for the library and three for the process. 0 or a negative errno. */
int ctrd__fake_terminal_open(uint16_t columns, uint16_t rows, int *ret_master, int ret_process[3]);
int ctrd__fake_terminal_resize(int master, uint16_t columns, uint16_t rows);

/* fake.c: answers that wait go with the client. */
void ctrd__fake_calls_drop(struct ctrd__fake_client *client);

#endif
