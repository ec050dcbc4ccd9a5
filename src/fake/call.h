/*
 * call.h: one call on its way through the fake backend: its luck, the lock between clients, its answer. The calls
 * themselves are in verbs.c (what exists), task.c (what runs) and look.c (what is told).
 */
#ifndef CTRD_SRC_FAKE_CALL_H
#define CTRD_SRC_FAKE_CALL_H

#include "fake/fake_client.h"

struct ctrd__fake_call {
	struct ctrd__list node; /* client->calls, while its answer waits */
	struct ctrd__fake_client *client;
	ctrd_op *op;
	ctrd_error *error; /* the answer that waits */
	struct ctrd__timer *timer;
	struct ctrd__fake_luck luck;
	bool holds; /* the container's lock */
};

/* The answer; consumes `error` and the call. Without the lock. */
void ctrd__fake_answer(struct ctrd__fake_call *call, ctrd_error *error);

#define ctrd__fake_error(code, ...) ctrd__error_new(code, CTRD__FAKE_ORIGIN, 0, NULL, __VA_ARGS__)
#define ctrd__fake_no_container(id) \
	ctrd__fake_error(CTRD_ENOTFOUND, "container \"%s\": there is none", id)
#define ctrd__fake_no_task(id) ctrd__fake_error(CTRD_ENOTFOUND, "container \"%s\": has no task", id)
#define ctrd__fake_no_process(id, process)                                                      \
	ctrd__fake_error(CTRD_ENOTFOUND, "container \"%s\", process \"%s\": there is none", id, \
			 process)

/* Each gives its answer's error, or NULL. Without the lock; the container of a call that changes something is held. */
ctrd_error *ctrd__fake_create(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_load(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_update(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_pause(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_resume(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_checkpoint(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_delete(struct ctrd__fake_call *call);

ctrd_error *ctrd__fake_task_create(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_start(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_exec(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_task_delete(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_process_delete(struct ctrd__fake_call *call);
/* Is there an image that ctrd__fake_checkpoint wrote? */
bool ctrd__fake_checkpoint_is_there(const char *directory);

ctrd_error *ctrd__fake_signal(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_resize(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_close_stdin(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_release_stdio(struct ctrd__fake_call *call);

ctrd_error *ctrd__fake_version(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_status(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_stats(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_pids(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_process_list(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_inspect(struct ctrd__fake_call *call);
ctrd_error *ctrd__fake_list(struct ctrd__fake_call *call);
/* The processes in `op->result`: those that live, or all but the first. With the lock. False without memory. */
bool ctrd__fake_give_processes(ctrd_op *op, struct ctrd__fake_container *container, bool living);

#endif
