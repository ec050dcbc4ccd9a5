/*
 * Rule 1: a call that may wait returns at once; it is refused by its status only when no op can be made, and through
 * the op otherwise.
 */
#include "scenario.h"

struct calls {
	int fn;
	int release;
};

static void on_done(ctrd_op *op, void *data)
{
	(void)op;
	((struct calls *)data)->fn++;
}

static void on_release(void *data)
{
	((struct calls *)data)->release++;
}

TEST(without_an_op_release_has_run_and_fn_never_does)
{
	struct calls calls = {0, 0};
	ctrd_done done = {on_done, &calls, on_release};
	ctrd_op *op = NULL;

	CHECK_INT(ctrd_container_start(NULL, "a", NULL, done, &op), CTRD_EINVAL);
	CHECK_INT(calls.release, 1);

	struct scene *scene = scene_open();
	ctrd_client *client = ctrd_client_ref(scene->client);
	scene_close(scene);
	CHECK_INT(ctrd_container_start(client, "a", NULL, done, &op), CTRD_ECLOSED);
	CHECK_INT(ctrd_client_close(client, NULL, done, &op), CTRD_ECLOSED);
	CHECK_INT(calls.release, 3);
	CHECK_INT(calls.fn, 0);
	CHECK(op == NULL);
	ctrd_client_unref(client);
}

TEST(every_other_refusal_arrives_through_the_op)
{
	struct calls calls = {0, 0};
	ctrd_done done = {on_done, &calls, on_release};
	struct scene *scene = scene_open();

	ctrd_op *refused = ENDED(ctrd_container_start(scene->client, "no spaces", NULL, done, &op));
	CHECK_INT(ctrd_op_status(refused), CTRD_EINVAL);
	CHECK_CONTAINS(ctrd_error_message(ctrd_op_error(refused)), "container id");
	CHECK_INT(calls.fn, 1);
	CHECK_INT(calls.release, 1);
	ctrd_op_unref(refused);
	scene_close(scene);
}
