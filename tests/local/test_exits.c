/*
 * How processes end, and that it is told truly: every exit code, every usual death.
 */
#include "host.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { AT_ONCE = 8 };

static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGKILL, SIGSEGV, SIGTERM};
#define SIGNAL_COUNT (sizeof(signals) / sizeof(*signals))

/* The codes that this run looks at: all of them, or at a scale, some, and always the ends. */
static int next_code(int code)
{
	int step = 256 / test_scale(256);
	if (code == 255)
		return 256;
	return code + step > 255 ? 255 : code + step;
}

static void check_codes(ctrd_client *client, ctrd_op *(*begin)(ctrd_client *, int),
			void (*end)(ctrd_client *, int, ctrd_op *))
{
	for (int code = 0; code <= 255;) {
		ctrd_op *ops[AT_ONCE];
		int codes[AT_ONCE], count = 0;
		for (; count < AT_ONCE && code <= 255; code = next_code(code)) {
			codes[count] = code;
			ops[count++] = begin(client, code);
		}
		for (int i = 0; i < count; i++)
			end(client, codes[i], ops[i]);
	}
}

static ctrd_op *run_init(ctrd_client *client, int code)
{
	char id[32], script[32];
	snprintf(id, sizeof(id), "c%d", code);
	snprintf(script, sizeof(script), "exit %d", code);
	char *spec = test_spec(test_bundle(), "sh", "-c", script, NULL);
	ctrd_op *op = host_run(client, id, spec, NULL);
	free(spec);
	return op;
}

static void end_init(ctrd_client *client, int code, ctrd_op *op)
{
	(void)client;
	ctrd_exit exit = host_must_exit(op);
	host_check_code(&exit, code);
}

TEST_TIMEOUT(exit_codes_of_init_are_true, 240)
{
	host_begin();
	ctrd_client *client = host_open();
	check_codes(client, run_init, end_init);
	host_close(client);
	host_end();
}

static ctrd_op *run_exec(ctrd_client *client, int code)
{
	char id[32], script[32];
	snprintf(id, sizeof(id), "e%d", code);
	snprintf(script, sizeof(script), "exit %d", code);
	char *process = test_process("sh", "-c", script, NULL);
	ctrd_op *op = host_exec(client, "c", id, process, NULL);
	free(process);
	return op;
}

static void end_exec(ctrd_client *client, int code, ctrd_op *op)
{
	char id[32];
	snprintf(id, sizeof(id), "e%d", code);
	host_must_pid(op);
	ctrd_exit exit = host_must_exit(host_wait(client, "c", id));
	host_check_code(&exit, code);
	exit = host_must_exit(host_process_delete(client, "c", id));
	host_check_code(&exit, code);
}

TEST_TIMEOUT(exit_codes_of_execs_are_true, 240)
{
	host_begin();
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "sleep", "1000", NULL);
	host_make(client, "c", spec, NULL);
	free(spec);
	check_codes(client, run_exec, end_exec);
	ctrd_exit exit = host_must_exit(host_delete_by_force(client, "c"));
	host_check_signal(&exit, SIGKILL);
	host_close(client);
	host_end();
}

TEST(init_of_a_pid_namespace_dies_by_kill)
{
	host_begin();
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "sleep", "1000", NULL);
	host_make(client, "c", spec, NULL);
	free(spec);
	host_must(host_signal(client, "c", CTRD_INIT_PROCESS, SIGKILL));
	ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_check_signal(&exit, SIGKILL);
	exit = host_must_exit(host_task_delete(client, "c"));
	host_check_signal(&exit, SIGKILL);
	host_must(host_delete(client, "c"));
	host_close(client);
	host_end();
}

TEST(init_of_a_pid_namespace_dies_by_fault)
{
	host_begin();
	ctrd_client *client = host_open();
	char *spec = host_actor("fault", NULL, NULL);
	ctrd_exit exit = host_must_exit(host_run(client, "c", spec, NULL));
	host_check_signal(&exit, SIGSEGV);
	free(spec);
	host_close(client);
	host_end();
}

TEST(execs_die_by_each_signal)
{
	host_begin();
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "sleep", "1000", NULL);
	host_make(client, "c", spec, NULL);
	free(spec);
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		char id[16];
		snprintf(id, sizeof(id), "e%d", signals[i]);
		char *process = test_process("sleep", "1000", NULL);
		host_must_pid(host_exec(client, "c", id, process, NULL));
		free(process);
		host_must(host_signal(client, "c", id, signals[i]));
		ctrd_exit exit = host_must_exit(host_wait(client, "c", id));
		host_check_signal(&exit, signals[i]);
	}
	host_must(host_delete_by_force(client, "c"));
	host_close(client);
	host_end();
}

TEST(init_of_the_hosts_pid_namespace_dies_by_each_signal)
{
	host_begin();
	ctrd_client *client = host_open();
	char *spec = test_spec_with(test_bundle(), test_spec_host_pid, NULL, "sleep", "1000", NULL);
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		host_make(client, "c", spec, NULL);
		host_must(host_signal(client, "c", CTRD_INIT_PROCESS, signals[i]));
		ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
		host_check_signal(&exit, signals[i]);
		host_must_exit(host_task_delete(client, "c"));
		host_must(host_delete(client, "c"));
	}
	free(spec);
	host_close(client);
	host_end();
}

TEST(exec_dies_by_fault)
{
	host_begin();
	ctrd_client *client = host_open();
	char *spec = host_actor("sleep", NULL, NULL);
	host_make(client, "c", spec, NULL);
	free(spec);
	char *process = test_process("/tmp/actor", "fault", NULL);
	host_must_pid(host_exec(client, "c", "e", process, NULL));
	free(process);
	ctrd_exit exit = host_must_exit(host_wait(client, "c", "e"));
	host_check_signal(&exit, SIGSEGV);
	host_must(host_delete_by_force(client, "c"));
	host_close(client);
	host_end();
}
