/*
 * ledger.c: what the client knows of its containers and their processes, and from it: which happenings become events,
 * in which order, and each exit exactly once. Backends tell everything as they see it; here it is put straight.
 * Invariant: per process create/exec-added, start/exec-started, the completion of the call that made it, exit, the
 * completion of waits, the completion of the delete.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "util/clock.h"

struct ctrd__container *ctrd__ledger_find(const ctrd_client *client, const char *container_id)
{
	return ctrd__map_get(&client->containers, container_id);
}

struct ctrd__container *ctrd__ledger_get(ctrd_client *client, const char *container_id)
{
	struct ctrd__container *container = ctrd__ledger_find(client, container_id);
	if (container)
		return container;
	container = calloc(1, sizeof(*container));
	if (!container)
		return NULL;
	container->client = client;
	snprintf(container->id, sizeof(container->id), "%s", container_id);
	ctrd__list_init(&container->processes);
	ctrd__list_init(&container->queue);
	ctrd__list_init(&container->parked);
	ctrd__list_init(&container->execs);
	ctrd__list_init(&container->ready_node);
	if (ctrd__map_insert(&client->containers, container->id, container)) {
		free(container);
		return NULL;
	}
	return container;
}

void ctrd__ledger_maybe_drop(struct ctrd__container *container)
{
	if (container->known || container->undoing || container->task || container->change ||
	    !ctrd__list_is_empty(&container->queue) || !ctrd__list_is_empty(&container->parked) ||
	    !ctrd__list_is_empty(&container->execs) ||
	    !ctrd__list_is_empty(&container->processes) ||
	    !ctrd__list_is_empty(&container->ready_node))
		return;
	ctrd__map_remove(&container->client->containers, container->id);
	free(container);
}

struct ctrd__process *ctrd__ledger_find_process(const struct ctrd__container *container,
						const char *process_id)
{
	ctrd__list_foreach(node, &container->processes)
	{
		struct ctrd__process *process =
			ctrd__container_of(node, struct ctrd__process, node);
		if (!strcmp(process->id, process_id))
			return process;
	}
	return NULL;
}

static struct ctrd__process *get_process(struct ctrd__container *container, const char *process_id)
{
	struct ctrd__process *process = ctrd__ledger_find_process(container, process_id);
	if (process)
		return process;
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->exit_event = ctrd__event_new(NULL);
	if (!process->exit_event) {
		free(process);
		return NULL;
	}
	process->container = container;
	snprintf(process->id, sizeof(process->id), "%s", process_id);
	ctrd__list_init(&process->waiters);
	ctrd__list_insert_tail(&container->processes, &process->node);
	return process;
}

static bool is_reported(const struct ctrd__container *container)
{
	return container->reporting || (container->client->config.flags & CTRD_CLIENT_WATCH_ALL);
}

/* The exit is told: the event, then those who wait for it. */
static void tell_exit(struct ctrd__process *process)
{
	struct ctrd__container *container = process->container;
	struct ctrd__event *event = process->exit_event;

	process->told = true;
	process->exit_event = NULL;
	if (is_reported(container)) {
		ctrd__event_set(event, &(struct ctrd__happening){
					       .kind = CTRD_EVENT_EXIT,
					       .container_id = container->id,
					       .process_id = process->id,
					       .task = process->exit.task,
					       .pid = process->pid,
					       .flags = process->exit.flags,
					       .code = process->exit.code,
					       .signal = process->exit.signal,
					       .time_ns = process->exit.exited_at_ns,
				       });
		ctrd__event_queue(container->client, event);
	} else {
		ctrd__event_free(event);
	}
	struct ctrd__list *node;
	while ((node = ctrd__list_pop(&process->waiters)))
		ctrd__wait_complete(ctrd__container_of(node, ctrd_op, queue_node), &process->exit);
}

/* It has ended: tell so once nothing comes before. */
static void settle_exit(struct ctrd__process *process)
{
	if (process->exited && !process->told && !process->holds && ctrd__reader_drain(process))
		tell_exit(process);
}

void ctrd__ledger_exit_drained(struct ctrd__process *process)
{
	if (process->exited && !process->told && !process->holds)
		tell_exit(process);
}

static void forget(struct ctrd__process *process)
{
	ctrd_client *client = process->container->client;

	ctrd__reader_free(process);
	if (process->exited && !process->told)
		tell_exit(process);
	struct ctrd__list *node;
	while ((node = ctrd__list_pop(&process->waiters)))
		ctrd__op_end(
			ctrd__container_of(node, ctrd_op, queue_node),
			ctrd__error_new(
				CTRD_ENOTFOUND, "ctrd", 0, NULL,
				"container \"%s\", process \"%s\": was deleted before its end was known",
				process->container->id, process->id));
	if (process->holds) {
		ctrd__list_foreach(op_node, &client->under_way)
		{
			ctrd_op *op = ctrd__container_of(op_node, ctrd_op, all_node);
			if (op->hold == process)
				op->hold = NULL;
		}
	}
	ctrd__list_remove(&process->node);
	ctrd__event_free(process->exit_event);
	free(process);
}

uint64_t ctrd__client_begin_task(ctrd_client *client, const char *container_id)
{
	struct ctrd__container *container = ctrd__ledger_get(client, container_id);
	if (!container)
		return 0;
	/* What is left of the life before goes; what a call under way has just made is of the new one. */
	ctrd__list_foreach(node, &container->processes)
	{
		struct ctrd__process *process =
			ctrd__container_of(node, struct ctrd__process, node);
		if (!process->holds || process->added)
			forget(process);
	}
	container->task = ++client->last_task;
	container->paused = false;
	return container->task;
}

uint64_t ctrd__client_task(ctrd_client *client, const char *container_id)
{
	struct ctrd__container *container = ctrd__ledger_find(client, container_id);
	return container ? container->task : 0;
}

int ctrd__client_learn_process(ctrd_client *client, const char *container_id,
			       const char *process_id, uint32_t pid, const ctrd_exit *exit)
{
	struct ctrd__container *container = ctrd__ledger_get(client, container_id);
	struct ctrd__process *process = container ? get_process(container, process_id) : NULL;
	if (!process)
		return CTRD_ENOMEM;
	bool was_alive = process->added && !process->exited;
	process->added = true;
	process->started = true;
	if (pid)
		process->pid = pid;
	if (!exit || process->exited)
		return CTRD_OK;
	process->exited = true;
	process->exit = *exit;
	process->exit.size = sizeof(process->exit);
	process->exit.task = container->task;
	if (was_alive && is_reported(container)) {
		process->exit.flags |= CTRD_EXIT_INFERRED;
		settle_exit(process);
		return CTRD_OK;
	}
	process->told = true;
	struct ctrd__list *node;
	while ((node = ctrd__list_pop(&process->waiters)))
		ctrd__wait_complete(ctrd__container_of(node, ctrd_op, queue_node), &process->exit);
	return CTRD_OK;
}

bool ctrd__client_process_exit(ctrd_client *client, const char *container_id,
			       const char *process_id, ctrd_exit *ret_exit)
{
	struct ctrd__container *container = ctrd__ledger_find(client, container_id);
	struct ctrd__process *process = container ? ctrd__ledger_find_process(container, process_id)
						  : NULL;
	if (!process || !process->exited)
		return false;
	*ret_exit = process->exit;
	return true;
}

void ctrd__client_forget_process(ctrd_client *client, const char *container_id,
				 const char *process_id)
{
	struct ctrd__container *container = ctrd__ledger_find(client, container_id);
	struct ctrd__process *process = container ? ctrd__ledger_find_process(container, process_id)
						  : NULL;
	if (process)
		forget(process);
}

static void end_task(struct ctrd__container *container)
{
	ctrd__list_foreach(node, &container->processes)
	{
		forget(ctrd__container_of(node, struct ctrd__process, node));
	}
	container->task = 0;
	container->paused = false;
	ctrd__order_ready(container); /* perhaps nothing is left to know of it */
}

void ctrd__client_end_task(ctrd_client *client, const char *container_id)
{
	struct ctrd__container *container = ctrd__ledger_find(client, container_id);
	if (container)
		end_task(container);
}

/* Note what a happening changes; false when it is nothing new. */
static bool note(struct ctrd__container *container, const struct ctrd__happening *happening,
		 const char *process_id)
{
	struct ctrd__process *process;

	switch (happening->kind) {
	case CTRD_EVENT_CREATE:
	case CTRD_EVENT_EXEC_ADDED:
	case CTRD_EVENT_START:
	case CTRD_EVENT_EXEC_STARTED:
		process = get_process(container, process_id);
		if (!process)
			return true;
		if (happening->pid)
			process->pid = happening->pid;
		bool is_start = happening->kind == CTRD_EVENT_START ||
				happening->kind == CTRD_EVENT_EXEC_STARTED;
		bool is_new = is_start ? !process->started : !process->added;
		process->added = true;
		process->started = process->started || is_start;
		return is_new;
	case CTRD_EVENT_PAUSED:
	case CTRD_EVENT_RESUMED:
		if (container->paused == (happening->kind == CTRD_EVENT_PAUSED))
			return false;
		container->paused = !container->paused;
		return true;
	default:
		return true;
	}
}

static void exit_happened(struct ctrd__container *container,
			  const struct ctrd__happening *happening, const char *process_id)
{
	struct ctrd__process *process = get_process(container, process_id);
	if (!process) {
		ctrd__client_log(container->client, CTRD_LOG_ERROR,
				 "container \"%s\", process \"%s\": no memory to note its exit",
				 container->id, process_id);
		return;
	}
	if (process->exited)
		return;
	process->exited = true;
	if (happening->pid)
		process->pid = happening->pid;
	process->exit = (ctrd_exit){
		.size = sizeof(ctrd_exit),
		.flags = happening->flags,
		.code = happening->code,
		.signal = happening->signal,
		.exited_at_ns = happening->time_ns ? happening->time_ns : ctrd__now_real_ns(),
		.task = happening->task,
	};
	settle_exit(process);
}

void ctrd__client_emit(ctrd_client *client, const struct ctrd__happening *happening)
{
	if (client->stage != CTRD__OPEN)
		return;
	struct ctrd__happening told = *happening;

	if (happening->container_id) {
		struct ctrd__container *container =
			ctrd__ledger_find(client, happening->container_id);
		if (!container || happening->task != container->task) {
			ctrd__client_log(client, CTRD_LOG_DEBUG,
					 "container \"%s\": %s of a life that is over",
					 happening->container_id,
					 ctrd__event_name(happening->kind));
			return;
		}
		bool is_container_event = happening->kind == CTRD_EVENT_OOM ||
					  happening->kind == CTRD_EVENT_PAUSED ||
					  happening->kind == CTRD_EVENT_RESUMED;
		if (!told.process_id && !is_container_event)
			told.process_id = CTRD_INIT_PROCESS;
		if (happening->kind == CTRD_EVENT_EXIT) {
			exit_happened(container, happening, told.process_id);
			return;
		}
		if (!note(container, happening, told.process_id) || !is_reported(container))
			return;
	}
	struct ctrd__event *event = ctrd__event_new(&told);
	if (event)
		ctrd__event_queue(client, event);
	else
		ctrd__client_log(client, CTRD_LOG_ERROR, "event %s: lost for want of memory",
				 ctrd__event_name(happening->kind));
}

ctrd_error *ctrd__ledger_before(ctrd_op *op)
{
	struct ctrd__container *container = ctrd__ledger_find(op->client, op->container_id);

	if (op->task && (!container || container->task != op->task))
		return ctrd__error_new(CTRD_ENOTFOUND, "ctrd", 0, NULL,
				       "container \"%s\": task %" PRIu64 " is not the current one",
				       op->container_id, op->task);
	if (container)
		op->task = container->task;
	if (op->verb != CTRD__VERB_TASK_CREATE && op->verb != CTRD__VERB_START &&
	    op->verb != CTRD__VERB_EXEC)
		return NULL;

	const char *id = op->verb == CTRD__VERB_EXEC ? op->process_id : CTRD_INIT_PROCESS;
	if (op->verb == CTRD__VERB_EXEC && ctrd__ledger_find_process(container, id))
		return ctrd__error_new(CTRD_EEXISTS, "ctrd", 0, NULL,
				       "container \"%s\", process \"%s\": the id is in use",
				       op->container_id, id);
	op->hold = get_process(container, id);
	if (!op->hold)
		return ctrd__error_nomem();
	op->hold->holds++;
	return NULL;
}

void ctrd__ledger_release_hold(ctrd_op *op)
{
	struct ctrd__process *process = op->hold;
	if (!process)
		return;
	op->hold = NULL;
	if (--process->holds)
		return;
	if (process->exited)
		settle_exit(process);
	else if (!process->added) {
		struct ctrd__container *container = process->container;
		forget(process);
		ctrd__order_ready(container);
	}
}

void ctrd__ledger_finished(ctrd_op *op, bool succeeded)
{
	struct ctrd__container *container = op->container;
	if (!container)
		return;
	if (succeeded) {
		switch (op->verb) {
		case CTRD__VERB_CREATE:
			container->known = true;
			container->reporting = true;
			break;
		case CTRD__VERB_LOAD:
			container->known = true;
			container->paused = op->result.load.state == CTRD_TASK_PAUSED;
			if (!(op->internal & CTRD__OP_SILENT))
				container->reporting = true;
			break;
		case CTRD__VERB_DELETE:
			end_task(container);
			container->known = false;
			container->reporting = false;
			break;
		case CTRD__VERB_TASK_DELETE:
			end_task(container);
			break;
		default:
			break;
		}
	}
	if (!op->delivering && container->task)
		op->task = container->task;
}

void ctrd__ledger_clear(ctrd_client *client)
{
	struct ctrd__map_iter iter = ctrd__map_iter(&client->containers);
	void *value;

	while (ctrd__map_next(&client->containers, &iter, NULL, &value)) {
		struct ctrd__container *container = value;
		ctrd__list_foreach(node, &container->processes)
		{
			struct ctrd__process *process =
				ctrd__container_of(node, struct ctrd__process, node);
			ctrd__reader_free(process);
			ctrd__list_remove(&process->node);
			ctrd__event_free(process->exit_event);
			free(process);
		}
		free(container);
	}
	ctrd__map_done(&client->containers);
	ctrd__map_init(&client->containers);
}
