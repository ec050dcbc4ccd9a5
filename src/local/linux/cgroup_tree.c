/*
 * Making and removing groups. The container's own are made by its runtime; what is made here is a
 * place for monitors.
 *
 * Invariant: only the groups that are named go, with what is below them; nothing is removed through
 * a link.
 */
#include "local/linux/cgroup_priv.h"

#include "libctrd/base.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PAUSE_FIRST_US = 200,
	PAUSE_MAX_US = 10000,
	CPUSET_SIZE = 4096,
};

struct removal {
	int first; /* failure, and its errno */
	int error;
};

/* What can be removed is removed also when something else cannot be. */
static int remove_dir(int dirfd, int parent, const char *name, void *data)
{
	struct removal *removal = data;

	(void)dirfd;
	/* The top is removed by its name, when all below it has gone. */
	if (parent < 0 || unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ||
	    removal->first < 0)
		return CTRD_OK;
	removal->error = errno;
	removal->first = ctrd__cgroup_fail(errno);
	return CTRD_OK;
}

/* One attempt; CTRD_EPRECONDITION when somebody is still in there. */
static int remove_tree(const char *dir)
{
	struct removal removal = {CTRD_OK, 0};
	int r = ctrd__cgroup_walk(dir, remove_dir, &removal);

	if (r == CTRD_OK && removal.first < 0)
		return ctrd__cgroup_fail(removal.error);
	if (r == CTRD_OK && rmdir(dir) < 0)
		r = ctrd__cgroup_fail(errno);
	return r == CTRD_ENOTFOUND ? CTRD_OK : r;
}

static int remove_group(const struct ctrd__cgroup *cgroup, const struct ctrd__cgroup_group *group,
			int64_t deadline)
{
	int64_t pause = PAUSE_FIRST_US;
	bool thawed = false;

	for (;;) {
		int64_t left;
		int r = remove_tree(group->dir);

		if (r != CTRD_EPRECONDITION)
			return r;
		left = deadline - ctrd__now_mono_ns();
		if (left <= 0)
			return ctrd__cgroup_fail(ETIMEDOUT);
		/* Each round: who died may have left children that only now came here. */
		r = ctrd__cgroup_signal_tree(group->dir, SIGKILL, deadline);
		if (r < 0 && r != CTRD_ENOTFOUND)
			return r;
		/* On v1 what is frozen does not die. */
		if (!thawed) {
			(void)ctrd__cgroup_thaw(cgroup, 0);
			thawed = true;
		}
		ctrd__cgroup_pause_us(pause < left / 1000 ? pause : left / 1000 + 1);
		pause = pause * 2 < PAUSE_MAX_US ? pause * 2 : PAUSE_MAX_US;
	}
}

int ctrd__cgroup_remove(const struct ctrd__cgroup *cgroup, int64_t timeout_ms)
{
	int64_t deadline = ctrd__cgroup_deadline_ns(timeout_ms);
	int first = CTRD_OK, first_errno = 0;

	/* All are tried, whatever becomes of one. */
	for (size_t i = 0; i < cgroup->count; i++) {
		int r = remove_group(cgroup, &cgroup->groups[i], deadline);

		if (r < 0 && first == CTRD_OK) {
			first = r;
			first_errno = errno;
		}
	}
	errno = first_errno;
	return first;
}

/* Remove point/path and its empty parents up to the mount point. */
static int remove_upwards(const char *point, const char *path)
{
	CTRD__AUTO_STR struct ctrd__str dir = CTRD__STR_INIT;
	size_t top = strlen(point);

	ctrd__str_append(&dir, point);
	ctrd__str_append(&dir, path);
	if (dir.oom)
		return ctrd__cgroup_fail(ENOMEM);
	while (dir.len > top) {
		if (rmdir(dir.data) < 0 && errno != ENOENT) {
			/* EBUSY: processes, or groups below. */
			if (errno == EBUSY || errno == ENOTEMPTY || errno == EEXIST)
				return CTRD_OK;
			return ctrd__cgroup_fail(errno);
		}
		dir.len = (size_t)(strrchr(dir.data, '/') - dir.data);
		dir.data[dir.len] = '\0';
	}
	return CTRD_OK;
}

int ctrd__cgroup_remove_empty_parents(const struct ctrd__cgroup_layout *layout, const char *path)
{
	int first = CTRD_OK, first_errno = 0;

	if (!ctrd__cgroup_path_is_sane((struct ctrd__slice){path, strlen(path)}) || !path[1])
		return ctrd__cgroup_fail(EINVAL);
	for (size_t i = 0; i < layout->count; i++) {
		int r = remove_upwards(layout->mounts[i].point, path);

		if (r < 0 && first == CTRD_OK) {
			first = r;
			first_errno = errno;
		}
	}
	errno = first_errno;
	return first;
}

/* A new group of cpuset has no processor and takes no process: give it those of its parent. */
static int copy_cpuset(int parent, int dirfd, const char *name)
{
	char value[CPUSET_SIZE];
	int n = ctrd__cgroup_read(dirfd, name, value, sizeof(value));

	if (n < 0 || value[0] != '\n')
		return n < 0 ? n : CTRD_OK;
	n = ctrd__cgroup_read(parent, name, value, sizeof(value));
	return n < 0 ? n : ctrd__cgroup_write(dirfd, name, value);
}

static bool has_cpuset(const struct ctrd__cgroup_mount *mount)
{
	struct ctrd__slice list = {mount->controllers, strlen(mount->controllers)};

	return ctrd__slice_lists(list, (struct ctrd__slice){"cpuset", 6});
}

/* Make the group name below *dirfd and step into it. */
static int enter_group(int *dirfd, const char *name, bool cpuset)
{
	CTRD__AUTO_CLOSE int fd = -1;
	int r = CTRD_OK;

	if (mkdirat(*dirfd, name, 0755) < 0 && errno != EEXIST)
		return ctrd__cgroup_fail(errno);
	fd = ctrd__fd_above_2(
		openat(*dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
	if (fd < 0)
		return ctrd__cgroup_fail(errno);
	if (cpuset) {
		r = copy_cpuset(*dirfd, fd, "cpuset.cpus");
		if (r == CTRD_OK)
			r = copy_cpuset(*dirfd, fd, "cpuset.mems");
	}
	if (r < 0)
		return r;
	ctrd__close_fd(dirfd);
	*dirfd = ctrd__take_fd(fd);
	return CTRD_OK;
}

/* Make point/path, open its cgroup.procs. path is taken apart. */
static int open_monitors(const struct ctrd__cgroup_mount *mount, char *path, int *ret_fd)
{
	CTRD__AUTO_CLOSE int dirfd = -1;
	int fd, r;

	r = ctrd__cgroup_open_dir(mount->point, &dirfd);
	while (r == CTRD_OK && *path) {
		char *name = path + 1;
		size_t len = strcspn(name, "/");
		char end = name[len];

		name[len] = '\0';
		r = enter_group(&dirfd, name, has_cpuset(mount));
		name[len] = end;
		path = name + len;
	}
	if (r < 0)
		return r;
	fd = ctrd__fd_above_2(openat(dirfd, "cgroup.procs", O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
	if (fd < 0)
		return ctrd__cgroup_fail(errno);
	*ret_fd = fd;
	return CTRD_OK;
}

/* Whether the calling process is in another group of the hierarchy than its root. */
static bool is_below_root(const struct ctrd__cgroup_layout *layout,
			  const struct ctrd__cgroup_mount *mount, struct ctrd__slice self)
{
	struct ctrd__cgroup_membership m;
	struct ctrd__slice below;

	while (ctrd__cgroup_next_membership(&self, &m))
		if (ctrd__cgroup_mount_of(layout, &m) == mount)
			return ctrd__cgroup_below_mount(mount, m.path, &below) && below.len;
	return false;
}

int ctrd__cgroup_monitor_fds(const struct ctrd__cgroup_layout *layout, const char *parent, int *fds,
			     size_t max, size_t *ret_count, size_t *ret_wanted)
{
	char *CTRD__AUTO_FREE self = NULL;
	size_t len, count = 0, wanted = 0;
	int r;

	if (!ctrd__cgroup_path_is_sane((struct ctrd__slice){parent, strlen(parent)}))
		return ctrd__cgroup_fail(EINVAL);
	r = ctrd__cgroup_read_memberships(layout, 0, &self, &len);
	for (size_t i = 0; r == CTRD_OK && i < layout->count; i++) {
		const struct ctrd__cgroup_mount *mount = &layout->mounts[i];
		CTRD__AUTO_STR struct ctrd__str path = CTRD__STR_INIT;

		if (!is_below_root(layout, mount, (struct ctrd__slice){self, len}))
			continue;
		wanted++;
		ctrd__str_append(&path, parent[1] ? parent : "");
		ctrd__str_append(&path, "/monitors");
		if (path.oom)
			r = ctrd__cgroup_fail(ENOMEM);
		else if (count == max)
			r = ctrd__cgroup_fail(EFBIG);
		else if (open_monitors(mount, path.data, &fds[count]) == CTRD_OK)
			count++;
		else if (errno == ENOMEM || errno == EMFILE || errno == ENFILE)
			r = ctrd__cgroup_fail(errno);
	}
	if (r < 0) {
		while (count)
			ctrd__close_fd(&fds[--count]);
		return r;
	}
	*ret_count = count;
	*ret_wanted = wanted;
	return CTRD_OK;
}

/* It has given up its memory, and its descriptors are next. */
static bool is_on_its_way_out(pid_t pid)
{
	char path[32];
	char first;
	CTRD__AUTO_CLOSE int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = ctrd__fd_above_2(open(path, O_RDONLY | O_CLOEXEC));
	return fd < 0 || read(fd, &first, 1) <= 0;
}

/* The group is there, and nobody who stays is in it. */
static bool is_being_left(const struct ctrd__cgroup_mount *mount, const char *path)
{
	CTRD__AUTO_STR struct ctrd__str dir = CTRD__STR_INIT;
	CTRD__AUTO_CLOSE int fd = -1;
	char text[64];
	int n;

	ctrd__str_append(&dir, mount->point);
	ctrd__str_append(&dir, path);
	if (dir.oom || ctrd__cgroup_open_dir(dir.data, &fd) < 0)
		return false;
	/* The first ones speak for all: as long as one of them stays there is nothing to wait for. */
	n = ctrd__cgroup_read(fd, "cgroup.procs", text, sizeof(text));
	for (char *at = text, *end; n > 0 && (end = strchr(at, '\n')) != NULL; at = end + 1)
		if (!is_on_its_way_out((pid_t)strtol(at, NULL, 10)))
			return false;
	return true;
}

void ctrd__cgroup_remove_monitors(const struct ctrd__cgroup_layout *layout, const char *parent,
				  int64_t timeout_ms)
{
	CTRD__AUTO_STR struct ctrd__str path = CTRD__STR_INIT;
	int64_t deadline = ctrd__cgroup_deadline_ns(timeout_ms);
	int64_t pause = PAUSE_FIRST_US;
	bool again = true;

	ctrd__str_append(&path, parent[1] ? parent : "");
	ctrd__str_append(&path, "/monitors");
	while (again && !path.oom) {
		(void)ctrd__cgroup_remove_empty_parents(layout, path.data);
		again = false;
		for (size_t i = 0; i < layout->count; i++)
			again |= is_being_left(&layout->mounts[i], path.data);
		if (!again || ctrd__now_mono_ns() >= deadline)
			return;
		ctrd__cgroup_pause_us(pause);
		pause = pause * 2 < PAUSE_MAX_US ? pause * 2 : PAUSE_MAX_US;
	}
}
