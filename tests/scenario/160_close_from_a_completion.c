/*
 * The client may be closed, and its last handle dropped, from inside a completion.
 */
#include "scenario.h"

static void on_closed(ctrd_op *op, void *data)
{
	scene_note(data, "closed %d", ctrd_op_status(op));
}

static void on_done(ctrd_op *op, void *data)
{
	struct scene *scene = data;
	ctrd_done done = {on_closed, scene, NULL};

	(void)op;
	CHECK_INT(ctrd_client_close(scene->client, NULL, done, NULL), CTRD_OK);
	CHECK_INT(ctrd_client_version(scene->client, NULL, NOBODY, NULL), CTRD_ECLOSED);
}

TEST(close_from_a_completion)
{
	struct scene *scene = scene_open();
	ctrd_done done = {on_done, scene, NULL};

	CHECK_INT(ctrd_client_version(scene->client, NULL, done, NULL), CTRD_OK);
	scene_await(scene, "closed 0", 1, NULL);
	scene_free(scene);
}

static void drop(ctrd_op *op, void *data)
{
	struct scene *scene = data;
	(void)op;
	scene->client = ctrd_client_unref(scene->client);
	scene_note(scene, "dropped");
}

TEST(last_handle_dropped_in_a_completion)
{
	struct scene *scene = scene_open();
	ctrd_done done = {drop, scene, NULL};

	CHECK_INT(ctrd_client_version(scene->client, NULL, done, NULL), CTRD_OK);
	scene_await(scene, "dropped", 1, NULL);
	scene_free(scene);
}
