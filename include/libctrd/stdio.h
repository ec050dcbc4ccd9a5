/*
 * stdio.h: where a process' standard streams go, chosen per stream.
 *
 * Descriptors that the caller gives are duplicated before the call returns. Descriptors that the library hands out
 * belong to the caller once the attach callback has returned 0. The flags of a description that the library did not
 * make are never changed. Nothing relays bytes where the process can hold the pipe itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_STDIO_H
#define CTRD_STDIO_H

#include <libctrd/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of a stream. */
#define CTRD_STREAM_NULL 0u /* /dev/null */
#define CTRD_STREAM_FD	 1u /* the caller's descriptor: in_fd, out_fd, err_fd */
#define CTRD_STREAM_PIPE 2u /* a pipe; its other end is handed to `attach` */
#define CTRD_STREAM_DATA \
	3u /* out and err only: a pipe that the library reads and gives to `data` */
#define CTRD_STREAM_FILE \
	4u /* a file: in_path is read, out_path and err_path are created 0600 and appended to */

/* Numbers of the streams. */
#define CTRD_STDIN  0u
#define CTRD_STDOUT 1u
#define CTRD_STDERR 2u

/*
 * Flags of ctrd_stdio.
 * TERMINAL: the process gets a terminal; `out` says who gets the other side (PIPE or DATA), `in` must be NULL (write to
 *   the descriptor that attach got as stdin) or PIPE, `err` must be NULL.
 * STDIN_ONCE: the backend keeps no copy of the write end of stdin, so that closing the caller's end is the end of
 *   input. Without it stdin stays open until ctrd_process_close_stdin, also while no client runs.
 */
#define CTRD_STDIO_TERMINAL   0x1u
#define CTRD_STDIO_STDIN_ONCE 0x2u

/** The caller's ends of the streams of one process; -1 where there is none. */
typedef struct ctrd_stdio_ends {
	uint32_t size;
	int32_t in;  /* write end, or with a terminal: a duplicate of out */
	int32_t out; /* read end, or the terminal */
	int32_t err; /* read end */
} ctrd_stdio_ends;

/** See the members. All pointers are read before the call returns. */
typedef struct ctrd_stdio {
	uint32_t size;
	uint32_t flags; /* CTRD_STDIO_* */
	uint32_t in;	/* CTRD_STREAM_* */
	uint32_t out;
	uint32_t err;
	int32_t in_fd;
	int32_t out_fd;
	int32_t err_fd;
	const char *in_path; /* absolute */
	const char *out_path;
	const char *err_path;
	/*
	 * Takes the caller's ends of the PIPE streams. Runs on the loop thread before the program of a container
	 * starts, for an exec before its completion. Returns 0 and owns the descriptors, or a negative status: then the
	 * library closes them, undoes the start and ends the call with that status.
	 */
	int (*attach)(const char *container_id, const char *process_id, const ctrd_stdio_ends *ends,
		      void *data);
	/*
	 * Takes bytes of a DATA stream. Runs on the loop thread. `length` 0 is the end of that stream and comes once.
	 * Returns 0 to go on, 1 to pause both streams until ctrd_stdio_resume. The bytes are valid during the call.
	 */
	int (*data_fn)(const char *container_id, const char *process_id, uint32_t stream,
		       const void *bytes, size_t length, void *data);
	void *data;		     /* for attach and data_fn */
	void (*release)(void *data); /* runs once, when neither is called any more; may be NULL */
	uint16_t columns;	     /* the terminal's first size; 0 = the kernel's default */
	uint16_t rows;
	uint32_t
		drain_ms; /* how long after an exit DATA streams are read on if someone holds them open; 0 = 2000 */
} ctrd_stdio;
#define CTRD_STDIO_INIT                                                                  \
	{                                                                                \
		sizeof(ctrd_stdio), 0, 0, 0, 0, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
	}

/** What becomes of output that nobody reads any more: ctrd_process_release_stdio. */
#define CTRD_RELEASE_KEEP \
	0u /* it stays in the pipe; the writer blocks when that is full; a later load gets it */
#define CTRD_RELEASE_DISCARD 1u /* it is read and thrown away */
#define CTRD_RELEASE_HANGUP \
	2u /* the pipe is closed: the writer gets SIGPIPE, the reader of stdin its end */

/**
 * Go on with the DATA streams of a process that were paused by their callback.
 *
 * Does nothing when they are not paused.
 *
 * @param client       the client that reads them
 * @param container_id, process_id whose streams
 * @return 0; CTRD_EINVAL for NULL; CTRD_ECLOSED, CTRD_EFORKED, CTRD_ENOMEM
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_stdio_resume(ctrd_client *client, const char *container_id,
			       const char *process_id);

#ifdef __cplusplus
}
#endif

#endif
