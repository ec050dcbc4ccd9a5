/*
 * program.c: what fake programs do: the words of the head of libctrd/fake.h, carried out on the loop of one client with
 * the process' real descriptors. Not responsible for how a process ends for everybody (world.c).
 *
 * Invariant: an io is in exactly one place: in its client's list, or parked in its process when that client was closed.
 */
#include "fake/fake_client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "streams.h"
#include "util/cleanup.h"

enum {
	BUFFER_SIZE = 16384,
	STEPS = 8,	   /* before the loop gets a turn */
	POLL_AGAIN_MS = 2, /* a caller's descriptor: nobody may make it non-blocking or watch it */
};

struct ctrd__fake_io {
	struct ctrd__list node; /* client->ios */
	struct ctrd__fake_client *client;
	struct ctrd__fake_process *process; /* a reference, but while parked */
	int fds[3];
	struct ctrd__watch *watch;
	struct ctrd__timer *timer;
	bool reads;	      /* stdin is not at its end */
	const char *farewell; /* to be written after the end of stdin; in process->args */
	uint64_t flood;	      /* bytes still to be made up */
	uint32_t code;	      /* how it ends */
	int32_t signal;
	bool oom;
	size_t length; /* of what waits to be written */
	size_t done;
	char buffer[BUFFER_SIZE];
};

static void step(void *data);

const char *ctrd__fake_program_refuses(char *const *args)
{
	if (!strcmp(args[0], "missing"))
		return "there is no such program";
	if (!strcmp(args[0], "denied"))
		return "may not be executed";
	return NULL;
}

static void say(struct ctrd__fake_io *io, const char *text)
{
	int length = snprintf(io->buffer, sizeof(io->buffer), "%s\n", text);

	io->length = length < (int)sizeof(io->buffer) ? (size_t)length : sizeof(io->buffer) - 1;
	io->done = 0;
}

/* Read the program; false when it has nothing to do but live. */
static bool read_program(struct ctrd__fake_io *io, char *const *args)
{
	const char *word = args[0];
	const char *argument = args[1] ? args[1] : "";

	if (!strcmp(word, "sleep"))
		return false;
	if (!strcmp(word, "exit") || !strcmp(word, "linger")) {
		io->code = (uint32_t)strtoul(argument, NULL, 10) & 255;
	} else if (!strcmp(word, "signal")) {
		io->signal = (int32_t)(strtoul(argument, NULL, 10) & 63);
	} else if (!strcmp(word, "oom")) {
		io->signal = SIGKILL;
		io->oom = true;
	} else if (!strcmp(word, "echo")) {
		say(io, argument);
	} else if (!strcmp(word, "cat")) {
		io->reads = true;
		io->farewell = args[1];
	} else if (!strcmp(word, "flood")) {
		io->flood = strtoull(argument, NULL, 10);
	}
	return true;
}

bool ctrd__fake_io_new(struct ctrd__fake_client *client, struct ctrd__fake_process *process,
		       struct ctrd__fake_io **ret_io)
{
	struct ctrd__fake_io *io = calloc(1, sizeof(*io));

	if (!io)
		return false;
	if (!read_program(io, process->args)) {
		free(io);
		io = NULL;
	} else {
		ctrd__list_init(&io->node);
		io->client = client;
		io->process = process;
		process->refs++;
		for (int i = 0; i < 3; i++)
			io->fds[i] = -1;
	}
	*ret_io = io;
	return true;
}

static void stop(struct ctrd__fake_io *io)
{
	io->watch = ctrd__watch_free(io->watch);
	io->timer = ctrd__timer_free(io->timer);
}

void ctrd__fake_io_free(struct ctrd__fake_io *io)
{
	if (!io)
		return;
	stop(io);
	ctrd__list_remove(&io->node);
	/* What somebody else in the container holds open stays so until the task is deleted. */
	if (io->client && io->process->refs > 1 && !strcmp(io->process->args[0], "linger")) {
		for (int i = 1; i < 3; i++)
			io->process->fds[i] = ctrd__take_fd(io->fds[i]);
	}
	for (int i = 0; i < 3; i++)
		ctrd__close_fd(&io->fds[i]);
	if (io->client)
		ctrd__fake_process_unref(io->process);
	free(io);
}

static void end(struct ctrd__fake_io *io, uint32_t code, int32_t signal)
{
	struct ctrd__fake_client *client = io->client;
	struct ctrd__fake_world *world = client->world;
	struct ctrd__fake_process *process = io->process;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container =
		ctrd__fake_container_find(world, process->container_id);
	if (process->state == CTRD_TASK_RUNNING && container) {
		if (io->oom)
			ctrd__fake_tell(world, CTRD_EVENT_OOM, container, NULL);
		ctrd__fake_process_end(world, container, process, code, signal,
				       io->oom ? CTRD_EXIT_OOM : 0);
	}
	ctrd__fake_io_free(io);
	pthread_mutex_unlock(&world->lock);
	ctrd__fake_drain(client);
}

static void again(struct ctrd__fake_io *io, uint32_t ms)
{
	if (ctrd__timer_new(io->client->client, ms, step, io, &io->timer))
		end(io, 0, SIGKILL); /* out of memory, as it goes with programs */
}

static void on_ready(void *data, int events)
{
	(void)events;
	step(data);
}

/* A description that the library made: it may be made non-blocking and watched. */
static bool is_ours(const struct ctrd__fake_io *io, int stream)
{
	return io->process->terminal || io->process->kinds[stream] == CTRD_STREAM_PIPE ||
	       io->process->kinds[stream] == CTRD_STREAM_DATA;
}

static void wait_for(struct ctrd__fake_io *io, int stream, int events)
{
	if (!is_ours(io, stream)) {
		again(io, POLL_AGAIN_MS);
		return;
	}
	if (ctrd__watch_new(io->client->client, io->fds[stream], events, on_ready, io, &io->watch))
		again(io, POLL_AGAIN_MS);
}

static bool can(int fd, short events)
{
	struct pollfd item = {.fd = fd, .events = events};

	return poll(&item, 1, 0) > 0;
}

/* write(2) that leaves no SIGPIPE behind. */
static ssize_t write_quietly(int fd, const void *data, size_t length)
{
	sigset_t broken, before, pending;
	struct timespec now = {0, 0};

	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &broken, &before);
	sigpending(&pending);
	ssize_t written = write(fd, data, length);
	int error = errno;
	if (written < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE))
		sigtimedwait(&broken, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return written;
}

static ssize_t put(struct ctrd__fake_io *io, bool discard)
{
	size_t left = io->length - io->done;

	if (discard || io->fds[1] < 0)
		return (ssize_t)left;
	if (!is_ours(io, 1)) {
		if (!can(io->fds[1], POLLOUT)) {
			errno = EAGAIN;
			return -1;
		}
		left = left < PIPE_BUF ? left : PIPE_BUF;
	}
	return write_quietly(io->fds[1], io->buffer + io->done, left);
}

static ssize_t get(struct ctrd__fake_io *io)
{
	if (io->fds[0] < 0)
		return 0;
	if (!is_ours(io, 0) && !can(io->fds[0], POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	return read(io->fds[0], io->buffer, sizeof(io->buffer));
}

/* What an attempt came to. */
enum progress { MOVED, WAITS, ENDED };

static enum progress write_some(struct ctrd__fake_io *io, bool discard)
{
	ssize_t written = put(io, discard);

	if (written >= 0) {
		io->done += (size_t)written;
		if (io->done == io->length)
			io->done = io->length = 0;
		return MOVED;
	}
	if (errno == EAGAIN || errno == EINTR) {
		wait_for(io, 1, CTRD__WRITABLE);
		return WAITS;
	}
	if (errno == EPIPE)
		end(io, 0, SIGPIPE);
	else
		end(io, 1, 0);
	return ENDED;
}

static enum progress read_some(struct ctrd__fake_io *io)
{
	ssize_t got = get(io);

	if (got > 0) {
		io->length = (size_t)got;
		return MOVED;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		wait_for(io, 0, CTRD__READABLE);
		return WAITS;
	}
	io->reads = false;
	if (io->farewell)
		say(io, io->farewell);
	return MOVED;
}

static enum progress do_something(struct ctrd__fake_io *io, bool discard)
{
	if (io->length)
		return write_some(io, discard);
	if (io->reads)
		return read_some(io);
	if (io->flood) {
		io->length = io->flood < sizeof(io->buffer) ? (size_t)io->flood
							    : sizeof(io->buffer);
		memset(io->buffer, 0, io->length);
		io->flood -= io->length;
		return MOVED;
	}
	end(io, io->code, io->signal);
	return ENDED;
}

static void step(void *data)
{
	struct ctrd__fake_io *io = data;
	struct ctrd__fake_world *world = io->client->world;

	io->timer = NULL; /* it frees itself */
	io->watch = ctrd__watch_free(io->watch);
	pthread_mutex_lock(&world->lock);
	const struct ctrd__fake_container *container =
		ctrd__fake_container_find(world, io->process->container_id);
	bool frozen = io->process->state != CTRD_TASK_RUNNING || !container || container->paused;
	bool discard = io->process->discard;
	pthread_mutex_unlock(&world->lock);
	if (frozen)
		return; /* until a sweep */
	enum progress progress = MOVED;
	for (int i = 0; i < STEPS && progress == MOVED; i++)
		progress = do_something(io, discard);
	if (progress == MOVED)
		again(io, 0);
}

void ctrd__fake_io_run(struct ctrd__fake_io *io)
{
	if (!io)
		return;
	pthread_mutex_lock(&io->client->world->lock);
	for (int i = 0; i < 3; i++) {
		io->fds[i] = ctrd__take_fd(io->process->fds[i]);
		if (io->fds[i] >= 0 && is_ours(io, i))
			(void)fcntl(io->fds[i], F_SETFL, fcntl(io->fds[i], F_GETFL) | O_NONBLOCK);
	}
	pthread_mutex_unlock(&io->client->world->lock);
	ctrd__list_insert_tail(&io->client->ios, &io->node);
	again(io, 0);
}

/* Take over one program that a closed client left. With the lock. */
static struct ctrd__fake_io *adopt_one(struct ctrd__fake_client *client)
{
	struct ctrd__map_iter at = ctrd__map_iter(&client->world->containers);
	void *value;

	while (ctrd__map_next(&client->world->containers, &at, NULL, &value)) {
		struct ctrd__fake_container *container = value;
		ctrd__list_foreach(node, &container->processes)
		{
			struct ctrd__fake_process *process =
				ctrd__container_of(node, struct ctrd__fake_process, node);
			struct ctrd__fake_io *io = process->parked;
			if (!io)
				continue;
			process->parked = NULL;
			process->refs++;
			io->process = process;
			io->client = client;
			ctrd__list_insert_tail(&client->ios, &io->node);
			return io;
		}
	}
	return NULL;
}

void ctrd__fake_io_sweep(struct ctrd__fake_client *client)
{
	struct ctrd__fake_world *world = client->world;
	struct ctrd__fake_io *io;

	pthread_mutex_lock(&world->lock);
	ctrd__list_foreach(node, &client->ios)
	{
		io = ctrd__container_of(node, struct ctrd__fake_io, node);
		if (io->process->state == CTRD_TASK_STOPPED)
			ctrd__fake_io_free(io);
		else if (io->process->discard && io->watch)
			stop(io); /* it may wait for a reader that will not come */
	}
	while (adopt_one(client)) {
	}
	pthread_mutex_unlock(&world->lock);
	ctrd__list_foreach(node, &client->ios)
	{
		io = ctrd__container_of(node, struct ctrd__fake_io, node);
		if (!io->watch && !io->timer)
			again(io, 0); /* it was frozen, or has just come to us */
	}
}

void ctrd__fake_io_leave(struct ctrd__fake_client *client)
{
	struct ctrd__fake_world *world = client->world;
	bool left = false;

	pthread_mutex_lock(&world->lock);
	ctrd__list_foreach(node, &client->ios)
	{
		struct ctrd__fake_io *io = ctrd__container_of(node, struct ctrd__fake_io, node);
		struct ctrd__fake_process *process = io->process;
		if (process->state != CTRD_TASK_RUNNING) {
			ctrd__fake_io_free(io);
			continue;
		}
		stop(io);
		ctrd__list_remove(&io->node);
		io->client = NULL;
		process->parked = io;
		ctrd__fake_process_unref(process);
		left = true;
	}
	if (left)
		ctrd__fake_wake_others(client);
	pthread_mutex_unlock(&world->lock);
}
