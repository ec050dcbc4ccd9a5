/*
 * log.h: where a client's log lines go. There is no process-wide sink: each client has its own, and none by default.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_LOG_H
#define CTRD_LOG_H

#include <libctrd/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CTRD_LOG_ERROR	 1
#define CTRD_LOG_WARNING 2
#define CTRD_LOG_INFO	 3
#define CTRD_LOG_DEBUG	 4

/**
 * A log sink. `fn` is called with one line without newline, on the loop thread or on the client's worker thread,
 * never on both at once, with no lock of the library held that a call from inside could need. It must not block.
 * The text is valid during the call only.
 */
typedef struct ctrd_log {
	void (*fn)(int32_t level, const char *line, void *data);
	void *data;
} ctrd_log;

#ifdef __cplusplus
}
#endif

#endif
