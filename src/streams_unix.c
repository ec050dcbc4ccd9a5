/*
 * streams_unix.c: what a caller asked for of a process' streams, and the descriptors that follow from it.
 * Reading DATA streams is reader_unix.c's. Invariant: a descriptor that the caller gave is only ever a duplicate here,
 * and no description that was not made here has its flags changed.
 */
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core.h"
#include "reader.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/os.h"

struct ctrd__stdio {
	atomic_int refs;
	ctrd_stdio asked; /* descriptors and paths replaced by ours */
	uint32_t kinds[3];
	int fds[3];
	char *paths[3];
};

static const char *const stream_names[] = {"in", "out", "err"};

struct ctrd__stdio *ctrd__stdio_ref(struct ctrd__stdio *stdio)
{
	if (stdio)
		atomic_fetch_add(&stdio->refs, 1);
	return stdio;
}

struct ctrd__stdio *ctrd__stdio_unref(struct ctrd__stdio *stdio)
{
	if (!stdio || atomic_fetch_sub(&stdio->refs, 1) != 1)
		return NULL;
	if (stdio->asked.release)
		stdio->asked.release(stdio->asked.data);
	for (int i = 0; i < 3; i++) {
		ctrd__close_fd(&stdio->fds[i]);
		free(stdio->paths[i]);
	}
	free(stdio);
	return NULL;
}

static ctrd_error *refuse(const char *field, const char *why)
{
	return ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL, "stdio: %s: %s", field, why);
}

static ctrd_error *check_terminal(const ctrd_stdio *asked)
{
	if (asked->in != CTRD_STREAM_NULL && asked->in != CTRD_STREAM_PIPE)
		return refuse("in", "with a terminal it must be NULL or PIPE");
	if (asked->out != CTRD_STREAM_NULL && asked->out != CTRD_STREAM_PIPE &&
	    asked->out != CTRD_STREAM_DATA)
		return refuse("out", "with a terminal it must be PIPE or DATA");
	if (asked->err != CTRD_STREAM_NULL)
		return refuse("err", "with a terminal it must be NULL");
	return NULL;
}

static ctrd_error *check(const ctrd_stdio *asked)
{
	const uint32_t kinds[3] = {asked->in, asked->out, asked->err};
	const char *const paths[3] = {asked->in_path, asked->out_path, asked->err_path};

	if (asked->flags & ~(CTRD_STDIO_TERMINAL | CTRD_STDIO_STDIN_ONCE))
		return ctrd__error_new(CTRD_EABI, "ctrd", 0, NULL,
				       "stdio: flags: 0x%x is not known", asked->flags);
	for (int i = 0; i < 3; i++) {
		if (kinds[i] > CTRD_STREAM_FILE)
			return ctrd__error_new(CTRD_EABI, "ctrd", 0, NULL,
					       "stdio: %s: kind %u is not known", stream_names[i],
					       kinds[i]);
		if (kinds[i] == CTRD_STREAM_DATA && (i == 0 || !asked->data_fn))
			return refuse(stream_names[i],
				      i ? "DATA needs data_fn" : "DATA is for out and err");
		if (kinds[i] == CTRD_STREAM_PIPE && !asked->attach)
			return refuse(stream_names[i], "PIPE needs attach");
		if (kinds[i] == CTRD_STREAM_FILE && (!paths[i] || paths[i][0] != '/'))
			return refuse(stream_names[i], "FILE needs an absolute path");
	}
	return asked->flags & CTRD_STDIO_TERMINAL ? check_terminal(asked) : NULL;
}

int ctrd__stdio_new(const ctrd_stdio *options, struct ctrd__stdio **ret_stdio,
		    ctrd_error **ret_error)
{
	ctrd_stdio asked = CTRD_STDIO_INIT;
	int status = ctrd__options_read("stdio", options, &asked, sizeof(asked),
					2 * sizeof(uint32_t), ret_error);
	if (status)
		return status;
	struct ctrd__stdio *stdio = calloc(1, sizeof(*stdio));
	if (!stdio) {
		if (asked.release)
			asked.release(asked.data);
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	atomic_init(&stdio->refs, 1);
	stdio->asked = asked;
	for (int i = 0; i < 3; i++)
		stdio->fds[i] = -1;

	const uint32_t kinds[3] = {asked.in, asked.out, asked.err};
	const int fds[3] = {asked.in_fd, asked.out_fd, asked.err_fd};
	const char *const paths[3] = {asked.in_path, asked.out_path, asked.err_path};
	ctrd_error *error = check(&asked);
	for (int i = 0; i < 3 && !error; i++) {
		stdio->kinds[i] = kinds[i];
		if (kinds[i] == CTRD_STREAM_FD && (stdio->fds[i] = ctrd__fd_dup(fds[i])) < 0)
			error = ctrd__error_new(
				ctrd__status_from_errno(errno == EBADF ? EINVAL : errno), "ctrd",
				errno, NULL, "stdio: %s_fd: %d cannot be duplicated: %s",
				stream_names[i], fds[i], strerror(errno));
		if (kinds[i] == CTRD_STREAM_FILE && !(stdio->paths[i] = strdup(paths[i])))
			error = ctrd__error_nomem();
	}
	if (error) {
		ctrd__stdio_unref(stdio);
		return ctrd__error_return(error, ret_error);
	}
	*ret_stdio = stdio;
	return CTRD_OK;
}

bool ctrd__stdio_is_terminal(const struct ctrd__stdio *stdio)
{
	return stdio && stdio->asked.flags & CTRD_STDIO_TERMINAL;
}

bool ctrd__stdio_stdin_once(const struct ctrd__stdio *stdio)
{
	return stdio && stdio->asked.flags & CTRD_STDIO_STDIN_ONCE;
}

void ctrd__stdio_size(const struct ctrd__stdio *stdio, uint16_t *ret_columns, uint16_t *ret_rows)
{
	*ret_columns = stdio ? stdio->asked.columns : 0;
	*ret_rows = stdio ? stdio->asked.rows : 0;
}

uint32_t ctrd__stdio_kind(const struct ctrd__stdio *stdio, uint32_t stream)
{
	return stdio && stream < 3 ? stdio->kinds[stream] : CTRD_STREAM_NULL;
}

const ctrd_stdio *ctrd__stdio_asked(const struct ctrd__stdio *stdio)
{
	return &stdio->asked;
}

void ctrd__stdio_fds_close(struct ctrd__stdio_fds *fds)
{
	for (int i = 0; i < 3; i++) {
		ctrd__close_fd(&fds->process[i]);
		ctrd__close_fd(&fds->ours[i]);
	}
}

/* One pipe: the process' end belongs to its user, so that it may open /dev/stdout anew. */
static int open_pipe(int stream, uid_t uid, gid_t gid, struct ctrd__stdio_fds *fds)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	int process = stream == 0 ? 0 : 1;
	ends[0] = ctrd__fd_above_2(ends[0]);
	ends[1] = ctrd__fd_above_2(ends[1]);
	int error = ends[0] < 0 || ends[1] < 0 ? errno : 0;
	if (!error && (uid || gid) && fchown(ends[process], uid, gid) < 0)
		error = errno;
	fds->process[stream] = ends[process];
	fds->ours[stream] = ends[1 - process];
	return error;
}

static int open_one(const struct ctrd__stdio *stdio, int stream, uid_t uid, gid_t gid,
		    struct ctrd__stdio_fds *fds)
{
	int *fd = &fds->process[stream];

	switch (ctrd__stdio_kind(stdio, (uint32_t)stream)) {
	case CTRD_STREAM_PIPE:
	case CTRD_STREAM_DATA:
		return open_pipe(stream, uid, gid, fds);
	case CTRD_STREAM_FD:
		*fd = ctrd__fd_dup(stdio->fds[stream]);
		break;
	case CTRD_STREAM_FILE:
		*fd = ctrd__fd_above_2(open(
			stdio->paths[stream],
			O_CLOEXEC | O_NOCTTY | (stream ? O_WRONLY | O_CREAT | O_APPEND : O_RDONLY),
			0600));
		break;
	default:
		*fd = ctrd__fd_above_2(open("/dev/null", O_CLOEXEC | O_RDWR));
		break;
	}
	return *fd < 0 ? errno : 0;
}

int ctrd__stdio_open(struct ctrd__stdio *stdio, uid_t uid, gid_t gid,
		     struct ctrd__stdio_fds *ret_fds, ctrd_error **ret_error)
{
	struct ctrd__stdio_fds fds = CTRD__STDIO_FDS_INIT;

	for (int i = 0; i < 3 && !ctrd__stdio_is_terminal(stdio); i++) {
		int error = open_one(stdio, i, uid, gid, &fds);
		if (error) {
			const char *path = stdio && stdio->paths[i] ? stdio->paths[i] : "";
			ctrd__stdio_fds_close(&fds);
			return ctrd__error_return(
				ctrd__error_new(ctrd__status_from_errno(error), "ctrd", error, NULL,
						"stdio: %s: cannot be opened%s%s: %s",
						stream_names[i], *path ? ": " : "", path,
						strerror(error)),
				ret_error);
		}
	}
	*ret_fds = fds;
	return CTRD_OK;
}

/* The ends that the attach callback gets; `ours` keeps what is for the reader. */
static ctrd_error *call_attach(const char *container_id, const char *process_id,
			       const struct ctrd__stdio *stdio, int ours[3])
{
	ctrd_stdio_ends ends = {sizeof(ends), -1, -1, -1};
	int32_t *const members[3] = {&ends.in, &ends.out, &ends.err};
	bool any = false;

	for (int i = 0; i < 3; i++) {
		if (stdio->kinds[i] != CTRD_STREAM_PIPE)
			continue;
		any = true;
		if (i == 0 && ctrd__stdio_is_terminal(stdio) && ours[1] >= 0) {
			ends.in = ctrd__fd_dup(ours[1]);
			if (ends.in < 0)
				return ctrd__error_new(
					ctrd__status_from_errno(errno), "ctrd", errno, NULL,
					"stdio: in: the terminal cannot be duplicated: %s",
					strerror(errno));
			continue;
		}
		*members[i] = ctrd__take_fd(ours[i]);
	}
	if (!any)
		return NULL;
	int status = stdio->asked.attach(container_id, process_id, &ends, stdio->asked.data);
	if (!status)
		return NULL;
	for (int i = 0; i < 3; i++)
		ctrd__close_fd(members[i]);
	return ctrd__error_new(status, "ctrd", 0, NULL,
			       "container \"%s\", process \"%s\": attach refused its streams",
			       container_id, process_id);
}

int ctrd__stdio_attach(ctrd_client *client, const char *container_id, const char *process_id,
		       struct ctrd__stdio *stdio, int ours[3], ctrd_error **ret_error)
{
	ctrd_error *error = NULL;
	struct ctrd__container *container = ctrd__ledger_find(client, container_id);
	struct ctrd__process *process = container ? ctrd__ledger_find_process(container, process_id)
						  : NULL;

	if (client->stage != CTRD__OPEN || !process)
		error = ctrd__error_new(
			CTRD_ECANCELED, "ctrd", 0, NULL,
			"container \"%s\", process \"%s\": nobody is left to take its streams",
			container_id, process_id);
	if (!error && stdio)
		error = call_attach(container_id, process_id, stdio, ours);
	if (!error && stdio &&
	    (stdio->kinds[1] == CTRD_STREAM_DATA || stdio->kinds[2] == CTRD_STREAM_DATA))
		error = ctrd__reader_new(process, stdio, ours);
	for (int i = 0; i < 3; i++)
		ctrd__close_fd(&ours[i]);
	return error ? ctrd__error_return(error, ret_error) : CTRD_OK;
}
