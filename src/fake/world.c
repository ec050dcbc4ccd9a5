/*
 * world.c: the containers that "fake:" clients share, and the registry of worlds by name. Not responsible for what
 * programs do (program.c) or what calls mean (verbs.c).
 *
 * Invariant: a process that has ended has an exit, has no pid that anybody lists, and every client was told. The
 * registry is the library's one process-wide variable: it is empty while no named world is open, and a forked child
 * never sees the worlds, nor the lock, of its parent.
 */
#include "fake/world.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake/fake_client.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/str.h"

enum { FIRST_PID = 100000, LAST_PID = 4000000 };

/* The lock holds the pid of the process that took it: what a parent held at the moment of a fork is void in its child.
 * Links are changed by one store each, so that the child finds a list that can be walked. */
static struct {
	atomic_int lock;
	struct ctrd__fake_world *_Atomic worlds;
} registry;

static void lock_registry(void)
{
	int me = (int)getpid();

	for (;;) {
		int holder = atomic_load(&registry.lock);
		if (holder != me && atomic_compare_exchange_strong(&registry.lock, &holder, me))
			return;
		sched_yield();
	}
}

static void unlock_registry(void)
{
	atomic_store(&registry.lock, 0);
}

static void free_world(struct ctrd__fake_world *world)
{
	pthread_mutex_destroy(&world->lock);
	ctrd__map_done(&world->containers);
	free(world->name);
	free(world);
}

static struct ctrd__fake_world *new_world(void)
{
	struct ctrd__fake_world *world = calloc(1, sizeof(*world));

	if (!world)
		return NULL;
	if (pthread_mutex_init(&world->lock, NULL)) {
		free(world);
		return NULL;
	}
	world->owner = getpid();
	world->refs = 1;
	world->last_pid = FIRST_PID - 1;
	ctrd__list_init(&world->clients);
	ctrd__map_init(&world->containers);
	return world;
}

struct ctrd__fake_world *ctrd__fake_world_get(const char *name, const char *name_space)
{
	struct ctrd__fake_world *fresh = new_world();

	if (!fresh || !*name)
		return fresh;
	CTRD__AUTO_STR struct ctrd__str key = CTRD__STR_INIT;
	ctrd__str_appendf(&key, "%s/%s", name_space ? name_space : "default", name);
	fresh->name = ctrd__str_take(&key);
	if (!fresh->name) {
		free_world(fresh);
		return NULL;
	}
	lock_registry();
	struct ctrd__fake_world *world = registry.worlds;
	while (world && (world->owner != fresh->owner || strcmp(world->name, fresh->name) != 0))
		world = world->next;
	if (world) {
		world->refs++;
	} else {
		fresh->next = registry.worlds;
		registry.worlds = fresh;
	}
	unlock_registry();
	if (!world)
		return fresh;
	free_world(fresh);
	return world;
}

static void forget_world(struct ctrd__fake_world *world)
{
	if (registry.worlds == world) {
		registry.worlds = world->next;
		return;
	}
	for (struct ctrd__fake_world *at = registry.worlds; at; at = at->next) {
		if (at->next == world)
			at->next = world->next;
	}
}

void ctrd__fake_world_unref(struct ctrd__fake_world *world)
{
	lock_registry();
	bool last = --world->refs == 0;
	if (last)
		forget_world(world);
	unlock_registry();
	if (last)
		free_world(world);
}

void ctrd__fake_world_join(struct ctrd__fake_world *world, struct ctrd__fake_client *client)
{
	pthread_mutex_lock(&world->lock);
	world->users++;
	client->joined = true;
	pthread_mutex_unlock(&world->lock);
}

void ctrd__fake_world_listen(struct ctrd__fake_world *world, struct ctrd__fake_client *client)
{
	pthread_mutex_lock(&world->lock);
	ctrd__list_insert_tail(&world->clients, &client->node);
	pthread_mutex_unlock(&world->lock);
}

static void free_containers(struct ctrd__fake_world *world)
{
	struct ctrd__map_iter at = ctrd__map_iter(&world->containers);
	const char *id;
	void *value;

	while (ctrd__map_next(&world->containers, &at, &id, &value)) {
		ctrd__map_remove(&world->containers, id);
		ctrd__fake_container_free(value);
	}
}

static void release_holds(struct ctrd__fake_world *world, const struct ctrd__fake_client *client)
{
	struct ctrd__map_iter at = ctrd__map_iter(&world->containers);
	void *value;

	while (ctrd__map_next(&world->containers, &at, NULL, &value)) {
		struct ctrd__fake_container *container = value;
		if (container->holder == client)
			container->holds = 0;
	}
}

void ctrd__fake_world_leave(struct ctrd__fake_world *world, struct ctrd__fake_client *client)
{
	pthread_mutex_lock(&world->lock);
	client->joined = false;
	ctrd__list_remove(&client->node);
	if (--world->users == 0)
		free_containers(world);
	else
		release_holds(world, client);
	pthread_mutex_unlock(&world->lock);
}

struct ctrd__fake_container *ctrd__fake_container_find(struct ctrd__fake_world *world,
						       const char *id)
{
	return ctrd__map_get(&world->containers, id);
}

void ctrd__fake_container_free(struct ctrd__fake_container *container)
{
	if (!container)
		return;
	ctrd__list_foreach(node, &container->processes)
	{
		ctrd__list_remove(node);
		ctrd__fake_process_unref(ctrd__container_of(node, struct ctrd__fake_process, node));
	}
	free(container->id);
	free(container->spec);
	ctrd__strv_free(container->args);
	free(container->bundle);
	free(container->runtime);
	free(container->runtime_path);
	ctrd__strv_free(container->labels);
	free(container->cgroup);
	free(container);
}

struct ctrd__fake_process *ctrd__fake_process_new(struct ctrd__fake_world *world,
						  const char *container_id, const char *id,
						  char *const *args)
{
	struct ctrd__fake_process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	ctrd__list_init(&process->node);
	process->args = ctrd__strv_dup((const char *const *)args);
	if (!process->args) {
		free(process);
		return NULL;
	}
	process->refs = 1;
	process->serial = ++world->serial;
	process->state = CTRD_TASK_CREATED;
	process->created_at_ns = ctrd__now_real_ns();
	process->pid = world->last_pid = world->last_pid >= LAST_PID ? FIRST_PID
								     : world->last_pid + 1;
	for (int i = 0; i < 3; i++)
		process->fds[i] = process->kept[i] = -1;
	snprintf(process->container_id, sizeof(process->container_id), "%s", container_id);
	snprintf(process->id, sizeof(process->id), "%s", id);
	return process;
}

static void close_all(int fds[3])
{
	for (int i = 0; i < 3; i++)
		ctrd__close_fd(&fds[i]);
}

struct ctrd__fake_process *ctrd__fake_process_unref(struct ctrd__fake_process *process)
{
	if (!process || --process->refs > 0)
		return NULL;
	ctrd__fake_io_free(process->parked);
	close_all(process->fds);
	close_all(process->kept);
	ctrd__strv_free(process->args);
	free(process);
	return NULL;
}

struct ctrd__fake_process *ctrd__fake_process_find(struct ctrd__fake_container *container,
						   const char *id)
{
	ctrd__list_foreach(node, &container->processes)
	{
		struct ctrd__fake_process *process =
			ctrd__container_of(node, struct ctrd__fake_process, node);
		if (!strcmp(process->id, id))
			return process;
	}
	return NULL;
}

struct ctrd__fake_process *ctrd__fake_process_init(struct ctrd__fake_container *container)
{
	struct ctrd__list *first = ctrd__list_first(&container->processes);

	return first ? ctrd__container_of(first, struct ctrd__fake_process, node) : NULL;
}

uint32_t ctrd__fake_container_state(struct ctrd__fake_container *container)
{
	const struct ctrd__fake_process *init = ctrd__fake_process_init(container);

	if (!init)
		return CTRD_TASK_NONE;
	return init->state == CTRD_TASK_RUNNING && container->paused ? CTRD_TASK_PAUSED
								     : init->state;
}

void ctrd__fake_tell(struct ctrd__fake_world *world, uint32_t kind,
		     const struct ctrd__fake_container *container,
		     const struct ctrd__fake_process *process)
{
	struct ctrd__fake_notice notice = {
		.kind = kind, .life = container->life, .time_ns = ctrd__now_real_ns()};

	snprintf(notice.container_id, sizeof(notice.container_id), "%s", container->id);
	if (process) {
		snprintf(notice.process_id, sizeof(notice.process_id), "%s", process->id);
		notice.pid = process->pid;
	}
	if (kind == CTRD_EVENT_EXIT && process) {
		notice.flags = process->exit.flags;
		notice.code = process->exit.code;
		notice.signal = process->exit.signal;
		notice.time_ns = process->exit.exited_at_ns;
	}
	ctrd__list_foreach(node, &world->clients)
	{
		ctrd__fake_notify(ctrd__container_of(node, struct ctrd__fake_client, node),
				  &notice);
	}
}

/* Somebody that the program left behind still holds its output. */
static bool lingers(const struct ctrd__fake_process *process)
{
	return process->args[0] && !strcmp(process->args[0], "linger");
}

static void end_one(struct ctrd__fake_world *world, struct ctrd__fake_container *container,
		    struct ctrd__fake_process *process, uint32_t code, int32_t signal,
		    uint32_t flags)
{
	if (process->state == CTRD_TASK_STOPPED)
		return;
	process->state = CTRD_TASK_STOPPED;
	ctrd__fake_io_free(process->parked);
	process->parked = NULL;
	process->exit = (ctrd_exit){
		.size = sizeof(ctrd_exit),
		.flags = flags | (signal ? CTRD_EXIT_SIGNALED : 0),
		.code = signal ? 128 + (uint32_t)signal : code,
		.signal = signal,
		.exited_at_ns = ctrd__now_real_ns(),
	};
	if (!lingers(process))
		close_all(process->fds);
	ctrd__fake_tell(world, CTRD_EVENT_EXIT, container, process);
}

void ctrd__fake_process_end(struct ctrd__fake_world *world, struct ctrd__fake_container *container,
			    struct ctrd__fake_process *process, uint32_t code, int32_t signal,
			    uint32_t flags)
{
	if (process->state == CTRD_TASK_STOPPED)
		return;
	if (ctrd__fake_process_is_init(process)) {
		ctrd__list_foreach(node, &container->processes)
		{
			struct ctrd__fake_process *other =
				ctrd__container_of(node, struct ctrd__fake_process, node);
			if (other != process)
				end_one(world, container, other, 0, SIGKILL, 0);
		}
		container->paused = false;
	}
	end_one(world, container, process, code, signal, flags);
}

void ctrd__fake_process_signal(struct ctrd__fake_world *world,
			       struct ctrd__fake_container *container,
			       struct ctrd__fake_process *process, int32_t signal)
{
	switch (signal) {
	case 0:
	case SIGCHLD:
	case SIGCONT:
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
	case SIGURG:
	case SIGWINCH:
		return;
	default:
		break;
	}
	if (container->paused && signal != SIGKILL) {
		process->pending |= UINT64_C(1) << (signal - 1);
		return;
	}
	ctrd__fake_process_end(world, container, process, 0, signal, 0);
}

void ctrd__fake_task_drop(struct ctrd__fake_world *world, struct ctrd__fake_container *container)
{
	ctrd__fake_tell(world, CTRD__FAKE_TASK_GONE, container, NULL);
	ctrd__list_foreach(node, &container->processes)
	{
		struct ctrd__fake_process *process =
			ctrd__container_of(node, struct ctrd__fake_process, node);
		ctrd__list_remove(node);
		process->state = CTRD_TASK_STOPPED; /* for the io of one that never ran */
		ctrd__fake_process_unref(process);
	}
	container->life = 0;
	container->started_at_ns = 0;
	container->paused = false;
}
