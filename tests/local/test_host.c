/*
 * What the host never notices: hosts with their own ideas about children and signals.
 */
#include "host.h"
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIVES = 6, CHILDREN = 20, MAX_SEEN = 256 };

/*
 * A host that collects every child there is.
 */
struct collector {
	pthread_t thread;
	pid_t keeper; /* so that there always is a child to wait for */
	int count;
	pid_t pid[MAX_SEEN];
	int status[MAX_SEEN];
};

static void *collect(void *data)
{
	struct collector *collector = data;
	int status;
	for (;;) {
		pid_t pid = waitpid(-1, &status, 0);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return NULL;
		if (collector->count < MAX_SEEN) {
			collector->pid[collector->count] = pid;
			collector->status[collector->count++] = status;
		}
	}
}

static void start_collector(struct collector *collector)
{
	collector->count = 0;
	collector->keeper = fork();
	CHECK(collector->keeper >= 0);
	if (collector->keeper == 0)
		for (;;)
			pause();
	CHECK_INT(pthread_create(&collector->thread, NULL, collect, collector), 0);
}

/* Returns how many it saw, the keeper among them. */
static int stop_collector(struct collector *collector)
{
	kill(collector->keeper, SIGKILL);
	pthread_join(collector->thread, NULL);
	return collector->count;
}

static int find_status(const struct collector *collector, pid_t pid)
{
	for (int i = 0; i < collector->count; i++)
		if (collector->pid[i] == pid)
			return collector->status[i];
	return -1;
}

/* Everything that starts or ends a process. */
static void live(ctrd_client *client, int number)
{
	char id[16];
	snprintf(id, sizeof(id), "c%d", number);
	char *spec = test_spec(test_bundle(), "sh", "-c", "exit 21", NULL);
	ctrd_exit exit = host_must_exit(host_run(client, id, spec, NULL));
	host_check_code(&exit, 21);
	free(spec);

	spec = test_spec(test_bundle(), "sleep", "1000", NULL);
	char *process = test_process("sh", "-c", "exit 22", NULL);
	host_make(client, id, spec, NULL);
	host_must(host_exec(client, id, "e", process, NULL));
	exit = host_must_exit(host_wait(client, id, "e"));
	host_check_code(&exit, 22);
	exit = host_must_exit(host_delete_by_force(client, id));
	host_check_signal(&exit, SIGKILL);
	free(process);
	free(spec);
}

static atomic_int sigchlds;

static void on_sigchld(int number)
{
	(void)number;
	atomic_fetch_add(&sigchlds, 1);
}

TEST(host_with_a_handler_and_a_waiter_sees_no_child_of_ours)
{
	host_begin();
	struct sigaction action = {.sa_handler = on_sigchld, .sa_flags = SA_RESTART}, after;
	CHECK_INT(sigaction(SIGCHLD, &action, NULL), 0);
	struct collector collector;
	start_collector(&collector);
	ctrd_client *client = host_open();
	for (int i = 0; i < LIVES; i++)
		live(client, i);
	CHECK_INT(atomic_load(&sigchlds), 0);
	CHECK_INT(collector.count, 0);
	host_close(client);
	CHECK_INT(atomic_load(&sigchlds), 0);
	CHECK_INT(stop_collector(&collector), 1);
	CHECK_INT(sigaction(SIGCHLD, NULL, &after), 0);
	CHECK(after.sa_handler == on_sigchld);
	host_end();
}

TEST(host_loses_no_child_of_its_own)
{
	host_begin();
	struct collector collector;
	start_collector(&collector);
	ctrd_client *client = host_open();
	pid_t children[LIVES * CHILDREN];
	int count = 0;
	for (int i = 0; i < LIVES; i++) {
		for (int k = 0; k < CHILDREN; k++) {
			pid_t pid = fork();
			CHECK(pid >= 0);
			if (pid == 0)
				_exit(count % 200);
			children[count++] = pid;
		}
		live(client, i);
	}
	host_close(client);
	CHECK_INT(stop_collector(&collector), count + 1);
	for (int i = 0; i < count; i++) {
		int status = find_status(&collector, children[i]);
		CHECK(WIFEXITED(status));
		CHECK_INT(WEXITSTATUS(status), i % 200);
	}
	host_end();
}

static void lives_with_sigchld(const struct sigaction *action)
{
	struct sigaction after;
	host_begin();
	CHECK_INT(sigaction(SIGCHLD, action, NULL), 0);
	ctrd_client *client = host_open();
	for (int i = 0; i < LIVES; i++)
		live(client, i);
	host_close(client);
	CHECK_INT(sigaction(SIGCHLD, NULL, &after), 0);
	CHECK(after.sa_handler == action->sa_handler);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	CHECK_INT(errno, ECHILD);
	host_end();
}

TEST(host_that_ignores_sigchld)
{
	struct sigaction action = {.sa_handler = SIG_IGN};
	lives_with_sigchld(&action);
}

TEST(host_without_zombies)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	lives_with_sigchld(&action);
}

/* Documented: a subreaper gets to see our helpers when they end. Nothing else changes. */
TEST(host_that_is_a_subreaper_sees_pids_that_it_does_not_know)
{
	host_begin();
	CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	struct collector collector;
	start_collector(&collector);
	ctrd_client *client = host_open();
	for (int i = 0; i < LIVES; i++)
		live(client, i);
	host_close(client);
	/* Then there is nobody of ours left to be seen. */
	WAIT_UNTIL(host_monitor_count() == 0, 20);
	int seen = stop_collector(&collector);
	test_note("%d strangers were seen", seen - 1);
	CHECK(seen > 1);
	host_end();
}

TEST(host_that_is_a_subreaper_and_never_waits)
{
	host_begin();
	CHECK_INT(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ctrd_client *client = host_open();
	for (int i = 0; i < LIVES; i++)
		live(client, i);
	host_close(client);
	WAIT_UNTIL(host_monitor_count() == 0, 20);
	int strangers = 0;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		strangers++;
	CHECK(strangers > 0);
	host_end();
}

static int take_ends(const char *container_id, const char *process_id, const ctrd_stdio_ends *ends,
		     void *data)
{
	(void)container_id;
	(void)process_id;
	*(ctrd_stdio_ends *)data = *ends;
	return 0;
}

/* The end of the pipe is ours: so is the signal, if we write without care. */
static void check_broken(int fd)
{
	sigset_t set, old, pending;
	struct timespec none = {0, 0};
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	CHECK_INT(pthread_sigmask(SIG_BLOCK, &set, &old), 0);
	CHECK_INT(write(fd, "x", 1), -1);
	CHECK_INT(errno, EPIPE);
	CHECK_INT(sigtimedwait(&set, NULL, &none), SIGPIPE);
	CHECK_INT(sigpending(&pending), 0);
	CHECK_INT(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}

TEST(host_with_default_sigpipe_survives_stdin_to_a_dead_process)
{
	host_begin();
	CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "true", NULL);
	ctrd_stdio_ends ends = {.size = sizeof(ends), .in = -1, .out = -1, .err = -1};
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	stdio.in = CTRD_STREAM_PIPE;
	stdio.attach = take_ends;
	stdio.data = &ends;
	host_make(client, "c", spec, &stdio);
	ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_check_code(&exit, 0);
	check_broken(ends.in);
	host_try(host_signal(client, "c", CTRD_INIT_PROCESS, SIGTERM));
	ctrd_op *op = NULL;
	CHECK_INT(ctrd_process_close_stdin(client, "c", CTRD_INIT_PROCESS, NULL, HOST_NO_DONE, &op),
		  0);
	host_must(op);
	close(ends.in);
	host_must(host_task_delete(client, "c"));
	host_must(host_delete(client, "c"));
	free(spec);
	host_close(client);
	host_end();
}

/* Whoever the library itself writes to may be dead as well. */
TEST(host_with_default_sigpipe_survives_a_dead_monitor)
{
	host_begin();
	CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "cat", NULL);
	ctrd_stdio_ends ends = {.size = sizeof(ends), .in = -1, .out = -1, .err = -1};
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	stdio.in = CTRD_STREAM_PIPE;
	stdio.attach = take_ends;
	stdio.data = &ends;
	host_make(client, "c", spec, &stdio);
	pid_t *monitors = host_monitors();
	CHECK_INT(host_count(monitors), 1);
	int pidfd = host_pidfd(monitors[0]);
	/* Calls before, at and after the moment of its death. */
	ctrd_op *ops[30];
	for (int i = 0; i < 30; i++) {
		if (i == 10)
			kill(monitors[0], SIGKILL);
		if (i == 20)
			host_await_pidfd(pidfd);
		ops[i] = NULL;
		CHECK_INT(ctrd_process_close_stdin(client, "c", CTRD_INIT_PROCESS, NULL,
						   HOST_NO_DONE, &ops[i]),
			  0);
	}
	for (int i = 0; i < 30; i++)
		host_try(ops[i]);
	free(monitors);
	close(ends.in);
	host_must(host_delete_by_force(client, "c"));
	free(spec);
	host_close(client);
	host_end();
}
