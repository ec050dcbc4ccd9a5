/*
 * Rule 2: fn runs exactly once, on the loop thread, then release; on the loop thread never before the call has
 * returned; *ret_op is written before.
 */
#include "scenario.h"

struct outer {
	struct scene *scene;
	ctrd_op *op;
	pthread_t thread;
	bool returned;
};

static void on_inner(ctrd_op *op, void *data)
{
	struct outer *outer = data;

	CHECK(outer->returned);
	CHECK(pthread_equal(outer->thread, pthread_self()));
	scene_note(outer->scene, "inner %s", ctrd_op_verb(op));
}

static void on_outer(ctrd_op *op, void *data)
{
	struct outer *outer = data;

	CHECK(outer->op == op);
	CHECK(ctrd_op_is_done(op));
	outer->thread = pthread_self();
	ctrd_done done = {on_inner, outer, NULL};
	CHECK_INT(ctrd_client_version(outer->scene->client, NULL, done, NULL), CTRD_OK);
	outer->returned = true;
	scene_note(outer->scene, "outer");
}

static void on_release(void *data)
{
	scene_note(((struct outer *)data)->scene, "release");
}

TEST(fn_then_release_and_never_inside_the_call)
{
	struct scene *scene = scene_open();
	struct outer outer = {.scene = scene};
	ctrd_done done = {on_outer, &outer, on_release};

	CHECK_INT(ctrd_client_version(scene->client, NULL, done, &outer.op), CTRD_OK);
	CHECK_INT(scene_end_of(outer.op), CTRD_OK);
	scene_await(scene, "inner client version", 1, NULL);
	char *told = scene_told(scene, NULL);
	CHECK_STR(told, "outer\nrelease\ninner client version\n");
	free(told);
	CHECK(!pthread_equal(outer.thread, pthread_self()));
	scene_close(scene);
}
