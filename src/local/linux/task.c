/*
 * The life of a task: made by the runtime's create in a new monitor, begun by start, torn down by delete. Nothing else
 * makes or ends one.
 *
 * Invariant: a create that fails, wherever it fails, leaves no process, no control group, no record and no monitor.
 * Whoever is killed in the middle leaves a state that the next look-up recognizes: the file `monitor` is made first and
 * removed last.
 */
#include "local/linux/local.h"

#include "local/linux/pidfd.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#define MONITOR_CGROUPS_MAX 14u
#define KILL_WAIT_MS	    10000u
#define RELEASE_WAIT_MS	    1000u
#define STATE_MAX	    65536u

struct task {
	struct ctrd__job job;
	bool wants_start;
	bool made; /* by this job */
	bool cut;  /* something was left of a create that was cut */
	struct ctrd__stdio_fds stdio;
	int null[3];
	int image;
	int ns_fd; /* locked: the namespace is not removed meanwhile */
	int helper_fd;
	int procs[MONITOR_CGROUPS_MAX];
	size_t proc_count;
	int held; /* the answer to HOLD */
	int oom[2];
	struct ctrd__wire_head created;
	int pidfd;
	int terminal;
	int exit_status;
	int output; /* of the runtime's `state` */
	bool asked; /* whether the program runs although its start failed */
	bool runs;
	struct ctrd__group *group;
	ctrd_error *why;
};

static struct task *task_of(struct ctrd__job *job)
{
	return ctrd__container_of(job, struct task, job);
}

static void destroy(struct ctrd__job *job)
{
	struct task *task = task_of(job);

	ctrd__stdio_fds_close(&task->stdio);
	ctrd__wire_close_fds(task->null, 3);
	ctrd__close_fd(&task->image);
	if (task->ns_fd >= 0 && !job->local->inherited)
		(void)flock(task->ns_fd, LOCK_UN);
	ctrd__close_fd(&task->ns_fd);
	ctrd__close_fd(&task->helper_fd);
	ctrd__wire_close_fds(task->procs, task->proc_count);
	ctrd__wire_close_fds(task->oom, 2);
	ctrd__close_fd(&task->pidfd);
	ctrd__close_fd(&task->terminal);
	ctrd__close_fd(&task->output);
	task->group = ctrd__group_unref(task->group);
	task->why = ctrd_error_unref(task->why);
}

static struct task *new_task(ctrd_op *op)
{
	struct task *task = ctrd__job_new(ctrd__local_of(op), op, sizeof(*task), destroy);

	if (!task)
		return NULL;
	task->stdio = (struct ctrd__stdio_fds)CTRD__STDIO_FDS_INIT;
	task->image = task->ns_fd = task->helper_fd = task->pidfd = task->terminal = -1;
	task->output = -1;
	for (size_t i = 0; i < 3; i++)
		task->null[i] = -1;
	task->oom[0] = task->oom[1] = -1;
	return task;
}

int ctrd__local_spawn(struct ctrd__local *local, int *ret_fd, ctrd_error **ret_error)
{
	const char *path = ctrd__client_config(local->client)->helper_path;
	int r = CTRD_OK;
	int err;

	if (local->helper.fd < 0)
		r = ctrd__helper_image_open(path, &local->helper);
	if (r == CTRD_OK)
		r = ctrd__helper_spawn(&local->helper, ret_fd);
	if (r == CTRD_OK)
		return CTRD_OK;
	err = errno;
	return ctrd__error_return(ctrd__error_new(r, "local", err, NULL,
						  "helper program: cannot be started: %s",
						  strerror(err)),
				  ret_error);
}

void ctrd__local_monitor_fds(struct ctrd__local *local, int *fds, size_t max, size_t *ret_count)
{
	const struct ctrd__cgroup_layout *layout = ctrd__state_layout(local);
	size_t wanted = 0;

	*ret_count = 0;
	if (!layout || ctrd__cgroup_monitor_fds(layout, local->cgroup_parent, fds, max, ret_count,
						&wanted) < 0)
		*ret_count = 0;
	if (*ret_count < wanted)
		atomic_store(&local->cannot_outlive, true);
}

int ctrd__local_open_null(int ret_fds[3], ctrd_error **ret_error)
{
	for (size_t i = 0; i < 3; i++) {
		if (ret_fds[i] >= 0)
			continue;
		ret_fds[i] = ctrd__fd_above_2(open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY));
		if (ret_fds[i] < 0) {
			int err = errno;

			return ctrd__error_return(ctrd__error_new(ctrd__status_from_errno(err),
								  "local", err, NULL,
								  "/dev/null: %s", strerror(err)),
						  ret_error);
		}
	}
	return CTRD_OK;
}

/*
 * Tearing down.
 */

static void down_done(struct ctrd__job *job)
{
	struct ctrd__member *init = ctrd__cell_member(job->cell, CTRD_INIT_PROCESS);
	void (*next)(struct ctrd__job *) = job->down.next;

	if (init && init->ended) {
		job->down.has_exit = true;
		job->down.exit = init->exit;
	}
	job->down.helper = ctrd__monitor_free(job->down.helper);
	job->group = ctrd__group_unref(job->group);
	job->down.begun = false;
	job->fail = NULL;
	ctrd__cell_end_task(job->cell);
	next(job);
}

static void down_failed(struct ctrd__job *job, ctrd_error *error)
{
	ctrd__client_log(job->local->client, CTRD_LOG_WARNING, "container \"%s\": task delete: %s",
			 job->cell->id, ctrd_error_message(error));
	ctrd_error_unref(error);
	down_done(job);
}

/* Until it has hung up it is still there, in its control group. */
static void down_released(struct ctrd__job *job, struct ctrd__answer *answer)
{
	if (!answer || !job->cell->monitor) {
		down_done(job);
		return;
	}
	job->wait_for = "";
	ctrd__list_insert_tail(&job->cell->exit_waiters, &job->wait_node);
	ctrd__job_sleep(job, RELEASE_WAIT_MS, down_done);
}

static void down_release(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_RELEASE};

	if (job->cell->monitor)
		ctrd__job_ask(job, job->cell->monitor, &head, NULL, 0, NULL, 0, down_released);
	else
		down_done(job);
}

static int down_clean(struct ctrd__job *job, ctrd_error **ret_error)
{
	const struct ctrd__cgroup_layout *layout = ctrd__state_layout(job->local);
	int r = CTRD_OK;

	(void)ret_error;
	if (job->group) {
		ctrd__cgroup_drop_fds(&job->group->cgroup);
		r = ctrd__cgroup_remove(&job->group->cgroup, 2000);
	} else if (layout && job->box->cgroup[0] == '/') {
		struct ctrd__cgroup cgroup;

		ctrd__cgroup_init(&cgroup);
		if (ctrd__cgroup_find(layout, job->box->cgroup, &cgroup) == CTRD_OK) {
			r = ctrd__cgroup_remove(&cgroup, 2000);
			ctrd__cgroup_done(&cgroup);
		}
	}
	if (r < 0)
		ctrd__client_log(job->local->client, CTRD_LOG_WARNING,
				 "container \"%s\": its control groups cannot be removed: %s",
				 job->box->id, ctrd_status_name(r));
	ctrd__state_clean_task(job->box);
	return CTRD_OK;
}

/* What a delete that failed leaves would keep the id from being used again. */
static int down_left(struct ctrd__job *job, ctrd_error **ret_error)
{
	CTRD__AUTO_CLOSE int ns_fd = -1;
	CTRD__AUTO_CLOSE int root_fd = -1;

	if (ctrd__state_open_ns(job->local, false, &ns_fd, NULL) == CTRD_OK) {
		root_fd =
			openat(ns_fd, ".runtime", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (root_fd >= 0)
			(void)ctrd__dir_remove_tree_at(root_fd, job->box->id);
	}
	return down_clean(job, ret_error);
}

static int down_prepare(struct ctrd__job *job, ctrd_error **ret_error);
static void down_prepared(struct ctrd__job *job);

static void down_deleted(struct ctrd__job *job, struct ctrd__answer *answer)
{
	if (answer && answer->head.status == 0 && answer->head.exit_status == 0) {
		ctrd__job_work(job, down_clean, down_release);
		return;
	}
	/* It was not forced, or somebody was killed over it. */
	if (!job->down.force || !job->down.again) {
		job->down.again = job->down.force;
		job->down.force = true;
		job->down.helper_fd = answer ? -1 : -2;
		ctrd__job_work(job, down_prepare, down_prepared);
		return;
	}
	ctrd__client_log(job->local->client, CTRD_LOG_WARNING,
			 "container \"%s\": the runtime's delete failed", job->cell->id);
	ctrd__job_work(job, down_left, down_release);
}

static void down_run(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_RUN, .kind = CTRD__KIND_PLAIN};
	struct ctrd__monitor *monitor = job->cell->monitor ? job->cell->monitor : job->down.helper;
	struct ctrd__command command;
	char *CTRD__AUTO_FREE text = NULL;
	size_t len;

	head.oom_score = job->local->oom_score;
	ctrd__oci_begin(&command, job->local, job->box, "delete", CTRD_INIT_PROCESS);
	if (job->down.force)
		ctrd__oci_add(&command, "--force");
	ctrd__oci_add(&command, job->box->id);
	text = ctrd__oci_text(&command, job->local, CTRD_INIT_PROCESS, &len);
	if (!text)
		ctrd__job_fail(job, ctrd__error_nomem());
	else
		ctrd__job_ask(job, monitor, &head, text, len, job->down.fds, 4, down_deleted);
}

/* The helper of one command has no container: nothing happens there. */
static void helper_event(void *data, const struct ctrd__wire_head *head, const char *container_id,
			 const char *process_id)
{
	(void)data;
	(void)head;
	(void)container_id;
	(void)process_id;
}

static void helper_gone(void *data)
{
	struct ctrd__job *job = data;

	job->down.helper = ctrd__monitor_free(job->down.helper);
}

static const struct ctrd__monitor_owner helper_owner = {helper_event, helper_gone};

static void down_prepared(struct ctrd__job *job)
{
	if (!job->cell->monitor && !job->down.helper) {
		int r;

		if (job->down.helper_fd < 0) {
			/* The monitor was lost just now. */
			ctrd__job_failf(job, CTRD_EUNAVAILABLE, "the monitor is gone");
			return;
		}
		r = ctrd__monitor_new(job->local, ctrd__take_fd(job->down.helper_fd), &helper_owner,
				      job, &job->down.helper);
		if (r < 0) {
			ctrd__job_failf(job, r, "helper program: its connection cannot be watched");
			return;
		}
	}
	down_run(job);
}

static int down_prepare(struct ctrd__job *job, ctrd_error **ret_error)
{
	int r;

	r = ctrd__local_open_null(job->down.fds + 1, ret_error);
	if (r < 0)
		return r;
	if (job->down.fds[0] < 0)
		r = ctrd__runtime_open(job->local, job->box, &job->down.fds[0], ret_error);
	if (r == CTRD_OK && job->down.helper_fd == -2)
		r = ctrd__local_spawn(job->local, &job->down.helper_fd, ret_error);
	return r;
}

static void down_dead(struct ctrd__job *job)
{
	struct ctrd__member *init = ctrd__cell_member(job->cell, CTRD_INIT_PROCESS);

	/* What never began to run, or does not die, is the runtime's to kill. */
	job->down.force = !init || !init->ended;
	/* -2: one is needed; so that the worker need not look at the cell. */
	job->down.helper_fd = job->cell->monitor ? -1 : -2;
	ctrd__job_work(job, down_prepare, down_prepared);
}

static int down_kill(struct ctrd__job *job, ctrd_error **ret_error)
{
	(void)ret_error;
	(void)ctrd__cgroup_signal_all(&job->group->cgroup, SIGKILL, 2000);
	return CTRD_OK;
}

static void down_killed(struct ctrd__job *job)
{
	ctrd__cell_wait_exit(job, CTRD_INIT_PROCESS, KILL_WAIT_MS, down_dead);
}

void ctrd__task_tear_down(struct ctrd__job *job, void (*next)(struct ctrd__job *))
{
	struct ctrd__cell *cell = job->cell;
	struct ctrd__member *init = ctrd__cell_member(cell, CTRD_INIT_PROCESS);

	job->down.next = next;
	job->down.begun = true;
	job->fail = down_failed;
	if (!job->group)
		job->group = ctrd__group_ref(cell->group);
	if (!init || init->ended || !cell->monitor) {
		down_dead(job);
		return;
	}
	if (init->pidfd >= 0)
		(void)ctrd__pidfd_signal(init->pidfd, SIGKILL);
	if (job->group)
		ctrd__job_work(job, down_kill, down_killed);
	else
		down_killed(job);
}

/*
 * Making.
 */

static void undone(struct ctrd__job *job)
{
	ctrd__job_finish(job, ctrd__take_ptr(task_of(job)->why));
}

static void failed(struct ctrd__job *job, ctrd_error *error)
{
	struct task *task = task_of(job);

	if (!task->made) {
		ctrd__job_finish(job, error);
		return;
	}
	ctrd_error_unref(task->why);
	task->why = error;
	ctrd__stdio_fds_close(&task->stdio);
	ctrd__task_tear_down(job, undone);
}

static int read_log(struct ctrd__job *job, ctrd_error **ret_error)
{
	return ctrd__error_return(ctrd__oci_error(job->box, CTRD_INIT_PROCESS,
						  ctrd__verb_name(job->op->verb),
						  task_of(job)->exit_status),
				  ret_error);
}

/* Whether the command did what it should; if not the job is on its way to its end. */
static bool command_succeeded(struct ctrd__job *job, const struct ctrd__answer *answer)
{
	struct task *task = task_of(job);

	if (!answer) {
		ctrd__job_failf(job, CTRD_EUNAVAILABLE, "container \"%s\": the monitor is gone",
				job->cell->id);
		return false;
	}
	if (task->held < 0) {
		ctrd__job_failf(job, task->held,
				"container \"%s\": the monitor cannot hold the container (%s)",
				job->cell->id, ctrd_status_name(task->held));
		return false;
	}
	if (answer->head.status < 0) {
		ctrd__job_failf(job, answer->head.status,
				"container \"%s\": the runtime cannot be executed (%s)",
				job->cell->id, ctrd_status_name(answer->head.status));
		return false;
	}
	if (answer->head.exit_status != 0) {
		task->exit_status = answer->head.exit_status;
		ctrd__job_work(job, read_log, NULL);
		return false;
	}
	return true;
}

/*
 * A start that was cut may have begun the program all the same; a later one finds nothing to begin. The runtime knows.
 */

static void started(struct ctrd__job *job, struct ctrd__answer *answer);

static void ask_state(struct ctrd__job *job, uint32_t kind,
		      void (*answered)(struct ctrd__job *, struct ctrd__answer *))
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_RUN, .kind = kind};
	struct task *task = task_of(job);
	struct ctrd__command command;
	char *CTRD__AUTO_FREE text = NULL;
	int fds[4] = {task->image, task->null[0], task->output, task->null[2]};
	size_t len;

	if (!job->cell->monitor) {
		ctrd__job_fail(job, ctrd__take_ptr(task->why));
		return;
	}
	head.oom_score = job->local->oom_score;
	ctrd__oci_begin(&command, job->local, job->box, "state", CTRD_INIT_PROCESS);
	ctrd__oci_add(&command, job->box->id);
	text = ctrd__oci_text(&command, job->local, CTRD_INIT_PROCESS, &len);
	if (!text)
		ctrd__job_fail(job, ctrd__error_nomem());
	else
		ctrd__job_ask(job, job->cell->monitor, &head, text, len, fds, 4, answered);
}

static void state_known(struct ctrd__job *job)
{
	struct task *task = task_of(job);

	/* As a start that succeeds: the monitor writes it down and tells it. */
	if (task->runs)
		ask_state(job, CTRD__KIND_START, started);
	else
		ctrd__job_fail(job, ctrd__take_ptr(task->why));
}

static int read_state(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct task *task = task_of(job);
	CTRD__AUTO_JSON struct ctrd__json *state = NULL;
	char text[STATE_MAX];
	const char *status;
	ssize_t n = pread(task->output, text, sizeof(text), 0);

	(void)ret_error;
	ctrd__oci_drop_log(job->box, CTRD_INIT_PROCESS);
	if (n <= 0 || ctrd__json_parse(text, (size_t)n, 0, sizeof(text), &state, NULL) < 0)
		return CTRD_OK;
	status = ctrd__json_string(ctrd__json_object_get(state, "status"));
	task->runs = status && (strcmp(status, "running") == 0 || strcmp(status, "paused") == 0);
	return CTRD_OK;
}

static void state_answered(struct ctrd__job *job, struct ctrd__answer *answer)
{
	if (answer && answer->head.status == 0 && answer->head.exit_status == 0)
		ctrd__job_work(job, read_state, state_known);
	else
		ctrd__job_fail(job, ctrd__take_ptr(task_of(job)->why));
}

static void ask_whether_it_runs(struct ctrd__job *job)
{
	ask_state(job, CTRD__KIND_PLAIN, state_answered);
}

static int prepare_state(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct task *task = task_of(job);

	task->why = ctrd__oci_error(job->box, CTRD_INIT_PROCESS, ctrd__verb_name(job->op->verb),
				    task->exit_status);
	task->output = ctrd__fd_above_2(memfd_create("ctrd-state", MFD_CLOEXEC));
	if (task->output < 0)
		return ctrd__error_return(ctrd__take_ptr(task->why), ret_error);
	return CTRD_OK;
}

static bool may_run_all_the_same(struct ctrd__job *job, const struct ctrd__answer *answer)
{
	const struct ctrd__member *init = ctrd__cell_member(job->cell, CTRD_INIT_PROCESS);
	struct task *task = task_of(job);

	if (!answer || answer->head.status < 0 || answer->head.exit_status == 0 || task->asked ||
	    !init || init->ended)
		return false;
	task->asked = true;
	task->exit_status = answer->head.exit_status;
	return true;
}

static void started(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct ctrd__cell *cell = job->cell;
	struct ctrd__member *init = ctrd__cell_member(cell, CTRD_INIT_PROCESS);

	if (may_run_all_the_same(job, answer)) {
		ctrd__job_work(job, prepare_state, ask_whether_it_runs);
		return;
	}
	if (!command_succeeded(job, answer))
		return;
	if (cell->state == CTRD_TASK_CREATED)
		cell->state = CTRD_TASK_RUNNING;
	if (init) {
		init->started = true;
		job->op->result.pid = init->pid;
	}
	job->op->result.has |= CTRD__HAS_PID;
	ctrd__cell_emit(cell, CTRD_EVENT_START, CTRD_INIT_PROCESS, init ? init->pid : 0,
			answer->head.time_ns);
	job->op->task = cell->task;
	ctrd__job_finish(job, NULL);
}

static void run_start(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_RUN, .kind = CTRD__KIND_START};
	struct task *task = task_of(job);
	struct ctrd__command command;
	char *CTRD__AUTO_FREE text = NULL;
	int fds[4] = {task->image, task->null[0], task->null[1], task->null[2]};
	size_t len;

	if (!job->cell->monitor) {
		ctrd__job_failf(job, CTRD_EUNAVAILABLE, "container \"%s\": the monitor is gone",
				job->cell->id);
		return;
	}
	head.oom_score = job->local->oom_score;
	ctrd__oci_begin(&command, job->local, job->box, "start", CTRD_INIT_PROCESS);
	ctrd__oci_add(&command, job->box->id);
	text = ctrd__oci_text(&command, job->local, CTRD_INIT_PROCESS, &len);
	if (!text)
		ctrd__job_fail(job, ctrd__error_nomem());
	else
		ctrd__job_ask(job, job->cell->monitor, &head, text, len, fds, 4, started);
}

/* Put down what was made. The end of the process may be known already. */
static struct ctrd__member *take_member(struct task *task)
{
	struct ctrd__member *init = ctrd__cell_add(task->job.cell, CTRD_INIT_PROCESS);

	if (!init)
		return NULL;
	init->pid = task->created.pid;
	init->start_time = task->created.start_time;
	init->inode = task->created.inode;
	init->time_ns = task->created.time_ns;
	if (!init->ended)
		init->pidfd = ctrd__take_fd(task->pidfd);
	init->has_terminal = task->terminal >= 0;
	if (task->terminal >= 0)
		init->terminal = ctrd__fd_dup(task->terminal);
	return init;
}

static void created(struct ctrd__job *job)
{
	struct task *task = task_of(job);
	struct ctrd__cell *cell = job->cell;
	struct ctrd__member *init;
	ctrd_error *error = NULL;
	int ours[3];

	cell->group = ctrd__group_unref(cell->group);
	cell->group = ctrd__take_ptr(task->group);
	init = take_member(task);
	if (!init || ctrd__cell_begin_task(cell) < 0) {
		ctrd__job_fail(job, ctrd__error_nomem());
		return;
	}
	cell->state = init->ended ? CTRD_TASK_STOPPED : CTRD_TASK_CREATED;
	cell->ready = cell->monitor != NULL;
	if (task->oom[0] >= 0 && cell->monitor) {
		struct ctrd__wire_head head = {.type = CTRD__REQ_OOM};

		(void)ctrd__monitor_request(cell->monitor, &head, NULL, 0, task->oom, 2, NULL, NULL,
					    NULL);
	}
	init->told = true;
	job->op->task = cell->task;
	ctrd__cell_emit(cell, CTRD_EVENT_CREATE, CTRD_INIT_PROCESS, init->pid,
			task->created.time_ns);
	if (task->terminal >= 0)
		task->stdio.ours[1] = ctrd__take_fd(task->terminal);
	for (size_t i = 0; i < 3; i++)
		ours[i] = ctrd__take_fd(task->stdio.ours[i]);
	if (ctrd__stdio_attach(job->local->client, cell->id, CTRD_INIT_PROCESS,
			       job->op->request.stdio, ours, &error) < 0) {
		ctrd__job_fail(job, error);
		return;
	}
	/* It ended before anybody knew it: told only now. */
	init->exit.task = cell->task;
	ctrd__cell_tell_exit(cell, init);
	if (task->wants_start) {
		run_start(job);
		return;
	}
	job->op->result.pid = init->pid;
	job->op->result.has |= CTRD__HAS_PID;
	ctrd__job_finish(job, NULL);
}

static int find_groups(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct task *task = task_of(job);
	int r;

	r = ctrd__group_resolve(job->local, job->box, (pid_t)task->created.pid, &task->group,
				ret_error);
	if (r < 0)
		return r;
	if (task->group &&
	    ctrd__cgroup_oom_fds(&task->group->cgroup, &task->oom[0], &task->oom[1]) < 0)
		task->oom[0] = task->oom[1] = -1;
	ctrd__oci_drop_log(job->box, CTRD_INIT_PROCESS);
	return CTRD_OK;
}

static void create_answered(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct task *task = task_of(job);
	size_t n = 0;

	if (!command_succeeded(job, answer))
		return;
	task->created = answer->head;
	if (answer->head.flags & CTRD__RUN_PIDFD && n < answer->fd_count)
		task->pidfd = ctrd__take_fd(answer->fds[n++]);
	if (answer->head.flags & CTRD__RUN_TERMINAL && n < answer->fd_count)
		task->terminal = ctrd__take_fd(answer->fds[n++]);
	ctrd__job_work(job, find_groups, created);
}

static void held(void *data, struct ctrd__answer *answer)
{
	struct task *task = data;

	/* The answer to RUN comes behind it. */
	task->held = answer ? answer->head.status : CTRD_EUNAVAILABLE;
}

static char *create_text(struct ctrd__job *job, size_t *ret_len)
{
	struct ctrd__command command;

	ctrd__oci_begin(&command, job->local, job->box, "create", CTRD_INIT_PROCESS);
	ctrd__oci_add(&command, "--bundle");
	ctrd__oci_add(&command, job->box->path);
	ctrd__oci_add(&command, "--pid-file");
	ctrd__oci_add(&command, "@pidfile@");
	if (job->box->terminal) {
		ctrd__oci_add(&command, "--console-socket");
		ctrd__oci_add(&command, "@console@");
	}
	ctrd__oci_add(&command, job->box->id);
	return ctrd__oci_text(&command, job->local, CTRD_INIT_PROCESS, ret_len);
}

static int hold(struct task *task)
{
	static const struct ctrd__wire_head hold_head = {.type = CTRD__REQ_HOLD};
	static const struct ctrd__wire_head subscribe_head = {.type = CTRD__REQ_SUBSCRIBE};
	struct ctrd__cell *cell = task->job.cell;
	int fds[1 + MONITOR_CGROUPS_MAX];
	int r;

	fds[0] = task->job.box->dir_fd;
	memcpy(fds + 1, task->procs, task->proc_count * sizeof(fds[0]));
	r = ctrd__monitor_request(cell->monitor, &hold_head, cell->id, strlen(cell->id) + 1, fds,
				  1 + task->proc_count, held, task, NULL);
	if (r == CTRD_OK)
		r = ctrd__monitor_request(cell->monitor, &subscribe_head, NULL, 0, NULL, 0, NULL,
					  NULL, NULL);
	return r;
}

static void run_create(struct ctrd__job *job)
{
	static const uint32_t keep[] = {CTRD__RUN_KEEP_IN, CTRD__RUN_KEEP_OUT, CTRD__RUN_KEEP_ERR};
	struct ctrd__wire_head head = {
		.type = CTRD__REQ_RUN, .kind = CTRD__KIND_CREATE, .flags = CTRD__RUN_PIDFILE};
	struct task *task = task_of(job);
	struct ctrd__stdio *stdio = job->op->request.stdio;
	char *CTRD__AUTO_FREE text = NULL;
	size_t count = 4;
	int theirs[3];
	int fds[7];
	size_t len;

	head.oom_score = job->local->oom_score;
	fds[0] = task->image;
	for (size_t i = 0; i < 3; i++) {
		theirs[i] = ctrd__take_fd(task->stdio.process[i]);
		fds[1 + i] = theirs[i] >= 0 ? theirs[i] : task->null[i];
	}
	for (size_t i = 0; i < 3; i++) {
		if (task->stdio.ours[i] < 0 || (i == 0 && ctrd__stdio_stdin_once(stdio)))
			continue;
		fds[count++] = task->stdio.ours[i];
		head.flags |= keep[i];
	}
	if (job->box->terminal) {
		head.flags |= CTRD__RUN_TERMINAL;
		ctrd__stdio_size(stdio, &head.columns, &head.rows);
	}
	text = create_text(job, &len);
	if (text)
		ctrd__job_ask(job, job->cell->monitor, &head, text, len, fds, count,
			      create_answered);
	else
		ctrd__job_fail(job, ctrd__error_nomem());
	/* They are under way in the message: here they would keep pipes open. The job may be gone. */
	ctrd__wire_close_fds(theirs, 3);
}

static void prepare_again(struct ctrd__job *job);

static void prepared(struct ctrd__job *job)
{
	struct task *task = task_of(job);
	struct ctrd__cell *cell = job->cell;
	int r;

	if (task->cut) {
		task->cut = false;
		ctrd__task_tear_down(job, prepare_again);
		return;
	}
	task->made = true;
	r = ctrd__monitor_new(job->local, ctrd__take_fd(task->helper_fd), &ctrd__cell_owner, cell,
			      &cell->monitor);
	if (r == CTRD_OK)
		r = hold(task);
	if (r < 0) {
		ctrd__job_failf(job, r, "container \"%s\": the monitor cannot be spoken to",
				cell->id);
		return;
	}
	run_create(job);
}

static int prepare(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct task *task = task_of(job);
	struct ctrd__local *local = job->local;
	int r;

	r = ctrd__job_lock(job, true, ret_error);
	if (r < 0)
		return r;
	task->cut = ctrd__state_has(job->box, CTRD__MONITOR_NAME);
	if (task->cut)
		return CTRD_OK;
	if (task->ns_fd < 0)
		r = ctrd__state_open_ns(local, false, &task->ns_fd, ret_error);
	if (r == CTRD_OK)
		(void)flock(task->ns_fd, LOCK_SH | LOCK_NB);
	if (r == CTRD_OK)
		r = ctrd__stdio_open(job->op->request.stdio, job->box->uid, job->box->gid,
				     &task->stdio, ret_error);
	if (r == CTRD_OK)
		r = ctrd__local_open_null(task->null, ret_error);
	if (r == CTRD_OK)
		r = ctrd__runtime_open(local, job->box, &task->image, ret_error);
	if (r == CTRD_OK)
		r = ctrd__local_spawn(local, &task->helper_fd, ret_error);
	if (r == CTRD_OK)
		ctrd__local_monitor_fds(local, task->procs, MONITOR_CGROUPS_MAX, &task->proc_count);
	return r;
}

static void prepare_again(struct ctrd__job *job)
{
	job->fail = failed;
	ctrd__job_work(job, prepare, prepared);
}

static void make(struct ctrd__job *job)
{
	const ctrd_op *op = job->op;

	if (op->request.checkpoint_dir) {
		ctrd__job_failf(job, CTRD_ENOSYS,
				"container \"%s\": restoring a checkpoint is not "
				"there yet in local:",
				job->cell->id);
		return;
	}
	if (job->box->terminal != ctrd__stdio_is_terminal(op->request.stdio)) {
		ctrd__job_failf(
			job, CTRD_EINVAL,
			"container \"%s\": stdio: the spec's process.terminal is %s, but the "
			"flag TERMINAL is %sset",
			job->cell->id, job->box->terminal ? "true" : "false",
			job->box->terminal ? "not " : "");
		return;
	}
	ctrd__job_change(job);
	prepare_again(job);
}

static void task_create_found(struct ctrd__job *job)
{
	if (job->cell->state != CTRD_TASK_NONE) {
		ctrd__job_failf(job, CTRD_EEXISTS, "container \"%s\": there is a task",
				job->cell->id);
		return;
	}
	make(job);
}

void ctrd__local_task_create(ctrd_op *op)
{
	struct task *task = new_task(op);

	if (task)
		ctrd__local_lookup(&task->job, task_create_found);
}

static int prepare_start(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct task *task = task_of(job);
	int r;

	r = ctrd__job_lock(job, true, ret_error);
	if (r == CTRD_OK)
		r = ctrd__local_open_null(task->null, ret_error);
	if (r == CTRD_OK)
		r = ctrd__runtime_open(job->local, job->box, &task->image, ret_error);
	return r;
}

static void start_found(struct ctrd__job *job)
{
	switch (job->cell->state) {
	case CTRD_TASK_NONE:
		task_of(job)->wants_start = true;
		make(job);
		return;
	case CTRD_TASK_CREATED:
		if (job->op->request.stdio) {
			ctrd__job_failf(job, CTRD_EINVAL,
					"container \"%s\": stdio: the task was created before",
					job->cell->id);
			return;
		}
		ctrd__job_change(job);
		ctrd__job_work(job, prepare_start, run_start);
		return;
	default:
		ctrd__job_failf(job, CTRD_EPRECONDITION, "container \"%s\": %s", job->cell->id,
				job->cell->state == CTRD_TASK_STOPPED ? "its program has ended"
								      : "it runs already");
	}
}

void ctrd__local_start(ctrd_op *op)
{
	struct task *task = new_task(op);

	if (task)
		ctrd__local_lookup(&task->job, start_found);
}

/*
 * Deleting.
 */

static int lock_it(struct ctrd__job *job, ctrd_error **ret_error)
{
	int r = ctrd__job_lock(job, true, ret_error);

	if (r == CTRD_OK)
		task_of(job)->cut = ctrd__state_has(job->box, CTRD__MONITOR_NAME);
	return r;
}

static void give_exit(struct ctrd__job *job)
{
	if (!job->down.has_exit)
		return;
	job->op->result.exit = job->down.exit;
	job->op->result.has |= CTRD__HAS_EXIT;
}

static void task_deleted(struct ctrd__job *job)
{
	give_exit(job);
	ctrd__job_finish(job, NULL);
}

static void task_delete_locked(struct ctrd__job *job)
{
	ctrd__task_tear_down(job, task_deleted);
}

static void task_delete_found(struct ctrd__job *job)
{
	if (job->cell->state == CTRD_TASK_NONE) {
		ctrd__job_failf(job, CTRD_ENOTFOUND, "container \"%s\": no task", job->cell->id);
		return;
	}
	if (job->cell->state == CTRD_TASK_RUNNING && !(job->op->internal & CTRD__OP_FORCE)) {
		ctrd__job_failf(job, CTRD_EPRECONDITION, "container \"%s\": it runs",
				job->cell->id);
		return;
	}
	job->op->task = job->cell->task;
	ctrd__job_change(job);
	ctrd__job_work(job, lock_it, task_delete_locked);
}

void ctrd__local_task_delete(ctrd_op *op)
{
	struct task *task = new_task(op);

	if (task)
		ctrd__local_lookup(&task->job, task_delete_found);
}

static int remove_box(struct ctrd__job *job, ctrd_error **ret_error)
{
	return ctrd__state_delete(job->local, job->box, ret_error);
}

static void removed(struct ctrd__job *job)
{
	ctrd__cell_drop(job->cell);
	give_exit(job);
	ctrd__job_finish(job, NULL);
}

static void torn_down(struct ctrd__job *job)
{
	ctrd__job_work(job, remove_box, removed);
}

static void delete_locked(struct ctrd__job *job)
{
	if (job->cell->state != CTRD_TASK_NONE || task_of(job)->cut)
		ctrd__task_tear_down(job, torn_down);
	else
		torn_down(job);
}

static void delete_found(struct ctrd__job *job)
{
	if (job->cell->state != CTRD_TASK_NONE && !(job->op->request.flags & CTRD_DELETE_FORCE)) {
		ctrd__job_failf(job, CTRD_EPRECONDITION, "container \"%s\": there is a task",
				job->cell->id);
		return;
	}
	job->op->task = job->cell->task;
	ctrd__job_change(job);
	ctrd__job_work(job, lock_it, delete_locked);
}

void ctrd__local_delete(ctrd_op *op)
{
	struct task *task = new_task(op);

	if (task)
		ctrd__local_lookup(&task->job, delete_found);
}

/*
 * Creating: nothing runs.
 */

static int create_box(struct ctrd__job *job, ctrd_error **ret_error)
{
	ctrd__state_sweep(job->local);
	return ctrd__state_create(job->local, job->op, ret_error);
}

static void box_created(struct ctrd__job *job)
{
	ctrd__job_finish(job, NULL);
}

void ctrd__local_create(ctrd_op *op)
{
	struct ctrd__job *job = ctrd__job_new(ctrd__local_of(op), op, sizeof(*job), NULL);

	if (job)
		ctrd__job_work(job, create_box, box_created);
}

void ctrd__local_hurry(ctrd_op *op)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_KILL_RUN};
	struct ctrd__job *job = op->backend;

	/* A command that was killed is undone like one that failed. */
	if (!job || !job->asked || job->down.begun ||
	    (op->verb != CTRD__VERB_TASK_CREATE && op->verb != CTRD__VERB_START &&
	     op->verb != CTRD__VERB_EXEC))
		return;
	if (op->verb == CTRD__VERB_START && !task_of(job)->made)
		return;
	head.arg = job->serial;
	(void)ctrd__monitor_request(job->asked, &head, NULL, 0, NULL, 0, NULL, NULL, NULL);
}
