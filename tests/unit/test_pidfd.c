/*
 * Holding on to processes: children of the test, alive, ended and collected.
 */
#include "local/linux/pidfd.h"
#include "libctrd/base.h"
#include "local/linux/proc.h"
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_child(void)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

TEST(pidfd_signals_and_sees_the_end)
{
	pid_t pid = start_child();
	int fd = -1;
	CHECK_INT(ctrd__pidfd_open(pid, &fd), CTRD_OK);
	CHECK(fd > 2);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(!ctrd__pidfd_has_ended(fd));
	CHECK_INT(ctrd__pidfd_signal(fd, 0), CTRD_OK);
	CHECK_INT(ctrd__pidfd_signal(fd, SIGTERM), CTRD_OK);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	CHECK_INT(poll(&p, 1, test_timeout_ms(10000)), 1);
	CHECK(ctrd__pidfd_has_ended(fd));
	int status = 0;
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(WTERMSIG(status), SIGTERM);
	CHECK_INT(ctrd__pidfd_signal(fd, SIGTERM), CTRD_ENOTFOUND);
	CHECK(ctrd__pidfd_has_ended(fd));
	close(fd);
	CHECK_INT(ctrd__pidfd_open(pid, &fd), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__pidfd_open(0, &fd), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__pidfd_open(-5, &fd), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__pidfd_signal(-1, 0), CTRD_EINTERNAL);
}

TEST(pidfd_opens_only_the_same_process)
{
	pid_t pid = start_child();
	uint64_t start, inode = 0;
	int fd = -1, other = -1;
	CHECK_INT(ctrd__proc_start_time(pid, &start), CTRD_OK);
	CHECK_INT(ctrd__pidfd_open_same(pid, start, 0, &fd), CTRD_OK);
	CHECK_INT(ctrd__pidfd_open_same(pid, start + 1, 0, &other), CTRD_ENOTFOUND);
	int r = ctrd__pidfd_inode(fd, &inode);
	CHECK(r == CTRD_OK || r == CTRD_ENOSYS);
	if (r == CTRD_OK) {
		uint64_t self = 0;
		CHECK_INT(ctrd__pidfd_open_same(pid, start, inode, &other), CTRD_OK);
		close(other);
		CHECK_INT(ctrd__pidfd_open_same(pid, start, inode + 1, &other), CTRD_ENOTFOUND);
		CHECK_INT(ctrd__pidfd_open(getpid(), &other), CTRD_OK);
		CHECK_INT(ctrd__pidfd_inode(other, &self), CTRD_OK);
		CHECK(self != inode);
		close(other);
	}
	CHECK_INT(ctrd__pidfd_signal(fd, SIGKILL), CTRD_OK);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(ctrd__pidfd_open_same(pid, start, 0, &other), CTRD_ENOTFOUND);
	close(fd);
}

/* Another process than the parent reads the code. */
static void check_exit_seen_by_stranger(int how, int expected)
{
	int up[2], down[2];
	CHECK_INT(pipe(up), 0);
	CHECK_INT(pipe(down), 0);
	pid_t parent = fork();
	CHECK(parent >= 0);
	if (parent == 0) {
		char go;
		pid_t pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		if (write(up[1], &pid, sizeof(pid)) != sizeof(pid) || read(down[0], &go, 1) != 1)
			_exit(1);
		kill(pid, how);
		_exit(waitpid(pid, NULL, 0) == pid ? 0 : 1);
	}
	pid_t pid = 0;
	int fd = -1, status = -1;
	CHECK_INT(read(up[0], &pid, sizeof(pid)), sizeof(pid));
	CHECK_INT(ctrd__pidfd_open(pid, &fd), CTRD_OK);
	CHECK_INT(ctrd__pidfd_exit_status(fd, &status), CTRD_EPRECONDITION);
	CHECK_INT(write(down[1], "x", 1), 1);
	CHECK_INT(waitpid(parent, &status, 0), parent);
	CHECK_INT(status, 0);
	CHECK_INT(ctrd__pidfd_exit_status(fd, &status), CTRD_OK);
	CHECK_INT(WIFSIGNALED(status), 1);
	CHECK_INT(WTERMSIG(status), expected);
	close(fd);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
}

TEST(pidfd_tells_the_exit_to_strangers)
{
	if (!ctrd__pidfd_has_exit_status())
		SKIP("Linux before 6.15");
	check_exit_seen_by_stranger(SIGKILL, SIGKILL);
	check_exit_seen_by_stranger(SIGTERM, SIGTERM);
}

TEST(pidfd_exit_code_comes_with_collection)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(42);
	int fd = -1, status = -1;
	CHECK_INT(ctrd__pidfd_open(pid, &fd), CTRD_OK);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	CHECK_INT(poll(&p, 1, test_timeout_ms(10000)), 1);
	int r = ctrd__pidfd_exit_status(fd, &status);
	CHECK_INT(r, ctrd__pidfd_has_exit_status() ? CTRD_EPRECONDITION : CTRD_ENOSYS);
	CHECK_INT(status, -1);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	r = ctrd__pidfd_exit_status(fd, &status);
	if (ctrd__pidfd_has_exit_status()) {
		CHECK_INT(r, CTRD_OK);
		CHECK_INT(WEXITSTATUS(status), 42);
	} else {
		CHECK_INT(r, CTRD_ENOSYS);
	}
	close(fd);
	CHECK_INT(ctrd__pidfd_exit_status(STDIN_FILENO, &status), CTRD_ENOSYS);
}
