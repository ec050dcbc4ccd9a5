/*
 * Starts the helper, without a child that the host could see. It knows how a process begins, not what
 * the helper does.
 *
 * An intermediate is cloned with no exit signal, so that neither SIGCHLD nor a plain waitpid() tells
 * of it. It clones the helper-to-be, which executes, and ends; it is collected through its pidfd.
 * Both run on our memory while we wait (CLONE_VM, CLONE_VFORK): nothing is copied, however large the
 * host is, and every signal is blocked meanwhile. Executing resets a child's exit signal to SIGCHLD,
 * which is why the intermediate itself must not.
 *
 * Invariant: between the clone and the end of a child only system calls are made, by number, on
 * memory set aside before.
 */
#include "local/linux/spawn.h"

#include "libctrd/base.h"
#include "local/linux/helper_blob.h"
#include "local/wire.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef __WCLONE
#define __WCLONE 0x80000000
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

_Static_assert(CTRD__HELPER_FD == 3, "the image is at 4");

enum {
	STACK_SIZE = 16384,
	FD_SCRATCH = 16,     /* above every place where the helper expects something */
	SIGNAL_SET_SIZE = 8, /* the kernel's */
};

static int fail(int err)
{
	errno = err;
	return ctrd__status_from_errno(err);
}

/*
 * The children
 */

struct launch {
	int image;
	int socket;
	int null;
	char *stack; /* of the helper-to-be: the upper end */
	volatile int error;
};

/* What runs on borrowed memory must not be seen by what instruments memory and threads. */
#if defined(__clang__)
#define BARE __attribute__((noinline, no_sanitize("address", "thread", "undefined")))
#else
#define BARE \
	__attribute__((noinline, no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))
#endif

/*
 * clone(), with fn run on the new stack. The library's own wrapper is not used: sanitizers put
 * themselves before it.
 */
#if defined(__x86_64__)

static BARE long clone_onto(int (*fn)(struct launch *), struct launch *launch, char *stack,
			    unsigned long flags, int *ret_pidfd)
{
	register int *r10 __asm__("r10") = NULL;     /* child_tid */
	register unsigned long r8 __asm__("r8") = 0; /* tls */
	/* Kept through the call by the kernel, in both processes. */
	register int (*r12)(struct launch *) __asm__("r12") = fn;
	register struct launch *r13 __asm__("r13") = launch;
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "and $-16, %%rsp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"(flags), "S"(stack), "d"(ret_pidfd), "r"(r10),
			   "r"(r8), "r"(r12), "r"(r13), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory", "cc");
	return result;
}

#elif defined(__aarch64__)

static BARE long clone_onto(int (*fn)(struct launch *), struct launch *launch, char *stack,
			    unsigned long flags, int *ret_pidfd)
{
	register long x8 __asm__("x8") = SYS_clone;
	register unsigned long x0 __asm__("x0") = flags;
	register char *x1 __asm__("x1") = stack;
	register int *x2 __asm__("x2") = ret_pidfd;
	register unsigned long x3 __asm__("x3") = 0; /* tls */
	register int *x4 __asm__("x4") = NULL;	     /* child_tid */
	register int (*x10)(struct launch *) __asm__("x10") = fn;
	register struct launch *x11 __asm__("x11") = launch;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, #0\n\t"
			 "mov x0, x11\n\t"
			 "blr x10\n\t"
			 "mov x8, %[exit]\n\t"
			 "svc #0\n"
			 "1:"
			 : "+r"(x0), "+r"(x8)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x10),
			   "r"(x11), [exit] "i"(SYS_exit)
			 : "x30", "memory", "cc");
	return (long)x0;
}

#else

#include <sched.h>

static BARE long clone_onto(int (*fn)(struct launch *), struct launch *launch, char *stack,
			    unsigned long flags, int *ret_pidfd)
{
	int pid = clone((int (*)(void *))fn, stack, (int)flags, launch, ret_pidfd);

	return pid < 0 ? -errno : pid;
}

#endif

/*
 * The helper-to-be: everything in its place, then execute. Only what has been put at 0 to 3 is
 * inherited; the helper closes the rest itself where close_range() is not to be had.
 */
static BARE int run_helper(struct launch *launch)
{
	static const char name[] = "ctrd-helper";
	const char *const argv[] = {name, NULL};
	const char *const envp[] = {NULL};
	/* Out of the way first: a host may have us hold any number. */
	long socket = syscall(SYS_fcntl, launch->socket, F_DUPFD, FD_SCRATCH);
	long image = syscall(SYS_fcntl, launch->image, F_DUPFD, FD_SCRATCH);
	long null = syscall(SYS_fcntl, launch->null, F_DUPFD, FD_SCRATCH);

	if (socket < 0 || image < 0 || null < 0)
		goto failed;
	for (int fd = 0; fd < CTRD__HELPER_FD; fd++)
		if (syscall(SYS_dup3, null, fd, 0) < 0)
			goto failed;
	if (syscall(SYS_dup3, socket, CTRD__HELPER_FD, 0) < 0 ||
	    syscall(SYS_dup3, image, CTRD__HELPER_FD + 1, O_CLOEXEC) < 0)
		goto failed;
	(void)syscall(SYS_close_range, CTRD__HELPER_FD + 2, ~0u, 0);
	(void)syscall(SYS_execveat, CTRD__HELPER_FD + 1, "", argv, envp, AT_EMPTY_PATH);
	/* Some filters, and valgrind, know the older call only. */
	(void)syscall(SYS_execve, "/proc/self/fd/4", argv, envp);
failed:
	launch->error = errno;
	return 127;
}

static BARE int run_intermediate(struct launch *launch)
{
	long pid = clone_onto(run_helper, launch, launch->stack, CLONE_VM | CLONE_VFORK | SIGCHLD,
			      NULL);

	if (pid < 0)
		launch->error = (int)-pid;
	return 0;
}

static int collect(int pidfd)
{
	siginfo_t info;
	int r;

	do
		r = waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | __WCLONE);
	while (r < 0 && errno == EINTR);
	/* ECHILD: the host waits for everything, and was faster. It has ended, that is all we need. */
	return r < 0 && errno != ECHILD ? fail(errno) : CTRD_OK;
}

static int run_launch(struct launch *launch, char *stack)
{
	CTRD__AUTO_CLOSE int pidfd = -1;
	uint64_t all = UINT64_MAX, before = 0;
	long pid;
	int r;

	/* By number: the C library keeps its own signals out of a set, and they must wait as well. */
	if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGNAL_SET_SIZE) < 0)
		return fail(errno);
	pid = clone_onto(run_intermediate, launch, stack, CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
			 &pidfd);
	(void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, SIGNAL_SET_SIZE);
	if (pid < 0)
		return pid == -EAGAIN ? CTRD_ERESOURCES : fail((int)-pid);
	r = collect(pidfd);
	if (launch->error)
		return launch->error == EAGAIN ? CTRD_ERESOURCES : fail(launch->error);
	return r;
}

int ctrd__helper_spawn(const struct ctrd__helper_image *image, int *ret_socket)
{
	CTRD__AUTO_CLOSE int ours = -1;
	CTRD__AUTO_CLOSE int theirs = -1;
	CTRD__AUTO_CLOSE int null = -1;
	struct launch launch = {.image = image->fd};
	char *stacks;
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(errno);
	ours = ctrd__fd_above_2(pair[0]);
	theirs = ctrd__fd_above_2(pair[1]);
	null = ctrd__fd_above_2(open("/dev/null", O_RDWR | O_CLOEXEC));
	if (ours < 0 || theirs < 0 || null < 0)
		return fail(errno);
	stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stacks == MAP_FAILED)
		return fail(errno);
	launch.socket = theirs;
	launch.null = null;
	launch.stack = stacks + STACK_SIZE;
	r = run_launch(&launch, stacks + 2 * STACK_SIZE);
	(void)munmap(stacks, 2 * STACK_SIZE);
	if (r < 0)
		return r;
	*ret_socket = ctrd__take_fd(ours);
	return CTRD_OK;
}

/*
 * Images
 */

static int image_new(const char *name, int *ret_fd)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	/* Before 6.3 every memfd may be executed, and nobody knows the flag. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	fd = ctrd__fd_above_2(fd);
	if (fd < 0)
		return fail(errno);
	*ret_fd = fd;
	return CTRD_OK;
}

static int image_seal(int fd)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return fail(errno);
	return CTRD_OK;
}

static int copy_file(int to, int from, off_t size)
{
	while (size > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(errno);
		/* It has become shorter: somebody writes it. */
		if (n == 0)
			return fail(ETXTBSY);
		size -= n;
	}
	return CTRD_OK;
}

int ctrd__image_from_file(const char *path, int *ret_memfd)
{
	CTRD__AUTO_CLOSE int from = -1;
	CTRD__AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	from = ctrd__fd_above_2(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
	if (from < 0 || fstat(from, &st) < 0)
		return fail(errno);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return fail(EACCES);
	r = image_new("ctrd-runtime", &fd);
	if (r == CTRD_OK)
		r = copy_file(fd, from, st.st_size);
	if (r == CTRD_OK)
		r = image_seal(fd);
	if (r == CTRD_OK)
		*ret_memfd = ctrd__take_fd(fd);
	return r;
}

int ctrd__helper_image_open(const char *path, struct ctrd__helper_image *ret_image)
{
	CTRD__AUTO_CLOSE int fd = -1;
	int r;

	if (path) {
		fd = ctrd__fd_above_2(open(path, O_RDONLY | O_CLOEXEC));
		if (fd < 0)
			return fail(errno);
		ret_image->fd = ctrd__take_fd(fd);
		return CTRD_OK;
	}
	r = image_new("ctrd-helper", &fd);
	if (r == CTRD_OK)
		r = ctrd__fd_write_all(fd, ctrd__helper_blob, ctrd__helper_blob_size);
	if (r == CTRD_OK)
		r = image_seal(fd);
	if (r == CTRD_OK)
		ret_image->fd = ctrd__take_fd(fd);
	return r;
}

void ctrd__helper_image_close(struct ctrd__helper_image *image)
{
	ctrd__close_fd(&image->fd);
}

/* The first bytes of a small file as text; false when there is none. */
static bool read_start(const char *path, char *ret_text, size_t size)
{
	CTRD__AUTO_CLOSE int fd = ctrd__fd_above_2(open(path, O_RDONLY | O_CLOEXEC));
	ssize_t n = fd < 0 ? -1 : read(fd, ret_text, size - 1);

	if (n < 0)
		return false;
	ret_text[n] = '\0';
	return true;
}

bool ctrd__lsm_enforcing(void)
{
	char text[256];

	if (read_start("/sys/fs/selinux/enforce", text, sizeof(text)) && text[0] == '1')
		return true;
	if (!read_start("/sys/module/apparmor/parameters/enabled", text, sizeof(text)) ||
	    text[0] != 'Y')
		return false;
	/* "unconfined", or the name of a profile and its mode. */
	return (read_start("/proc/self/attr/apparmor/current", text, sizeof(text)) ||
		read_start("/proc/self/attr/current", text, sizeof(text))) &&
	       text[0] != '\0' && strncmp(text, "unconfined", strlen("unconfined")) != 0 &&
	       strstr(text, "(complain)") == NULL;
}
