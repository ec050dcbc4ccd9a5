/*
 * Execs: a further process in a running container, made by the runtime's exec inside the monitor, whose child it becomes.
 *
 * Invariant: a member is in its cell from before the command runs, so that an end that comes early is kept; if the command
 * fails the member goes again.
 */
#include "local/linux/local.h"

#include "local/linux/pidfd.h"
#include "spec_check.h"
#include "util/file.h"
#include "util/os.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_MAX   (64u << 20)
#define KILL_WAIT_MS 10000u

struct exec {
	struct ctrd__job job;
	struct ctrd__stdio_fds stdio;
	int null[3];
	int image;
	int exit_status;
	bool added;
	ctrd_error *why;
	char name[CTRD_ID_MAX + 16]; /* exec-ID.json */
};

static struct exec *exec_of(struct ctrd__job *job)
{
	return ctrd__container_of(job, struct exec, job);
}

static void destroy(struct ctrd__job *job)
{
	struct exec *exec = exec_of(job);

	ctrd__stdio_fds_close(&exec->stdio);
	ctrd__wire_close_fds(exec->null, 3);
	ctrd__close_fd(&exec->image);
	exec->why = ctrd_error_unref(exec->why);
}

static void failed(struct ctrd__job *job, ctrd_error *error)
{
	if (exec_of(job)->added)
		ctrd__cell_remove(job->cell, job->op->process_id);
	ctrd__job_finish(job, error);
}

static int read_log(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct exec *exec = exec_of(job);
	ctrd_error *error = ctrd__oci_error(job->box, job->op->process_id,
					    ctrd__verb_name(job->op->verb), exec->exit_status);

	(void)unlinkat(job->box->dir_fd, exec->name, 0);
	return ctrd__error_return(error, ret_error);
}

/*
 * Undoing an exec whose caller refused its streams, or is not there any more.
 */

static void forgotten(struct ctrd__job *job, struct ctrd__answer *answer)
{
	(void)answer;
	ctrd__client_forget_process(job->local->client, job->cell->id, job->op->process_id);
	ctrd__cell_remove(job->cell, job->op->process_id);
	ctrd__job_finish(job, ctrd__take_ptr(exec_of(job)->why));
}

static void killed(struct ctrd__job *job)
{
	const char *id = job->op->process_id;
	struct ctrd__wire_head head = {.type = CTRD__REQ_FORGET};

	(void)unlinkat(job->box->dir_fd, exec_of(job)->name, 0);
	if (job->cell->monitor)
		ctrd__job_ask(job, job->cell->monitor, &head, id, strlen(id) + 1, NULL, 0,
			      forgotten);
	else
		forgotten(job, NULL);
}

static void undo(struct ctrd__job *job, struct ctrd__member *member, ctrd_error *error)
{
	struct exec *exec = exec_of(job);

	exec->added = false;
	exec->why = error;
	job->fail = NULL;
	if (member->pidfd >= 0)
		(void)ctrd__pidfd_signal(member->pidfd, SIGKILL);
	ctrd__cell_wait_exit(job, job->op->process_id, KILL_WAIT_MS, killed);
}

/*
 * Making one.
 */

static void take_answer(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct exec *exec = exec_of(job);
	struct ctrd__cell *cell = job->cell;
	const char *id = job->op->process_id;
	struct ctrd__member *member = ctrd__cell_member(cell, id);
	int ours[3];
	int terminal = -1;
	ctrd_error *error = NULL;
	size_t n = 0;

	if (!member || cell->task == 0) {
		ctrd__job_failf(job, CTRD_EABORTED,
				"container \"%s\": its task was deleted meanwhile", cell->id);
		return;
	}
	member->pid = answer->head.pid;
	member->start_time = answer->head.start_time;
	member->inode = answer->head.inode;
	member->time_ns = answer->head.time_ns;
	member->started = true;
	if (answer->head.flags & CTRD__RUN_PIDFD && n < answer->fd_count) {
		int pidfd = ctrd__take_fd(answer->fds[n++]);

		if (member->ended)
			ctrd__close_fd(&pidfd);
		member->pidfd = pidfd;
	}
	if (answer->head.flags & CTRD__RUN_TERMINAL && n < answer->fd_count) {
		terminal = ctrd__take_fd(answer->fds[n++]);
		member->has_terminal = true;
		member->terminal = ctrd__fd_dup(terminal);
	}
	member->told = true;
	job->op->task = cell->task;
	ctrd__cell_emit(cell, CTRD_EVENT_EXEC_ADDED, id, 0, answer->head.time_ns);
	ctrd__cell_emit(cell, CTRD_EVENT_EXEC_STARTED, id, member->pid, answer->head.time_ns);
	for (size_t i = 0; i < 3; i++)
		ours[i] = ctrd__take_fd(exec->stdio.ours[i]);
	if (terminal >= 0)
		ours[1] = terminal;
	if (ctrd__stdio_attach(job->local->client, cell->id, id, job->op->request.stdio, ours,
			       &error) < 0) {
		undo(job, member, error);
		return;
	}
	member->exit.task = cell->task;
	ctrd__cell_tell_exit(cell, member);
	exec->added = false;
	job->op->result.pid = member->pid;
	job->op->result.has |= CTRD__HAS_PID;
	ctrd__job_finish(job, NULL);
}

static void answered(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct exec *exec = exec_of(job);

	if (!answer) {
		ctrd__job_failf(job, CTRD_EUNAVAILABLE, "container \"%s\": the monitor is gone",
				job->cell->id);
	} else if (answer->head.status == CTRD_EEXISTS) {
		ctrd__job_failf(job, CTRD_EEXISTS, "process \"%s\": the id is in use",
				job->op->process_id);
	} else if (answer->head.status < 0) {
		ctrd__job_failf(job, answer->head.status,
				"process \"%s\": the runtime cannot be executed (%s)",
				job->op->process_id, ctrd_status_name(answer->head.status));
	} else if (answer->head.exit_status != 0) {
		exec->exit_status = answer->head.exit_status;
		ctrd__job_work(job, read_log, NULL);
	} else {
		take_answer(job, answer);
	}
}

static char *exec_text(struct ctrd__job *job, bool terminal, size_t *ret_len)
{
	struct ctrd__command command;
	CTRD__AUTO_STR struct ctrd__str file = CTRD__STR_INIT;

	ctrd__str_appendf(&file, "%s/%s", job->box->path, exec_of(job)->name);
	ctrd__oci_begin(&command, job->local, job->box, "exec", job->op->process_id);
	command.args.oom |= file.oom;
	ctrd__oci_add(&command, "--process");
	ctrd__oci_add(&command, file.data ? file.data : "");
	ctrd__oci_add(&command, "--detach");
	ctrd__oci_add(&command, "--pid-file");
	ctrd__oci_add(&command, "@pidfile@");
	if (terminal) {
		ctrd__oci_add(&command, "--console-socket");
		ctrd__oci_add(&command, "@console@");
	}
	ctrd__oci_add(&command, job->box->id);
	return ctrd__oci_text(&command, job->local, job->op->process_id, ret_len);
}

static void prepared(struct ctrd__job *job)
{
	static const uint32_t keep[] = {CTRD__RUN_KEEP_IN, CTRD__RUN_KEEP_OUT, CTRD__RUN_KEEP_ERR};
	struct ctrd__wire_head head = {
		.type = CTRD__REQ_RUN, .kind = CTRD__KIND_EXEC, .flags = CTRD__RUN_PIDFILE};
	struct exec *exec = exec_of(job);
	struct ctrd__stdio *stdio = job->op->request.stdio;
	struct ctrd__cell *cell = job->cell;
	char *CTRD__AUTO_FREE text = NULL;
	size_t count = 4;
	int theirs[3];
	int fds[7];
	size_t len;

	if (!cell->monitor || cell->state != CTRD_TASK_RUNNING) {
		ctrd__job_failf(job, CTRD_EPRECONDITION, "container \"%s\": it does not run",
				cell->id);
		return;
	}
	if (ctrd__cell_member(cell, job->op->process_id)) {
		ctrd__job_failf(job, CTRD_EEXISTS, "process \"%s\": the id is in use",
				job->op->process_id);
		return;
	}
	if (!ctrd__cell_add(cell, job->op->process_id)) {
		ctrd__job_fail(job, ctrd__error_nomem());
		return;
	}
	exec->added = true;
	head.oom_score = job->local->oom_score;
	fds[0] = exec->image;
	for (size_t i = 0; i < 3; i++) {
		theirs[i] = ctrd__take_fd(exec->stdio.process[i]);
		fds[1 + i] = theirs[i] >= 0 ? theirs[i] : exec->null[i];
	}
	for (size_t i = 0; i < 3; i++) {
		if (exec->stdio.ours[i] < 0 || (i == 0 && ctrd__stdio_stdin_once(stdio)))
			continue;
		fds[count++] = exec->stdio.ours[i];
		head.flags |= keep[i];
	}
	if (ctrd__stdio_is_terminal(stdio)) {
		head.flags |= CTRD__RUN_TERMINAL;
		ctrd__stdio_size(stdio, &head.columns, &head.rows);
	}
	text = exec_text(job, ctrd__stdio_is_terminal(stdio), &len);
	if (text)
		ctrd__job_ask(job, cell->monitor, &head, text, len, fds, count, answered);
	else
		ctrd__job_fail(job, ctrd__error_nomem());
	ctrd__wire_close_fds(theirs, 3);
}

static int write_process(struct ctrd__job *job, ctrd_error **ret_error)
{
	CTRD__AUTO_JSON struct ctrd__json *process = NULL;
	CTRD__AUTO_JSON struct ctrd__json *config = NULL;
	char *CTRD__AUTO_FREE config_text = NULL;
	char *CTRD__AUTO_FREE text = NULL;
	bool terminal = ctrd__stdio_is_terminal(job->op->request.stdio);
	bool wanted = false;
	size_t len = 0;
	int r;

	r = ctrd__process_check(job->op->request.json, job->op->request.json_length, &process,
				ret_error);
	if (r < 0)
		return r;
	(void)ctrd__json_bool(ctrd__json_object_get(process, "terminal"), &wanted);
	if (wanted && !terminal)
		return ctrd__error_return(
			ctrd__error_new(
				CTRD_EINVAL, "local", 0, NULL,
				"process: terminal: true, but stdio has not the flag TERMINAL"),
			ret_error);
	r = ctrd__file_read_at(job->box->dir_fd, "config.json", CONFIG_MAX, &config_text, &len);
	if (r == CTRD_OK)
		r = ctrd__json_parse(config_text, len, CTRD__JSON_DEPTH_MAX, CONFIG_MAX, &config,
				     NULL);
	if (r < 0)
		return ctrd__error_return(
			ctrd__error_new(r == CTRD_ENOMEM ? r : CTRD_EDATALOSS, "local", 0, NULL,
					"container \"%s\": config.json cannot be read",
					job->box->id),
			ret_error);
	if (ctrd__spec_exec_process(ctrd__json_object_get(config, "process"), process) < 0 ||
	    ctrd__json_object_set(process, "terminal", ctrd__json_new_bool(terminal)) < 0 ||
	    ctrd__json_print(process, &text, &len) < 0)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	r = ctrd__file_write_at(job->box->dir_fd, exec_of(job)->name, text, len, 0600, false);
	if (r < 0) {
		int err = errno;

		return ctrd__error_return(ctrd__error_new(r, "local", err, NULL,
							  "container \"%s\": %s: %s", job->box->id,
							  exec_of(job)->name, strerror(err)),
					  ret_error);
	}
	return CTRD_OK;
}

static int prepare(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct exec *exec = exec_of(job);
	enum ctrd__cgroup_state freezer = CTRD__CGROUP_THAWED;
	int r;

	r = ctrd__job_lock(job, false, ret_error);
	if (r < 0)
		return r;
	if (job->group && ctrd__cgroup_state(&job->group->cgroup, &freezer) == CTRD_OK &&
	    freezer != CTRD__CGROUP_THAWED)
		return ctrd__error_return(ctrd__error_new(CTRD_EPRECONDITION, "local", 0, NULL,
							  "container \"%s\": it is paused",
							  job->box->id),
					  ret_error);
	r = write_process(job, ret_error);
	if (r == CTRD_OK)
		r = ctrd__stdio_open(job->op->request.stdio, job->box->uid, job->box->gid,
				     &exec->stdio, ret_error);
	if (r == CTRD_OK)
		r = ctrd__local_open_null(exec->null, ret_error);
	if (r == CTRD_OK)
		r = ctrd__runtime_open(job->local, job->box, &exec->image, ret_error);
	if (r < 0)
		(void)unlinkat(job->box->dir_fd, exec->name, 0);
	return r;
}

static void exec_found(struct ctrd__job *job)
{
	const char *id = job->op->process_id;

	if (job->cell->state != CTRD_TASK_RUNNING) {
		ctrd__job_failf(job, CTRD_EPRECONDITION, "container \"%s\": it does not run",
				job->cell->id);
		return;
	}
	if (ctrd__cell_member(job->cell, id)) {
		ctrd__job_failf(job, CTRD_EEXISTS, "process \"%s\": the id is in use", id);
		return;
	}
	job->fail = failed;
	ctrd__job_work(job, prepare, prepared);
}

void ctrd__local_exec(ctrd_op *op)
{
	struct exec *exec = ctrd__job_new(ctrd__local_of(op), op, sizeof(*exec), destroy);

	if (!exec)
		return;
	exec->stdio = (struct ctrd__stdio_fds)CTRD__STDIO_FDS_INIT;
	exec->image = -1;
	for (size_t i = 0; i < 3; i++)
		exec->null[i] = -1;
	(void)snprintf(exec->name, sizeof(exec->name), "exec-%s.json", op->process_id);
	ctrd__local_lookup(&exec->job, exec_found);
}

/*
 * Forgetting one that has ended.
 */

static void process_deleted(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct ctrd__member *member = ctrd__cell_member(job->cell, job->op->process_id);

	(void)answer;
	if (member) {
		job->op->result.exit = member->exit;
		job->op->result.has |= CTRD__HAS_EXIT;
		ctrd__client_forget_process(job->local->client, job->cell->id, job->op->process_id);
		ctrd__cell_remove(job->cell, job->op->process_id);
	}
	ctrd__job_finish(job, NULL);
}

static int remove_files(struct ctrd__job *job, ctrd_error **ret_error)
{
	char name[CTRD__RECORD_NAME_SIZE];

	(void)ret_error;
	ctrd__oci_drop_log(job->box, job->op->process_id);
	(void)unlinkat(job->box->dir_fd, exec_of(job)->name, 0);
	/* A monitor does that itself; there may be none. */
	ctrd__record_name(name, job->op->process_id);
	(void)unlinkat(job->box->dir_fd, name, 0);
	return CTRD_OK;
}

static void files_removed(struct ctrd__job *job)
{
	const char *id = job->op->process_id;
	struct ctrd__wire_head head = {.type = CTRD__REQ_FORGET};

	if (job->cell->monitor)
		ctrd__job_ask(job, job->cell->monitor, &head, id, strlen(id) + 1, NULL, 0,
			      process_deleted);
	else
		process_deleted(job, NULL);
}

static void process_ended(struct ctrd__job *job)
{
	struct ctrd__member *member = ctrd__cell_member(job->cell, job->op->process_id);

	if (member && !member->ended) {
		ctrd__job_failf(job, CTRD_EPRECONDITION, "process \"%s\": it runs", member->id);
		return;
	}
	ctrd__job_work(job, remove_files, files_removed);
}

static void process_delete_found(struct ctrd__job *job)
{
	struct ctrd__member *member = ctrd__cell_member(job->cell, job->op->process_id);

	if (!member || !member->told) {
		ctrd__job_failf(job, CTRD_ENOTFOUND, "process \"%s\": no such process",
				job->op->process_id);
		return;
	}
	job->op->task = job->cell->task;
	if (member->ended || !(job->op->internal & CTRD__OP_FORCE)) {
		process_ended(job);
		return;
	}
	if (member->pidfd >= 0)
		(void)ctrd__pidfd_signal(member->pidfd, SIGKILL);
	ctrd__cell_wait_exit(job, job->op->process_id, KILL_WAIT_MS, process_ended);
}

void ctrd__local_process_delete(ctrd_op *op)
{
	struct exec *exec;

	if (strcmp(op->process_id, CTRD_INIT_PROCESS) == 0) {
		ctrd__local_task_delete(op);
		return;
	}
	exec = ctrd__job_new(ctrd__local_of(op), op, sizeof(*exec), destroy);
	if (!exec)
		return;
	exec->stdio = (struct ctrd__stdio_fds)CTRD__STDIO_FDS_INIT;
	exec->image = -1;
	for (size_t i = 0; i < 3; i++)
		exec->null[i] = -1;
	(void)snprintf(exec->name, sizeof(exec->name), "exec-%s.json", op->process_id);
	ctrd__local_lookup(&exec->job, process_delete_found);
}
