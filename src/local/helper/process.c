/*
 * The processes of the container: their records, the watch over them, their ends. Children are
 * reaped at once, all of them (one that is not keeps its container from ending); those that became
 * ours without being our children are watched through a pidfd.
 *
 * Invariant: an exit is in its record before anybody is told, and an exit code is one that the
 * kernel said, or is flagged UNKNOWN.
 */
#include "local/helper/helper.h"

#include "local/linux/pidfd.h"
#include "local/linux/proc.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct collected {
	pid_t pid;
	int wait_status;
	int64_t time_ns;
};

/* A ring: a runtime has far fewer children than this between its pid file and its end. */
static struct collected collected[CTRD__COLLECTED_MAX];
static unsigned int collected_count;

int ctrd__process_new(const char *id, struct ctrd__process **ret_process)
{
	struct ctrd__process *p;

	if (!ctrd__record_id_valid(id))
		return CTRD_EINVAL;
	if (ctrd__process_find(id))
		return CTRD_EEXISTS;
	p = calloc(1, sizeof(*p));
	if (!p)
		return CTRD_ERESOURCES;
	memcpy(p->id, id, strlen(id));
	p->record = p->pidfd = -1;
	p->oom_kills = ctrd__monitor.oom_kills;
	ctrd__streams_init(&p->streams);
	p->next = ctrd__monitor.processes;
	ctrd__monitor.processes = p;
	*ret_process = p;
	return CTRD_OK;
}

struct ctrd__process *ctrd__process_find(const char *id)
{
	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next)
		if (!p->forgotten && strcmp(p->id, id) == 0)
			return p;
	return NULL;
}

static struct ctrd__process *find_pid(pid_t pid)
{
	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next)
		if (!p->forgotten && p->state == CTRD__PROCESS_RUNNING && !p->collected &&
		    (pid_t)p->start.pid == pid)
			return p;
	return NULL;
}

bool ctrd__process_all_ended(void)
{
	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next)
		if (!p->forgotten && (p->state != CTRD__PROCESS_ENDED || p->unsaved))
			return false;
	return true;
}

void ctrd__process_forget(struct ctrd__process *process, bool unlink_record)
{
	char name[CTRD__RECORD_NAME_SIZE];

	if (unlink_record) {
		ctrd__record_name(name, process->id);
		(void)unlinkat(ctrd__monitor.dir, name, 0);
	}
	ctrd__close_fd(&process->record);
	ctrd__close_fd(&process->pidfd);
	ctrd__streams_close(&process->streams);
	process->forgotten = true;
}

void ctrd__process_sweep(void)
{
	struct ctrd__process **at = &ctrd__monitor.processes;

	while (*at) {
		struct ctrd__process *p = *at;

		if (!p->forgotten) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		free(p);
	}
}

/*
 * Ends
 */

void ctrd__process_save(struct ctrd__process *process)
{
	process->unsaved = process->record < 0 ||
			   ctrd__record_write_exit(process->record, &process->exit) < 0;
}

/* The record first, then the word; then, when nobody waits for it any more, the disk. */
static void end(struct ctrd__process *process, const struct ctrd__record_exit *exit)
{
	ctrd__oom_update();
	process->exit = *exit;
	if (ctrd__monitor.oom_kills > process->oom_kills && exit->code == 128 + SIGKILL)
		process->exit.flags |= CTRD_EXIT_OOM;
	process->state = CTRD__PROCESS_ENDED;
	process->exit_number = ++ctrd__monitor.exits;
	ctrd__close_fd(&process->pidfd);
	ctrd__process_save(process);
	ctrd__peer_flush_all();
	if (process->unsaved)
		return;
	(void)fdatasync(process->record);
	ctrd__close_fd(&process->record);
}

static void end_with_status(struct ctrd__process *process, int wait_status, int64_t time_ns)
{
	struct ctrd__record_exit exit;

	ctrd__record_exit_from_wait(&exit, wait_status);
	exit.time_ns = time_ns;
	end(process, &exit);
}

static void end_unknown(struct ctrd__process *process, int64_t time_ns)
{
	const struct ctrd__record_exit exit = {
		.code = 255,
		.flags = CTRD_EXIT_UNKNOWN,
		.time_ns = time_ns,
	};

	end(process, &exit);
}

static int wait_status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

void ctrd__process_clear_collected(void)
{
	collected_count = 0;
}

static void collect(pid_t pid, int wait_status)
{
	struct ctrd__process *p;

	if (ctrd__command_ended(pid, wait_status))
		return;
	p = find_pid(pid);
	if (p) {
		end_with_status(p, wait_status, ctrd__helper_realtime_ns());
	} else if (ctrd__command_wants_pids()) {
		collected[collected_count++ % CTRD__COLLECTED_MAX] = (struct collected){
			pid,
			wait_status,
			ctrd__helper_realtime_ns(),
		};
	}
}

void ctrd__process_reap(void)
{
	for (;;) {
		siginfo_t info;

		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) < 0 || info.si_pid == 0)
			return;
		collect(info.si_pid, wait_status_of(&info));
	}
}

static const struct collected *find_collected(pid_t pid)
{
	unsigned int kept = collected_count < CTRD__COLLECTED_MAX ? collected_count
								  : CTRD__COLLECTED_MAX;

	/* The latest of that number. */
	for (unsigned int i = 1; i <= kept; i++) {
		const struct collected *c = &collected[(collected_count - i) % CTRD__COLLECTED_MAX];

		if (c->pid == pid)
			return c;
	}
	return NULL;
}

/*
 * Beginnings
 */

/* What can be known of a process; CTRD_ENOTFOUND when there is none. */
static int identify(struct ctrd__process *process, int *ret_pidfd)
{
	CTRD__AUTO_CLOSE int fd = -1;
	struct ctrd__proc_info info;
	pid_t pid = (pid_t)process->start.pid;
	int r;

	r = ctrd__pidfd_open(pid, &fd);
	if (r == CTRD_OK)
		r = ctrd__proc_read(pid, &info);
	if (r < 0)
		return r;
	process->start.start_time = info.start_time;
	(void)ctrd__pidfd_inode(fd, &process->start.inode);
	/* Not our child (yet): nobody would tell us of its end. */
	if (info.parent != getpid())
		process->pidfd = ctrd__fd_dup(fd);
	*ret_pidfd = ctrd__take_fd(fd);
	return CTRD_OK;
}

void ctrd__process_begin(struct ctrd__process *process, pid_t pid, bool started, int *ret_pidfd)
{
	const struct collected *c = find_collected(pid);

	process->start.pid = (uint32_t)pid;
	process->start.time_ns = c ? c->time_ns : ctrd__helper_realtime_ns();
	process->start.started = started;
	process->start.terminal = process->streams.terminal >= 0;
	memcpy(process->start.boot_id, ctrd__monitor.boot_id, sizeof(process->start.boot_id));
	process->state = CTRD__PROCESS_RUNNING;
	if (c) {
		process->collected = true;
		process->wait_status = c->wait_status;
		process->ended_ns = c->time_ns;
	} else {
		process->vanished = identify(process, ret_pidfd) == CTRD_ENOTFOUND;
	}
	(void)ctrd__record_write_start(process->record, &process->start);
}

void ctrd__process_check_collected(struct ctrd__process *process)
{
	if (process->state != CTRD__PROCESS_RUNNING)
		return;
	if (process->collected)
		end_with_status(process, process->wait_status, process->ended_ns);
	else if (process->vanished)
		end_unknown(process, ctrd__helper_realtime_ns());
}

void ctrd__process_mark_started(struct ctrd__process *process)
{
	CTRD__AUTO_CLOSE int fd = -1;

	process->start.started = true;
	/* It may have ended meanwhile; then its record was closed. */
	if (process->record >= 0)
		(void)ctrd__record_write_start(process->record, &process->start);
	else if (ctrd__record_open_at(ctrd__monitor.dir, process->id, &fd) == CTRD_OK)
		(void)ctrd__record_write_start(fd, &process->start);
}

/*
 * Found again
 */

/* It was alive when an earlier monitor died; is it still? */
static void adopt(struct ctrd__process *process)
{
	const struct ctrd__record_start *start = &process->start;

	process->state = CTRD__PROCESS_RUNNING;
	if (strcmp(start->boot_id, ctrd__monitor.boot_id) == 0 && start->start_time != 0 &&
	    ctrd__pidfd_open_same((pid_t)start->pid, start->start_time, start->inode,
				  &process->pidfd) == CTRD_OK)
		return;
	end_unknown(process, 0);
}

int ctrd__process_load(const char *id)
{
	struct ctrd__process *p;
	struct ctrd__record record;
	int r;

	r = ctrd__record_read_at(ctrd__monitor.dir, id, &record);
	if (r < 0)
		return r;
	r = ctrd__process_new(id, &p);
	if (r < 0)
		return r;
	if (!record.has_start && !record.has_exit) {
		ctrd__process_forget(p, true);
		return CTRD_OK;
	}
	p->start = record.start;
	if (record.has_exit) {
		p->exit = record.exit;
		p->state = CTRD__PROCESS_ENDED;
		p->exit_number = ++ctrd__monitor.exits;
		return CTRD_OK;
	}
	r = ctrd__record_open_at(ctrd__monitor.dir, id, &p->record);
	if (r < 0)
		return r;
	adopt(p);
	return CTRD_OK;
}

void ctrd__process_pidfd_turn(struct ctrd__process *process)
{
	int64_t now = ctrd__helper_now_ms();
	int wait_status;
	int r;

	if (process->state != CTRD__PROCESS_RUNNING || process->forgotten)
		return;
	r = ctrd__pidfd_exit_status(process->pidfd, &wait_status);
	if (r == CTRD_OK) {
		end_with_status(process, wait_status, ctrd__helper_realtime_ns());
		return;
	}
	/* Its parent has not collected it, and only then does the kernel tell others. */
	if (r == CTRD_EPRECONDITION && process->collect_until_ms == 0) {
		process->collect_until_ms = now + CTRD__COLLECT_PATIENCE_MS;
		return;
	}
	if (r != CTRD_EPRECONDITION || now >= process->collect_until_ms)
		end_unknown(process, ctrd__helper_realtime_ns());
}
