/*
 * A request in steps: on the worker, waiting for a monitor, or for time to pass. At any moment a job waits for at most one
 * thing, and whoever it waits for calls it back on the loop thread.
 *
 * Invariant: a job ends exactly once, by ctrd__job_finish() (its op gets an answer) or, when the client closes, by
 * ctrd__job_free(); either way its lock is given up and what it waits for forgets it.
 */
#include "local/linux/local.h"

#include <string.h>

void *ctrd__job_new(struct ctrd__local *local, ctrd_op *op, size_t size,
		    void (*destroy)(struct ctrd__job *job))
{
	struct ctrd__job *job = calloc(1, size);

	if (!job) {
		if (op)
			ctrd__op_finish(op, ctrd__error_nomem());
		return NULL;
	}
	ctrd__list_init(&job->work.node);
	ctrd__list_init(&job->wait_node);
	job->local = local;
	job->op = op;
	job->destroy = destroy;
	job->down.helper_fd = -1;
	for (size_t i = 0; i < 4; i++)
		job->down.fds[i] = -1;
	if (op)
		op->backend = job;
	ctrd__list_insert_tail(&local->jobs, &job->node);
	return job;
}

void ctrd__job_change(struct ctrd__job *job)
{
	job->changing = true;
	job->cell->changing = true;
}

void ctrd__job_unlock(struct ctrd__job *job)
{
	if (job->locked)
		ctrd__lock_drop(&job->cell->lock);
	job->locked = false;
}

int ctrd__job_lock(struct ctrd__job *job, bool exclusive, ctrd_error **ret_error)
{
	int r;

	if (job->locked)
		return CTRD_OK;
	r = ctrd__lock_take(&job->cell->lock, job->local, job->box, exclusive, ret_error);
	job->locked = r == CTRD_OK;
	return r;
}

void ctrd__job_free(struct ctrd__job *job)
{
	if (job->destroy)
		job->destroy(job);
	if (job->asked)
		ctrd__monitor_forget(job->asked, job);
	if (!job->local->inherited) {
		job->timer = ctrd__timer_free(job->timer);
		ctrd__job_unlock(job);
	}
	if (job->changing)
		job->cell->changing = false;
	job->down.helper = ctrd__monitor_free(job->down.helper);
	ctrd__close_fd(&job->down.helper_fd);
	ctrd__wire_close_fds(job->down.fds, 4);
	ctrd_error_unref(job->error);
	ctrd__list_remove(&job->node);
	ctrd__list_remove(&job->wait_node);
	job->group = ctrd__group_unref(job->group);
	job->box = ctrd__box_unref(job->box);
	if (job->cell)
		ctrd__cell_unref(job->cell);
	free(job);
}

void ctrd__job_finish(struct ctrd__job *job, ctrd_error *error)
{
	ctrd_op *op = job->op;

	if (op) {
		if (job->cell && op->task == 0)
			op->task = job->cell->task;
		op->backend = NULL;
	}
	ctrd__job_free(job);
	if (op)
		ctrd__op_finish(op, error);
	else
		ctrd_error_unref(error);
}

void ctrd__job_fail(struct ctrd__job *job, ctrd_error *error)
{
	if (job->fail)
		job->fail(job, error);
	else
		ctrd__job_finish(job, error);
}

void ctrd__job_failf(struct ctrd__job *job, int code, const char *format, ...)
{
	struct ctrd__str text = CTRD__STR_INIT;
	char *CTRD__AUTO_FREE message = NULL;
	va_list args;

	va_start(args, format);
	ctrd__str_vappendf(&text, format, args);
	va_end(args);
	message = ctrd__str_take(&text);
	ctrd__job_fail(job, message ? ctrd__error_new(code, "local", 0, NULL, "%s", message)
				    : ctrd__error_nomem());
}

static void run(struct ctrd__work *work)
{
	struct ctrd__job *job = ctrd__container_of(work, struct ctrd__job, work);

	job->result = job->run(job, &job->error);
}

static void after(struct ctrd__work *work, bool cancelled)
{
	struct ctrd__job *job = ctrd__container_of(work, struct ctrd__job, work);
	ctrd_error *error = ctrd__take_ptr(job->error);

	job->working = false;
	/* The client is being closed: it goes with everything else. */
	if (cancelled) {
		ctrd_error_unref(error);
		return;
	}
	if (job->result < 0)
		ctrd__job_fail(job,
			       error ? error
				     : ctrd__error_new(job->result, "local", 0, NULL, "failed"));
	else
		job->next(job);
}

void ctrd__job_work(struct ctrd__job *job, int (*fn)(struct ctrd__job *, ctrd_error **),
		    void (*next)(struct ctrd__job *))
{
	int r;

	job->run = fn;
	job->next = next;
	job->work.run = run;
	job->work.after = after;
	job->working = true;
	job->local->worked = true;
	r = ctrd__work_submit(job->local->client, &job->work);
	if (r < 0) {
		job->working = false;
		ctrd__job_failf(job, r, "worker thread: cannot be started");
	}
}

static void answered(void *data, struct ctrd__answer *answer)
{
	struct ctrd__job *job = data;

	job->asked = NULL;
	job->serial = 0;
	job->answered(job, answer);
}

void ctrd__job_ask(struct ctrd__job *job, struct ctrd__monitor *monitor,
		   const struct ctrd__wire_head *head, const char *text, size_t len, const int *fds,
		   size_t fd_count, void (*fn)(struct ctrd__job *, struct ctrd__answer *answer))
{
	int r;

	job->answered = fn;
	job->asked = monitor;
	r = ctrd__monitor_request(monitor, head, text, len, fds, fd_count, answered, job,
				  &job->serial);
	if (r == CTRD_OK)
		return;
	job->asked = NULL;
	job->serial = 0;
	if (r == CTRD_EUNAVAILABLE)
		fn(job, NULL);
	else
		ctrd__job_failf(job, r, "monitor: the request cannot be sent");
}

static void slept(void *data)
{
	struct ctrd__job *job = data;

	job->timer = NULL;
	job->next(job);
}

void ctrd__job_sleep(struct ctrd__job *job, uint64_t ms, void (*next)(struct ctrd__job *))
{
	job->next = next;
	if (ctrd__timer_new(job->local->client, ms, slept, job, &job->timer) < 0)
		ctrd__job_fail(job, ctrd__error_nomem());
}

void ctrd__job_wake(struct ctrd__job *job)
{
	if (!job->timer)
		return;
	job->timer = ctrd__timer_free(job->timer);
	job->next(job);
}
