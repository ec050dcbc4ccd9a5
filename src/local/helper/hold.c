/*
 * Becoming the monitor of a container and ceasing to be it: the lock, the socket, the records that
 * are found, the watchers that are told. Whether one helper or another holds a container is decided
 * here, by the lock alone.
 *
 * Invariant: every name is resolved in the directory that is held open, and no link is followed.
 */
#include "local/helper/helper.h"

#include "local/linux/proc.h"
#include "util/cleanup.h"
#include "util/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WATCHERS_MAX = CTRD__PEERS_MAX / 2 };

bool ctrd__hold_address(struct sockaddr_un *ret_address, int dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
			 name);

	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return false;
	*ret_address = address;
	return true;
}

int ctrd__hold_listen(const char *name, int type, int *ret_fd)
{
	CTRD__AUTO_CLOSE int fd = -1;
	struct sockaddr_un address;
	mode_t mask;
	int r;

	if (!ctrd__hold_address(&address, ctrd__monitor.dir, name))
		return CTRD_EINVAL;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ctrd__status_from_errno(errno);
	(void)unlinkat(ctrd__monitor.dir, name, 0);
	mask = umask(0177);
	r = bind(fd, (struct sockaddr *)&address, sizeof(address));
	(void)umask(mask);
	if (r < 0 || listen(fd, CTRD__PEERS_MAX) < 0)
		return ctrd__status_from_errno(errno);
	*ret_fd = ctrd__take_fd(fd);
	return CTRD_OK;
}

/*
 * Records
 */

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Call fn with each process id that has a record, to the first failure. */
static int each_record(int (*fn)(int dir, const char *id))
{
	int fd = openat(ctrd__monitor.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r = CTRD_OK;

	if (!dir) {
		ctrd__close_fd(&fd);
		return CTRD_ERESOURCES;
	}
	while (r == CTRD_OK && (entry = readdir(dir)) != NULL) {
		const char *id = entry->d_name + sizeof(CTRD__RECORD_PREFIX) - 1;

		if (starts_with(entry->d_name, CTRD__RECORD_PREFIX) && ctrd__record_id_valid(id))
			r = fn(ctrd__monitor.dir, id);
		/* A name that goes while the directory is read was nothing we need. */
		if (r == CTRD_ENOTFOUND)
			r = CTRD_OK;
	}
	(void)closedir(dir);
	return r;
}

static int check_record(int dir, const char *id)
{
	struct ctrd__record record;

	return ctrd__record_read_at(dir, id, &record);
}

static int load_record(int dir, const char *id)
{
	char name[sizeof(CTRD__PIDFILE_DRAFT_PREFIX) + CTRD_ID_MAX];

	/* Left by commands that a dead monitor had under way. */
	(void)snprintf(name, sizeof(name), CTRD__PIDFILE_PREFIX "%s", id);
	(void)unlinkat(dir, name, 0);
	(void)snprintf(name, sizeof(name), CTRD__PIDFILE_DRAFT_PREFIX "%s", id);
	(void)unlinkat(dir, name, 0);
	(void)snprintf(name, sizeof(name), CTRD__CONSOLE_PREFIX "%s", id);
	(void)unlinkat(dir, name, 0);
	return ctrd__process_load(id);
}

/*
 * The directory
 */

static int lock(void)
{
	CTRD__AUTO_CLOSE int fd = -1;
	char text[64];
	uint64_t start_time = 0;
	int n;

	fd = openat(ctrd__monitor.dir, CTRD__MONITOR_NAME,
		    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return ctrd__status_from_errno(errno);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? CTRD_EABORTED : ctrd__status_from_errno(errno);
	/* For people and for messages: what counts is the lock, so a full disk is no failure. */
	(void)ctrd__proc_start_time(getpid(), &start_time);
	n = snprintf(text, sizeof(text), "%d %" PRIu64 "\n", (int)getpid(), start_time);
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)n, 0);
	ctrd__monitor.lock = ctrd__take_fd(fd);
	return CTRD_OK;
}

/*
 * The runtime is another process. It gets the directory's path where that is short enough for a
 * socket address; else a name through our descriptor, which only root may follow (we are not
 * dumpable).
 */
static void find_path(void)
{
	const size_t room = sizeof(ctrd__monitor.path) - sizeof(CTRD__CONSOLE_PREFIX) -
			    CTRD_ID_MAX - 1;
	char self[32];
	struct stat by_fd, by_path;
	ssize_t n;

	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", ctrd__monitor.dir);
	n = readlink(self, ctrd__monitor.path, room);
	if (n > 0 && (size_t)n < room) {
		ctrd__monitor.path[n] = '\0';
		if (fstat(ctrd__monitor.dir, &by_fd) == 0 &&
		    lstat(ctrd__monitor.path, &by_path) == 0 && by_fd.st_dev == by_path.st_dev &&
		    by_fd.st_ino == by_path.st_ino)
			return;
	}
	(void)snprintf(ctrd__monitor.path, sizeof(ctrd__monitor.path), "/proc/%d/fd/%d",
		       (int)getpid(), ctrd__monitor.dir);
}

static void dial(int dir, const char *name)
{
	CTRD__AUTO_CLOSE int fd = -1;
	struct sockaddr_un address;
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode) ||
	    !ctrd__hold_address(&address, dir, name))
		return;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    ctrd__peer_check(fd) < 0)
		return;
	ctrd__peer_add(ctrd__take_fd(fd), true);
}

/* Clients that watch the whole namespace; one that is gone or full is left to its own. */
static void dial_watchers(void)
{
	int fd = openat(ctrd__monitor.dir, CTRD__WATCH_DIR,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int left = WATCHERS_MAX;

	if (!dir) {
		ctrd__close_fd(&fd);
		return;
	}
	while (left-- > 0 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			dial(dirfd(dir), entry->d_name);
		else
			left++;
	(void)closedir(dir);
}

static int begin(void)
{
	int r;

	/* Looked at before anything is touched: a newer version's directory is none of our business. */
	r = each_record(check_record);
	if (r == CTRD_OK)
		r = lock();
	if (r == CTRD_OK)
		r = ctrd__proc_boot_id(ctrd__monitor.boot_id);
	if (r == CTRD_OK)
		r = ctrd__hold_listen(CTRD__CTL_NAME, SOCK_SEQPACKET, &ctrd__monitor.listener);
	if (r == CTRD_OK)
		r = each_record(load_record);
	return r;
}

int ctrd__hold_begin(const char *id, int dir)
{
	struct stat st;
	int r;

	if (ctrd__monitor.dir >= 0)
		return CTRD_EPRECONDITION;
	if (!ctrd__record_id_valid(id) || fstat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return CTRD_EINVAL;
	ctrd__monitor.dir = dir;
	r = begin();
	if (r < 0) {
		if (ctrd__monitor.lock >= 0)
			ctrd__hold_end();
		ctrd__monitor.dir = -1;
		return r;
	}
	memcpy(ctrd__monitor.id, id, strlen(id) + 1);
	find_path();
	dial_watchers();
	return CTRD_OK;
}

void ctrd__hold_end(void)
{
	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next)
		ctrd__process_forget(p, false);
	if (ctrd__monitor.listener >= 0)
		(void)unlinkat(ctrd__monitor.dir, CTRD__CTL_NAME, 0);
	ctrd__close_fd(&ctrd__monitor.listener);
	ctrd__close_fd(&ctrd__monitor.lock);
}
