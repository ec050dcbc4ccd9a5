/*
 * Whose deadline counts: the call's, then the client's, then the verb's; and a deadline ends the op, not the request.
 */
#include "scenario.h"

static struct scene *open_hasty(int64_t timeout_ms)
{
	struct scene *scene = scene_new();
	ctrd_client_options options = scene_options(scene);
	options.timeout_ms = timeout_ms;
	return scene_open_with(&options, scene);
}

TEST(the_clients_deadline_ends_a_call)
{
	struct scene *scene = open_hasty(50);

	scene_fault(scene, CTRD_FAKE_HANG, "client version", 1, 0, 0);
	ctrd_op *version = ENDED(ctrd_client_version(scene->client, NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_status(version), CTRD_EDEADLINE);
	CHECK_CONTAINS(ctrd_error_message(ctrd_op_error(version)), "client version");
	ctrd_op_unref(version);
	scene_close(scene);
}

TEST(the_calls_deadline_comes_before_the_clients)
{
	struct scene *scene = open_hasty(50);
	ctrd_version_options patient = CTRD_VERSION_OPTIONS_INIT, bad = CTRD_VERSION_OPTIONS_INIT;

	scene_fault(scene, CTRD_FAKE_DELAY, "client version", 0, 150, 0);
	patient.timeout_ms = -1;
	CHECK_INT(END(ctrd_client_version(scene->client, &patient, NOBODY, &op)), CTRD_OK);
	patient.timeout_ms = 30000;
	CHECK_INT(END(ctrd_client_version(scene->client, &patient, NOBODY, &op)), CTRD_OK);
	CHECK_INT(END(ctrd_client_version(scene->client, NULL, NOBODY, &op)), CTRD_EDEADLINE);
	CHECK_INT(ctrd_fake_clear_faults(scene->client), CTRD_OK);
	bad.timeout_ms = -2;
	CHECK_INT(END(ctrd_client_version(scene->client, &bad, NOBODY, &op)), CTRD_EINVAL);
	scene_close(scene);
}

TEST(a_start_that_is_late_has_started)
{
	struct scene *scene = scene_open();
	ctrd_start_options hasty = CTRD_START_OPTIONS_INIT;

	hasty.timeout_ms = 30;
	scene_create(scene, "a", PROGRAM("sleep"));
	scene_fault(scene, CTRD_FAKE_DELAY, "container start", 1, 150, 0);
	CHECK_INT(END(ctrd_container_start(scene->client, "a", &hasty, NOBODY, &op)),
		  CTRD_EDEADLINE);
	CHECK_INT(scene_state(scene, "a"), CTRD_TASK_RUNNING);
	scene_delete(scene, "a");
	CHECK_INT(scene_count(scene, "exit a/init"), 1);
	scene_close(scene);
}

TEST(a_fault_of_the_script_is_the_calls_status)
{
	struct scene *scene = scene_open();

	scene_fault(scene, CTRD_FAKE_FAIL, "container create", 2, 0, CTRD_ERESOURCES);
	scene_create(scene, "a", PROGRAM("exit", "0"));
	CHECK_INT(scene_try_create(scene, "b", PROGRAM("exit", "0")), CTRD_ERESOURCES);
	scene_create(scene, "b", PROGRAM("exit", "0"));
	scene_delete(scene, "a");
	scene_delete(scene, "b");
	scene_close(scene);
}
