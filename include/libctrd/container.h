/*
 * container.h: the Client interface, calls that name a container. Process calls are in process.h.
 *
 * Every call makes an op: the rules, the getters of results and the statuses that all share are in op.h. Besides those
 * every call can end with CTRD_EINVAL (the message names object and field), CTRD_ENOTFOUND, CTRD_EDEADLINE,
 * CTRD_ECANCELED, CTRD_ENOMEM, CTRD_ENOSYS (this backend does not do it) and CTRD_EUNAVAILABLE.
 *
 * Ids of containers, processes and namespaces: [A-Za-z0-9]+([._-][A-Za-z0-9]+)*, at most CTRD_ID_MAX bytes.
 * OCI specs, processes and resources are JSON text (source: opencontainers/runtime-spec 1.0 to 1.2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_CONTAINER_H
#define CTRD_CONTAINER_H

#include <libctrd/client.h>
#include <libctrd/stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of the call of the same name. */
typedef struct ctrd_load_options {
	CTRD_OPTIONS_HEAD;
	const ctrd_stdio
		*stdio; /* takes over the streams of the first process; NULL = leave them */
} ctrd_load_options;
#define CTRD_LOAD_OPTIONS_INIT                        \
	{                                             \
		sizeof(ctrd_load_options), 0, 0, 0, 0 \
	}
/**
 * Take up a container that exists: after a restart of the embedder, or one that another client made.
 *
 * From its completion on this client reports the container's events. What ended before is the result: alive, pid,
 * exit, and every exec with its state and exit. PIPE and DATA streams of the first process that a client before us
 * left (CTRD_RELEASE_KEEP, or it died) are handed to options->stdio, unread bytes included.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_load, ctrd_op_get_count, ctrd_op_get_process
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_load(ctrd_client *client, const char *container_id,
				 const ctrd_load_options *options, ctrd_done done,
				 ctrd_op **ret_op);

/*
 * Flags of ctrd_create_options.
 * CTRD_CREATE_SECCOMP_DEFAULT is in spec.h: the profile is part of the spec.
 */

/** What to create. All pointers are read before the call returns. Pairs are flat: key, value, ..., NULL. */
typedef struct ctrd_create_options {
	CTRD_OPTIONS_HEAD;
	const char *spec;   /* OCI spec; NULL = config.json of `bundle` */
	size_t spec_length; /* bytes; 0 = spec is NUL-terminated */
	const char
		*bundle; /* absolute directory that a relative root.path starts from; NULL = none */
	const char *
		runtime; /* a name: "runc", "crun", CTRD_RUNTIME_FASTEST; NULL = the client's default */
	const char *
		runtime_path; /* for trusted callers: the runtime's absolute path; wins over `runtime` */
	const char *const *labels; /* NULL = none */
	const char *shim;	   /* remote: shim type; NULL = the runtime's */
	const char *
		shim_options_type; /* remote: type URL of shim_options; NULL = shim_options is JSON */
	const void *shim_options; /* remote: bytes, or JSON text */
	size_t shim_options_length;
	const char *image; /* remote: the rest of what containerd's own create takes */
	const char *snapshotter;
	const char *snapshot_key;
	const char *const *extensions; /* remote: name, JSON, ..., NULL */
} ctrd_create_options;
#define CTRD_CREATE_OPTIONS_INIT                                                               \
	{                                                                                      \
		sizeof(ctrd_create_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
	}
/**
 * Create a container: check and record what is to run. Nothing runs yet.
 *
 * The runtime is resolved now and pinned for the container's whole life.
 * Statuses besides: CTRD_EEXISTS; CTRD_ENOTFOUND for an unknown runtime.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_create(ctrd_client *client, const char *container_id,
				   const ctrd_create_options *options, ctrd_done done,
				   ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_task_create_options {
	CTRD_OPTIONS_HEAD;
	const ctrd_stdio *stdio;    /* NULL = all null */
	const char *checkpoint_dir; /* absolute: restore from it instead of starting; NULL = none */
} ctrd_task_create_options;
#define CTRD_TASK_CREATE_OPTIONS_INIT                           \
	{                                                       \
		sizeof(ctrd_task_create_options), 0, 0, 0, 0, 0 \
	}
/**
 * Create the task: the namespaces exist, the program does not run yet. For callers that attach networking in between.
 *
 * Event: create. Statuses besides: CTRD_EEXISTS when there is a task.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_pid
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_task_create(ctrd_client *client, const char *container_id,
			      const ctrd_task_create_options *options, ctrd_done done,
			      ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_start_options {
	CTRD_OPTIONS_HEAD;
	const ctrd_stdio *stdio; /* NULL = all null; CTRD_EINVAL when the task was created before */
	const char *checkpoint_dir; /* as in ctrd_task_create_options */
} ctrd_start_options;
#define CTRD_START_OPTIONS_INIT                           \
	{                                                 \
		sizeof(ctrd_start_options), 0, 0, 0, 0, 0 \
	}
/**
 * Run the program; creates the task first if nobody did.
 *
 * Events: create (if the task is new), start. Statuses besides: CTRD_EPRECONDITION when it runs or has ended.
 * A program that is missing or not executable is CTRD_EINVAL; the message says which.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_pid
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_start(ctrd_client *client, const char *container_id,
				  const ctrd_start_options *options, ctrd_done done,
				  ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_pause_options {
	CTRD_OPTIONS_HEAD;
} ctrd_pause_options;
#define CTRD_PAUSE_OPTIONS_INIT                     \
	{                                           \
		sizeof(ctrd_pause_options), 0, 0, 0 \
	}
/**
 * Freeze every process of the container.
 *
 * Event: paused. Statuses besides: CTRD_EPRECONDITION when it does not run. Pausing a paused one succeeds.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_pause(ctrd_client *client, const char *container_id,
				  const ctrd_pause_options *options, ctrd_done done,
				  ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_resume_options {
	CTRD_OPTIONS_HEAD;
} ctrd_resume_options;
#define CTRD_RESUME_OPTIONS_INIT                     \
	{                                            \
		sizeof(ctrd_resume_options), 0, 0, 0 \
	}
/**
 * Thaw the processes of the container.
 *
 * Event: resumed. Statuses besides: CTRD_EPRECONDITION when there is nothing to thaw. Resuming a running one succeeds.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_resume(ctrd_client *client, const char *container_id,
				   const ctrd_resume_options *options, ctrd_done done,
				   ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_stats_options {
	CTRD_OPTIONS_HEAD;
} ctrd_stats_options;
#define CTRD_STATS_OPTIONS_INIT                     \
	{                                           \
		sizeof(ctrd_stats_options), 0, 0, 0 \
	}
/**
 * Measure what the container uses.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_stats
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_stats(ctrd_client *client, const char *container_id,
				  const ctrd_stats_options *options, ctrd_done done,
				  ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_pids_options {
	CTRD_OPTIONS_HEAD;
} ctrd_pids_options;
#define CTRD_PIDS_OPTIONS_INIT                     \
	{                                          \
		sizeof(ctrd_pids_options), 0, 0, 0 \
	}
/**
 * List the pids of all processes in the container.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_count, ctrd_op_get_pid_at
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_pids(ctrd_client *client, const char *container_id,
				 const ctrd_pids_options *options, ctrd_done done,
				 ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_status_options {
	CTRD_OPTIONS_HEAD;
} ctrd_status_options;
#define CTRD_STATUS_OPTIONS_INIT                     \
	{                                            \
		sizeof(ctrd_status_options), 0, 0, 0 \
	}
/**
 * Tell the state of the container's task.
 *
 * CTRD_ENOTFOUND when there is no task.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_state
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_status(ctrd_client *client, const char *container_id,
				   const ctrd_status_options *options, ctrd_done done,
				   ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_update_options {
	CTRD_OPTIONS_HEAD;
	const char *resources;	 /* OCI LinuxResources as JSON; what is not named stays */
	size_t resources_length; /* bytes; 0 = NUL-terminated */
} ctrd_update_options;
#define CTRD_UPDATE_OPTIONS_INIT                           \
	{                                                  \
		sizeof(ctrd_update_options), 0, 0, 0, 0, 0 \
	}
/**
 * Change the limits of a container while it runs.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_update(ctrd_client *client, const char *container_id,
				   const ctrd_update_options *options, ctrd_done done,
				   ctrd_op **ret_op);

/* Flags of ctrd_checkpoint_options: EXIT ends the container once its image is written. */
#define CTRD_CHECKPOINT_EXIT 0x1u

/** Options of the call of the same name. */
typedef struct ctrd_checkpoint_options {
	CTRD_OPTIONS_HEAD;
	const char *directory; /* absolute; must not exist yet */
} ctrd_checkpoint_options;
#define CTRD_CHECKPOINT_OPTIONS_INIT                        \
	{                                                   \
		sizeof(ctrd_checkpoint_options), 0, 0, 0, 0 \
	}
/**
 * Write an image of the running container with CRIU.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_checkpoint(ctrd_client *client, const char *container_id,
				       const ctrd_checkpoint_options *options, ctrd_done done,
				       ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_task_delete_options {
	CTRD_OPTIONS_HEAD;
} ctrd_task_delete_options;
#define CTRD_TASK_DELETE_OPTIONS_INIT                     \
	{                                                 \
		sizeof(ctrd_task_delete_options), 0, 0, 0 \
	}
/**
 * Delete the task of a container whose program has ended, or was never started.
 *
 * Frees what the kernel and the runtime hold for it. The exit is gone with it, but for this result.
 * Statuses besides: CTRD_EPRECONDITION while it runs; CTRD_ENOTFOUND when there is none.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_exit
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_task_delete(ctrd_client *client, const char *container_id,
			      const ctrd_task_delete_options *options, ctrd_done done,
			      ctrd_op **ret_op);

/* Flags of ctrd_delete_options: FORCE kills, waits and deletes the task first; overtakes queued calls. */
#define CTRD_DELETE_FORCE 0x1u

/** Options of the call of the same name. */
typedef struct ctrd_delete_options {
	CTRD_OPTIONS_HEAD;
} ctrd_delete_options;
#define CTRD_DELETE_OPTIONS_INIT                     \
	{                                            \
		sizeof(ctrd_delete_options), 0, 0, 0 \
	}
/**
 * Delete the container and all that is recorded of it.
 *
 * Statuses besides: CTRD_EPRECONDITION when a task exists and FORCE is not set.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then with FORCE ctrd_op_get_exit
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_delete(ctrd_client *client, const char *container_id,
				   const ctrd_delete_options *options, ctrd_done done,
				   ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_inspect_options {
	CTRD_OPTIONS_HEAD;
} ctrd_inspect_options;
#define CTRD_INSPECT_OPTIONS_INIT                     \
	{                                             \
		sizeof(ctrd_inspect_options), 0, 0, 0 \
	}
/**
 * Tell what is recorded of a container.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_inspect
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_inspect(ctrd_client *client, const char *container_id,
				    const ctrd_inspect_options *options, ctrd_done done,
				    ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_list_options {
	CTRD_OPTIONS_HEAD;
} ctrd_list_options;
#define CTRD_LIST_OPTIONS_INIT                     \
	{                                          \
		sizeof(ctrd_list_options), 0, 0, 0 \
	}
/**
 * List the containers of the namespace with their states.
 *
 * @param client       the client
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_count, ctrd_op_get_container
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_list(ctrd_client *client, const ctrd_list_options *options,
				 ctrd_done done, ctrd_op **ret_op);

/** What to run. `create` and `stdio` are read before the call returns; NULL = defaults. */
typedef struct ctrd_run_options {
	CTRD_OPTIONS_HEAD;
	const ctrd_create_options *create; /* its head is not used */
	const ctrd_stdio *stdio;
} ctrd_run_options;
#define CTRD_RUN_OPTIONS_INIT                           \
	{                                               \
		sizeof(ctrd_run_options), 0, 0, 0, 0, 0 \
	}
/**
 * Create, start, wait and delete as one op.
 *
 * Cancelling it, or its deadline, deletes the container by force. Whatever fails, nothing is left behind.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_exit
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_container_run(ctrd_client *client, const char *container_id,
				const ctrd_run_options *options, ctrd_done done, ctrd_op **ret_op);

#ifdef __cplusplus
}
#endif

#endif
