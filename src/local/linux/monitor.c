/*
 * A connection to a helper: requests go out, answers come back to those who asked, events go to the owner. Knows the
 * messages of wire.h by their form only.
 *
 * Invariants: nothing here blocks (what the socket does not take is queued); each request that was sent gets its answer or
 * NULL exactly once, unless its asker has been forgotten; after `gone` nothing comes any more.
 */
#include "local/linux/local.h"

#include "util/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request that waits for its answer. */
struct pending {
	struct ctrd__list node;
	uint32_t serial;
	ctrd__answer_fn fn;
	void *data;
};

/* A request that waits for room in the socket. */
struct unsent {
	struct ctrd__list node;
	struct ctrd__wire_head head;
	int fds[CTRD__WIRE_FDS_MAX];
	size_t fd_count;
	char text[];
};

struct ctrd__monitor {
	struct ctrd__list node; /* local->monitors */
	struct ctrd__local *local;
	int fd;
	struct ctrd__watch *watch;
	const struct ctrd__monitor_owner *owner;
	void *data;
	uint32_t serial;
	struct ctrd__list pending;
	struct ctrd__list unsent;
	bool dead;
	bool busy;   /* a callback runs */
	bool doomed; /* to be freed when it has returned */
};

static void free_unsent(struct unsent *unsent)
{
	ctrd__wire_close_fds(unsent->fds, unsent->fd_count);
	free(unsent);
}

/* A callback has returned. False when the monitor was freed in it. */
static bool survive(struct ctrd__monitor *monitor)
{
	monitor->busy = false;
	if (!monitor->doomed)
		return true;
	free(monitor);
	return false;
}

/* Tell everybody that nothing comes any more. The monitor may be gone afterwards. */
static void give_up(struct ctrd__monitor *monitor)
{
	struct ctrd__list *node;

	monitor->dead = true;
	monitor->watch = ctrd__watch_free(monitor->watch);
	monitor->busy = true;
	while (!monitor->doomed && (node = ctrd__list_pop(&monitor->pending))) {
		struct pending *pending = ctrd__container_of(node, struct pending, node);
		ctrd__answer_fn fn = pending->fn;
		void *data = pending->data;

		free(pending);
		if (fn)
			fn(data, NULL);
	}
	if (survive(monitor))
		monitor->owner->gone(monitor->data);
}

static struct pending *find_pending(struct ctrd__monitor *monitor, uint32_t serial)
{
	ctrd__list_foreach(node, &monitor->pending)
	{
		struct pending *pending = ctrd__container_of(node, struct pending, node);

		if (pending->serial == serial)
			return pending;
	}
	return NULL;
}

static void take_answer(struct ctrd__monitor *monitor, struct ctrd__answer *answer)
{
	struct pending *pending = find_pending(monitor, answer->head.serial);
	ctrd__answer_fn fn;
	void *data;

	if (!pending)
		return;
	fn = pending->fn;
	data = pending->data;
	ctrd__list_remove(&pending->node);
	free(pending);
	if (fn)
		fn(data, answer);
}

static void take_event(struct ctrd__monitor *monitor, const struct ctrd__answer *message)
{
	const char *at = message->text;
	const char *end = at + message->head.text_length;
	const char *container_id = ctrd__wire_next(&at, end);
	const char *process_id = ctrd__wire_next(&at, end);

	if (container_id)
		monitor->owner->event(monitor->data, &message->head, container_id,
				      process_id ? process_id : "");
}

/* One message. False when no more can be read now, or the monitor is gone or freed. */
static bool receive(struct ctrd__monitor *monitor)
{
	struct ctrd__answer message;
	bool alive;
	int r;

	message.fd_count = 0;
	r = ctrd__wire_receive(monitor->fd, monitor->local->packet, &message.head, &message.text,
			       message.fds, &message.fd_count);
	if (r == CTRD__WIRE_AGAIN)
		return false;
	if (r < 0) {
		if (r != CTRD_EUNAVAILABLE)
			ctrd__client_log(monitor->local->client, CTRD_LOG_WARNING,
					 "monitor: a message cannot be understood: %s",
					 ctrd_status_name(r));
		give_up(monitor);
		return false;
	}
	monitor->busy = true;
	if (message.head.type == CTRD__MSG_ANSWER)
		take_answer(monitor, &message);
	else if (message.head.type == CTRD__MSG_EVENT)
		take_event(monitor, &message);
	alive = survive(monitor);
	ctrd__wire_close_fds(message.fds, message.fd_count);
	return alive;
}

/* Send what was queued. False when the connection broke. */
static bool flush(struct ctrd__monitor *monitor)
{
	struct ctrd__list *node;

	while ((node = ctrd__list_first(&monitor->unsent))) {
		struct unsent *unsent = ctrd__container_of(node, struct unsent, node);
		int r = ctrd__wire_send(monitor->fd, &unsent->head, unsent->text, unsent->fds,
					unsent->fd_count);

		if (r == CTRD__WIRE_AGAIN)
			return true;
		if (r < 0)
			return false;
		ctrd__list_remove(&unsent->node);
		free_unsent(unsent);
	}
	(void)ctrd__watch_set(monitor->watch, CTRD__READABLE);
	return true;
}

static void ready(void *data, int events)
{
	struct ctrd__monitor *monitor = data;

	if (events & CTRD__READABLE)
		/* Not for ever: others want to be served too. */
		for (int i = 0; i < 16; i++)
			if (!receive(monitor))
				return;
	if ((events & CTRD__WRITABLE) && !flush(monitor))
		give_up(monitor);
}

int ctrd__monitor_new(struct ctrd__local *local, int fd, const struct ctrd__monitor_owner *owner,
		      void *data, struct ctrd__monitor **ret_monitor)
{
	struct ctrd__monitor *monitor = NULL;
	int r = CTRD_ENOMEM;

	if (!local->packet)
		local->packet = malloc(CTRD__WIRE_PACKET_MAX);
	if (local->packet)
		monitor = calloc(1, sizeof(*monitor));
	if (monitor) {
		monitor->local = local;
		monitor->fd = fd;
		monitor->owner = owner;
		monitor->data = data;
		ctrd__list_init(&monitor->pending);
		ctrd__list_init(&monitor->unsent);
		r = ctrd__watch_new(local->client, fd, CTRD__READABLE, ready, monitor,
				    &monitor->watch);
	}
	if (r < 0) {
		ctrd__close_fd(&fd);
		free(monitor);
		return r;
	}
	ctrd__list_insert_tail(&local->monitors, &monitor->node);
	*ret_monitor = monitor;
	return CTRD_OK;
}

struct ctrd__monitor *ctrd__monitor_free(struct ctrd__monitor *monitor)
{
	struct ctrd__list *node;

	if (!monitor)
		return NULL;
	if (!monitor->local->inherited)
		monitor->watch = ctrd__watch_free(monitor->watch);
	ctrd__close_fd(&monitor->fd);
	while ((node = ctrd__list_pop(&monitor->pending)))
		free(ctrd__container_of(node, struct pending, node));
	while ((node = ctrd__list_pop(&monitor->unsent)))
		free_unsent(ctrd__container_of(node, struct unsent, node));
	ctrd__list_remove(&monitor->node);
	if (monitor->busy)
		monitor->doomed = true;
	else
		free(monitor);
	return NULL;
}

void ctrd__monitor_set_owner(struct ctrd__monitor *monitor, const struct ctrd__monitor_owner *owner,
			     void *data)
{
	monitor->owner = owner;
	monitor->data = data;
}

static int queue(struct ctrd__monitor *monitor, const struct ctrd__wire_head *head,
		 const char *text, size_t len, const int *fds, size_t fd_count)
{
	struct unsent *unsent = calloc(1, sizeof(*unsent) + len);

	if (!unsent)
		return CTRD_ENOMEM;
	unsent->head = *head;
	if (len > 0)
		memcpy(unsent->text, text, len);
	for (; unsent->fd_count < fd_count; unsent->fd_count++) {
		unsent->fds[unsent->fd_count] = ctrd__fd_dup(fds[unsent->fd_count]);
		if (unsent->fds[unsent->fd_count] < 0) {
			free_unsent(unsent);
			return CTRD_ERESOURCES;
		}
	}
	ctrd__list_insert_tail(&monitor->unsent, &unsent->node);
	return ctrd__watch_set(monitor->watch, CTRD__READABLE | CTRD__WRITABLE);
}

int ctrd__monitor_request(struct ctrd__monitor *monitor, const struct ctrd__wire_head *head,
			  const char *text, size_t len, const int *fds, size_t fd_count,
			  ctrd__answer_fn fn, void *data, uint32_t *ret_serial)
{
	struct ctrd__wire_head sent = *head;
	struct pending *pending;
	int r;

	if (monitor->dead)
		return CTRD_EUNAVAILABLE;
	if (len > CTRD__WIRE_TEXT_MAX || fd_count > CTRD__WIRE_FDS_MAX)
		return CTRD_ERANGE;
	pending = calloc(1, sizeof(*pending));
	if (!pending)
		return CTRD_ENOMEM;
	if (++monitor->serial == 0)
		monitor->serial = 1;
	sent.serial = monitor->serial;
	sent.text_length = (uint32_t)len;
	r = ctrd__list_is_empty(&monitor->unsent)
		    ? ctrd__wire_send(monitor->fd, &sent, text, fds, fd_count)
		    : CTRD__WIRE_AGAIN;
	if (r == CTRD__WIRE_AGAIN)
		r = queue(monitor, &sent, text, len, fds, fd_count);
	if (r < 0) {
		free(pending);
		return r;
	}
	pending->serial = sent.serial;
	pending->fn = fn;
	pending->data = data;
	ctrd__list_insert_tail(&monitor->pending, &pending->node);
	if (ret_serial)
		*ret_serial = sent.serial;
	return CTRD_OK;
}

void ctrd__monitor_forget(struct ctrd__monitor *monitor, void *data)
{
	ctrd__list_foreach(node, &monitor->pending)
	{
		struct pending *pending = ctrd__container_of(node, struct pending, node);

		if (pending->data == data)
			pending->fn = NULL;
	}
}
