/*
 * Which groups are a container's: found by what the kernel says of its first process, kept as text,
 * found again. It makes and changes none.
 *
 * Invariant: no group in a struct ctrd__cgroup is the root of a hierarchy, nor holds the process
 * that made the struct, itself or in a sub-group: what is done to these groups is never done to the
 * host. Each group is of another hierarchy.
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
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A descriptor that is not open yet; -2 is a file that is known to be missing. */
#define NOT_OPENED (-1)

void ctrd__cgroup_init(struct ctrd__cgroup *cgroup)
{
	cgroup->groups = NULL;
	cgroup->count = 0;
	for (size_t i = 0; i < CTRD__CGROUP_FILES; i++)
		cgroup->files[i] = NOT_OPENED;
}

void ctrd__cgroup_drop_fds(struct ctrd__cgroup *cgroup)
{
	for (size_t i = 0; i < CTRD__CGROUP_FILES; i++)
		ctrd__close_fd(&cgroup->files[i]);
}

void ctrd__cgroup_done(struct ctrd__cgroup *cgroup)
{
	int saved = errno;

	ctrd__cgroup_drop_fds(cgroup);
	for (size_t i = 0; i < cgroup->count; i++) {
		free(cgroup->groups[i].controllers);
		free(cgroup->groups[i].path);
		free(cgroup->groups[i].dir);
	}
	free(cgroup->groups);
	ctrd__cgroup_init(cgroup);
	errno = saved;
}

static bool has_hierarchy(const struct ctrd__cgroup *cgroup, const char *controllers)
{
	for (size_t i = 0; i < cgroup->count; i++)
		if (strcmp(cgroup->groups[i].controllers, controllers) == 0)
			return true;
	return false;
}

/* Whether the group is one that the process of these memberships is in or below. */
static bool holds_self(const struct ctrd__cgroup_layout *layout,
		       const struct ctrd__cgroup_mount *mount, struct ctrd__slice path,
		       struct ctrd__slice self)
{
	struct ctrd__cgroup_membership m;

	while (ctrd__cgroup_next_membership(&self, &m))
		if (ctrd__cgroup_mount_of(layout, &m) == mount && m.path.len >= path.len &&
		    memcmp(m.path.data, path.data, path.len) == 0 &&
		    (m.path.len == path.len || m.path.data[path.len] == '/'))
			return true;
	return false;
}

/* Add the group path of a hierarchy, whose directory is the mount point and below. */
static int add_group(struct ctrd__cgroup *cgroup, const struct ctrd__cgroup_mount *mount,
		     struct ctrd__slice path, struct ctrd__slice below)
{
	CTRD__AUTO_STR struct ctrd__str dir = CTRD__STR_INIT;
	struct ctrd__cgroup_group *groups, *group;

	ctrd__str_append(&dir, mount->point);
	ctrd__str_append_n(&dir, below.data, below.len);
	if (dir.oom)
		return ctrd__cgroup_fail(ENOMEM);
	if (has_hierarchy(cgroup, mount->controllers))
		return CTRD_OK;
	groups = realloc(cgroup->groups, (cgroup->count + 1) * sizeof(*groups));
	if (!groups)
		return ctrd__cgroup_fail(ENOMEM);
	cgroup->groups = groups;
	group = &groups[cgroup->count++];
	group->controllers = strdup(mount->controllers);
	group->path = ctrd__strdup_n(path.data, path.len);
	group->dir = ctrd__str_take(&dir);
	return group->controllers && group->path && group->dir ? CTRD_OK
							       : ctrd__cgroup_fail(ENOMEM);
}

int ctrd__cgroup_parse(const struct ctrd__cgroup_layout *layout, const char *text, size_t len,
		       const char *self, size_t self_len, struct ctrd__cgroup *ret_cgroup)
{
	CTRD__CLEANUP(ctrd__cgroup_done) struct ctrd__cgroup cgroup;
	struct ctrd__slice rest = {text, len};
	struct ctrd__slice self_text = {self, self_len};
	struct ctrd__cgroup_membership m;

	ctrd__cgroup_init(&cgroup);
	while (ctrd__cgroup_next_membership(&rest, &m)) {
		const struct ctrd__cgroup_mount *mount = ctrd__cgroup_mount_of(layout, &m);
		struct ctrd__slice below;
		int r;

		if (!mount || !ctrd__cgroup_below_mount(mount, m.path, &below) || !below.len)
			continue;
		if (holds_self(layout, mount, m.path, self_text))
			continue;
		r = add_group(&cgroup, mount, m.path, below);
		if (r < 0)
			return r;
	}
	*ret_cgroup = cgroup;
	ctrd__cgroup_init(&cgroup);
	return CTRD_OK;
}

int ctrd__cgroup_from_text(const struct ctrd__cgroup_layout *layout, const char *text, size_t len,
			   struct ctrd__cgroup *ret_cgroup)
{
	char *CTRD__AUTO_FREE self = NULL;
	size_t self_len;
	int r;

	r = ctrd__cgroup_read_memberships(layout, 0, &self, &self_len);
	if (r < 0)
		return r;
	return ctrd__cgroup_parse(layout, text, len, self, self_len, ret_cgroup);
}

int ctrd__cgroup_resolve(const struct ctrd__cgroup_layout *layout, pid_t pid,
			 struct ctrd__cgroup *ret_cgroup)
{
	char *CTRD__AUTO_FREE text = NULL;
	size_t len;
	int r;

	if (pid <= 0)
		return ctrd__cgroup_fail(ESRCH);
	r = ctrd__cgroup_read_memberships(layout, pid, &text, &len);
	if (r < 0)
		return r;
	return ctrd__cgroup_from_text(layout, text, len, ret_cgroup);
}

int ctrd__cgroup_find(const struct ctrd__cgroup_layout *layout, const char *path,
		      struct ctrd__cgroup *ret_cgroup)
{
	CTRD__AUTO_STR struct ctrd__str text = CTRD__STR_INIT;

	if (!ctrd__cgroup_path_is_sane((struct ctrd__slice){path, strlen(path)}))
		return ctrd__cgroup_fail(EINVAL);
	/* As if a process were there: one reader decides what may be touched. */
	for (size_t i = 0; i < layout->count; i++) {
		const struct ctrd__cgroup_mount *mount = &layout->mounts[i];
		CTRD__AUTO_STR struct ctrd__str dir = CTRD__STR_INIT;
		struct stat st;

		ctrd__str_append(&dir, mount->point);
		ctrd__str_append(&dir, path);
		if (dir.oom)
			return ctrd__cgroup_fail(ENOMEM);
		if (stat(dir.data, &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		ctrd__str_appendf(&text, "0:%s:%s%s\n", mount->controllers,
				  strcmp(mount->root, "/") ? mount->root : "", path);
	}
	if (text.oom)
		return ctrd__cgroup_fail(ENOMEM);
	return ctrd__cgroup_from_text(layout, text.data ? text.data : "", text.len, ret_cgroup);
}

int ctrd__cgroup_to_text(const struct ctrd__cgroup *cgroup, char **ret_text)
{
	CTRD__AUTO_STR struct ctrd__str str = CTRD__STR_INIT;
	char *text;

	for (size_t i = 0; i < cgroup->count; i++)
		ctrd__str_appendf(&str, "0:%s:%s\n", cgroup->groups[i].controllers,
				  cgroup->groups[i].path);
	text = ctrd__str_take(&str);
	if (!text)
		return ctrd__cgroup_fail(ENOMEM);
	*ret_text = text;
	return CTRD_OK;
}

bool ctrd__cgroup_group_is_v2(const struct ctrd__cgroup_group *group)
{
	return !*group->controllers;
}

static const struct ctrd__cgroup_group *find_group(const struct ctrd__cgroup *cgroup,
						   const char *controller)
{
	struct ctrd__slice element = {controller, strlen(controller)};

	for (size_t i = 0; i < cgroup->count; i++) {
		const char *list = cgroup->groups[i].controllers;

		if (ctrd__slice_lists((struct ctrd__slice){list, strlen(list)}, element))
			return &cgroup->groups[i];
	}
	return NULL;
}

const char *ctrd__cgroup_dir(const struct ctrd__cgroup *cgroup, const char *controller)
{
	const struct ctrd__cgroup_group *group = find_group(cgroup, controller);

	return group ? group->dir : NULL;
}

const struct ctrd__cgroup_group *ctrd__cgroup_freezer_group(const struct ctrd__cgroup *cgroup)
{
	const struct ctrd__cgroup_group *group = find_group(cgroup, "freezer");

	/* v2 freezes without a controller. */
	return group ? group : find_group(cgroup, "");
}

const struct ctrd__cgroup_group *ctrd__cgroup_procs_group(const struct ctrd__cgroup *cgroup)
{
	const struct ctrd__cgroup_group *group = ctrd__cgroup_freezer_group(cgroup);

	if (!group)
		group = find_group(cgroup, "pids");
	return group || !cgroup->count ? group : &cgroup->groups[0];
}

int ctrd__cgroup_open_dir(const char *dir, int *ret_fd)
{
	int fd = ctrd__fd_above_2(open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));

	if (fd < 0)
		return ctrd__cgroup_fail(errno);
	*ret_fd = fd;
	return CTRD_OK;
}

int ctrd__cgroup_read(int dirfd, const char *name, char *buf, size_t size)
{
	CTRD__AUTO_CLOSE int fd = -1;
	ssize_t n;

	fd = ctrd__fd_above_2(openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
	if (fd < 0)
		return ctrd__cgroup_fail(errno);
	/* These files come whole or not at all. */
	n = read(fd, buf, size - 1);
	if (n < 0)
		return ctrd__cgroup_fail(errno);
	buf[n] = '\0';
	return (int)n;
}

int ctrd__cgroup_write(int dirfd, const char *name, const char *text)
{
	CTRD__AUTO_CLOSE int fd = -1;
	size_t len = strlen(text);

	fd = ctrd__fd_above_2(openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
	/* One write is one command. */
	if (fd < 0 || write(fd, text, len) < 0)
		return ctrd__cgroup_fail(errno);
	return CTRD_OK;
}

void ctrd__cgroup_pause_us(int64_t us)
{
	struct timespec ts = {us / 1000000, us % 1000000 * 1000};

	if (us > 0)
		(void)ppoll(NULL, 0, &ts, NULL);
}

int64_t ctrd__cgroup_deadline_ns(int64_t timeout_ms)
{
	int64_t now = ctrd__now_mono_ns();

	if (timeout_ms <= 0)
		return now;
	if (timeout_ms > (INT64_MAX - now) / 1000000)
		return INT64_MAX;
	return now + timeout_ms * 1000000;
}
