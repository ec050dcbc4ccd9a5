/*
 * Rule 11: what changes one container is carried out in the order of submission; execs wait for what came before them;
 * reading calls never queue.
 */
#include "scenario.h"

static void on_done(ctrd_op *op, void *data)
{
	scene_note(data, "%s %d", ctrd_op_verb(op), ctrd_op_status(op));
}

TEST(changes_run_in_order_of_submission)
{
	struct scene *scene = scene_open();
	ctrd_client *client = scene->client;
	ctrd_done done = {on_done, scene, NULL};
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_exec_options exec = CTRD_EXEC_OPTIONS_INIT;
	char *spec = scene_spec(PROGRAM("sleep")), *process = scene_process(PROGRAM("sleep"));

	create.spec = spec;
	exec.process = process;
	CHECK_INT(ctrd_container_create(client, "a", &create, done, NULL), CTRD_OK);
	CHECK_INT(ctrd_task_create(client, "a", NULL, done, NULL), CTRD_OK);
	CHECK_INT(ctrd_container_start(client, "a", NULL, done, NULL), CTRD_OK);
	CHECK_INT(ctrd_container_pause(client, "a", NULL, done, NULL), CTRD_OK);
	CHECK_INT(ctrd_container_resume(client, "a", NULL, done, NULL), CTRD_OK);
	CHECK_INT(ctrd_process_exec(client, "a", "x", &exec, done, NULL), CTRD_OK);
	CHECK_INT(ctrd_container_pause(client, "a", NULL, done, NULL), CTRD_OK);
	scene_await(scene, "container pause 0", 2, NULL);

	const char *words[] = {"container", "task", "process", NULL};
	char *told = scene_told(scene, words);
	CHECK_STR(told, "container create 0\ntask create 0\ncontainer start 0\ncontainer pause 0\n"
			"container resume 0\nprocess exec 0\ncontainer pause 0\n");
	free(told);
	scene_delete(scene, "a");
	scene_close(scene);
	free(spec);
	free(process);
}

TEST(reading_calls_never_queue)
{
	if (!scene_is_fake()) /* needs a call that takes its time */
		return;
	struct scene *scene = scene_open();
	scene_begin(scene, "a", PROGRAM("sleep"));
	scene_fault(scene, CTRD_FAKE_HANG, "container pause", 1, 0, 0);

	ctrd_op *pause = MADE(ctrd_container_pause(scene->client, "a", NULL, NOBODY, &op));
	scene_await(scene, "paused a", 1, NULL);
	CHECK_INT(scene_state(scene, "a"), CTRD_TASK_PAUSED);
	scene_kill(scene, "a", "init");
	CHECK_INT(scene_wait(scene, "a", "init").signal, 9);
	CHECK_INT(ctrd_op_is_done(pause), 0);
	CHECK_INT(END(ctrd_client_close(scene->client, NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(scene_end_of(pause), CTRD_ECLOSED);
	scene_free(scene);
}
