/*
 * Pause freezes, resume thaws; each told once, each repeatable; what is not running refuses.
 */
#include "scenario.h"

TEST(pause_and_resume)
{
	struct scene *scene = scene_open();
	ctrd_client *client = scene->client;

	scene_create(scene, "a", PROGRAM("sleep"));
	CHECK_INT(END(ctrd_container_pause(client, "a", NULL, NOBODY, &op)), CTRD_ENOTFOUND);
	CHECK_INT(scene_try_start(scene, "a"), CTRD_OK);
	CHECK_INT(END(ctrd_container_pause(client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(scene_state(scene, "a"), CTRD_TASK_PAUSED);
	CHECK_INT(END(ctrd_container_pause(client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(scene_try_exec(scene, "a", "x", PROGRAM("exit", "0")), CTRD_EPRECONDITION);
	CHECK_INT(END(ctrd_container_resume(client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(END(ctrd_container_resume(client, "a", NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(scene_state(scene, "a"), CTRD_TASK_RUNNING);
	scene_kill(scene, "a", "init");
	scene_wait(scene, "a", "init");
	CHECK_INT(END(ctrd_container_pause(client, "a", NULL, NOBODY, &op)), CTRD_EPRECONDITION);
	CHECK_INT(END(ctrd_container_resume(client, "a", NULL, NOBODY, &op)), CTRD_EPRECONDITION);
	const char *words[] = {"paused", "resumed", NULL};
	char *told = scene_told(scene, words);
	CHECK_STR(told, "paused a\nresumed a\n");
	free(told);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(a_paused_container_can_be_deleted_by_force)
{
	struct scene *scene = scene_open();

	scene_begin(scene, "a", PROGRAM("sleep"));
	CHECK_INT(END(ctrd_container_pause(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);
	scene_delete(scene, "a");
	scene_close(scene);
}
