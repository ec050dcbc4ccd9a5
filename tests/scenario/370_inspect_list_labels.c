/*
 * What was given at create can be asked for: spec, labels, bundle, runtime; lists show every container and its state.
 */
#include "scenario.h"

#include "bundle.h"

#include <string.h>

static const char *const labels[] = {"color", "blue", "empty", "", NULL};

static void create(struct scene *scene, const char *spec)
{
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;
	options.spec = spec;
	options.labels = labels;
	options.bundle = test_bundle()->dir;
	CHECK_INT(END(ctrd_container_create(scene->client, "a", &options, NOBODY, &op)), CTRD_OK);
}

TEST(inspect_tells_what_was_given)
{
	struct scene *scene = scene_open();
	char *spec = scene_spec(PROGRAM("sleep"));
	ctrd_inspect result = CTRD_INSPECT_INIT;

	create(scene, spec);
	CHECK_INT(scene_try_start(scene, "a"), CTRD_OK);
	ctrd_op *inspect = ENDED(ctrd_container_inspect(scene->client, "a", NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_inspect(inspect, &result), CTRD_OK);
	CHECK_INT(result.state, CTRD_TASK_RUNNING);
	CHECK_STR(result.container_id, "a");
	CHECK_INT(result.spec_length, strlen(spec));
	CHECK_STR(result.spec, spec);
	CHECK(strlen(result.runtime) > 0);
	for (int i = 0; i < 4; i++)
		CHECK_STR(result.labels[i], labels[i]);
	CHECK(result.labels[4] == NULL);
	CHECK(result.created_at_ns > 0 && result.started_at_ns >= result.created_at_ns);
	CHECK(result.task != 0);
	ctrd_op_unref(inspect);
	scene_delete(scene, "a");
	CHECK_INT(END(ctrd_container_inspect(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	scene_close(scene);
	free(spec);
}

TEST(list_shows_every_container)
{
	struct scene *scene = scene_open();
	ctrd_container_info info = CTRD_CONTAINER_INFO_INIT;
	size_t count = 0;
	int seen = 0;

	scene_create(scene, "made", PROGRAM("sleep"));
	scene_begin(scene, "runs", PROGRAM("sleep"));
	scene_begin(scene, "ended", PROGRAM("exit", "0"));
	scene_wait(scene, "ended", "init");
	ctrd_op *list = ENDED(ctrd_container_list(scene->client, NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_count(list, &count), CTRD_OK);
	CHECK_INT(count, 3);
	for (size_t i = 0; i < count; i++) {
		CHECK_INT(ctrd_op_get_container(list, i, &info), CTRD_OK);
		bool made = strcmp(info.container_id, "made") == 0,
		     runs = strcmp(info.container_id, "runs") == 0;
		CHECK_INT(info.state, made   ? CTRD_TASK_NONE
				      : runs ? CTRD_TASK_RUNNING
					     : CTRD_TASK_STOPPED);
		CHECK_INT(info.pid > 0, runs);
		seen += made ? 1 : runs ? 10 : 100;
	}
	CHECK_INT(seen, 111);
	CHECK_INT(ctrd_op_get_container(list, count, &info), CTRD_ERANGE);
	ctrd_op_unref(list);
	scene_delete(scene, "made");
	scene_delete(scene, "runs");
	scene_delete(scene, "ended");
	scene_close(scene);
}
