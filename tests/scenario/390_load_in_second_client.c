/*
 * A second client takes up what a first one began: what ended before is the load's result, what ends later an event,
 * and the streams of the first process are handed over, unread bytes included.
 */
#include "scenario.h"

#include <string.h>

TEST(a_load_tells_what_is_the_case)
{
	struct scene *scene = scene_open();
	ctrd_load_result result = CTRD_LOAD_RESULT_INIT;
	ctrd_process_info info = CTRD_PROCESS_INFO_INIT;
	size_t count = 0;

	scene_begin(scene, "a", PROGRAM("sleep"));
	scene_exec(scene, "a", "x", PROGRAM("exit", "5"));
	scene_wait(scene, "a", "x");
	scene_begin(scene, "b", PROGRAM("exit", "6"));
	scene_wait(scene, "b", "init");
	struct scene *second = scene_open();
	CHECK_INT(END(ctrd_client_close(scene->client, NULL, NOBODY, &op)), CTRD_OK);
	scene_free(scene);

	ctrd_op *load = ENDED(ctrd_container_load(second->client, "a", NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_load(load, &result), CTRD_OK);
	CHECK_INT(result.alive, 1);
	CHECK_INT(result.state, CTRD_TASK_RUNNING);
	CHECK(result.pid != 0 && result.task != 0);
	CHECK_INT(ctrd_op_get_count(load, &count), CTRD_OK);
	CHECK_INT(count, 1);
	CHECK_INT(ctrd_op_get_process(load, 0, &info), CTRD_OK);
	CHECK_STR(info.process_id, "x");
	CHECK_INT(info.state, CTRD_TASK_STOPPED);
	CHECK_INT(info.exit.code, 5);
	ctrd_op_unref(load);

	load = ENDED(ctrd_container_load(second->client, "b", NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_load(load, &result), CTRD_OK);
	CHECK_INT(result.alive, 0);
	CHECK_INT(result.state, CTRD_TASK_STOPPED);
	CHECK_INT(result.exit.code, 6);
	ctrd_op_unref(load);
	CHECK_INT(scene_wait(second, "b", "init").code, 6);

	scene_kill(second, "a", "init");
	scene_await(second, "exit a/init", 1, NULL);
	CHECK_INT(scene_count(second, "exit a/x"), 0);
	CHECK_INT(scene_count(second, "exit b/init"), 0);
	CHECK_INT(END(ctrd_container_load(second->client, "c", NULL, NOBODY, &op)), CTRD_ENOTFOUND);
	scene_delete(second, "a");
	scene_delete(second, "b");
	scene_close(second);
}

TEST(a_load_takes_over_the_streams)
{
	struct scene *scene = scene_open(), *second = scene_open();
	struct sink *first_sink = sink_new(), *second_sink = sink_new();
	ctrd_stdio stdio = sink_stdio(first_sink, CTRD_STREAM_PIPE, CTRD_STREAM_DATA);
	ctrd_load_options load = CTRD_LOAD_OPTIONS_INIT;

	scene_begin_with(scene, "a", PROGRAM("cat"), &stdio);
	sink_put(first_sink, "one");
	sink_await_length(first_sink, 3);
	CHECK_INT(END(ctrd_process_release_stdio(scene->client, "a", "init", CTRD_RELEASE_KEEP,
						 NULL, NOBODY, &op)),
		  CTRD_OK);
	sink_await_release(first_sink);
	CHECK_INT(first_sink->ends, 0);
	sink_put(first_sink, "two"); /* nobody reads */
	CHECK_INT(END(ctrd_client_close(scene->client, NULL, NOBODY, &op)), CTRD_OK);
	scene_free(scene);

	stdio = sink_stdio(second_sink, CTRD_STREAM_PIPE, CTRD_STREAM_DATA);
	load.stdio = &stdio;
	CHECK_INT(END(ctrd_container_load(second->client, "a", &load, NOBODY, &op)), CTRD_OK);
	sink_await_length(second_sink, 3);
	sink_put(second_sink, "three");
	sink_await_length(second_sink, 8);
	CHECK_STR(second_sink->bytes, "twothree");
	scene_delete(second, "a");
	sink_await_release(second_sink);
	scene_close(second);
	sink_free(first_sink);
	sink_free(second_sink);
}
