/*
 * The client may be closed from inside an attach callback: the start ends, the ends that were handed out stay the
 * caller's.
 */
#include "scenario.h"

#include <unistd.h>

static void on_closed(ctrd_op *op, void *data)
{
	scene_note(data, "closed %d", ctrd_op_status(op));
}

static int attach(const char *container_id, const char *process_id, const ctrd_stdio_ends *ends,
		  void *data)
{
	struct scene *scene = data;
	ctrd_done done = {on_closed, scene, NULL};

	scene_note(scene, "attach %s/%s", container_id, process_id);
	CHECK(ends->in == -1 && ends->out >= 0 && ends->err == -1);
	CHECK_INT(ctrd_client_close(scene->client, NULL, done, NULL), CTRD_OK);
	close(ends->out);
	return 0;
}

TEST(close_from_attach)
{
	struct scene *scene = scene_open(), *other = scene_open();
	ctrd_start_options options = CTRD_START_OPTIONS_INIT;
	ctrd_stdio stdio = CTRD_STDIO_INIT;

	stdio.out = CTRD_STREAM_PIPE;
	stdio.attach = attach;
	stdio.data = scene;
	options.stdio = &stdio;
	scene_create(scene, "a", PROGRAM("sleep"));
	int status = END(ctrd_container_start(scene->client, "a", &options, NOBODY, &op));
	CHECK(status == CTRD_ECLOSED || status == CTRD_OK);
	scene_await(scene, "closed 0", 1, NULL);
	scene_free(scene);
	scene_delete(other, "a");
	scene_close(other);
}
