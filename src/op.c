/*
 * op.c: the life of an op: made, taken, dispatched, ended for its caller, finished by the backend, delivered, freed.
 * Not responsible for the order among ops (order.c) nor for what results mean (result.c).
 * Invariant: fn and release run exactly once; the core's reference goes when the op is both delivered and finished.
 */
#include "core.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "streams.h"
#include "util/clock.h"
#include "util/str.h"

struct ctrd__op_text {
	struct ctrd__op_text *next;
	char *text;
};

const char *ctrd__verb_name(enum ctrd__verb verb)
{
	static const char *const names[] = {
#define X(name, text, class) text,
		CTRD__VERB_MAP(X)
#undef X
	};
	return names[verb];
}

enum ctrd__verb_class ctrd__verb_class(enum ctrd__verb verb)
{
	static const enum ctrd__verb_class classes[] = {
#define X(name, text, class) CTRD__CLASS_##class,
		CTRD__VERB_MAP(X)
#undef X
	};
	return classes[verb];
}

ctrd_op *ctrd__op_new(ctrd_client *client, enum ctrd__verb verb, const char *container_id,
		      const char *process_id, ctrd_done done)
{
	ctrd_op *op = calloc(1, sizeof(*op));
	if (!op)
		return NULL;
	if (uv_cond_init(&op->cond)) {
		free(op);
		return NULL;
	}
	atomic_init(&op->refs, 1);
	op->owner = client->owner;
	op->client = client;
	atomic_fetch_add(&client->memory_refs, 1);
	op->verb = verb;
	op->deadline_ns = INT64_MAX;
	snprintf(op->container_id, sizeof(op->container_id), "%s",
		 container_id ? container_id : "");
	snprintf(op->process_id, sizeof(op->process_id), "%s", process_id ? process_id : "");
	op->done = done;
	op->delivery.is_op = true;
	ctrd__list_init(&op->inbox_node);
	ctrd__list_init(&op->all_node);
	ctrd__list_init(&op->queue_node);
	ctrd__list_init(&op->timer_node);
	ctrd__list_init(&op->cancel_node);
	ctrd__list_init(&op->delivery.node);
	return op;
}

ctrd_op *ctrd__op_internal(ctrd_client *client, enum ctrd__verb verb, uint32_t internal,
			   const char *container_id, const char *process_id, ctrd_done done)
{
	ctrd_op *op = ctrd__op_new(client, verb, container_id, process_id, done);
	if (op)
		op->internal = internal;
	return op;
}

void ctrd__op_request_done(struct ctrd__request *request)
{
	free(request->json);
	free(request->bundle);
	free(request->runtime);
	free(request->runtime_path);
	ctrd__strv_free(request->labels);
	free(request->checkpoint_dir);
	ctrd__stdio_unref(request->stdio);
	memset(request, 0, sizeof(*request));
}

static void free_op(ctrd_op *op)
{
	ctrd__op_request_done(&op->request);
	for (struct ctrd__op_text *text = op->texts; text;) {
		struct ctrd__op_text *next = text->next;
		free(text->text);
		free(text);
		text = next;
	}
	free(op->result.stats);
	free(op->result.inspect);
	free(op->result.processes);
	free(op->result.pids);
	free(op->result.containers);
	ctrd_error_unref(op->error);
	ctrd_client *client = op->client;
	if (op->owner == getpid())
		uv_cond_destroy(&op->cond);
	free(op);
	ctrd__client_memory_unref(client);
}

ctrd_op *ctrd_op_ref(ctrd_op *op)
{
	if (op)
		atomic_fetch_add_explicit(&op->refs, 1, memory_order_relaxed);
	return op;
}

ctrd_op *ctrd_op_unref(ctrd_op *op)
{
	if (op && atomic_fetch_sub_explicit(&op->refs, 1, memory_order_acq_rel) == 1)
		free_op(op);
	return NULL;
}

const char *ctrd__op_own(ctrd_op *op, char *text)
{
	struct ctrd__op_text *node = text ? malloc(sizeof(*node)) : NULL;
	if (!node) {
		free(text);
		return NULL;
	}
	node->text = text;
	node->next = op->texts;
	op->texts = node;
	return text;
}

const char *ctrd__op_strdup(ctrd_op *op, const char *text)
{
	return ctrd__op_own(op, strdup(text));
}

/* Arm the deadline. The list is sorted; most deadlines are set in the order in which they come due. */
static void set_deadline(ctrd_op *op)
{
	if (op->deadline_ns == INT64_MAX)
		return;
	struct ctrd__list *head = &op->client->deadlines;
	struct ctrd__list *after = head->prev;
	while (after != head &&
	       ctrd__container_of(after, ctrd_op, timer_node)->deadline_ns > op->deadline_ns)
		after = after->prev;
	ctrd__list_insert_after(after, &op->timer_node);
	if (head->next == &op->timer_node)
		ctrd__loop_set_deadline(op->client);
}

void ctrd__op_take(ctrd_op *op)
{
	ctrd_client *client = op->client;

	op->taken = true;
	client->pending++;
	ctrd__list_insert_tail(&client->under_way, &op->all_node);
	if (op->error) { /* refused when it was submitted */
		ctrd_error *refusal = op->error;
		op->error = NULL;
		ctrd__op_end(op, refusal);
		return;
	}
	if (client->stage != CTRD__OPEN) {
		ctrd__op_end(op, ctrd__error_new(CTRD_ECLOSED, "ctrd", 0, NULL,
						 "%s: the client is closed",
						 ctrd__verb_name(op->verb)));
		return;
	}
	set_deadline(op);
	switch (ctrd__verb_class(op->verb)) {
	case CTRD__CLASS_READ:
		ctrd__op_dispatch(op);
		break;
	case CTRD__CLASS_CHANGE:
	case CTRD__CLASS_EXEC:
		ctrd__order_take(op);
		break;
	case CTRD__CLASS_CORE:
		if (op->verb == CTRD__VERB_WAIT)
			ctrd__wait_take(op);
		else if (op->verb == CTRD__VERB_RUN)
			ctrd__run_take(op);
		break;
	}
}

void ctrd__op_dispatch(ctrd_op *op)
{
	const struct ctrd__backend_ops *backend = op->client->backend;

	if (!backend->verbs[op->verb]) {
		ctrd__op_end(op, ctrd__error_new(CTRD_ENOSYS, backend->name, 0, NULL,
						 "%s: the backend %s does not do it",
						 ctrd__verb_name(op->verb), backend->name));
		return;
	}
	ctrd_error *refusal = ctrd__order_check_undo(op);
	if (!refusal)
		refusal = ctrd__ledger_before(op);
	if (refusal) {
		ctrd__op_end(op, refusal);
		return;
	}
	op->dispatched = true;
	backend->verbs[op->verb](op);
}

/* The core lets go once nobody will come back to the op: neither the backend nor its delivery. */
static void maybe_let_go(ctrd_op *op)
{
	if (!atomic_load(&op->ended) || (op->dispatched && !op->finished))
		return;
	ctrd__list_remove(&op->all_node);
	ctrd__ledger_release_hold(op);
	ctrd__stdio_unref(op->request.stdio);
	op->request.stdio = NULL;
	ctrd_op_unref(op);
}

void ctrd__op_end(ctrd_op *op, ctrd_error *error)
{
	if (op->delivering) {
		ctrd_error_unref(error);
		return;
	}
	op->delivering = true;
	op->error = error;
	op->status = ctrd_error_code(error);
	bool first = op->client->deadlines.next == &op->timer_node;
	ctrd__list_remove(&op->timer_node);
	if (first)
		ctrd__loop_set_deadline(op->client);
	ctrd__list_insert_tail(&op->client->deliveries, &op->delivery.node);
	if (op->verb == CTRD__VERB_RUN)
		ctrd__run_ended(op);
	else if (!op->finished)
		ctrd__order_ended(op);
}

void ctrd__op_finish(ctrd_op *op, ctrd_error *error)
{
	bool succeeded = !error;

	op->finished = true;
	op->backend = NULL;
	ctrd__ledger_finished(op, succeeded);
	bool early = op->delivering;
	if (!early)
		ctrd__op_end(op, error);
	else
		ctrd_error_unref(error);
	ctrd__order_finished(op, succeeded);
	if (early)
		maybe_let_go(op);
}

void ctrd__op_fail(ctrd_op *op, int code, const char *origin, int64_t os_error, const char *format,
		   ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ctrd__op_finish(op, ctrd__error_new(code, origin, os_error, NULL, "%s", text));
}

void ctrd__op_deliver(ctrd_op *op)
{
	ctrd_client *client = op->client;

	client->pending--;
	atomic_store_explicit(&op->ended, true, memory_order_release);
	if (op->done.fn)
		op->done.fn(op, op->done.data);
	if (op->done.release)
		op->done.release(op->done.data);
	uv_mutex_lock(&client->lock);
	op->released = true;
	ctrd__list_remove(&op->cancel_node);
	uv_cond_broadcast(&op->cond);
	uv_mutex_unlock(&client->lock);
	maybe_let_go(op);
}

int ctrd_op_cancel(ctrd_op *op)
{
	if (!op)
		return CTRD_EINVAL;
	if (op->owner != getpid())
		return CTRD_EFORKED;
	ctrd_client *client = op->client;
	uv_mutex_lock(&client->lock);
	if (!op->cancel_asked && !op->released && !client->deaf) {
		op->cancel_asked = true;
		ctrd__list_insert_tail(&client->cancels, &op->cancel_node);
		ctrd__loop_wake_locked(client);
	}
	uv_mutex_unlock(&client->lock);
	return CTRD_OK;
}

int ctrd_op_wait(ctrd_op *op, int64_t timeout_ms)
{
	if (!op)
		return CTRD_EINVAL;
	if (op->owner != getpid())
		return CTRD_EFORKED;
	ctrd_client *client = op->client;
	int64_t until = timeout_ms < 0 || timeout_ms > INT64_MAX / 2000000
				? INT64_MAX
				: ctrd__now_mono_ns() + timeout_ms * 1000000;
	int result = CTRD_OK;

	uv_mutex_lock(&client->lock);
	if (ctrd__loop_is_here_locked(client)) {
		result = CTRD_EWRONGTHREAD;
	} else {
		while (!op->released) {
			int64_t left = until == INT64_MAX ? INT64_MAX : until - ctrd__now_mono_ns();
			if (left <= 0) {
				result = 1;
				break;
			}
			if (until == INT64_MAX)
				uv_cond_wait(&op->cond, &client->lock);
			else
				(void)uv_cond_timedwait(&op->cond, &client->lock, (uint64_t)left);
		}
	}
	uv_mutex_unlock(&client->lock);
	return result;
}

int ctrd_op_is_done(const ctrd_op *op)
{
	return op ? atomic_load_explicit(&op->ended, memory_order_acquire) : CTRD_EINVAL;
}

int ctrd_op_status(const ctrd_op *op)
{
	if (!op)
		return CTRD_EINVAL;
	return atomic_load_explicit(&op->ended, memory_order_acquire) ? op->status
								      : CTRD_EPRECONDITION;
}

ctrd_error *ctrd_op_error(const ctrd_op *op)
{
	return op && atomic_load_explicit(&op->ended, memory_order_acquire) ? op->error : NULL;
}

const char *ctrd_op_verb(const ctrd_op *op)
{
	return op ? ctrd__verb_name(op->verb) : "";
}

const char *ctrd_op_container_id(const ctrd_op *op)
{
	return op ? op->container_id : "";
}

const char *ctrd_op_process_id(const ctrd_op *op)
{
	return op ? op->process_id : "";
}
