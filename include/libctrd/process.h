/*
 * process.h: the Client interface, calls that name one process of a container. See the head of container.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_PROCESS_H
#define CTRD_PROCESS_H

#include <libctrd/client.h>
#include <libctrd/stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Options of the call of the same name. */
typedef struct ctrd_exec_options {
	CTRD_OPTIONS_HEAD;
	const char *
		process; /* OCI process as JSON; members that are missing are taken from the container's */
	size_t process_length;	 /* bytes; 0 = NUL-terminated */
	const ctrd_stdio *stdio; /* NULL = all null */
} ctrd_exec_options;
#define CTRD_EXEC_OPTIONS_INIT                              \
	{                                                   \
		sizeof(ctrd_exec_options), 0, 0, 0, 0, 0, 0 \
	}
/**
 * Run a further process in a running container.
 *
 * `process_id` is new: not CTRD_INIT_PROCESS, not the container's own id. Events: exec-added, exec-started.
 * Statuses besides: CTRD_EEXISTS; CTRD_EPRECONDITION when the container does not run or is paused; CTRD_EINVAL for a
 * program that is missing or not executable.
 *
 * @param client       the client
 * @param container_id which container
 * @param process_id   CTRD_INIT_PROCESS or the id of an exec
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_pid
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_process_exec(ctrd_client *client, const char *container_id,
			       const char *process_id, const ctrd_exec_options *options,
			       ctrd_done done, ctrd_op **ret_op);

/* Flags of ctrd_signal_options: ALL sends it to every process of the container, whatever process_id says. */
#define CTRD_SIGNAL_ALL 0x1u

/** Options of the call of the same name. */
typedef struct ctrd_signal_options {
	CTRD_OPTIONS_HEAD;
} ctrd_signal_options;
#define CTRD_SIGNAL_OPTIONS_INIT                     \
	{                                            \
		sizeof(ctrd_signal_options), 0, 0, 0 \
	}
/**
 * Send a signal.
 *
 * Statuses besides: CTRD_ENOTFOUND when the process has ended; CTRD_EPRECONDITION when it has not started.
 *
 * @param client       the client
 * @param container_id which container
 * @param process_id   CTRD_INIT_PROCESS or the id of an exec
 * @param signal       its number on the system that runs the container; 0 only asks whether it could be sent
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_process_signal(ctrd_client *client, const char *container_id,
				 const char *process_id, int32_t signal,
				 const ctrd_signal_options *options, ctrd_done done,
				 ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_resize_options {
	CTRD_OPTIONS_HEAD;
	uint16_t columns;
	uint16_t rows;
	uint32_t reserved0;
} ctrd_resize_options;
#define CTRD_RESIZE_OPTIONS_INIT                              \
	{                                                     \
		sizeof(ctrd_resize_options), 0, 0, 0, 0, 0, 0 \
	}
/**
 * Tell the process' terminal its size.
 *
 * Statuses besides: CTRD_EPRECONDITION when it has no terminal.
 *
 * @param client       the client
 * @param container_id which container
 * @param process_id   CTRD_INIT_PROCESS or the id of an exec
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_process_resize(ctrd_client *client, const char *container_id,
				 const char *process_id, const ctrd_resize_options *options,
				 ctrd_done done, ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_close_stdin_options {
	CTRD_OPTIONS_HEAD;
} ctrd_close_stdin_options;
#define CTRD_CLOSE_STDIN_OPTIONS_INIT                     \
	{                                                 \
		sizeof(ctrd_close_stdin_options), 0, 0, 0 \
	}
/**
 * End the input of a process: it reads end of file once the bytes that are under way are read.
 *
 * Closes the library's and the monitor's copies; the caller closes its own. Doing it twice succeeds.
 *
 * @param client       the client
 * @param container_id which container
 * @param process_id   CTRD_INIT_PROCESS or the id of an exec
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_process_close_stdin(ctrd_client *client, const char *container_id,
				      const char *process_id,
				      const ctrd_close_stdin_options *options, ctrd_done done,
				      ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_release_stdio_options {
	CTRD_OPTIONS_HEAD;
} ctrd_release_stdio_options;
#define CTRD_RELEASE_STDIO_OPTIONS_INIT                     \
	{                                                   \
		sizeof(ctrd_release_stdio_options), 0, 0, 0 \
	}
/**
 * Stop reading a process' streams and say what becomes of output that nobody reads.
 *
 * DATA streams end with their `release`, without an end of stream.
 *
 * @param client       the client
 * @param container_id which container
 * @param process_id   CTRD_INIT_PROCESS or the id of an exec
 * @param how          CTRD_RELEASE_KEEP, DISCARD or HANGUP
 * @param options      NULL = defaults
 * @param done         completion
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_process_release_stdio(ctrd_client *client, const char *container_id,
					const char *process_id, uint32_t how,
					const ctrd_release_stdio_options *options, ctrd_done done,
					ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_wait_options {
	CTRD_OPTIONS_HEAD;
} ctrd_wait_options;
#define CTRD_WAIT_OPTIONS_INIT                     \
	{                                          \
		sizeof(ctrd_wait_options), 0, 0, 0 \
	}
/**
 * Wait until a process has ended; completes at once when it has. No deadline by default.
 *
 * CTRD_ENOTFOUND when there is no such process, or when it is deleted before anybody knew its end.
 *
 * @param client       the client
 * @param container_id which container
 * @param process_id   CTRD_INIT_PROCESS or the id of an exec
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_exit
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_process_wait(ctrd_client *client, const char *container_id,
			       const char *process_id, const ctrd_wait_options *options,
			       ctrd_done done, ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_process_delete_options {
	CTRD_OPTIONS_HEAD;
} ctrd_process_delete_options;
#define CTRD_PROCESS_DELETE_OPTIONS_INIT                     \
	{                                                    \
		sizeof(ctrd_process_delete_options), 0, 0, 0 \
	}
/**
 * Forget an exec that has ended, or delete the task for CTRD_INIT_PROCESS.
 *
 * Statuses besides: CTRD_EPRECONDITION while it runs.
 *
 * @param client       the client
 * @param container_id which container
 * @param process_id   CTRD_INIT_PROCESS or the id of an exec
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_exit
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_process_delete(ctrd_client *client, const char *container_id,
				 const char *process_id, const ctrd_process_delete_options *options,
				 ctrd_done done, ctrd_op **ret_op);

/** Options of the call of the same name. */
typedef struct ctrd_process_list_options {
	CTRD_OPTIONS_HEAD;
} ctrd_process_list_options;
#define CTRD_PROCESS_LIST_OPTIONS_INIT                     \
	{                                                  \
		sizeof(ctrd_process_list_options), 0, 0, 0 \
	}
/**
 * List the processes in the container with what the backend knows of each.
 *
 * @param client       the client
 * @param container_id which container
 * @param options      NULL = defaults
 * @param done         completion; then ctrd_op_get_count, ctrd_op_get_process
 * @param ret_op       may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_process_list(ctrd_client *client, const char *container_id,
			       const ctrd_process_list_options *options, ctrd_done done,
			       ctrd_op **ret_op);

#ifdef __cplusplus
}
#endif

#endif
