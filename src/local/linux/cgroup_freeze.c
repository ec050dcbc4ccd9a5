/*
 * Freezing and thawing, seen to the end. It sends no signal.
 *
 * Invariant: when freezing fails, a group that was not frozen before is told to thaw.
 */
#include "local/linux/cgroup_priv.h"

#include "libctrd/base.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	PAUSE_FIRST_US = 50,
	PAUSE_MAX_US = 4000,
	/* A v1 freezer can get stuck half-way; being thawed in between sets it free. */
	ATTEMPT_FIRST_MS = 20,
	ATTEMPT_MAX_MS = 500,
};

/* The value of the line "key N", or -1. */
static int flat_value(const char *text, size_t len, const char *key)
{
	struct ctrd__slice rest = {text, len};
	struct ctrd__slice line, word;
	uint64_t value;

	while (ctrd__slice_next_line(&rest, &line))
		if (ctrd__slice_cut(&line, ' ', &word) && ctrd__slice_is(word, key) &&
		    ctrd__slice_number(line, &value))
			return value ? 1 : 0;
	return -1;
}

static int read_v1(int dirfd, enum ctrd__cgroup_state *ret)
{
	char buf[32];
	int n = ctrd__cgroup_read(dirfd, "freezer.state", buf, sizeof(buf));

	if (n < 0)
		return n;
	if (strcmp(buf, "FROZEN\n") == 0)
		*ret = CTRD__CGROUP_FROZEN;
	else if (strcmp(buf, "FREEZING\n") == 0)
		*ret = CTRD__CGROUP_FREEZING;
	else if (strcmp(buf, "THAWED\n") == 0)
		*ret = CTRD__CGROUP_THAWED;
	else
		return ctrd__cgroup_fail(EPROTO);
	return CTRD_OK;
}

static int read_v2(int dirfd, enum ctrd__cgroup_state *ret)
{
	char buf[256];
	int n, frozen;

	n = ctrd__cgroup_read(dirfd, "cgroup.events", buf, sizeof(buf));
	if (n < 0)
		return n;
	frozen = flat_value(buf, (size_t)n, "frozen");
	/* Before Linux 5.2. */
	if (frozen < 0)
		return ctrd__cgroup_fail(ENOSYS);
	n = ctrd__cgroup_read(dirfd, "cgroup.freeze", buf, sizeof(buf));
	if (n < 0)
		return n;
	if (frozen)
		*ret = CTRD__CGROUP_FROZEN;
	else
		*ret = buf[0] == '1' ? CTRD__CGROUP_FREEZING : CTRD__CGROUP_THAWED;
	return CTRD_OK;
}

static int read_state(int dirfd, bool v2, enum ctrd__cgroup_state *ret)
{
	return v2 ? read_v2(dirfd, ret) : read_v1(dirfd, ret);
}

static int write_state(int dirfd, bool v2, bool frozen)
{
	if (v2)
		return ctrd__cgroup_write(dirfd, "cgroup.freeze", frozen ? "1\n" : "0\n");
	return ctrd__cgroup_write(dirfd, "freezer.state", frozen ? "FROZEN\n" : "THAWED\n");
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* v1 tells nobody: look again and again, at first after a short time. */
static int wait_v1(int dirfd, enum ctrd__cgroup_state wanted, int64_t deadline)
{
	int64_t pause = PAUSE_FIRST_US;

	for (;;) {
		enum ctrd__cgroup_state state;
		int64_t left;
		int r = read_v1(dirfd, &state);

		if (r < 0 || state == wanted)
			return r;
		left = deadline - ctrd__now_mono_ns();
		if (left <= 0)
			return ctrd__cgroup_fail(ETIMEDOUT);
		ctrd__cgroup_pause_us(earlier(pause, left / 1000 + 1));
		pause = earlier(pause * 2, PAUSE_MAX_US);
	}
}

/* v2: cgroup.events is readable as an exception after each change since it was last read. */
static int wait_v2(int dirfd, enum ctrd__cgroup_state wanted, int64_t deadline)
{
	int frozen_wanted = wanted == CTRD__CGROUP_FROZEN;
	CTRD__AUTO_CLOSE int fd = -1;

	fd = ctrd__fd_above_2(openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
	if (fd < 0)
		return ctrd__cgroup_fail(errno);
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLPRI};
		struct timespec ts;
		char buf[256];
		int64_t left;
		ssize_t n = pread(fd, buf, sizeof(buf), 0);

		if (n < 0)
			return ctrd__cgroup_fail(errno);
		if (flat_value(buf, (size_t)n, "frozen") == frozen_wanted)
			return CTRD_OK;
		left = deadline - ctrd__now_mono_ns();
		if (left <= 0)
			return ctrd__cgroup_fail(ETIMEDOUT);
		/* Bounded, so that a notice that never comes costs time and not the call. */
		left = earlier(left, INT64_C(100000000));
		ts = (struct timespec){0, (long)left};
		if (ppoll(&p, 1, &ts, NULL) < 0 && errno != EINTR)
			return ctrd__cgroup_fail(errno);
	}
}

static int wait_state(int dirfd, bool v2, enum ctrd__cgroup_state wanted, int64_t deadline)
{
	return v2 ? wait_v2(dirfd, wanted, deadline) : wait_v1(dirfd, wanted, deadline);
}

/* Freeze within the deadline; on failure the group may be half frozen. */
static int freeze_dir(int dirfd, bool v2, int64_t deadline)
{
	int64_t attempt_ms = ATTEMPT_FIRST_MS;

	for (;;) {
		int64_t end = deadline;
		int r;

		if (!v2)
			end = earlier(end, ctrd__cgroup_deadline_ns(attempt_ms));
		r = write_state(dirfd, v2, true);
		if (r == CTRD_OK)
			r = wait_state(dirfd, v2, CTRD__CGROUP_FROZEN, end);
		if (r != CTRD_EDEADLINE || end >= deadline)
			return r;
		r = write_state(dirfd, v2, false);
		if (r < 0)
			return r;
		ctrd__cgroup_pause_us(PAUSE_FIRST_US);
		attempt_ms = earlier(attempt_ms * 2, ATTEMPT_MAX_MS);
	}
}

/* Open the group that freezes. */
static int open_freezer(const struct ctrd__cgroup *cgroup, bool *ret_v2, int *ret_fd)
{
	const struct ctrd__cgroup_group *group = ctrd__cgroup_freezer_group(cgroup);

	if (!group)
		return ctrd__cgroup_fail(ENOSYS);
	*ret_v2 = ctrd__cgroup_group_is_v2(group);
	return ctrd__cgroup_open_dir(group->dir, ret_fd);
}

int ctrd__cgroup_state(const struct ctrd__cgroup *cgroup, enum ctrd__cgroup_state *ret_state)
{
	CTRD__AUTO_CLOSE int fd = -1;
	bool v2 = false;
	int r = open_freezer(cgroup, &v2, &fd);

	if (r < 0)
		return r;
	return read_state(fd, v2, ret_state);
}

int ctrd__cgroup_freeze(const struct ctrd__cgroup *cgroup, int64_t timeout_ms)
{
	int64_t deadline = ctrd__cgroup_deadline_ns(timeout_ms);
	enum ctrd__cgroup_state before = CTRD__CGROUP_FROZEN;
	CTRD__AUTO_CLOSE int fd = -1;
	bool v2 = false;
	int r;

	r = open_freezer(cgroup, &v2, &fd);
	if (r == CTRD_OK)
		r = read_state(fd, v2, &before);
	if (r < 0)
		return r;
	r = freeze_dir(fd, v2, deadline);
	if (r < 0 && before == CTRD__CGROUP_THAWED) {
		int saved = errno;

		(void)write_state(fd, v2, false);
		errno = saved;
	}
	return r;
}

int ctrd__cgroup_thaw(const struct ctrd__cgroup *cgroup, int64_t timeout_ms)
{
	int64_t deadline = ctrd__cgroup_deadline_ns(timeout_ms);
	CTRD__AUTO_CLOSE int fd = -1;
	bool v2 = false;
	int r;

	r = open_freezer(cgroup, &v2, &fd);
	if (r == CTRD_OK)
		r = write_state(fd, v2, false);
	if (r < 0)
		return r;
	return wait_state(fd, v2, CTRD__CGROUP_THAWED, deadline);
}

/*
 * The first v1 group that freezes makes the kernel switch a branch in its code, on every CPU, and the last one that thaws
 * makes it switch back: a millisecond and more each, of a pause that is otherwise one of microseconds. An empty group that
 * stays frozen keeps the branch as it is. Its name is none that an id can have.
 */

#define KEPT_NAME "/.frozen"

/* Where it is; *ret_top: the length of what is there already. False where there is no v1 freezer. */
static bool kept_path(const struct ctrd__cgroup_layout *layout, const char *parent,
		      struct ctrd__str *ret_path, size_t *ret_top)
{
	const struct ctrd__slice freezer = {"freezer", 7};

	if (*parent && !ctrd__cgroup_path_is_sane((struct ctrd__slice){parent, strlen(parent)}))
		return false;
	for (size_t i = 0; i < layout->count; i++) {
		const struct ctrd__cgroup_mount *mount = &layout->mounts[i];
		struct ctrd__slice list = {mount->controllers, strlen(mount->controllers)};

		if (!ctrd__slice_lists(list, freezer))
			continue;
		*ret_top = strlen(mount->point);
		ctrd__str_append(ret_path, mount->point);
		ctrd__str_append(ret_path, parent[0] && parent[1] ? parent : "");
		ctrd__str_append(ret_path, KEPT_NAME);
		return !ret_path->oom;
	}
	return false;
}

/* Make every directory of path from its first `top` bytes on. */
static void make_dirs(char *path, size_t top)
{
	for (char *slash = strchr(path + top + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	(void)mkdir(path, 0755);
}

void ctrd__cgroup_keep_freezer(const struct ctrd__cgroup_layout *layout, const char *parent)
{
	CTRD__AUTO_STR struct ctrd__str path = CTRD__STR_INIT;
	CTRD__AUTO_CLOSE int fd = -1;
	enum ctrd__cgroup_state state;
	size_t top;

	if (!kept_path(layout, parent, &path, &top))
		return;
	if (ctrd__cgroup_open_dir(path.data, &fd) < 0) {
		make_dirs(path.data, top);
		if (ctrd__cgroup_open_dir(path.data, &fd) < 0)
			return;
	}
	if (read_v1(fd, &state) == CTRD_OK && state == CTRD__CGROUP_THAWED)
		(void)write_state(fd, false, true);
}

void ctrd__cgroup_drop_freezer(const struct ctrd__cgroup_layout *layout, const char *parent)
{
	CTRD__AUTO_STR struct ctrd__str path = CTRD__STR_INIT;
	size_t top;

	if (kept_path(layout, parent, &path, &top))
		(void)rmdir(path.data);
}
