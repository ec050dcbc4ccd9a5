/*
 * The embedder dies, many containers live on, half of them end while nobody watches; a new process
 * finds out everything and goes on.
 */
#include "host.h"
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CONTAINERS = 200, AT_ONCE = 8 };

struct shared {
	int count;
	pid_t pid[CONTAINERS];
};

static void id_of(int i, char id[32])
{
	snprintf(id, 32, "c%d", i);
}

static int code_of(int i)
{
	return 1 + i % 250;
}

static void text_of(int i, char text[64])
{
	snprintf(text, 64, "output of container %d", i);
}

static void create_all(ctrd_client *client, struct shared *shared, int *out)
{
	ctrd_stdio stdio[AT_ONCE];
	for (int first = 0; first < shared->count; first += AT_ONCE) {
		ctrd_op *ops[AT_ONCE];
		int n = shared->count - first < AT_ONCE ? shared->count - first : AT_ONCE;
		for (int i = 0; i < n; i++) {
			char id[32], code[16], text[64];
			id_of(first + i, id);
			text_of(first + i, text);
			snprintf(code, sizeof(code), "%d", code_of(first + i));
			char *spec = host_actor("await", code, text);
			ctrd_op_unref(host_create(client, id, spec));
			free(spec);
			stdio[i] = host_out_to(&out[first + i]);
			ops[i] = host_start(client, id, &stdio[i]);
		}
		for (int i = 0; i < n; i++)
			shared->pid[first + i] = (pid_t)host_must_pid(ops[i]);
	}
}

/* Ready: each has written, and nothing of it was read. */
static void embedder(void *data)
{
	struct shared *shared = data;
	int out[CONTAINERS];
	create_all(host_open(), shared, out);
	for (int i = 0; i < shared->count; i++) {
		struct pollfd poll_fd = {.fd = out[i], .events = POLLIN};
		CHECK_INT(poll(&poll_fd, 1, test_timeout_ms(30000)), 1);
	}
	host_child_ready();
}

/* Reads until the text is there; up to the end when the writer has gone. */
static void check_output(int fd, const char *expected, bool to_end)
{
	char text[256];
	size_t length = 0;
	while (to_end || length < strlen(expected)) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		if (poll(&poll_fd, 1, test_timeout_ms(30000)) != 1)
			FAIL("no more output after \"%.*s\"", (int)length, text);
		ssize_t n = read(fd, text + length, sizeof(text) - 1 - length);
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	text[length] = '\0';
	CHECK_STR(text, expected);
	close(fd);
}

static void check_loaded(ctrd_op *op, const struct shared *shared, int i, bool ended,
			 int64_t from_ns, int64_t to_ns)
{
	ctrd_load_result load = host_must_load(op);
	if (!ended) {
		CHECK_INT(load.alive, 1);
		CHECK_INT(load.state, CTRD_TASK_RUNNING);
		CHECK_INT(load.pid, shared->pid[i]);
		return;
	}
	CHECK_INT(load.alive, 0);
	CHECK_INT(load.state, CTRD_TASK_STOPPED);
	host_check_code(&load.exit, code_of(i));
	CHECK(load.exit.exited_at_ns >= from_ns && load.exit.exited_at_ns <= to_ns);
	CHECK(load.exit.task != 0);
}

static void load_all(ctrd_client *client, const struct shared *shared, int64_t from_ns,
		     int64_t to_ns)
{
	for (int first = 0; first < shared->count; first += AT_ONCE) {
		ctrd_op *ops[AT_ONCE];
		ctrd_stdio stdio[AT_ONCE];
		int out[AT_ONCE];
		int n = shared->count - first < AT_ONCE ? shared->count - first : AT_ONCE;
		for (int i = 0; i < n; i++) {
			char id[32];
			id_of(first + i, id);
			stdio[i] = host_out_to(&out[i]);
			ops[i] = host_load(client, id, &stdio[i]);
		}
		for (int i = 0; i < n; i++) {
			char text[64];
			bool ended = (first + i) % 2 == 0;
			check_loaded(ops[i], shared, first + i, ended, from_ns, to_ns);
			text_of(first + i, text);
			check_output(out[i], text, ended);
		}
	}
}

static void drive_to_end(ctrd_client *client, const char *id, const char *process)
{
	host_must_pid(host_exec(client, id, "e", process, NULL));
	ctrd_exit exit = host_must_exit(host_wait(client, id, "e"));
	host_check_code(&exit, 9);
	host_must(host_pause(client, id));
	CHECK_INT(host_must_state(host_status(client, id)), CTRD_TASK_PAUSED);
	host_must(host_resume(client, id));
	host_must(host_signal(client, id, CTRD_INIT_PROCESS, SIGKILL));
	exit = host_must_exit(host_wait(client, id, CTRD_INIT_PROCESS));
	host_check_signal(&exit, SIGKILL);
}

/* While nobody watches. */
static void end_half(const struct shared *shared)
{
	int pidfds[CONTAINERS];
	for (int i = 0; i < shared->count; i += 2) {
		pidfds[i] = host_pidfd(shared->pid[i]);
		CHECK_INT(kill(shared->pid[i], SIGUSR1), 0);
	}
	for (int i = 0; i < shared->count; i += 2)
		host_await_pidfd(pidfds[i]);
}

TEST_TIMEOUT(containers_outlive_the_embedder, 300)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	host_begin();
	shared->count = test_scale(CONTAINERS);
	if (shared->count < 2)
		shared->count = 2;
	pid_t child = host_fork(embedder, shared);
	host_reap(child);

	/* The clock of exits is the kernel's tick: a little behind ours. */
	int64_t from_ns = host_realtime_ns() - 20000000;
	end_half(shared);

	ctrd_client *client = host_open();
	ctrd_op *list = host_list(client);
	size_t count = 0;
	CHECK_INT(host_await(list), 0);
	CHECK_INT(ctrd_op_get_count(list, &count), 0);
	CHECK_INT(count, shared->count);
	ctrd_op_unref(list);
	/* The end of a process is seen before its monitor has been told: at most a moment later. */
	load_all(client, shared, from_ns, host_realtime_ns() + 1000000000);

	char *process = test_process("sh", "-c", "exit 9", NULL);
	for (int i = 0; i < shared->count; i++) {
		char id[32];
		id_of(i, id);
		if (i % 2 == 1)
			drive_to_end(client, id, process);
		ctrd_exit exit = host_must_exit(host_task_delete(client, id));
		if (i % 2 == 0)
			host_check_code(&exit, code_of(i));
		host_must(host_delete(client, id));
	}
	free(process);
	host_close(client);
	host_end();
	munmap(shared, sizeof(*shared));
}

/* Who dies while handling an exit gets it again. */
TEST(an_exit_is_told_to_each_client_until_the_task_is_deleted)
{
	host_begin();
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "sh", "-c", "exit 77", NULL);
	host_make(client, "c", spec, NULL);
	free(spec);
	ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_check_code(&exit, 77);
	host_close(client);
	for (int i = 0; i < 3; i++) {
		client = host_open();
		ctrd_load_result load = host_must_load(host_load(client, "c", NULL));
		CHECK_INT(load.alive, 0);
		CHECK_INT(load.state, CTRD_TASK_STOPPED);
		host_check_code(&load.exit, 77);
		host_close(client);
	}
	client = host_open();
	exit = host_must_exit(host_task_delete(client, "c"));
	host_check_code(&exit, 77);
	host_must(host_delete(client, "c"));
	host_close(client);
	host_end();
}
