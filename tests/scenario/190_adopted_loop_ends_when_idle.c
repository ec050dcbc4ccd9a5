/*
 * A client keeps an adopted loop alive while an op is under way, and not otherwise, unless it is told to.
 */
#include "scenario.h"

#include <uv.h>

static struct scene *open_on(uv_loop_t *loop, uint32_t flags)
{
	struct scene *scene = scene_new();
	ctrd_client_options options = scene_options(scene);
	options.loop = loop;
	options.loop_size = uv_loop_size();
	options.flags = flags;
	return scene_open_with(&options, scene);
}

static void close_on(uv_loop_t *loop, struct scene *scene)
{
	CHECK_INT(ctrd_client_close(scene->client, NULL, NOBODY, NULL), CTRD_OK);
	CHECK_INT(uv_run(loop, UV_RUN_DEFAULT), 0);
	scene_free(scene);
	CHECK_INT(uv_loop_close(loop), 0);
}

TEST(the_loop_ends_once_the_ops_have)
{
	uv_loop_t loop;
	CHECK_INT(uv_loop_init(&loop), 0);
	struct scene *scene = open_on(&loop, 0);
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_delete_options force = CTRD_DELETE_OPTIONS_INIT;
	char *spec = scene_spec(PROGRAM("sleep"));

	create.spec = spec;
	force.flags = CTRD_DELETE_FORCE;
	CHECK_INT(ctrd_container_create(scene->client, "a", &create, NOBODY, NULL), CTRD_OK);
	ctrd_op *start = MADE(ctrd_container_start(scene->client, "a", NULL, NOBODY, &op));
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(ctrd_op_status(start), CTRD_OK);
	ctrd_op_unref(start);

	ctrd_op *delete = MADE(ctrd_container_delete(scene->client, "a", &force, NOBODY, &op));
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(ctrd_op_status(delete), CTRD_OK);
	ctrd_op_unref(delete);
	close_on(&loop, scene);
	free(spec);
}

static void on_done(ctrd_op *op, void *data)
{
	CHECK_INT(ctrd_op_status(op), CTRD_OK);
	scene_note(data, "done");
}

static void on_timer(uv_timer_t *timer)
{
	struct scene *scene = timer->data;
	ctrd_done done = {on_done, scene, NULL};

	CHECK_INT(ctrd_client_version(scene->client, NULL, done, NULL), CTRD_OK);
	uv_close((uv_handle_t *)timer, NULL);
}

/* The loop outlives its own last timer only because an op was submitted from it. */
TEST(an_op_submitted_on_the_loop_keeps_it_alive)
{
	uv_loop_t loop;
	uv_timer_t timer;
	CHECK_INT(uv_loop_init(&loop), 0);
	struct scene *scene = open_on(&loop, 0);

	uv_timer_init(&loop, &timer);
	timer.data = scene;
	uv_timer_start(&timer, on_timer, 1, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(scene_count(scene, "done"), 1);
	close_on(&loop, scene);
}

TEST(keep_loop_keeps_it_alive_while_the_client_is_open)
{
	uv_loop_t loop;
	CHECK_INT(uv_loop_init(&loop), 0);
	struct scene *scene = open_on(&loop, CTRD_CLIENT_KEEP_LOOP);

	uv_run(&loop, UV_RUN_NOWAIT);
	CHECK(uv_loop_alive(&loop));
	close_on(&loop, scene);
}

TEST(a_loop_of_another_size_is_refused)
{
	uv_loop_t loop;
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;

	CHECK_INT(uv_loop_init(&loop), 0);
	options.loop = &loop;
	options.loop_size = uv_loop_size() + 8;
	CHECK_INT(ctrd_client_open(scene_address(), &options, &client, &error), CTRD_EABI);
	CHECK_CONTAINS(ctrd_error_message(error), "loop_size");
	CHECK(client == NULL);
	ctrd_error_unref(error);
	CHECK_INT(uv_loop_close(&loop), 0);
}
