/*
 * What is done to a running container without the runtime: signals by pidfd, pause and resume by the freezer, figures
 * from the files of the control groups, the terminal by its master. No process is started for any of it, but for
 * update, and for runtimes whose processes cannot be reached from outside.
 */
#include "local/linux/local.h"

#include "local/linux/pidfd.h"
#include "spec_check.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/os.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FREEZE_MS 5000

struct live {
	struct ctrd__job job;
	/* the process asked for, as it was found */
	int pidfd;
	pid_t pid;
	uint64_t start_time;
	uint64_t inode;
	struct ctrd__group *cool; /* whose files are to be closed */
	bool changed;
	enum ctrd__cgroup_state freezer;
	int fds[4];
	int exit_status;
	char name[64];
};

static struct live *live_of(struct ctrd__job *job)
{
	return ctrd__container_of(job, struct live, job);
}

static void destroy(struct ctrd__job *job)
{
	struct live *live = live_of(job);

	ctrd__close_fd(&live->pidfd);
	ctrd__wire_close_fds(live->fds, 4);
	live->cool = ctrd__group_unref(live->cool);
}

static void begin(ctrd_op *op, void (*found)(struct ctrd__job *job))
{
	struct live *live = ctrd__job_new(ctrd__local_of(op), op, sizeof(*live), destroy);

	if (!live)
		return;
	live->pidfd = -1;
	for (size_t i = 0; i < 4; i++)
		live->fds[i] = -1;
	ctrd__local_lookup(&live->job, found);
}

static void done(struct ctrd__job *job)
{
	ctrd__job_finish(job, NULL);
}

static bool has_task(struct ctrd__job *job)
{
	if (job->cell->state != CTRD_TASK_NONE) {
		job->op->task = job->cell->task;
		return true;
	}
	ctrd__job_failf(job, CTRD_ENOTFOUND, "container \"%s\": no task", job->cell->id);
	return false;
}

/* The process that the op names; NULL: the job is on its way to its end. */
static struct ctrd__member *named(struct ctrd__job *job)
{
	struct ctrd__member *member;

	if (!has_task(job))
		return NULL;
	member = ctrd__cell_member(job->cell, job->op->process_id);
	if (member && member->told)
		return member;
	ctrd__job_failf(job, CTRD_ENOTFOUND, "process \"%s\": no such process",
			job->op->process_id);
	return NULL;
}

static int no_groups(const struct ctrd__job *job, int status, ctrd_error **ret_error)
{
	return ctrd__error_return(ctrd__error_new(status, "local", errno, NULL,
						  "container \"%s\": its control groups: %s",
						  job->box->id, ctrd_status_name(status)),
				  ret_error);
}

/*
 * Signals.
 */

static int run_kill(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct live *live = live_of(job);
	int r;

	r = ctrd__local_open_null(live->fds + 1, ret_error);
	if (r == CTRD_OK)
		r = ctrd__runtime_open(job->local, job->box, &live->fds[0], ret_error);
	return r;
}

static void kill_answered(struct ctrd__job *job, struct ctrd__answer *answer)
{
	if (!answer || answer->head.status < 0 || answer->head.exit_status != 0)
		ctrd__job_failf(job, CTRD_ENOTFOUND, "process \"%s\": the runtime cannot signal it",
				job->op->process_id);
	else
		done(job);
}

/* The process in the sandbox is the runtime's to find. */
static void kill_prepared(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_RUN, .kind = CTRD__KIND_PLAIN};
	struct ctrd__command command;
	char *CTRD__AUTO_FREE text = NULL;
	char number[16];
	size_t len;

	if (!job->cell->monitor) {
		kill_answered(job, NULL);
		return;
	}
	(void)snprintf(number, sizeof(number), "%d", (int)job->op->request.signal);
	head.oom_score = job->local->oom_score;
	ctrd__oci_begin(&command, job->local, job->box, "kill", CTRD_INIT_PROCESS);
	ctrd__oci_add(&command, job->box->id);
	ctrd__oci_add(&command, number);
	text = ctrd__oci_text(&command, job->local, CTRD_INIT_PROCESS, &len);
	if (text)
		ctrd__job_ask(job, job->cell->monitor, &head, text, len, live_of(job)->fds, 4,
			      kill_answered);
	else
		ctrd__job_fail(job, ctrd__error_nomem());
}

static int signal_all(struct ctrd__job *job, ctrd_error **ret_error)
{
	int r = job->group ? ctrd__cgroup_signal_all(&job->group->cgroup, job->op->request.signal,
						     FREEZE_MS)
			   : CTRD_ENOSYS;

	return r < 0 ? no_groups(job, r, ret_error) : CTRD_OK;
}

static int signal_error(const struct ctrd__job *job, int status, ctrd_error **ret_error)
{
	return ctrd__error_return(
		ctrd__error_new(status, "local", 0, NULL,
				status == CTRD_ENOTFOUND ? "process \"%s\": it has ended"
							 : "process \"%s\": it cannot be signalled",
				job->op->process_id),
		ret_error);
}

/* One of which we have no descriptor yet: its record says who it is. */
static int open_and_signal(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct live *live = live_of(job);
	struct ctrd__record record;
	int r = CTRD_OK;

	if (live->start_time == 0) {
		r = ctrd__record_read_at(job->box->dir_fd, job->op->process_id, &record);
		if (r < 0 || !record.has_start || record.has_exit)
			return signal_error(job, CTRD_ENOTFOUND, ret_error);
		live->pid = (pid_t)record.start.pid;
		live->start_time = record.start.start_time;
		live->inode = record.start.inode;
	}
	r = ctrd__pidfd_open_same(live->pid, live->start_time, live->inode, &live->pidfd);
	if (r == CTRD_OK)
		r = ctrd__pidfd_signal(live->pidfd, job->op->request.signal);
	return r < 0 ? signal_error(job, r, ret_error) : CTRD_OK;
}

static void opened(struct ctrd__job *job)
{
	struct ctrd__member *member = ctrd__cell_member(job->cell, job->op->process_id);
	struct live *live = live_of(job);

	if (member && !member->ended && member->pidfd < 0) {
		member->pidfd = ctrd__take_fd(live->pidfd);
		member->pid = (uint32_t)live->pid;
		member->start_time = live->start_time;
		member->inode = live->inode;
	}
	done(job);
}

static void signal_one(struct ctrd__job *job, struct ctrd__member *member)
{
	struct live *live = live_of(job);
	ctrd_error *error = NULL;
	int r;

	if (member->pidfd < 0) {
		live->pid = (pid_t)member->pid;
		live->start_time = member->start_time;
		live->inode = member->inode;
		ctrd__job_work(job, open_and_signal, opened);
		return;
	}
	r = ctrd__pidfd_has_ended(member->pidfd)
		    ? CTRD_ENOTFOUND
		    : ctrd__pidfd_signal(member->pidfd, job->op->request.signal);
	if (r < 0) {
		(void)signal_error(job, r, &error);
		ctrd__job_fail(job, error);
	} else {
		done(job);
	}
}

static void signal_found(struct ctrd__job *job)
{
	bool all = job->op->request.flags & CTRD_SIGNAL_ALL;
	struct ctrd__member *member;

	if (job->op->request.signal < 0 || job->op->request.signal > SIGRTMAX) {
		ctrd__job_failf(job, CTRD_EINVAL, "signal: %d is none",
				(int)job->op->request.signal);
		return;
	}
	if (all) {
		if (has_task(job))
			ctrd__job_work(job, signal_all, done);
		return;
	}
	member = named(job);
	if (!member)
		return;
	if (member->ended)
		ctrd__job_failf(job, CTRD_ENOTFOUND, "process \"%s\": it has ended", member->id);
	else if (!member->started)
		ctrd__job_failf(job, CTRD_EPRECONDITION, "process \"%s\": it has not started",
				member->id);
	else if (!job->box->quirks->direct && strcmp(member->id, CTRD_INIT_PROCESS) == 0)
		ctrd__job_work(job, run_kill, kill_prepared);
	else
		signal_one(job, member);
}

void ctrd__local_signal(ctrd_op *op)
{
	begin(op, signal_found);
}

/*
 * Streams.
 */

static void resize_terminal(struct ctrd__job *job, struct ctrd__member *member)
{
	struct winsize size = {.ws_col = job->op->request.columns, .ws_row = job->op->request.rows};

	if (ioctl(member->terminal, TIOCSWINSZ, &size) < 0)
		ctrd__job_failf(job, ctrd__status_from_errno(errno),
				"process \"%s\": its terminal: %s", member->id, strerror(errno));
	else
		done(job);
}

static void terminal_answered(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct ctrd__member *member = named(job);

	if (!member)
		return;
	if (answer && answer->head.status == 0 && answer->head.flags & CTRD__RUN_TERMINAL &&
	    answer->fd_count > 0 && member->terminal < 0)
		member->terminal = ctrd__take_fd(answer->fds[0]);
	if (member->terminal < 0)
		ctrd__job_failf(job, CTRD_EPRECONDITION, "process \"%s\": it has no terminal",
				member->id);
	else
		resize_terminal(job, member);
}

static void resize_found(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_STDIO};
	struct ctrd__member *member = named(job);

	if (!member)
		return;
	if (member->ended)
		ctrd__job_failf(job, CTRD_ENOTFOUND, "process \"%s\": it has ended", member->id);
	else if (member->terminal >= 0)
		resize_terminal(job, member);
	else if (!job->cell->monitor)
		terminal_answered(job, NULL);
	else
		ctrd__job_ask(job, job->cell->monitor, &head, member->id, strlen(member->id) + 1,
			      NULL, 0, terminal_answered);
}

void ctrd__local_resize(ctrd_op *op)
{
	begin(op, resize_found);
}

static void asked(struct ctrd__job *job, struct ctrd__answer *answer)
{
	/* Without a monitor, or without the process, there is nothing left to do it to. */
	if (answer && answer->head.status < 0 && answer->head.status != CTRD_ENOTFOUND)
		ctrd__job_failf(job, answer->head.status,
				"process \"%s\": the monitor refuses (%s)", job->op->process_id,
				ctrd_status_name(answer->head.status));
	else
		done(job);
}

static void ask_about_streams(struct ctrd__job *job, uint32_t type)
{
	struct ctrd__wire_head head = {.type = type, .arg = job->op->request.how};
	struct ctrd__member *member = named(job);

	if (!member)
		return;
	if (job->cell->monitor)
		ctrd__job_ask(job, job->cell->monitor, &head, member->id, strlen(member->id) + 1,
			      NULL, 0, asked);
	else
		done(job);
}

static void close_stdin_found(struct ctrd__job *job)
{
	ask_about_streams(job, CTRD__REQ_CLOSE_STDIN);
}

void ctrd__local_close_stdin(ctrd_op *op)
{
	begin(op, close_stdin_found);
}

static void release_found(struct ctrd__job *job)
{
	if (job->op->request.how > CTRD_RELEASE_HANGUP) {
		ctrd__job_failf(job, CTRD_EINVAL, "how: %u is none of CTRD_RELEASE_*",
				(unsigned)job->op->request.how);
		return;
	}
	ctrd__stdio_stop(job->local->client, job->cell->id, job->op->process_id);
	if (job->op->request.how == CTRD_RELEASE_HANGUP) {
		struct ctrd__member *member = ctrd__cell_member(job->cell, job->op->process_id);

		if (member)
			ctrd__close_fd(&member->terminal);
	}
	ask_about_streams(job, CTRD__REQ_STREAMS);
}

void ctrd__local_release_stdio(ctrd_op *op)
{
	begin(op, release_found);
}

/*
 * Freezing.
 */

static int freeze(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct live *live = live_of(job);
	bool pause = job->op->verb == CTRD__VERB_PAUSE;
	int r;

	r = ctrd__job_lock(job, true, ret_error);
	if (r < 0)
		return r;
	if (!job->group)
		return no_groups(job, CTRD_ENOSYS, ret_error);
	r = ctrd__cgroup_state(&job->group->cgroup, &live->freezer);
	if (r == CTRD_OK && live->freezer == (pause ? CTRD__CGROUP_FROZEN : CTRD__CGROUP_THAWED))
		return CTRD_OK;
	live->changed = true;
	if (pause && ctrd__state_layout(job->local))
		ctrd__cgroup_keep_freezer(ctrd__state_layout(job->local),
					  job->local->cgroup_parent);
	if (r == CTRD_OK)
		r = pause ? ctrd__cgroup_freeze(&job->group->cgroup, FREEZE_MS)
			  : ctrd__cgroup_thaw(&job->group->cgroup, FREEZE_MS);
	return r < 0 ? no_groups(job, r, ret_error) : CTRD_OK;
}

static void frozen(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_TELL};

	head.kind = job->op->verb == CTRD__VERB_PAUSE ? CTRD_EVENT_PAUSED : CTRD_EVENT_RESUMED;
	if (live_of(job)->changed) {
		if (job->cell->monitor)
			(void)ctrd__monitor_request(job->cell->monitor, &head, NULL, 0, NULL, 0,
						    NULL, NULL, NULL);
		ctrd__cell_emit(job->cell, head.kind, NULL, 0, ctrd__now_real_ns());
	}
	done(job);
}

static void freeze_found(struct ctrd__job *job)
{
	if (!has_task(job))
		return;
	if (job->cell->state != CTRD_TASK_RUNNING) {
		ctrd__job_failf(job, CTRD_EPRECONDITION, "container \"%s\": it does not run",
				job->cell->id);
		return;
	}
	ctrd__job_work(job, freeze, frozen);
}

void ctrd__local_pause(ctrd_op *op)
{
	begin(op, freeze_found);
}

void ctrd__local_resume(ctrd_op *op)
{
	begin(op, freeze_found);
}

/*
 * Looking.
 */

static int see_freezer(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct live *live = live_of(job);

	(void)ret_error;
	if (ctrd__cgroup_state(&job->group->cgroup, &live->freezer) < 0)
		live->freezer = CTRD__CGROUP_THAWED;
	return CTRD_OK;
}

static void give_state(struct ctrd__job *job)
{
	uint32_t state = job->cell->state;

	if (state == CTRD_TASK_RUNNING && live_of(job)->freezer == CTRD__CGROUP_FROZEN)
		state = CTRD_TASK_PAUSED;
	if (state == CTRD_TASK_RUNNING && live_of(job)->freezer == CTRD__CGROUP_FREEZING)
		state = CTRD_TASK_PAUSING;
	job->op->result.state = state;
	job->op->result.has |= CTRD__HAS_STATE;
	done(job);
}

static void status_found(struct ctrd__job *job)
{
	if (!has_task(job))
		return;
	if (job->cell->state == CTRD_TASK_RUNNING && job->group)
		ctrd__job_work(job, see_freezer, give_state);
	else
		give_state(job);
}

void ctrd__local_status(ctrd_op *op)
{
	begin(op, status_found);
}

static int read_stats(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct live *live = live_of(job);
	ctrd_stats *stats = calloc(1, sizeof(*stats));
	int r;

	if (live->cool)
		ctrd__cgroup_drop_fds(&live->cool->cgroup);
	if (!stats)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	*stats = (ctrd_stats)CTRD_STATS_INIT;
	job->op->result.stats = stats;
	r = ctrd__cgroup_stats(&job->group->cgroup, stats);
	stats->size = sizeof(*stats);
	return r < 0 ? no_groups(job, r, ret_error) : CTRD_OK;
}

static void give_stats(struct ctrd__job *job)
{
	job->op->result.has |= CTRD__HAS_STATS;
	done(job);
}

static void stats_found(struct ctrd__job *job)
{
	struct ctrd__local *local = job->local;

	if (!has_task(job))
		return;
	if (!job->group) {
		ctrd__job_failf(job, CTRD_ENOSYS, "container \"%s\": it has no control groups",
				job->cell->id);
		return;
	}
	/* Open files make reading cheap, but only one container at a time may have them. */
	if (local->warm != job->group) {
		live_of(job)->cool = local->warm;
		local->warm = ctrd__group_ref(job->group);
	}
	ctrd__job_work(job, read_stats, give_stats);
}

void ctrd__local_stats(ctrd_op *op)
{
	begin(op, stats_found);
}

static int read_pids(struct ctrd__job *job, ctrd_error **ret_error)
{
	pid_t *pids = NULL;
	size_t count = 0;
	int r;

	r = job->group ? ctrd__cgroup_pids(&job->group->cgroup, &pids, &count) : CTRD_ENOSYS;
	/* The groups go with the last process when the runtime was told to delete. */
	if (r == CTRD_ENOTFOUND)
		r = CTRD_OK;
	if (r < 0)
		return no_groups(job, r, ret_error);
	job->op->result.pids = calloc(count + 1, sizeof(*job->op->result.pids));
	if (!job->op->result.pids) {
		free(pids);
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	for (size_t i = 0; i < count; i++)
		job->op->result.pids[i] = (uint32_t)pids[i];
	job->op->result.count = count;
	free(pids);
	return CTRD_OK;
}

static void give_pids(struct ctrd__job *job)
{
	job->op->result.has |= CTRD__HAS_PIDS;
	done(job);
}

static void pids_found(struct ctrd__job *job)
{
	if (has_task(job))
		ctrd__job_work(job, read_pids, give_pids);
}

void ctrd__local_pids(ctrd_op *op)
{
	begin(op, pids_found);
}

static int read_processes(struct ctrd__job *job, ctrd_error **ret_error)
{
	ctrd_op *op = job->op;
	size_t count = 0;
	int r;

	r = read_pids(job, ret_error);
	if (r < 0)
		return r;
	op->result.processes = calloc(op->result.count + 1, sizeof(*op->result.processes));
	if (!op->result.processes)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	for (size_t i = 0; i < op->result.count; i++) {
		ctrd_process_info *info = &op->result.processes[count];
		struct ctrd__proc_info proc;

		if (ctrd__proc_read((pid_t)op->result.pids[i], &proc) < 0)
			continue;
		*info = (ctrd_process_info)CTRD_PROCESS_INFO_INIT;
		info->pid = op->result.pids[i];
		info->process_id = "";
		info->image_name = ctrd__op_strdup(op, proc.name);
		info->state = CTRD_TASK_RUNNING;
		info->created_at_ns = ctrd__proc_start_time_real_ns(proc.start_time);
		info->user_time_ns = proc.user_time_ns;
		info->kernel_time_ns = proc.kernel_time_ns;
		info->memory_bytes = proc.memory_bytes;
		if (!info->image_name)
			return ctrd__error_return(ctrd__error_nomem(), ret_error);
		count++;
	}
	op->result.count = count;
	return CTRD_OK;
}

static void give_processes(struct ctrd__job *job)
{
	ctrd_op *op = job->op;
	struct ctrd__map_iter it = ctrd__map_iter(&job->cell->members);
	void *value;

	while (ctrd__map_next(&job->cell->members, &it, NULL, &value)) {
		const struct ctrd__member *member = value;

		for (size_t i = 0; !member->ended && i < op->result.count; i++) {
			if (op->result.processes[i].pid != member->pid)
				continue;
			op->result.processes[i].process_id = ctrd__op_strdup(op, member->id);
			if (!op->result.processes[i].process_id) {
				ctrd__job_finish(job, ctrd__error_nomem());
				return;
			}
		}
	}
	op->result.has |= CTRD__HAS_PROCESSES;
	done(job);
}

static void process_list_found(struct ctrd__job *job)
{
	if (has_task(job))
		ctrd__job_work(job, read_processes, give_processes);
}

void ctrd__local_process_list(ctrd_op *op)
{
	begin(op, process_list_found);
}

/*
 * Limits: the runtime knows how they are written.
 */

static int update_ended(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct live *live = live_of(job);

	(void)unlinkat(job->box->dir_fd, live->name, 0);
	if (live->exit_status == 0)
		return CTRD_OK;
	return ctrd__error_return(ctrd__oci_error(job->box, CTRD_INIT_PROCESS,
						  ctrd__verb_name(job->op->verb),
						  live->exit_status),
				  ret_error);
}

static void update_answered(struct ctrd__job *job, struct ctrd__answer *answer)
{
	if (!answer || answer->head.status < 0) {
		ctrd__job_failf(job, answer ? answer->head.status : CTRD_EUNAVAILABLE,
				"container \"%s\": the runtime cannot be executed", job->cell->id);
		return;
	}
	live_of(job)->exit_status = answer->head.exit_status;
	ctrd__job_work(job, update_ended, done);
}

static void update_prepared(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_RUN, .kind = CTRD__KIND_PLAIN};
	CTRD__AUTO_STR struct ctrd__str file = CTRD__STR_INIT;
	struct ctrd__command command;
	char *CTRD__AUTO_FREE text = NULL;
	size_t len;

	if (!job->cell->monitor) {
		update_answered(job, NULL);
		return;
	}
	head.oom_score = job->local->oom_score;
	ctrd__str_appendf(&file, "%s/%s", job->box->path, live_of(job)->name);
	ctrd__oci_begin(&command, job->local, job->box, "update", CTRD_INIT_PROCESS);
	command.args.oom |= file.oom;
	ctrd__oci_add(&command, "--resources");
	ctrd__oci_add(&command, file.data ? file.data : "");
	ctrd__oci_add(&command, job->box->id);
	text = ctrd__oci_text(&command, job->local, CTRD_INIT_PROCESS, &len);
	if (text)
		ctrd__job_ask(job, job->cell->monitor, &head, text, len, live_of(job)->fds, 4,
			      update_answered);
	else
		ctrd__job_fail(job, ctrd__error_nomem());
}

static int prepare_update(struct ctrd__job *job, ctrd_error **ret_error)
{
	CTRD__AUTO_JSON struct ctrd__json *resources = NULL;
	char *CTRD__AUTO_FREE text = NULL;
	struct live *live = live_of(job);
	size_t len = 0;
	int r;

	r = ctrd__resources_check(job->op->request.json, job->op->request.json_length, &resources,
				  ret_error);
	if (r < 0)
		return r;
	r = ctrd__job_lock(job, true, ret_error);
	if (r < 0)
		return r;
	if (ctrd__json_print(resources, &text, &len) < 0)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	(void)snprintf(live->name, sizeof(live->name), "resources-%ld.json", (long)getpid());
	r = ctrd__file_write_at(job->box->dir_fd, live->name, text, len, 0600, false);
	if (r < 0)
		return ctrd__error_return(ctrd__error_new(r, "local", errno, NULL,
							  "container \"%s\": %s: %s", job->box->id,
							  live->name, strerror(errno)),
					  ret_error);
	r = ctrd__local_open_null(live->fds + 1, ret_error);
	if (r == CTRD_OK)
		r = ctrd__runtime_open(job->local, job->box, &live->fds[0], ret_error);
	if (r < 0)
		(void)unlinkat(job->box->dir_fd, live->name, 0);
	return r;
}

static void update_found(struct ctrd__job *job)
{
	if (!has_task(job))
		return;
	if (!job->box->quirks->update) {
		ctrd__job_failf(job, CTRD_ENOSYS, "container \"%s\": runtime \"%s\" has no update",
				job->cell->id, job->box->runtime);
		return;
	}
	if (job->cell->state != CTRD_TASK_RUNNING && job->cell->state != CTRD_TASK_CREATED) {
		ctrd__job_failf(job, CTRD_EPRECONDITION, "container \"%s\": it does not run",
				job->cell->id);
		return;
	}
	ctrd__job_work(job, prepare_update, update_prepared);
}

void ctrd__local_update(ctrd_op *op)
{
	begin(op, update_found);
}

void ctrd__local_checkpoint(ctrd_op *op)
{
	ctrd__op_fail(op, CTRD_ENOSYS, "local", 0, "container \"%s\": local: has no checkpoint yet",
		      op->container_id);
}
