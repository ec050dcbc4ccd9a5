/*
 * Somebody whom the program left behind holds its output open: the streams end, and the exit is told, in bounded time.
 */
#include "scenario.h"

TEST(an_exit_does_not_wait_for_a_grandchild)
{
	struct scene *scene = scene_open();
	struct sink *sink = sink_new();
	ctrd_stdio stdio = sink_stdio(sink, CTRD_STREAM_NULL, CTRD_STREAM_DATA);

	stdio.drain_ms = 100;
	scene_begin_with(scene, "a", PROGRAM("linger", "5"), &stdio);
	CHECK_INT(scene_wait(scene, "a", "init").code, 5);
	sink_await_ends(sink, 1);
	sink_await_release(sink);
	scene_delete(scene, "a");
	scene_close(scene);
	sink_free(sink);
}
