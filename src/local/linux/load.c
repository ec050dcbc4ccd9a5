/*
 * Finding out what there is: the look-up that every call begins with when its container is not known to be true, and the
 * load verb. What is found decides (see the table of cases in docs/local.md):
 *
 *   the monitor answers on `ctl`                  connect, subscribe, read the records
 *   it does not, every record has its end         the ends are the result
 *   it does not, some process may still live      a replacement monitor takes over
 *   it does not, and no process was ever recorded the create was cut: what it left is removed
 *   the records are of an earlier boot            everything has ended, nobody knows how
 *
 * Invariants: a process' end is learnt once, as a result when the task is new to this client, else as an event. Changing
 * what was found needs the container's lock; who cannot have it leaves that to its holder.
 */
#include "local/linux/local.h"

#include "local/linux/pidfd.h"
#include "util/clock.h"
#include "util/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MS	    20u
#define TRIES_MAX	    500u /* 10 s */
#define MONITOR_CGROUPS_MAX 14u

/* Our own descriptor of a process whose monitor is gone. */
struct witness {
	struct ctrd__list node;
	char id[CTRD_ID_MAX + 1];
	uint64_t start_time;
	int pidfd;
};

enum verdict { UNDECIDED, ADOPT, CUT, BUSY };

struct look {
	struct ctrd__job job;
	char id[CTRD_ID_MAX + 1];
	struct ctrd__box *box; /* new */
	struct ctrd__group *group;
	struct ctrd__list found;
	struct ctrd__list witnesses;
	int ctl;
	int helper_fd;
	int procs[MONITOR_CGROUPS_MAX];
	size_t proc_count;
	int oom[2];
	unsigned tries;
	bool has_monitor_file;
	bool was_connected;
	enum verdict verdict;
};

static void look_begin(struct ctrd__job *job);
static int look(struct ctrd__job *job, ctrd_error **ret_error);
static void looked(struct ctrd__job *job);

static struct look *look_of(struct ctrd__job *job)
{
	return ctrd__container_of(job, struct look, job);
}

static void drop_witnesses(struct look *look)
{
	struct ctrd__list *node;

	while ((node = ctrd__list_pop(&look->witnesses))) {
		struct witness *witness = ctrd__container_of(node, struct witness, node);

		ctrd__close_fd(&witness->pidfd);
		free(witness);
	}
}

static void drop_findings(struct look *look)
{
	ctrd__state_free_processes(&look->found);
	look->group = ctrd__group_unref(look->group);
	ctrd__close_fd(&look->ctl);
	ctrd__close_fd(&look->helper_fd);
	ctrd__wire_close_fds(look->procs, look->proc_count);
	look->proc_count = 0;
	ctrd__wire_close_fds(look->oom, 2);
}

static void destroy(struct ctrd__job *job)
{
	struct look *look = look_of(job);

	drop_findings(look);
	drop_witnesses(look);
	look->box = ctrd__box_unref(look->box);
}

/* Tell all who wait. `error` is NULL for success, else consumed. */
static void conclude(struct ctrd__job *job, ctrd_error *error)
{
	struct ctrd__cell *cell = ctrd__cell_ref(job->cell);
	struct ctrd__list waiters;
	struct ctrd__list *node;

	cell->looking = false;
	ctrd__list_init(&waiters);
	ctrd__list_splice_tail(&waiters, &cell->waiters);
	if (error && ctrd_error_code(error) == CTRD_ENOTFOUND)
		ctrd__cell_drop(cell);
	ctrd__job_finish(job, NULL);
	while ((node = ctrd__list_pop(&waiters))) {
		struct ctrd__job *waiter = ctrd__container_of(node, struct ctrd__job, wait_node);

		if (error) {
			ctrd__job_fail(waiter, ctrd_error_ref(error));
			continue;
		}
		waiter->box = ctrd__box_ref(cell->box);
		waiter->group = ctrd__group_ref(cell->group);
		waiter->next(waiter);
	}
	ctrd_error_unref(error);
	ctrd__cell_unref(cell);
}

static struct ctrd__found *find(struct look *look, const char *id)
{
	ctrd__list_foreach(node, &look->found)
	{
		struct ctrd__found *found = ctrd__container_of(node, struct ctrd__found, node);

		if (strcmp(found->id, id) == 0)
			return found;
	}
	return NULL;
}

static bool has_started(const struct ctrd__found *found)
{
	return found && found->record.has_start;
}

/*
 * Taking over what was found.
 */

static ctrd_exit exit_of(const struct ctrd__found *found)
{
	ctrd_exit exit = CTRD_EXIT_INIT;

	if (found->record.has_exit) {
		exit.flags = found->record.exit.flags;
		exit.code = found->record.exit.code;
		exit.signal = found->record.exit.signal;
		exit.exited_at_ns = found->record.exit.time_ns;
	} else {
		exit.flags = CTRD_EXIT_UNKNOWN;
		exit.code = 255;
	}
	return exit;
}

static void open_pidfd(struct ctrd__member *member)
{
	if (member->pidfd < 0 && !member->ended && member->start_time != 0)
		(void)ctrd__pidfd_open_same((pid_t)member->pid, member->start_time, member->inode,
					    &member->pidfd);
}

/* False without memory. */
static bool take_process(struct ctrd__cell *cell, const struct ctrd__found *found)
{
	struct ctrd__member *member = ctrd__cell_add(cell, found->id);
	bool ended = found->record.has_exit || found->lost;
	ctrd_exit exit = exit_of(found);

	if (!member)
		return false;
	member->pid = found->record.start.pid;
	member->start_time = found->record.start.start_time;
	member->inode = found->record.start.inode;
	member->time_ns = found->record.start.time_ns;
	member->has_terminal = found->record.start.terminal;
	member->started |= found->record.start.started;
	exit.task = cell->task;
	if (!member->told) {
		if (ctrd__client_learn_process(cell->local->client, cell->id, found->id,
					       member->pid, ended ? &exit : NULL) < 0)
			return false;
		member->told = true;
		if (ended) {
			member->ended = true;
			member->exit = exit;
			member->exit_told = true;
		} else {
			/* The monitor's word may have come before. */
			member->exit.task = cell->task;
			ctrd__cell_tell_exit(cell, member);
		}
	} else if (ended && !member->ended) {
		exit.flags |= CTRD_EXIT_INFERRED;
		ctrd__cell_exited(cell, member, &exit);
	}
	open_pidfd(member);
	return true;
}

static void forget_others(struct look *look)
{
	struct ctrd__cell *cell = look->job.cell;
	struct ctrd__map_iter it = ctrd__map_iter(&cell->members);
	const char *id;
	void *value;

	while (ctrd__map_next(&cell->members, &it, &id, &value)) {
		struct ctrd__member *member = value;

		/* One that is not told yet is being made by a job of ours. */
		if (!member->told || find(look, id))
			continue;
		ctrd__client_forget_process(cell->local->client, cell->id, id);
		ctrd__cell_remove(cell, id);
	}
}

static void apply(struct ctrd__job *job)
{
	struct look *look = look_of(job);
	struct ctrd__cell *cell = job->cell;
	const struct ctrd__found *init = find(look, CTRD_INIT_PROCESS);
	struct ctrd__member *member;

	if (!has_started(init)) {
		/* A monitor that dialed us is about to make one; else there is none. */
		if (!cell->monitor || cell->task != 0)
			ctrd__cell_end_task(cell);
		cell->ready = cell->monitor != NULL;
		conclude(job, NULL);
		return;
	}
	if (ctrd__cell_begin_task(cell) < 0)
		goto nomem;
	if (look->group) {
		ctrd__group_unref(cell->group);
		cell->group = ctrd__take_ptr(look->group);
	}
	ctrd__list_foreach(node, &look->found)
	{
		const struct ctrd__found *found =
			ctrd__container_of(node, struct ctrd__found, node);

		if (has_started(found) && !take_process(cell, found))
			goto nomem;
	}
	forget_others(look);
	member = ctrd__cell_member(cell, CTRD_INIT_PROCESS);
	if (!member || member->ended)
		cell->state = CTRD_TASK_STOPPED;
	else
		cell->state = member->started ? CTRD_TASK_RUNNING : CTRD_TASK_CREATED;
	cell->ready = cell->monitor != NULL;
	conclude(job, NULL);
	return;
nomem:
	ctrd__cell_end_task(cell);
	conclude(job, ctrd__error_nomem());
}

/*
 * A monitor is there: subscribe, then read the records once more, so that nothing is missed in between.
 */

static int read_again(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct look *look = look_of(job);

	ctrd__state_free_processes(&look->found);
	look->group = ctrd__group_unref(look->group);
	if (ctrd__group_read(job->local, look->box, &look->group) < 0)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	return ctrd__state_read_processes(job->local, look->box->dir_fd, &look->found, ret_error);
}

static int is_it_busy(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct look *look = look_of(job);
	ctrd_error *error = NULL;
	int r;

	(void)ret_error;
	r = ctrd__lock_take(&job->cell->lock, job->local, look->box, true, &error);
	ctrd_error_unref(error);
	if (r == CTRD_OK)
		ctrd__lock_drop(&job->cell->lock);
	look->verdict = r == CTRD_EABORTED ? BUSY : UNDECIDED;
	return CTRD_OK;
}

static void waited_for_create(struct ctrd__job *job)
{
	struct look *look = look_of(job);

	if (look->verdict == BUSY || ++look->tries > TRIES_MAX) {
		apply(job);
		return;
	}
	/* Its client is gone; the command ends by itself, and so does the monitor without us. */
	job->cell->monitor = ctrd__monitor_free(job->cell->monitor);
	ctrd__job_sleep(job, RETRY_MS, look_begin);
}

static void read_again_done(struct ctrd__job *job)
{
	struct look *look = look_of(job);

	if (!job->cell->monitor) {
		/* Gone meanwhile. */
		if (++look->tries > TRIES_MAX)
			conclude(job, ctrd__error_new(CTRD_EUNAVAILABLE, "local", 0, NULL,
						      "container \"%s\": its monitors do not stay",
						      job->cell->id));
		else
			ctrd__job_sleep(job, RETRY_MS, look_begin);
		return;
	}
	if (has_started(find(look, CTRD_INIT_PROCESS)))
		apply(job);
	else
		ctrd__job_work(job, is_it_busy, waited_for_create);
}

static void lost_again(struct ctrd__job *job)
{
	struct look *look = look_of(job);

	job->cell->monitor = ctrd__monitor_free(job->cell->monitor);
	ctrd__job_unlock(job);
	if (++look->tries > TRIES_MAX)
		conclude(job, ctrd__error_new(CTRD_EUNAVAILABLE, "local", 0, NULL,
					      "container \"%s\": its monitor does not answer",
					      job->cell->id));
	else
		ctrd__job_sleep(job, RETRY_MS, look_begin);
}

static void subscribed(struct ctrd__job *job, struct ctrd__answer *answer)
{
	if (!answer || answer->head.status < 0)
		lost_again(job);
	else
		ctrd__job_work(job, read_again, read_again_done);
}

static void subscribe(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_SUBSCRIBE};

	ctrd__job_ask(job, job->cell->monitor, &head, NULL, 0, NULL, 0, subscribed);
}

static void greeted(struct ctrd__job *job, struct ctrd__answer *answer)
{
	if (!answer || answer->head.status < 0) {
		lost_again(job);
		return;
	}
	if (answer->head.text_length == 0 || strcmp(answer->text, job->cell->id) != 0) {
		job->cell->monitor = ctrd__monitor_free(job->cell->monitor);
		conclude(job, ctrd__error_new(CTRD_EDATALOSS, "local", 0, NULL,
					      "container \"%s\": its monitor holds another one",
					      job->cell->id));
		return;
	}
	subscribe(job);
}

static void connected(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_HELLO};
	struct look *look = look_of(job);
	int r;

	if (!job->cell->monitor) {
		r = ctrd__monitor_new(job->local, ctrd__take_fd(look->ctl), &ctrd__cell_owner,
				      job->cell, &job->cell->monitor);
		if (r < 0) {
			conclude(job,
				 ctrd__error_new(r, "local", 0, NULL,
						 "container \"%s\": its monitor cannot be watched",
						 job->cell->id));
			return;
		}
	}
	ctrd__job_ask(job, job->cell->monitor, &head, NULL, 0, NULL, 0, greeted);
}

/*
 * No monitor, but something may live: a replacement.
 */

static void give_terminal(struct ctrd__cell *cell, struct ctrd__member *member)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_KEEP, .flags = CTRD__RUN_TERMINAL};

	(void)ctrd__monitor_request(cell->monitor, &head, member->id, strlen(member->id) + 1,
				    &member->terminal, 1, NULL, NULL, NULL);
}

static void held(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_OOM};
	struct ctrd__cell *cell = job->cell;
	struct look *look = look_of(job);
	struct ctrd__map_iter it;
	void *value;

	if (!answer || answer->head.status < 0) {
		lost_again(job);
		return;
	}
	ctrd__client_log(job->local->client, CTRD_LOG_WARNING,
			 "container \"%s\": its monitor was lost, a new one holds it", cell->id);
	it = ctrd__map_iter(&cell->members);
	while (ctrd__map_next(&cell->members, &it, NULL, &value)) {
		struct ctrd__member *member = value;

		if (member->terminal >= 0 && !member->ended)
			give_terminal(cell, member);
	}
	if (look->oom[0] >= 0)
		(void)ctrd__monitor_request(cell->monitor, &head, NULL, 0, look->oom, 2, NULL, NULL,
					    NULL);
	ctrd__job_unlock(job);
	subscribe(job);
}

static void replacing(struct ctrd__job *job)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_HOLD};
	struct look *look = look_of(job);
	struct ctrd__cell *cell = job->cell;
	int fds[1 + MONITOR_CGROUPS_MAX];
	int r;

	if (look->verdict == BUSY) {
		if (++look->tries > TRIES_MAX)
			conclude(job, ctrd__error_new(CTRD_EABORTED, "local", 0, NULL,
						      "container \"%s\": held by another client",
						      cell->id));
		else
			ctrd__job_sleep(job, RETRY_MS, look_begin);
		return;
	}
	if (look->ctl >= 0) {
		/* Another client was faster. */
		ctrd__job_unlock(job);
		connected(job);
		return;
	}
	r = ctrd__monitor_new(job->local, ctrd__take_fd(look->helper_fd), &ctrd__cell_owner, cell,
			      &cell->monitor);
	if (r < 0) {
		conclude(job,
			 ctrd__error_new(r, "local", 0, NULL,
					 "container \"%s\": no new monitor can be had", cell->id));
		return;
	}
	fds[0] = look->box->dir_fd;
	memcpy(fds + 1, look->procs, look->proc_count * sizeof(fds[0]));
	ctrd__job_ask(job, cell->monitor, &head, cell->id, strlen(cell->id) + 1, fds,
		      1 + look->proc_count, held);
}

/* What we saw with our own descriptors, for those whose end nobody recorded. */
static void testify(struct look *look)
{
	ctrd__list_foreach(node, &look->witnesses)
	{
		struct witness *witness = ctrd__container_of(node, struct witness, node);
		struct ctrd__record record;
		struct ctrd__record_exit exit;
		char name[CTRD__RECORD_NAME_SIZE];
		CTRD__AUTO_CLOSE int fd = -1;
		int status;

		if (ctrd__record_read_at(look->box->dir_fd, witness->id, &record) < 0 ||
		    !record.has_start || record.has_exit ||
		    record.start.start_time != witness->start_time ||
		    ctrd__pidfd_exit_status(witness->pidfd, &status) < 0)
			continue;
		ctrd__record_name(name, witness->id);
		fd = ctrd__fd_above_2(openat(look->box->dir_fd, name,
					     O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
		if (fd < 0)
			continue;
		ctrd__record_exit_from_wait(&exit, status);
		exit.flags |= CTRD_EXIT_INFERRED;
		exit.time_ns = ctrd__now_real_ns();
		(void)ctrd__record_write_exit(fd, &exit);
	}
}

static int lock_quietly(struct look *look)
{
	struct ctrd__job *job = &look->job;
	ctrd_error *error = NULL;
	int r;

	job->box = job->box ? job->box : ctrd__box_ref(look->box);
	r = ctrd__job_lock(job, true, &error);
	ctrd_error_unref(error);
	return r;
}

static int replace(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct look *look = look_of(job);

	if (lock_quietly(look) < 0) {
		look->verdict = BUSY;
		return CTRD_OK;
	}
	look->verdict = ADOPT;
	if (ctrd__state_connect(look->box->dir_fd, CTRD__CTL_NAME, &look->ctl) == CTRD_OK)
		return CTRD_OK;
	testify(look);
	ctrd__local_monitor_fds(job->local, look->procs, MONITOR_CGROUPS_MAX, &look->proc_count);
	if (look->group &&
	    ctrd__cgroup_oom_fds(&look->group->cgroup, &look->oom[0], &look->oom[1]) < 0)
		look->oom[0] = look->oom[1] = -1;
	return ctrd__local_spawn(job->local, &look->helper_fd, ret_error);
}

static void call_witnesses(struct look *look)
{
	struct ctrd__map_iter it = ctrd__map_iter(&look->job.cell->members);
	void *value;

	drop_witnesses(look);
	while (ctrd__map_next(&look->job.cell->members, &it, NULL, &value)) {
		const struct ctrd__member *member = value;
		struct witness *witness;

		if (member->pidfd < 0 || member->ended)
			continue;
		witness = calloc(1, sizeof(*witness));
		if (!witness)
			return;
		memcpy(witness->id, member->id, sizeof(witness->id));
		witness->start_time = member->start_time;
		witness->pidfd = ctrd__fd_dup(member->pidfd);
		ctrd__list_insert_tail(&look->witnesses, &witness->node);
	}
}

/*
 * No monitor and no process: a create that was cut.
 */

static void cut_removed(struct ctrd__job *job)
{
	struct look *look = look_of(job);

	job->fail = conclude;
	ctrd__job_unlock(job);
	ctrd__state_free_processes(&look->found);
	apply(job);
}

static void cutting(struct ctrd__job *job)
{
	struct look *look = look_of(job);

	if (look->verdict == CUT) {
		ctrd__client_log(job->local->client, CTRD_LOG_INFO,
				 "container \"%s\": what a create left that was cut is removed",
				 job->cell->id);
		ctrd__task_tear_down(job, cut_removed);
	} else if (look->verdict == BUSY || ++look->tries > TRIES_MAX) {
		/* Somebody makes a task, or removes one, right now. */
		apply(job);
	} else {
		ctrd__job_unlock(job);
		ctrd__job_sleep(job, RETRY_MS, look_begin);
	}
}

static int cut(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct look *look = look_of(job);
	CTRD__AUTO_CLOSE int fd = -1;

	(void)ret_error;
	if (lock_quietly(look) < 0) {
		look->verdict = BUSY;
		return CTRD_OK;
	}
	/* Still the same, now that nobody changes it? */
	look->verdict = UNDECIDED;
	if (ctrd__state_connect(look->box->dir_fd, CTRD__CTL_NAME, &fd) == CTRD_OK ||
	    !ctrd__state_has(look->box, CTRD__MONITOR_NAME))
		return CTRD_OK;
	ctrd__state_free_processes(&look->found);
	if (ctrd__state_read_processes(job->local, look->box->dir_fd, &look->found, NULL) ==
		    CTRD_OK &&
	    !has_started(find(look, CTRD_INIT_PROCESS)))
		look->verdict = CUT;
	return CTRD_OK;
}

/*
 * The first look.
 */

static bool is_same_place(const struct ctrd__box *a, const struct ctrd__box *b)
{
	struct stat of_a;
	struct stat of_b;

	return fstat(a->dir_fd, &of_a) == 0 && fstat(b->dir_fd, &of_b) == 0 &&
	       of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

static bool may_live(const struct look *look)
{
	ctrd__list_foreach(node, &look->found)
	{
		const struct ctrd__found *found =
			ctrd__container_of(node, struct ctrd__found, node);

		if (has_started(found) && !found->record.has_exit)
			return true;
	}
	return false;
}

static bool is_of_this_boot(struct look *look)
{
	const struct ctrd__found *init = find(look, CTRD_INIT_PROCESS);

	return init && strcmp(init->record.start.boot_id, look->job.local->boot_id) == 0;
}

/* Take the box as found; another life of the container, or of its task, ends what we knew. */
static void take_box(struct look *look)
{
	struct ctrd__cell *cell = look->job.cell;
	const struct ctrd__found *init = find(look, CTRD_INIT_PROCESS);
	const struct ctrd__member *member = ctrd__cell_member(cell, CTRD_INIT_PROCESS);
	struct ctrd__monitor *monitor = cell->monitor;

	cell->monitor = NULL;
	if (cell->box && !is_same_place(cell->box, look->box))
		ctrd__cell_end_task(cell);
	else if (has_started(init) && member && member->told && member->start_time != 0 &&
		 (member->start_time != init->record.start.start_time ||
		  member->pid != init->record.start.pid))
		ctrd__cell_end_task(cell);
	cell->monitor = monitor;
	ctrd__box_unref(cell->box);
	cell->box = ctrd__box_ref(look->box);
}

static void looked(struct ctrd__job *job)
{
	struct look *look = look_of(job);
	struct ctrd__cell *cell = job->cell;

	take_box(look);
	job->box = ctrd__box_unref(job->box);
	job->box = ctrd__box_ref(look->box);
	if (cell->monitor || look->ctl >= 0) {
		connected(job);
		return;
	}
	if (has_started(find(look, CTRD_INIT_PROCESS))) {
		if (may_live(look) && is_of_this_boot(look)) {
			call_witnesses(look);
			ctrd__job_work(job, replace, replacing);
		} else {
			apply(job);
		}
		return;
	}
	if (look->has_monitor_file)
		ctrd__job_work(job, cut, cutting);
	else
		apply(job);
}

static int look(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct look *look = look_of(job);
	int r;

	ctrd__state_sweep(job->local);
	(void)ctrd__state_boot_id(job->local);
	r = ctrd__state_open_box(job->local, look->id, &look->box, ret_error);
	if (r < 0)
		return r;
	/* In this order: a monitor that ends has written everything before. */
	r = ctrd__state_connect(look->box->dir_fd, CTRD__CTL_NAME, &look->ctl);
	if (r < 0 && r != CTRD_EUNAVAILABLE)
		return ctrd__error_return(ctrd__error_new(r, "local", 0, NULL,
							  "container \"%s\": its monitor cannot be "
							  "reached",
							  look->id),
					  ret_error);
	look->has_monitor_file = ctrd__state_has(look->box, CTRD__MONITOR_NAME);
	if (ctrd__group_read(job->local, look->box, &look->group) < 0)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	return ctrd__state_read_processes(job->local, look->box->dir_fd, &look->found, ret_error);
}

static void look_begin(struct ctrd__job *job)
{
	struct look *look_job = look_of(job);

	drop_findings(look_job);
	look_job->box = ctrd__box_unref(look_job->box);
	ctrd__job_work(job, look, looked);
}

void ctrd__local_look(struct ctrd__cell *cell)
{
	struct look *look_job;

	if (cell->looking || cell->changing || cell->gone)
		return;
	look_job = ctrd__job_new(cell->local, NULL, sizeof(*look_job), destroy);
	if (!look_job) {
		struct ctrd__list *node;

		while ((node = ctrd__list_pop(&cell->waiters)))
			ctrd__job_fail(ctrd__container_of(node, struct ctrd__job, wait_node),
				       ctrd__error_nomem());
		return;
	}
	ctrd__list_init(&look_job->found);
	ctrd__list_init(&look_job->witnesses);
	look_job->ctl = look_job->helper_fd = -1;
	look_job->oom[0] = look_job->oom[1] = -1;
	memcpy(look_job->id, cell->id, sizeof(look_job->id));
	look_job->job.cell = ctrd__cell_ref(cell);
	look_job->job.fail = conclude;
	cell->looking = true;
	look_begin(&look_job->job);
}

void ctrd__local_lookup(struct ctrd__job *job, void (*next)(struct ctrd__job *))
{
	struct ctrd__cell *cell = ctrd__cell_get(job->local, job->op->container_id, true);

	if (!cell) {
		ctrd__job_fail(job, ctrd__error_nomem());
		return;
	}
	job->cell = ctrd__cell_ref(cell);
	if (cell->box && (cell->ready || cell->changing) && !cell->looking) {
		job->box = ctrd__box_ref(cell->box);
		job->group = ctrd__group_ref(cell->group);
		next(job);
		return;
	}
	job->next = next;
	ctrd__list_insert_tail(&cell->waiters, &job->wait_node);
	ctrd__local_look(cell);
}

void ctrd__local_monitor_lost(struct ctrd__cell *cell)
{
	cell->monitor = ctrd__monitor_free(cell->monitor);
	cell->ready = false;
	/* Who makes, ends or looks up the task sees it for itself. */
	if (!cell->changing)
		ctrd__local_look(cell);
	ctrd__cell_wake_exit_waiters(cell);
}

/*
 * The verb.
 */

struct load {
	struct ctrd__job job;
	uint32_t state;
	enum ctrd__cgroup_state freezer;
};

static void loaded(struct ctrd__job *job)
{
	ctrd__job_finish(job, NULL);
}

static ctrd_error *attach(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct ctrd__cell *cell = job->cell;
	struct ctrd__member *init = ctrd__cell_member(cell, CTRD_INIT_PROCESS);
	static const uint32_t bits[] = {CTRD__RUN_KEEP_IN, CTRD__RUN_KEEP_OUT, CTRD__RUN_KEEP_ERR};
	int ours[3] = {-1, -1, -1};
	ctrd_error *error = NULL;
	size_t n = 0;

	if (answer && answer->head.status == 0) {
		if (answer->head.flags & CTRD__RUN_TERMINAL && answer->fd_count > 0) {
			ours[1] = ctrd__take_fd(answer->fds[0]);
			if (init && init->terminal < 0)
				init->terminal = ctrd__fd_dup(ours[1]);
		} else {
			for (size_t i = 0; i < 3; i++)
				if (answer->head.flags & bits[i] && n < answer->fd_count)
					ours[i] = ctrd__take_fd(answer->fds[n++]);
		}
	}
	if (ctrd__stdio_attach(job->local->client, cell->id, CTRD_INIT_PROCESS,
			       job->op->request.stdio, ours, &error) < 0)
		return error;
	return NULL;
}

static void streams_answered(struct ctrd__job *job, struct ctrd__answer *answer)
{
	ctrd_error *error = attach(job, answer);

	if (error)
		ctrd__job_finish(job, error);
	else
		loaded(job);
}

static void give_streams(struct ctrd__job *job)
{
	static const char id[] = CTRD_INIT_PROCESS;
	struct ctrd__wire_head head = {.type = CTRD__REQ_STDIO};

	if (!job->op->request.stdio || job->cell->state == CTRD_TASK_NONE)
		loaded(job);
	else if (job->cell->monitor)
		ctrd__job_ask(job, job->cell->monitor, &head, id, sizeof(id), NULL, 0,
			      streams_answered);
	else
		streams_answered(job, NULL);
}

static bool add_process(ctrd_op *op, const struct ctrd__member *member)
{
	ctrd_process_info *info = &op->result.processes[op->result.count];

	*info = (ctrd_process_info)CTRD_PROCESS_INFO_INIT;
	info->process_id = ctrd__op_strdup(op, member->id);
	info->image_name = "";
	info->pid = member->ended ? 0 : member->pid;
	info->state = member->ended ? CTRD_TASK_STOPPED : CTRD_TASK_RUNNING;
	info->created_at_ns = member->time_ns;
	info->exit = member->exit;
	op->result.count++;
	return info->process_id != NULL;
}

/* Copy what is known of the task into the result. */
static bool fill(struct ctrd__job *job, uint32_t state)
{
	struct ctrd__cell *cell = job->cell;
	ctrd_op *op = job->op;
	const struct ctrd__member *init = ctrd__cell_member(cell, CTRD_INIT_PROCESS);
	struct ctrd__map_iter it = ctrd__map_iter(&cell->members);
	void *value;

	op->task = cell->task;
	op->result.load = (ctrd_load_result)CTRD_LOAD_RESULT_INIT;
	op->result.load.state = state;
	op->result.load.task = cell->task;
	if (init) {
		op->result.load.alive = !init->ended;
		op->result.load.pid = init->ended ? 0 : init->pid;
		op->result.load.exit = init->exit;
	}
	op->result.has |= CTRD__HAS_LOAD | CTRD__HAS_PROCESSES;
	op->result.processes =
		calloc(ctrd__map_count(&cell->members) + 1, sizeof(*op->result.processes));
	if (!op->result.processes)
		return false;
	while (ctrd__map_next(&cell->members, &it, NULL, &value))
		if (value != init && !add_process(op, value))
			return false;
	return true;
}

static void filled(struct ctrd__job *job)
{
	struct load *load = ctrd__container_of(job, struct load, job);
	uint32_t state = job->cell->state;

	if (state == CTRD_TASK_RUNNING && load->freezer == CTRD__CGROUP_FROZEN)
		state = CTRD_TASK_PAUSED;
	if (state == CTRD_TASK_RUNNING && load->freezer == CTRD__CGROUP_FREEZING)
		state = CTRD_TASK_PAUSING;
	if (!fill(job, state))
		ctrd__job_finish(job, ctrd__error_nomem());
	else
		give_streams(job);
}

static int see_freezer(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct load *load = ctrd__container_of(job, struct load, job);

	(void)ret_error;
	if (ctrd__cgroup_state(&job->group->cgroup, &load->freezer) < 0)
		load->freezer = CTRD__CGROUP_THAWED;
	return CTRD_OK;
}

static void load_found(struct ctrd__job *job)
{
	if (job->cell->state == CTRD_TASK_RUNNING && job->group)
		ctrd__job_work(job, see_freezer, filled);
	else
		filled(job);
}

void ctrd__local_load(ctrd_op *op)
{
	struct load *load = ctrd__job_new(ctrd__local_of(op), op, sizeof(*load), NULL);

	if (load)
		ctrd__local_lookup(&load->job, load_found);
}
