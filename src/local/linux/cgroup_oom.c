/*
 * Being told that memory ran out. Who waits and counts is somebody else, mostly another process:
 * here two descriptors are made that work wherever they are sent.
 */
#include "local/linux/cgroup_priv.h"

#include "libctrd/base.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

static int open_file(int dirfd, const char *name, int *ret_fd)
{
	*ret_fd = ctrd__fd_above_2(openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
	if (*ret_fd >= 0)
		return CTRD_OK;
	/* The group is there: the kernel was built without this. */
	return ctrd__cgroup_fail(errno == ENOENT ? ENOSYS : errno);
}

static int watch_v1(int dirfd, int *ret_event, int *ret_count)
{
	char command[2 * 3 * sizeof(int) + 2];
	int r = open_file(dirfd, "memory.oom_control", ret_count);

	if (r < 0)
		return r;
	*ret_event = ctrd__fd_above_2(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (*ret_event < 0)
		return ctrd__cgroup_fail(errno);
	(void)snprintf(command, sizeof(command), "%d %d", *ret_event, *ret_count);
	r = ctrd__cgroup_write(dirfd, "cgroup.event_control", command);
	return r == CTRD_ENOTFOUND ? ctrd__cgroup_fail(ENOSYS) : r;
}

static int watch_v2(int dirfd, int *ret_event, int *ret_count)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	int r = open_file(dirfd, "memory.events", ret_count);

	if (r < 0)
		return r;
	*ret_event = ctrd__fd_above_2(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
	if (*ret_event < 0)
		return ctrd__cgroup_fail(errno);
	/* By the descriptor, so that it is the same file. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *ret_count);
	if (inotify_add_watch(*ret_event, path, IN_MODIFY) < 0)
		return ctrd__cgroup_fail(errno);
	return CTRD_OK;
}

int ctrd__cgroup_oom_fds(const struct ctrd__cgroup *cgroup, int *ret_event, int *ret_count)
{
	CTRD__AUTO_CLOSE int dirfd = -1;
	CTRD__AUTO_CLOSE int event = -1;
	CTRD__AUTO_CLOSE int count = -1;
	const char *dir = ctrd__cgroup_dir(cgroup, "memory");
	bool v1 = dir != NULL;
	int r;

	if (!v1)
		dir = ctrd__cgroup_dir(cgroup, "");
	if (!dir)
		return ctrd__cgroup_fail(ENOSYS);
	r = ctrd__cgroup_open_dir(dir, &dirfd);
	if (r == CTRD_OK)
		r = v1 ? watch_v1(dirfd, &event, &count) : watch_v2(dirfd, &event, &count);
	if (r < 0)
		return r;
	*ret_event = ctrd__take_fd(event);
	*ret_count = ctrd__take_fd(count);
	return CTRD_OK;
}

uint64_t ctrd__cgroup_oom_count(const char *text, size_t len)
{
	struct ctrd__slice rest = {text, len};
	struct ctrd__slice line, word;
	uint64_t value;

	while (ctrd__slice_next_line(&rest, &line))
		if (ctrd__slice_cut(&line, ' ', &word) && ctrd__slice_is(word, "oom_kill") &&
		    ctrd__slice_number(line, &value))
			return value;
	return 0;
}
