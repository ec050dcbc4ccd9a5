/*
 * Signals for everybody in a group. It does not wait for anybody to die.
 *
 * Invariants: a signal goes through a pidfd to a process that was listed in the group after that
 * pidfd was opened, so never to a stranger who got the pid. Whatever fails, a group that was thawed
 * before is thawed (told to thaw) afterwards.
 */
#include "local/linux/cgroup_priv.h"

#include "libctrd/base.h"
#include "local/linux/pidfd.h"
#include "util/cleanup.h"
#include "util/clock.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

enum {
	BATCH = 64, /* pidfds held at once */
	ROUNDS_MAX = 256,
	FREEZE_MAX_MS = 500, /* then it goes without */
};

struct signaller {
	int signal;
	struct ctrd__pid_set done;  /* sorted: signalled in earlier rounds */
	struct ctrd__pid_set fresh; /* signalled for the first time in this one */
};

struct batch {
	pid_t pids[BATCH];
	int fds[BATCH];
	size_t count;
};

static void close_batch(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		ctrd__close_fd(&batch->fds[i]);
	batch->count = 0;
}

/* Hold on to the next pids of the set from *at on. */
static int fill_batch(struct signaller *s, const struct ctrd__pid_set *pids, size_t *at,
		      struct batch *batch)
{
	for (; *at < pids->count && batch->count < BATCH; (*at)++) {
		pid_t pid = pids->pids[*at];
		int r;

		/* Other signals are sent once; SIGKILL costs nothing to repeat. */
		if (pid == getpid() || (s->signal != SIGKILL && ctrd__pid_set_has(&s->done, pid)))
			continue;
		r = ctrd__pidfd_open(pid, &batch->fds[batch->count]);
		if (r == CTRD_ENOTFOUND)
			continue;
		if (r < 0)
			return r;
		batch->pids[batch->count++] = pid;
	}
	return CTRD_OK;
}

static int signal_batch(int dirfd, struct signaller *s, const struct batch *batch)
{
	CTRD__AUTO_PIDS struct ctrd__pid_set now = {NULL, 0, 0};
	int r = ctrd__cgroup_read_procs(dirfd, &now);

	if (r < 0)
		return r;
	ctrd__pid_set_sort(&now);
	for (size_t i = 0; i < batch->count; i++) {
		if (!ctrd__pid_set_has(&now, batch->pids[i]))
			continue;
		if (!ctrd__pid_set_has(&s->done, batch->pids[i])) {
			r = ctrd__pid_set_add(&s->fresh, batch->pids[i]);
			if (r < 0)
				return r;
		}
		r = ctrd__pidfd_signal(batch->fds[i], s->signal);
		if (r < 0 && r != CTRD_ENOTFOUND)
			return r;
	}
	return CTRD_OK;
}

static int signal_dir(int dirfd, int parent, const char *name, void *data)
{
	struct signaller *s = data;
	CTRD__AUTO_PIDS struct ctrd__pid_set pids = {NULL, 0, 0};
	size_t at = 0;
	int r;

	(void)parent;
	(void)name;
	r = ctrd__cgroup_read_procs(dirfd, &pids);
	if (r < 0)
		return r;
	ctrd__pid_set_sort(&pids);
	while (at < pids.count) {
		CTRD__CLEANUP(close_batch) struct batch batch = {.count = 0};

		r = fill_batch(s, &pids, &at, &batch);
		if (r == CTRD_OK && batch.count)
			r = signal_batch(dirfd, s, &batch);
		if (r < 0)
			return r;
	}
	return CTRD_OK;
}

static void signaller_done(struct signaller *s)
{
	ctrd__pid_set_done(&s->done);
	ctrd__pid_set_done(&s->fresh);
}

int ctrd__cgroup_signal_tree(const char *dir, int signal, int64_t deadline_ns)
{
	CTRD__CLEANUP(signaller_done)
	struct signaller s = {.signal = signal};

	for (int round = 0; round < ROUNDS_MAX; round++) {
		int r = ctrd__cgroup_walk(dir, signal_dir, &s);

		if (r < 0)
			return r;
		/* A whole round without anybody new: nobody is left who could fork. */
		if (!s.fresh.count)
			return CTRD_OK;
		for (size_t i = 0; i < s.fresh.count; i++) {
			r = ctrd__pid_set_add(&s.done, s.fresh.pids[i]);
			if (r < 0)
				return r;
		}
		ctrd__pid_set_sort(&s.done);
		s.fresh.count = 0;
		if (round && ctrd__now_mono_ns() >= deadline_ns)
			break;
	}
	return ctrd__cgroup_fail(ETIMEDOUT);
}

/* One write that the kernel carries out for all at once; CTRD_ENOSYS before Linux 5.14 and on v1. */
static int kill_by_file(const struct ctrd__cgroup_group *group)
{
	CTRD__AUTO_CLOSE int fd = -1;
	int r;

	if (!ctrd__cgroup_group_is_v2(group))
		return CTRD_ENOSYS;
	r = ctrd__cgroup_open_dir(group->dir, &fd);
	if (r < 0)
		return r;
	r = ctrd__cgroup_write(fd, "cgroup.kill", "1\n");
	/* Refused in threaded groups. The directory is there, as we hold it: only the file is missing. */
	return r < 0 && (errno == ENOENT || errno == EOPNOTSUPP) ? CTRD_ENOSYS : r;
}

int ctrd__cgroup_signal_all(const struct ctrd__cgroup *cgroup, int signal, int64_t timeout_ms)
{
	const struct ctrd__cgroup_group *group = ctrd__cgroup_procs_group(cgroup);
	int64_t deadline = ctrd__cgroup_deadline_ns(timeout_ms);
	enum ctrd__cgroup_state before = CTRD__CGROUP_THAWED;
	bool frozen = false;
	int r, thaw;

	if (!group)
		return ctrd__cgroup_fail(ENOSYS);
	if (signal == SIGKILL) {
		r = kill_by_file(group);
		if (r != CTRD_ENOSYS)
			return r;
	}
	/* Frozen, nobody forks away from under us. Where that cannot be had, the rounds must do. */
	if (ctrd__cgroup_state(cgroup, &before) == CTRD_OK && before == CTRD__CGROUP_THAWED)
		frozen = ctrd__cgroup_freeze(cgroup, timeout_ms < FREEZE_MAX_MS
							     ? timeout_ms
							     : FREEZE_MAX_MS) == CTRD_OK;
	r = ctrd__cgroup_signal_tree(group->dir, signal, deadline);
	/* A frozen task of v1 does not even die. All have their SIGKILL: nothing of theirs runs again. */
	if (signal == SIGKILL && r == CTRD_OK && before != CTRD__CGROUP_THAWED)
		frozen = true;
	if (!frozen)
		return r;
	thaw = ctrd__cgroup_thaw(cgroup, timeout_ms);
	/* A group that went because all in it died needs no thaw; one below a frozen one stays so. */
	if (r == CTRD_OK && thaw < 0 && thaw != CTRD_ENOTFOUND && thaw != CTRD_EDEADLINE)
		r = thaw;
	return r;
}
