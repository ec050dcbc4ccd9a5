/*
 * Watching the whole namespace: a socket in NAMESPACE/.watch that every new monitor dials, and a look at the containers
 * that are there already. A connection that a monitor dialed is one like any other, and already subscribed.
 */
#include "local/linux/local.h"

#include "util/file.h"
#include "util/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct ctrd__watcher {
	struct ctrd__local *local;
	struct ctrd__watch *watch;
	int fd;	    /* listening */
	int dir_fd; /* .watch */
	char name[64];
};

/* A monitor that dialed and has not said yet whose it is. */
struct newcomer {
	struct ctrd__job job;
	struct ctrd__monitor *monitor;
};

static struct newcomer *newcomer_of(struct ctrd__job *job)
{
	return ctrd__container_of(job, struct newcomer, job);
}

static void newcomer_destroy(struct ctrd__job *job)
{
	struct newcomer *newcomer = newcomer_of(job);

	newcomer->monitor = ctrd__monitor_free(newcomer->monitor);
	job->asked = NULL;
}

static void newcomer_event(void *data, const struct ctrd__wire_head *head, const char *container_id,
			   const char *process_id)
{
	/* What comes before the answer to HELLO is looked up afterwards. */
	(void)data;
	(void)head;
	(void)container_id;
	(void)process_id;
}

static void newcomer_gone(void *data)
{
	ctrd__job_finish(data, NULL);
}

static const struct ctrd__monitor_owner newcomer_owner = {newcomer_event, newcomer_gone};

static void introduced(struct ctrd__job *job, struct ctrd__answer *answer)
{
	struct newcomer *newcomer = newcomer_of(job);
	struct ctrd__cell *cell = NULL;

	/* Without an answer newcomer_gone() comes next. */
	if (!answer)
		return;
	if (answer->head.status == 0 && answer->head.text_length > 0 &&
	    ctrd__record_id_valid(answer->text))
		cell = ctrd__cell_get(job->local, answer->text, true);
	/* Our own new monitors dial us too. */
	if (cell && !cell->monitor && !cell->changing && !cell->looking) {
		cell->monitor = ctrd__take_ptr(newcomer->monitor);
		ctrd__monitor_set_owner(cell->monitor, &ctrd__cell_owner, cell);
		ctrd__local_look(cell);
	}
	ctrd__job_finish(job, NULL);
}

static void greet(struct ctrd__local *local, int fd)
{
	struct ctrd__wire_head head = {.type = CTRD__REQ_HELLO};
	struct newcomer *newcomer = ctrd__job_new(local, NULL, sizeof(*newcomer), newcomer_destroy);

	if (!newcomer) {
		ctrd__close_fd(&fd);
		return;
	}
	if (ctrd__monitor_new(local, fd, &newcomer_owner, &newcomer->job, &newcomer->monitor) < 0)
		ctrd__job_finish(&newcomer->job, NULL);
	else
		ctrd__job_ask(&newcomer->job, newcomer->monitor, &head, NULL, 0, NULL, 0,
			      introduced);
}

static void dialed(void *data, int events)
{
	struct ctrd__watcher *watcher = data;

	(void)events;
	for (int i = 0; i < 16; i++) {
		struct ucred peer = {.uid = (uid_t)-1};
		socklen_t len = sizeof(peer);
		int fd = ctrd__fd_above_2(
			accept4(watcher->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));

		if (fd < 0)
			return;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
		    (peer.uid != 0 && peer.uid != geteuid()))
			ctrd__close_fd(&fd);
		else
			greet(watcher->local, fd);
	}
}

/*
 * Beginning.
 */

struct beginning {
	struct ctrd__job job;
	char **ids;
	size_t count;
};

static void beginning_destroy(struct ctrd__job *job)
{
	struct beginning *beginning = ctrd__container_of(job, struct beginning, job);

	for (size_t i = 0; i < beginning->count; i++)
		free(beginning->ids[i]);
	free(beginning->ids);
}

static int fail_os(ctrd_error **ret_error)
{
	int err = errno;

	return ctrd__error_return(ctrd__error_new(ctrd__status_from_errno(err), "local", err, NULL,
						  "the namespace cannot be watched: %s",
						  strerror(err)),
				  ret_error);
}

static int listen_in(struct ctrd__watcher *watcher)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n;

	(void)snprintf(watcher->name, sizeof(watcher->name), "%ld-%lx", (long)getpid(),
		       (unsigned long)(uintptr_t)watcher->local);
	n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s",
		     watcher->dir_fd, watcher->name);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)unlinkat(watcher->dir_fd, watcher->name, 0);
	watcher->fd =
		ctrd__fd_above_2(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (watcher->fd < 0)
		return -1;
	/* The directory is 0700, so that its mode does not matter. */
	if (bind(watcher->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return listen(watcher->fd, 128);
}

static int add_id(void *data, const char *id)
{
	struct beginning *beginning = data;
	char **ids = realloc(beginning->ids, (beginning->count + 1) * sizeof(*ids));

	if (!ids)
		return CTRD_ENOMEM;
	beginning->ids = ids;
	ids[beginning->count] = strdup(id);
	if (!ids[beginning->count])
		return CTRD_ENOMEM;
	beginning->count++;
	return CTRD_OK;
}

static int begin(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct ctrd__watcher *watcher = job->local->watcher;
	CTRD__AUTO_CLOSE int ns_fd = -1;
	int r;

	r = ctrd__state_open_ns(job->local, true, &ns_fd, ret_error);
	if (r < 0)
		return r;
	if (mkdirat(ns_fd, ".watch", 0700) < 0 && errno != EEXIST)
		return fail_os(ret_error);
	watcher->dir_fd = ctrd__fd_above_2(
		openat(ns_fd, ".watch", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
	if (watcher->dir_fd < 0 || listen_in(watcher) < 0)
		return fail_os(ret_error);
	/* After the socket is there: what is made from now on dials. */
	return ctrd__state_each(job->local, add_id, ctrd__container_of(job, struct beginning, job),
				ret_error);
}

static void begun(struct ctrd__job *job)
{
	struct beginning *beginning = ctrd__container_of(job, struct beginning, job);
	struct ctrd__watcher *watcher = job->local->watcher;

	if (ctrd__watch_new(job->local->client, watcher->fd, CTRD__READABLE, dialed, watcher,
			    &watcher->watch) < 0)
		ctrd__client_log(job->local->client, CTRD_LOG_ERROR,
				 "the namespace cannot be watched: out of memory");
	for (size_t i = 0; i < beginning->count; i++) {
		struct ctrd__cell *cell = ctrd__cell_get(job->local, beginning->ids[i], true);

		if (cell && !cell->ready)
			ctrd__local_look(cell);
	}
	ctrd__job_finish(job, NULL);
}

static void begin_failed(struct ctrd__job *job, ctrd_error *error)
{
	ctrd__client_log(job->local->client, CTRD_LOG_ERROR, "%s", ctrd_error_message(error));
	ctrd__job_finish(job, error);
}

void ctrd__watch_all_begin(struct ctrd__local *local)
{
	struct ctrd__watcher *watcher = calloc(1, sizeof(*watcher));
	struct beginning *beginning;

	if (!watcher)
		return;
	watcher->local = local;
	watcher->fd = watcher->dir_fd = -1;
	local->watcher = watcher;
	beginning = ctrd__job_new(local, NULL, sizeof(*beginning), beginning_destroy);
	if (!beginning)
		return;
	beginning->job.fail = begin_failed;
	ctrd__job_work(&beginning->job, begin, begun);
}

void ctrd__watch_all_end(struct ctrd__local *local)
{
	struct ctrd__watcher *watcher = local->watcher;

	if (!watcher)
		return;
	watcher->watch = ctrd__watch_free(watcher->watch);
	if (watcher->dir_fd >= 0)
		(void)unlinkat(watcher->dir_fd, watcher->name, 0);
	ctrd__watch_all_free(local);
}

void ctrd__watch_all_free(struct ctrd__local *local)
{
	struct ctrd__watcher *watcher = local->watcher;

	local->watcher = NULL;
	if (!watcher)
		return;
	ctrd__close_fd(&watcher->fd);
	ctrd__close_fd(&watcher->dir_fd);
	free(watcher);
}
