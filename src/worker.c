/*
 * worker.c: the client's one worker thread, for file and cgroup work that may wait. libuv's shared pool is never used:
 * it belongs to the host. Invariant: `after` runs exactly once per work, on the loop thread, also for what never ran.
 */
#include <pthread.h>
#include <signal.h>

#include "core.h"

static void run_worker(void *data)
{
	ctrd_client *client = data;
	struct ctrd__worker *worker = &client->worker;

	uv_mutex_lock(&client->lock);
	for (;;) {
		struct ctrd__list *node = ctrd__list_pop(&worker->queue);
		if (!node && worker->stop)
			break;
		if (!node) {
			uv_cond_wait(&worker->wake, &client->lock);
			continue;
		}
		struct ctrd__work *work = ctrd__container_of(node, struct ctrd__work, node);
		worker->busy = true;
		uv_mutex_unlock(&client->lock);
		work->run(work);
		uv_mutex_lock(&client->lock);
		worker->busy = false;
		ctrd__list_insert_tail(&worker->finished, &work->node);
		ctrd__loop_wake_locked(client);
	}
	uv_mutex_unlock(&client->lock);
}

static int start(ctrd_client *client)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = uv_thread_create(&client->worker.thread, run_worker, client);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return error == UV_ENOMEM ? CTRD_ENOMEM : CTRD_ERESOURCES;
	client->worker.started = true;
	return CTRD_OK;
}

int ctrd__work_submit(ctrd_client *client, struct ctrd__work *work)
{
	work->cancelled = false;
	ctrd__list_init(&work->node);
	int status = client->worker.started ? CTRD_OK : start(client);
	if (status)
		return status;
	uv_mutex_lock(&client->lock);
	ctrd__list_insert_tail(&client->worker.queue, &work->node);
	uv_cond_signal(&client->worker.wake);
	uv_mutex_unlock(&client->lock);
	return CTRD_OK;
}

void ctrd__worker_reap(ctrd_client *client)
{
	struct ctrd__list finished, *node;

	ctrd__list_init(&finished);
	uv_mutex_lock(&client->lock);
	ctrd__list_splice_tail(&finished, &client->worker.finished);
	uv_mutex_unlock(&client->lock);
	while ((node = ctrd__list_pop(&finished))) {
		struct ctrd__work *work = ctrd__container_of(node, struct ctrd__work, node);
		work->after(work, work->cancelled);
	}
}

bool ctrd__worker_drain(ctrd_client *client)
{
	uv_mutex_lock(&client->lock);
	ctrd__list_foreach(node, &client->worker.queue)
	{
		ctrd__container_of(node, struct ctrd__work, node)->cancelled = true;
	}
	ctrd__list_splice_tail(&client->worker.finished, &client->worker.queue);
	uv_mutex_unlock(&client->lock);
	ctrd__worker_reap(client);
	uv_mutex_lock(&client->lock);
	bool idle = !client->worker.busy && ctrd__list_is_empty(&client->worker.queue) &&
		    ctrd__list_is_empty(&client->worker.finished);
	uv_mutex_unlock(&client->lock);
	return idle;
}

void ctrd__worker_stop(ctrd_client *client)
{
	if (!client->worker.started)
		return;
	uv_mutex_lock(&client->lock);
	client->worker.stop = true;
	uv_cond_signal(&client->worker.wake);
	uv_mutex_unlock(&client->lock);
	uv_thread_join(&client->worker.thread); /* it is idle: ctrd__worker_drain said so */
	client->worker.started = false;
}
