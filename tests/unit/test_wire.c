/*
 * One message in, one out: with descriptors, and with everything that is no message.
 */
#include "test.h"

#include "libctrd/base.h"
#include "local/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char packet[CTRD__WIRE_PACKET_MAX] __attribute__((aligned(8)));

static void make_pair(int pair[2])
{
	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
}

static void close_pair(int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

TEST(wire_message_comes_through)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_HOLD, .serial = 9, .time_ns = -1};
	struct ctrd__wire_head got;
	int fds[CTRD__WIRE_FDS_MAX], sent[CTRD__WIRE_FDS_MAX];
	const char *text, *at;
	char buffer[16];
	size_t count;
	int pair[2];

	make_pair(pair);
	for (size_t i = 0; i < CTRD__WIRE_FDS_MAX; i++)
		sent[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(ctrd__wire_add(buffer, sizeof(buffer), &head.text_length, "one"));
	CHECK(ctrd__wire_add(buffer, sizeof(buffer), &head.text_length, ""));
	CHECK(ctrd__wire_add(buffer, sizeof(buffer), &head.text_length, "three"));
	CHECK(!ctrd__wire_add(buffer, sizeof(buffer), &head.text_length, "four five"));
	CHECK_INT(ctrd__wire_send(pair[0], &head, buffer, sent, CTRD__WIRE_FDS_MAX), CTRD_OK);
	CHECK_INT(ctrd__wire_receive(pair[1], packet, &got, &text, fds, &count), CTRD_OK);
	CHECK(memcmp(&head, &got, sizeof(head)) == 0);
	CHECK_INT(count, CTRD__WIRE_FDS_MAX);
	for (size_t i = 0; i < count; i++) {
		CHECK(fds[i] > 2);
		CHECK_INT(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	}
	at = text;
	CHECK_STR(ctrd__wire_next(&at, text + got.text_length), "one");
	CHECK_STR(ctrd__wire_next(&at, text + got.text_length), "");
	CHECK_STR(ctrd__wire_next(&at, text + got.text_length), "three");
	CHECK(ctrd__wire_next(&at, text + got.text_length) == NULL);
	ctrd__wire_close_fds(fds, count);
	ctrd__wire_close_fds(sent, CTRD__WIRE_FDS_MAX);
	close_pair(pair);
}

TEST(wire_longest_text_comes_through)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_RUN, .text_length = CTRD__WIRE_TEXT_MAX};
	static char longest[CTRD__WIRE_TEXT_MAX];
	struct ctrd__wire_head got;
	int fds[CTRD__WIRE_FDS_MAX];
	const char *text;
	size_t count;
	int pair[2];

	make_pair(pair);
	memset(longest, 'x', sizeof(longest) - 1);
	CHECK_INT(ctrd__wire_send(pair[0], &head, longest, NULL, 0), CTRD_OK);
	CHECK_INT(ctrd__wire_receive(pair[1], packet, &got, &text, fds, &count), CTRD_OK);
	CHECK_STR(text, longest);
	head.text_length++;
	CHECK_INT(ctrd__wire_send(pair[0], &head, longest, NULL, 0), CTRD_ERANGE);
	close_pair(pair);
}

TEST(wire_waits_for_nothing)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_HELLO};
	int fds[CTRD__WIRE_FDS_MAX];
	const char *text;
	size_t count;
	int pair[2];
	int r, sent = 0;

	make_pair(pair);
	CHECK_INT(ctrd__wire_receive(pair[1], packet, &head, &text, fds, &count), CTRD__WIRE_AGAIN);
	while ((r = ctrd__wire_send(pair[0], &head, "", NULL, 0)) == CTRD_OK)
		sent++;
	CHECK_INT(r, CTRD__WIRE_AGAIN);
	CHECK(sent > 16);
	close(pair[0]);
	while ((r = ctrd__wire_receive(pair[1], packet, &head, &text, fds, &count)) == CTRD_OK)
		sent--;
	CHECK_INT(sent, 0);
	CHECK_INT(r, CTRD_EUNAVAILABLE);
	/* And no SIGPIPE. */
	CHECK_INT(ctrd__wire_send(pair[1], &head, "", NULL, 0), CTRD_EUNAVAILABLE);
	close(pair[1]);
}

static int pass(const void *bytes, size_t len, const int *fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	char copy[256];
	struct iovec part = {copy, len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct ctrd__wire_head head;
	int fds[CTRD__WIRE_FDS_MAX];
	const char *text;
	size_t count;
	int pair[2];

	memcpy(copy, bytes, len);
	make_pair(pair);
	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), fd, sizeof(int));
	CHECK_INT(sendmsg(pair[0], &message, 0), len);
	int before = test_fd_count();
	int r = ctrd__wire_receive(pair[1], packet, &head, &text, fds, &count);
	CHECK(r < 0);
	CHECK_INT(test_fd_count(), before);
	close_pair(pair);
	return r;
}

TEST(wire_refuses_what_is_no_message_and_keeps_nothing)
{
	struct ctrd__wire_head head = {.magic = CTRD__WIRE_MAGIC, .minor = 1};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char longer[sizeof(head) + 4];

	CHECK_INT(pass("x", 1, &fd), CTRD_EINVAL);
	CHECK_INT(pass(&head, sizeof(head) - 1, &fd), CTRD_EINVAL);
	head.text_length = 1;
	CHECK_INT(pass(&head, sizeof(head), &fd), CTRD_EINVAL);
	head.text_length = UINT32_MAX;
	CHECK_INT(pass(&head, sizeof(head), &fd), CTRD_EINVAL);
	head.text_length = 4;
	memcpy(longer, &head, sizeof(head));
	memcpy(longer + sizeof(head), "abcd", 4);
	CHECK_INT(pass(longer, sizeof(longer), &fd), CTRD_EINVAL);
	/* A head of ours is not longer than ours. */
	head.text_length = 0;
	memcpy(longer, &head, sizeof(head));
	CHECK_INT(pass(longer, sizeof(longer), &fd), CTRD_EINVAL);
	head.minor = 0;
	CHECK_INT(pass(&head, sizeof(head), &fd), CTRD_EABI);
	head.minor = 1;
	head.magic++;
	CHECK_INT(pass(&head, sizeof(head), &fd), CTRD_EABI);
	close(fd);
}

TEST(wire_takes_a_longer_head_of_a_later_version)
{
	struct ctrd__wire_head head = {
		.magic = CTRD__WIRE_MAGIC,
		.minor = CTRD__WIRE_MINOR + 1,
		.type = 5,
		.text_length = 3,
	};
	char longer[sizeof(head) + 8 + 3] = {0};
	struct ctrd__wire_head got;
	const char *text;

	memcpy(longer, &head, sizeof(head));
	memcpy(longer + sizeof(longer) - 3, "ab", 3);
	CHECK_INT(ctrd__wire_parse(longer, sizeof(longer), &got, &text), CTRD_OK);
	CHECK_INT(got.type, 5);
	CHECK_STR(text, "ab");
}

TEST(wire_hands_out_descriptors_above_2)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_HELLO}, got;
	int fds[CTRD__WIRE_FDS_MAX], saved = fcntl(0, F_DUPFD_CLOEXEC, 10);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const char *text;
	size_t count;
	int pair[2];

	make_pair(pair);
	CHECK_INT(ctrd__wire_send(pair[0], &head, "", &fd, 1), CTRD_OK);
	close(0);
	CHECK_INT(ctrd__wire_receive(pair[1], packet, &got, &text, fds, &count), CTRD_OK);
	CHECK_INT(count, 1);
	CHECK(fds[0] > 2);
	CHECK(fcntl(0, F_GETFD) < 0);
	dup2(saved, 0);
	close(saved);
	close(fds[0]);
	close(fd);
	close_pair(pair);
}
