/*
 * Create, task create and exec that outlive their deadline run on and are undone; until then calls on that id end with
 * CTRD_EABORTED.
 */
#include "scenario.h"

enum { DEADLINE_MS = 30, DELAY_MS = 300 };

static int inspect(struct scene *scene)
{
	return END(ctrd_container_inspect(scene->client, "a", NULL, NOBODY, &op));
}

TEST(a_create_is_undone)
{
	struct scene *scene = scene_open();
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;
	char *spec = scene_spec(PROGRAM("sleep"));

	options.spec = spec;
	options.timeout_ms = DEADLINE_MS;
	scene_fault(scene, CTRD_FAKE_DELAY, "container create", 1, DELAY_MS, 0);
	CHECK_INT(END(ctrd_container_create(scene->client, "a", &options, NOBODY, &op)),
		  CTRD_EDEADLINE);
	CHECK_INT(scene_try_create(scene, "a", PROGRAM("sleep")), CTRD_EABORTED);
	CHECK_INT(inspect(scene), CTRD_EABORTED);
	WAIT_UNTIL(inspect(scene) == CTRD_ENOTFOUND, 30);
	scene_create(scene, "a", PROGRAM("sleep"));
	scene_delete(scene, "a");
	scene_close(scene);
	free(spec);
}

TEST(a_task_create_is_undone)
{
	struct scene *scene = scene_open();
	ctrd_task_create_options options = CTRD_TASK_CREATE_OPTIONS_INIT;

	options.timeout_ms = DEADLINE_MS;
	scene_create(scene, "a", PROGRAM("sleep"));
	scene_fault(scene, CTRD_FAKE_DELAY, "task create", 1, DELAY_MS, 0);
	CHECK_INT(END(ctrd_task_create(scene->client, "a", &options, NOBODY, &op)), CTRD_EDEADLINE);
	CHECK_INT(scene_try_start(scene, "a"), CTRD_EABORTED);
	WAIT_UNTIL(inspect(scene) == CTRD_OK, 30);
	CHECK_INT(END(ctrd_container_status(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	CHECK_INT(scene_try_start(scene, "a"), CTRD_OK);
	scene_delete(scene, "a");
	scene_close(scene);
}

static int wait_for_x(struct scene *scene)
{
	ctrd_wait_options now = CTRD_WAIT_OPTIONS_INIT;
	now.timeout_ms = 1000;
	return END(ctrd_process_wait(scene->client, "a", "x", &now, NOBODY, &op));
}

TEST(an_exec_is_undone)
{
	struct scene *scene = scene_open();
	ctrd_exec_options options = CTRD_EXEC_OPTIONS_INIT;
	char *process = scene_process(PROGRAM("sleep"));

	options.process = process;
	options.timeout_ms = DEADLINE_MS;
	scene_begin(scene, "a", PROGRAM("sleep"));
	scene_fault(scene, CTRD_FAKE_DELAY, "process exec", 1, DELAY_MS, 0);
	CHECK_INT(END(ctrd_process_exec(scene->client, "a", "x", &options, NOBODY, &op)),
		  CTRD_EDEADLINE);
	CHECK_INT(wait_for_x(scene), CTRD_EABORTED);
	CHECK_INT(scene_try_exec(scene, "a", "y", PROGRAM("exit", "0")),
		  CTRD_OK); /* others are not in the way */
	WAIT_UNTIL(wait_for_x(scene) == CTRD_ENOTFOUND, 30);
	CHECK_INT(scene_try_exec(scene, "a", "x", PROGRAM("exit", "0")), CTRD_OK);
	scene_delete(scene, "a");
	scene_close(scene);
	free(process);
}

TEST(a_forced_delete_waits_for_the_undoing)
{
	struct scene *scene = scene_open();
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;
	ctrd_delete_options force = CTRD_DELETE_OPTIONS_INIT;
	char *spec = scene_spec(PROGRAM("sleep"));

	options.spec = spec;
	options.timeout_ms = DEADLINE_MS;
	force.flags = CTRD_DELETE_FORCE;
	scene_fault(scene, CTRD_FAKE_DELAY, "container create", 1, DELAY_MS, 0);
	CHECK_INT(END(ctrd_container_create(scene->client, "a", &options, NOBODY, &op)),
		  CTRD_EDEADLINE);
	int status = END(ctrd_container_delete(scene->client, "a", &force, NOBODY, &op));
	CHECK(status == CTRD_OK || status == CTRD_ENOTFOUND);
	WAIT_UNTIL(inspect(scene) == CTRD_ENOTFOUND, 30);
	scene_close(scene);
	free(spec);
}
