/*
 * The end of input reaches the program while its output stays open: `cat && echo done`.
 */
#include "scenario.h"

#include <unistd.h>

static void put(struct sink *sink, const char *text)
{
	sink_put(sink, text);
	close(sink->fds.in);
	sink->fds.in = -1;
}

static void check_end(struct scene *scene, struct sink *sink)
{
	CHECK_INT(scene_wait(scene, "a", "init").code, 0);
	sink_await_ends(sink, 1);
	CHECK_STR(sink->bytes, "hello\ndone\n");
	scene_delete(scene, "a");
	sink_await_release(sink);
	scene_close(scene);
	sink_free(sink);
}

TEST(close_stdin_ends_the_input)
{
	struct scene *scene = scene_open();
	struct sink *sink = sink_new();
	ctrd_stdio stdio = sink_stdio(sink, CTRD_STREAM_PIPE, CTRD_STREAM_DATA);

	scene_begin_with(scene, "a", PROGRAM("cat", "done"), &stdio);
	put(sink, "hello\n");
	sink_await_length(sink, 6);
	CHECK_INT(scene_state(scene, "a"), CTRD_TASK_RUNNING); /* somebody holds it open */
	CHECK_INT(END(ctrd_process_close_stdin(scene->client, "a", "init", NULL, NOBODY, &op)),
		  CTRD_OK);
	CHECK_INT(END(ctrd_process_close_stdin(scene->client, "a", "init", NULL, NOBODY, &op)),
		  CTRD_OK);
	check_end(scene, sink);
}

TEST(with_stdin_once_the_callers_close_is_enough)
{
	struct scene *scene = scene_open();
	struct sink *sink = sink_new();
	ctrd_stdio stdio = sink_stdio(sink, CTRD_STREAM_PIPE, CTRD_STREAM_DATA);

	stdio.flags = CTRD_STDIO_STDIN_ONCE;
	scene_begin_with(scene, "a", PROGRAM("cat", "done"), &stdio);
	put(sink, "hello\n");
	check_end(scene, sink);
}
