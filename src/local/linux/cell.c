/*
 * What this client knows of a container: kept true by the monitor's events while a connection to it stands, looked up
 * anew (load.c) when none does.
 *
 * Invariants: a member whose end is known never becomes alive again within a task; nothing is told of a process before
 * its creation was told, and its end is told once.
 */
#include "local/linux/local.h"

#include <stdio.h>
#include <string.h>

struct ctrd__cell *ctrd__cell_ref(struct ctrd__cell *cell)
{
	cell->refs++;
	return cell;
}

static void free_member(struct ctrd__member *member)
{
	ctrd__close_fd(&member->pidfd);
	ctrd__close_fd(&member->terminal);
	free(member);
}

static void free_members(struct ctrd__cell *cell)
{
	struct ctrd__map_iter it = ctrd__map_iter(&cell->members);
	const char *key;
	void *value;

	while (ctrd__map_next(&cell->members, &it, &key, &value)) {
		(void)ctrd__map_remove(&cell->members, key);
		free_member(value);
	}
}

void ctrd__cell_unref(struct ctrd__cell *cell)
{
	if (--cell->refs > 0)
		return;
	free_members(cell);
	ctrd__map_done(&cell->members);
	cell->monitor = ctrd__monitor_free(cell->monitor);
	cell->group = ctrd__group_unref(cell->group);
	cell->box = ctrd__box_unref(cell->box);
	ctrd__lock_done(&cell->lock, cell->local->inherited);
	free(cell);
}

struct ctrd__cell *ctrd__cell_get(struct ctrd__local *local, const char *id, bool make)
{
	struct ctrd__cell *cell = ctrd__map_get(&local->cells, id);

	if (cell || !make)
		return cell;
	cell = calloc(1, sizeof(*cell));
	if (!cell)
		return NULL;
	cell->local = local;
	cell->refs = 1;
	(void)snprintf(cell->id, sizeof(cell->id), "%s", id);
	ctrd__lock_init(&cell->lock);
	ctrd__map_init(&cell->members);
	ctrd__list_init(&cell->waiters);
	ctrd__list_init(&cell->exit_waiters);
	if (ctrd__map_insert(&local->cells, id, cell) < 0) {
		ctrd__cell_unref(cell);
		return NULL;
	}
	return cell;
}

void ctrd__cell_drop(struct ctrd__cell *cell)
{
	if (cell->gone)
		return;
	cell->gone = true;
	ctrd__cell_end_task(cell);
	(void)ctrd__map_remove(&cell->local->cells, cell->id);
	ctrd__cell_unref(cell);
}

struct ctrd__member *ctrd__cell_member(struct ctrd__cell *cell, const char *process_id)
{
	return ctrd__map_get(&cell->members, process_id);
}

struct ctrd__member *ctrd__cell_add(struct ctrd__cell *cell, const char *process_id)
{
	struct ctrd__member *member = ctrd__cell_member(cell, process_id);

	if (member)
		return member;
	member = calloc(1, sizeof(*member));
	if (!member)
		return NULL;
	(void)snprintf(member->id, sizeof(member->id), "%s", process_id);
	member->pidfd = -1;
	member->terminal = -1;
	member->exit = (ctrd_exit)CTRD_EXIT_INIT;
	if (ctrd__map_insert(&cell->members, process_id, member) < 0) {
		free(member);
		return NULL;
	}
	return member;
}

void ctrd__cell_remove(struct ctrd__cell *cell, const char *process_id)
{
	struct ctrd__member *member = ctrd__map_remove(&cell->members, process_id);

	if (member)
		free_member(member);
}

int ctrd__cell_begin_task(struct ctrd__cell *cell)
{
	if (cell->task == 0)
		cell->task = ctrd__client_begin_task(cell->local->client, cell->id);
	return cell->task == 0 ? CTRD_ENOMEM : CTRD_OK;
}

/* process_id NULL: all of them. */
static void wake_exit_waiters(struct ctrd__cell *cell, const char *process_id)
{
	struct ctrd__list awake;
	struct ctrd__list *node;

	ctrd__list_init(&awake);
	ctrd__list_foreach(at, &cell->exit_waiters)
	{
		struct ctrd__job *job = ctrd__container_of(at, struct ctrd__job, wait_node);

		if (process_id && strcmp(job->wait_for, process_id) != 0)
			continue;
		ctrd__list_remove(at);
		ctrd__list_insert_tail(&awake, at);
	}
	while ((node = ctrd__list_pop(&awake)))
		ctrd__job_wake(ctrd__container_of(node, struct ctrd__job, wait_node));
}

void ctrd__cell_wake_exit_waiters(struct ctrd__cell *cell)
{
	wake_exit_waiters(cell, NULL);
}

void ctrd__cell_wait_exit(struct ctrd__job *job, const char *process_id, uint64_t ms,
			  void (*next)(struct ctrd__job *job))
{
	struct ctrd__member *member = ctrd__cell_member(job->cell, process_id);

	if (!member || member->ended) {
		next(job);
		return;
	}
	job->wait_for = process_id;
	ctrd__list_remove(&job->wait_node);
	ctrd__list_insert_tail(&job->cell->exit_waiters, &job->wait_node);
	ctrd__job_sleep(job, ms, next);
}

void ctrd__cell_end_task(struct ctrd__cell *cell)
{
	cell->monitor = ctrd__monitor_free(cell->monitor);
	cell->ready = false;
	free_members(cell);
	cell->group = ctrd__group_unref(cell->group);
	if (cell->task != 0)
		ctrd__client_end_task(cell->local->client, cell->id);
	cell->task = 0;
	cell->state = CTRD_TASK_NONE;
	wake_exit_waiters(cell, NULL);
}

void ctrd__cell_emit(struct ctrd__cell *cell, uint32_t kind, const char *process_id, uint32_t pid,
		     int64_t time_ns)
{
	struct ctrd__happening happening = {
		.kind = kind,
		.container_id = cell->id,
		.process_id = process_id,
		.task = cell->task,
		.pid = pid,
		.time_ns = time_ns,
	};

	if (cell->task != 0)
		ctrd__client_emit(cell->local->client, &happening);
}

void ctrd__cell_tell_exit(struct ctrd__cell *cell, struct ctrd__member *member)
{
	struct ctrd__happening happening = {
		.kind = CTRD_EVENT_EXIT,
		.container_id = cell->id,
		.process_id = member->id,
		.task = cell->task,
		.pid = member->pid,
		.flags = member->exit.flags,
		.code = member->exit.code,
		.signal = member->exit.signal,
		.time_ns = member->exit.exited_at_ns,
	};

	if (!member->ended || !member->told || member->exit_told)
		return;
	member->exit_told = true;
	ctrd__client_emit(cell->local->client, &happening);
}

void ctrd__cell_exited(struct ctrd__cell *cell, struct ctrd__member *member, const ctrd_exit *exit)
{
	char id[CTRD_ID_MAX + 1];

	if (member->ended)
		return;
	(void)snprintf(id, sizeof(id), "%s", member->id);
	member->ended = true;
	member->exit = *exit;
	member->exit.size = sizeof(member->exit);
	member->exit.task = cell->task;
	ctrd__close_fd(&member->pidfd);
	if (strcmp(id, CTRD_INIT_PROCESS) == 0 && cell->state != CTRD_TASK_NONE)
		cell->state = CTRD_TASK_STOPPED;
	ctrd__cell_tell_exit(cell, member);
	/* It may be gone after this. */
	wake_exit_waiters(cell, id);
}

static void exec_seen(struct ctrd__cell *cell, const struct ctrd__wire_head *head,
		      const char *process_id)
{
	struct ctrd__member *member = ctrd__cell_add(cell, process_id);

	if (!member) {
		ctrd__cell_emit(cell, head->kind, process_id, head->pid, head->time_ns);
		return;
	}
	if (member->ended && member->told) {
		/* Another life of that exec id: it was deleted and used again. */
		ctrd__client_forget_process(cell->local->client, cell->id, process_id);
		ctrd__cell_remove(cell, process_id);
		member = ctrd__cell_add(cell, process_id);
		if (!member)
			return;
	}
	if (head->pid != 0)
		member->pid = head->pid;
	if (head->kind == CTRD_EVENT_EXEC_STARTED)
		member->started = true;
	member->told = true;
	ctrd__cell_emit(cell, head->kind, process_id, head->pid, head->time_ns);
}

static void exit_seen(struct ctrd__cell *cell, const struct ctrd__wire_head *head,
		      const char *process_id)
{
	struct ctrd__member *member = ctrd__cell_member(cell, process_id);
	ctrd_exit exit = CTRD_EXIT_INIT;

	/* It may be that we only are about to hear of it. */
	if (!member && (cell->changing || cell->looking))
		member = ctrd__cell_add(cell, process_id);
	if (!member)
		return;
	exit.flags = head->flags;
	exit.code = (uint32_t)head->exit_status;
	exit.signal = head->flags & CTRD_EXIT_SIGNALED ? head->signal : 0;
	exit.exited_at_ns = head->time_ns;
	ctrd__cell_exited(cell, member, &exit);
}

/* Another client made a task while we watch. */
static void create_seen(struct ctrd__cell *cell, const struct ctrd__wire_head *head)
{
	struct ctrd__member *member;

	if (cell->task != 0 || ctrd__cell_begin_task(cell) < 0)
		return;
	member = ctrd__cell_add(cell, CTRD_INIT_PROCESS);
	if (member) {
		member->pid = head->pid;
		member->told = true;
	}
	cell->state = CTRD_TASK_CREATED;
	ctrd__cell_emit(cell, CTRD_EVENT_CREATE, CTRD_INIT_PROCESS, head->pid, head->time_ns);
}

static void event(void *data, const struct ctrd__wire_head *head, const char *container_id,
		  const char *process_id)
{
	struct ctrd__cell *cell = data;
	const char *id = *process_id ? process_id : CTRD_INIT_PROCESS;
	struct ctrd__member *member;

	(void)container_id;
	switch (head->kind) {
	case CTRD_EVENT_EXIT:
		exit_seen(cell, head, id);
		break;
	case CTRD_EVENT_CREATE:
		create_seen(cell, head);
		break;
	case CTRD_EVENT_START:
		member = ctrd__cell_member(cell, id);
		if (member)
			member->started = true;
		if (cell->state == CTRD_TASK_CREATED)
			cell->state = CTRD_TASK_RUNNING;
		ctrd__cell_emit(cell, head->kind, id, head->pid, head->time_ns);
		break;
	case CTRD_EVENT_EXEC_ADDED:
	case CTRD_EVENT_EXEC_STARTED:
		exec_seen(cell, head, id);
		break;
	case CTRD_EVENT_OOM:
	case CTRD_EVENT_PAUSED:
	case CTRD_EVENT_RESUMED:
		ctrd__cell_emit(cell, head->kind, NULL, head->pid, head->time_ns);
		break;
	default:
		break;
	}
}

static void gone(void *data)
{
	ctrd__local_monitor_lost(data);
}

const struct ctrd__monitor_owner ctrd__cell_owner = {event, gone};
