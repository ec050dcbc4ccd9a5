/*
 * Options of another version of the library: longer ones with something unknown in them are refused, longer ones
 * without are read, shorter ones mean the defaults. Results are filled up to the caller's size.
 */
#include "scenario.h"

#include <string.h>

struct longer {
	ctrd_status_options options;
	uint64_t tail;
};

TEST(an_unknown_tail_is_refused_if_it_says_something)
{
	struct scene *scene = scene_open();
	struct longer longer = {CTRD_STATUS_OPTIONS_INIT, 0};
	scene_begin(scene, "a", PROGRAM("sleep"));

	longer.options.size = sizeof(longer);
	CHECK_INT(END(ctrd_container_status(scene->client, "a", &longer.options, NOBODY, &op)),
		  CTRD_OK);
	longer.tail = 1;
	CHECK_INT(END(ctrd_container_status(scene->client, "a", &longer.options, NOBODY, &op)),
		  CTRD_EABI);
	longer.tail = 0;
	longer.options.flags = 0x80000000;
	CHECK_INT(END(ctrd_container_status(scene->client, "a", &longer.options, NOBODY, &op)),
		  CTRD_EABI);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(shorter_options_mean_the_defaults)
{
	struct scene *scene = scene_open();
	ctrd_start_options start = CTRD_START_OPTIONS_INIT;
	ctrd_status_options status = CTRD_STATUS_OPTIONS_INIT;

	start.size = sizeof(ctrd_status_options); /* the head alone */
	start.checkpoint_dir = "not looked at";
	scene_create(scene, "a", PROGRAM("sleep"));
	CHECK_INT(END(ctrd_container_start(scene->client, "a", &start, NOBODY, &op)), CTRD_OK);
	status.size = 3;
	CHECK_INT(END(ctrd_container_status(scene->client, "a", &status, NOBODY, &op)),
		  CTRD_EINVAL);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(client_options_are_read_the_same_way)
{
	struct {
		ctrd_client_options options;
		uint64_t tail;
	} longer = {CTRD_CLIENT_OPTIONS_INIT, 1};
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;

	longer.options.size = sizeof(longer);
	CHECK_INT(ctrd_client_open(scene_address(), &longer.options, &client, &error), CTRD_EABI);
	CHECK(client == NULL && error != NULL);
	ctrd_error_unref(error);
	longer.tail = 0;
	longer.options.flags = 0x40000000;
	CHECK_INT(ctrd_client_open(scene_address(), &longer.options, &client, NULL), CTRD_EABI);
	CHECK_INT(ctrd_client_open("nowhere:", NULL, &client, NULL), CTRD_ENOSYS);
	CHECK(client == NULL);
}

TEST(results_are_filled_up_to_the_callers_size)
{
	struct scene *scene = scene_open();
	struct {
		ctrd_exit exit;
		uint64_t tail;
	} longer = {CTRD_EXIT_INIT, 7};
	ctrd_exit shorter = CTRD_EXIT_INIT;

	scene_begin(scene, "a", PROGRAM("exit", "9"));
	ctrd_op *wait = ENDED(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op));
	longer.exit.size = sizeof(longer);
	CHECK_INT(ctrd_op_get_exit(wait, &longer.exit), CTRD_OK);
	CHECK_INT(longer.exit.code, 9);
	CHECK_INT(longer.tail, 0);
	shorter.size = offsetof(ctrd_exit, exited_at_ns);
	CHECK_INT(ctrd_op_get_exit(wait, &shorter), CTRD_OK);
	CHECK_INT(shorter.code, 9);
	CHECK_INT(shorter.exited_at_ns, 0);
	CHECK_INT(shorter.task, 0);
	ctrd_op_unref(wait);
	scene_delete(scene, "a");
	scene_close(scene);
}
