/*
 * A run is create, start, wait and delete as one op; cancelling it deletes by force; whatever fails, nothing is left.
 */
#include "scenario.h"

static ctrd_op *run(struct scene *scene, const char *const *program, const ctrd_stdio *stdio)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_run_options options = CTRD_RUN_OPTIONS_INIT;
	char *spec = scene_spec(program);

	create.spec = spec;
	options.create = &create;
	options.stdio = stdio;
	ctrd_op *made = MADE(ctrd_container_run(scene->client, "a", &options, NOBODY, &op));
	free(spec);
	return made;
}

TEST(a_run_gives_the_exit_and_the_output)
{
	struct scene *scene = scene_open();
	struct sink *sink = sink_new();
	ctrd_stdio stdio = sink_stdio(sink, CTRD_STREAM_NULL, CTRD_STREAM_DATA);
	ctrd_exit result = CTRD_EXIT_INIT;

	ctrd_op *done = scene_await_op(run(scene, PROGRAM("echo", "hello"), &stdio));
	CHECK_INT(ctrd_op_status(done), CTRD_OK);
	CHECK_INT(ctrd_op_get_exit(done, &result), CTRD_OK);
	CHECK_INT(result.code, 0);
	ctrd_op_unref(done);
	CHECK_STR(sink->bytes, "hello\n");
	CHECK_INT(sink->ends, 1);
	sink_await_release(sink);

	done = scene_await_op(run(scene, PROGRAM("exit", "7"), NULL));
	CHECK_INT(ctrd_op_get_exit(done, &result), CTRD_OK);
	CHECK_INT(result.code, 7);
	ctrd_op_unref(done);
	scene_close(scene);
	sink_free(sink);
}

static int inspect(struct scene *scene)
{
	return END(ctrd_container_inspect(scene->client, "a", NULL, NOBODY, &op));
}

TEST(a_cancelled_run_deletes_by_force)
{
	struct scene *scene = scene_open();

	ctrd_op *running = run(scene, PROGRAM("sleep"), NULL);
	scene_await(scene, "start a/init", 1, NULL);
	CHECK_INT(ctrd_op_cancel(running), CTRD_OK);
	CHECK_INT(scene_end_of(running), CTRD_ECANCELED);
	WAIT_UNTIL(inspect(scene) == CTRD_ENOTFOUND, 30);
	CHECK_INT(scene_count(scene, "exit a/init"), 1);
	scene_close(scene);
}

TEST(a_run_that_fails_leaves_nothing)
{
	struct scene *scene = scene_open();

	CHECK_INT(scene_end_of(run(scene, PROGRAM("missing"), NULL)), CTRD_EINVAL);
	CHECK_INT(inspect(scene), CTRD_ENOTFOUND);
	scene_create(scene, "a", PROGRAM("sleep"));
	CHECK_INT(scene_end_of(run(scene, PROGRAM("exit", "0"), NULL)), CTRD_EEXISTS);
	scene_delete(scene, "a");
	scene_close(scene);
}
