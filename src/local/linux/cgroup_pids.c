/*
 * Who is in a tree of groups: walking directories, reading cgroup.procs. It does nothing to them.
 *
 * Invariant: a group or process that vanishes while it is looked at was not there; only what the
 * machine lacks (memory, descriptors, permission) is a failure.
 */
#include "local/linux/cgroup_priv.h"

#include "libctrd/base.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void ctrd__pid_set_done(struct ctrd__pid_set *set)
{
	ctrd__free_ptr(&set->pids);
	set->pids = NULL;
	set->count = 0;
	set->cap = 0;
}

int ctrd__pid_set_add(struct ctrd__pid_set *set, pid_t pid)
{
	if (set->count == set->cap) {
		size_t cap = set->cap ? set->cap * 2 : 64;
		pid_t *pids = realloc(set->pids, cap * sizeof(*pids));

		if (!pids)
			return ctrd__cgroup_fail(ENOMEM);
		set->pids = pids;
		set->cap = cap;
	}
	set->pids[set->count++] = pid;
	return CTRD_OK;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

void ctrd__pid_set_sort(struct ctrd__pid_set *set)
{
	size_t kept = 0;

	if (set->count > 1)
		qsort(set->pids, set->count, sizeof(*set->pids), compare_pids);
	for (size_t i = 0; i < set->count; i++)
		if (!kept || set->pids[kept - 1] != set->pids[i])
			set->pids[kept++] = set->pids[i];
	set->count = kept;
}

bool ctrd__pid_set_has(const struct ctrd__pid_set *set, pid_t pid)
{
	return set->count && bsearch(&pid, set->pids, set->count, sizeof(*set->pids), compare_pids);
}

/* Whether a failure means that the group, or its list, is not there (any more). */
static bool is_gone(int err)
{
	/* EOPNOTSUPP: a threaded group, whose processes are listed above it. */
	return err == ENOENT || err == ENODEV || err == EOPNOTSUPP;
}

static int add_line(struct ctrd__slice line, struct ctrd__pid_set *set)
{
	uint64_t pid;

	/* 0 is a process outside of our pid namespace. */
	if (!ctrd__slice_number(line, &pid) || pid == 0 || pid > INT32_MAX)
		return CTRD_OK;
	return ctrd__pid_set_add(set, (pid_t)pid);
}

int ctrd__cgroup_read_procs(int dirfd, struct ctrd__pid_set *set)
{
	CTRD__AUTO_CLOSE int fd = -1;
	char buf[4096];
	size_t kept = 0;

	fd = ctrd__fd_above_2(openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
	if (fd < 0)
		return is_gone(errno) ? CTRD_OK : ctrd__cgroup_fail(errno);
	for (;;) {
		ssize_t n = read(fd, buf + kept, sizeof(buf) - kept);
		struct ctrd__slice rest, line;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return is_gone(errno) ? CTRD_OK : ctrd__cgroup_fail(errno);
		rest = (struct ctrd__slice){buf, kept + (size_t)n};
		while (ctrd__slice_cut(&rest, '\n', &line))
			if (add_line(line, set) < 0)
				return CTRD_ENOMEM;
		/* No line is as long as the buffer. */
		if (n == 0 || rest.len == sizeof(buf))
			return add_line(rest, set);
		memmove(buf, rest.data, rest.len);
		kept = rest.len;
	}
}

static int walk_dir(int dirfd, int parent, const char *name, int depth, ctrd__cgroup_walk_fn *fn,
		    void *data);

static void close_dir(DIR **dir)
{
	int saved = errno;

	if (*dir)
		(void)closedir(*dir);
	errno = saved;
}

static int walk_below(int fd, int depth, ctrd__cgroup_walk_fn *fn, void *data)
{
	CTRD__CLEANUP(close_dir) DIR *dir = NULL;
	struct dirent *entry;
	int listed;

	/* Of its own, because closedir() closes it. */
	listed = ctrd__fd_above_2(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (listed < 0)
		return is_gone(errno) ? CTRD_OK : ctrd__cgroup_fail(errno);
	dir = fdopendir(listed);
	if (!dir) {
		ctrd__close_fd(&listed);
		return ctrd__cgroup_fail(errno);
	}
	while ((entry = readdir(dir))) {
		CTRD__AUTO_CLOSE int sub = -1;
		int r;

		if (entry->d_name[0] == '.' &&
		    (!entry->d_name[1] || (entry->d_name[1] == '.' && !entry->d_name[2])))
			continue;
		if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
			continue;
		r = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		sub = ctrd__fd_above_2(r);
		if (sub < 0 && (is_gone(errno) || errno == ENOTDIR))
			continue;
		if (sub < 0)
			return ctrd__cgroup_fail(errno);
		r = walk_dir(sub, fd, entry->d_name, depth + 1, fn, data);
		if (r < 0)
			return r;
	}
	return CTRD_OK;
}

/* Recursion is bounded by CTRD__CGROUP_DEPTH_MAX. */
static int walk_dir(int dirfd, int parent, const char *name, int depth, ctrd__cgroup_walk_fn *fn,
		    void *data)
{
	struct stat st;
	int r;

	if (depth > CTRD__CGROUP_DEPTH_MAX)
		return ctrd__cgroup_fail(ELOOP);
	/* The link count of a group counts its sub-groups: most have none and need not be listed. */
	if (fstat(dirfd, &st) < 0)
		return ctrd__cgroup_fail(errno);
	if (st.st_nlink != 2) {
		r = walk_below(dirfd, depth, fn, data);
		if (r < 0)
			return r;
	}
	return fn(dirfd, parent, name, data);
}

int ctrd__cgroup_walk(const char *dir, ctrd__cgroup_walk_fn *fn, void *data)
{
	CTRD__AUTO_CLOSE int fd = -1;
	int r = ctrd__cgroup_open_dir(dir, &fd);

	if (r < 0)
		return r;
	return walk_dir(fd, -1, NULL, 0, fn, data);
}

static int collect(int dirfd, int parent, const char *name, void *data)
{
	(void)parent;
	(void)name;
	return ctrd__cgroup_read_procs(dirfd, data);
}

int ctrd__cgroup_pids(const struct ctrd__cgroup *cgroup, pid_t **ret_pids, size_t *ret_count)
{
	const struct ctrd__cgroup_group *group = ctrd__cgroup_procs_group(cgroup);
	CTRD__AUTO_PIDS struct ctrd__pid_set set = {NULL, 0, 0};
	int r;

	if (!group)
		return ctrd__cgroup_fail(ENOSYS);
	r = ctrd__cgroup_walk(group->dir, collect, &set);
	if (r < 0)
		return r;
	ctrd__pid_set_sort(&set);
	*ret_pids = ctrd__take_ptr(set.pids);
	*ret_count = set.count;
	return CTRD_OK;
}
