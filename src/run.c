/*
 * run.c: ctrd_container_run: create, start, wait and delete as one op, through the same calls that everybody makes.
 * Invariant: once its create has succeeded, its forced delete is submitted, whatever else happens.
 */
#include <stdlib.h>

#include "core.h"

struct ctrd__run {
	unsigned refs; /* one per step under way, one of its beginning; loop thread */
	ctrd_op *op;
	ctrd_error *error; /* of the first step that failed */
	bool created;
	bool deleting;
	bool has_exit;
	ctrd_exit exit;
};

static void unref_run(void *data)
{
	struct ctrd__run *run = data;

	if (--run->refs)
		return;
	run->op->run = NULL;
	ctrd_op_unref(run->op);
	ctrd_error_unref(run->error);
	free(run);
}

/* The next step, not yet submitted; NULL without memory. */
static ctrd_op *new_step(struct ctrd__run *run, enum ctrd__verb verb, void (*fn)(ctrd_op *, void *))
{
	const char *process = verb == CTRD__VERB_WAIT ? CTRD_INIT_PROCESS : NULL;
	ctrd_op *step = ctrd__op_internal(run->op->client, verb, 0, run->op->container_id, process,
					  (ctrd_done){fn, run, unref_run});
	if (step)
		run->refs++;
	return step;
}

static void keep_error(struct ctrd__run *run, ctrd_error *error)
{
	if (!run->error)
		run->error = ctrd_error_ref(error);
}

static void finish(struct ctrd__run *run)
{
	if (run->has_exit && !run->error) {
		run->op->result.exit = run->exit;
		run->op->result.has |= CTRD__HAS_EXIT;
		run->op->task = run->exit.task;
	}
	ctrd__op_end(run->op, ctrd_error_ref(run->error));
}

static void deleted(ctrd_op *step, void *data)
{
	struct ctrd__run *run = data;

	if (ctrd_op_status(step))
		keep_error(run, ctrd_op_error(step));
	if (!run->op->delivering)
		finish(run);
}

static void delete (struct ctrd__run *run)
{
	if (run->deleting || run->op->client->stage != CTRD__OPEN)
		return;
	run->deleting = true;
	ctrd_op *step = new_step(run, CTRD__VERB_DELETE, deleted);
	if (!step) {
		ctrd__client_log(run->op->client, CTRD_LOG_ERROR,
				 "container \"%s\": run: no memory to delete it",
				 run->op->container_id);
		keep_error(run, ctrd__error_nomem());
		finish(run);
		return;
	}
	step->request.flags = CTRD_DELETE_FORCE;
	ctrd__op_post(step);
}

static void waited(ctrd_op *step, void *data)
{
	struct ctrd__run *run = data;

	if (ctrd_op_status(step)) {
		keep_error(run, ctrd_op_error(step));
	} else {
		run->exit = step->result.exit;
		run->has_exit = true;
	}
	delete (run);
}

static void started(ctrd_op *step, void *data)
{
	struct ctrd__run *run = data;

	if (run->deleting)
		return;
	ctrd_op *next = ctrd_op_status(step) ? NULL : new_step(run, CTRD__VERB_WAIT, waited);
	if (next) {
		ctrd__op_post(next);
		return;
	}
	keep_error(run, ctrd_op_status(step) ? ctrd_op_error(step) : ctrd__error_nomem());
	delete (run);
}

static void created(ctrd_op *step, void *data)
{
	struct ctrd__run *run = data;

	if (ctrd_op_status(step)) {
		keep_error(run, ctrd_op_error(step));
		if (!run->op->delivering)
			finish(run);
		return;
	}
	run->created = true;
	if (run->op->delivering) { /* given up meanwhile */
		delete (run);
		return;
	}
	ctrd_op *next = new_step(run, CTRD__VERB_START, started);
	if (!next) {
		keep_error(run, ctrd__error_nomem());
		delete (run);
		return;
	}
	next->request.stdio = run->op->request.stdio;
	run->op->request.stdio = NULL;
	ctrd__op_post(next);
}

void ctrd__run_take(ctrd_op *op)
{
	struct ctrd__run *run = calloc(1, sizeof(*run));
	if (!run) {
		ctrd__op_end(op, ctrd__error_nomem());
		return;
	}
	run->refs = 1;
	run->op = ctrd_op_ref(op);
	op->run = run;
	ctrd_op *step = new_step(run, CTRD__VERB_CREATE, created);
	if (step) {
		step->request = op->request;
		step->request.flags = 0;
		step->request.stdio = NULL;
		op->request = (struct ctrd__request){.stdio = op->request.stdio};
		ctrd__op_post(step);
	} else {
		ctrd__op_end(op, ctrd__error_nomem());
	}
	unref_run(run);
}

void ctrd__run_ended(ctrd_op *op)
{
	struct ctrd__run *run = op->run;

	/* By its own doing, or while the client is being closed, there is nothing to add. */
	if (run && run->created && op->status)
		delete (run);
}
