/*
 * Rule 3: ret_op may be NULL; dropping a reference never cancels.
 */
#include "scenario.h"

static void on_done(ctrd_op *op, void *data)
{
	scene_note(data, "%s %d", ctrd_op_verb(op), ctrd_op_status(op));
}

TEST(calls_go_on_without_a_reference)
{
	struct scene *scene = scene_open();
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;
	ctrd_done done = {on_done, scene, NULL};
	char *spec = scene_spec(PROGRAM("exit", "0"));
	ctrd_op *op = NULL;

	options.spec = spec;
	CHECK_INT(ctrd_container_create(scene->client, "a", &options, done, NULL), CTRD_OK);
	CHECK_INT(ctrd_container_start(scene->client, "a", NULL, done, &op), CTRD_OK);
	ctrd_op_unref(op);
	scene_await(scene, "container create 0", 1, NULL);
	scene_await(scene, "container start 0", 1, NULL);
	CHECK_INT(scene_wait(scene, "a", "init").code, 0);
	scene_delete(scene, "a");
	scene_close(scene);
	free(spec);
}
