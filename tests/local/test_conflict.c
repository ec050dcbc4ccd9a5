/*
 * Two clients in two processes on one state directory: they see the same containers, and of two calls
 * that conflict one is told who holds the container.
 */
#include "host.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 20 };

static struct shared {
	atomic_int status;
	atomic_int status2;
	char spec[32768];
} * shared;

static char entered[128], leave[128]; /* fifos: a hook has begun; it may go on */

static void share(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
}

/* A hook keeps the runtime's command, and so the call, under way for as long as we like. */
static void add_hook(ctrd_spec *spec, void *data)
{
	char json[512];
	(void)data;
	snprintf(json, sizeof(json),
		 "{\"prestart\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\","
		 "\"cat >/dev/null; echo >%s; read x <%s\"]}]}",
		 entered, leave);
	CHECK_INT(ctrd_spec_set(spec, "hooks", json), 0);
}

static void make_fifos(void)
{
	const char *dir = test_tmpdir();
	snprintf(entered, sizeof(entered), "%s/entered", dir);
	snprintf(leave, sizeof(leave), "%s/leave", dir);
	CHECK_INT(mkfifo(entered, 0600), 0);
	CHECK_INT(mkfifo(leave, 0600), 0);
}

static void signal_to(const char *fifo)
{
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_INT(write(fd, "\n", 1), 1);
	close(fd);
}

static void await_from(const char *fifo)
{
	char word;
	int fd = open(fifo, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_INT(read(fd, &word, 1), 1);
	close(fd);
}

/* EABORTED, with the pid of the holder. */
static void check_aborted(ctrd_op *op, pid_t holder)
{
	char number[16];
	snprintf(number, sizeof(number), "%d", holder);
	CHECK_INT(host_await(op), CTRD_EABORTED);
	CHECK_CONTAINS(ctrd_error_message(ctrd_op_error(op)), number);
	ctrd_op_unref(op);
}

static void holder(void *data)
{
	(void)data;
	ctrd_client *client = host_open();
	host_must(host_create(client, "c", shared->spec));
	host_child_ready();
	atomic_store(&shared->status, host_try(host_task_create(client, "c", NULL)));
	/* When the other side has deleted it, this one knows. */
	ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_check_signal(&exit, SIGKILL);
	atomic_store(&shared->status2, 1);
}

TEST(conflicting_calls_are_told_who_holds_the_container)
{
	share();
	host_begin();
	make_fifos();
	char *spec = test_spec_with(test_bundle(), add_hook, NULL, "sleep", "1000", NULL);
	CHECK(strlen(spec) < sizeof(shared->spec));
	strcpy(shared->spec, spec);
	free(spec);
	atomic_store(&shared->status, 1);
	pid_t child = host_fork(holder, NULL);
	await_from(entered);

	ctrd_client *client = host_open();
	check_aborted(host_start(client, "c", NULL), child);
	check_aborted(host_task_create(client, "c", NULL), child);
	check_aborted(host_delete(client, "c"), child);
	check_aborted(host_delete_by_force(client, "c"), child);

	/* Who only looks is not in the way. */
	ctrd_op *list = host_list(client);
	size_t count = 0;
	CHECK_INT(host_await(list), 0);
	CHECK_INT(ctrd_op_get_count(list, &count), 0);
	CHECK_INT(count, 1);
	ctrd_op_unref(list);

	signal_to(leave);
	WAIT_UNTIL(atomic_load(&shared->status) != 1, 30);
	CHECK_INT(atomic_load(&shared->status), 0);
	host_must(host_start(client, "c", NULL));
	CHECK_INT(host_must_state(host_status(client, "c")), CTRD_TASK_RUNNING);
	host_must(host_signal(client, "c", CTRD_INIT_PROCESS, SIGKILL));
	ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_check_signal(&exit, SIGKILL);
	WAIT_UNTIL(atomic_load(&shared->status2) == 1, 30);
	host_reap(child);
	host_must(host_task_delete(client, "c"));
	host_must(host_delete(client, "c"));
	host_close(client);
	host_end();
	munmap(shared, sizeof(*shared));
}

static int begin_pipe[2];

static void creator(void *data)
{
	atomic_int *status = data;
	char word;
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "sleep", "1000", NULL);
	host_child_ready();
	CHECK_INT(read(begin_pipe[0], &word, 1), 1);
	atomic_store(status, host_try(host_create(client, "c", spec)));
	free(spec);
	host_close(client);
}

static void starter(void *data)
{
	atomic_int *status = data;
	char word;
	ctrd_client *client = host_open();
	host_child_ready();
	CHECK_INT(read(begin_pipe[0], &word, 1), 1);
	atomic_store(status, host_try(host_start(client, "c", NULL)));
	host_close(client);
}

/* Both at once; one of them wins. */
static void race(void (*fn)(void *))
{
	atomic_store(&shared->status, 1);
	atomic_store(&shared->status2, 1);
	CHECK_INT(pipe(begin_pipe), 0);
	pid_t first = host_fork(fn, &shared->status), second = host_fork(fn, &shared->status2);
	CHECK_INT(write(begin_pipe[1], "gg", 2), 2);
	WAIT_UNTIL(atomic_load(&shared->status) != 1 && atomic_load(&shared->status2) != 1, 50);
	host_reap(first);
	host_reap(second);
	close(begin_pipe[0]);
	close(begin_pipe[1]);
	int one = atomic_load(&shared->status), other = atomic_load(&shared->status2);
	if (one != 0) {
		int swap = one;
		one = other;
		other = swap;
	}
	CHECK_INT(one, 0);
	if (fn == creator && other != CTRD_EEXISTS)
		CHECK_INT(other, CTRD_EABORTED);
	if (fn == starter && other != CTRD_EPRECONDITION)
		CHECK_INT(other, CTRD_EABORTED);
}

TEST_TIMEOUT(of_two_creates_and_of_two_starts_one_wins, 120)
{
	share();
	host_begin();
	int rounds = test_scale(ROUNDS);
	ctrd_client *client = NULL;
	for (int i = 0; i < rounds; i++) {
		race(creator);
		race(starter);
		client = host_open();
		ctrd_load_result load = host_must_load(host_load(client, "c", NULL));
		CHECK_INT(load.state, CTRD_TASK_RUNNING);
		host_must(host_delete_by_force(client, "c"));
		host_close(client);
	}
	host_end();
	munmap(shared, sizeof(*shared));
}

static void other(void *data)
{
	(void)data;
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "sleep", "1000", NULL);
	host_make(client, "c", spec, NULL);
	free(spec);
	host_child_ready();
	ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_check_signal(&exit, SIGKILL);
	WAIT_UNTIL(host_try(host_load(client, "c", NULL)) == CTRD_ENOTFOUND, 30);
	atomic_store(&shared->status, 0);
}

struct seen {
	atomic_int exits;
	atomic_int paused;
	atomic_int resumed;
};

static void on_event(ctrd_client *client, const ctrd_event *event, void *data)
{
	struct seen *seen = data;
	(void)client;
	if (event->kind == CTRD_EVENT_EXIT && strcmp(event->process_id, CTRD_INIT_PROCESS) == 0)
		atomic_fetch_add(&seen->exits, 1);
	if (event->kind == CTRD_EVENT_PAUSED)
		atomic_fetch_add(&seen->paused, 1);
	if (event->kind == CTRD_EVENT_RESUMED)
		atomic_fetch_add(&seen->resumed, 1);
}

TEST(clients_see_what_another_one_does)
{
	share();
	host_begin();
	atomic_store(&shared->status, 1);
	pid_t child = host_fork(other, NULL);
	struct seen watched = {0}, seen = {0};
	ctrd_client *watcher = host_open_with(0, (ctrd_event_handler){on_event, &watched, NULL});
	ctrd_client *client = host_open_with(0, (ctrd_event_handler){on_event, &seen, NULL});
	host_must(host_load(watcher, "c", NULL));
	host_must(host_load(client, "c", NULL));
	host_must(host_pause(client, "c"));
	CHECK_INT(host_must_state(host_status(watcher, "c")), CTRD_TASK_PAUSED);
	host_must(host_resume(client, "c"));
	CHECK_INT(host_must_state(host_status(watcher, "c")), CTRD_TASK_RUNNING);
	host_must(host_delete_by_force(client, "c"));
	WAIT_UNTIL(atomic_load(&watched.exits) == 1, 20);
	WAIT_UNTIL(atomic_load(&seen.exits) == 1, 20);
	WAIT_UNTIL(atomic_load(&watched.paused) == 1 && atomic_load(&watched.resumed) == 1, 20);
	WAIT_UNTIL(atomic_load(&seen.paused) == 1 && atomic_load(&seen.resumed) == 1, 20);
	WAIT_UNTIL(atomic_load(&shared->status) == 0, 30);
	CHECK_INT(host_try(host_status(watcher, "c")), CTRD_ENOTFOUND);
	host_reap(child);
	host_close(client);
	host_close(watcher);
	CHECK_INT(atomic_load(&watched.exits), 1);
	CHECK_INT(atomic_load(&seen.exits), 1);
	host_end();
	munmap(shared, sizeof(*shared));
}
