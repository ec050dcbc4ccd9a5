/*
 * core.h: the private structs of the core and what its files offer each other. Backends see client.h only.
 *
 * Who may touch what: members under "any thread" are constant after open or atomic; "lock" are guarded by
 * client->lock; all else belongs to the loop thread. No embedder's function is called with the lock held.
 */
#ifndef CTRD_SRC_CORE_H
#define CTRD_SRC_CORE_H

#include <uv.h>

#include "client.h"

enum ctrd__loop_kind { CTRD__LOOP_THREAD, CTRD__LOOP_ADOPTED, CTRD__LOOP_MANUAL };

/* How far a close is. */
enum ctrd__close_stage {
	CTRD__OPEN,
	CTRD__CLOSE_WORKER,  /* waiting for the work that runs */
	CTRD__CLOSE_BACKEND, /* waiting for the backend */
	CTRD__CLOSE_HANDLES, /* waiting for libuv */
	CTRD__CLOSED,
};

struct ctrd__worker {
	uv_thread_t thread;
	uv_cond_t wake;
	bool started; /* loop thread */
	/* lock */
	bool stop;
	bool busy;
	struct ctrd__list queue;
	struct ctrd__list finished;
};

struct ctrd_client {
	/* any thread */
	atomic_int refs;	/* the embedder's */
	atomic_int memory_refs; /* the embedder's together, the loop's, one per op */
	atomic_bool loop_holds; /* one of them is the loop's */
	pid_t owner;
	enum ctrd__loop_kind kind;
	const struct ctrd__backend_ops *backend;
	void *backend_data;
	struct ctrd__client_config config;
	uv_loop_t *loop;
	uv_loop_t own_loop;
	uv_thread_t thread; /* CTRD__LOOP_THREAD */
	uv_mutex_t lock;
	uv_mutex_t log_lock;

	/* lock */
	struct ctrd__list inbox;   /* ops submitted */
	struct ctrd__list cancels; /* ops to cancel */
	struct ctrd__list posts;
	bool closing;	  /* no new calls */
	bool unattended;  /* closed by dropping the last handle: nobody waits for it */
	bool dispatching; /* MANUAL: inside ctrd_client_dispatch */
	bool deaf;	  /* the async handle is gone */
	bool orphan;	  /* the last handle was dropped inside a manual client's dispatch */
	uv_thread_t loop_thread;
	bool loop_thread_known;
	struct ctrd__worker worker;

	/* loop thread */
	uv_async_t async;
	uv_timer_t deadline_timer;
	size_t handles; /* of libuv, not closed yet */
	enum ctrd__close_stage stage;
	bool begun;
	bool draining;
	bool unattended_seen;
	bool referenced; /* the async handle keeps the loop alive */
	size_t pending;	 /* ops taken, not delivered */
	ctrd_op *close_op;
	struct ctrd__list
		under_way; /* ops by all_node: taken, and not both delivered and finished */
	struct ctrd__list deadlines; /* ops by timer_node, soonest first */
	struct ctrd__list deliveries;
	struct ctrd__list ready; /* containers by ready_node whose queue may move */
	struct ctrd__map containers;
	uint64_t last_task;
	char *read_buffer; /* of DATA streams */
};

/* What is known of one process. */
struct ctrd__event;
struct ctrd__reader;
struct ctrd__process {
	struct ctrd__list node; /* container->processes */
	struct ctrd__container *container;
	char id[CTRD_ID_MAX + 1];
	uint32_t pid;
	bool added; /* create or exec-added was told */
	bool started;
	bool exited;
	bool told; /* the exit was told */
	bool undoing;
	unsigned holds; /* ops whose completion comes before the exit */
	ctrd_exit exit;
	struct ctrd__event *exit_event; /* memory for telling the exit */
	struct ctrd__list waiters;	/* wait ops by queue_node */
	struct ctrd__reader *reader;	/* of DATA streams, or NULL */
};

/* What is known of one container, and its queue (rule 11). */
struct ctrd__container {
	ctrd_client *client;
	char id[CTRD_ID_MAX + 1];
	bool known;	/* created, loaded or looked up by this client */
	bool reporting; /* its events go to the embedder */
	bool undoing;	/* a request that nobody waits for any more is being undone */
	bool paused;
	uint64_t task;
	struct ctrd__list processes;
	struct ctrd__list queue;  /* ops by queue_node, not dispatched */
	struct ctrd__list parked; /* wait ops whose process is about to be made */
	ctrd_op *change;	  /* dispatched, not finished */
	struct ctrd__list execs;  /* the same, by queue_node */
	struct ctrd__list ready_node;
};

/* loop.c */
int ctrd__loop_init(ctrd_client *client, const ctrd_client_options *options,
		    ctrd_error **ret_error);
int ctrd__loop_start(ctrd_client *client);
void ctrd__loop_wake_locked(ctrd_client *client);
void ctrd__loop_update_reference(ctrd_client *client);
bool ctrd__loop_is_here_locked(const ctrd_client *client);
void ctrd__loop_set_deadline(ctrd_client *client);
void ctrd__loop_close_handles(ctrd_client *client);
void ctrd__loop_abandon(ctrd_client *client);
void ctrd__loop_free(ctrd_client *client);

/* worker.c */
void ctrd__worker_reap(ctrd_client *client);  /* run `after` of what is finished */
bool ctrd__worker_drain(ctrd_client *client); /* cancel what waits; true when nothing runs */
void ctrd__worker_stop(ctrd_client *client);

/* client.c */
void ctrd__client_turn(ctrd_client *client); /* the async callback: take what was submitted */
void ctrd__client_leave(
	ctrd_client *client); /* after every callback: deliver, move queues, go on closing */
void ctrd__client_memory_unref(ctrd_client *client);
void ctrd__client_loop_unref(ctrd_client *client); /* the loop's reference, once */
void ctrd__client_handles_closed(
	ctrd_client *client); /* from loop.c: the last libuv handle is gone */

/* op.c */
ctrd_op *ctrd__op_new(ctrd_client *client, enum ctrd__verb verb, const char *container_id,
		      const char *process_id, ctrd_done done);
void ctrd__op_request_done(struct ctrd__request *request);
/* End the op for its caller; `error` is consumed, NULL = success. Nothing happens when it has ended already. */
void ctrd__op_end(ctrd_op *op, ctrd_error *error);
void ctrd__op_deliver(ctrd_op *op);
/* An op of the library's own: `done` as for a caller, no deadline. NULL without memory (`done` is not called). */
ctrd_op *ctrd__op_internal(ctrd_client *client, enum ctrd__verb verb, uint32_t internal,
			   const char *container_id, const char *process_id, ctrd_done done);
/* Submit an op of the library's own: it is taken in the next turn of the loop. Consumes the reference. */
void ctrd__op_post(ctrd_op *op);
/* Begin with an op that was submitted. */
void ctrd__op_take(ctrd_op *op);
/* Hand it to the backend. */
void ctrd__op_dispatch(ctrd_op *op);

/* order.c */
void ctrd__order_take(ctrd_op *op);
void ctrd__order_move(struct ctrd__container *container);
void ctrd__order_ready(struct ctrd__container *container);
void ctrd__order_ended(ctrd_op *op);			/* for its caller, early */
void ctrd__order_finished(ctrd_op *op, bool succeeded); /* the request */
/* The error for a call that is in the way of an undo, or NULL. */
ctrd_error *ctrd__order_check_undo(const ctrd_op *op);

/* ledger.c */
struct ctrd__container *ctrd__ledger_find(const ctrd_client *client, const char *container_id);
struct ctrd__container *ctrd__ledger_get(ctrd_client *client,
					 const char *container_id); /* makes it; NULL: no memory */
void ctrd__ledger_maybe_drop(struct ctrd__container *container);
struct ctrd__process *ctrd__ledger_find_process(const struct ctrd__container *container,
						const char *process_id);
ctrd_error *ctrd__ledger_before(
	ctrd_op *op); /* just before the backend gets it; an error refuses it */
void ctrd__ledger_finished(ctrd_op *op, bool succeeded);
void ctrd__ledger_release_hold(ctrd_op *op);
void ctrd__ledger_exit_drained(
	struct ctrd__process *process); /* its DATA streams are read to the end */
void ctrd__ledger_clear(ctrd_client *client);

/* event.c */
struct ctrd__event *ctrd__event_new(const struct ctrd__happening *happening);
void ctrd__event_free(struct ctrd__event *event);
void ctrd__event_set(struct ctrd__event *event, const struct ctrd__happening *happening);
void ctrd__event_queue(ctrd_client *client, struct ctrd__event *event);
void ctrd__event_deliver(ctrd_client *client, struct ctrd__delivery *delivery);
void ctrd__event_drop(struct ctrd__delivery *delivery);
const char *ctrd__event_name(uint32_t kind);

/* wait.c, run.c */
void ctrd__wait_take(ctrd_op *op);
void ctrd__wait_retry(struct ctrd__container *container);
void ctrd__wait_complete(ctrd_op *op, const ctrd_exit *exit);
void ctrd__run_take(ctrd_op *op);
void ctrd__run_ended(ctrd_op *op);

/* streams.c */
int ctrd__stdio_new(const ctrd_stdio *options, struct ctrd__stdio **ret_stdio,
		    ctrd_error **ret_error);
bool ctrd__reader_drain(
	struct ctrd__process *process); /* at exit; true when there is nothing left to read */
void ctrd__reader_free(struct ctrd__process *process);

/* options.c */
int ctrd__options_read(const char *what, const void *options, void *ret_copy, size_t known,
		       size_t least, ctrd_error **ret_error);

#endif
