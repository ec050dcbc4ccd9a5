/*
 * loop.c: the three kinds of loop a client can run on, and the handles that core and backends put on it.
 * Not responsible for what happens in a turn (client.c).
 * Invariant: after every callback ctrd__client_leave runs; every handle is counted until libuv has let go of it.
 */
#include "loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core.h"
#include "util/clock.h"

struct ctrd__watch {
	uv_poll_t poll;
	ctrd_client *client;
	void (*fn)(void *data, int events);
	void *data;
	int events;
};

struct ctrd__timer {
	uv_timer_t timer;
	ctrd_client *client;
	void (*fn)(void *data);
	void *data;
};

static int status_from_uv(int error)
{
	return error == UV_ENOMEM ? CTRD_ENOMEM : CTRD_ERESOURCES;
}

/* The callback may come from another thread than the last one: adopted and manual loops may move. */
static void enter(ctrd_client *client)
{
	if (client->kind == CTRD__LOOP_THREAD)
		return;
	uv_mutex_lock(&client->lock);
	client->loop_thread = uv_thread_self();
	uv_mutex_unlock(&client->lock);
}

static void handle_closed(ctrd_client *client)
{
	if (!--client->handles && client->stage == CTRD__CLOSE_HANDLES)
		ctrd__client_handles_closed(client);
}

static void free_watch(uv_handle_t *handle)
{
	struct ctrd__watch *watch = ctrd__container_of(handle, struct ctrd__watch, poll);
	ctrd_client *client = watch->client;
	free(watch);
	handle_closed(client);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct ctrd__watch *watch = ctrd__container_of(poll, struct ctrd__watch, poll);
	ctrd_client *client = watch->client;
	int possible = 0;

	enter(client);
	if (status < 0)
		possible = watch->events;
	if (events & (UV_READABLE | UV_DISCONNECT))
		possible |= CTRD__READABLE;
	if (events & UV_WRITABLE)
		possible |= CTRD__WRITABLE;
	watch->fn(watch->data, possible);
	ctrd__client_leave(client);
}

int ctrd__watch_new(ctrd_client *client, int fd, int events, void (*fn)(void *data, int events),
		    void *data, struct ctrd__watch **ret_watch)
{
	struct ctrd__watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return CTRD_ENOMEM;
	int error = uv_poll_init(client->loop, &watch->poll, fd);
	if (error) {
		free(watch);
		return status_from_uv(error);
	}
	uv_unref((uv_handle_t *)&watch->poll);
	client->handles++;
	watch->client = client;
	watch->fn = fn;
	watch->data = data;
	int status = ctrd__watch_set(watch, events);
	if (status) {
		ctrd__watch_free(watch);
		return status;
	}
	*ret_watch = watch;
	return CTRD_OK;
}

int ctrd__watch_set(struct ctrd__watch *watch, int events)
{
	watch->events = events;
	int wanted = (events & CTRD__READABLE ? UV_READABLE : 0) |
		     (events & CTRD__WRITABLE ? UV_WRITABLE : 0);
	int error = wanted ? uv_poll_start(&watch->poll, wanted, on_poll)
			   : uv_poll_stop(&watch->poll);
	return error ? status_from_uv(error) : CTRD_OK;
}

/*
 * In a forked child the loop is only a copy, but its epoll descriptor is the parent's own: touching it there would
 * silence the parent. Memory is all that is given back.
 */
static bool is_copy(const ctrd_client *client)
{
	return client->owner != getpid();
}

struct ctrd__watch *ctrd__watch_free(struct ctrd__watch *watch)
{
	if (watch && is_copy(watch->client)) {
		free(watch);
	} else if (watch) {
		uv_poll_stop(&watch->poll);
		uv_close((uv_handle_t *)&watch->poll, free_watch);
	}
	return NULL;
}

static void free_timer(uv_handle_t *handle)
{
	struct ctrd__timer *timer = ctrd__container_of(handle, struct ctrd__timer, timer);
	ctrd_client *client = timer->client;
	free(timer);
	handle_closed(client);
}

static void on_timer(uv_timer_t *handle)
{
	struct ctrd__timer *timer = ctrd__container_of(handle, struct ctrd__timer, timer);
	ctrd_client *client = timer->client;

	enter(client);
	uv_close((uv_handle_t *)handle, free_timer);
	timer->fn(timer->data);
	ctrd__client_leave(client);
}

int ctrd__timer_new(ctrd_client *client, uint64_t ms, void (*fn)(void *data), void *data,
		    struct ctrd__timer **ret_timer)
{
	struct ctrd__timer *timer = calloc(1, sizeof(*timer));
	if (!timer)
		return CTRD_ENOMEM;
	uv_timer_init(client->loop, &timer->timer);
	uv_unref((uv_handle_t *)&timer->timer);
	client->handles++;
	timer->client = client;
	timer->fn = fn;
	timer->data = data;
	uv_update_time(client->loop);
	int error = uv_timer_start(&timer->timer, on_timer, ms, 0);
	if (error) {
		uv_close((uv_handle_t *)&timer->timer, free_timer);
		return status_from_uv(error);
	}
	*ret_timer = timer;
	return CTRD_OK;
}

struct ctrd__timer *ctrd__timer_free(struct ctrd__timer *timer)
{
	if (timer && is_copy(timer->client))
		free(timer);
	else if (timer)
		uv_close((uv_handle_t *)&timer->timer, free_timer);
	return NULL;
}

static void on_async(uv_async_t *async)
{
	ctrd_client *client = ctrd__container_of(async, ctrd_client, async);

	enter(client);
	ctrd__client_turn(client);
	ctrd__client_leave(client);
}

static void on_deadline(uv_timer_t *timer)
{
	ctrd_client *client = ctrd__container_of(timer, ctrd_client, deadline_timer);
	int64_t now = ctrd__now_mono_ns();
	struct ctrd__list *node;

	enter(client);
	while ((node = ctrd__list_first(&client->deadlines))) {
		ctrd_op *op = ctrd__container_of(node, ctrd_op, timer_node);
		if (op->deadline_ns > now)
			break;
		ctrd__op_end(op, ctrd__error_new(CTRD_EDEADLINE, "ctrd", 0, NULL,
						 "%s%s%s: its deadline passed",
						 ctrd__verb_name(op->verb),
						 op->container_id[0] ? " " : "", op->container_id));
	}
	ctrd__loop_set_deadline(client);
	ctrd__client_leave(client);
}

void ctrd__loop_set_deadline(ctrd_client *client)
{
	struct ctrd__list *node = ctrd__list_first(&client->deadlines);

	if (client->stage >= CTRD__CLOSE_HANDLES)
		return;
	if (!node) {
		uv_timer_stop(&client->deadline_timer);
		return;
	}
	int64_t left = ctrd__container_of(node, ctrd_op, timer_node)->deadline_ns -
		       ctrd__now_mono_ns();
	uv_update_time(client->loop);
	uv_timer_start(&client->deadline_timer, on_deadline,
		       left > 0 ? (uint64_t)((left + 999999) / 1000000) : 0, 0);
}

void ctrd__loop_wake_locked(ctrd_client *client)
{
	if (client->deaf)
		return;
	/* On the loop's own thread nobody else keeps an adopted loop running until the turn. */
	if (client->kind == CTRD__LOOP_ADOPTED && ctrd__loop_is_here_locked(client) &&
	    !client->referenced) {
		client->referenced = true;
		uv_ref((uv_handle_t *)&client->async);
	}
	uv_async_send(&client->async);
}

void ctrd__loop_update_reference(ctrd_client *client)
{
	if (client->kind != CTRD__LOOP_ADOPTED || client->stage >= CTRD__CLOSE_HANDLES)
		return;
	uv_mutex_lock(&client->lock);
	bool wanted = client->pending || client->stage != CTRD__OPEN ||
		      !ctrd__list_is_empty(&client->inbox) ||
		      !ctrd__list_is_empty(&client->posts) ||
		      client->config.flags & CTRD_CLIENT_KEEP_LOOP;
	if (wanted != client->referenced) {
		client->referenced = wanted;
		if (wanted)
			uv_ref((uv_handle_t *)&client->async);
		else
			uv_unref((uv_handle_t *)&client->async);
	}
	uv_mutex_unlock(&client->lock);
}

bool ctrd__loop_is_here_locked(const ctrd_client *client)
{
	uv_thread_t self = uv_thread_self();
	return client->loop_thread_known && uv_thread_equal(&self, &client->loop_thread);
}

static void run_thread(void *data)
{
	ctrd_client *client = data;

	uv_mutex_lock(&client->lock);
	client->loop_thread = uv_thread_self();
	client->loop_thread_known = true;
	uv_mutex_unlock(&client->lock);
	uv_run(client->loop, UV_RUN_DEFAULT);
	ctrd__loop_free(client);
	ctrd__client_loop_unref(client);
}

int ctrd__loop_init(ctrd_client *client, const ctrd_client_options *options, ctrd_error **ret_error)
{
	int error = 0;

	if (options->loop) {
		client->kind = CTRD__LOOP_ADOPTED;
		client->loop = options->loop;
	} else {
		client->kind = options->flags & CTRD_CLIENT_MANUAL ? CTRD__LOOP_MANUAL
								   : CTRD__LOOP_THREAD;
		client->loop = &client->own_loop;
		error = uv_loop_init(client->loop);
	}
	if (!error) {
		error = uv_async_init(client->loop, &client->async, on_async);
		if (error && client->kind != CTRD__LOOP_ADOPTED)
			uv_loop_close(client->loop);
	}
	if (error)
		return ctrd__error_return(ctrd__error_new(status_from_uv(error), "ctrd", -error,
							  NULL,
							  "client: the loop cannot be set up: %s",
							  uv_strerror(error)),
					  ret_error);
	client->referenced = true;
	uv_timer_init(client->loop, &client->deadline_timer);
	uv_unref((uv_handle_t *)&client->deadline_timer);
	client->handles = 2;
	client->loop_thread = uv_thread_self();
	client->loop_thread_known = client->kind != CTRD__LOOP_THREAD;
	return CTRD_OK;
}

int ctrd__loop_start(ctrd_client *client)
{
	int error = 0;

	uv_async_send(&client->async); /* for the backend's beginning */
	if (client->kind == CTRD__LOOP_THREAD) {
		sigset_t all, before;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		error = uv_thread_create(&client->thread, run_thread, client);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return error ? status_from_uv(error) : CTRD_OK;
}

static void core_handle_closed(uv_handle_t *handle)
{
	handle_closed(handle->data);
}

void ctrd__loop_close_handles(ctrd_client *client)
{
	uv_mutex_lock(&client->lock);
	client->deaf = true;
	uv_mutex_unlock(&client->lock);
	client->async.data = client;
	client->deadline_timer.data = client;
	uv_close((uv_handle_t *)&client->async, core_handle_closed);
	uv_close((uv_handle_t *)&client->deadline_timer, core_handle_closed);
}

/* An open that failed: nothing has run yet. */
void ctrd__loop_abandon(ctrd_client *client)
{
	client->stage = CTRD__CLOSE_HANDLES;
	ctrd__loop_close_handles(client);
	if (client->kind != CTRD__LOOP_ADOPTED)
		uv_run(client->loop, UV_RUN_DEFAULT);
}

void ctrd__loop_free(ctrd_client *client)
{
	if (client->kind != CTRD__LOOP_ADOPTED)
		uv_loop_close(client->loop);
}
