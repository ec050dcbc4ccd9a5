/*
 * event.h: what happens to containers, told in order.
 *
 * Per process the order is: create or exec-added, start or exec-started, the completion of the call that started it,
 * exit, the completion of ctrd_process_wait, the completion of the delete. Exit comes exactly once per process and
 * client. What ended before this client loaded the container is the result of the load, not an event.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_EVENT_H
#define CTRD_EVENT_H

#include <libctrd/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of events. More may come: have a default case; `name` tells it as text. */
#define CTRD_EVENT_UNKNOWN	0
#define CTRD_EVENT_CREATE	1 /* the task exists, its program does not run yet */
#define CTRD_EVENT_START	2 /* the program runs */
#define CTRD_EVENT_EXIT		3 /* a process ended */
#define CTRD_EVENT_OOM		4 /* the kernel killed something for want of memory */
#define CTRD_EVENT_EXEC_ADDED	5 /* a further process was accepted */
#define CTRD_EVENT_EXEC_STARTED 6 /* a further process runs */
#define CTRD_EVENT_PAUSED	7
#define CTRD_EVENT_RESUMED	8
#define CTRD_EVENT_RESYNC_BEGIN \
	9 /* events may have been missed; what was missed follows, marked INFERRED */
#define CTRD_EVENT_RESYNC_END 10

/* Flags of an event, and of ctrd_exit. */
#define CTRD_EXIT_SIGNALED \
	0x1u		       /* `signal` is valid: the process died by it; code is 128 + signal */
#define CTRD_EXIT_UNKNOWN 0x2u /* nobody can know the code any more; code is 255 */
#define CTRD_EXIT_OOM \
	0x4u /* the kernel's out-of-memory killer was at work in the container while it ran */
#define CTRD_EXIT_CORE	   0x8u	 /* a core was dumped */
#define CTRD_EXIT_INFERRED 0x10u /* found again after a gap, not seen as it happened */

/** How a process ended. */
typedef struct ctrd_exit {
	uint32_t size;
	uint32_t flags;	      /* CTRD_EXIT_* */
	uint32_t code;	      /* 0 to 255; 128 + n for signal n */
	int32_t signal;	      /* valid only with CTRD_EXIT_SIGNALED */
	int64_t exited_at_ns; /* CLOCK_REALTIME, nanoseconds since 1970; 0 = not known */
	uint64_t task;	      /* the life of the container it belonged to */
} ctrd_exit;
#define CTRD_EXIT_INIT                           \
	{                                        \
		sizeof(ctrd_exit), 0, 0, 0, 0, 0 \
	}

/** One event. Lent to the handler for the duration of the call. */
typedef struct ctrd_event {
	uint32_t size;
	uint32_t kind;		  /* CTRD_EVENT_* */
	const char *name;	  /* the kind as text: "exit" */
	const char *container_id; /* "" for resync */
	const char *
		process_id; /* CTRD_INIT_PROCESS or the exec's id; "" when the event is the container's */
	const char *error; /* what went wrong besides, or NULL */
	uint64_t task;	   /* the life of the container; unique within the client */
	uint32_t pid;	   /* on create, start, exec-started and exit; 0 = not known */
	uint32_t flags;	   /* CTRD_EXIT_* */
	uint32_t code;	   /* exit only */
	int32_t signal;	   /* exit only, with CTRD_EXIT_SIGNALED */
	int64_t time_ns;   /* CLOCK_REALTIME of the thing itself, nanoseconds since 1970 */
} ctrd_event;

/** The embedder's event handler: runs on the loop thread, one event at a time. `release` as in ctrd_done. */
typedef struct ctrd_event_handler {
	void (*fn)(ctrd_client *client, const ctrd_event *event, void *data);
	void *data;
	void (*release)(void *data);
} ctrd_event_handler;

#ifdef __cplusplus
}
#endif

#endif
