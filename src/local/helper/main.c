/*
 * The helper program: becomes the process it has to be, whatever it was started from, then waits in
 * one poll() for everything it deals with, and decides when it is no longer needed.
 *
 * Invariant: descriptors 0 to 2 are /dev/null, 3 is the connection it was started with, and there is
 * no other that it has not opened or been sent.
 */
#include "local/helper/helper.h"

#include "util/cleanup.h"
#include "util/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

enum {
	EXIT_MISUSED = 2, /* started by hand */
	SLOTS_FIRST = CTRD__PEERS_MAX + 32,
	SLOTS_STEP = 128,
};

struct ctrd__monitor ctrd__monitor;

/* What a poll() item stands for. */
enum slot_kind {
	SLOT_SIGNALS,
	SLOT_LISTENER,
	SLOT_OOM,
	SLOT_PEER,
	SLOT_CONSOLE,
	SLOT_PIDFD,
	SLOT_DRAIN,
};

struct slot {
	enum slot_kind kind;
	void *what;
	int *fd;
};

static struct pollfd first_items[SLOTS_FIRST];
static struct slot first_slots[SLOTS_FIRST];
static struct pollfd *items = first_items;
static struct slot *slots = first_slots;
static size_t slot_count, slot_room = SLOTS_FIRST;
static bool slots_missing; /* there was no memory to watch everything */

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t ctrd__helper_now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t ctrd__helper_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/*
 * Becoming
 */

static void close_others_by_name(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir) {
		/* Without /proc there is the limit: slow, and right unless it was lowered. */
		for (long fd = sysconf(_SC_OPEN_MAX); fd > CTRD__HELPER_FD; fd--)
			(void)close((int)fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (fd > CTRD__HELPER_FD && fd != dirfd(dir))
			(void)close(fd);
	}
	(void)closedir(dir);
}

static void own_descriptors(void)
{
	int fd;

	if (syscall(SYS_close_range, CTRD__HELPER_FD + 1, ~0u, 0) < 0)
		close_others_by_name();
	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd < CTRD__HELPER_FD)
		;
	if (fd >= 0)
		(void)close(fd);
	(void)fcntl(CTRD__HELPER_FD, F_SETFD, FD_CLOEXEC);
	(void)fcntl(CTRD__HELPER_FD, F_SETFL, O_RDWR | O_NONBLOCK);
}

static int own_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM};
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t set;

	for (int i = 1; i < _NSIG; i++)
		(void)sigaction(i, &action, NULL);
	action.sa_handler = SIG_IGN;
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)sigaction(ignored[i], &action, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void own_limits(void)
{
	struct rlimit limit;
	int fd;

	(void)getrlimit(RLIMIT_CORE, &ctrd__monitor.core);
	limit = ctrd__monitor.core;
	limit.rlim_cur = 0;
	(void)setrlimit(RLIMIT_CORE, &limit);
	(void)getrlimit(RLIMIT_NOFILE, &ctrd__monitor.files);
	limit = ctrd__monitor.files;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		/* Needs a capability that root may lack. */
		(void)!write(fd, "-999", 4);
		(void)close(fd);
	}
}

static bool become(void)
{
	struct ctrd__monitor *m = &ctrd__monitor;
	int type;
	socklen_t len = sizeof(type);

	own_descriptors();
	m->dir = m->lock = m->listener = m->oom_event = m->oom_file = -1;
	for (size_t i = 0; i < CTRD__PEERS_MAX; i++)
		m->peers[i].fd = -1;
	if (getsockopt(CTRD__HELPER_FD, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    type != SOCK_SEQPACKET)
		return false;
	m->signals = own_signals();
	(void)setsid();
	(void)umask(077);
	(void)!chdir("/");
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_NAME, "ctrd-helper");
	own_limits();
	(void)prctl(PR_SET_DUMPABLE, 0);
	ctrd__peer_add(CTRD__HELPER_FD, false);
	return m->signals >= 0;
}

/*
 * The loop
 */

/* Double the room; false when there is no memory for it. */
static bool grow(void)
{
	size_t room = slot_room + SLOTS_STEP;
	struct pollfd *more_items = malloc(room * sizeof(*items));
	struct slot *more_slots = malloc(room * sizeof(*slots));

	if (!more_items || !more_slots) {
		free(more_items);
		free(more_slots);
		return false;
	}
	memcpy(more_items, items, slot_count * sizeof(*items));
	memcpy(more_slots, slots, slot_count * sizeof(*slots));
	if (items != first_items) {
		free(items);
		free(slots);
	}
	items = more_items;
	slots = more_slots;
	slot_room = room;
	return true;
}

/* What finds no room is tried again soon. Signals and peers always have theirs. */
static void watch(enum slot_kind kind, void *what, int *fd, short events)
{
	if (*fd < 0)
		return;
	if (slot_count == slot_room && !grow()) {
		slots_missing = true;
		return;
	}
	items[slot_count] = (struct pollfd){.fd = *fd, .events = events};
	slots[slot_count] = (struct slot){kind, what, fd};
	slot_count++;
}

static void watch_process(struct ctrd__process *p)
{
	/* Of one that has ended and is not collected, only the collecting is news. */
	watch(SLOT_PIDFD, p, &p->pidfd, p->collect_until_ms ? 0 : POLLIN);
	if (!p->streams.discard)
		return;
	watch(SLOT_DRAIN, p, &p->streams.out, POLLIN);
	watch(SLOT_DRAIN, p, &p->streams.err, POLLIN);
	watch(SLOT_DRAIN, p, &p->streams.terminal, POLLIN);
}

static void watch_all(void)
{
	struct ctrd__monitor *m = &ctrd__monitor;

	slot_count = 0;
	slots_missing = false;
	watch(SLOT_SIGNALS, NULL, &m->signals, POLLIN);
	watch(SLOT_OOM, NULL, &m->oom_event, POLLIN);
	for (size_t i = 0; i < CTRD__PEERS_MAX; i++)
		watch(SLOT_PEER, &m->peers[i], &m->peers[i].fd, ctrd__peer_wants(&m->peers[i]));
	/* Who leaves makes room for who comes. */
	watch(SLOT_LISTENER, NULL, &m->listener, POLLIN);
	for (struct ctrd__command *c = m->commands; c; c = c->next)
		watch(SLOT_CONSOLE, c, c->console_peer >= 0 ? &c->console_peer : &c->console,
		      POLLIN);
	for (struct ctrd__process *p = m->processes; p; p = p->next)
		watch_process(p);
}

static void signals_turn(void)
{
	struct signalfd_siginfo info;

	while (read(ctrd__monitor.signals, &info, sizeof(info)) > 0)
		;
	ctrd__process_reap();
}

static void turn(const struct slot *slot, const struct pollfd *item)
{
	/* An earlier turn of this round may have closed it. */
	if (item->revents == 0 || *slot->fd != item->fd)
		return;
	switch (slot->kind) {
	case SLOT_SIGNALS:
		signals_turn();
		break;
	case SLOT_LISTENER:
		ctrd__peer_accept();
		break;
	case SLOT_OOM:
		ctrd__oom_turn();
		break;
	case SLOT_PEER:
		ctrd__peer_turn(slot->what, item->revents);
		break;
	case SLOT_CONSOLE:
		ctrd__command_console_turn(slot->what);
		break;
	case SLOT_PIDFD:
		ctrd__process_pidfd_turn(slot->what);
		break;
	case SLOT_DRAIN:
		ctrd__streams_drain(slot->fd);
		break;
	}
}

/* Kept output that nobody has read yet is a reason to stay. */
static bool holds_bytes(void)
{
	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next)
		if (ctrd__streams_hold_bytes(&p->streams))
			return true;
	return false;
}

static bool is_idle(void)
{
	return !ctrd__peer_any() && !ctrd__monitor.commands && ctrd__process_all_ended();
}

static bool is_needed(void)
{
	struct pollfd item = {.fd = ctrd__monitor.listener, .events = POLLIN};

	if (ctrd__monitor.released)
		return false;
	if (ctrd__monitor.dir < 0)
		return ctrd__peer_any();
	if (!is_idle() || holds_bytes())
		return true;
	/* Somebody may be at the door. */
	return poll(&item, 1, 0) > 0;
}

static void shorten(int *timeout, int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (*timeout < 0 || ms < *timeout)
		*timeout = (int)ms;
}

/* What has to be looked at without being announced. */
static int next_timeout(void)
{
	int timeout = -1;

	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next) {
		if (p->collect_until_ms != 0 && p->state == CTRD__PROCESS_RUNNING)
			shorten(&timeout, CTRD__COLLECT_WAIT_MS);
		if (p->unsaved)
			shorten(&timeout, CTRD__IDLE_CHECK_MS);
	}
	if (slots_missing)
		shorten(&timeout, CTRD__COLLECT_WAIT_MS);
	/* Only unread bytes keep us: somebody may read them who holds the pipe and no connection. */
	if (ctrd__monitor.dir >= 0 && is_idle())
		shorten(&timeout, CTRD__IDLE_CHECK_MS);
	return timeout;
}

static void look_again(void)
{
	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next) {
		if (p->collect_until_ms != 0)
			ctrd__process_pidfd_turn(p);
		if (p->unsaved && !p->forgotten)
			ctrd__process_save(p);
	}
}

int main(void)
{
	if (!become())
		return EXIT_MISUSED;
	while (is_needed()) {
		int n;

		watch_all();
		n = poll(items, slot_count, next_timeout());
		if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOMEM)
			return EXIT_FAILURE;
		for (size_t i = 0; n > 0 && i < slot_count; i++)
			turn(&slots[i], &items[i]);
		look_again();
		ctrd__command_sweep();
		ctrd__process_sweep();
	}
	if (ctrd__monitor.dir >= 0 && !ctrd__monitor.released)
		ctrd__hold_end();
	return EXIT_SUCCESS;
}
