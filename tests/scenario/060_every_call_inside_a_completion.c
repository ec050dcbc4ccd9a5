/*
 * Rule 6: inside a completion or an event every call is allowed that does not block.
 */
#include "scenario.h"

struct chain {
	struct scene *scene;
	char *spec;
};

static void on_closed(ctrd_op *op, void *data)
{
	scene_note(((struct chain *)data)->scene, "%s %d", ctrd_op_verb(op), ctrd_op_status(op));
}

static void on_deleted(ctrd_op *op, void *data)
{
	struct chain *chain = data;
	ctrd_done done = {on_closed, chain, NULL};

	CHECK_INT(ctrd_op_status(op), CTRD_OK);
	CHECK_INT(ctrd_op_wait(op, 0), CTRD_EWRONGTHREAD);
	CHECK_INT(ctrd_client_close(chain->scene->client, NULL, done, NULL), CTRD_OK);
}

static void on_started(ctrd_op *op, void *data)
{
	CHECK_INT(ctrd_op_status(op), CTRD_OK);
	(void)data;
}

static void on_event(struct scene *scene, const ctrd_event *event)
{
	ctrd_delete_options options = CTRD_DELETE_OPTIONS_INIT;
	ctrd_done done = {on_deleted, scene->data, NULL};

	if (event->kind != CTRD_EVENT_EXIT)
		return;
	options.flags = CTRD_DELETE_FORCE;
	CHECK_INT(ctrd_container_delete(scene->client, "a", &options, done, NULL), CTRD_OK);
}

static void on_created(ctrd_op *op, void *data)
{
	struct chain *chain = data;
	ctrd_done done = {on_started, chain, NULL};

	CHECK_INT(ctrd_op_status(op), CTRD_OK);
	CHECK_INT(ctrd_container_start(chain->scene->client, "a", NULL, done, NULL), CTRD_OK);
}

TEST(a_life_from_completion_to_completion)
{
	struct chain chain = {scene_new(), scene_spec(PROGRAM("exit", "0"))};
	ctrd_client_options options = scene_options(chain.scene);
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_done done = {on_created, &chain, NULL};

	chain.scene->on_event = on_event;
	chain.scene->data = &chain;
	create.spec = chain.spec;
	scene_open_with(&options, chain.scene);
	CHECK_INT(ctrd_container_create(chain.scene->client, "a", &create, done, NULL), CTRD_OK);
	scene_await(chain.scene, "client close 0", 1, NULL);
	scene_free(chain.scene);
	free(chain.spec);
}
