/*
 * op.h: the inside of an op: the parsed request, the result, and the two ends of its life. The public rules are in
 * libctrd/op.h.
 *
 * An op ends twice. It *ends for the caller* once (fn, release): with the backend's answer, or earlier by a cancel, a
 * deadline or a close. Its *request ends* when the backend calls ctrd__op_finish. Both may be the same moment. Until
 * both have happened the object lives.
 */
#ifndef CTRD_SRC_OP_H
#define CTRD_SRC_OP_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <uv.h>

#include <libctrd/container.h>
#include <libctrd/op.h>
#include <libctrd/process.h>

#include "error.h"
#include "util/list.h"

struct ctrd__run;
struct ctrd__stdio;
struct ctrd__container;
struct ctrd__process;

/* X(name, text, class): see enum ctrd__verb_class for the last. */
#define CTRD__VERB_MAP(X)                               \
	X(CLOSE, "client close", CORE)                  \
	X(VERSION, "client version", READ)              \
	X(LOAD, "container load", CHANGE)               \
	X(CREATE, "container create", CHANGE)           \
	X(TASK_CREATE, "task create", CHANGE)           \
	X(START, "container start", CHANGE)             \
	X(EXEC, "process exec", EXEC)                   \
	X(SIGNAL, "process signal", READ)               \
	X(RESIZE, "process resize", READ)               \
	X(CLOSE_STDIN, "process close stdin", READ)     \
	X(RELEASE_STDIO, "process release stdio", READ) \
	X(WAIT, "process wait", CORE)                   \
	X(PROCESS_DELETE, "process delete", READ)       \
	X(PROCESS_LIST, "process list", READ)           \
	X(PAUSE, "container pause", CHANGE)             \
	X(RESUME, "container resume", CHANGE)           \
	X(STATS, "container stats", READ)               \
	X(PIDS, "container pids", READ)                 \
	X(STATUS, "container status", READ)             \
	X(UPDATE, "container update", CHANGE)           \
	X(CHECKPOINT, "container checkpoint", CHANGE)   \
	X(TASK_DELETE, "task delete", CHANGE)           \
	X(DELETE, "container delete", CHANGE)           \
	X(INSPECT, "container inspect", READ)           \
	X(LIST, "container list", READ)                 \
	X(RUN, "container run", CORE)

/* How an op queues (rule 11): CHANGE one by one per container, EXEC in parallel after the changes before it, READ never
 * queues, CORE is carried out by the core itself. */
enum ctrd__verb_class { CTRD__CLASS_CORE, CTRD__CLASS_READ, CTRD__CLASS_CHANGE, CTRD__CLASS_EXEC };

enum ctrd__verb {
#define X(name, text, class) CTRD__VERB_##name,
	CTRD__VERB_MAP(X)
#undef X
		CTRD__VERB_COUNT
};

/*
 * Flags of the library's own ops, in op->internal.
 * SILENT (load): the container's events are not reported; it is looked up for a wait.
 * FORCE (task delete, process delete): kill and wait first. Used for undoing.
 * UNDO: may run on a container that is being undone, and while the client does not take new calls.
 */
#define CTRD__OP_SILENT 0x1u
#define CTRD__OP_FORCE	0x2u
#define CTRD__OP_UNDO	0x4u

/* The parsed request, by verb. Texts are owned copies. The core has checked ids, struct sizes and that texts that
 * must be there are there; it has not parsed JSON. */
struct ctrd__request {
	uint32_t flags; /* of the verb's options */
	char *json;	/* create: spec or NULL; exec: process; update: resources */
	size_t json_length;
	char *bundle; /* create */
	char *runtime;
	char *runtime_path;
	char **labels;		   /* flat, NULL-terminated, or NULL */
	char *checkpoint_dir;	   /* task create, start, checkpoint */
	struct ctrd__stdio *stdio; /* load, task create, start, exec, run; NULL = all null */
	int32_t signal;
	uint32_t how; /* release stdio */
	uint16_t columns;
	uint16_t rows;
};

/* Which results an op has. */
#define CTRD__HAS_PID	     0x1u
#define CTRD__HAS_EXIT	     0x2u
#define CTRD__HAS_STATE	     0x4u
#define CTRD__HAS_STATS	     0x8u
#define CTRD__HAS_VERSION    0x10u
#define CTRD__HAS_LOAD	     0x20u
#define CTRD__HAS_INSPECT    0x40u
#define CTRD__HAS_PROCESSES  0x80u
#define CTRD__HAS_PIDS	     0x100u
#define CTRD__HAS_CONTAINERS 0x200u

/* Filled by the backend before it finishes the op. Strings in it come from ctrd__op_strdup. Arrays are malloc'ed. */
struct ctrd__result {
	uint32_t has; /* CTRD__HAS_*: set whatever is filled */
	uint32_t pid;
	uint32_t state;
	size_t count;
	ctrd_exit exit;
	ctrd_stats *stats;
	ctrd_version_info version;
	ctrd_load_result load;
	ctrd_inspect *inspect;
	ctrd_process_info *processes;
	uint32_t *pids;
	ctrd_container_info *containers;
};

struct ctrd__op_text; /* a string owned by the op */

/* One thing to tell the embedder, in order: an op's completion or an event. */
struct ctrd__delivery {
	struct ctrd__list node;
	bool is_op;
};

struct ctrd_op {
	atomic_int refs;
	pid_t owner; /* getpid() of the process that made it */
	ctrd_client *client;
	enum ctrd__verb verb;
	uint32_t internal;   /* CTRD__OP_* */
	uint64_t task;	     /* asked for; then the one it works on */
	int64_t deadline_ns; /* CLOCK_MONOTONIC; INT64_MAX = none */
	char container_id[CTRD_ID_MAX + 1];
	char process_id[CTRD_ID_MAX + 1];
	struct ctrd__request request;
	struct ctrd__result result;
	struct ctrd__op_text *texts;
	ctrd_done done;

	/* The end, guarded by `ended`: written on the loop thread before it is set. */
	int status;
	ctrd_error *error;
	atomic_bool ended; /* status, error and result are final: getters may look */
	bool released;	   /* fn and release have returned; under client->lock */
	bool cancel_asked; /* under client->lock */
	uv_cond_t cond;	   /* with client->lock: released became true */

	/* Loop thread only. */
	bool taken;			   /* by the core: it is in `under_way` */
	bool dispatched;		   /* the backend has it */
	bool finished;			   /* the request has ended */
	bool delivering;		   /* in the deliveries, or delivered */
	struct ctrd__container *container; /* its queue slot, while queued or dispatched */
	struct ctrd__process *hold;    /* the process whose exit waits for this op's completion */
	struct ctrd__list inbox_node;  /* inbox, under client->lock */
	struct ctrd__list all_node;    /* client->under_way */
	struct ctrd__list queue_node;  /* container->queue, or process->waiters */
	struct ctrd__list timer_node;  /* client->deadlines */
	struct ctrd__list cancel_node; /* client->cancels, under client->lock */
	struct ctrd__delivery delivery;
	struct ctrd__run *run; /* of a run: how far it is */
	bool looked_up;	       /* of a wait: the backend was asked for the container */
	void *backend;	       /* the backend's own, freed by it before it finishes the op */
};

const char *ctrd__verb_name(enum ctrd__verb verb);
enum ctrd__verb_class ctrd__verb_class(enum ctrd__verb verb);

/*
 * For backends, on the loop thread.
 */

/* End the request. `error` (consumed) is NULL for success. Results were stored in op->result before. May be called
 * from inside the backend's verb function. Afterwards the backend must not touch the op. */
void ctrd__op_finish(ctrd_op *op, ctrd_error *error);

/* The same with an error made here. */
void ctrd__op_fail(ctrd_op *op, int code, const char *origin, int64_t os_error, const char *format,
		   ...) __attribute__((format(printf, 5, 6)));

/* A copy of `text` that lives as long as the op; NULL without memory. Any thread that has the op to itself. */
const char *ctrd__op_strdup(ctrd_op *op, const char *text);

/* Give `text` (malloc'ed, consumed also on failure) to the op; NULL without memory. */
const char *ctrd__op_own(ctrd_op *op, char *text);

/* True when the op has ended for its caller: the result interests nobody any more (the request still ends properly). */
static inline bool ctrd__op_is_abandoned(const ctrd_op *op)
{
	return op->delivering || atomic_load_explicit(&op->ended, memory_order_relaxed);
}

#endif
