/*
 * call.h: how a public entry point makes its op: arguments checked, options copied, submitted. Rule 1 of op.h.
 */
#ifndef CTRD_SRC_CALL_H
#define CTRD_SRC_CALL_H

#include "core.h"

/* The head of every options struct. */
struct ctrd__options_head {
	CTRD_OPTIONS_HEAD;
};

struct ctrd__call {
	ctrd_op *op;
	ctrd_error *refusal; /* the first thing that is wrong: ends the op when it is taken */
	int status;	     /* no op can be made */
	ctrd_done done;
};

/*
 * Begin: makes the op, checks the ids and reads `options` into `copy` (which holds the defaults), `known` bytes.
 * `flags` are those that the verb knows. Afterwards call->op is there to be filled, or NULL; call->refusal may be set.
 */
void ctrd__call_begin(struct ctrd__call *call, ctrd_client *client, enum ctrd__verb verb,
		      const char *container_id, const char *process_id, const void *options,
		      void *copy, size_t known, uint32_t flags, ctrd_done done);

/* True as long as the op exists and nothing is wrong. */
static inline bool ctrd__call_is_good(const struct ctrd__call *call)
{
	return call->op && !call->refusal;
}

void ctrd__call_refuse(struct ctrd__call *call, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Copy a text into the request; `length` 0 = NUL-terminated. NULL stays NULL. */
void ctrd__call_text(struct ctrd__call *call, const char *text, char **ret_copy);
void ctrd__call_json(struct ctrd__call *call, const char *field, const char *text, size_t length);
void ctrd__call_path(struct ctrd__call *call, const char *field, const char *path, char **ret_copy);
void ctrd__call_stdio(struct ctrd__call *call, const ctrd_stdio *stdio);

/* Submit it, or undo everything. What the entry point returns. */
int ctrd__call_submit(struct ctrd__call *call, ctrd_op **ret_op);

/* All of it, for verbs whose options are nothing but the head. */
int ctrd__call_plain(ctrd_client *client, enum ctrd__verb verb, const char *container_id,
		     const char *process_id, const void *options, size_t known, uint32_t flags,
		     ctrd_done done, ctrd_op **ret_op);

#endif
