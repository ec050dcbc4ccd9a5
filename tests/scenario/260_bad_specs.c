/*
 * Specs that are none are refused with a message that names what is wrong, and leave nothing behind.
 */
#include "scenario.h"

#include <string.h>

static void check_refused(struct scene *scene, const char *spec, size_t length, int status,
			  const char *names)
{
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;

	options.spec = spec;
	options.spec_length = length;
	ctrd_op *create = ENDED(ctrd_container_create(scene->client, "a", &options, NOBODY, &op));
	CHECK_INT(ctrd_op_status(create), status);
	CHECK_CONTAINS(ctrd_error_message(ctrd_op_error(create)), names);
	ctrd_op_unref(create);
	CHECK_INT(END(ctrd_container_inspect(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
}

TEST(specs_that_lack_something_are_refused)
{
	static const struct {
		const char *spec, *names;
	} bad[] = {
		{"", "spec"},
		{"hello", "spec"},
		{"[]", "spec"},
		{"{\"ociVersion\":", "spec"},
		{"{\"ociVersion\":\"1.0.2\"} x", "spec"},
		{"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/r\"}}", "process"},
		{"{\"ociVersion\":\"1.0.2\",\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"}}", "root"},
		{"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/r\"},\"process\":{\"cwd\":\"/\"}}",
		 "args"},
		{"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/r\"},\"process\":{\"args\":[],\"cwd\":\"/\"}}",
		 "args"},
		{"{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"/r\"},\"process\":{\"args\":[7],\"cwd\":\"/\"}}",
		 "args"},
	};
	struct scene *scene = scene_open();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_refused(scene, bad[i].spec, 0, CTRD_EINVAL, bad[i].names);
	scene_close(scene);
}

TEST(specs_that_are_too_much_are_refused)
{
	struct scene *scene = scene_open();
	enum { DEPTH = 10000, SIZE = 20 << 20 };
	char *deep = malloc(2 * DEPTH + 1), *big = malloc(SIZE + 1);

	CHECK(deep != NULL && big != NULL);
	memset(deep, '[', DEPTH);
	memset(deep + DEPTH, ']', DEPTH);
	deep[2 * DEPTH] = '\0';
	check_refused(scene, deep, 0, CTRD_ERANGE, "spec");
	memset(big, ' ', SIZE);
	big[0] = '{';
	big[SIZE - 1] = '}';
	big[SIZE] = '\0';
	check_refused(scene, big, SIZE, CTRD_EINVAL, "spec");
	free(deep);
	free(big);
	scene_close(scene);
}

TEST(an_unknown_runtime_is_not_found)
{
	struct scene *scene = scene_open();
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;
	char *spec = scene_spec(PROGRAM("sleep"));

	options.spec = spec;
	options.runtime = "no-such-runtime";
	ctrd_op *create = ENDED(ctrd_container_create(scene->client, "a", &options, NOBODY, &op));
	CHECK_INT(ctrd_op_status(create), CTRD_ENOTFOUND);
	CHECK_CONTAINS(ctrd_error_message(ctrd_op_error(create)), "no-such-runtime");
	ctrd_op_unref(create);
	scene_close(scene);
	free(spec);
}

TEST(bad_processes_and_resources_are_refused)
{
	struct scene *scene = scene_open();
	ctrd_exec_options exec = CTRD_EXEC_OPTIONS_INIT;
	ctrd_update_options update = CTRD_UPDATE_OPTIONS_INIT;
	static const char *const bad[] = {"", "x", "[]", "{\"args\":[]}", "{\"args\":\"a\"}"};
	scene_begin(scene, "a", PROGRAM("sleep"));

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		exec.process = bad[i];
		CHECK_INT(END(ctrd_process_exec(scene->client, "a", "x", &exec, NOBODY, &op)),
			  CTRD_EINVAL);
	}
	for (size_t i = 0; i < 3; i++) {
		update.resources = bad[i];
		CHECK_INT(END(ctrd_container_update(scene->client, "a", &update, NOBODY, &op)),
			  CTRD_EINVAL);
	}
	scene_delete(scene, "a");
	scene_close(scene);
}
