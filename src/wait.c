/*
 * wait.c: ctrd_process_wait, carried out by the core from the ledger.
 * Invariant: a wait hangs on the process it is for, on a container where that process may be about to be made, or on
 * the look-up of a container that this client does not know; else it ends at once.
 */
#include "core.h"

void ctrd__wait_complete(ctrd_op *op, const ctrd_exit *exit)
{
	op->task = exit->task;
	op->result.exit = *exit;
	op->result.has |= CTRD__HAS_EXIT;
	ctrd__op_end(op, NULL);
}

static void not_found(ctrd_op *op)
{
	ctrd__op_end(op, ctrd__error_new(CTRD_ENOTFOUND, "ctrd", 0, NULL,
					 "container \"%s\", process \"%s\": no such process",
					 op->container_id, op->process_id));
}

static bool is_busy(const struct ctrd__container *container)
{
	return container->change || !ctrd__list_is_empty(&container->queue) ||
	       !ctrd__list_is_empty(&container->execs);
}

static void looked_up(ctrd_op *load, void *data)
{
	ctrd_op *op = data;

	if (op->delivering)
		return;
	if (ctrd_op_status(load))
		ctrd__op_end(op, ctrd_error_ref(ctrd_op_error(load)));
	else
		ctrd__wait_take(op);
}

static void drop_op(void *data)
{
	ctrd_op_unref(data);
}

static void look_up(ctrd_op *op)
{
	ctrd_done done = {looked_up, ctrd_op_ref(op), drop_op};
	ctrd_op *load = ctrd__op_internal(op->client, CTRD__VERB_LOAD, CTRD__OP_SILENT,
					  op->container_id, NULL, done);

	if (!load) {
		ctrd_op_unref(op);
		ctrd__op_end(op, ctrd__error_nomem());
		return;
	}
	op->looked_up = true;
	ctrd__op_post(load);
}

void ctrd__wait_take(ctrd_op *op)
{
	ctrd_error *refusal = ctrd__order_check_undo(op);
	if (refusal) {
		ctrd__op_end(op, refusal);
		return;
	}
	struct ctrd__container *container = ctrd__ledger_find(op->client, op->container_id);
	struct ctrd__process *process =
		container ? ctrd__ledger_find_process(container, op->process_id) : NULL;

	if (op->task && container && container->known && container->task != op->task)
		not_found(op);
	else if (process && process->told)
		ctrd__wait_complete(op, &process->exit);
	else if (process)
		ctrd__list_insert_tail(&process->waiters, &op->queue_node);
	else if (container && is_busy(container))
		ctrd__list_insert_tail(&container->parked, &op->queue_node);
	else if (!op->looked_up && (!container || !container->known))
		look_up(op);
	else
		not_found(op);
}

void ctrd__wait_retry(struct ctrd__container *container)
{
	struct ctrd__list parked, *node;

	ctrd__list_init(&parked);
	ctrd__list_splice_tail(&parked, &container->parked);
	while ((node = ctrd__list_pop(&parked)))
		ctrd__wait_take(ctrd__container_of(node, ctrd_op, queue_node));
}
