/*
 * The monitor is killed. On a kernel that tells strangers how a process ended (6.15) the code is still
 * the true one as long as somebody held on to the process; else it is flagged as unknown, not invented.
 */
#include "host.h"
#include "test.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* One container "c" that waits for SIGUSR1 and will exit with 42. */
static pid_t make_waiting(ctrd_client *client)
{
	int out;
	char text[8];
	ctrd_stdio stdio = host_out_to(&out);
	char *spec = host_actor("await", "42", "ready");
	pid_t pid = (pid_t)host_make(client, "c", spec, &stdio);
	free(spec);
	CHECK_INT(read(out, text, sizeof(text)), 5);
	close(out);
	return pid;
}

static pid_t find_monitor(void)
{
	pid_t *monitors = host_monitors();
	CHECK_INT(host_count(monitors), 1);
	pid_t pid = monitors[0];
	free(monitors);
	return pid;
}

static bool is_unknown(const ctrd_exit *exit)
{
	return (exit->flags & CTRD_EXIT_UNKNOWN) && exit->code == 255;
}

/* It was being watched when it ended. */
static void check_watched(const ctrd_exit *exit)
{
	if (host_has_exit_info())
		host_check_code(exit, 42);
	else
		CHECK(is_unknown(exit));
}

static void delete (ctrd_client *client)
{
	host_must(host_task_delete(client, "c"));
	host_must(host_delete(client, "c"));
}

TEST(monitor_killed_then_the_container_exits)
{
	host_begin();
	ctrd_client *client = host_open();
	CHECK_INT((ctrd_client_capabilities(client) & CTRD_CAN_LATE_EXIT) != 0,
		  host_has_exit_info());
	pid_t pid = make_waiting(client);
	ctrd_op *wait = host_wait(client, "c", CTRD_INIT_PROCESS);
	host_kill(find_monitor());
	CHECK_INT(kill(pid, SIGUSR1), 0);
	ctrd_exit exit = host_must_exit(wait);
	check_watched(&exit);
	delete (client);
	host_close(client);
	host_end();
}

TEST(monitor_killed_at_the_moment_of_the_exit)
{
	host_begin();
	ctrd_client *client = host_open();
	pid_t pid = make_waiting(client);
	pid_t monitor = find_monitor();
	/* It sees nothing of the exit any more. */
	CHECK_INT(kill(monitor, SIGSTOP), 0);
	int pidfd = host_pidfd(pid);
	CHECK_INT(kill(pid, SIGUSR1), 0);
	host_await_pidfd(pidfd);
	ctrd_op *wait = host_wait(client, "c", CTRD_INIT_PROCESS);
	host_kill(monitor);
	ctrd_exit exit = host_must_exit(wait);
	check_watched(&exit);
	delete (client);
	host_close(client);
	host_end();
}

TEST(container_is_usable_after_its_monitor_was_killed)
{
	host_begin();
	ctrd_client *client = host_open();
	make_waiting(client);
	host_kill(find_monitor());
	CHECK_INT(host_must_state(host_status(client, "c")), CTRD_TASK_RUNNING);
	char *process = test_process("sh", "-c", "exit 3", NULL);
	host_must_pid(host_exec(client, "c", "e", process, NULL));
	free(process);
	ctrd_exit exit = host_must_exit(host_wait(client, "c", "e"));
	host_check_code(&exit, 3);
	host_must(host_pause(client, "c"));
	host_must(host_resume(client, "c"));
	host_must(host_signal(client, "c", CTRD_INIT_PROCESS, SIGKILL));
	exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	if (host_has_exit_info())
		host_check_signal(&exit, SIGKILL);
	else
		CHECK(is_unknown(&exit));
	delete (client);
	host_close(client);
	host_end();
}

static void embedder(void *data)
{
	pid_t *ret_pid = data;
	*ret_pid = make_waiting(host_open());
	host_child_ready();
}

static pid_t *shared_pid(void)
{
	return mmap(NULL, sizeof(pid_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

TEST(embedder_and_monitor_killed_while_the_container_lives)
{
	pid_t *pid = shared_pid();
	host_begin();
	pid_t child = host_fork(embedder, pid);
	host_reap(child);
	host_kill(find_monitor());

	ctrd_client *client = host_open();
	ctrd_load_result load = host_must_load(host_load(client, "c", NULL));
	CHECK_INT(load.alive, 1);
	CHECK_INT(load.state, CTRD_TASK_RUNNING);
	CHECK_INT(load.pid, *pid);
	ctrd_op *wait = host_wait(client, "c", CTRD_INIT_PROCESS);
	CHECK_INT(kill(*pid, SIGUSR1), 0);
	ctrd_exit exit = host_must_exit(wait);
	check_watched(&exit);
	delete (client);
	host_close(client);
	host_end();
	munmap(pid, sizeof(*pid));
}

TEST(embedder_and_monitor_killed_then_the_container_exits)
{
	pid_t *pid = shared_pid();
	host_begin();
	pid_t child = host_fork(embedder, pid);
	host_reap(child);
	host_kill(find_monitor());
	int pidfd = host_pidfd(*pid);
	CHECK_INT(kill(*pid, SIGUSR1), 0);
	host_await_pidfd(pidfd);

	ctrd_client *client = host_open();
	ctrd_load_result load = host_must_load(host_load(client, "c", NULL));
	if (load.alive) {
		/* A dead process that nobody has collected yet may still be asked. */
		load.exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
		check_watched(&load.exit);
	} else {
		CHECK_INT(load.state, CTRD_TASK_STOPPED);
		if (!is_unknown(&load.exit))
			host_check_code(&load.exit, 42);
	}
	delete (client);
	host_close(client);
	host_end();
	munmap(pid, sizeof(*pid));
}

/* Execs have the same right. */
TEST(monitor_killed_then_an_exec_exits)
{
	host_begin();
	ctrd_client *client = host_open();
	make_waiting(client);
	char *process = test_process("/tmp/actor", "await", "17", "ready", NULL);
	int out;
	char text[8];
	ctrd_stdio stdio = host_out_to(&out);
	pid_t pid = (pid_t)host_must_pid(host_exec(client, "c", "e", process, &stdio));
	free(process);
	CHECK_INT(read(out, text, sizeof(text)), 5);
	host_kill(find_monitor());
	CHECK_INT(kill(pid, SIGUSR1), 0);
	ctrd_exit exit = host_must_exit(host_wait(client, "c", "e"));
	if (host_has_exit_info())
		host_check_code(&exit, 17);
	else
		CHECK(is_unknown(&exit));
	close(out);
	host_must(host_delete_by_force(client, "c"));
	host_close(client);
	host_end();
}
