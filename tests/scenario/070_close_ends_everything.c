/*
 * Rule 7: a close refuses new calls, ends what is under way, stops events; after its release nothing runs again. It
 * frees nothing: handles do. Containers live on.
 */
#include "scenario.h"

static void on_done(ctrd_op *op, void *data)
{
	scene_note(data, "%s %s", ctrd_op_verb(op), ctrd_status_name(ctrd_op_status(op)));
}

static void on_release(void *data)
{
	scene_note(data, "release");
}

TEST(ops_under_way_end_and_containers_live_on)
{
	struct scene *scene = scene_open(), *other = scene_open();
	ctrd_done done = {on_done, scene, NULL}, last = {on_done, scene, on_release};
	scene_begin(scene, "a", PROGRAM("sleep"));

	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, done, &op));
	ctrd_op *close = MADE(ctrd_client_close(scene->client, NULL, last, &op));
	CHECK_INT(ctrd_client_version(scene->client, NULL, NOBODY, NULL), CTRD_ECLOSED);
	CHECK_INT(ctrd_client_close(scene->client, NULL, NOBODY, NULL), CTRD_ECLOSED);
	CHECK_INT(scene_end_of(close), CTRD_OK);
	CHECK_INT(scene_end_of(wait), CTRD_ECLOSED);

	CHECK_INT(scene_state(other, "a"), CTRD_TASK_RUNNING);
	scene_delete(other, "a");
	const char *words[] = {"process", "client", "release", "exit", NULL};
	char *told = scene_told(scene, words);
	CHECK_STR(told, "process wait ECLOSED\nclient close OK\nrelease\n");
	free(told);
	scene_free(scene);
	scene_close(other);
}

TEST(the_last_handle_closes_a_client_that_nobody_closed)
{
	struct scene *scene = scene_open();
	ctrd_op *version = MADE(ctrd_client_version(scene->client, NULL, NOBODY, &op));

	CHECK(ctrd_client_ref(scene->client) == scene->client);
	ctrd_client_unref(scene->client);
	scene_free(scene);
	CHECK_INT(ctrd_op_is_done(version), 1);
	ctrd_op_unref(version);
	CHECK(ctrd_client_unref(NULL) == NULL);
}
