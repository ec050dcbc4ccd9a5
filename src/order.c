/*
 * order.c: which call on a container runs when (rule 11 of op.h), and the undoing of requests that outlived their op
 * (rule 4). Not responsible for what a call does.
 * Invariant: at most one CHANGE of a container is dispatched; while one is, no EXEC is dispatched, and the reverse.
 */
#include "core.h"

void ctrd__order_ready(struct ctrd__container *container)
{
	if (ctrd__list_is_empty(&container->ready_node))
		ctrd__list_insert_tail(&container->client->ready, &container->ready_node);
}

static bool is_forced_delete(const ctrd_op *op)
{
	return op->verb == CTRD__VERB_DELETE && (op->request.flags & CTRD_DELETE_FORCE);
}

ctrd_error *ctrd__order_check_undo(const ctrd_op *op)
{
	const struct ctrd__container *container = ctrd__ledger_find(op->client, op->container_id);

	if (!container || (op->internal & CTRD__OP_UNDO) || is_forced_delete(op))
		return NULL;
	if (container->undoing)
		return ctrd__error_new(
			CTRD_EABORTED, "ctrd", 0, NULL,
			"container \"%s\": a call that was given up is still being undone",
			op->container_id);
	const struct ctrd__process *process = ctrd__ledger_find_process(container, op->process_id);
	if (process && process->undoing)
		return ctrd__error_new(
			CTRD_EABORTED, "ctrd", 0, NULL,
			"container \"%s\", process \"%s\": an exec that was given up is still being undone",
			op->container_id, op->process_id);
	return NULL;
}

static void hurry(ctrd_op *op)
{
	if (op->client->backend->hurry)
		op->client->backend->hurry(op);
}

/* Nothing that waits comes before a forced delete, and what runs shall make haste. */
static void overtake(struct ctrd__container *container)
{
	ctrd__list_foreach(node, &container->queue)
	{
		ctrd_op *op = ctrd__container_of(node, ctrd_op, queue_node);
		if (!(op->internal & CTRD__OP_UNDO))
			ctrd__op_end(op, ctrd__error_new(
						 CTRD_EABORTED, "ctrd", 0, NULL,
						 "container \"%s\": %s: a forced delete came first",
						 op->container_id, ctrd__verb_name(op->verb)));
	}
	if (container->change && !is_forced_delete(container->change))
		hurry(container->change);
	ctrd__list_foreach(node, &container->execs)
	{
		hurry(ctrd__container_of(node, ctrd_op, queue_node));
	}
}

void ctrd__order_take(ctrd_op *op)
{
	ctrd_error *refusal = ctrd__order_check_undo(op);
	struct ctrd__container *container =
		refusal ? NULL : ctrd__ledger_get(op->client, op->container_id);

	if (!container) {
		ctrd__op_end(op, refusal ? refusal : ctrd__error_nomem());
		return;
	}
	op->container = container;
	if (is_forced_delete(op))
		overtake(container);
	if (op->internal & CTRD__OP_UNDO)
		ctrd__list_insert_head(&container->queue, &op->queue_node);
	else
		ctrd__list_insert_tail(&container->queue, &op->queue_node);
	ctrd__order_ready(container);
}

/* Dispatch the first of the queue if it may run now. */
static bool move_one(struct ctrd__container *container)
{
	struct ctrd__list *node = ctrd__list_first(&container->queue);
	if (!node || container->change)
		return false;
	ctrd_op *op = ctrd__container_of(node, ctrd_op, queue_node);
	bool is_exec = ctrd__verb_class(op->verb) == CTRD__CLASS_EXEC;
	if (!is_exec && !ctrd__list_is_empty(&container->execs))
		return false;

	ctrd__list_remove(&op->queue_node);
	if (is_exec)
		ctrd__list_insert_tail(&container->execs, &op->queue_node);
	else
		container->change = op;
	ctrd__op_dispatch(op);
	if (!op->dispatched) { /* refused at the door */
		if (is_exec)
			ctrd__list_remove(&op->queue_node);
		else
			container->change = NULL;
		op->container = NULL;
	}
	return true;
}

void ctrd__order_move(struct ctrd__container *container)
{
	while (move_one(container)) {
	}
	ctrd__wait_retry(container);
	ctrd__ledger_maybe_drop(container);
}

void ctrd__order_ended(ctrd_op *op)
{
	struct ctrd__container *container = op->container;

	if (!op->dispatched) {
		ctrd__list_remove(&op->queue_node);
		if (container && container->change != op) { /* else move_one is at it */
			op->container = NULL;
			ctrd__order_ready(container);
		}
		return;
	}
	if (op->client->stage != CTRD__OPEN)
		return;
	if (op->verb == CTRD__VERB_CREATE || op->verb == CTRD__VERB_TASK_CREATE)
		container->undoing = true;
	else if (op->verb == CTRD__VERB_EXEC && op->hold)
		op->hold->undoing = true;
	hurry(op);
}

/* The request succeeded, but its op had ended before: nobody knows of what it made. */
static void undo(ctrd_op *op)
{
	ctrd_client *client = op->client;
	static const ctrd_done nobody = {NULL, NULL, NULL};
	ctrd_op *undoing = NULL;

	switch (op->verb) {
	case CTRD__VERB_CREATE:
		undoing = ctrd__op_internal(client, CTRD__VERB_DELETE, CTRD__OP_UNDO,
					    op->container_id, NULL, nobody);
		if (undoing)
			undoing->request.flags = CTRD_DELETE_FORCE;
		break;
	case CTRD__VERB_TASK_CREATE:
		undoing = ctrd__op_internal(client, CTRD__VERB_TASK_DELETE,
					    CTRD__OP_UNDO | CTRD__OP_FORCE, op->container_id, NULL,
					    nobody);
		break;
	case CTRD__VERB_EXEC:
		undoing = ctrd__op_internal(client, CTRD__VERB_PROCESS_DELETE,
					    CTRD__OP_UNDO | CTRD__OP_FORCE, op->container_id,
					    op->process_id, nobody);
		break;
	default:
		return;
	}
	if (undoing) {
		ctrd__op_post(undoing);
		return;
	}
	ctrd__client_log(client, CTRD_LOG_ERROR,
			 "container \"%s\": %s: given up, and no memory to undo it",
			 op->container_id, ctrd__verb_name(op->verb));
	op->container->undoing = false;
}

void ctrd__order_finished(ctrd_op *op, bool succeeded)
{
	struct ctrd__container *container = op->container;
	struct ctrd__process *process;

	if (op->internal & CTRD__OP_UNDO) {
		struct ctrd__container *undone = ctrd__ledger_find(op->client, op->container_id);
		process = undone ? ctrd__ledger_find_process(undone, op->process_id) : NULL;
		if (op->verb != CTRD__VERB_PROCESS_DELETE && undone)
			undone->undoing = false;
		else if (process)
			process->undoing = false;
	}
	if (!container)
		return;
	bool abandoned = op->status != CTRD_OK && op->client->stage == CTRD__OPEN;
	if (abandoned && succeeded)
		undo(op);
	else if (abandoned && (op->verb == CTRD__VERB_CREATE || op->verb == CTRD__VERB_TASK_CREATE))
		container->undoing = false;
	if (container->change == op)
		container->change = NULL;
	ctrd__list_remove(&op->queue_node);
	op->container = NULL;
	ctrd__order_ready(container);
}
