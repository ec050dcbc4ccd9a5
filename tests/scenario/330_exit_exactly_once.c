/*
 * An exit is told exactly once: when the backend tells it twice, and when its telling is lost.
 */
#include "scenario.h"

TEST(events_that_come_twice_are_told_once)
{
	struct scene *scene = scene_open();

	scene_fault(scene, CTRD_FAKE_DUPLICATE_EVENT, NULL, 0, 0, 0);
	scene_begin(scene, "a", PROGRAM("exit", "7"));
	CHECK_INT(scene_wait(scene, "a", "init").code, 7);
	scene_delete(scene, "a");
	char *told = scene_told(scene, NULL);
	CHECK_STR(told, "create a/init\nstart a/init\nexit a/init\n");
	free(told);
	scene_close(scene);
}

TEST(an_exit_that_was_lost_is_found_again)
{
	struct scene *scene = scene_open();
	ctrd_event event;

	scene_fault(scene, CTRD_FAKE_DROP_EVENT, "exit", 1, 20, 0);
	scene_begin(scene, "a", PROGRAM("exit", "7"));
	CHECK_INT(scene_wait(scene, "a", "init").code, 7);
	scene_await(scene, "resync-end", 1, NULL);
	scene_await(scene, "exit a/init", 1, &event);
	CHECK_INT(event.flags, CTRD_EXIT_INFERRED);
	scene_delete(scene, "a");
	char *told = scene_told(scene, NULL);
	CHECK_STR(told, "create a/init\nstart a/init\nresync-begin\nexit a/init\nresync-end\n");
	free(told);
	scene_close(scene);
}

TEST(a_delete_does_not_swallow_a_lost_exit)
{
	struct scene *scene = scene_open();

	scene_fault(scene, CTRD_FAKE_DROP_EVENT, "exit", 1, 600000, 0);
	scene_begin(scene, "a", PROGRAM("sleep"));
	CHECK_INT(ctrd_fake_exit(scene->client, "a", "init", 3, 0), CTRD_OK);
	ctrd_op *status;
	uint32_t state;
	do {
		status = ENDED(ctrd_container_status(scene->client, "a", NULL, NOBODY, &op));
		CHECK_INT(ctrd_op_get_state(status, &state), CTRD_OK);
		ctrd_op_unref(status);
	} while (state != CTRD_TASK_STOPPED);
	CHECK_INT(scene_count(scene, "exit a/init"), 0);
	CHECK_INT(END(ctrd_task_delete(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(scene_count(scene, "exit a/init"), 1);
	scene_delete(scene, "a");
	scene_close(scene);
}
