/*
 * A forced delete overtakes: what is queued before it ends with CTRD_EABORTED, what runs finishes first.
 */
#include "scenario.h"

TEST(queued_calls_end_when_a_forced_delete_comes)
{
	struct scene *scene = scene_open();
	ctrd_client *client = scene->client;
	ctrd_delete_options force = CTRD_DELETE_OPTIONS_INIT;
	ctrd_exit result = CTRD_EXIT_INIT;

	force.flags = CTRD_DELETE_FORCE;
	if (scene_is_fake())
		scene_fault(scene, CTRD_FAKE_DELAY, "container start", 1, 100, 0);
	scene_create(scene, "a", PROGRAM("sleep"));
	ctrd_op *start = MADE(ctrd_container_start(client, "a", NULL, NOBODY, &op));
	scene_await(scene, "start a/init", 1, NULL);
	ctrd_op *pause = MADE(ctrd_container_pause(client, "a", NULL, NOBODY, &op));
	ctrd_op *resume = MADE(ctrd_container_resume(client, "a", NULL, NOBODY, &op));
	ctrd_op *delete = MADE(ctrd_container_delete(client, "a", &force, NOBODY, &op));
	CHECK_INT(ctrd_op_status(scene_await_op(delete)), CTRD_OK);
	int started = scene_end_of(start), paused = scene_end_of(pause),
	    resumed = scene_end_of(resume);
	if (scene_is_fake()) {
		CHECK_INT(ctrd_op_get_exit(delete, &result), CTRD_OK);
		CHECK_INT(result.signal, 9);
	}
	CHECK_INT(started, CTRD_OK);
	/* Where the start has answered before, they may have been carried out. */
	CHECK(paused == CTRD_EABORTED || (paused == CTRD_OK && !scene_is_fake()));
	CHECK(resumed == CTRD_EABORTED || (resumed == CTRD_OK && !scene_is_fake()));
	ctrd_op_unref(delete);
	scene_close(scene);
}

TEST(a_plain_delete_needs_the_task_to_be_gone)
{
	struct scene *scene = scene_open();

	scene_begin(scene, "a", PROGRAM("sleep"));
	CHECK_INT(END(ctrd_container_delete(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_EPRECONDITION);
	CHECK_INT(END(ctrd_task_delete(scene->client, "a", NULL, NOBODY, &op)), CTRD_EPRECONDITION);
	scene_kill(scene, "a", "init");
	scene_wait(scene, "a", "init");
	CHECK_INT(END(ctrd_container_delete(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_EPRECONDITION);
	CHECK_INT(END(ctrd_task_delete(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(END(ctrd_task_delete(scene->client, "a", NULL, NOBODY, &op)), CTRD_ENOTFOUND);
	CHECK_INT(END(ctrd_container_delete(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(END(ctrd_container_delete(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	scene_close(scene);
}

TEST(a_task_is_named_by_its_number)
{
	struct scene *scene = scene_open();
	ctrd_signal_options options = CTRD_SIGNAL_OPTIONS_INIT;
	ctrd_event event;

	scene_begin(scene, "a", PROGRAM("exit", "0"));
	scene_await(scene, "exit a/init", 1, &event);
	CHECK_INT(END(ctrd_task_delete(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(scene_try_start(scene, "a"), CTRD_OK); /* another life */
	options.task = event.task;
	CHECK_INT(END(ctrd_process_signal(scene->client, "a", "init", 9, &options, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	scene_delete(scene, "a");
	scene_close(scene);
}
