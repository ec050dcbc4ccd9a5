/*
 * Rule 4: a cancel ends the op, never the request half-way; what is given up is undone; a result that came first wins.
 */
#include "scenario.h"

TEST(cancelling_a_wait_leaves_the_process_alone)
{
	struct scene *scene = scene_open();
	scene_begin(scene, "a", PROGRAM("sleep"));

	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_cancel(wait), CTRD_OK);
	CHECK_INT(scene_end_of(wait), CTRD_ECANCELED);
	CHECK_INT(scene_state(scene, "a"), CTRD_TASK_RUNNING);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(cancelling_a_finished_op_does_nothing)
{
	struct scene *scene = scene_open();

	ctrd_op *version = ENDED(ctrd_client_version(scene->client, NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_cancel(version), CTRD_OK);
	CHECK_INT(ctrd_op_status(version), CTRD_OK);
	ctrd_op_unref(version);
	CHECK_INT(ctrd_op_cancel(NULL), CTRD_EINVAL);
	scene_close(scene);
}

/* Until the undoing is over. */
static int inspect(struct scene *scene)
{
	return END(ctrd_container_inspect(scene->client, "a", NULL, NOBODY, &op));
}

TEST(a_cancelled_create_is_undone_or_has_succeeded)
{
	struct scene *scene = scene_open();
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;
	char *spec = scene_spec(PROGRAM("sleep"));

	options.spec = spec;
	ctrd_op *create = MADE(ctrd_container_create(scene->client, "a", &options, NOBODY, &op));
	CHECK_INT(ctrd_op_cancel(create), CTRD_OK);
	int status = scene_end_of(create);
	if (status == CTRD_OK) {
		scene_delete(scene, "a");
	} else {
		CHECK_INT(status, CTRD_ECANCELED);
		WAIT_UNTIL(inspect(scene) == CTRD_ENOTFOUND, 30);
	}
	scene_create(scene, "a", PROGRAM("sleep")); /* the id is free again */
	scene_delete(scene, "a");
	scene_close(scene);
	free(spec);
}
