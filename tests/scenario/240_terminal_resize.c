/*
 * A terminal has the size that it is given, at the start and later.
 */
#include "scenario.h"

#include <sys/ioctl.h>

static void check_size(struct sink *sink, int columns, int rows)
{
	struct winsize size;
	CHECK_INT(ioctl(sink->fds.out, TIOCGWINSZ, &size), 0);
	CHECK_INT(size.ws_col, columns);
	CHECK_INT(size.ws_row, rows);
}

TEST(a_terminal_has_the_size_it_is_given)
{
	struct scene *scene = scene_open();
	struct sink *sink = sink_new();
	ctrd_stdio stdio = sink_stdio(sink, CTRD_STREAM_NULL, CTRD_STREAM_PIPE);
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_start_options start = CTRD_START_OPTIONS_INIT;
	ctrd_resize_options resize = CTRD_RESIZE_OPTIONS_INIT;
	char *spec = scene_terminal_spec(PROGRAM("sleep"));

	create.spec = spec;
	stdio.flags = CTRD_STDIO_TERMINAL;
	stdio.columns = 100;
	stdio.rows = 30;
	start.stdio = &stdio;
	CHECK_INT(END(ctrd_container_create(scene->client, "a", &create, NOBODY, &op)), CTRD_OK);
	CHECK_INT(END(ctrd_container_start(scene->client, "a", &start, NOBODY, &op)), CTRD_OK);
	check_size(sink, 100, 30);
	resize.columns = 132;
	resize.rows = 43;
	CHECK_INT(END(ctrd_process_resize(scene->client, "a", "init", &resize, NOBODY, &op)),
		  CTRD_OK);
	check_size(sink, 132, 43);
	scene_delete(scene, "a");
	scene_close(scene);
	sink_free(sink);
	free(spec);
}

TEST(without_a_terminal_there_is_nothing_to_resize)
{
	struct scene *scene = scene_open();
	ctrd_resize_options resize = CTRD_RESIZE_OPTIONS_INIT;

	resize.columns = 80;
	resize.rows = 24;
	scene_begin(scene, "a", PROGRAM("sleep"));
	CHECK_INT(END(ctrd_process_resize(scene->client, "a", "init", &resize, NOBODY, &op)),
		  CTRD_EPRECONDITION);
	scene_delete(scene, "a");
	scene_close(scene);
}
