/*
 * While the backend is gone calls end with CTRD_EUNAVAILABLE; once it is back, what was missed is told, marked as
 * inferred, between resync-begin and resync-end.
 */
#include "scenario.h"

TEST(what_was_missed_is_told_after_the_gap)
{
	struct scene *scene = scene_open(), *other = scene_open();
	ctrd_event event;

	scene_begin(scene, "a", PROGRAM("sleep"));
	CHECK_INT(END(ctrd_container_load(other->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	scene_fault(scene, CTRD_FAKE_LOSE_BACKEND, "client version", 1, 300, 0);
	CHECK_INT(END(ctrd_client_version(scene->client, NULL, NOBODY, &op)), CTRD_EUNAVAILABLE);
	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op));

	/* Meanwhile, as others see it. */
	scene_exec(other, "a", "x", PROGRAM("exit", "4"));
	CHECK_INT(scene_wait(other, "a", "x").code, 4);
	CHECK_INT(END(ctrd_container_pause(other->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(END(ctrd_container_pause(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_EUNAVAILABLE);
	CHECK_INT(scene_count(scene, "paused a"), 0);

	scene_await(scene, "resync-end", 1, NULL);
	scene_await(scene, "exit a/x", 1, &event);
	CHECK_INT(event.code, 4);
	CHECK_INT(event.flags, CTRD_EXIT_INFERRED);
	char *told = scene_told(scene, NULL);
	CHECK_STR(
		told,
		"create a/init\nstart a/init\nresync-begin\nexec-added a/x\nexec-started a/x\nexit a/x\n"
		"paused a\nresync-end\n");
	free(told);
	CHECK_INT(ctrd_op_is_done(wait), 0);
	scene_delete(scene, "a");
	CHECK_INT(scene_end_of(wait), CTRD_OK);
	scene_close(other);
	scene_close(scene);
}

TEST(a_life_that_ended_in_the_gap_has_an_unknown_exit)
{
	struct scene *scene = scene_open(), *other = scene_open();
	ctrd_event event;

	scene_begin(scene, "a", PROGRAM("sleep"));
	scene_fault(scene, CTRD_FAKE_LOSE_BACKEND, "client version", 1, 300, 0);
	CHECK_INT(END(ctrd_client_version(scene->client, NULL, NOBODY, &op)), CTRD_EUNAVAILABLE);
	scene_delete(other, "a");
	scene_await(scene, "exit a/init", 1, &event);
	CHECK_INT(event.code, 255);
	CHECK_INT(event.flags, CTRD_EXIT_INFERRED | CTRD_EXIT_UNKNOWN);
	scene_close(other);
	scene_close(scene);
}
