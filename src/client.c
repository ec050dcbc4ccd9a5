/*
 * client.c: a client from open to its last reference: options, the turn of its loop, closing.
 * Not responsible for loops (loop.c), single ops (op.c), what they do (the backend).
 * Invariant: an embedder's function runs only from ctrd__client_leave, a data or an attach callback, never under a lock.
 */
#include "core.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "id.h"

static bool is_foreign(const ctrd_client *client)
{
	return client->owner != getpid();
}

/* Everything but libuv's part. */
static void free_client(ctrd_client *client)
{
	bool foreign = is_foreign(client);

	if (client->backend_data)
		client->backend->free(client);
	ctrd__ledger_clear(client);
	ctrd__map_done(&client->containers);
	free(client->read_buffer);
	free(client->config.name_space);
	free(client->config.state_dir);
	free(client->config.cgroup_parent);
	free(client->config.default_runtime);
	free(client->config.helper_path);
	if (!foreign) {
		uv_mutex_destroy(&client->lock);
		uv_mutex_destroy(&client->log_lock);
		uv_cond_destroy(&client->worker.wake);
	}
	free(client);
}

void ctrd__client_memory_unref(ctrd_client *client)
{
	if (atomic_fetch_sub_explicit(&client->memory_refs, 1, memory_order_acq_rel) == 1)
		free_client(client);
}

void ctrd__client_loop_unref(ctrd_client *client)
{
	if (atomic_exchange(&client->loop_holds, false))
		ctrd__client_memory_unref(client);
}

/* Copy an optional text option; false without memory. */
static bool copy_text(const char *text, char **ret_copy)
{
	if (!text)
		return true;
	*ret_copy = strdup(text);
	return *ret_copy != NULL;
}

static ctrd_error *check_options(const ctrd_client_options *options)
{
	const uint32_t known = CTRD_CLIENT_MANUAL | CTRD_CLIENT_WATCH_ALL | CTRD_CLIENT_KEEP_LOOP |
			       CTRD_CLIENT_NO_MEMFD;

	if (options->flags & ~known)
		return ctrd__error_new(CTRD_EABI, "ctrd", 0, NULL,
				       "client options: flags: 0x%x is not known",
				       options->flags & ~known);
	if (options->reserved0)
		return ctrd__error_new(CTRD_EABI, "ctrd", 0, NULL,
				       "client options: reserved0: is not zero");
	if (options->loop && options->flags & CTRD_CLIENT_MANUAL)
		return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
				       "client options: loop: not together with MANUAL");
	if (options->loop && options->loop_size != uv_loop_size())
		return ctrd__error_new(
			CTRD_EABI, "ctrd", 0, NULL,
			"client options: loop_size: is %zu, the libuv in use has %zu",
			options->loop_size, uv_loop_size());
	if (options->timeout_ms < -1)
		return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
				       "client options: timeout_ms: is negative");
	if (options->name_space) {
		ctrd_error *error =
			ctrd__id_check("client options: name_space", options->name_space);
		if (error)
			return error;
	}
	const struct {
		const char *name;
		const char *path;
	} paths[] = {
		{"state_dir", options->state_dir},
		{"cgroup_parent", options->cgroup_parent},
		{"helper_path", options->helper_path},
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (paths[i].path && paths[i].path[0] != '/')
			return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
					       "client options: %s: \"%.200s\" is not absolute",
					       paths[i].name, paths[i].path);
	}
	return NULL;
}

static ctrd_client *new_client(const ctrd_client_options *options)
{
	ctrd_client *client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	atomic_init(&client->refs, 1);
	atomic_init(&client->memory_refs, 1);
	client->owner = getpid();
	if (uv_mutex_init(&client->lock)) {
		free(client);
		return NULL;
	}
	if (uv_mutex_init(&client->log_lock)) {
		uv_mutex_destroy(&client->lock);
		free(client);
		return NULL;
	}
	if (uv_cond_init(&client->worker.wake)) {
		uv_mutex_destroy(&client->lock);
		uv_mutex_destroy(&client->log_lock);
		free(client);
		return NULL;
	}
	ctrd__list_init(&client->inbox);
	ctrd__list_init(&client->cancels);
	ctrd__list_init(&client->posts);
	ctrd__list_init(&client->worker.queue);
	ctrd__list_init(&client->worker.finished);
	ctrd__list_init(&client->under_way);
	ctrd__list_init(&client->deadlines);
	ctrd__list_init(&client->deliveries);
	ctrd__list_init(&client->ready);
	ctrd__map_init(&client->containers);
	struct ctrd__client_config *config = &client->config;
	config->flags = options->flags;
	config->timeout_ms = options->timeout_ms;
	config->log = options->log;
	config->log_level = options->log_level ? options->log_level : CTRD_LOG_INFO;
	if (!copy_text(options->name_space ? options->name_space : "default",
		       &config->name_space) ||
	    !copy_text(options->state_dir, &config->state_dir) ||
	    !copy_text(options->cgroup_parent, &config->cgroup_parent) ||
	    !copy_text(options->default_runtime, &config->default_runtime) ||
	    !copy_text(options->helper_path, &config->helper_path)) {
		free_client(client);
		return NULL;
	}
	return client;
}

int ctrd_client_open(const char *address, const ctrd_client_options *options,
		     ctrd_client **ret_client, ctrd_error **ret_error)
{
	ctrd_client_options known = CTRD_CLIENT_OPTIONS_INIT;
	const char *rest = NULL;

	if (!address || !ret_client)
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
							  "client open: %s: is NULL",
							  address ? "ret_client" : "address"),
					  ret_error);
	int status = ctrd__options_read("client options", options, &known, sizeof(known),
					sizeof(uint64_t), ret_error);
	if (status)
		return status;
	ctrd_error *refusal = check_options(&known);
	if (refusal)
		return ctrd__error_return(refusal, ret_error);
	const struct ctrd__backend_ops *backend = ctrd__backend_find(address, &rest);
	if (!backend)
		return ctrd__error_return(
			ctrd__error_new(CTRD_ENOSYS, "ctrd", 0, NULL,
					"client open: address \"%.200s\": no backend takes it",
					address),
			ret_error);
	ctrd_client *client = new_client(&known);
	if (!client)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	client->backend = backend;
	status = backend->open(client, rest, &client->config, ret_error);
	if (status) {
		ctrd__client_memory_unref(client);
		return status;
	}
	status = ctrd__loop_init(client, &known, ret_error);
	if (status) {
		ctrd__client_memory_unref(client);
		return status;
	}
	client->config.events = known.events;
	atomic_fetch_add(&client->memory_refs, 1);
	atomic_store(&client->loop_holds, true);
	status = ctrd__loop_start(client);
	if (status) {
		ctrd__loop_abandon(client);
		ctrd__loop_free(client);
		ctrd__client_loop_unref(client);
		ctrd__client_memory_unref(client);
		return ctrd__error_return(
			ctrd__error_new(status, "ctrd", 0, NULL,
					"client open: its thread cannot be started"),
			ret_error);
	}
	*ret_client = client;
	return CTRD_OK;
}

ctrd_client *ctrd_client_ref(ctrd_client *client)
{
	if (client)
		atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
	return client;
}

/* The last handle of a client is gone: close it if nobody has. Needs no memory. */
static void close_unattended(ctrd_client *client)
{
	uv_mutex_lock(&client->lock);
	if (!client->closing) {
		client->closing = true;
		client->unattended = true;
		ctrd__loop_wake_locked(client);
	}
	uv_mutex_unlock(&client->lock);
}

/* The loop of a manual client is ours to end, outside of uv_run. */
static void end_manual_loop(ctrd_client *client)
{
	while (client->stage != CTRD__CLOSED)
		uv_run(client->loop, UV_RUN_ONCE);
	ctrd__loop_free(client);
	ctrd__client_loop_unref(client);
}

ctrd_client *ctrd_client_unref(ctrd_client *client)
{
	if (!client || atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	if (is_foreign(client)) { /* a forked child: no thread, no loop, nothing but memory */
		ctrd__client_loop_unref(client);
		ctrd__client_memory_unref(client);
		return NULL;
	}
	close_unattended(client);
	uv_mutex_lock(&client->lock);
	bool here = ctrd__loop_is_here_locked(client);
	if (client->kind == CTRD__LOOP_MANUAL && here && client->dispatching)
		client->orphan = true; /* ctrd_client_dispatch goes on with it */
	bool orphan = client->orphan;
	uv_mutex_unlock(&client->lock);
	if (client->kind == CTRD__LOOP_THREAD) {
		if (here)
			pthread_detach(client->thread);
		else
			uv_thread_join(&client->thread);
	} else if (client->kind == CTRD__LOOP_MANUAL && !orphan) {
		end_manual_loop(client);
	}
	ctrd__client_memory_unref(client);
	return NULL;
}

/* One turn: take what was submitted from any thread. */
void ctrd__client_turn(ctrd_client *client)
{
	struct ctrd__list inbox, posts, cancels, *node;

	ctrd__list_init(&inbox);
	ctrd__list_init(&posts);
	ctrd__list_init(&cancels);
	if (!client->begun) {
		client->begun = true;
		if (client->backend->begin)
			client->backend->begin(client);
	}
	uv_mutex_lock(&client->lock);
	ctrd__list_splice_tail(&inbox, &client->inbox);
	ctrd__list_splice_tail(&posts, &client->posts);
	ctrd__list_splice_tail(&cancels, &client->cancels);
	client->unattended_seen = client->unattended;
	uv_mutex_unlock(&client->lock);
	while ((node = ctrd__list_pop(&posts))) {
		struct ctrd__post *post = ctrd__container_of(node, struct ctrd__post, node);
		post->fn(client, post, client->stage != CTRD__OPEN);
	}
	ctrd__worker_reap(client);
	while ((node = ctrd__list_pop(&inbox))) {
		ctrd_op *op = ctrd__container_of(node, ctrd_op, inbox_node);
		if (op->verb == CTRD__VERB_CLOSE) {
			client->close_op = op;
			op->taken = true;
			client->pending++;
		} else {
			ctrd__op_take(op);
		}
	}
	/* After the inbox: an op that is cancelled was submitted before. */
	while ((node = ctrd__list_pop(&cancels))) {
		ctrd_op *op = ctrd__container_of(node, ctrd_op, cancel_node);
		if (op != client->close_op)
			ctrd__op_end(op, ctrd__error_new(CTRD_ECANCELED, "ctrd", 0, NULL,
							 "%s: was cancelled",
							 ctrd__verb_name(op->verb)));
	}
}

static void drop_deliveries_of_events(ctrd_client *client)
{
	ctrd__list_foreach(node, &client->deliveries)
	{
		struct ctrd__delivery *delivery =
			ctrd__container_of(node, struct ctrd__delivery, node);
		if (!delivery->is_op) {
			ctrd__list_remove(node);
			ctrd__event_drop(delivery);
		}
	}
}

static void begin_close(ctrd_client *client)
{
	client->stage = CTRD__CLOSE_WORKER;
	drop_deliveries_of_events(client);
	ctrd__list_foreach(node, &client->under_way)
	{
		ctrd_op *op = ctrd__container_of(node, ctrd_op, all_node);
		ctrd__op_end(op, ctrd__error_new(CTRD_ECLOSED, "ctrd", 0, NULL,
						 "%s: the client was closed",
						 ctrd__verb_name(op->verb)));
	}
	struct ctrd__map_iter iter = ctrd__map_iter(&client->containers);
	void *value;
	while (ctrd__map_next(&client->containers, &iter, NULL, &value)) {
		struct ctrd__container *container = value;
		ctrd__list_foreach(node, &container->processes)
		{
			ctrd__reader_free(ctrd__container_of(node, struct ctrd__process, node));
		}
	}
}

/* The backend is gone: requests that it never finished are nobody's any more. */
static void drop_requests(ctrd_client *client)
{
	struct ctrd__list *node;

	while ((node = ctrd__list_first(&client->under_way))) {
		ctrd_op *op = ctrd__container_of(node, ctrd_op, all_node);
		ctrd__list_remove(&op->all_node);
		op->hold = NULL;
		ctrd__list_remove(&op->queue_node);
		op->container = NULL;
		ctrd__op_request_done(&op->request);
		ctrd_op_unref(op);
	}
}

void ctrd__client_backend_closed(ctrd_client *client)
{
	client->stage = CTRD__CLOSE_HANDLES;
	ctrd__worker_stop(client);
	drop_requests(client);
	ctrd__loop_close_handles(client);
}

static void go_on_closing(ctrd_client *client)
{
	if ((client->close_op || client->unattended_seen) && client->stage == CTRD__OPEN)
		begin_close(client);
	else if (client->stage == CTRD__CLOSE_WORKER && ctrd__list_is_empty(&client->deliveries) &&
		 ctrd__worker_drain(client)) {
		client->stage = CTRD__CLOSE_BACKEND;
		client->backend->close(client);
	}
}

void ctrd__client_handles_closed(ctrd_client *client)
{
	ctrd_op *op = client->close_op;

	client->stage = CTRD__CLOSED;
	if (!client->begun) /* an open that failed */
		return;
	client->close_op = NULL;
	if (client->config.events.release)
		client->config.events.release(client->config.events.data);
	enum ctrd__loop_kind kind = client->kind;
	if (op) {
		op->delivering = true;
		ctrd__op_deliver(op);
	}
	/* The other loops are ours: who runs them holds the memory until uv_run has returned. */
	if (kind == CTRD__LOOP_ADOPTED)
		ctrd__client_loop_unref(client);
}

void ctrd__client_leave(ctrd_client *client)
{
	if (client->draining || client->stage >= CTRD__CLOSE_HANDLES)
		return;
	client->draining = true;
	for (;;) {
		struct ctrd__list *node;
		if ((node = ctrd__list_pop(&client->deliveries))) {
			struct ctrd__delivery *delivery =
				ctrd__container_of(node, struct ctrd__delivery, node);
			if (delivery->is_op)
				ctrd__op_deliver(ctrd__container_of(delivery, ctrd_op, delivery));
			else
				ctrd__event_deliver(client, delivery);
		} else if (client->stage == CTRD__OPEN && (node = ctrd__list_pop(&client->ready))) {
			ctrd__order_move(
				ctrd__container_of(node, struct ctrd__container, ready_node));
		} else {
			enum ctrd__close_stage before = client->stage;
			go_on_closing(client);
			if (client->stage == before || client->stage >= CTRD__CLOSE_HANDLES)
				break;
		}
	}
	client->draining = false;
	ctrd__loop_update_reference(client);
}

int ctrd__client_post(ctrd_client *client, struct ctrd__post *post)
{
	ctrd__list_init(&post->node);
	uv_mutex_lock(&client->lock);
	int status = client->deaf || client->closing ? CTRD_ECLOSED : CTRD_OK;
	if (!status) {
		ctrd__list_insert_tail(&client->posts, &post->node);
		ctrd__loop_wake_locked(client);
	}
	uv_mutex_unlock(&client->lock);
	return status;
}

void ctrd__op_post(ctrd_op *op)
{
	ctrd_client *client = op->client;

	uv_mutex_lock(&client->lock);
	ctrd__list_insert_tail(&client->inbox, &op->inbox_node);
	ctrd__loop_wake_locked(client);
	uv_mutex_unlock(&client->lock);
}

uint64_t ctrd_client_capabilities(const ctrd_client *client)
{
	return client && !is_foreign(client) ? client->backend->capabilities(client) : 0;
}

static int check_manual(const ctrd_client *client)
{
	if (!client)
		return CTRD_EINVAL;
	if (is_foreign(client))
		return CTRD_EFORKED;
	return client->kind == CTRD__LOOP_MANUAL ? CTRD_OK : CTRD_EPRECONDITION;
}

int ctrd_client_fd(const ctrd_client *client)
{
	int status = check_manual(client);
	return status ? status : uv_backend_fd(client->loop);
}

int ctrd_client_timeout_ms(const ctrd_client *client)
{
	if (check_manual(client) || client->stage == CTRD__CLOSED)
		return check_manual(client) ? 0 : -1;
	uv_update_time(client->loop);
	return uv_backend_timeout(client->loop);
}

int ctrd_client_dispatch(ctrd_client *client)
{
	int status = check_manual(client);
	if (status)
		return status;
	if (client->dispatching)
		return CTRD_EPRECONDITION;
	atomic_fetch_add(&client->memory_refs, 1);
	uv_mutex_lock(&client->lock);
	client->loop_thread = uv_thread_self();
	client->dispatching = true;
	uv_mutex_unlock(&client->lock);
	if (client->stage != CTRD__CLOSED)
		uv_run(client->loop, UV_RUN_NOWAIT);
	uv_mutex_lock(&client->lock);
	client->dispatching = false;
	uv_mutex_unlock(&client->lock);
	if (client->orphan)
		end_manual_loop(client);
	ctrd__client_memory_unref(client);
	return CTRD_OK;
}

const struct ctrd__client_config *ctrd__client_config(const ctrd_client *client)
{
	return &client->config;
}

void ctrd__client_set_backend_data(ctrd_client *client, void *data)
{
	client->backend_data = data;
}

void *ctrd__client_backend_data(const ctrd_client *client)
{
	return client->backend_data;
}

void ctrd__client_log(ctrd_client *client, int level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (!client->config.log.fn || level > client->config.log_level)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	uv_mutex_lock(&client->log_lock);
	client->config.log.fn(level, line, client->config.log.data);
	uv_mutex_unlock(&client->log_lock);
}
