/*
 * Who may not get in: other users at the state directory and at the monitor's socket, and symbolic links
 * anywhere in the state directory.
 */
#include "host.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static char path_buffer[4][400];

/* STATE/NAMESPACE/...; a few of them may be in use at once. */
static const char *below(const char *rest)
{
	static unsigned int next;
	char *path = path_buffer[next++ % 4];
	snprintf(path, sizeof(path_buffer[0]), "%s/%s%s%s", host_state_dir(), host_name_space(),
		 *rest ? "/" : "", rest);
	return path;
}

static mode_t mode_of(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		FAIL("%s: %s", path, strerror(errno));
	return st.st_mode & 07777;
}

static void make_running(ctrd_client *client)
{
	char *spec = test_spec(test_bundle(), "sleep", "1000", NULL);
	host_make(client, "c", spec, NULL);
	free(spec);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void check_file(const char *path, const char *expected)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	CHECK_STR(text, expected);
}

/* "." and ".." alone */
static void check_empty(const char *dir)
{
	struct stat st;
	CHECK_INT(stat(dir, &st), 0);
	CHECK_INT(st.st_nlink, 2);
	CHECK_INT(rmdir(dir), 0);
}

TEST(state_directory_is_private)
{
	host_begin();
	ctrd_client *client = host_open();
	umask(0);
	make_running(client);
	CHECK_INT(mode_of(host_state_dir()), 0700);
	CHECK_INT(mode_of(below("")), 0700);
	CHECK_INT(mode_of(below("c")), 0700);
	CHECK_INT(mode_of(below("c/ctl")), 0600);
	host_must(host_delete_by_force(client, "c"));
	host_close(client);
	host_end();
}

static void check_refused(const char *what)
{
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "true", NULL);
	int status = host_try(host_create(client, "c", spec));
	if (status == 0)
		FAIL("a state directory is used that %s", what);
	free(spec);
	host_close(client);
}

TEST(state_directory_of_others_is_refused)
{
	host_begin();
	CHECK_INT(mkdir(host_state_dir(), 0700), 0);
	CHECK_INT(chmod(host_state_dir(), 0755), 0);
	check_refused("others may read");
	CHECK_INT(chmod(host_state_dir(), 0770), 0);
	check_refused("a group may write to");
	CHECK_INT(chmod(host_state_dir(), 0700), 0);
	CHECK_INT(chown(host_state_dir(), NOBODY, 0), 0);
	check_refused("belongs to somebody else");
	CHECK_INT(chown(host_state_dir(), 0, 0), 0);
	check_empty(host_state_dir());

	/* It is not a directory at all. */
	char elsewhere[128];
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", test_tmpdir());
	CHECK_INT(mkdir(elsewhere, 0700), 0);
	CHECK_INT(symlink(elsewhere, host_state_dir()), 0);
	check_refused("is a symbolic link");
	check_empty(elsewhere);
	CHECK_INT(unlink(host_state_dir()), 0);
	host_end();
}

/* Exits with 0 when it got no answer, 1 when it could not even connect, 2 when somebody talks to it. */
static int knock(const char *dir, uid_t uid)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "ctl"};
		if (chdir(dir) != 0 || setgid(uid) != 0 || setuid(uid) != 0)
			_exit(3);
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
			_exit(1);
		char packet[4096] = "hello";
		send(fd, packet, sizeof(packet), MSG_NOSIGNAL);
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		if (poll(&poll_fd, 1, test_timeout_ms(10000)) != 1)
			_exit(4);
		_exit(recv(fd, packet, sizeof(packet), 0) > 0 ? 2 : 0);
	}
	int status;
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(socket_of_the_monitor_refuses_other_users)
{
	host_begin();
	ctrd_client *client = host_open();
	make_running(client);
	/* The mode of the file keeps them out; */
	CHECK_INT(knock(below("c"), NOBODY), 1);
	/* where it does not, the monitor does. */
	CHECK_INT(chmod(below("c"), 0711), 0);
	CHECK_INT(chmod(below("c/ctl"), 0666), 0);
	CHECK_INT(knock(below("c"), NOBODY), 0);
	CHECK_INT(chmod(below("c"), 0700), 0);
	/* It is none the worse for it. */
	char *process = test_process("true", NULL);
	host_must(host_exec(client, "c", "e", process, NULL));
	ctrd_exit exit = host_must_exit(host_wait(client, "c", "e"));
	host_check_code(&exit, 0);
	free(process);
	host_must(host_delete_by_force(client, "c"));
	host_close(client);
	host_end();
}

TEST(socket_of_the_monitor_survives_nonsense)
{
	host_begin();
	ctrd_client *client = host_open();
	make_running(client);
	int answer = knock(below("c"), 0);
	if (answer != 0)
		CHECK_INT(answer, 2);
	CHECK_INT(host_must_state(host_status(client, "c")), CTRD_TASK_RUNNING);
	host_must(host_delete_by_force(client, "c"));
	host_close(client);
	host_end();
}

TEST(namespace_that_is_a_link_is_not_followed)
{
	host_begin();
	char elsewhere[128];
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", test_tmpdir());
	CHECK_INT(mkdir(elsewhere, 0700), 0);
	CHECK_INT(mkdir(host_state_dir(), 0700), 0);
	CHECK_INT(symlink(elsewhere, below("")), 0);
	check_refused("leads elsewhere");
	check_empty(elsewhere);
	CHECK_INT(unlink(below("")), 0);
	host_end();
}

TEST(container_that_is_a_link_is_not_followed)
{
	host_begin();
	ctrd_client *client = host_open();
	char elsewhere[160];
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", test_tmpdir());
	char *spec = test_spec(test_bundle(), "true", NULL);
	host_must(host_create(client, "c", spec));
	host_close(client);

	/* All there as it should be, but by a link. */
	CHECK_INT(rename(below("c"), elsewhere), 0);
	CHECK_INT(symlink(elsewhere, below("c")), 0);
	client = host_open();
	CHECK(host_try(host_load(client, "c", NULL)) != 0);
	CHECK(host_try(host_start(client, "c", NULL)) != 0);
	CHECK(host_try(host_create(client, "c", spec)) != 0);
	host_try(host_delete_by_force(client, "c"));
	struct stat st;
	CHECK_INT(stat(elsewhere, &st), 0);
	CHECK(st.st_nlink >= 2);

	unlink(below("c"));
	CHECK_INT(rename(elsewhere, below("c")), 0);
	host_must(host_delete(client, "c"));
	free(spec);
	host_close(client);
	host_end();
}

/* Files that the library or the monitor would write: what a link leads to stays as it is. */
TEST(record_that_is_a_link_is_not_followed)
{
	host_begin();
	ctrd_client *client = host_open();
	char victim[160];
	snprintf(victim, sizeof(victim), "%s/victim", test_tmpdir());
	write_file(victim, "not to be touched");
	char *spec = test_spec(test_bundle(), "true", NULL);
	host_must(host_create(client, "c", spec));
	static const char *const names[] = {"process-init", "monitor", "ctl",	  "lock",
					    "cgroup",	    "log",     "init.pid"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[32];
		snprintf(name, sizeof(name), "c/%s", names[i]);
		unlink(below(name));
		CHECK_INT(symlink(victim, below(name)), 0);
	}
	/* It may be refused, or the links are replaced. */
	if (host_try(host_start(client, "c", NULL)) == 0)
		host_try(host_wait(client, "c", CTRD_INIT_PROCESS));
	check_file(victim, "not to be touched");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char name[32], target[8];
		snprintf(name, sizeof(name), "c/%s", names[i]);
		if (readlink(below(name), target, sizeof(target)) > 0)
			CHECK_INT(unlink(below(name)), 0);
	}
	host_must(host_delete_by_force(client, "c"));
	check_file(victim, "not to be touched");
	free(spec);
	host_close(client);
	host_end();
}

TEST(record_that_became_a_link_tells_nothing)
{
	host_begin();
	ctrd_client *client = host_open();
	char elsewhere[160];
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", test_tmpdir());
	char *spec = test_spec(test_bundle(), "sh", "-c", "exit 33", NULL);
	host_make(client, "c", spec, NULL);
	free(spec);
	host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_close(client);
	WAIT_UNTIL(host_monitor_count() == 0, 30);
	CHECK_INT(rename(below("c/process-init"), elsewhere), 0);
	CHECK_INT(symlink(elsewhere, below("c/process-init")), 0);

	client = host_open();
	ctrd_op *op = host_load(client, "c", NULL);
	if (host_await(op) == 0) {
		ctrd_load_result load = CTRD_LOAD_RESULT_INIT;
		CHECK_INT(ctrd_op_get_load(op, &load), 0);
		CHECK(load.state != CTRD_TASK_STOPPED || (load.exit.flags & CTRD_EXIT_UNKNOWN));
	}
	ctrd_op_unref(op);
	host_try(host_delete_by_force(client, "c"));
	struct stat st;
	CHECK_INT(lstat(elsewhere, &st), 0);
	if (unlink(below("c/process-init")) == 0) {
		CHECK_INT(rename(elsewhere, below("c/process-init")), 0);
		host_must(host_delete_by_force(client, "c"));
	}
	host_close(client);
	host_end();
}

TEST(socket_that_is_a_link_is_not_followed)
{
	host_begin();
	ctrd_client *client = host_open();
	make_running(client);
	host_close(client);

	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/trap", test_tmpdir());
	int trap = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK_INT(bind(trap, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(trap, 5), 0);
	CHECK_INT(rename(below("c/ctl"), below("c/ctl.away")), 0);
	CHECK_INT(symlink(address.sun_path, below("c/ctl")), 0);

	client = host_open();
	host_try(host_load(client, "c", NULL));
	CHECK_INT(accept(trap, NULL, NULL), -1);
	CHECK_INT(errno, EAGAIN);
	host_close(client);
	/* If the link has not been replaced by somebody, it goes. */
	char target[8];
	if (readlink(below("c/ctl"), target, sizeof(target)) > 0)
		CHECK_INT(rename(below("c/ctl.away"), below("c/ctl")), 0);
	unlink(below("c/ctl.away"));
	client = host_open();
	host_must(host_delete_by_force(client, "c"));
	CHECK_INT(accept(trap, NULL, NULL), -1);
	close(trap);
	host_close(client);
	host_end();
}
