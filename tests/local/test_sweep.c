/*
 * SIGKILL in the middle: of the embedder, of the helper, of the runtime's command, while a call is under
 * way. Kill times are swept over the duration of the call, which is measured first. Afterwards a new
 * client finds the container gone, or can use it and delete it; and nothing is left.
 */
#include "host.h"
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { STEPS = 14, MEASURED = 2 };

enum victim { NOBODY, EMBEDDER, HELPER, RUNTIME };

struct call {
	const char *name;
	void (*prepare)(ctrd_client *client);
	ctrd_op *(*begin)(ctrd_client *client);
};

static struct shared {
	atomic_int status;
	int64_t took_us;
} * shared;

static const struct call *current;
static int go[2];   /* the parent lets the call begin */
static int done[2]; /* the child says that it has ended */

static char *make_spec(void)
{
	return test_spec(test_bundle(), "sleep", "1000", NULL);
}

static void prepare_nothing(ctrd_client *client)
{
	(void)client;
}

static void prepare_container(ctrd_client *client)
{
	char *spec = make_spec();
	host_must(host_create(client, "c", spec));
	free(spec);
}

static void prepare_task(ctrd_client *client)
{
	prepare_container(client);
	host_must(host_task_create(client, "c", NULL));
}

static void prepare_running(ctrd_client *client)
{
	prepare_container(client);
	host_must(host_start(client, "c", NULL));
}

static ctrd_op *begin_create(ctrd_client *client)
{
	char *spec = make_spec();
	ctrd_op *op = host_create(client, "c", spec);
	free(spec);
	return op;
}

static ctrd_op *begin_task_create(ctrd_client *client)
{
	return host_task_create(client, "c", NULL);
}

static ctrd_op *begin_start(ctrd_client *client)
{
	return host_start(client, "c", NULL);
}

static ctrd_op *begin_exec(ctrd_client *client)
{
	char *process = test_process("sleep", "1000", NULL);
	ctrd_op *op = host_exec(client, "c", "e", process, NULL);
	free(process);
	return op;
}

static ctrd_op *begin_delete(ctrd_client *client)
{
	return host_delete_by_force(client, "c");
}

static const struct call create_call = {"create", prepare_nothing, begin_create};
static const struct call task_create_call = {"task create", prepare_container, begin_task_create};
static const struct call start_call = {"start", prepare_task, begin_start};
static const struct call whole_start_call = {"create and start", prepare_container, begin_start};
static const struct call exec_call = {"exec", prepare_running, begin_exec};
static const struct call delete_call = {"delete", prepare_running, begin_delete};

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void embedder(void *data)
{
	char word;
	(void)data;
	ctrd_client *client = host_open();
	current->prepare(client);
	host_child_ready();
	CHECK_INT(read(go[0], &word, 1), 1);
	int64_t begin = now_us();
	ctrd_op *op = current->begin(client);
	atomic_store(&shared->status, host_try(op));
	shared->took_us = now_us() - begin;
	CHECK_INT(write(done[1], "d", 1), 1);
}

/* True when the call ended within the time. */
static bool await_end(int64_t us)
{
	struct pollfd poll_fd = {.fd = done[0], .events = POLLIN};
	struct timespec timeout = {us / 1000000, us % 1000000 * 1000};
	int r;
	while ((r = ppoll(&poll_fd, 1, &timeout, NULL)) < 0 && errno == EINTR)
		;
	return r == 1;
}

/* What a client that comes afterwards can do. The container is gone when this returns. */
static void check_usable(void)
{
	ctrd_client *client = host_open();
	ctrd_op *op = host_load(client, "c", NULL);
	int status = host_await(op);
	if (status == 0) {
		ctrd_load_result load = CTRD_LOAD_RESULT_INIT;
		CHECK_INT(ctrd_op_get_load(op, &load), 0);
		test_note("found in state %u", load.state);
		if (load.state == CTRD_TASK_NONE || load.state == CTRD_TASK_CREATED) {
			host_must(host_start(client, "c", NULL));
			load.state = CTRD_TASK_RUNNING;
		}
		if (load.state == CTRD_TASK_RUNNING) {
			char *process = test_process("true", NULL);
			host_must(host_exec(client, "c", "after", process, NULL));
			free(process);
			ctrd_exit exit = host_must_exit(host_wait(client, "c", "after"));
			host_check_code(&exit, 0);
		}
		host_must(host_delete_by_force(client, "c"));
	} else if (status != CTRD_ENOTFOUND) {
		FAIL("load: %s: %s", ctrd_status_name(status),
		     ctrd_error_message(ctrd_op_error(op)));
	}
	ctrd_op_unref(op);

	/* The id is free. */
	char *spec = test_spec(test_bundle(), "true", NULL);
	ctrd_exit exit = host_must_exit(host_run(client, "c", spec, NULL));
	host_check_code(&exit, 0);
	free(spec);
	host_close(client);
	host_check_clean();
}

/* One call, with a kill after so many microseconds. True when somebody was hit. */
static bool kill_once(enum victim victim, int64_t at_us)
{
	CHECK_INT(pipe(go), 0);
	CHECK_INT(pipe(done), 0);
	pid_t child = host_fork(embedder, NULL);
	test_note("%s: killing %d after %lld us", current->name, (int)victim, (long long)at_us);
	CHECK_INT(write(go[1], "g", 1), 1);
	pid_t pid = 0;
	if (victim != NOBODY && !await_end(at_us)) {
		pid = victim == EMBEDDER ? child : host_find_worker(victim == RUNTIME);
		if (pid != 0)
			kill(pid, SIGKILL);
	}
	if (victim != EMBEDDER && !await_end((int64_t)test_timeout_ms(50000) * 1000))
		FAIL("%s does not end when %s is killed after %lld us", current->name,
		     victim == HELPER ? "the helper" : "the runtime", (long long)at_us);
	host_reap(child);
	close(go[0]);
	close(go[1]);
	close(done[0]);
	close(done[1]);
	return pid != 0;
}

static int64_t measure(void)
{
	int64_t longest = 0;
	for (int i = 0; i < MEASURED; i++) {
		kill_once(NOBODY, 0);
		CHECK_INT(atomic_load(&shared->status), 0);
		if (shared->took_us > longest)
			longest = shared->took_us;
		check_usable();
	}
	return longest;
}

static void sweep(const struct call *call, enum victim victim)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	host_begin();
	current = call;
	int64_t duration = measure();
	/* Without their helper processes are PID 1's to collect, which takes seconds on some machines. */
	int steps = test_scale(victim == HELPER ? STEPS / 2 : STEPS), hits = 0;
	if (steps < 3)
		steps = 3;
	for (int i = 0; i < steps; i++) {
		hits += kill_once(victim, duration * i / (steps - 1));
		check_usable();
	}
	test_note("%s takes %lld us; %d of %d kills hit", call->name, (long long)duration, hits,
		  steps);
	host_end();
	munmap(shared, sizeof(*shared));
}

#define SWEEP(name, call, victim)     \
	TEST_TIMEOUT(name, 120)       \
	{                             \
		sweep(&call, victim); \
	}

SWEEP(embedder_killed_in_create, create_call, EMBEDDER)
SWEEP(embedder_killed_in_task_create, task_create_call, EMBEDDER)
SWEEP(embedder_killed_in_start, start_call, EMBEDDER)
SWEEP(embedder_killed_in_create_and_start, whole_start_call, EMBEDDER)
SWEEP(embedder_killed_in_exec, exec_call, EMBEDDER)
SWEEP(embedder_killed_in_delete, delete_call, EMBEDDER)
SWEEP(helper_killed_in_task_create, task_create_call, HELPER)
SWEEP(helper_killed_in_start, start_call, HELPER)
SWEEP(helper_killed_in_exec, exec_call, HELPER)
SWEEP(helper_killed_in_delete, delete_call, HELPER)
SWEEP(runtime_killed_in_task_create, task_create_call, RUNTIME)
SWEEP(runtime_killed_in_start, start_call, RUNTIME)
SWEEP(runtime_killed_in_exec, exec_call, RUNTIME)
SWEEP(runtime_killed_in_delete, delete_call, RUNTIME)
