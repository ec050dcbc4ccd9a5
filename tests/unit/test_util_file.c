/*
 * util/file.h: files read and replaced whole, private directories, trees removed without leaving
 * their mount or following a link. The mount test needs root and a mount namespace of its own.
 */
#include "libctrd/base.h"
#include "support/test.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The one directory of this test. */
static const char *tmp(void)
{
	static const char *path;

	if (!path)
		path = test_tmpdir();
	return path;
}

static int open_tmpdir(void)
{
	int fd = open(tmp(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void put_file(int dirfd, const char *name, const char *text)
{
	CTRD__AUTO_CLOSE int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), strlen(text));
}

static bool exists(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static const char *path_of(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", tmp(), name);
	return path;
}

TEST(fd_moves_above_2)
{
	CTRD__AUTO_CLOSE int high = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int low, moved;

	CHECK(high > 2);
	CHECK_INT(ctrd__fd_above_2(high), high);
	errno = ENOTTY;
	CHECK_INT(ctrd__fd_above_2(-1), -1);
	CHECK_INT(errno, ENOTTY);
	low = dup2(high, 0);
	CHECK_INT(low, 0);
	moved = ctrd__fd_above_2(low);
	CHECK(moved > 2);
	CHECK_INT(fcntl(0, F_GETFD), -1);
	CHECK(fcntl(moved, F_GETFD) & FD_CLOEXEC);
	CHECK_INT(dup2(moved, 0), 0);
	ctrd__close_fd(&moved);
}

TEST(fd_dup_is_cloexec)
{
	CTRD__AUTO_CLOSE int fd = ctrd__fd_dup(0);

	CHECK(fd > 2);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_INT(ctrd__fd_dup(-1), -1);
	CHECK_INT(errno, EBADF);
}

TEST(file_write_then_read)
{
	CTRD__AUTO_CLOSE int dir = open_tmpdir();
	char *CTRD__AUTO_FREE data = NULL;
	mode_t mask = umask(0777);
	struct stat st;
	size_t len = 99;
	int r;

	r = ctrd__file_write_at(dir, "f", "he\0lo", 5, 0640, true);
	(void)umask(mask);
	CHECK_INT(r, 0);
	CHECK_INT(fstatat(dir, "f", &st, 0), 0);
	CHECK_INT(st.st_mode, S_IFREG | 0640);
	CHECK_INT(ctrd__file_write_at(dir, "f", "hello", 5, 0600, false), 0);
	r = ctrd__file_read_at(dir, "f", 5, &data, &len);
	if (r == CTRD_ENOMEM) {
		CHECK_INT(errno, ENOMEM);
		return;
	}
	CHECK_INT(r, 0);
	CHECK_INT(len, 5);
	CHECK_STR(data, "hello");
	CHECK_INT(ctrd__file_read_at(dir, "f", 4, &data, &len), CTRD_ERANGE);
	CHECK_INT(errno, EFBIG);
	/* Nothing is left of the files in between. */
	CHECK_INT(unlinkat(dir, "f", 0), 0);
	CHECK_INT(rmdir(tmp()), 0);
}

TEST(file_read_of_any_size)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000};
	CTRD__AUTO_CLOSE int dir = open_tmpdir();
	static char big[100000];

	memset(big, 'x', sizeof(big));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *CTRD__AUTO_FREE data = NULL;
		size_t len = 99;
		int r;

		CHECK_INT(ctrd__file_write_at(dir, "f", big, sizes[i], 0600, false), 0);
		r = ctrd__file_read_at(dir, "f", sizeof(big), &data, &len);
		if (r == CTRD_ENOMEM)
			return;
		CHECK_INT(r, 0);
		CHECK_INT(len, sizes[i]);
		CHECK(memcmp(data, big, len) == 0 && data[len] == '\0');
	}
}

TEST(file_read_of_proc)
{
	char *CTRD__AUTO_FREE data = NULL;
	size_t len;
	int r = ctrd__file_read_at(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &len);

	if (r == CTRD_ENOMEM)
		return;
	CHECK_INT(r, 0);
	CHECK(len > 100 && strlen(data) == len);
	r = ctrd__file_read_at(AT_FDCWD, "/proc/self/status", 10, &data, &len);
	CHECK(r == CTRD_ERANGE || r == CTRD_ENOMEM);
}

TEST(file_read_refuses_what_is_no_file)
{
	CTRD__AUTO_CLOSE int dir = open_tmpdir();
	char *data = NULL;
	size_t len;

	put_file(dir, "f", "x");
	CHECK_INT(symlinkat("f", dir, "link"), 0);
	CHECK_INT(mkfifoat(dir, "fifo", 0600), 0);
	CHECK_INT(ctrd__file_read_at(dir, "link", 10, &data, &len), CTRD_EINVAL);
	CHECK_INT(errno, ELOOP);
	CHECK_INT(ctrd__file_read_at(dir, "fifo", 10, &data, &len), CTRD_EINVAL);
	CHECK_INT(ctrd__file_read_at(dir, ".", 10, &data, &len), CTRD_EINVAL);
	CHECK_INT(ctrd__file_read_at(dir, "none", 10, &data, &len), CTRD_ENOTFOUND);
	CHECK_INT(errno, ENOENT);
	CHECK(data == NULL);
}

TEST(file_write_replaces_a_link_and_refuses_paths)
{
	CTRD__AUTO_CLOSE int dir = open_tmpdir();
	struct stat st;

	put_file(dir, "target", "old");
	CHECK_INT(symlinkat("target", dir, "link"), 0);
	CHECK_INT(ctrd__file_write_at(dir, "link", "new", 3, 0600, false), 0);
	CHECK_INT(fstatat(dir, "link", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_INT(fstatat(dir, "target", &st, 0), 0);
	CHECK(st.st_size == 3);
	CHECK_INT(ctrd__file_write_at(dir, "a/b", "", 0, 0600, false), CTRD_EINVAL);
	CHECK_INT(ctrd__file_write_at(dir, "", "", 0, 0600, false), CTRD_EINVAL);
	/* A name that cannot be replaced: no temporary file stays. */
	CHECK_INT(mkdirat(dir, "d", 0700), 0);
	CHECK(ctrd__file_write_at(dir, "d", "x", 1, 0600, false) < 0);
	CHECK_INT(errno, EISDIR);
	CHECK_INT(unlinkat(dir, "d", AT_REMOVEDIR), 0);
	CHECK_INT(unlinkat(dir, "link", 0), 0);
	CHECK_INT(unlinkat(dir, "target", 0), 0);
	CHECK_INT(rmdir(tmp()), 0);
}

TEST(dir_private_is_made_and_checked)
{
	CTRD__AUTO_CLOSE int dir = open_tmpdir();
	CTRD__AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	r = ctrd__dir_open_private(path_of("a//b/c/"), false, &fd);
	if (r == CTRD_ENOMEM)
		return;
	CHECK_INT(r, CTRD_ENOTFOUND);
	CHECK_INT(errno, ENOENT);
	r = ctrd__dir_open_private(path_of("a//b/c/"), true, &fd);
	if (r == CTRD_ENOMEM)
		return;
	CHECK_INT(r, 0);
	CHECK(fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	CHECK_INT(fstat(fd, &st), 0);
	CHECK_INT(st.st_mode, S_IFDIR | 0700);
	CHECK_INT(fstatat(dir, "a", &st, 0), 0);
	CHECK_INT(st.st_mode, S_IFDIR | 0700);
	ctrd__close_fd(&fd);
	r = ctrd__dir_open_private(path_of("a/b/c"), false, &fd);
	if (r == CTRD_ENOMEM)
		return;
	CHECK_INT(r, 0);
}

TEST(dir_private_refuses_others)
{
	CTRD__AUTO_CLOSE int dir = open_tmpdir();
	int fd = -1;

	CHECK_INT(mkdirat(dir, "open", 0700), 0);
	CHECK_INT(fchmodat(dir, "open", 0750, 0), 0);
	CHECK_INT(mkdirat(dir, "good", 0700), 0);
	CHECK_INT(symlinkat("good", dir, "link"), 0);
	put_file(dir, "file", "");
	if (ctrd__dir_open_private(path_of("open"), true, &fd) == CTRD_ENOMEM)
		return;
	CHECK_INT(ctrd__dir_open_private(path_of("open"), true, &fd), CTRD_EDENIED);
	CHECK_INT(errno, EPERM);
	CHECK_INT(ctrd__dir_open_private(path_of("link"), true, &fd), CTRD_EINVAL);
	CHECK_INT(ctrd__dir_open_private(path_of("link/"), true, &fd), CTRD_EINVAL);
	CHECK_INT(ctrd__dir_open_private(path_of("file"), true, &fd), CTRD_EINVAL);
	CHECK_INT(ctrd__dir_open_private(path_of("file/x"), true, &fd), CTRD_EINVAL);
	CHECK_INT(ctrd__dir_open_private("", true, &fd), CTRD_EINVAL);
	CHECK_INT(ctrd__dir_open_private("/", true, &fd), CTRD_EDENIED);
	if (geteuid() == 0) {
		CHECK_INT(fchownat(dir, "good", 12345, 12345, 0), 0);
		CHECK_INT(ctrd__dir_open_private(path_of("good"), true, &fd), CTRD_EDENIED);
	}
	CHECK_INT(fd, -1);
}

TEST(dir_private_made_under_a_strange_umask)
{
	CTRD__AUTO_CLOSE int fd = -1;
	mode_t mask = umask(0277);
	int r = ctrd__dir_open_private(path_of("x"), true, &fd);

	(void)umask(mask);
	if (r == CTRD_ENOMEM)
		return;
	CHECK_INT(r, 0);
}

TEST(tree_is_removed_without_following_links)
{
	CTRD__AUTO_CLOSE int dir = open_tmpdir();
	CTRD__AUTO_CLOSE int tree = -1;
	char name[32];

	CHECK_INT(mkdirat(dir, "kept", 0700), 0);
	CHECK_INT(mkdirat(dir, "tree", 0700), 0);
	tree = openat(dir, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < test_scale(2000); i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		put_file(tree, name, "");
	}
	put_file(dir, "kept/file", "x");
	CHECK_INT(symlinkat("../kept", tree, "link"), 0);
	CHECK_INT(symlinkat("nowhere", tree, "dangling"), 0);
	CHECK_INT(mkfifoat(tree, "fifo", 0600), 0);
	CHECK_INT(mkdirat(tree, "sub", 0500), 0);
	CHECK_INT(mkdirat(tree, "empty", 0700), 0);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "tree"), 0);
	CHECK(!exists(dir, "tree"));
	CHECK(exists(dir, "kept/file"));
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "tree"), CTRD_ENOTFOUND);
	CHECK_INT(errno, ENOENT);
	/* What is no directory is a tree of one. */
	CHECK_INT(symlinkat("kept", dir, "link"), 0);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "link"), 0);
	CHECK(!exists(dir, "link") && exists(dir, "kept/file"));
	CHECK_INT(ctrd__dir_remove_tree_at(dir, ".."), CTRD_EINVAL);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "."), CTRD_EINVAL);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "kept/file"), CTRD_EINVAL);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, ""), CTRD_EINVAL);
}

/* Make a chain of directories below name; remove it again when there is no tree in them. */
static void make_chain(int dirfd, const char *name, int levels)
{
	CTRD__AUTO_CLOSE int at = ctrd__fd_dup(dirfd);

	for (int i = 0; i < levels; i++) {
		CHECK_INT(mkdirat(at, name, 0700), 0);
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		ctrd__close_fd(&at);
		at = next;
	}
	put_file(at, "leaf", "");
}

TEST(tree_has_a_depth_limit)
{
	CTRD__AUTO_CLOSE int dir = open_tmpdir();

	make_chain(dir, "d", 60);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "d"), 0);
	make_chain(dir, "d", 100);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "d"), CTRD_EINVAL);
	CHECK_INT(errno, ELOOP);
	CHECK(exists(dir, "d"));
	/* Halves of it are within the limit. */
	CHECK_INT(renameat(dir,
			   "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d"
			   "/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d",
			   dir, "half"),
		  0);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "half"), 0);
	CHECK_INT(ctrd__dir_remove_tree_at(dir, "d"), 0);
}

/* In mount namespaces of its own, in a child: 0 when all is well, else the line. */
static int remove_over_mounts(void)
{
	/*
	 * Opened here: a descriptor from outside belongs to the mounts outside. Arguments of mount()
	 * that mean nothing are strings nevertheless: valgrind looks at them.
	 */
	int dir = open_tmpdir();

	if (mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0 ||
	    mkdirat(dir, "other", 0700) < 0 || mkdirat(dir, "tree", 0700) < 0 ||
	    mkdirat(dir, "tree/bind", 0700) < 0 || mkdirat(dir, "tree/tmpfs", 0700) < 0)
		return __LINE__;
	put_file(dir, "other/file", "x");
	put_file(dir, "tree/file", "x");
	if (fchdir(dir) < 0 || mount("other", "tree/bind", "none", MS_BIND, "") < 0 ||
	    mount("none", "tree/tmpfs", "tmpfs", 0, "") < 0)
		return __LINE__;
	put_file(dir, "tree/tmpfs/file", "x");
	if (ctrd__dir_remove_tree_at(dir, "tree") != CTRD_EINTERNAL || errno != EXDEV)
		return __LINE__;
	if (!exists(dir, "other/file") || !exists(dir, "tree/bind/file") ||
	    !exists(dir, "tree/tmpfs/file") || exists(dir, "tree/file"))
		return __LINE__;
	if (umount2("tree/bind", 0) < 0)
		return __LINE__;
	/* The top itself may not be a mount either. */
	if (mount("other", "tree", "none", MS_BIND, "") < 0 ||
	    ctrd__dir_remove_tree_at(dir, "tree") != CTRD_EINTERNAL || !exists(dir, "other/file") ||
	    umount2("tree", 0) < 0 || umount2("tree/tmpfs", 0) < 0)
		return __LINE__;
	return ctrd__dir_remove_tree_at(dir, "tree") == 0 ? 0 : __LINE__;
}

TEST(tree_stays_on_its_mount)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		SKIP("needs root to mount");
	(void)tmp();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		int line;

		if (unshare(CLONE_NEWNS) < 0)
			_exit(77);
		line = remove_over_mounts();
		if (line)
			fprintf(stderr, "%s:%d: failed, errno %d\n", __FILE__, line, errno);
		_exit(line ? 1 : 0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("mount namespaces are not allowed here");
	CHECK_INT(status, 0);
}
