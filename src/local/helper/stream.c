/*
 * The ends of pipes and terminals that the monitor keeps, so that they outlive the embedder. Nothing
 * is relayed: kept ends are lent to whoever asks, and read here only to throw away.
 *
 * Invariant: no write end of an output pipe is ever kept, so readers see its end.
 */
#include "local/helper/helper.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { DRAIN_STEP = 65536 };

void ctrd__streams_init(struct ctrd__streams *streams)
{
	streams->in = streams->out = streams->err = streams->terminal = -1;
	streams->discard = false;
}

void ctrd__streams_close(struct ctrd__streams *streams)
{
	ctrd__close_fd(&streams->in);
	ctrd__close_fd(&streams->out);
	ctrd__close_fd(&streams->err);
	ctrd__close_fd(&streams->terminal);
	streams->discard = false;
}

static int *slot(struct ctrd__streams *streams, uint32_t flag)
{
	switch (flag) {
	case CTRD__RUN_KEEP_IN:
		return &streams->in;
	case CTRD__RUN_KEEP_OUT:
		return &streams->out;
	case CTRD__RUN_KEEP_ERR:
		return &streams->err;
	default:
		return &streams->terminal;
	}
}

/* The order of wire.h is the order of the bits. */
#define FOR_EACH_FLAG(flag) \
	for (uint32_t flag = CTRD__RUN_KEEP_IN; flag <= CTRD__RUN_TERMINAL; flag <<= 1)

size_t ctrd__streams_count(uint32_t flags)
{
	size_t count = 0;

	FOR_EACH_FLAG(flag)
	count += (flags & flag) != 0;
	return count;
}

size_t ctrd__streams_keep(struct ctrd__streams *streams, uint32_t flags, int *fds)
{
	size_t count = 0;

	FOR_EACH_FLAG(flag)
	{
		int *fd = slot(streams, flag);

		if (!(flags & flag))
			continue;
		ctrd__close_fd(fd);
		*fd = ctrd__take_fd(fds[count]);
		count++;
	}
	return count;
}

size_t ctrd__streams_list(const struct ctrd__streams *streams, int ret_fds[4], uint32_t *ret_flags)
{
	struct ctrd__streams copy = *streams;
	size_t count = 0;

	*ret_flags = 0;
	FOR_EACH_FLAG(flag)
	{
		int fd = *slot(&copy, flag);

		if (fd < 0)
			continue;
		*ret_flags |= flag;
		ret_fds[count++] = fd;
	}
	return count;
}

static bool holds_bytes(int fd)
{
	int n = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

bool ctrd__streams_hold_bytes(const struct ctrd__streams *streams)
{
	return holds_bytes(streams->out) || holds_bytes(streams->err) ||
	       holds_bytes(streams->terminal);
}

/*
 * The client may have left its end in either mode, and the mode belongs to the description we share:
 * a pipe is emptied by splice(), which can be told not to wait for this once. A terminal is read
 * only for what poll() has just seen; whoever discards a terminal has no other reader of it.
 */
void ctrd__streams_drain(int *fd)
{
	ssize_t n = splice(*fd, NULL, 0, NULL, DRAIN_STEP, SPLICE_F_NONBLOCK);

	if (n < 0 && errno == EINVAL) {
		char nowhere[1024];

		n = read(*fd, nowhere, sizeof(nowhere));
	}
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	ctrd__close_fd(fd);
}
