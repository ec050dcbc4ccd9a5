/*
 * op.h: one call under way, and later its result.
 *
 * The rules of an op:
 *  1. A call that may wait returns at once. It returns a negative status only when no op can be made (NULL client,
 *     CTRD_ENOMEM, CTRD_EFORKED, CTRD_ECLOSED): then `fn` never runs and `release` has run. Every other refusal (ids,
 *     options, JSON) returns 0 and arrives through the op with its error.
 *  2. After 0, `fn` runs exactly once, on the loop thread, then `release`. For a call made on the loop thread it never
 *     runs before that call has returned; for one made on another thread it may: `*ret_op` is written before.
 *  3. `ret_op` may be NULL. Dropping a reference never cancels.
 *  4. ctrd_op_cancel and the deadline end the op, never a changing request half-way: that runs on, and is undone for
 *     create, task create and exec; until then calls on that id end with CTRD_EABORTED. Cancelling a run deletes by
 *     force. If the real result comes first, it wins.
 *  5. Every op has a deadline (the call's, the client's, the verb's default), except wait and run.
 *  6. Inside a completion or an event every call is allowed that does not block, closing included; no lock is held.
 *  7. ctrd_client_close: new calls get CTRD_ECLOSED, ops under way end with it, events stop, the handles leave the
 *     loop, then it completes; after its `release` nothing of that client runs again.
 *  8. Every call may be made from any thread; completions and events arrive on the loop thread.
 *  9. ctrd_op_wait blocks any other thread.
 * 10. In a forked child calls on handles made before the fork return CTRD_EFORKED; unref frees memory only.
 * 11. Calls of one client that change one container run in order of submission; execs wait for those before them and
 *     run in parallel; signal, wait, resize, close-stdin and reading calls never queue. Forced delete overtakes: what
 *     is queued ends with CTRD_EABORTED.
 *
 * Strings and errors that a getter returns are lent by the op and live until its last reference is dropped.
 * Getters of results: CTRD_EPRECONDITION while the op is under way, the op's own status when it failed, CTRD_EINVAL
 * when its verb has no such result. Structs are filled up to the caller's `size`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_OP_H
#define CTRD_OP_H

#include <libctrd/base.h>
#include <libctrd/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/* States of a container's task. */
#define CTRD_TASK_NONE	  0u /* the container exists, no task does */
#define CTRD_TASK_CREATED 1u /* namespaces exist, the program does not run yet */
#define CTRD_TASK_RUNNING 2u
#define CTRD_TASK_STOPPED 3u
#define CTRD_TASK_PAUSED  4u
#define CTRD_TASK_PAUSING 5u
#define CTRD_TASK_UNKNOWN 6u

/** Who answers: ctrd_client_version. */
typedef struct ctrd_version_info {
	uint32_t size;
	uint32_t reserved0;
	const char *name;     /* "libctrd local", "containerd" */
	const char *version;  /* of that backend */
	const char *revision; /* "" when it has none */
} ctrd_version_info;
#define CTRD_VERSION_INFO_INIT                        \
	{                                             \
		sizeof(ctrd_version_info), 0, 0, 0, 0 \
	}

/** What ctrd_container_load found. */
typedef struct ctrd_load_result {
	uint32_t size;
	uint32_t alive; /* 1: the first process has not ended */
	uint32_t state; /* CTRD_TASK_* */
	uint32_t pid;	/* 0 when not alive */
	uint64_t task;	/* 0 when there is no task */
	ctrd_exit exit; /* valid when state is CTRD_TASK_STOPPED */
} ctrd_load_result;
#define CTRD_LOAD_RESULT_INIT                                        \
	{                                                            \
		sizeof(ctrd_load_result), 0, 0, 0, 0, CTRD_EXIT_INIT \
	}

/** One process of a load (by exec) or of ctrd_process_list. */
typedef struct ctrd_process_info {
	uint32_t size;
	uint32_t pid; /* in the pid namespace of this process; 0 when it has ended */
	const char *
		process_id; /* CTRD_INIT_PROCESS, an exec's id, or "" for a process that nobody named */
	const char *image_name; /* the program's name, or "" */
	uint32_t state;		/* CTRD_TASK_* */
	uint32_t reserved0;
	int64_t created_at_ns; /* CLOCK_REALTIME; 0 = not known */
	uint64_t user_time_ns;
	uint64_t kernel_time_ns;
	uint64_t memory_bytes; /* resident (Linux) or committed (Windows); 0 = not known */
	ctrd_exit exit;	       /* valid when state is CTRD_TASK_STOPPED */
} ctrd_process_info;
#define CTRD_PROCESS_INFO_INIT                                                       \
	{                                                                            \
		sizeof(ctrd_process_info), 0, 0, 0, 0, 0, 0, 0, 0, 0, CTRD_EXIT_INIT \
	}

/** One container: ctrd_container_list. */
typedef struct ctrd_container_info {
	uint32_t size;
	uint32_t state; /* CTRD_TASK_* */
	const char *container_id;
	const char *runtime;
	uint32_t pid; /* 0 when not alive */
	uint32_t reserved0;
	int64_t created_at_ns; /* CLOCK_REALTIME; 0 = not known */
} ctrd_container_info;
#define CTRD_CONTAINER_INFO_INIT                              \
	{                                                     \
		sizeof(ctrd_container_info), 0, 0, 0, 0, 0, 0 \
	}

/** What is recorded of a container: ctrd_container_inspect. */
typedef struct ctrd_inspect {
	uint32_t size;
	uint32_t state; /* CTRD_TASK_* */
	const char *container_id;
	const char *spec; /* the OCI spec as JSON text, NUL-terminated */
	size_t spec_length;
	const char *bundle;  /* directory that holds config.json; "" when the backend has none */
	const char *runtime; /* the name it was created with */
	const char *runtime_path;  /* what is executed for it; "" when not known here */
	const char *const *labels; /* key, value, ..., NULL */
	const char *cgroup;	   /* as in the spec's linux.cgroupsPath; "" when there is none */
	int64_t created_at_ns;	   /* CLOCK_REALTIME */
	int64_t started_at_ns;	   /* 0 = not started */
	uint64_t task;		   /* 0 when there is no task */
} ctrd_inspect;
#define CTRD_INSPECT_INIT                                                \
	{                                                                \
		sizeof(ctrd_inspect), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
	}

/* Which members of ctrd_stats hold a value. */
#define CTRD_STATS_CPU	    0x1u
#define CTRD_STATS_THROTTLE 0x2u
#define CTRD_STATS_MEMORY   0x4u
#define CTRD_STATS_SWAP	    0x8u
#define CTRD_STATS_PIDS	    0x10u
#define CTRD_STATS_IO	    0x20u
#define CTRD_STATS_OOM	    0x40u
#define CTRD_STATS_PRESSURE 0x80u

/** What a container has used: ctrd_container_stats. A limit that is not set is UINT64_MAX. */
typedef struct ctrd_stats {
	uint32_t size;
	uint32_t has;	       /* CTRD_STATS_* */
	int64_t time_ns;       /* CLOCK_REALTIME of the reading */
	uint64_t cpu_usage_ns; /* CPU */
	uint64_t cpu_user_ns;
	uint64_t cpu_system_ns;
	uint64_t cpu_periods; /* THROTTLE */
	uint64_t cpu_throttled_periods;
	uint64_t cpu_throttled_ns;
	uint64_t memory_usage_bytes; /* MEMORY */
	uint64_t memory_peak_bytes;  /* 0 where the kernel does not tell */
	uint64_t memory_limit_bytes;
	uint64_t memory_anon_bytes;
	uint64_t memory_file_bytes;
	uint64_t memory_inactive_file_bytes; /* usage minus this is the working set */
	uint64_t memory_kernel_bytes;
	uint64_t memory_limit_hits;
	uint64_t swap_usage_bytes; /* SWAP; swap alone, without memory */
	uint64_t swap_limit_bytes;
	uint64_t pids_current; /* PIDS */
	uint64_t pids_limit;
	uint64_t io_read_bytes; /* IO; summed over devices */
	uint64_t io_write_bytes;
	uint64_t io_reads;
	uint64_t io_writes;
	uint64_t oom_kills;	    /* OOM */
	uint64_t cpu_some_total_us; /* PRESSURE: stall times since the start */
	uint64_t memory_some_total_us;
	uint64_t io_some_total_us;
} ctrd_stats;
#define CTRD_STATS_INIT                                                                            \
	{                                                                                          \
		sizeof(ctrd_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
			0, 0, 0, 0, 0, 0, 0                                                        \
	}

/**
 * Take another reference.
 * @param op may be NULL
 * @return op
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_op *ctrd_op_ref(ctrd_op *op);

/**
 * Drop a reference. Never cancels.
 * @param op may be NULL
 * @return NULL
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_op *ctrd_op_unref(ctrd_op *op);

/**
 * Ask the op to end with CTRD_ECANCELED. Rule 4 says what becomes of the request.
 * @param op may be done already: then nothing happens
 * @return 0; CTRD_EINVAL for NULL; CTRD_EFORKED
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_cancel(ctrd_op *op);

/**
 * Block until `fn` and `release` of the op have returned.
 * @param op         the op
 * @param timeout_ms milliseconds; -1 = as long as it takes; 0 = only look
 * @return 0 when it is done; 1 when timeout_ms ran out; CTRD_EWRONGTHREAD on the loop thread; CTRD_EINVAL, CTRD_EFORKED
 * @thread any but the loop thread; of a manual client: any but the one that dispatches
 * @since 0.1
 */
CTRD_API int ctrd_op_wait(ctrd_op *op, int64_t timeout_ms);

/**
 * Tell whether the op has ended.
 * @param op the op
 * @return 1 from just before `fn` runs on, else 0; CTRD_EINVAL for NULL
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_is_done(const ctrd_op *op);

/**
 * Tell how the op ended.
 * @param op the op
 * @return 0 or the negative status; CTRD_EPRECONDITION while it is under way; CTRD_EINVAL for NULL
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_status(const ctrd_op *op);

/**
 * Lend the error of an op that failed.
 * @param op the op
 * @return lent by op; NULL when it is under way or succeeded
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_error *ctrd_op_error(const ctrd_op *op);

/**
 * Name the verb: "container create".
 * @param op the op
 * @return a static text; "" for NULL
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_op_verb(const ctrd_op *op);

/**
 * Lend the id of the container that the call named.
 * @param op the op
 * @return lent by op; "" when the call names none
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_op_container_id(const ctrd_op *op);

/**
 * Lend the id of the process that the call named.
 * @param op the op
 * @return lent by op; "" when the call names none
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_op_process_id(const ctrd_op *op);

/**
 * Tell the life of the container that the op worked on.
 * @param op the op
 * @return the task number, 0 when there was none
 * @thread any
 * @since 0.1
 */
CTRD_API uint64_t ctrd_op_task(const ctrd_op *op);

/**
 * Get the pid: task create, start, exec.
 * @param op      a finished op
 * @param ret_pid in the pid namespace of this process
 * @return 0, or as the head of this file says
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_pid(const ctrd_op *op, uint32_t *ret_pid);

/**
 * Get how the process ended: wait, process delete, task delete, container delete with FORCE, run.
 * @param op       a finished op
 * @param ret_exit its `size` is set by the caller
 * @return 0, or as the head of this file says; CTRD_ENOTFOUND when a delete found no task
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_exit(const ctrd_op *op, ctrd_exit *ret_exit);

/**
 * Get the state: container status.
 * @param op        a finished op
 * @param ret_state CTRD_TASK_*
 * @return 0, or as the head of this file says
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_state(const ctrd_op *op, uint32_t *ret_state);

/**
 * Get what was measured: container stats.
 * @param op        a finished op
 * @param ret_stats its `size` is set by the caller
 * @return 0, or as the head of this file says
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_stats(const ctrd_op *op, ctrd_stats *ret_stats);

/**
 * Get who answered: client version.
 * @param op          a finished op
 * @param ret_version its `size` is set by the caller
 * @return 0, or as the head of this file says
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_version(const ctrd_op *op, ctrd_version_info *ret_version);

/**
 * Get what was found: container load.
 * @param op       a finished op
 * @param ret_load its `size` is set by the caller
 * @return 0, or as the head of this file says
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_load(const ctrd_op *op, ctrd_load_result *ret_load);

/**
 * Get what is recorded: container inspect.
 * @param op          a finished op
 * @param ret_inspect its `size` is set by the caller
 * @return 0, or as the head of this file says
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_inspect(const ctrd_op *op, ctrd_inspect *ret_inspect);

/**
 * Count the entries of a list: execs of a load, process list, pids, container list.
 * @param op        a finished op
 * @param ret_count how many
 * @return 0, or as the head of this file says
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_count(const ctrd_op *op, size_t *ret_count);

/**
 * Get one process: container load (its execs), process list.
 * @param op          a finished op
 * @param index       from 0
 * @param ret_process its `size` is set by the caller
 * @return 0, or as the head of this file says; CTRD_ERANGE
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_process(const ctrd_op *op, size_t index, ctrd_process_info *ret_process);

/**
 * Get one pid: container pids.
 * @param op      a finished op
 * @param index   from 0
 * @param ret_pid in the pid namespace of this process
 * @return 0, or as the head of this file says; CTRD_ERANGE
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_pid_at(const ctrd_op *op, size_t index, uint32_t *ret_pid);

/**
 * Get one container: container list.
 * @param op            a finished op
 * @param index         from 0
 * @param ret_container its `size` is set by the caller
 * @return 0, or as the head of this file says; CTRD_ERANGE
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_op_get_container(const ctrd_op *op, size_t index,
				   ctrd_container_info *ret_container);

#ifdef __cplusplus
}
#endif

#endif
