/*
 * A program that is missing, or may not be executed, refuses the start or exec and leaves nothing behind.
 */
#include "scenario.h"

static void check(struct scene *scene, const char *const *program)
{
	scene_create(scene, "a", program);
	CHECK_INT(scene_try_start(scene, "a"), CTRD_EINVAL);
	CHECK_INT(scene_count(scene, "start a/init"), 0);
	CHECK_INT(END(ctrd_container_status(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	CHECK_INT(END(ctrd_container_delete(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);

	scene_begin(scene, "b", PROGRAM("sleep"));
	CHECK_INT(scene_try_exec(scene, "b", "x", program), CTRD_EINVAL);
	CHECK_INT(END(ctrd_process_wait(scene->client, "b", "x", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	scene_exec(scene, "b", "x", PROGRAM("exit", "0"));
	scene_delete(scene, "b");
}

TEST(a_program_that_does_not_exist)
{
	struct scene *scene = scene_open();
	check(scene, PROGRAM("missing"));
	scene_close(scene);
}

TEST(a_program_that_may_not_be_executed)
{
	struct scene *scene = scene_open();
	check(scene, PROGRAM("denied"));
	scene_close(scene);
}
