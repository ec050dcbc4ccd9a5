/*
 * Who may change a container: a flock on the file `lock` in its directory, between clients. Within one client the core
 * keeps the order already, so a client's jobs share its lock: execs hold it together, everything else alone.
 *
 * Invariants: nobody waits here; a lock that was taken belongs to a container that was still there afterwards; the lock
 * is given up by LOCK_UN, since a forked child may hold a copy of the descriptor.
 */
#include "local/linux/local.h"

#include "util/file.h"
#include "util/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

void ctrd__lock_init(struct ctrd__lock *lock)
{
	(void)pthread_mutex_init(&lock->mutex, NULL);
	lock->fd = -1;
	lock->users = 0;
	lock->exclusive = false;
}

static void unlock(struct ctrd__lock *lock)
{
	if (lock->fd >= 0)
		(void)flock(lock->fd, LOCK_UN);
	ctrd__close_fd(&lock->fd);
	lock->exclusive = false;
}

void ctrd__lock_done(struct ctrd__lock *lock, bool inherited)
{
	if (inherited)
		ctrd__close_fd(&lock->fd);
	else
		unlock(lock);
	(void)pthread_mutex_destroy(&lock->mutex);
}

static int held(const struct ctrd__box *box, int fd, ctrd_error **ret_error)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, " \n")] = '\0';
	return ctrd__error_return(ctrd__error_new(CTRD_EABORTED, "local", 0, NULL,
						  "container \"%s\": held by process %s", box->id,
						  *text ? text : "(unknown)"),
				  ret_error);
}

static int lock_file(struct ctrd__lock *lock, struct ctrd__local *local,
		     const struct ctrd__box *box, bool exclusive, ctrd_error **ret_error)
{
	char text[33];
	int n;

	if (lock->fd < 0)
		lock->fd = ctrd__fd_above_2(openat(
			box->dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
	if (lock->fd < 0 && errno == ENOENT)
		return ctrd__error_return(ctrd__error_new(CTRD_ENOTFOUND, "local", 0, NULL,
							  "container \"%s\": no such container",
							  box->id),
					  ret_error);
	if (lock->fd < 0) {
		int err = errno;

		return ctrd__error_return(ctrd__error_new(ctrd__status_from_errno(err), "local",
							  err, NULL, "container \"%s\": lock: %s",
							  box->id, strerror(err)),
					  ret_error);
	}
	if (flock(lock->fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
		int r = held(box, lock->fd, ret_error);

		/* A lock that was to be made stronger may be lost: those who share it go on with what is left. */
		if (lock->users > 0)
			(void)flock(lock->fd, LOCK_SH | LOCK_NB);
		else
			ctrd__close_fd(&lock->fd);
		return r;
	}
	if (!ctrd__state_is_linked(local, box)) {
		if (lock->users == 0)
			unlock(lock);
		return ctrd__error_return(ctrd__error_new(CTRD_ENOTFOUND, "local", 0, NULL,
							  "container \"%s\": no such container",
							  box->id),
					  ret_error);
	}
	n = snprintf(text, sizeof(text), "%-31ld\n", (long)getpid());
	/* Only for the message to others. */
	if (n > 0 && pwrite(lock->fd, text, (size_t)n, 0) < 0)
		return CTRD_OK;
	return CTRD_OK;
}

int ctrd__lock_take(struct ctrd__lock *lock, struct ctrd__local *local, const struct ctrd__box *box,
		    bool exclusive, ctrd_error **ret_error)
{
	int r = CTRD_OK;

	(void)pthread_mutex_lock(&lock->mutex);
	if (lock->users == 0 || (exclusive && !lock->exclusive))
		r = lock_file(lock, local, box, exclusive, ret_error);
	if (r == CTRD_OK) {
		lock->users++;
		lock->exclusive |= exclusive;
	}
	(void)pthread_mutex_unlock(&lock->mutex);
	return r;
}

void ctrd__lock_drop(struct ctrd__lock *lock)
{
	(void)pthread_mutex_lock(&lock->mutex);
	if (lock->users > 0 && --lock->users == 0)
		unlock(lock);
	(void)pthread_mutex_unlock(&lock->mutex);
}
