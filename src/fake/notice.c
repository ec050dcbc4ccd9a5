/*
 * notice.c: how what happens in a world reaches one client's core: the inbox, the view of each container's life, the
 * loss of the backend and the resync after it.
 *
 * Invariant: whatever is not told at once leaves `gap` set, and a resync follows: nothing is lost for good.
 */
#include "fake/fake_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

enum { RETRY_MS = 10 };

static void on_resync(void *data);

static void wake(struct ctrd__fake_client *client)
{
	if (!client->woken)
		client->woken = !ctrd__client_post(client->client, &client->wake);
}

void ctrd__fake_enqueue(struct ctrd__fake_client *client, struct ctrd__fake_notice *notice)
{
	ctrd__list_insert_tail(&client->inbox, &notice->node);
	wake(client);
}

void ctrd__fake_wake_others(struct ctrd__fake_client *client)
{
	ctrd__list_foreach(node, &client->world->clients)
	{
		struct ctrd__fake_client *other =
			ctrd__container_of(node, struct ctrd__fake_client, node);
		if (other != client)
			wake(other);
	}
}

void ctrd__fake_notify(struct ctrd__fake_client *client, const struct ctrd__fake_notice *notice)
{
	struct ctrd__fake_notice *copy = malloc(sizeof(*copy));

	if (copy) {
		*copy = *notice;
		ctrd__fake_enqueue(client, copy);
		return;
	}
	client->gap = true;
	wake(client);
}

static void set_gap(struct ctrd__fake_client *client)
{
	pthread_mutex_lock(&client->world->lock);
	client->gap = true;
	pthread_mutex_unlock(&client->world->lock);
}

/* What was lost is found again after a while. */
static void resync_later(struct ctrd__fake_client *client, uint32_t ms)
{
	set_gap(client);
	if (!client->resync_timer)
		(void)ctrd__timer_new(client->client, ms, on_resync, client, &client->resync_timer);
}

/*
 * Views
 */

struct ctrd__fake_view *ctrd__fake_view_find(struct ctrd__fake_client *client,
					     const char *container_id)
{
	return ctrd__map_get(&client->views, container_id);
}

struct ctrd__fake_view *ctrd__fake_view_get(struct ctrd__fake_client *client,
					    const char *container_id)
{
	struct ctrd__fake_view *view = ctrd__fake_view_find(client, container_id);

	if (view)
		return view;
	view = calloc(1, sizeof(*view));
	if (view && ctrd__map_insert(&client->views, container_id, view)) {
		free(view);
		view = NULL;
	}
	return view;
}

void ctrd__fake_view_drop(struct ctrd__fake_client *client, const char *container_id)
{
	free(ctrd__map_remove(&client->views, container_id));
}

static void end_life(struct ctrd__fake_client *client, struct ctrd__fake_view *view,
		     const char *container_id)
{
	if (view->task)
		ctrd__client_end_task(client->client, container_id);
	*view = (struct ctrd__fake_view){0};
}

bool ctrd__fake_view_begin(struct ctrd__fake_client *client, struct ctrd__fake_view *view,
			   const char *container_id, uint64_t life)
{
	if (view->task && view->life == life)
		return true;
	end_life(client, view, container_id);
	view->task = ctrd__client_begin_task(client->client, container_id);
	view->life = view->task ? life : 0;
	return view->task != 0;
}

/*
 * Telling the core
 */

static void emit(struct ctrd__fake_client *client, struct ctrd__fake_view *view,
		 const struct ctrd__fake_notice *notice, uint32_t flags)
{
	struct ctrd__happening happening = {
		.kind = notice->kind,
		.container_id = notice->container_id,
		.process_id = notice->process_id[0] ? notice->process_id : NULL,
		.task = view->task,
		.pid = notice->pid,
		.flags = notice->flags | flags,
		.code = notice->code,
		.signal = notice->signal,
		.time_ns = notice->time_ns,
	};

	if (notice->kind == CTRD_EVENT_PAUSED || notice->kind == CTRD_EVENT_RESUMED)
		view->paused = notice->kind == CTRD_EVENT_PAUSED;
	ctrd__client_emit(client->client, &happening);
}

static void emit_mark(struct ctrd__fake_client *client, uint32_t kind)
{
	struct ctrd__happening happening = {.kind = kind};

	ctrd__client_emit(client->client, &happening);
}

/* A process was asked for its end: ctrd_fake_exit. */
static void exit_asked(struct ctrd__fake_client *client, const struct ctrd__fake_notice *notice)
{
	struct ctrd__fake_world *world = client->world;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container =
		ctrd__fake_container_find(world, notice->container_id);
	struct ctrd__fake_process *process =
		container ? ctrd__fake_process_find(container, notice->process_id) : NULL;
	if (process && process->state != CTRD_TASK_CREATED)
		ctrd__fake_process_end(world, container, process, notice->code, notice->signal, 0);
	pthread_mutex_unlock(&world->lock);
}

static void deliver_event(struct ctrd__fake_client *client, struct ctrd__fake_view *view,
			  const struct ctrd__fake_notice *notice)
{
	struct ctrd__fake_luck luck;

	ctrd__fake_faults_event(client, notice->kind, notice->container_id, &luck);
	if (luck.lose)
		ctrd__fake_lose(client, luck.lose_ms);
	if (client->lost) {
		set_gap(client);
		return;
	}
	if (notice->life < view->life)
		return; /* of a life that is over */
	if (luck.drop || !ctrd__fake_view_begin(client, view, notice->container_id, notice->life)) {
		resync_later(client, luck.drop ? luck.resync_ms : RETRY_MS);
		return;
	}
	emit(client, view, notice, 0);
	if (luck.duplicate)
		emit(client, view, notice, 0);
}

static void deliver(struct ctrd__fake_client *client, const struct ctrd__fake_notice *notice)
{
	if (notice->kind == CTRD__FAKE_EXIT_ASKED) {
		exit_asked(client, notice);
		return;
	}
	bool is_event = notice->kind < CTRD__FAKE_TASK_GONE;
	struct ctrd__fake_view *view = is_event && client->watch_all
					       ? ctrd__fake_view_get(client, notice->container_id)
					       : ctrd__fake_view_find(client, notice->container_id);
	if (!view) {
		if (is_event && client->watch_all)
			resync_later(client, RETRY_MS);
		return;
	}
	if (is_event) {
		deliver_event(client, view, notice);
	} else if (client->lost) {
		set_gap(client);
	} else if (notice->kind == CTRD__FAKE_CONTAINER_GONE) {
		end_life(client, view, notice->container_id);
		ctrd__fake_view_drop(client, notice->container_id);
	} else if (view->life == notice->life) {
		if (notice->kind == CTRD__FAKE_TASK_GONE)
			end_life(client, view, notice->container_id);
		else
			ctrd__client_forget_process(client->client, notice->container_id,
						    notice->process_id);
	}
}

void ctrd__fake_drain(struct ctrd__fake_client *client)
{
	struct ctrd__fake_world *world = client->world;
	struct ctrd__list *node;

	do {
		pthread_mutex_lock(&world->lock);
		node = ctrd__list_pop(&client->inbox);
		pthread_mutex_unlock(&world->lock);
		if (node) {
			struct ctrd__fake_notice *notice =
				ctrd__container_of(node, struct ctrd__fake_notice, node);
			deliver(client, notice);
			free(notice);
		}
	} while (node);
	if (!client->resync_timer)
		ctrd__fake_settle(client);
}

void ctrd__fake_wake(ctrd_client *core, struct ctrd__post *post, bool cancelled)
{
	struct ctrd__fake_client *client = ctrd__container_of(post, struct ctrd__fake_client, wake);

	(void)core;
	pthread_mutex_lock(&client->world->lock);
	client->woken = false;
	pthread_mutex_unlock(&client->world->lock);
	if (cancelled)
		return;
	ctrd__fake_drain(client);
	ctrd__fake_io_sweep(client);
}

/*
 * Resync
 */

/* How far a walk through what is the case has come: the serial of a process, and the fact of it. */
struct cursor {
	uint64_t serial;
	int step;
};

enum { FACT_ADDED = 1, FACT_STARTED, FACT_ENDED };

static bool is_fact(const struct ctrd__fake_process *process, int step)
{
	return step == FACT_ADDED || (step == FACT_STARTED && process->started) ||
	       (step == FACT_ENDED && process->state == CTRD_TASK_STOPPED);
}

static uint32_t fact_kind(const struct ctrd__fake_process *process, int step)
{
	bool init = ctrd__fake_process_is_init(process);

	if (step == FACT_ENDED)
		return CTRD_EVENT_EXIT;
	if (step == FACT_STARTED)
		return init ? CTRD_EVENT_START : CTRD_EVENT_EXEC_STARTED;
	return init ? CTRD_EVENT_CREATE : CTRD_EVENT_EXEC_ADDED;
}

static void describe_fact(const struct ctrd__fake_container *container,
			  const struct ctrd__fake_process *process, int step,
			  struct ctrd__fake_notice *ret_notice)
{
	*ret_notice = (struct ctrd__fake_notice){.kind = fact_kind(process, step),
						 .life = container->life};
	snprintf(ret_notice->container_id, sizeof(ret_notice->container_id), "%s",
		 process->container_id);
	snprintf(ret_notice->process_id, sizeof(ret_notice->process_id), "%s", process->id);
	ret_notice->pid = process->pid;
	ret_notice->time_ns = ctrd__now_real_ns();
	if (step == FACT_ENDED) {
		ret_notice->flags = process->exit.flags;
		ret_notice->code = process->exit.code;
		ret_notice->signal = process->exit.signal;
		ret_notice->time_ns = process->exit.exited_at_ns;
	}
}

/* The first fact of this process behind the cursor; false when there is none. */
static bool next_fact_of(const struct ctrd__fake_container *container,
			 const struct ctrd__fake_process *process, struct cursor *cursor,
			 struct ctrd__fake_notice *ret_notice)
{
	if (process->serial < cursor->serial)
		return false;
	int step = process->serial == cursor->serial ? cursor->step + 1 : FACT_ADDED;
	while (step <= FACT_ENDED && !is_fact(process, step))
		step++;
	if (step > FACT_ENDED)
		return false;
	describe_fact(container, process, step, ret_notice);
	*cursor = (struct cursor){process->serial, step};
	return true;
}

static bool is_watched(struct ctrd__fake_client *client, const char *container_id)
{
	return client->watch_all || ctrd__fake_view_find(client, container_id);
}

/* The next fact about a process that this client hears of. Serials of one container rise along its list; between
 * containers they interleave, so the smallest is looked for. */
static bool next_fact(struct ctrd__fake_client *client, struct cursor *cursor,
		      struct ctrd__fake_notice *ret_notice)
{
	struct cursor best = {UINT64_MAX, 0};
	struct ctrd__map_iter at = ctrd__map_iter(&client->world->containers);
	void *value;

	while (ctrd__map_next(&client->world->containers, &at, NULL, &value)) {
		struct ctrd__fake_container *container = value;
		if (!is_watched(client, container->id))
			continue;
		ctrd__list_foreach(node, &container->processes)
		{
			const struct ctrd__fake_process *process =
				ctrd__container_of(node, struct ctrd__fake_process, node);
			struct cursor here = *cursor;
			struct ctrd__fake_notice notice;
			if (process->serial < best.serial &&
			    next_fact_of(container, process, &here, &notice)) {
				best = here;
				*ret_notice = notice;
			}
		}
	}
	*cursor = best;
	return best.serial != UINT64_MAX;
}

static void tell_facts(struct ctrd__fake_client *client)
{
	struct cursor cursor = {0, 0};
	struct ctrd__fake_notice notice;
	bool found;

	do {
		pthread_mutex_lock(&client->world->lock);
		found = next_fact(client, &cursor, &notice);
		pthread_mutex_unlock(&client->world->lock);
		if (!found)
			break;
		struct ctrd__fake_view *view = ctrd__fake_view_get(client, notice.container_id);
		if (view && ctrd__fake_view_begin(client, view, notice.container_id, notice.life))
			emit(client, view, &notice, CTRD_EXIT_INFERRED);
		else
			resync_later(client, RETRY_MS);
	} while (found);
}

/* The life that a view knows is over, and nobody can say how. */
static void tell_lost_life(struct ctrd__fake_client *client, struct ctrd__fake_view *view,
			   const char *container_id)
{
	struct ctrd__fake_notice notice = {
		.kind = CTRD_EVENT_EXIT, .flags = CTRD_EXIT_UNKNOWN, .code = 255};

	snprintf(notice.container_id, sizeof(notice.container_id), "%s", container_id);
	emit(client, view, &notice, CTRD_EXIT_INFERRED);
	end_life(client, view, container_id);
}

static void tell_views(struct ctrd__fake_client *client)
{
	struct ctrd__map_iter at = ctrd__map_iter(&client->views);
	const char *id;
	void *value;

	while (ctrd__map_next(&client->views, &at, &id, &value)) {
		struct ctrd__fake_view *view = value;
		pthread_mutex_lock(&client->world->lock);
		const struct ctrd__fake_container *container =
			ctrd__fake_container_find(client->world, id);
		uint64_t life = container ? container->life : 0;
		bool paused = container && container->paused;
		pthread_mutex_unlock(&client->world->lock);
		if (view->task && view->life != life) {
			tell_lost_life(client, view, id);
		} else if (view->task && view->paused != paused) {
			struct ctrd__fake_notice notice = {
				.kind = paused ? CTRD_EVENT_PAUSED : CTRD_EVENT_RESUMED,
			};
			snprintf(notice.container_id, sizeof(notice.container_id), "%s", id);
			emit(client, view, &notice, CTRD_EXIT_INFERRED);
		}
		if (!container)
			ctrd__fake_view_drop(client, id);
	}
}

void ctrd__fake_settle(struct ctrd__fake_client *client)
{
	pthread_mutex_lock(&client->world->lock);
	bool gap = client->gap && !client->lost;
	if (gap)
		client->gap = false;
	pthread_mutex_unlock(&client->world->lock);
	if (!gap)
		return;
	client->resync_timer = ctrd__timer_free(client->resync_timer);
	emit_mark(client, CTRD_EVENT_RESYNC_BEGIN);
	tell_facts(client);
	tell_views(client);
	emit_mark(client, CTRD_EVENT_RESYNC_END);
}

static void on_resync(void *data)
{
	struct ctrd__fake_client *client = data;

	client->resync_timer = NULL;
	ctrd__fake_drain(client);
}

/*
 * Losing the backend
 */

static void come_back(void *data)
{
	struct ctrd__fake_client *client = data;

	client->back_timer = NULL;
	client->lost = false;
	ctrd__client_log(client->client, CTRD_LOG_INFO, "fake: the backend is back");
	set_gap(client);
	ctrd__fake_settle(client);
}

void ctrd__fake_lose(struct ctrd__fake_client *client, uint32_t ms)
{
	if (client->lost)
		return;
	if (ctrd__timer_new(client->client, ms, come_back, client, &client->back_timer)) {
		set_gap(client); /* gone and back in no time */
		return;
	}
	client->lost = true;
	ctrd__client_log(client->client, CTRD_LOG_WARNING, "fake: the backend is gone for %u ms",
			 ms);
}

void ctrd__fake_notice_close(struct ctrd__fake_client *client)
{
	struct ctrd__map_iter at = ctrd__map_iter(&client->views);
	const char *id;
	struct ctrd__list *node;

	client->back_timer = ctrd__timer_free(client->back_timer);
	client->resync_timer = ctrd__timer_free(client->resync_timer);
	while (ctrd__map_next(&client->views, &at, &id, NULL))
		ctrd__fake_view_drop(client, id);
	while ((node = ctrd__list_pop(&client->inbox)) != NULL)
		free(ctrd__container_of(node, struct ctrd__fake_notice, node));
}
