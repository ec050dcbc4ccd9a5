/*
 * A wait for what has ended completes at once, as often as it is asked, until the task is deleted.
 */
#include "scenario.h"

TEST(the_exit_stays_readable_until_the_task_is_deleted)
{
	struct scene *scene = scene_open();
	ctrd_exit last = CTRD_EXIT_INIT;

	scene_begin(scene, "a", PROGRAM("exit", "42"));
	scene_await(scene, "exit a/init", 1, NULL);
	for (int i = 0; i < 3; i++) {
		ctrd_exit result = scene_wait(scene, "a", "init");
		CHECK_INT(result.code, 42);
		CHECK_INT(result.flags, 0);
		CHECK(result.exited_at_ns > 0);
		CHECK(result.task != 0);
	}
	ctrd_op *delete = ENDED(ctrd_task_delete(scene->client, "a", NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_exit(delete, &last), CTRD_OK);
	CHECK_INT(last.code, 42);
	ctrd_op_unref(delete);
	CHECK_INT(END(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	CHECK_INT(END(ctrd_container_delete(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	scene_close(scene);
}

TEST(death_by_a_signal_is_told_as_such)
{
	struct scene *scene = scene_open();

	scene_begin(scene, "a", PROGRAM("sleep"));
	scene_kill(scene, "a", "init");
	ctrd_exit result = scene_wait(scene, "a", "init");
	CHECK_INT(result.code, 128 + 9);
	CHECK_INT(result.signal, 9);
	CHECK_INT(result.flags & (CTRD_EXIT_SIGNALED | CTRD_EXIT_UNKNOWN), CTRD_EXIT_SIGNALED);
	CHECK_INT(END(ctrd_process_signal(scene->client, "a", "init", 9, NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	scene_delete(scene, "a");
	scene_close(scene);
}
