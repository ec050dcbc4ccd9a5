/*
 * Rule 9: ctrd_op_wait blocks any thread but the loop's: 0 after fn and release have returned, 1 when the time is over.
 */
#include "scenario.h"

static void on_done(ctrd_op *op, void *data)
{
	CHECK_INT(ctrd_op_wait(op, 0), CTRD_EWRONGTHREAD);
	scene_note(data, "fn");
}

static void on_release(void *data)
{
	scene_note(data, "release");
}

TEST(wait_returns_after_release_or_in_time)
{
	struct scene *scene = scene_open();
	ctrd_done done = {on_done, scene, on_release};
	scene_begin(scene, "a", PROGRAM("sleep"));

	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, done, &op));
	CHECK_INT(ctrd_op_wait(wait, 0), 1);
	CHECK_INT(ctrd_op_wait(wait, 20), 1);
	scene_kill(scene, "a", "init");
	CHECK_INT(ctrd_op_wait(wait, -1), 0);
	CHECK_INT(scene_count(scene, "release"), 1);
	CHECK_INT(ctrd_op_wait(wait, 0), 0);
	ctrd_op_unref(wait);
	CHECK_INT(ctrd_op_wait(NULL, 0), CTRD_EINVAL);
	scene_delete(scene, "a");
	scene_close(scene);
}
