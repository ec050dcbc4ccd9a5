/*
 * Rule 8: every call may be made from any thread; completions and events arrive on the loop thread.
 */
#include "scenario.h"

#include <stdio.h>

enum { THREADS = 4 };

struct where {
	struct scene *scene;
	pthread_mutex_t lock;
	pthread_t loop;
	bool known;
};

static void check_thread(struct where *where)
{
	pthread_mutex_lock(&where->lock);
	if (!where->known)
		where->loop = pthread_self();
	where->known = true;
	CHECK(pthread_equal(where->loop, pthread_self()));
	pthread_mutex_unlock(&where->lock);
}

static void on_done(ctrd_op *op, void *data)
{
	(void)op;
	check_thread(data);
}

static void on_event(struct scene *scene, const ctrd_event *event)
{
	(void)event;
	check_thread(scene->data);
}

struct worker {
	struct where *where;
	pthread_t thread;
	char id[16];
};

static void *live(void *data)
{
	struct worker *worker = data;
	struct scene *scene = worker->where->scene;
	ctrd_done done = {on_done, worker->where, NULL};

	scene_begin(scene, worker->id, PROGRAM("exit", "3"));
	CHECK_INT(scene_wait(scene, worker->id, "init").code, 3);
	CHECK_INT(END(ctrd_container_status(scene->client, worker->id, NULL, done, &op)), CTRD_OK);
	scene_delete(scene, worker->id);
	return NULL;
}

TEST(threads_share_a_client)
{
	struct where where = {.scene = scene_open(), .lock = PTHREAD_MUTEX_INITIALIZER};
	struct worker workers[THREADS];

	where.scene->data = &where;
	where.scene->on_event = on_event;
	for (int i = 0; i < THREADS; i++) {
		workers[i].where = &where;
		snprintf(workers[i].id, sizeof(workers[i].id), "c%d", i);
		CHECK_INT(pthread_create(&workers[i].thread, NULL, live, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	CHECK(!pthread_equal(where.loop, pthread_self()));
	scene_close(where.scene);
}
