/*
 * The helper program, alone: started by the library's spawn, spoken to by the library's wire, with
 * shell scripts in the place of a runtime. No container, no cgroup.
 */
#include "test.h"

#include "libctrd/base.h"
#include "libctrd/event.h"
#include "libctrd/stdio.h"
#include "local/linux/pidfd.h"
#include "local/linux/proc.h"
#include "local/linux/spawn.h"
#include "local/record.h"
#include "local/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SHELL "/bin/busybox"
/* The second argument of a script is the pid file. What waits reads the container's stdin first. */
#define WAITS_THEN(code) "exec 3<&0; (read x; exit " code ") <&3 & echo $! >\"$1\""

/*
 * A runtime that makes a terminal, as this program started with another name: fake-console SOCKET
 * PIDFILE. It leaves a process behind that shows its terminal's size and one line of input.
 */
static void send_terminal(const char *path, int master)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[] = "/dev/ptmx";
	struct iovec part = {text, sizeof(text)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &master, sizeof(int));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    sendmsg(fd, &message, 0) < 0)
		_exit(9);
	close(fd);
}

static void on_terminal(int slave)
{
	setsid();
	ioctl(slave, TIOCSCTTY, 0);
	dup2(slave, 0);
	dup2(slave, 1);
	dup2(slave, 2);
	execl(SHELL, "sh", "-c", "read x; stty size; echo got $x; exit 3", (char *)NULL);
	_exit(127);
}

__attribute__((constructor)) static void maybe_fake_console(int argc, char **argv)
{
	if (argc != 3 || strcmp(argv[0], "fake-console") != 0)
		return;
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		_exit(8);
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	pid_t pid = fork();
	if (pid == 0)
		on_terminal(slave);
	send_terminal(argv[1], master);
	FILE *file = fopen(argv[2], "w");
	if (file == NULL)
		_exit(7);
	fprintf(file, "%d", pid);
	fclose(file);
	_exit(0);
}

/* A measured figure, as a TAP comment: the output of a test that passes is not shown. */
__attribute__((format(printf, 1, 2))) static void remark(const char *format, ...)
{
	char path[64];
	va_list args;

	snprintf(path, sizeof(path), "/proc/%d/fd/1", getppid());
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	va_start(args, format);
	dprintf(fd, "# ");
	vdprintf(fd, format, args);
	dprintf(fd, "\n");
	va_end(args);
	close(fd);
}

/*
 * A conversation
 */

struct talk {
	int fd;
	uint32_t serial;
};

struct message {
	struct ctrd__wire_head head;
	char text[512];
	int fds[CTRD__WIRE_FDS_MAX];
	size_t fd_count;
};

static char packet[CTRD__WIRE_PACKET_MAX] __attribute__((aligned(8)));

static pid_t helpers[16];
static size_t helper_count;

static void receive(struct talk *talk, struct message *ret)
{
	struct pollfd item = {.fd = talk->fd, .events = POLLIN};
	const char *text;

	CHECK_INT(poll(&item, 1, test_timeout_ms(20000)), 1);
	CHECK_INT(ctrd__wire_receive(talk->fd, packet, &ret->head, &text, ret->fds, &ret->fd_count),
		  CTRD_OK);
	CHECK(ret->head.text_length <= sizeof(ret->text));
	memcpy(ret->text, text, ret->head.text_length);
}

/* strings: NULL-terminated */
static void pack(char *text, size_t size, uint32_t *length, const char *const *strings)
{
	for (; strings && *strings; strings++)
		CHECK(ctrd__wire_add(text, size, length, *strings));
}

static uint32_t ask(struct talk *talk, struct ctrd__wire_head head, const char *const *strings,
		    const int *fds, size_t fd_count)
{
	char text[4096];

	head.serial = ++talk->serial;
	head.text_length = 0;
	pack(text, sizeof(text), &head.text_length, strings);
	CHECK_INT(ctrd__wire_send(talk->fd, &head, text, fds, fd_count), CTRD_OK);
	return head.serial;
}

static void expect_answer(struct talk *talk, uint32_t serial, struct message *ret)
{
	receive(talk, ret);
	CHECK_INT(ret->head.type, CTRD__MSG_ANSWER);
	CHECK_INT(ret->head.serial, serial);
}

/* Ask, and be answered before anything else comes. */
static int say(struct talk *talk, struct ctrd__wire_head head, const char *text, const int *fds,
	       size_t fd_count, struct message *ret)
{
	const char *const strings[] = {text, NULL};
	struct message answer;

	ret = ret ? ret : &answer;
	expect_answer(talk, ask(talk, head, strings, fds, fd_count), ret);
	return ret->head.status;
}

#define SAY(talk, req, text, ...) \
	say(talk, (struct ctrd__wire_head){.type = (req), ##__VA_ARGS__}, text, NULL, 0, NULL)

static void expect_exit(struct talk *talk, const char *id, int code, struct message *ret)
{
	struct message message;

	ret = ret ? ret : &message;
	receive(talk, ret);
	CHECK_INT(ret->head.type, CTRD__MSG_EVENT);
	CHECK_INT(ret->head.kind, CTRD_EVENT_EXIT);
	CHECK_STR(ret->text, "box");
	CHECK_STR(ret->text + strlen(ret->text) + 1, id);
	CHECK_INT(ret->head.exit_status, code);
}

static void start_helper(struct talk *ret)
{
	struct ctrd__helper_image image = CTRD__HELPER_IMAGE_INIT;
	struct message answer;

	CHECK_INT(ctrd__helper_image_open(NULL, &image), CTRD_OK);
	ret->serial = 0;
	CHECK_INT(ctrd__helper_spawn(&image, &ret->fd), CTRD_OK);
	ctrd__helper_image_close(&image);
	CHECK_INT(say(ret, (struct ctrd__wire_head){.type = CTRD__REQ_HELLO}, NULL, NULL, 0,
		      &answer),
		  CTRD_OK);
	CHECK(answer.head.pid > 0);
	helpers[helper_count++] = (pid_t)answer.head.pid;
}

static bool is_gone(pid_t pid)
{
	struct ctrd__proc_info info;

	return ctrd__proc_read(pid, &info) != CTRD_OK || info.state == 'Z';
}

static void expect_all_gone(void)
{
	for (size_t i = 0; i < helper_count; i++)
		WAIT_UNTIL(is_gone(helpers[i]), 20);
	helper_count = 0;
}

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd > 2);
	return fd;
}

static int hold(struct talk *talk, int dir)
{
	return say(talk, (struct ctrd__wire_head){.type = CTRD__REQ_HOLD}, "box", &dir, 1, NULL);
}

static void start_monitor(struct talk *ret, int dir)
{
	start_helper(ret);
	CHECK_INT(hold(ret, dir), CTRD_OK);
}

static void connect_monitor(struct talk *ret, int dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/ctl", dir);
	ret->serial = 0;
	ret->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK_INT(connect(ret->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

/* Run SHELL -c script sh @pidfile@ @console@ */
struct run {
	const char *id;
	uint32_t kind;
	uint32_t flags;
	int in, out; /* 0: /dev/null */
	int keep[3];
	const char *script;
};

static uint32_t run_begin(struct talk *talk, const struct run *run)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[7] = {open(SHELL, O_RDONLY | O_CLOEXEC), run->in ? run->in : null,
		      run->out ? run->out : null, null};
	const char *const strings[] = {run->id,	    "6",	 "sh",	      "-c",
				       run->script, "sh",	 "@pidfile@", "@console@",
				       "A=B",	    "PATH=/bin", NULL};
	size_t count = 4;
	uint32_t serial;

	for (uint32_t flag = CTRD__RUN_KEEP_IN; flag <= CTRD__RUN_KEEP_ERR; flag <<= 1)
		if (run->flags & flag) {
			fds[count] = run->keep[count - 4];
			count++;
		}
	serial = ask(talk,
		     (struct ctrd__wire_head){
			     .type = CTRD__REQ_RUN,
			     .kind = run->kind,
			     .flags = run->flags,
		     },
		     strings, fds, count);
	close(fds[0]);
	close(null);
	return serial;
}

static void run(struct talk *talk, const struct run *run, struct message *ret)
{
	expect_answer(talk, run_begin(talk, run), ret);
}

static void read_all(int fd, char *text, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
}

static void close_fds(struct message *message)
{
	ctrd__wire_close_fds(message->fds, message->fd_count);
}

/* CREATE of a process that waits for a line (or the end) on the pipe whose write end is *ret_in. */
static void create_waiting(struct talk *talk, const char *id, const char *script, int *ret_in,
			   struct message *ret)
{
	int in[2];

	CHECK_INT(pipe2(in, O_CLOEXEC), 0);
	run(talk,
	    &(struct run){.id = id,
			  .kind = strcmp(id, "init") == 0 ? CTRD__KIND_CREATE : CTRD__KIND_EXEC,
			  .flags = CTRD__RUN_PIDFILE,
			  .in = in[0],
			  .script = script},
	    ret);
	close(in[0]);
	CHECK_INT(ret->head.status, CTRD_OK);
	CHECK_INT(ret->head.exit_status, 0);
	CHECK_INT(ret->head.flags, CTRD__RUN_PIDFD);
	CHECK_INT(ret->fd_count, 1);
	CHECK(ret->head.pid > 0);
	CHECK(ret->head.start_time > 0);
	*ret_in = in[1];
}

static void read_record(int dir, const char *id, struct ctrd__record *ret)
{
	CHECK_INT(ctrd__record_read_at(dir, id, ret), CTRD_OK);
}

/*
 * Spawn
 */

static volatile sig_atomic_t children_seen;

static void on_child(int signal)
{
	(void)signal;
	children_seen++;
}

static void spawn_unnoticed(void)
{
	struct talk talk;
	int status;

	start_helper(&talk);
	errno = 0;
	CHECK_INT(waitpid(-1, &status, __WALL | WNOHANG), -1);
	CHECK_INT(errno, ECHILD);
	close(talk.fd);
	expect_all_gone();
	CHECK_INT(children_seen, 0);
}

TEST(spawn_leaves_the_host_untouched)
{
	struct sigaction action = {.sa_handler = on_child};
	int fds = test_fd_count();
	sigset_t before, after;

	sigaction(SIGCHLD, &action, NULL);
	sigprocmask(SIG_SETMASK, NULL, &before);
	for (int i = 0; i < 5; i++)
		spawn_unnoticed();
	sigprocmask(SIG_SETMASK, NULL, &after);
	for (int i = 1; i <= SIGRTMAX; i++)
		CHECK_INT(sigismember(&after, i), sigismember(&before, i));
	CHECK_INT(test_fd_count(), fds);
}

TEST(spawn_works_where_the_host_ignores_its_children)
{
	signal(SIGCHLD, SIG_IGN);
	spawn_unnoticed();
}

TEST(spawn_gives_the_helper_nothing_else)
{
	char path[64], target[256];
	struct talk talk;
	sigset_t all;
	int pipe_fds[2];

	/* Without O_CLOEXEC, as a careless host has it; and every signal blocked. */
	CHECK_INT(pipe(pipe_fds), 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setenv("SECRET", "1", 1);
	start_helper(&talk);
	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", helpers[0], fd);
		ssize_t n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (fd < 3)
			CHECK_STR(target, "/dev/null");
		else
			CHECK(strncmp(target, "pipe:", 5) != 0);
		CHECK(fd <= 4); /* the connection, the signals */
	}
	snprintf(path, sizeof(path), "/proc/%d/environ", helpers[0]);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK_INT(read(fd, target, sizeof(target)), 0);
	close(fd);
	/* A command has its signals as new, and the environment that it was given. */
	int out[2];
	char text[512];
	struct message answer;
	CHECK_INT(pipe2(out, O_CLOEXEC), 0);
	run(&talk,
	    &(struct run){.id = "",
			  .out = out[1],
			  .script =
				  "busybox grep Sig /proc/self/status; ulimit -c; env; umask; pwd"},
	    &answer);
	close(out[1]);
	read_all(out[0], text, sizeof(text));
	CHECK_CONTAINS(text, "SigBlk:\t0000000000000000");
	CHECK_CONTAINS(text, "SigIgn:\t0000000000000000");
	CHECK_CONTAINS(text, "A=B");
	CHECK_CONTAINS(text, "0022\n/\n");
	CHECK(strstr(text, "SECRET") == NULL);
	close(out[0]);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(talk.fd);
	expect_all_gone();
}

TEST(spawn_works_without_standard_descriptors)
{
	int saved[3];
	struct talk talk;

	for (int fd = 0; fd < 3; fd++) {
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
		close(fd);
	}
	start_helper(&talk);
	CHECK(talk.fd > 2);
	CHECK(fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0);
	close(talk.fd);
	expect_all_gone();
	for (int fd = 0; fd < 3; fd++) {
		dup2(saved[fd], fd);
		close(saved[fd]);
	}
}

TEST(spawn_reports_what_cannot_be_executed)
{
	struct ctrd__helper_image image = CTRD__HELPER_IMAGE_INIT;
	int fd = -1;
	int status;

	CHECK_INT(ctrd__helper_image_open("/nowhere/helper", &image), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__helper_image_open("/etc/passwd", &image), CTRD_OK);
	CHECK_INT(ctrd__helper_spawn(&image, &fd), CTRD_EDENIED);
	CHECK_INT(fd, -1);
	ctrd__helper_image_close(&image);
	CHECK_INT(waitpid(-1, &status, __WALL | WNOHANG), -1);
}

TEST(image_of_a_file_is_sealed_and_runs)
{
	int fd = -1;

	CHECK_INT(ctrd__image_from_file("/nowhere", &fd), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__image_from_file("/etc/passwd", &fd), CTRD_EDENIED);
	CHECK_INT(ctrd__image_from_file(SHELL, &fd), CTRD_OK);
	CHECK_INT(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	pid_t pid = fork();
	if (pid == 0) {
		char name[] = "true";
		char *argv[] = {name, NULL};
		fexecve(fd, argv, argv + 1);
		_exit(99);
	}
	int status;
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	close(fd);
}

static int compare_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

TEST(spawn_takes_less_than_a_millisecond)
{
	enum { COUNT = 41 };
	struct ctrd__helper_image image = CTRD__HELPER_IMAGE_INIT;
	int64_t spawned[COUNT], answered[COUNT];

	CHECK_INT(ctrd__helper_image_open(NULL, &image), CTRD_OK);
	for (int i = 0; i < COUNT; i++) {
		struct talk talk = {-1, 0};
		struct message answer;
		int64_t start = now_ns();
		CHECK_INT(ctrd__helper_spawn(&image, &talk.fd), CTRD_OK);
		spawned[i] = now_ns() - start;
		say(&talk, (struct ctrd__wire_head){.type = CTRD__REQ_HELLO}, NULL, NULL, 0,
		    &answer);
		answered[i] = now_ns() - start;
		helpers[helper_count++] = (pid_t)answer.head.pid;
		close(talk.fd);
		expect_all_gone();
	}
	ctrd__helper_image_close(&image);
	qsort(spawned, COUNT, sizeof(spawned[0]), compare_ns);
	qsort(answered, COUNT, sizeof(answered[0]), compare_ns);
	remark("spawn: median %d us, to the first answer %d us", (int)(spawned[COUNT / 2] / 1000),
	       (int)(answered[COUNT / 2] / 1000));
	/* Not a bar here: the machine may be busy. bench/ has the bars. */
}

/*
 * Commands
 */

TEST(command_gives_output_and_status)
{
	struct message answer;
	struct talk talk;
	char text[64];
	int out[2];

	start_helper(&talk);
	CHECK_INT(pipe2(out, O_CLOEXEC), 0);
	run(&talk, &(struct run){.id = "", .out = out[1], .script = "echo hello; exit 5"}, &answer);
	close(out[1]);
	CHECK_INT(answer.head.status, CTRD_OK);
	CHECK_INT(WEXITSTATUS(answer.head.exit_status), 5);
	CHECK_INT(answer.fd_count, 0);
	read_all(out[0], text, sizeof(text));
	CHECK_STR(text, "hello\n");
	close(out[0]);
	close(talk.fd);
	expect_all_gone();
}

TEST(command_may_be_a_script)
{
	const char *dir = test_tmpdir();
	const char *const strings[] = {"", "1", "wrapper", "PATH=/bin", NULL};
	struct message answer;
	struct talk talk;
	char path[128];

	start_helper(&talk);
	snprintf(path, sizeof(path), "%s/wrapper", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	CHECK_INT(dprintf(fd, "#!/bin/sh\nexit 6\n"), 17);
	close(fd);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[] = {open(path, O_RDONLY | O_CLOEXEC), null, null, null};
	expect_answer(&talk,
		      ask(&talk, (struct ctrd__wire_head){.type = CTRD__REQ_RUN}, strings, fds, 4),
		      &answer);
	CHECK_INT(answer.head.status, CTRD_OK);
	CHECK_INT(WEXITSTATUS(answer.head.exit_status), 6);
	/* What is no program at all. */
	close(fds[0]);
	fds[0] = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	expect_answer(&talk,
		      ask(&talk, (struct ctrd__wire_head){.type = CTRD__REQ_RUN}, strings, fds, 4),
		      &answer);
	CHECK_INT(answer.head.status, CTRD_EDENIED);
	close(fds[0]);
	close(null);
	close(talk.fd);
	expect_all_gone();
}

TEST(command_can_be_killed)
{
	struct message answer;
	struct talk talk;
	char byte;
	int out[2];

	start_helper(&talk);
	CHECK_INT(pipe2(out, O_CLOEXEC), 0);
	/* With a child of its own, which must not live on either. */
	uint32_t serial = run_begin(&talk, &(struct run){.id = "",
							 .out = out[1],
							 .script = "cat /dev/zero & echo; wait"});
	close(out[1]);
	CHECK_INT(read(out[0], &byte, 1), 1);
	struct ctrd__wire_head head = {.type = CTRD__REQ_KILL_RUN, .arg = serial};
	uint32_t kill_serial = ask(&talk, head, NULL, NULL, 0);
	expect_answer(&talk, kill_serial, &answer);
	CHECK_INT(answer.head.status, CTRD_OK);
	expect_answer(&talk, serial, &answer);
	CHECK_INT(answer.head.exit_status, SIGKILL);
	while (read(out[0], packet, sizeof(packet)) > 0)
		; /* ends only when the child is gone */
	CHECK_INT(SAY(&talk, CTRD__REQ_KILL_RUN, NULL, .arg = serial), CTRD_ENOTFOUND);
	close(out[0]);
	close(talk.fd);
	expect_all_gone();
}

TEST(command_dies_with_a_helper_that_holds_nothing)
{
	struct talk talk;
	char byte;
	int out[2];

	start_helper(&talk);
	CHECK_INT(pipe2(out, O_CLOEXEC), 0);
	run_begin(&talk,
		  &(struct run){.id = "", .out = out[1], .script = "echo; exec cat /dev/zero"});
	close(out[1]);
	CHECK_INT(read(out[0], &byte, 1), 1);
	close(talk.fd);
	while (read(out[0], packet, sizeof(packet)) > 0)
		;
	close(out[0]);
	expect_all_gone();
}

TEST(requests_are_checked)
{
	struct message answer;
	struct talk talk;
	int dir = open_dir(test_tmpdir());

	start_helper(&talk);
	CHECK_INT(SAY(&talk, 77, NULL), CTRD_ENOSYS);
	CHECK_INT(SAY(&talk, CTRD__REQ_RUN, "x"), CTRD_EINVAL);
	CHECK_INT(SAY(&talk, CTRD__REQ_HOLD, "box"), CTRD_EINVAL);
	CHECK_INT(SAY(&talk, CTRD__REQ_RELEASE, NULL), CTRD_EPRECONDITION);
	run(&talk,
	    &(struct run){.id = "init",
			  .kind = CTRD__KIND_CREATE,
			  .flags = CTRD__RUN_PIDFILE,
			  .script = "exit 1"},
	    &answer);
	CHECK_INT(answer.head.status, CTRD_EPRECONDITION);
	CHECK_INT(say(&talk, (struct ctrd__wire_head){.type = CTRD__REQ_HOLD}, "../x", &dir, 1,
		      NULL),
		  CTRD_EINVAL);
	CHECK_INT(hold(&talk, dir), CTRD_OK);
	CHECK_INT(hold(&talk, dir), CTRD_EPRECONDITION);
	run(&talk,
	    &(struct run){.id = "../x",
			  .kind = CTRD__KIND_EXEC,
			  .flags = CTRD__RUN_PIDFILE,
			  .script = "exit 1"},
	    &answer);
	CHECK_INT(answer.head.status, CTRD_EINVAL);
	CHECK_INT(SAY(&talk, CTRD__REQ_STDIO, "nobody"), CTRD_ENOTFOUND);
	CHECK_INT(SAY(&talk, CTRD__REQ_FORGET, "nobody"), CTRD_ENOTFOUND);
	CHECK_INT(SAY(&talk, CTRD__REQ_TELL, "", .kind = CTRD_EVENT_EXIT), CTRD_EINVAL);
	CHECK_INT(SAY(&talk, CTRD__REQ_OOM, NULL), CTRD_EINVAL);
	CHECK_INT(SAY(&talk, CTRD__REQ_RELEASE, NULL), CTRD_OK);
	close(talk.fd);
	close(dir);
	expect_all_gone();
}

static void expect_hang_up(struct talk *talk)
{
	struct pollfd item = {.fd = talk->fd, .events = POLLIN};
	char byte;

	CHECK_INT(poll(&item, 1, test_timeout_ms(20000)), 1);
	CHECK(recv(talk->fd, &byte, 1, 0) <= 0);
	close(talk->fd);
}

TEST(another_protocol_is_refused)
{
	struct ctrd__wire_head head = {.magic = CTRD__WIRE_MAGIC + 1, .minor = 1};
	struct talk talk, second;
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	connect_monitor(&second, dir);
	CHECK_INT(send(second.fd, &head, sizeof(head), 0), sizeof(head));
	expect_hang_up(&second);
	head.magic = CTRD__WIRE_MAGIC;
	head.minor = 0;
	connect_monitor(&second, dir);
	CHECK_INT(send(second.fd, &head, sizeof(head), 0), sizeof(head));
	expect_hang_up(&second);
	connect_monitor(&second, dir);
	CHECK_INT(send(second.fd, "x", 1, 0), 1);
	expect_hang_up(&second);
	/* A later minor version has a longer head, and its own requests. */
	char longer[sizeof(head) + 16] = {0};
	head.minor = 9;
	head.type = CTRD__REQ_HELLO;
	memcpy(longer, &head, sizeof(head));
	connect_monitor(&second, dir);
	CHECK_INT(send(second.fd, longer, sizeof(longer), 0), sizeof(longer));
	struct message answer;
	expect_answer(&second, 0, &answer);
	CHECK_STR(answer.text, "box");
	close(second.fd);
	close(talk.fd);
	close(dir);
	expect_all_gone();
}

/*
 * Processes
 */

TEST(process_has_record_event_and_true_code)
{
	struct ctrd__record record;
	struct message created, answer;
	struct talk talk, watcher;
	struct stat st;
	int in, dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	CHECK_INT(fstatat(dir, "ctl", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	connect_monitor(&watcher, dir);
	CHECK_INT(SAY(&watcher, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	create_waiting(&talk, "init", WAITS_THEN("42"), &in, &created);
	receive(&watcher, &answer);
	CHECK_INT(answer.head.kind, CTRD_EVENT_CREATE);
	CHECK_INT(answer.head.pid, created.head.pid);
	read_record(dir, "init", &record);
	CHECK(record.has_start && !record.has_exit);
	CHECK_INT(record.start.pid, created.head.pid);
	CHECK_INT(record.start.start_time, created.head.start_time);
	CHECK(!record.start.started);
	CHECK_INT(SAY(&talk, CTRD__REQ_FORGET, "init"), CTRD_EPRECONDITION);

	run(&talk, &(struct run){.id = "init", .kind = CTRD__KIND_START, .script = "exit 0"},
	    &answer);
	CHECK_INT(answer.head.exit_status, 0);
	CHECK_INT(answer.head.pid, created.head.pid);
	receive(&watcher, &answer);
	CHECK_INT(answer.head.kind, CTRD_EVENT_START);
	read_record(dir, "init", &record);
	CHECK(record.start.started);

	CHECK_INT(SAY(&talk, CTRD__REQ_TELL, NULL, .kind = CTRD_EVENT_PAUSED), CTRD_OK);
	receive(&watcher, &answer);
	CHECK_INT(answer.head.kind, CTRD_EVENT_PAUSED);

	CHECK_INT(write(in, "\n", 1), 1);
	expect_exit(&talk, "init", 42, &answer);
	CHECK_INT(answer.head.pid, created.head.pid);
	CHECK_INT(answer.head.flags, 0);
	expect_exit(&watcher, "init", 42, NULL);
	read_record(dir, "init", &record);
	CHECK(record.has_exit);
	CHECK_INT(record.exit.code, 42);
	CHECK_INT(record.exit.time_ns, answer.head.time_ns);
	CHECK(ctrd__pidfd_has_ended(created.fds[0]));
	/* Who comes later is told as well. */
	close(watcher.fd);
	connect_monitor(&watcher, dir);
	CHECK_INT(SAY(&watcher, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	expect_exit(&watcher, "init", 42, NULL);
	close_fds(&created);
	close(in);
	close(watcher.fd);
	close(talk.fd);
	expect_all_gone();
	CHECK(fstatat(dir, "ctl", &st, 0) < 0);
	close(dir);
}

TEST(process_killed_has_its_signal)
{
	struct message created, answer;
	struct talk talk;
	int in, dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	create_waiting(&talk, "init", WAITS_THEN("42"), &in, &created);
	CHECK_INT(ctrd__pidfd_signal(created.fds[0], SIGKILL), CTRD_OK);
	expect_exit(&talk, "init", 137, &answer);
	CHECK_INT(answer.head.flags, CTRD_EXIT_SIGNALED);
	CHECK_INT(answer.head.signal, SIGKILL);
	CHECK_INT(SAY(&talk, CTRD__REQ_FORGET, "init"), CTRD_OK);
	CHECK(faccessat(dir, "process-init", F_OK, 0) < 0);
	close_fds(&created);
	close(in);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(process_that_ends_before_its_pid_file_is_read_has_its_code)
{
	struct ctrd__record record;
	struct message answer;
	struct talk talk;
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	/*
	 * The shell leaves a grandchild to the monitor and goes on only when that one is gone, which
	 * it sees by the end of the pipe; then that its number is free, which is the reaping.
	 */
	run(&talk,
	    &(struct run){.id = "init",
			  .kind = CTRD__KIND_CREATE,
			  .flags = CTRD__RUN_PIDFILE,
			  .script = "p=$( (sh -c 'echo $$; exit 33' &) ); echo $p >\"$1\"; "
				    "while [ -d /proc/$p ]; do :; done"},
	    &answer);
	CHECK_INT(answer.head.status, CTRD_OK);
	CHECK_INT(answer.head.exit_status, 0);
	CHECK_INT(answer.head.flags, 0);
	CHECK_INT(answer.head.start_time, 0);
	expect_exit(&talk, "init", 33, NULL);
	read_record(dir, "init", &record);
	CHECK(record.has_start && record.has_exit);
	CHECK_INT(record.exit.code, 33);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(process_of_a_failed_command_leaves_nothing)
{
	struct message answer;
	struct talk talk;
	int dir = open_dir(test_tmpdir());
	struct run failing = {.id = "init",
			      .kind = CTRD__KIND_CREATE,
			      .flags = CTRD__RUN_PIDFILE,
			      .script = "echo 1 >\"$1\"; exit 4"};

	start_monitor(&talk, dir);
	run(&talk, &failing, &answer);
	CHECK_INT(answer.head.status, CTRD_OK);
	CHECK_INT(WEXITSTATUS(answer.head.exit_status), 4);
	CHECK(faccessat(dir, "process-init", F_OK, 0) < 0);
	CHECK(faccessat(dir, "pid-init", F_OK, 0) < 0);
	failing.script = "exit 0";
	run(&talk, &failing, &answer);
	CHECK_INT(answer.head.status, CTRD_EINTERNAL);
	CHECK(faccessat(dir, "process-init", F_OK, 0) < 0);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(execs_run_side_by_side)
{
	enum { COUNT = 24 };
	struct message created, answer;
	struct talk talk;
	int in[COUNT], dir = open_dir(test_tmpdir());
	char id[16];

	start_monitor(&talk, dir);
	for (int i = 0; i < COUNT; i++) {
		snprintf(id, sizeof(id), "exec-%d", i);
		create_waiting(&talk, id, WAITS_THEN("$((${x:-0} + 1))"), &in[i], &created);
		close_fds(&created);
	}
	run(&talk,
	    &(struct run){.id = "exec-3",
			  .kind = CTRD__KIND_EXEC,
			  .flags = CTRD__RUN_PIDFILE,
			  .script = "exit 0"},
	    &answer);
	CHECK_INT(answer.head.status, CTRD_EEXISTS);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	for (int i = COUNT - 1; i >= 0; i--) {
		dprintf(in[i], "%d\n", i);
		snprintf(id, sizeof(id), "exec-%d", i);
		expect_exit(&talk, id, i + 1, NULL);
		close(in[i]);
	}
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(monitor_outlives_who_asked)
{
	struct ctrd__record record;
	struct message created;
	struct talk talk;
	int in, dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	create_waiting(&talk, "init", WAITS_THEN("9"), &in, &created);
	close_fds(&created);
	close(talk.fd);
	/* A second one is kept out, and the first one still answers. */
	start_helper(&talk);
	CHECK_INT(hold(&talk, dir), CTRD_EABORTED);
	close(talk.fd);
	connect_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_HELLO, NULL), CTRD_OK);
	close(talk.fd);
	CHECK_INT(write(in, "\n", 1), 1);
	close(in);
	/* Nobody needs it any more. */
	expect_all_gone();
	read_record(dir, "init", &record);
	CHECK_INT(record.exit.code, 9);
	close(dir);
}

TEST(command_outlives_who_asked_for_a_process)
{
	struct message answer;
	struct talk talk, watcher;
	int in[2], gate[2], dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	connect_monitor(&watcher, dir);
	CHECK_INT(SAY(&watcher, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	CHECK_INT(pipe2(in, O_CLOEXEC), 0);
	CHECK_INT(pipe2(gate, O_CLOEXEC), 0);
	/* The command tells that it runs, and waits to be let on. */
	run_begin(&talk, &(struct run){.id = "init",
				       .kind = CTRD__KIND_CREATE,
				       .flags = CTRD__RUN_PIDFILE,
				       .in = in[0],
				       .out = gate[1],
				       .script = "exec 3<&0; echo; read x; (read x; exit 4) <&3 & "
						 "echo $! >\"$1\""});
	CHECK_INT(read(gate[0], packet, 1), 1);
	close(talk.fd);
	CHECK_INT(write(in[1], "\n", 1), 1);
	receive(&watcher, &answer);
	CHECK_INT(answer.head.kind, CTRD_EVENT_CREATE);
	close(in[0]);
	close(in[1]);
	expect_exit(&watcher, "init", 4, NULL);
	close(gate[0]);
	close(gate[1]);
	close(watcher.fd);
	expect_all_gone();
	close(dir);
}

TEST(monitor_ignores_polite_signals)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
	struct talk talk;
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		CHECK_INT(kill(helpers[0], signals[i]), 0);
	CHECK_INT(SAY(&talk, CTRD__REQ_HELLO, NULL), CTRD_OK);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(strangers_are_hung_up_on)
{
	struct talk talk, stranger;
	int status, dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	/* As if the directory had been opened to all by mistake. */
	CHECK_INT(fchmod(dir, 0755), 0);
	CHECK_INT(fchmodat(dir, "ctl", 0666, 0), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(2);
		connect_monitor(&stranger, dir);
		expect_hang_up(&stranger);
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	CHECK_INT(SAY(&talk, CTRD__REQ_HELLO, NULL), CTRD_OK);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(connections_are_bounded)
{
	enum { MAX = 64 };
	struct talk talk, many[MAX];
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	for (int i = 0; i < MAX - 1; i++) {
		connect_monitor(&many[i], dir);
		CHECK_INT(SAY(&many[i], CTRD__REQ_HELLO, NULL), CTRD_OK);
	}
	connect_monitor(&many[MAX - 1], dir);
	expect_hang_up(&many[MAX - 1]);
	CHECK_INT(SAY(&talk, CTRD__REQ_HELLO, NULL), CTRD_OK);
	for (int i = 0; i < MAX - 1; i++)
		close(many[i].fd);
	connect_monitor(&many[0], dir);
	CHECK_INT(SAY(&many[0], CTRD__REQ_HELLO, NULL), CTRD_OK);
	close(many[0].fd);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(links_in_the_directory_are_not_followed)
{
	const char *other = test_tmpdir();
	struct talk talk;
	struct stat st;
	int victim, dir = open_dir(test_tmpdir());
	char path[128];

	snprintf(path, sizeof(path), "%s/victim", other);
	CHECK_INT(symlinkat(path, dir, "monitor"), 0);
	start_helper(&talk);
	CHECK_INT(hold(&talk, dir), CTRD_EINVAL);
	CHECK(lstat(path, &st) < 0);
	CHECK_INT(unlinkat(dir, "monitor", 0), 0);
	victim = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	CHECK_INT(symlinkat(path, dir, "ctl"), 0);
	CHECK_INT(hold(&talk, dir), CTRD_OK);
	CHECK_INT(fstatat(dir, "ctl", &st, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_INT(fstat(victim, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0644);
	CHECK_INT(st.st_size, 0);
	close(victim);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(slow_subscriber_misses_no_exit)
{
	enum { COUNT = 160 };
	struct message answer;
	struct talk talk, slow;
	int dir = open_dir(test_tmpdir());
	int count = test_scale(COUNT);
	int seen = 0;
	char id[16];

	start_monitor(&talk, dir);
	connect_monitor(&slow, dir);
	CHECK_INT(SAY(&slow, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	/* Its buffer and its queue are full long before this ends. */
	for (int i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "x%d", i);
		run(&talk,
		    &(struct run){.id = id,
				  .kind = CTRD__KIND_EXEC,
				  .flags = CTRD__RUN_PIDFILE,
				  .script = "true & echo $! >\"$1\""},
		    &answer);
		CHECK_INT(answer.head.status, CTRD_OK);
		close_fds(&answer);
	}
	if (count == COUNT) {
		while (recv(slow.fd, packet, sizeof(packet), 0) > 0)
			;
		close(slow.fd);
		connect_monitor(&slow, dir);
		CHECK_INT(SAY(&slow, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	}
	while (seen < count) {
		receive(&slow, &answer);
		seen += answer.head.kind == CTRD_EVENT_EXIT;
	}
	close(slow.fd);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(release_ends_the_monitor)
{
	struct talk talk, second;
	struct stat st;
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_RELEASE, NULL), CTRD_OK);
	expect_hang_up(&talk);
	expect_all_gone();
	CHECK(fstatat(dir, "ctl", &st, 0) < 0);
	start_monitor(&second, dir);
	close(second.fd);
	close(dir);
	expect_all_gone();
}

/*
 * Streams
 */

/* A process with pipes that the monitor keeps; our own ends are closed. */
static void create_kept(struct talk *talk, const char *script)
{
	struct message answer;
	int in[2], out[2];

	CHECK_INT(pipe2(in, O_CLOEXEC), 0);
	CHECK_INT(pipe2(out, O_CLOEXEC), 0);
	run(talk,
	    &(struct run){.id = "init",
			  .kind = CTRD__KIND_CREATE,
			  .flags = CTRD__RUN_PIDFILE | CTRD__RUN_KEEP_IN | CTRD__RUN_KEEP_OUT,
			  .in = in[0],
			  .out = out[1],
			  .keep = {in[1], out[0]},
			  .script = script},
	    &answer);
	CHECK_INT(answer.head.status, CTRD_OK);
	CHECK_INT(answer.head.exit_status, 0);
	close_fds(&answer);
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

static void take_stdio(struct talk *talk, struct message *ret)
{
	CHECK_INT(say(talk, (struct ctrd__wire_head){.type = CTRD__REQ_STDIO}, "init", NULL, 0,
		      ret),
		  CTRD_OK);
}

TEST(stdio_is_handed_on_with_unread_bytes)
{
	struct message stdio;
	struct talk talk;
	char text[64];
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	create_kept(&talk, "exec 3<&0; (echo early; read x; echo late $x; exit 1) <&3 & "
			   "echo $! >\"$1\"");
	close(talk.fd);
	connect_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	take_stdio(&talk, &stdio);
	CHECK_INT(stdio.head.flags, CTRD__RUN_KEEP_IN | CTRD__RUN_KEEP_OUT);
	CHECK_INT(stdio.fd_count, 2);
	dprintf(stdio.fds[0], "word\n");
	expect_exit(&talk, "init", 1, NULL);
	/* The monitor stays for what is unread. */
	close(talk.fd);
	connect_monitor(&talk, dir);
	read_all(stdio.fds[1], text, sizeof(text));
	CHECK_STR(text, "early\nlate word\n");
	close_fds(&stdio);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(stdin_is_closed_on_request)
{
	struct talk talk;
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	create_kept(&talk, "exec 3<&0; (cat; exit 2) <&3 & echo $! >\"$1\"");
	CHECK_INT(SAY(&talk, CTRD__REQ_CLOSE_STDIN, "init"), CTRD_OK);
	expect_exit(&talk, "init", 2, NULL);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(discard_lets_a_writer_go_on)
{
	struct talk talk;
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	/* Far more than a pipe holds. */
	create_kept(&talk, "(busybox head -c 4000000 /dev/zero; exit 5) & echo $! >\"$1\"");
	CHECK_INT(SAY(&talk, CTRD__REQ_STREAMS, "init", .arg = CTRD_RELEASE_DISCARD), CTRD_OK);
	expect_exit(&talk, "init", 5, NULL);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(hangup_breaks_the_pipe)
{
	struct message answer, stdio;
	struct talk talk;
	int dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	create_kept(&talk, "busybox cat /dev/zero & echo $! >\"$1\"");
	CHECK_INT(SAY(&talk, CTRD__REQ_STREAMS, "init", .arg = 7), CTRD_EINVAL);
	CHECK_INT(SAY(&talk, CTRD__REQ_STREAMS, "init", .arg = CTRD_RELEASE_HANGUP), CTRD_OK);
	expect_exit(&talk, "init", 128 + SIGPIPE, &answer);
	take_stdio(&talk, &stdio);
	CHECK_INT(stdio.head.flags, 0);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

static int read_until(int fd, char *text, size_t size, const char *what)
{
	size_t len = 0;

	while (len < size - 1) {
		struct pollfd item = {.fd = fd, .events = POLLIN};
		CHECK_INT(poll(&item, 1, test_timeout_ms(20000)), 1);
		ssize_t n = read(fd, text + len, size - 1 - len);
		if (n <= 0)
			return -1;
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, what))
			return 0;
	}
	return -1;
}

TEST(terminal_is_handed_over)
{
	int dir = open_dir(test_tmpdir());
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[] = {open("/proc/self/exe", O_RDONLY | O_CLOEXEC), null, null, null};
	const char *const strings[] = {"init",	    "3", "fake-console", "@console@", "@pidfile@",
				       "PATH=/bin", NULL};
	struct ctrd__record record;
	struct message answer, stdio;
	struct talk talk;
	char text[512];

	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	expect_answer(&talk,
		      ask(&talk,
			  (struct ctrd__wire_head){
				  .type = CTRD__REQ_RUN,
				  .kind = CTRD__KIND_CREATE,
				  .flags = CTRD__RUN_PIDFILE | CTRD__RUN_TERMINAL,
				  .columns = 100,
				  .rows = 33,
			  },
			  strings, fds, 4),
		      &answer);
	CHECK_INT(answer.head.status, CTRD_OK);
	CHECK_INT(answer.head.exit_status, 0);
	CHECK_INT(answer.head.flags, CTRD__RUN_PIDFD | CTRD__RUN_TERMINAL);
	CHECK_INT(answer.fd_count, 2);
	CHECK(faccessat(dir, "tty-init", F_OK, 0) < 0);
	read_record(dir, "init", &record);
	CHECK(record.start.terminal);
	dprintf(answer.fds[1], "hey\n");
	CHECK_INT(read_until(answer.fds[1], text, sizeof(text), "got hey"), 0);
	CHECK_CONTAINS(text, "33 100");
	expect_exit(&talk, "init", 3, NULL);
	take_stdio(&talk, &stdio);
	CHECK_INT(stdio.head.flags, CTRD__RUN_TERMINAL);
	CHECK_INT(stdio.fd_count, 1);
	close_fds(&stdio);
	close_fds(&answer);
	close(fds[0]);
	close(null);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

/*
 * Faults
 */

static void kill_helper(void)
{
	CHECK_INT(kill(helpers[0], SIGKILL), 0);
	expect_all_gone();
}

TEST(replacement_monitor_knows_the_true_code)
{
	struct ctrd__record record;
	struct message created, answer;
	struct talk talk;
	int in, dir = open_dir(test_tmpdir());

	if (!ctrd__pidfd_has_exit_status())
		SKIP("this kernel does not tell exit codes by pidfd");
	start_monitor(&talk, dir);
	create_waiting(&talk, "init", WAITS_THEN("42"), &in, &created);
	kill_helper();
	close(talk.fd);
	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	/* It is given what the first one kept. */
	struct ctrd__wire_head keep = {.type = CTRD__REQ_KEEP, .flags = CTRD__RUN_KEEP_IN};
	CHECK_INT(say(&talk, keep, "init", &in, 1, NULL), CTRD_OK);
	keep.flags |= CTRD__RUN_KEEP_OUT;
	CHECK_INT(say(&talk, keep, "init", &in, 1, NULL), CTRD_EINVAL);
	CHECK_INT(say(&talk, (struct ctrd__wire_head){.type = CTRD__REQ_STDIO}, "init", NULL, 0,
		      &answer),
		  CTRD_OK);
	CHECK_INT(answer.head.flags, CTRD__RUN_KEEP_IN);
	close_fds(&answer);
	CHECK_INT(write(in, "\n", 1), 1);
	expect_exit(&talk, "init", 42, &answer);
	CHECK_INT(answer.head.flags, 0);
	CHECK_INT(answer.head.pid, created.head.pid);
	read_record(dir, "init", &record);
	CHECK_INT(record.exit.code, 42);
	close_fds(&created);
	close(in);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(replacement_monitor_invents_nothing)
{
	struct ctrd__record record;
	struct message created, answer;
	struct talk talk;
	int in, fd, dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	create_waiting(&talk, "init", WAITS_THEN("42"), &in, &created);
	kill_helper();
	close(talk.fd);
	close(in);
	/* It ends, and is collected by somebody else, while nobody watches. */
	WAIT_UNTIL(!ctrd__proc_same((pid_t)created.head.pid, created.head.start_time), 20);
	/* The remains of a create that was cut off. */
	CHECK_INT(ctrd__record_create_at(dir, "cut", &fd), CTRD_OK);
	close(fd);
	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	expect_exit(&talk, "init", 255, &answer);
	CHECK_INT(answer.head.flags, CTRD_EXIT_UNKNOWN);
	CHECK_INT(answer.head.time_ns, 0);
	read_record(dir, "init", &record);
	CHECK_INT(record.exit.flags, CTRD_EXIT_UNKNOWN);
	CHECK(faccessat(dir, "process-cut", F_OK, 0) < 0);
	close_fds(&created);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(newer_records_are_refused_untouched)
{
	static char slot[CTRD__RECORD_SLOT];
	struct ctrd__record_start start = {.pid = 1, .boot_id = "x"};
	struct talk talk;
	int fd, dir = open_dir(test_tmpdir());

	ctrd__record_format_start(slot, &start);
	/* The same sound line, of version 2: the checksum is over the text, so make it anew. */
	struct ctrd__record record;
	uint32_t crc = 0xffffffffu;
	char *end = strstr(slot, " crc=");
	slot[4] = '2';
	for (char *p = slot; p < end; p++) {
		crc ^= (unsigned char)*p;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	char digits[16];
	snprintf(digits, sizeof(digits), " crc=%08x", ~crc);
	memcpy(end, digits, 13);
	CHECK_INT(ctrd__record_create_at(dir, "init", &fd), CTRD_OK);
	CHECK_INT(pwrite(fd, slot, sizeof(slot), 0), sizeof(slot));
	close(fd);
	CHECK_INT(ctrd__record_read_at(dir, "init", &record), CTRD_EABI);
	start_helper(&talk);
	CHECK_INT(hold(&talk, dir), CTRD_EABI);
	CHECK(faccessat(dir, "monitor", F_OK, 0) < 0);
	CHECK(faccessat(dir, "ctl", F_OK, 0) < 0);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

static void fill_disk(int dir)
{
	int fd = openat(dir, "fill", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	while (write(fd, packet, 4096) > 0)
		;
	CHECK_INT(errno, ENOSPC);
	close(fd);
}

TEST(full_disk_keeps_no_exit_from_its_record)
{
	const char *path = test_tmpdir();
	struct ctrd__record record;
	struct message created, answer;
	struct talk talk;
	int in, dir;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", path, "tmpfs", 0, "size=128k") < 0)
		SKIP("mount: %s", strerror(errno));
	dir = open_dir(path);
	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	create_waiting(&talk, "init", WAITS_THEN("42"), &in, &created);
	fill_disk(dir);
	/* What cannot have a record does not run. */
	run(&talk,
	    &(struct run){.id = "more",
			  .kind = CTRD__KIND_EXEC,
			  .flags = CTRD__RUN_PIDFILE,
			  .script = "exit 0"},
	    &answer);
	CHECK_INT(answer.head.status, CTRD_ERESOURCES);
	CHECK(faccessat(dir, "process-more", F_OK, 0) < 0);
	CHECK_INT(write(in, "\n", 1), 1);
	expect_exit(&talk, "init", 42, NULL);
	read_record(dir, "init", &record);
	CHECK(record.has_exit);
	CHECK_INT(record.exit.code, 42);
	close_fds(&created);
	close(in);
	close(talk.fd);
	expect_all_gone();
	close(dir);
	CHECK_INT(umount2(path, MNT_DETACH), 0);
}

TEST(oom_kill_is_told_and_flagged)
{
	const char *path = test_tmpdir();
	struct message created, answer;
	struct talk talk;
	char name[128];
	int in, event[2], dir = open_dir(path);

	snprintf(name, sizeof(name), "%s/memory.events", path);
	int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	dprintf(file, "low 0\noom 1\noom_kill 0\n");
	CHECK_INT(pipe2(event, O_CLOEXEC | O_NONBLOCK), 0);
	start_monitor(&talk, dir);
	CHECK_INT(SAY(&talk, CTRD__REQ_SUBSCRIBE, NULL), CTRD_OK);
	create_waiting(&talk, "init", WAITS_THEN("42"), &in, &created);
	int fds[] = {event[0], file};
	CHECK_INT(say(&talk, (struct ctrd__wire_head){.type = CTRD__REQ_OOM}, NULL, fds, 2, NULL),
		  CTRD_OK);
	CHECK_INT(pwrite(file, "low 0\noom 2\noom_kill 1\n", 23, 0), 23);
	CHECK_INT(write(event[1], "1", 1), 1);
	receive(&talk, &answer);
	CHECK_INT(answer.head.kind, CTRD_EVENT_OOM);
	CHECK_INT(ctrd__pidfd_signal(created.fds[0], SIGKILL), CTRD_OK);
	expect_exit(&talk, "init", 137, &answer);
	CHECK_INT(answer.head.flags, CTRD_EXIT_SIGNALED | CTRD_EXIT_OOM);
	close_fds(&created);
	close(event[0]);
	close(event[1]);
	close(file);
	close(in);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}

TEST(watchers_are_dialed)
{
	const char *path = test_tmpdir();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct message created, event;
	struct talk talk, watcher = {-1, 0};
	char name[128];
	int in;

	snprintf(name, sizeof(name), "%s/.watch", path);
	CHECK_INT(mkdir(name, 0700), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/.watch/one", path);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK_INT(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(listener, 16), 0);
	snprintf(name, sizeof(name), "%s/box", path);
	CHECK_INT(mkdir(name, 0700), 0);
	int dir = open_dir(name);
	start_monitor(&talk, dir);
	watcher.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	CHECK(watcher.fd > 2);
	create_waiting(&talk, "init", WAITS_THEN("3"), &in, &created);
	receive(&watcher, &event);
	CHECK_INT(event.head.kind, CTRD_EVENT_CREATE);
	CHECK_STR(event.text, "box");
	CHECK_INT(SAY(&watcher, CTRD__REQ_HELLO, NULL), CTRD_OK);
	close(in);
	expect_exit(&watcher, "init", 3, NULL);
	close_fds(&created);
	close(watcher.fd);
	close(listener);
	close(talk.fd);
	close(dir);
	expect_all_gone();
}

static long field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? atol(at + strlen(key)) : -1;
}

static void read_proc(pid_t pid, const char *file, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	read_all(fd, text, size);
	close(fd);
}

TEST(idle_monitor_is_small)
{
	struct message created;
	struct talk talk;
	char smaps[4096], status[4096];
	int in, dir = open_dir(test_tmpdir());

	start_monitor(&talk, dir);
	create_waiting(&talk, "init", WAITS_THEN("0"), &in, &created);
	read_proc(helpers[0], "smaps_rollup", smaps, sizeof(smaps));
	read_proc(helpers[0], "status", status, sizeof(status));
	/* One thread's kernel stack is 16 KiB. */
	long total = field(smaps, "Anonymous:") + field(status, "VmPTE:") + 16;
	remark("monitor: %ld kB anonymous, %ld kB page tables, %ld kB resident, %ld kB in all",
	       field(smaps, "Anonymous:"), field(status, "VmPTE:"), field(status, "VmRSS:"), total);
	CHECK(total <= 122);
	close_fds(&created);
	close(in);
	close(talk.fd);
	expect_all_gone();
	close(dir);
}
