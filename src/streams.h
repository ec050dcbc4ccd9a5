/*
 * streams.h: a process' streams on the caller's side: what was asked for, the pipes, and the reader of DATA streams.
 */
#ifndef CTRD_SRC_STREAMS_H
#define CTRD_SRC_STREAMS_H

#include <stdbool.h>
#include <sys/types.h>

#include <libctrd/stdio.h>

#include "error.h"

/* What the caller asked for, with its descriptors duplicated. Reference counted; the last reference runs `release`
 * (on the loop thread). */
struct ctrd__stdio;

struct ctrd__stdio *ctrd__stdio_ref(struct ctrd__stdio *stdio);
struct ctrd__stdio *ctrd__stdio_unref(struct ctrd__stdio *stdio);

bool ctrd__stdio_is_terminal(const struct ctrd__stdio *stdio); /* NULL-safe: false */
bool ctrd__stdio_stdin_once(const struct ctrd__stdio *stdio);
void ctrd__stdio_size(const struct ctrd__stdio *stdio, uint16_t *ret_columns, uint16_t *ret_rows);
/* CTRD_STREAM_* of stream 0 to 2; CTRD_STREAM_NULL for NULL. */
uint32_t ctrd__stdio_kind(const struct ctrd__stdio *stdio, uint32_t stream);

/* The two sides of three streams; -1 where there is none. */
struct ctrd__stdio_fds {
	int process[3]; /* for the process: always valid but for a terminal */
	int ours[3]; /* our ends of the pipes: write end of stdin, read ends of stdout and stderr */
};
#define CTRD__STDIO_FDS_INIT       \
	{                          \
		{-1, -1, -1},      \
		{                  \
			-1, -1, -1 \
		}                  \
	}
void ctrd__stdio_fds_close(struct ctrd__stdio_fds *fds);

/*
 * Make the descriptors: opens /dev/null and files, makes pipes (owned by uid:gid, so that the process may open
 * /dev/stdout anew), duplicates the caller's. For a terminal nothing is made: all stay -1. Worker thread or loop thread.
 * `stdio` NULL = all null.
 */
int ctrd__stdio_open(struct ctrd__stdio *stdio, uid_t uid, gid_t gid,
		     struct ctrd__stdio_fds *ret_fds, ctrd_error **ret_error);

/*
 * Hand our ends to the caller (PIPE: the attach callback) and start reading DATA streams. `ours` is consumed whatever
 * happens: what is of no use is closed. For a terminal ours[1] is the master. Loop thread, at most once per process;
 * the process must be in the ledger (create, start, exec do that). When the op was abandoned everything is closed and
 * CTRD_ECANCELED returned.
 */
int ctrd__stdio_attach(ctrd_client *client, const char *container_id, const char *process_id,
		       struct ctrd__stdio *stdio, int ours[3], ctrd_error **ret_error);

/* Stop reading a process' DATA streams, without an end of stream. For release stdio. Loop thread. */
void ctrd__stdio_stop(ctrd_client *client, const char *container_id, const char *process_id);

#endif
