/*
 * Files, directories and descriptors by POSIX calls (and statx() where there is one). Knows nothing
 * of what the files are for.
 *
 * Invariant: names are resolved relative to a directory already held open, the last component never
 * through a link, so that what was checked is what is used.
 */
#include "util/file.h"

#include "libctrd/base.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/os.h"
#include "util/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READ_STEP = 4096,
	TEMP_TRIES = 64,
	TREE_DEPTH_MAX = 64,
	TREE_PASSES_MAX = 8,
};

static int fail(int err)
{
	errno = err;
	return ctrd__status_from_errno(err);
}

int ctrd__fd_above_2(int fd)
{
	CTRD__AUTO_CLOSE int low = -1;

	if (fd < 0 || fd > 2)
		return fd;
	low = fd;
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int ctrd__fd_dup(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

int ctrd__fd_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return fail(errno);
		}
		p += n;
		len -= (size_t)n;
	}
	return CTRD_OK;
}

int ctrd__file_read_at(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_len)
{
	CTRD__AUTO_CLOSE int fd = -1;
	char *CTRD__AUTO_FREE data = NULL;
	size_t len = 0, cap = 0;
	struct stat st;

	/* O_NONBLOCK: a fifo under this name must not hold us up before the check below. */
	fd = ctrd__fd_above_2(openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(errno);
	if (!S_ISREG(st.st_mode))
		return fail(EINVAL);
	/* The size is a hint only: files of proc and cgroup say 0, others may grow meanwhile. */
	if (st.st_size > 0 && (uintmax_t)st.st_size > max)
		return fail(EFBIG);
	for (;;) {
		ssize_t n;

		if (len == cap) {
			size_t want = cap ? cap * 2 : (size_t)st.st_size + 1;
			char *bigger;

			if (cap >= SIZE_MAX / 2 - 1)
				return fail(EFBIG);
			if (want < READ_STEP)
				want = READ_STEP;
			bigger = realloc(data, want + 1);
			if (!bigger)
				return fail(ENOMEM);
			data = bigger;
			cap = want;
		}
		n = read(fd, data + len, cap - len);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return fail(errno);
		}
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return fail(EFBIG);
	}
	data[len] = '\0';
	*ret_data = ctrd__take_ptr(data);
	*ret_len = len;
	return CTRD_OK;
}

/* Make a new file under a name nobody uses, which is left in name. */
static int open_temp(int dirfd, char *name, size_t size)
{
	uint64_t salt = (uint64_t)ctrd__now_mono_ns() ^ ((uint64_t)getpid() << 40);
	int fd = -1;

	for (int i = 0; i < TEMP_TRIES; i++) {
		(void)snprintf(name, size, ".tmp-%016" PRIx64, salt + (uint64_t)i);
		fd = ctrd__fd_above_2(openat(
			dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd;
}

static int fill_temp(int fd, const void *data, size_t len, mode_t mode, bool sync)
{
	int r = ctrd__fd_write_all(fd, data, len);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0 || (sync && fsync(fd) < 0))
		return fail(errno);
	return CTRD_OK;
}

static int sync_dir(int dirfd)
{
	CTRD__AUTO_CLOSE int fd = -1;

	/* Opened anew because the caller's may be AT_FDCWD or O_PATH. */
	fd = ctrd__fd_above_2(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (fd < 0 || fsync(fd) < 0)
		return fail(errno);
	return CTRD_OK;
}

int ctrd__file_write_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
			bool sync)
{
	CTRD__AUTO_CLOSE int fd = -1;
	char temp[32];
	int r;

	if (!*name || strchr(name, '/'))
		return fail(EINVAL);
	fd = open_temp(dirfd, temp, sizeof(temp));
	if (fd < 0)
		return fail(errno);
	r = fill_temp(fd, data, len, mode, sync);
	if (r == CTRD_OK && renameat(dirfd, temp, dirfd, name) < 0)
		r = fail(errno);
	if (r < 0) {
		int saved = errno;

		(void)unlinkat(dirfd, temp, 0);
		errno = saved;
		return r;
	}
	return sync ? sync_dir(dirfd) : CTRD_OK;
}

/* Open the component of a private path, made first where it is missing and may be. */
static int open_component(int parent, const char *name, bool create, bool last)
{
	int flags = O_DIRECTORY | O_CLOEXEC | (last ? O_RDONLY | O_NOFOLLOW : O_PATH);
	bool made = false;
	int fd;

	fd = ctrd__fd_above_2(openat(parent, name, flags));
	if (fd < 0 && errno == ENOENT && create) {
		made = mkdirat(parent, name, 0700) == 0;
		if (!made && errno != EEXIST)
			return -1;
		fd = ctrd__fd_above_2(openat(parent, name, flags));
	}
	/* The umask may have taken bits from the mode. */
	if (fd >= 0 && made && last)
		(void)fchmod(fd, 0700);
	return fd;
}

int ctrd__dir_open_private(const char *path, bool create, int *ret_fd)
{
	CTRD__AUTO_CLOSE int fd = -1;
	char *CTRD__AUTO_FREE copy = strdup(path);
	char *rest, *name;
	struct stat st;

	if (!copy)
		return fail(ENOMEM);
	if (!*path)
		return fail(EINVAL);
	/* A trailing slash would have the kernel follow a link in the last component. */
	for (size_t len = strlen(copy); len > 1 && copy[len - 1] == '/'; len--)
		copy[len - 1] = '\0';
	fd = ctrd__fd_above_2(
		openat(AT_FDCWD, *copy == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (fd < 0)
		return fail(errno);
	rest = copy + strspn(copy, "/");
	while (*rest) {
		size_t len = strcspn(rest, "/");
		int next;

		name = rest;
		rest += len;
		if (*rest) {
			*rest++ = '\0';
			rest += strspn(rest, "/");
		}
		next = open_component(fd, name, create, !*rest);
		if (next < 0)
			return fail(errno);
		ctrd__close_fd(&fd);
		fd = next;
	}
	if (fstat(fd, &st) < 0)
		return fail(errno);
	if (st.st_uid != geteuid() || (st.st_mode & 0777) != 0700)
		return fail(EPERM);
	*ret_fd = ctrd__take_fd(fd);
	return CTRD_OK;
}

/* Where a file lives. A bind mount of a file system has its device, but is a mount of its own. */
struct place {
	dev_t dev;
	uint64_t mount;
};

static int find_place(int fd, struct place *ret_place)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	*ret_place = (struct place){st.st_dev, 0};
#ifdef STATX_MNT_ID
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) == 0 && (stx.stx_mask & STATX_MNT_ID))
		ret_place->mount = stx.stx_mnt_id;
#endif
	return 0;
}

static int remove_entry(int dirfd, const char *name, const struct place *top, unsigned int depth);

/* One pass over a directory; 0 or the first status that was not 0, with its errno. */
static int remove_entries(DIR *dir, const struct place *top, unsigned int depth)
{
	int first = CTRD_OK, first_errno = 0;

	for (;;) {
		struct dirent *entry;
		int r;

		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			if (errno && first == CTRD_OK)
				return fail(errno);
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_entry(dirfd(dir), entry->d_name, top, depth + 1);
		/* Somebody else removed it: what we wanted. */
		if (r < 0 && errno != ENOENT && first == CTRD_OK) {
			first = r;
			first_errno = errno;
		}
	}
	errno = first_errno;
	return first;
}

/* Empty the directory fd, which is consumed, and remove it from its parent. */
static int remove_dir(int parent, const char *name, int fd, const struct place *top,
		      unsigned int depth)
{
	DIR *dir = fdopendir(fd);
	int saved, r;

	if (!dir) {
		saved = errno;
		(void)close(fd);
		return fail(saved);
	}
	/* Some file systems skip entries of a directory that changes: go round while any are left. */
	for (int pass = 0;; pass++) {
		r = remove_entries(dir, top, depth);
		if (r < 0)
			break;
		r = unlinkat(parent, name, AT_REMOVEDIR) < 0 ? fail(errno) : CTRD_OK;
		if (r == CTRD_OK || (errno != ENOTEMPTY && errno != EEXIST) ||
		    pass >= TREE_PASSES_MAX)
			break;
		rewinddir(dir);
	}
	saved = errno;
	(void)closedir(dir);
	errno = saved;
	return r;
}

/* Recursion is bounded by TREE_DEPTH_MAX; each level holds one descriptor. */
static int remove_entry(int dirfd, const char *name, const struct place *top, unsigned int depth)
{
	CTRD__AUTO_CLOSE int fd = -1;
	struct place place;

	fd = ctrd__fd_above_2(openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
	if (fd < 0) {
		if (errno != ENOTDIR && errno != ELOOP)
			return fail(errno);
		return unlinkat(dirfd, name, 0) < 0 ? fail(errno) : CTRD_OK;
	}
	if (depth > TREE_DEPTH_MAX)
		return fail(ELOOP);
	if (find_place(fd, &place) < 0)
		return fail(errno);
	if (place.dev != top->dev || place.mount != top->mount)
		return fail(EXDEV);
	return remove_dir(dirfd, name, ctrd__take_fd(fd), top, depth);
}

int ctrd__dir_remove_tree_at(int dirfd, const char *name)
{
	struct place place;
	CTRD__AUTO_CLOSE int fd = -1;

	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail(EINVAL);
	/* The mount that must not be left is the one of the directory that holds the name. */
	fd = ctrd__fd_above_2(openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (fd < 0 || find_place(fd, &place) < 0)
		return fail(errno);
	return remove_entry(fd, name, &place, 0);
}
