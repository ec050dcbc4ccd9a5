/*
 * Rule 5: every op has a deadline, the call's before the client's; a wait has none unless it is given one.
 */
#include "scenario.h"

TEST(a_wait_ends_by_its_own_deadline_only)
{
	struct scene *scene = scene_new();
	ctrd_client_options options = scene_options(scene);
	ctrd_wait_options soon = CTRD_WAIT_OPTIONS_INIT;

	options.timeout_ms = 20000;
	scene_open_with(&options, scene);
	scene_begin(scene, "a", PROGRAM("sleep"));
	ctrd_op *endless = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op));
	soon.timeout_ms = 50;
	CHECK_INT(END(ctrd_process_wait(scene->client, "a", "init", &soon, NOBODY, &op)),
		  CTRD_EDEADLINE);
	CHECK_INT(ctrd_op_is_done(endless), 0);
	CHECK_INT(ctrd_op_status(endless), CTRD_EPRECONDITION);
	scene_delete(scene, "a");
	CHECK_INT(scene_end_of(endless), CTRD_OK);
	scene_close(scene);
}
