/*
 * Calls may race with a close: each op ends exactly once, or was never made.
 */
#include "scenario.h"

#include <stdatomic.h>

enum { THREADS = 8 };

struct race {
	ctrd_client *client;
	atomic_int made, done, released, refused;
	atomic_int running;
};

static void on_done(ctrd_op *op, void *data)
{
	struct race *race = data;
	int status = ctrd_op_status(op);
	CHECK(status == CTRD_OK || status == CTRD_ECLOSED);
	atomic_fetch_add(&race->done, 1);
}

static void on_release(void *data)
{
	atomic_fetch_add(&((struct race *)data)->released, 1);
}

static void *submit(void *data)
{
	struct race *race = data;
	ctrd_done done = {on_done, race, on_release};
	int status;

	atomic_fetch_add(&race->running, 1);
	do {
		ctrd_op *op = NULL;
		status = ctrd_client_version(race->client, NULL, done, &op);
		if (status == CTRD_OK)
			atomic_fetch_add(&race->made, 1);
		ctrd_op_unref(op);
	} while (status == CTRD_OK);
	CHECK_INT(status, CTRD_ECLOSED);
	atomic_fetch_add(&race->refused, 1);
	return NULL;
}

TEST(no_op_is_lost)
{
	struct scene *scene = scene_open();
	struct race race = {.client = scene->client};
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, submit, &race), 0);
	WAIT_UNTIL(atomic_load(&race.running) == THREADS && atomic_load(&race.done) > 100, 60);
	CHECK_INT(END(ctrd_client_close(scene->client, NULL, NOBODY, &op)), CTRD_OK);
	int done = atomic_load(&race.done);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(atomic_load(&race.made), done);
	CHECK_INT(atomic_load(&race.done), done);
	CHECK_INT(atomic_load(&race.released), done + THREADS);
	CHECK_INT(atomic_load(&race.refused), THREADS);
	scene_free(scene);
}
