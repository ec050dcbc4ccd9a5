/*
 * The calls around pidfds, by number where the C library of the build host is older than the kernel
 * that we run on. No waiting: who wants to wait polls the descriptor.
 *
 * Invariant: a pidfd that was handed out belongs to the process that the caller named, checked after
 * it was opened.
 */
#include "local/linux/pidfd.h"

#include "libctrd/base.h"
#include "local/linux/proc.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/os.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The same on every architecture. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define PIDFS_TYPE 0x50494446 /* f_type of the file system of pidfds, "PIDF" */

/* The first version of the kernel's struct: it is never made smaller. */
struct pidfd_info_v1 {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t pid;
	uint32_t tgid;
	uint32_t ppid;
	uint32_t ids[8];
	int32_t exit_code;
};
_Static_assert(sizeof(struct pidfd_info_v1) == 64, "the kernel's size");

#define INFO_EXIT (UINT64_C(1) << 3)
#define GET_INFO  _IOWR(0xff, 11, struct pidfd_info_v1)

static int fail(int err)
{
	errno = err;
	return err == ESRCH ? CTRD_ENOTFOUND : ctrd__status_from_errno(err);
}

int ctrd__pidfd_open(pid_t pid, int *ret_fd)
{
	int fd;

	/* 0 and negative numbers would be EINVAL: no process has them. */
	if (pid <= 0)
		return fail(ESRCH);
	fd = ctrd__fd_above_2((int)syscall(SYS_pidfd_open, pid, 0));
	if (fd < 0)
		return fail(errno);
	*ret_fd = fd;
	return CTRD_OK;
}

int ctrd__pidfd_open_same(pid_t pid, uint64_t start_time, uint64_t inode, int *ret_fd)
{
	CTRD__AUTO_CLOSE int fd = -1;
	uint64_t now;
	int r;

	r = ctrd__pidfd_open(pid, &fd);
	if (r < 0)
		return r;
	/*
	 * The check comes after the open: a pid that was reused before has another start time, and
	 * one that is reused between open and check leaves a descriptor that has ended.
	 */
	if (!ctrd__proc_same(pid, start_time))
		return fail(ESRCH);
	r = inode ? ctrd__pidfd_inode(fd, &now) : CTRD_ENOSYS;
	if (r == CTRD_OK && now != inode)
		return fail(ESRCH);
	if (r < 0 && r != CTRD_ENOSYS)
		return r;
	/* Still alive or a zombie: then what was read above was this one. */
	if (ctrd__pidfd_signal(fd, 0) == CTRD_ENOTFOUND)
		return fail(ESRCH);
	*ret_fd = ctrd__take_fd(fd);
	return CTRD_OK;
}

int ctrd__pidfd_signal(int fd, int signal)
{
	if (syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0)
		return fail(errno);
	return CTRD_OK;
}

int ctrd__pidfd_inode(int fd, uint64_t *ret_inode)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return fail(errno);
	if ((uint32_t)fs.f_type != PIDFS_TYPE)
		return fail(ENOSYS);
	*ret_inode = st.st_ino;
	return CTRD_OK;
}

bool ctrd__pidfd_has_ended(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLIN | POLLHUP));
}

int ctrd__pidfd_exit_status(int fd, int *ret_wait_status)
{
	struct pidfd_info_v1 info;

	memset(&info, 0, sizeof(info));
	info.mask = INFO_EXIT;
	if (ioctl(fd, GET_INFO, &info) < 0) {
		/* What kernels before 6.13 say. */
		if (errno == ENOTTY || errno == EINVAL)
			return fail(ENOSYS);
		return fail(errno);
	}
	if (info.mask & INFO_EXIT) {
		*ret_wait_status = info.exit_code;
		return CTRD_OK;
	}
	if (!ctrd__pidfd_has_exit_status())
		return fail(ENOSYS);
	errno = EAGAIN;
	return CTRD_EPRECONDITION;
}

bool ctrd__pidfd_has_exit_status(void)
{
	struct utsname name;
	unsigned long major, minor;
	char *stop;

	/*
	 * 6.13 has the request and ignores the bit, and a live process looks the same to both; the
	 * release number is what tells them apart without making a child of the host's.
	 */
	if (uname(&name) < 0)
		return false;
	/* Not sscanf(): the helper has this file too, and would be a fifth larger for it. */
	major = strtoul(name.release, &stop, 10);
	minor = *stop == '.' ? strtoul(stop + 1, NULL, 10) : 0;
	return major > 6 || (major == 6 && minor >= 15);
}
