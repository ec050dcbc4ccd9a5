/*
 * A NULL where none is allowed gets a status of its own and a message that names it.
 */
#include "scenario.h"

static void check(ctrd_op *op, const char *names)
{
	CHECK_INT(ctrd_op_status(op), CTRD_EINVAL);
	CHECK_CONTAINS(ctrd_error_message(ctrd_op_error(op)), names);
	ctrd_op_unref(op);
}

TEST(calls_name_what_is_null)
{
	struct scene *scene = scene_open();
	ctrd_client *client = scene->client;
	ctrd_checkpoint_options checkpoint = CTRD_CHECKPOINT_OPTIONS_INIT;
	scene_begin(scene, "a", PROGRAM("sleep"));

	check(ENDED(ctrd_container_create(client, "b", NULL, NOBODY, &op)), "spec");
	check(ENDED(ctrd_container_run(client, "b", NULL, NOBODY, &op)), "spec");
	check(ENDED(ctrd_container_status(client, NULL, NULL, NOBODY, &op)), "container id");
	check(ENDED(ctrd_process_wait(client, "a", NULL, NULL, NOBODY, &op)), "process id");
	check(ENDED(ctrd_process_exec(client, "a", "x", NULL, NOBODY, &op)), "process");
	check(ENDED(ctrd_container_update(client, "a", NULL, NOBODY, &op)), "resources");
	check(ENDED(ctrd_container_checkpoint(client, "a", &checkpoint, NOBODY, &op)), "directory");
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(streams_name_what_is_missing)
{
	struct scene *scene = scene_open();
	ctrd_start_options start = CTRD_START_OPTIONS_INIT;
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	scene_create(scene, "a", PROGRAM("exit", "0"));
	start.stdio = &stdio;

	stdio.out = CTRD_STREAM_PIPE;
	check(ENDED(ctrd_container_start(scene->client, "a", &start, NOBODY, &op)), "out");
	stdio.out = CTRD_STREAM_DATA;
	check(ENDED(ctrd_container_start(scene->client, "a", &start, NOBODY, &op)), "out");
	stdio.out = CTRD_STREAM_FILE;
	check(ENDED(ctrd_container_start(scene->client, "a", &start, NOBODY, &op)), "out");
	stdio.out = CTRD_STREAM_FD;
	check(ENDED(ctrd_container_start(scene->client, "a", &start, NOBODY, &op)), "out");
	stdio.out = CTRD_STREAM_NULL;
	stdio.in = CTRD_STREAM_DATA;
	check(ENDED(ctrd_container_start(scene->client, "a", &start, NOBODY, &op)), "in");
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(what_is_synchronous_answers_at_once)
{
	struct scene *scene = scene_open();
	ctrd_client *client = NULL;
	uint32_t pid = 7;

	CHECK_INT(ctrd_client_open(NULL, NULL, &client, NULL), CTRD_EINVAL);
	CHECK_INT(ctrd_client_open(scene_address(), NULL, NULL, NULL), CTRD_EINVAL);
	CHECK_INT(ctrd_client_version(NULL, NULL, NOBODY, NULL), CTRD_EINVAL);
	CHECK_INT(ctrd_stdio_resume(NULL, "a", "init"), CTRD_EINVAL);
	CHECK_INT(ctrd_stdio_resume(scene->client, NULL, "init"), CTRD_EINVAL);
	CHECK_INT(ctrd_op_get_pid(NULL, &pid), CTRD_EINVAL);
	CHECK_INT(ctrd_op_status(NULL), CTRD_EINVAL);
	CHECK(ctrd_op_error(NULL) == NULL);
	CHECK_STR(ctrd_op_verb(NULL), "");
	CHECK_INT(ctrd_client_capabilities(NULL), 0);
	ctrd_op *version = ENDED(ctrd_client_version(scene->client, NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_version(version, NULL), CTRD_EINVAL);
	CHECK_INT(ctrd_op_get_pid(version, &pid), CTRD_EINVAL); /* it has none */
	CHECK_INT(pid, 7);
	ctrd_op_unref(version);
	scene_close(scene);
}
