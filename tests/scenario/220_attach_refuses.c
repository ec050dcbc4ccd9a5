/*
 * An attach callback that refuses undoes the start and gives the call its status.
 */
#include "scenario.h"

TEST(a_refused_start_leaves_no_task)
{
	struct scene *scene = scene_open();
	struct sink *sink = sink_new();
	ctrd_stdio stdio = sink_stdio(sink, CTRD_STREAM_PIPE, CTRD_STREAM_PIPE);
	ctrd_start_options options = CTRD_START_OPTIONS_INIT;

	sink->attach_status = CTRD_EDENIED;
	options.stdio = &stdio;
	scene_create(scene, "a", PROGRAM("cat"));
	CHECK_INT(END(ctrd_container_start(scene->client, "a", &options, NOBODY, &op)),
		  CTRD_EDENIED);
	sink_await_release(sink);
	CHECK_INT(END(ctrd_container_status(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	CHECK_INT(scene_count(scene, "start a/init"), 0);
	CHECK_INT(scene_try_start(scene, "a"), CTRD_OK);
	scene_delete(scene, "a");
	scene_close(scene);
	sink_free(sink);
}

TEST(a_refused_exec_leaves_no_process)
{
	struct scene *scene = scene_open();
	struct sink *sink = sink_new();
	ctrd_stdio stdio = sink_stdio(sink, CTRD_STREAM_PIPE, CTRD_STREAM_PIPE);
	ctrd_exec_options options = CTRD_EXEC_OPTIONS_INIT;
	char *process = scene_process(PROGRAM("cat"));

	sink->attach_status = CTRD_EDENIED;
	options.process = process;
	options.stdio = &stdio;
	scene_begin(scene, "a", PROGRAM("sleep"));
	CHECK_INT(END(ctrd_process_exec(scene->client, "a", "x", &options, NOBODY, &op)),
		  CTRD_EDENIED);
	sink_await_release(sink);
	CHECK_INT(scene_try_exec(scene, "a", "x", PROGRAM("exit", "0")), CTRD_OK);
	scene_delete(scene, "a");
	scene_close(scene);
	sink_free(sink);
	free(process);
}
