/*
 * reader.h: the reader of a process' DATA streams, between streams_unix.c and the ledger.
 */
#ifndef CTRD_SRC_READER_H
#define CTRD_SRC_READER_H

#include "core.h"
#include "streams.h"

const ctrd_stdio *ctrd__stdio_asked(const struct ctrd__stdio *stdio);

/* Start reading ours[1] and ours[2] where they are DATA; takes those descriptors. NULL or why not. */
ctrd_error *ctrd__reader_new(struct ctrd__process *process, struct ctrd__stdio *stdio, int ours[3]);

#endif
