/*
 * reader_unix.c: reads a process' DATA streams and gives the bytes to the embedder, with back-pressure, and bounded in
 * time once the process has ended. Invariant: the end of a stream is told once, before the exit is; while the embedder
 * has paused the streams nothing is read and no time runs.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "id.h"
#include "util/cleanup.h"
#include "util/os.h"

#define READ_SIZE 65536
#define DRAIN_MS  2000

struct one_stream {
	struct ctrd__reader *reader;
	uint32_t number;
	int fd; /* -1 = at its end, or not DATA */
	struct ctrd__watch *watch;
	size_t owed; /* bytes that were in the pipe when the process ended and are not read yet */
};

struct ctrd__reader {
	struct ctrd__process *process; /* NULL: told to stop from inside a callback */
	struct ctrd__stdio *stdio;
	struct one_stream streams[3];
	struct ctrd__timer *timer;
	bool paused;
	bool busy;     /* inside the embedder's callback */
	bool draining; /* the process has ended */
	bool late;     /* and the time for what others may still write is over */
};

static void close_stream(struct one_stream *stream)
{
	stream->watch = ctrd__watch_free(stream->watch);
	ctrd__close_fd(&stream->fd);
}

static void free_reader(struct ctrd__reader *reader)
{
	for (int i = 1; i < 3; i++)
		close_stream(&reader->streams[i]);
	reader->timer = ctrd__timer_free(reader->timer);
	ctrd__stdio_unref(reader->stdio);
	free(reader);
}

void ctrd__reader_free(struct ctrd__process *process)
{
	struct ctrd__reader *reader = process->reader;
	if (!reader)
		return;
	process->reader = NULL;
	reader->process = NULL;
	if (!reader->busy)
		free_reader(reader);
}

/* Give bytes, or the end (length 0). False when the reader is gone afterwards. */
static bool give(struct ctrd__reader *reader, uint32_t number, const void *bytes, size_t length)
{
	const ctrd_stdio *asked = ctrd__stdio_asked(reader->stdio);
	char container_id[CTRD_ID_MAX + 1], process_id[CTRD_ID_MAX + 1];

	memcpy(container_id, reader->process->container->id, sizeof(container_id));
	memcpy(process_id, reader->process->id, sizeof(process_id));
	reader->busy = true;
	int answer = asked->data_fn(container_id, process_id, number, bytes, length, asked->data);
	reader->busy = false;
	if (!reader->process) {
		free_reader(reader);
		return false;
	}
	if (answer == 1 && length)
		reader->paused = true;
	return true;
}

static bool end_stream(struct ctrd__reader *reader, struct one_stream *stream)
{
	close_stream(stream);
	return give(reader, stream->number, "", 0);
}

/* After anything changed: watch what may be read, end what may not, tell when all is done. */
static void settle(struct ctrd__reader *reader)
{
	for (int i = 1; i < 3; i++) {
		struct one_stream *stream = &reader->streams[i];
		if (stream->fd >= 0 && reader->late && !stream->owed && !reader->paused &&
		    !end_stream(reader, stream))
			return;
		if (stream->fd >= 0)
			(void)ctrd__watch_set(stream->watch, reader->paused ? 0 : CTRD__READABLE);
	}
	if (reader->streams[1].fd >= 0 || reader->streams[2].fd >= 0)
		return;
	struct ctrd__process *process = reader->process;
	ctrd__reader_free(process);
	ctrd__ledger_exit_drained(process);
}

static void on_late(void *data)
{
	struct ctrd__reader *reader = data;

	reader->timer = NULL;
	reader->late = true;
	settle(reader);
}

static void start_timer(struct ctrd__reader *reader)
{
	uint32_t ms = ctrd__stdio_asked(reader->stdio)->drain_ms;

	if (!reader->draining || reader->late || reader->timer || reader->paused)
		return;
	if (ctrd__timer_new(reader->process->container->client, ms ? ms : DRAIN_MS, on_late, reader,
			    &reader->timer))
		reader->late = true;
}

static void on_readable(void *data, int events)
{
	struct one_stream *stream = data;
	struct ctrd__reader *reader = stream->reader;
	char *buffer = reader->process->container->client->read_buffer;

	(void)events;
	ssize_t length = read(stream->fd, buffer, READ_SIZE);
	if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
		stream->owed = 0; /* whatever others write from now on is not the process' */
		if (reader->late)
			settle(reader);
		return;
	}
	if (length <= 0) { /* a terminal ends with EIO */
		if (end_stream(reader, stream))
			settle(reader);
		return;
	}
	stream->owed -= stream->owed < (size_t)length ? stream->owed : (size_t)length;
	if (!give(reader, stream->number, buffer, (size_t)length))
		return;
	if (reader->paused)
		reader->timer = ctrd__timer_free(reader->timer);
	if (reader->paused || reader->late)
		settle(reader);
}

ctrd_error *ctrd__reader_new(struct ctrd__process *process, struct ctrd__stdio *stdio, int ours[3])
{
	ctrd_client *client = process->container->client;
	int status = CTRD_OK;

	if (!client->read_buffer && !(client->read_buffer = malloc(READ_SIZE)))
		return ctrd__error_nomem();
	struct ctrd__reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return ctrd__error_nomem();
	reader->process = process;
	reader->stdio = ctrd__stdio_ref(stdio);
	for (uint32_t i = 0; i < 3; i++)
		reader->streams[i] = (struct one_stream){.reader = reader, .number = i, .fd = -1};
	for (uint32_t i = 1; i < 3 && !status; i++) {
		struct one_stream *stream = &reader->streams[i];
		if (ctrd__stdio_kind(stdio, i) != CTRD_STREAM_DATA || ours[i] < 0)
			continue;
		stream->fd = ctrd__take_fd(ours[i]);
		status = ctrd__watch_new(client, stream->fd, CTRD__READABLE, on_readable, stream,
					 &stream->watch);
	}
	if (status) {
		free_reader(reader);
		return ctrd__error_new(
			status, "ctrd", 0, NULL,
			"container \"%s\", process \"%s\": its streams cannot be watched",
			process->container->id, process->id);
	}
	process->reader = reader;
	return NULL;
}

bool ctrd__reader_drain(struct ctrd__process *process)
{
	struct ctrd__reader *reader = process->reader;
	if (!reader)
		return true;
	if (!reader->draining) {
		reader->draining = true;
		for (int i = 1; i < 3; i++) {
			int left = 0;
			if (reader->streams[i].fd >= 0 &&
			    ioctl(reader->streams[i].fd, FIONREAD, &left) == 0 && left > 0)
				reader->streams[i].owed = (size_t)left;
		}
		start_timer(reader);
	}
	return false;
}

void ctrd__stdio_stop(ctrd_client *client, const char *container_id, const char *process_id)
{
	struct ctrd__container *container = ctrd__ledger_find(client, container_id);
	struct ctrd__process *process = container ? ctrd__ledger_find_process(container, process_id)
						  : NULL;
	if (!process)
		return;
	ctrd__reader_free(process);
	ctrd__ledger_exit_drained(process);
}

struct resume_post {
	struct ctrd__post post;
	char container_id[CTRD_ID_MAX + 1];
	char process_id[CTRD_ID_MAX + 1];
};

static void resume(ctrd_client *client, struct ctrd__post *post, bool cancelled)
{
	struct resume_post *what = ctrd__container_of(post, struct resume_post, post);
	struct ctrd__container *container =
		cancelled ? NULL : ctrd__ledger_find(client, what->container_id);
	struct ctrd__process *process =
		container ? ctrd__ledger_find_process(container, what->process_id) : NULL;

	if (process && process->reader && process->reader->paused) {
		process->reader->paused = false;
		start_timer(process->reader);
		settle(process->reader);
	}
	free(what);
}

int ctrd_stdio_resume(ctrd_client *client, const char *container_id, const char *process_id)
{
	if (!client || !ctrd__id_is_valid(container_id) || !ctrd__id_is_valid(process_id))
		return CTRD_EINVAL;
	if (client->owner != getpid())
		return CTRD_EFORKED;
	struct resume_post *what = calloc(1, sizeof(*what));
	if (!what)
		return CTRD_ENOMEM;
	what->post.fn = resume;
	memcpy(what->container_id, container_id, strlen(container_id) + 1);
	memcpy(what->process_id, process_id, strlen(process_id) + 1);
	int status = ctrd__client_post(client, &what->post);
	if (status)
		free(what);
	return status;
}
