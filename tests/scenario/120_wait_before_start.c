/*
 * A wait may be asked for before the process is started, or even made.
 */
#include "scenario.h"

TEST(a_wait_submitted_behind_the_start_gets_the_exit)
{
	struct scene *scene = scene_open();
	ctrd_exit result = CTRD_EXIT_INIT;

	scene_create(scene, "a", PROGRAM("exit", "7"));
	ctrd_op *start = MADE(ctrd_container_start(scene->client, "a", NULL, NOBODY, &op));
	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op));
	CHECK_INT(scene_end_of(start), CTRD_OK);
	CHECK_INT(ctrd_op_status(scene_await_op(wait)), CTRD_OK);
	CHECK_INT(ctrd_op_get_exit(wait, &result), CTRD_OK);
	CHECK_INT(result.code, 7);
	ctrd_op_unref(wait);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(a_wait_on_a_created_task_gets_the_exit)
{
	struct scene *scene = scene_open();
	ctrd_exit result = CTRD_EXIT_INIT;

	scene_create(scene, "a", PROGRAM("exit", "8"));
	CHECK_INT(END(ctrd_task_create(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op));
	CHECK_INT(scene_try_start(scene, "a"), CTRD_OK);
	CHECK_INT(ctrd_op_status(scene_await_op(wait)), CTRD_OK);
	CHECK_INT(ctrd_op_get_exit(wait, &result), CTRD_OK);
	CHECK_INT(result.code, 8);
	ctrd_op_unref(wait);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(a_wait_for_nobody_is_refused)
{
	struct scene *scene = scene_open();

	CHECK_INT(END(ctrd_process_wait(scene->client, "nobody", "init", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	scene_create(scene, "a", PROGRAM("exit", "0"));
	CHECK_INT(END(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	scene_delete(scene, "a");
	scene_close(scene);
}
