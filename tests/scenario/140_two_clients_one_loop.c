/*
 * Two clients share one adopted loop, and closing one does not disturb the other.
 */
#include "scenario.h"

#include <uv.h>

static void run_until(uv_loop_t *loop, ctrd_op *op)
{
	while (!ctrd_op_is_done(op))
		uv_run(loop, UV_RUN_ONCE);
	CHECK_INT(ctrd_op_status(op), CTRD_OK);
	ctrd_op_unref(op);
}

static struct scene *open_on(uv_loop_t *loop)
{
	struct scene *scene = scene_new();
	ctrd_client_options options = scene_options(scene);
	options.loop = loop;
	options.loop_size = uv_loop_size();
	return scene_open_with(&options, scene);
}

static void life(uv_loop_t *loop, struct scene *scene, const char *id)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_delete_options force = CTRD_DELETE_OPTIONS_INIT;
	char *spec = scene_spec(PROGRAM("exit", "0"));

	create.spec = spec;
	force.flags = CTRD_DELETE_FORCE;
	run_until(loop, MADE(ctrd_container_create(scene->client, id, &create, NOBODY, &op)));
	run_until(loop, MADE(ctrd_container_start(scene->client, id, NULL, NOBODY, &op)));
	run_until(loop, MADE(ctrd_process_wait(scene->client, id, "init", NULL, NOBODY, &op)));
	run_until(loop, MADE(ctrd_container_delete(scene->client, id, &force, NOBODY, &op)));
	free(spec);
}

TEST(two_clients_live_on_one_loop)
{
	uv_loop_t loop;
	CHECK_INT(uv_loop_init(&loop), 0);
	struct scene *one = open_on(&loop), *two = open_on(&loop);

	life(&loop, one, "a");
	life(&loop, two, "b");
	run_until(&loop, MADE(ctrd_client_close(one->client, NULL, NOBODY, &op)));
	scene_free(one);
	life(&loop, two, "c");
	run_until(&loop, MADE(ctrd_client_close(two->client, NULL, NOBODY, &op)));
	CHECK_INT(uv_run(&loop, UV_RUN_DEFAULT), 0);
	scene_free(two);
	CHECK_INT(uv_loop_close(&loop), 0);
}
