/*
 * Per process: create or exec-added, start or exec-started, the completion of what started it, exit, the completion of
 * a wait, the completion of the delete. Also when the exit is known before the start has answered.
 */
#include "scenario.h"

static void on_done(ctrd_op *op, void *data)
{
	CHECK_INT(ctrd_op_status(op), CTRD_OK);
	scene_note(data, "done %s", ctrd_op_verb(op));
}

static void live(struct scene *scene)
{
	ctrd_done done = {on_done, scene, NULL};
	scene_create(scene, "a", PROGRAM("exit", "0"));
	ctrd_op *start = MADE(ctrd_container_start(scene->client, "a", NULL, done, &op));
	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, done, &op));
	CHECK_INT(scene_end_of(start), CTRD_OK);
	CHECK_INT(scene_end_of(wait), CTRD_OK);
	CHECK_INT(END(ctrd_task_delete(scene->client, "a", NULL, done, &op)), CTRD_OK);
	CHECK_INT(END(ctrd_container_delete(scene->client, "a", NULL, done, &op)), CTRD_OK);

	char *told = scene_told(scene, NULL);
	CHECK_STR(
		told,
		"create a/init\nstart a/init\ndone container start\nexit a/init\ndone process wait\n"
		"done task delete\ndone container delete\n");
	free(told);
}

TEST(the_order_of_a_life)
{
	struct scene *scene = scene_open();
	live(scene);
	scene_close(scene);
}

TEST(an_early_exit_is_held_back)
{
	if (!scene_is_fake()) /* there it is a matter of luck */
		return;
	struct scene *scene = scene_open();
	scene_fault(scene, CTRD_FAKE_DELAY, "container start", 1, 50, 0);
	live(scene);
	scene_close(scene);
}

TEST(the_order_of_an_exec)
{
	struct scene *scene = scene_open();
	ctrd_done done = {on_done, scene, NULL};
	ctrd_exec_options options = CTRD_EXEC_OPTIONS_INIT;
	char *process = scene_process(PROGRAM("exit", "0"));

	options.process = process;
	scene_begin(scene, "a", PROGRAM("sleep"));
	ctrd_op *exec = MADE(ctrd_process_exec(scene->client, "a", "x", &options, done, &op));
	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "x", NULL, done, &op));
	CHECK_INT(scene_end_of(exec), CTRD_OK);
	CHECK_INT(scene_end_of(wait), CTRD_OK);
	CHECK_INT(END(ctrd_process_delete(scene->client, "a", "x", NULL, done, &op)), CTRD_OK);
	const char *words[] = {"exec", "exit", "done", NULL};
	char *told = scene_told(scene, words);
	CHECK_STR(
		told,
		"exec-added a/x\nexec-started a/x\ndone process exec\nexit a/x\ndone process wait\n"
		"done process delete\n");
	free(told);
	scene_delete(scene, "a");
	scene_close(scene);
	free(process);
}
