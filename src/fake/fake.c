/*
 * fake.c: the backend "fake:": its table, the life of a client's part, and the way of a call: luck, lock, work, answer.
 * Not responsible for what the calls do.
 *
 * Invariant: a call does its work at once; only its answer may wait (or never come).
 */
#include "fake/call.h"

#include <stdlib.h>
#include <unistd.h>

#include "util/map.h"

/*
 * Calls
 */

static void free_call(struct ctrd__fake_call *call)
{
	ctrd__timer_free(call->timer);
	ctrd_error_unref(call->error);
	ctrd__list_remove(&call->node);
	free(call);
}

void ctrd__fake_calls_drop(struct ctrd__fake_client *client)
{
	ctrd__list_foreach(node, &client->calls)
	{
		free_call(ctrd__container_of(node, struct ctrd__fake_call, node));
	}
}

static void finish(struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_error *error = call->error;
	ctrd_op *op = call->op;

	if (call->holds) {
		pthread_mutex_lock(&world->lock);
		struct ctrd__fake_container *container =
			ctrd__fake_container_find(world, op->container_id);
		if (container && container->holds && container->holder == call->client)
			container->holds--;
		pthread_mutex_unlock(&world->lock);
	}
	call->error = NULL;
	free_call(call);
	ctrd__op_finish(op, error);
}

static void on_delay(void *data)
{
	struct ctrd__fake_call *call = data;

	call->timer = NULL;
	finish(call);
}

void ctrd__fake_answer(struct ctrd__fake_call *call, ctrd_error *error)
{
	struct ctrd__fake_client *client = call->client;

	call->error = error;
	if (call->luck.hang ||
	    (call->luck.delay_ms &&
	     !ctrd__timer_new(client->client, call->luck.delay_ms, on_delay, call, &call->timer)))
		ctrd__list_insert_tail(&client->calls, &call->node);
	else
		finish(call);
}

static bool changes(const ctrd_op *op)
{
	enum ctrd__verb_class class = ctrd__verb_class(op->verb);

	return (class == CTRD__CLASS_CHANGE && op->verb != CTRD__VERB_LOAD) ||
	       class == CTRD__CLASS_EXEC || op->verb == CTRD__VERB_PROCESS_DELETE;
}

/* Between clients a lock decides; the loser hears who holds it. */
static ctrd_error *hold(struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_error *error = NULL;

	if (!changes(call->op))
		return NULL;
	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container =
		ctrd__fake_container_find(world, call->op->container_id);
	if (container && container->holds && container->holder != call->client) {
		error = ctrd__fake_error(CTRD_EABORTED,
					 "container \"%s\": process %d has a call under way",
					 container->id, (int)getpid());
	} else if (container) {
		container->holder = call->client;
		container->holds++;
		call->holds = true;
	}
	pthread_mutex_unlock(&world->lock);
	return error;
}

static ctrd_error *work(struct ctrd__fake_call *call)
{
	static ctrd_error *(*const verbs[CTRD__VERB_COUNT])(struct ctrd__fake_call * call) = {
		[CTRD__VERB_VERSION] = ctrd__fake_version,
		[CTRD__VERB_LOAD] = ctrd__fake_load,
		[CTRD__VERB_CREATE] = ctrd__fake_create,
		[CTRD__VERB_TASK_CREATE] = ctrd__fake_task_create,
		[CTRD__VERB_START] = ctrd__fake_start,
		[CTRD__VERB_EXEC] = ctrd__fake_exec,
		[CTRD__VERB_SIGNAL] = ctrd__fake_signal,
		[CTRD__VERB_RESIZE] = ctrd__fake_resize,
		[CTRD__VERB_CLOSE_STDIN] = ctrd__fake_close_stdin,
		[CTRD__VERB_RELEASE_STDIO] = ctrd__fake_release_stdio,
		[CTRD__VERB_PROCESS_DELETE] = ctrd__fake_process_delete,
		[CTRD__VERB_PROCESS_LIST] = ctrd__fake_process_list,
		[CTRD__VERB_PAUSE] = ctrd__fake_pause,
		[CTRD__VERB_RESUME] = ctrd__fake_resume,
		[CTRD__VERB_STATS] = ctrd__fake_stats,
		[CTRD__VERB_PIDS] = ctrd__fake_pids,
		[CTRD__VERB_STATUS] = ctrd__fake_status,
		[CTRD__VERB_UPDATE] = ctrd__fake_update,
		[CTRD__VERB_CHECKPOINT] = ctrd__fake_checkpoint,
		[CTRD__VERB_TASK_DELETE] = ctrd__fake_task_delete,
		[CTRD__VERB_DELETE] = ctrd__fake_delete,
		[CTRD__VERB_INSPECT] = ctrd__fake_inspect,
		[CTRD__VERB_LIST] = ctrd__fake_list,
	};
	const ctrd_op *op = call->op;

	if (call->luck.lose)
		ctrd__fake_lose(call->client, call->luck.lose_ms);
	if (call->client->lost)
		return ctrd__fake_error(CTRD_EUNAVAILABLE, "%s: the backend is gone",
					ctrd__verb_name(op->verb));
	if (call->luck.fail)
		return ctrd__fake_error(call->luck.fail, "%s: a fault of the script",
					ctrd__verb_name(op->verb));
	ctrd_error *error = hold(call);
	return error ? error : verbs[op->verb](call);
}

static void verb(ctrd_op *op)
{
	struct ctrd__fake_client *client = ctrd__client_backend_data(op->client);
	struct ctrd__fake_call *call = calloc(1, sizeof(*call));

	if (!call) {
		ctrd__op_finish(op, ctrd__error_nomem());
		return;
	}
	ctrd__list_init(&call->node);
	call->client = client;
	call->op = op;
	ctrd__fake_drain(client);
	ctrd__fake_faults_call(client, op, &call->luck);
	ctrd_error *error = work(call);
	ctrd__fake_drain(client); /* what it made happen comes before its answer */
	ctrd__fake_answer(call, error);
}

/*
 * Clients
 */

static int open_client(ctrd_client *core, const char *rest,
		       const struct ctrd__client_config *config, ctrd_error **ret_error)
{
	struct ctrd__fake_client *client = calloc(1, sizeof(*client));
	struct ctrd__fake_world *world = client ? ctrd__fake_world_get(rest, config->name_space)
						: NULL;

	if (!world) {
		free(client);
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	client->client = core;
	client->world = world;
	client->owner = getpid();
	client->watch_all = config->flags & CTRD_CLIENT_WATCH_ALL;
	client->wake.fn = ctrd__fake_wake;
	ctrd__list_init(&client->wake.node);
	ctrd__list_init(&client->node);
	ctrd__list_init(&client->inbox);
	ctrd__list_init(&client->faults);
	ctrd__list_init(&client->calls);
	ctrd__list_init(&client->ios);
	ctrd__map_init(&client->views);
	ctrd__fake_world_join(world, client);
	ctrd__client_set_backend_data(core, client);
	return CTRD_OK;
}

static void begin_client(ctrd_client *core)
{
	struct ctrd__fake_client *client = ctrd__client_backend_data(core);

	ctrd__fake_world_listen(client->world, client);
}

static void leave(struct ctrd__fake_client *client)
{
	ctrd__fake_calls_drop(client);
	ctrd__fake_io_leave(client);
	ctrd__fake_world_leave(client->world, client);
	ctrd__fake_notice_close(client);
}

static void close_client(ctrd_client *core)
{
	leave(ctrd__client_backend_data(core));
	ctrd__client_backend_closed(core);
}

static void free_client(ctrd_client *core)
{
	struct ctrd__fake_client *client = ctrd__client_backend_data(core);

	if (client->owner != getpid()) {
		/* A forked child: what is shared may be half-changed, and its lock be held by nobody. */
		free(client);
		return;
	}
	if (client->joined)
		leave(client);
	ctrd__fake_faults_clear(client);
	ctrd__map_done(&client->views);
	ctrd__fake_world_unref(client->world);
	free(client);
}

static uint64_t capabilities(const ctrd_client *core)
{
	(void)core;
	return CTRD_CAN_PAUSE | CTRD_CAN_CHECKPOINT | CTRD_CAN_UPDATE | CTRD_CAN_TERMINAL |
	       CTRD_CAN_STATS | CTRD_CAN_WATCH_ALL | CTRD_CAN_LATE_EXIT;
}

const struct ctrd__backend_ops ctrd__fake_ops = {
	.scheme = "fake:",
	.name = "fake",
	.open = open_client,
	.begin = begin_client,
	.verbs =
		{
			[CTRD__VERB_VERSION] = verb,	    [CTRD__VERB_LOAD] = verb,
			[CTRD__VERB_CREATE] = verb,	    [CTRD__VERB_TASK_CREATE] = verb,
			[CTRD__VERB_START] = verb,	    [CTRD__VERB_EXEC] = verb,
			[CTRD__VERB_SIGNAL] = verb,	    [CTRD__VERB_RESIZE] = verb,
			[CTRD__VERB_CLOSE_STDIN] = verb,    [CTRD__VERB_RELEASE_STDIO] = verb,
			[CTRD__VERB_PROCESS_DELETE] = verb, [CTRD__VERB_PROCESS_LIST] = verb,
			[CTRD__VERB_PAUSE] = verb,	    [CTRD__VERB_RESUME] = verb,
			[CTRD__VERB_STATS] = verb,	    [CTRD__VERB_PIDS] = verb,
			[CTRD__VERB_STATUS] = verb,	    [CTRD__VERB_UPDATE] = verb,
			[CTRD__VERB_CHECKPOINT] = verb,	    [CTRD__VERB_TASK_DELETE] = verb,
			[CTRD__VERB_DELETE] = verb,	    [CTRD__VERB_INSPECT] = verb,
			[CTRD__VERB_LIST] = verb,
		},
	.capabilities = capabilities,
	.close = close_client,
	.free = free_client,
};
