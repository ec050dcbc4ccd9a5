/*
 * A data callback that answers 1 gets no more bytes until it is resumed; nothing is lost meanwhile, and the exit is
 * told after the bytes.
 */
#include "scenario.h"

#include <stdio.h>

TEST(a_paused_stream_waits_for_its_reader)
{
	struct scene *scene = scene_open();
	struct sink *sink = sink_new();
	ctrd_stdio stdio = sink_stdio(sink, CTRD_STREAM_NULL, CTRD_STREAM_DATA);
	size_t total = (size_t)test_scale(4) << 20;
	char text[24];

	snprintf(text, sizeof(text), "%zu", total);
	sink->kept = 1;
	sink->pause_after = 1; /* after every piece */
	scene_begin_with(scene, "a", PROGRAM("flood", text), &stdio);
	sink_await_length(sink, 1);
	for (size_t had = 0; had < total;) {
		pthread_mutex_lock(&sink->lock);
		had = sink->length;
		int calls = sink->calls;
		pthread_mutex_unlock(&sink->lock);
		CHECK_INT(scene_count(scene, "exit a/init"), 0);
		if (had >= total)
			break;
		CHECK(scene_state(scene, "a") >= CTRD_TASK_RUNNING); /* a turn of the loop */
		pthread_mutex_lock(&sink->lock);
		CHECK_INT(sink->calls, calls);
		pthread_mutex_unlock(&sink->lock);
		CHECK_INT(ctrd_stdio_resume(scene->client, "a", "init"), CTRD_OK);
		sink_await_length(sink, had + 1);
	}
	CHECK_INT(ctrd_stdio_resume(scene->client, "a", "init"), CTRD_OK);
	sink_await_ends(sink, 1);
	CHECK_INT(sink->length, total);
	CHECK_INT(scene_wait(scene, "a", "init").code, 0);
	scene_delete(scene, "a");
	sink_await_release(sink);
	scene_close(scene);
	sink_free(sink);
}
