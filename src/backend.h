/*
 * backend.h: THE door. One table of functions per backend; backend.c lists the tables, nothing else names a backend.
 *
 * All functions run on the client's loop thread unless said otherwise, never re-entered, and must not block it: work
 * that may wait goes to ctrd__work_submit (loop.h). A backend never calls an embedder's function: it finishes ops
 * (op.h), tells what happens (ctrd__client_emit), and hands stream ends to the core (streams.h).
 */
#ifndef CTRD_SRC_BACKEND_H
#define CTRD_SRC_BACKEND_H

#include "op.h"

struct ctrd__client_config;

struct ctrd__backend_ops {
	const char *scheme; /* how addresses begin: "local:" */
	const char *name;   /* for messages: "local" */

	/*
	 * Make the client's part, ctrd__client_set_backend_data. `rest` is the address behind the scheme. On the
	 * opener's thread, the loop may run elsewhere: no uv calls. No I/O that can wait.
	 */
	int (*open)(ctrd_client *client, const char *rest, const struct ctrd__client_config *config,
		    ctrd_error **ret_error);

	/* The first turn of the loop. May be NULL. */
	void (*begin)(ctrd_client *client);

	/* Carry out a request; ctrd__op_finish exactly once. A NULL member is CTRD_ENOSYS. Never called for the verbs
	 * of class CORE. op->task has been checked. */
	void (*verbs[CTRD__VERB_COUNT])(ctrd_op *op);

	/* The op has ended for its caller, or a forced delete waits behind it: hurry, if that leaves nothing half
	 * done. The request must still be finished. May be NULL. */
	void (*hurry)(ctrd_op *op);

	/* What it can do: CTRD_CAN_*. Any thread. */
	uint64_t (*capabilities)(const ctrd_client *client);

	/* Let go of everything on the loop; afterwards call ctrd__client_backend_closed. Requests under way need not
	 * be finished: their ops have ended, and the core drops them. Works on the worker thread are drained before. */
	void (*close)(ctrd_client *client);

	/* Free memory, and descriptors that are left. Any thread, also in a forked child (then with open descriptors
	 * that are only copies), also when close never ran. */
	void (*free)(ctrd_client *client);
};

extern const struct ctrd__backend_ops ctrd__fake_ops;
extern const struct ctrd__backend_ops ctrd__local_ops;

/* The table for an address; `ret_rest` is what follows the scheme. NULL when no backend takes it. */
const struct ctrd__backend_ops *ctrd__backend_find(const char *address, const char **ret_rest);

/*
 * What a backend tells (ctrd__client_emit in client.h). `task` is the number that ctrd__client_begin_task gave for this life.
 * Order, exactly-once and whether the embedder hears of it are the core's business (ledger.c). Times are
 * CLOCK_REALTIME, 0 = now.
 */
struct ctrd__happening {
	uint32_t kind;		  /* CTRD_EVENT_* */
	const char *container_id; /* NULL for resync */
	const char *
		process_id; /* NULL = CTRD_INIT_PROCESS for create, start, exit; none for the others */
	uint64_t task;
	uint32_t pid;
	uint32_t flags; /* CTRD_EXIT_* */
	uint32_t code;
	int32_t signal;
	int64_t time_ns;
	const char *error;
};

#endif
