/*
 * The client may be closed from inside an event; no event comes after its completion.
 */
#include "scenario.h"

#include <string.h>

static void on_closed(ctrd_op *op, void *data)
{
	scene_note(data, "closed %d", ctrd_op_status(op));
}

static void on_event(struct scene *scene, const ctrd_event *event)
{
	ctrd_done done = {on_closed, scene, NULL};
	if (event->kind == CTRD_EVENT_CREATE)
		CHECK_INT(ctrd_client_close(scene->client, NULL, done, NULL), CTRD_OK);
}

TEST(close_from_an_event)
{
	struct scene *scene = scene_new(), *other = scene_open();
	ctrd_client_options options = scene_options(scene);

	scene->on_event = on_event;
	scene_open_with(&options, scene);
	scene_create(scene, "a", PROGRAM("sleep"));
	int status = scene_try_start(scene, "a");
	CHECK(status == CTRD_ECLOSED || status == CTRD_OK);
	scene_await(scene, "closed 0", 1, NULL);
	char *told = scene_told(scene, NULL);
	const char *last = strstr(told, "closed 0\n");
	CHECK_STR(last, "closed 0\n");
	free(told);
	scene_free(scene);
	scene_delete(other, "a");
	scene_close(other);
}
