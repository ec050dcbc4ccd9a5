/*
 * One message of wire.h in, one out, on a SOCK_SEQPACKET socket. Used by the library and by the
 * helper. It keeps no state, allocates nothing, waits for nothing (sockets may be non-blocking), and
 * does not know what the messages mean.
 *
 * Invariant: what was received is either handed out whole and checked, or gone: no descriptor is ever
 * left open by a message that was refused. Test: tests/unit/test_wire.c.
 */
#include "local/wire.h"

#include "util/cleanup.h"
#include "util/file.h"
#include "util/os.h"

#include <libctrd/base.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(struct ctrd__wire_head) == 80, "the head is an ABI");
_Static_assert(CTRD__WIRE_PACKET_MAX >= sizeof(struct ctrd__wire_head) + CTRD__WIRE_TEXT_MAX,
	       "a packet holds a head and the longest text");

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int) * CTRD__WIRE_FDS_MAX)];
};

static int fail(int err)
{
	errno = err;
	if (err == EAGAIN || err == EWOULDBLOCK)
		return CTRD__WIRE_AGAIN;
	/* What a socket whose other end is gone says. */
	if (err == ENOTCONN)
		return CTRD_EUNAVAILABLE;
	if (err == EMSGSIZE)
		return CTRD_ERANGE;
	/* Too many descriptors are under way, or no room for one more message. */
	if (err == ETOOMANYREFS || err == ENOBUFS)
		return CTRD_ERESOURCES;
	return ctrd__status_from_errno(err);
}

int ctrd__wire_parse(const void *packet, size_t len, struct ctrd__wire_head *ret_head,
		     const char **ret_text)
{
	struct ctrd__wire_head head;
	const char *bytes = packet;

	if (len < sizeof(head))
		return CTRD_EINVAL;
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != CTRD__WIRE_MAGIC || head.minor == 0)
		return CTRD_EABI;
	/* The head of a newer minor version may be longer than ours: the text is what comes last. */
	if (head.text_length > CTRD__WIRE_TEXT_MAX || head.text_length > len - sizeof(head))
		return CTRD_EINVAL;
	if (head.minor <= CTRD__WIRE_MINOR && head.text_length != len - sizeof(head))
		return CTRD_EINVAL;
	if (head.text_length > 0 && bytes[len - 1] != '\0')
		return CTRD_EINVAL;
	*ret_head = head;
	*ret_text = bytes + len - head.text_length;
	return CTRD_OK;
}

int ctrd__wire_send(int socket, struct ctrd__wire_head *head, const char *text, const int *fds,
		    size_t fd_count)
{
	union control control;
	struct iovec parts[2] = {{head, sizeof(*head)}, {NULL, 0}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t n;

	if (fd_count > CTRD__WIRE_FDS_MAX || head->text_length > CTRD__WIRE_TEXT_MAX)
		return fail(EMSGSIZE);
	head->magic = CTRD__WIRE_MAGIC;
	head->minor = CTRD__WIRE_MINOR;
	/* sendmsg() does not write; struct iovec has only the one kind of pointer. */
	memcpy(&parts[1].iov_base, &text, sizeof(text));
	parts[1].iov_len = head->text_length;
	if (fd_count > 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
	}
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? fail(errno) : CTRD_OK;
}

void ctrd__wire_close_fds(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ctrd__close_fd(&fds[i]);
}

/* Everything that came along, whatever came with it; each moved above 2. False: one was lost. */
static bool take_fds(struct msghdr *message, int *fds, size_t *ret_count)
{
	bool whole = !(message->msg_flags & MSG_CTRUNC);
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t here;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (count == CTRD__WIRE_FDS_MAX) {
				(void)close(fd);
				whole = false;
				continue;
			}
			fd = ctrd__fd_above_2(fd);
			if (fd < 0)
				whole = false;
			else
				fds[count++] = fd;
		}
	}
	*ret_count = count;
	return whole;
}

int ctrd__wire_receive(int socket, void *packet, struct ctrd__wire_head *ret_head,
		       const char **ret_text, int ret_fds[CTRD__WIRE_FDS_MAX], size_t *ret_fd_count)
{
	union control control;
	struct iovec part = {packet, CTRD__WIRE_PACKET_MAX};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fds[CTRD__WIRE_FDS_MAX];
	size_t count = 0;
	ssize_t n;
	int r;

	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(errno);
	if (!take_fds(&message, fds, &count))
		r = CTRD_ERESOURCES;
	else if (n == 0)
		r = CTRD_EUNAVAILABLE;
	else if (message.msg_flags & MSG_TRUNC)
		r = CTRD_EINVAL;
	else
		r = ctrd__wire_parse(packet, (size_t)n, ret_head, ret_text);
	if (r < 0) {
		ctrd__wire_close_fds(fds, count);
		return r;
	}
	memcpy(ret_fds, fds, count * sizeof(fds[0]));
	*ret_fd_count = count;
	return CTRD_OK;
}

const char *ctrd__wire_next(const char **at, const char *end)
{
	const char *text = *at;

	if (text >= end)
		return NULL;
	*at = text + strlen(text) + 1;
	return text;
}

bool ctrd__wire_add(char *text, size_t size, uint32_t *length, const char *string)
{
	size_t len = strlen(string) + 1;

	if (len > size || *length > size - len)
		return false;
	memcpy(text + *length, string, len);
	*length += (uint32_t)len;
	return true;
}
