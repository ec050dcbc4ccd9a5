/*
 * A place for real containers: a state directory, a cgroup parent and ids that belong to this test
 * alone, short forms of the calls, and a look at what is left.
 *
 *	host_begin();
 *	ctrd_client *client = host_open();
 *	host_make(client, "c", spec);
 *	...
 *	host_close(client);
 *	host_end();
 *
 * host_begin() puts the test into a cgroup of its own, so that every process that comes of it can be
 * found by /proc/PID/cgroup, wherever it was reparented to. host_end() fails the test when a process, a
 * cgroup, a mount or a file is left. A janitor in another session removes all of it when the test is
 * cut short.
 *
 * Only the public interface of the library is used here, and in the tests that use this.
 */
#ifndef TESTS_HOST_H
#define TESTS_HOST_H

#include "bundle.h"

#include <libctrd/libctrd.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

void host_begin(void);
/* The state directory is one that the test has made; host_end() leaves it alone when it is empty. */
void host_begin_at(const char *state_dir);
void host_end(void);
/* No process, cgroup, mount or file is left; or the test fails. */
void host_check_clean(void);

const char *host_tag(void); /* in every cgroup path of this test, and in no other */
const char *host_state_dir(void);
const char *host_name_space(void);
const char *host_runtime(void); /* CTRD_TEST_RUNTIME, else what works in this cgroup layout */

/*
 * Clients.
 */
ctrd_client *host_open(void);
ctrd_client *host_open_with(uint32_t flags, ctrd_event_handler events);
/* What host_open() opens with, for tests that change it. */
ctrd_client_options host_options(void);
void host_close(ctrd_client *client);

/*
 * Calls. Each gives its op, to be ended by one of host_must*() or host_try(), or with ctrd_op_unref().
 */
#define HOST_NO_DONE ((ctrd_done){NULL, NULL, NULL})
ctrd_op *host_create(ctrd_client *client, const char *id, const char *spec);
ctrd_op *host_task_create(ctrd_client *client, const char *id, const ctrd_stdio *stdio);
ctrd_op *host_start(ctrd_client *client, const char *id, const ctrd_stdio *stdio);
ctrd_op *host_exec(ctrd_client *client, const char *id, const char *process_id, const char *process,
		   const ctrd_stdio *stdio);
ctrd_op *host_signal(ctrd_client *client, const char *id, const char *process_id, int signal);
ctrd_op *host_wait(ctrd_client *client, const char *id, const char *process_id);
ctrd_op *host_process_delete(ctrd_client *client, const char *id, const char *process_id);
ctrd_op *host_task_delete(ctrd_client *client, const char *id);
ctrd_op *host_delete(ctrd_client *client, const char *id);
ctrd_op *host_delete_by_force(ctrd_client *client, const char *id);
ctrd_op *host_load(ctrd_client *client, const char *id, const ctrd_stdio *stdio);
ctrd_op *host_pause(ctrd_client *client, const char *id);
ctrd_op *host_resume(ctrd_client *client, const char *id);
ctrd_op *host_status(ctrd_client *client, const char *id);
ctrd_op *host_list(ctrd_client *client);
ctrd_op *host_run(ctrd_client *client, const char *id, const char *spec, const ctrd_stdio *stdio);

/* Wait until the op has ended, and drop it. The must ones fail the test when the op failed. */
int host_try(ctrd_op *op);
void host_must(ctrd_op *op);
uint32_t host_must_pid(ctrd_op *op);
uint32_t host_must_state(ctrd_op *op);
ctrd_exit host_must_exit(ctrd_op *op);
ctrd_load_result host_must_load(ctrd_op *op);
/* Wait, and keep it. */
int host_await(ctrd_op *op);

/* Create and start, and the pid. */
uint32_t host_make(ctrd_client *client, const char *id, const char *spec, const ctrd_stdio *stdio);
/* It ended by itself with this code; or by this signal. */
void host_check_code(const ctrd_exit *exit, int code);
void host_check_signal(const ctrd_exit *exit, int signal);

/*
 * Specs that run tests/local/actor.c. To be freed with free().
 */
char *host_actor(const char *verb, const char *arg1, const char *arg2);
char *host_actor_with(test_spec_change change, void *data, const char *verb, const char *arg1,
		      const char *arg2);

/* Streams whose reading end of stdout goes to *ret_fd. */
ctrd_stdio host_out_to(int *ret_fd);

/*
 * Looking around. Lists of pids end with 0 and are to be freed with free().
 */
pid_t *host_pids(void); /* every process with our tag in a cgroup, but this one */
bool host_pid_is_in(pid_t pid, const char *cgroup);
pid_t *host_monitors(void);
size_t host_monitor_count(void);
/* The helper or, with `of_runtime`, a command of the runtime, that is at work now; 0 when there is none. */
pid_t host_find_worker(bool of_runtime);
size_t host_count(const pid_t *pids);
void host_kill(pid_t pid); /* SIGKILL, and wait until it has gone */
int host_pidfd(pid_t pid);
void host_await_pidfd(int pidfd); /* its end; closes it */
bool host_has_exit_info(void);	  /* the kernel tells exit codes to strangers: 6.15 */
int64_t host_realtime_ns(void);

/*
 * Processes that stand for embedders. The child runs fn and stays until it is killed; the parent goes
 * on once fn has called host_child_ready().
 */
pid_t host_fork(void (*fn)(void *data), void *data);
void host_child_ready(void);
void host_reap(pid_t pid); /* SIGKILL, and collect it */

/* What a life may not change, as text, one item a line; to be freed with free(). */
char *host_snapshot(void);

#endif
