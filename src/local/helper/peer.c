/*
 * Connections. Sending never waits: what a peer does not take at once is queued, a peer with a full
 * queue is hung up on. Exits need no queue: each peer has a number up to which it was told, and the
 * processes are the memory.
 *
 * Invariant: a peer whose answers wait is not read from, so its own requests cannot fill its queue.
 */
#include "local/helper/helper.h"

#include "util/cleanup.h"
#include "util/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ctrd__queued {
	struct ctrd__queued *next;
	struct ctrd__wire_head head;
	int fds[4]; /* more never go with one message */
	size_t fd_count;
	char text[CTRD__EVENT_TEXT_MAX];
};

void ctrd__peer_add(int fd, bool subscribed)
{
	static uint64_t last_id;

	for (size_t i = 0; i < CTRD__PEERS_MAX; i++) {
		struct ctrd__peer *peer = &ctrd__monitor.peers[i];

		if (peer->fd >= 0)
			continue;
		memset(peer, 0, sizeof(*peer));
		peer->fd = fd;
		peer->id = ++last_id;
		peer->subscribed = subscribed;
		peer->last = &peer->first;
		return;
	}
	(void)close(fd);
}

int ctrd__peer_check(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return CTRD_EDENIED;
	return peer.uid == 0 || peer.uid == geteuid() ? CTRD_OK : CTRD_EDENIED;
}

void ctrd__peer_accept(void)
{
	int fd = accept4(ctrd__monitor.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (ctrd__peer_check(fd) < 0)
		(void)close(fd);
	else
		ctrd__peer_add(fd, false);
}

struct ctrd__peer *ctrd__peer_find(uint64_t id)
{
	for (size_t i = 0; i < CTRD__PEERS_MAX; i++)
		if (ctrd__monitor.peers[i].fd >= 0 && ctrd__monitor.peers[i].id == id)
			return &ctrd__monitor.peers[i];
	return NULL;
}

bool ctrd__peer_any(void)
{
	for (size_t i = 0; i < CTRD__PEERS_MAX; i++)
		if (ctrd__monitor.peers[i].fd >= 0)
			return true;
	return false;
}

static void pop(struct ctrd__peer *peer)
{
	struct ctrd__queued *item = peer->first;

	peer->first = item->next;
	if (!peer->first)
		peer->last = &peer->first;
	peer->queued--;
	ctrd__wire_close_fds(item->fds, item->fd_count);
	free(item);
}

void ctrd__peer_drop(struct ctrd__peer *peer)
{
	while (peer->first)
		pop(peer);
	ctrd__close_fd(&peer->fd);
}

short ctrd__peer_wants(const struct ctrd__peer *peer)
{
	if (peer->first)
		return POLLOUT;
	return peer->subscribed && peer->told < ctrd__monitor.exits ? POLLIN | POLLOUT : POLLIN;
}

static bool push(struct ctrd__peer *peer, const struct ctrd__wire_head *head, const char *text,
		 const int *fds, size_t fd_count)
{
	struct ctrd__queued *item;

	if (peer->queued == CTRD__PEER_QUEUE_MAX || head->text_length > sizeof(item->text) ||
	    fd_count > sizeof(item->fds) / sizeof(item->fds[0]))
		return false;
	item = malloc(sizeof(*item));
	if (!item)
		return false;
	memset(item, 0, sizeof(*item));
	item->head = *head;
	memcpy(item->text, text, head->text_length);
	*peer->last = item;
	peer->last = &item->next;
	peer->queued++;
	for (; item->fd_count < fd_count; item->fd_count++) {
		item->fds[item->fd_count] = ctrd__fd_dup(fds[item->fd_count]);
		if (item->fds[item->fd_count] < 0)
			return false;
	}
	return true;
}

void ctrd__peer_send(struct ctrd__peer *peer, struct ctrd__wire_head *head, const char *text,
		     const int *fds, size_t fd_count)
{
	int r = CTRD__WIRE_AGAIN;

	if (!peer || peer->fd < 0)
		return;
	if (!peer->first)
		r = ctrd__wire_send(peer->fd, head, text, fds, fd_count);
	if (r == CTRD__WIRE_AGAIN && push(peer, head, text, fds, fd_count))
		return;
	if (r != CTRD_OK)
		ctrd__peer_drop(peer);
}

static struct ctrd__process *next_exit(uint32_t told)
{
	struct ctrd__process *next = NULL;

	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next)
		if (!p->forgotten && p->state == CTRD__PROCESS_ENDED && p->exit_number > told &&
		    (!next || p->exit_number < next->exit_number))
			next = p;
	return next;
}

static uint32_t event_text(char *text, const char *process_id)
{
	uint32_t len = 0;

	(void)ctrd__wire_add(text, CTRD__EVENT_TEXT_MAX, &len, ctrd__monitor.id);
	(void)ctrd__wire_add(text, CTRD__EVENT_TEXT_MAX, &len, process_id);
	return len;
}

/* Tell the next exit; false when there is none to tell, or the peer takes no more. */
static bool send_exit(struct ctrd__peer *peer)
{
	struct ctrd__process *p = next_exit(peer->told);
	char text[CTRD__EVENT_TEXT_MAX];
	struct ctrd__wire_head head;
	int r;

	if (!p) {
		peer->told = ctrd__monitor.exits;
		return false;
	}
	memset(&head, 0, sizeof(head));
	head.type = CTRD__MSG_EVENT;
	head.kind = CTRD_EVENT_EXIT;
	head.flags = p->exit.flags;
	head.exit_status = (int32_t)p->exit.code;
	head.signal = p->exit.signal;
	head.pid = p->start.pid;
	head.start_time = p->start.start_time;
	head.inode = p->start.inode;
	head.time_ns = p->exit.time_ns;
	head.text_length = event_text(text, p->id);
	r = ctrd__wire_send(peer->fd, &head, text, NULL, 0);
	if (r == CTRD__WIRE_AGAIN)
		return false;
	if (r < 0) {
		ctrd__peer_drop(peer);
		return false;
	}
	peer->told = p->exit_number;
	return true;
}

void ctrd__peer_flush(struct ctrd__peer *peer)
{
	while (peer->fd >= 0 && peer->first) {
		struct ctrd__queued *item = peer->first;
		int r = ctrd__wire_send(peer->fd, &item->head, item->text, item->fds,
					item->fd_count);

		if (r == CTRD__WIRE_AGAIN)
			return;
		if (r < 0) {
			ctrd__peer_drop(peer);
			return;
		}
		pop(peer);
	}
	while (peer->fd >= 0 && peer->subscribed && send_exit(peer))
		;
}

void ctrd__peer_flush_all(void)
{
	for (size_t i = 0; i < CTRD__PEERS_MAX; i++)
		if (ctrd__monitor.peers[i].fd >= 0)
			ctrd__peer_flush(&ctrd__monitor.peers[i]);
}

void ctrd__peer_broadcast(uint32_t kind, const char *process_id, uint32_t pid, uint64_t except)
{
	char text[CTRD__EVENT_TEXT_MAX];
	struct ctrd__wire_head head;

	memset(&head, 0, sizeof(head));
	head.type = CTRD__MSG_EVENT;
	head.kind = kind;
	head.pid = pid;
	head.time_ns = ctrd__helper_realtime_ns();
	head.text_length = event_text(text, process_id);
	for (size_t i = 0; i < CTRD__PEERS_MAX; i++) {
		struct ctrd__peer *peer = &ctrd__monitor.peers[i];

		if (peer->fd >= 0 && peer->subscribed && peer->id != except)
			ctrd__peer_send(peer, &head, text, NULL, 0);
	}
}

static void receive(struct ctrd__peer *peer)
{
	/* One for all: a request is served before the next one is read. */
	static char packet[CTRD__WIRE_PACKET_MAX] __attribute__((aligned(8)));
	struct ctrd__wire_head head;
	int fds[CTRD__WIRE_FDS_MAX];
	struct ctrd__request request = {.peer = peer, .head = &head, .fds = fds};
	int r;

	r = ctrd__wire_receive(peer->fd, packet, &head, &request.text, fds, &request.fd_count);
	if (r == CTRD__WIRE_AGAIN)
		return;
	/* Who speaks another language cannot be answered. */
	if (r < 0) {
		ctrd__peer_drop(peer);
		return;
	}
	request.end = request.text + head.text_length;
	ctrd__request_serve(&request);
	ctrd__wire_close_fds(fds, request.fd_count);
}

void ctrd__peer_turn(struct ctrd__peer *peer, short revents)
{
	if (revents & POLLOUT)
		ctrd__peer_flush(peer);
	/* A hang-up is read like a message: the news may be older than this connection. */
	if (peer->fd >= 0 && (revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)))
		receive(peer);
}
