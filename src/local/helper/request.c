/*
 * What clients ask for, one function each. A request is answered before its function returns, except
 * RUN, whose answer comes with the end of the command.
 *
 * Invariant: descriptors that a request brought are taken by name (set to -1) or closed by the caller.
 */
#include "local/helper/helper.h"

#include "local/linux/proc.h"
#include "util/cleanup.h"

#include <libctrd/stdio.h>

#include <string.h>
#include <unistd.h>

static void prepare_answer(const struct ctrd__request *request, int status,
			   struct ctrd__wire_head *ret_head)
{
	memset(ret_head, 0, sizeof(*ret_head));
	ret_head->type = CTRD__MSG_ANSWER;
	ret_head->serial = request->head->serial;
	ret_head->status = status;
}

static void answer(const struct ctrd__request *request, int status)
{
	struct ctrd__wire_head head;

	prepare_answer(request, status, &head);
	ctrd__peer_send(request->peer, &head, "", NULL, 0);
}

static const char *first_text(const struct ctrd__request *request)
{
	const char *at = request->text;
	const char *text = ctrd__wire_next(&at, request->end);

	return text ? text : "";
}

static struct ctrd__process *named_process(const struct ctrd__request *request)
{
	return ctrd__process_find(first_text(request));
}

static void hello(struct ctrd__request *request)
{
	struct ctrd__wire_head head;
	char text[CTRD__EVENT_TEXT_MAX];

	prepare_answer(request, CTRD_OK, &head);
	head.pid = (uint32_t)getpid();
	(void)ctrd__proc_start_time(getpid(), &head.start_time);
	if (ctrd__monitor.dir >= 0)
		(void)ctrd__wire_add(text, sizeof(text), &head.text_length, ctrd__monitor.id);
	ctrd__peer_send(request->peer, &head, text, NULL, 0);
}

static void hold(struct ctrd__request *request)
{
	struct ctrd__wire_head head;

	prepare_answer(request, CTRD_EINVAL, &head);
	for (size_t i = 1; i < request->fd_count; i++)
		if (write(request->fds[i], "0", 1) != 1)
			head.arg++;
	if (request->fd_count > 0)
		head.status = ctrd__hold_begin(first_text(request), request->fds[0]);
	if (head.status == CTRD_OK)
		(void)ctrd__take_fd(request->fds[0]);
	head.pid = (uint32_t)getpid();
	ctrd__peer_send(request->peer, &head, "", NULL, 0);
}

static void run(struct ctrd__request *request)
{
	int r = ctrd__command_run(request);

	if (r < 0)
		answer(request, r);
}

static void kill_run(struct ctrd__request *request)
{
	answer(request, ctrd__command_kill(request->peer->id, request->head->arg));
}

static void stdio(struct ctrd__request *request)
{
	struct ctrd__process *process = named_process(request);
	struct ctrd__wire_head head;
	int fds[4];
	size_t count;

	if (!process) {
		answer(request, CTRD_ENOTFOUND);
		return;
	}
	prepare_answer(request, CTRD_OK, &head);
	process->streams.discard = false;
	count = ctrd__streams_list(&process->streams, fds, &head.flags);
	ctrd__peer_send(request->peer, &head, "", fds, count);
}

static void keep(struct ctrd__request *request)
{
	struct ctrd__process *process = named_process(request);
	const uint32_t all = CTRD__RUN_KEEP_IN | CTRD__RUN_KEEP_OUT | CTRD__RUN_KEEP_ERR |
			     CTRD__RUN_TERMINAL;

	if (!process) {
		answer(request, CTRD_ENOTFOUND);
	} else if ((request->head->flags & ~all) ||
		   ctrd__streams_count(request->head->flags) != request->fd_count) {
		answer(request, CTRD_EINVAL);
	} else {
		(void)ctrd__streams_keep(&process->streams, request->head->flags, request->fds);
		answer(request, CTRD_OK);
	}
}

static void close_stdin(struct ctrd__request *request)
{
	struct ctrd__process *process = named_process(request);

	if (process)
		ctrd__close_fd(&process->streams.in);
	answer(request, process ? CTRD_OK : CTRD_ENOTFOUND);
}

static int release_streams(struct ctrd__streams *streams, uint32_t how)
{
	switch (how) {
	case CTRD_RELEASE_KEEP:
		streams->discard = false;
		return CTRD_OK;
	case CTRD_RELEASE_DISCARD:
		streams->discard = true;
		return CTRD_OK;
	case CTRD_RELEASE_HANGUP:
		ctrd__streams_close(streams);
		return CTRD_OK;
	default:
		return CTRD_EINVAL;
	}
}

static void streams(struct ctrd__request *request)
{
	struct ctrd__process *process = named_process(request);

	answer(request,
	       process ? release_streams(&process->streams, request->head->arg) : CTRD_ENOTFOUND);
}

static void oom(struct ctrd__request *request)
{
	if (request->fd_count != 2) {
		answer(request, CTRD_EINVAL);
		return;
	}
	ctrd__oom_watch(ctrd__take_fd(request->fds[0]), ctrd__take_fd(request->fds[1]));
	answer(request, CTRD_OK);
}

static void tell(struct ctrd__request *request)
{
	uint32_t kind = request->head->kind;
	const char *id = first_text(request);

	if ((kind != CTRD_EVENT_PAUSED && kind != CTRD_EVENT_RESUMED) ||
	    (id[0] != '\0' && !ctrd__record_id_valid(id))) {
		answer(request, CTRD_EINVAL);
		return;
	}
	ctrd__peer_broadcast(kind, id, 0, request->peer->id);
	answer(request, CTRD_OK);
}

static void subscribe(struct ctrd__request *request)
{
	uint64_t id = request->peer->id;

	answer(request, CTRD_OK);
	/* It may have been hung up on. */
	request->peer = ctrd__peer_find(id);
	if (!request->peer)
		return;
	request->peer->subscribed = true;
	request->peer->told = 0;
	ctrd__peer_flush(request->peer);
}

static void forget(struct ctrd__request *request)
{
	struct ctrd__process *process = named_process(request);

	if (!process) {
		answer(request, CTRD_ENOTFOUND);
	} else if (process->state != CTRD__PROCESS_ENDED) {
		answer(request, CTRD_EPRECONDITION);
	} else {
		ctrd__process_forget(process, true);
		answer(request, CTRD_OK);
	}
}

static void release(struct ctrd__request *request)
{
	if (ctrd__monitor.dir < 0) {
		answer(request, CTRD_EPRECONDITION);
		return;
	}
	ctrd__hold_end();
	ctrd__monitor.released = true;
	answer(request, CTRD_OK);
}

void ctrd__request_serve(struct ctrd__request *request)
{
	static void (*const serve[])(struct ctrd__request *) = {
		[CTRD__REQ_HELLO] = hello,     [CTRD__REQ_HOLD] = hold,
		[CTRD__REQ_RUN] = run,	       [CTRD__REQ_KILL_RUN] = kill_run,
		[CTRD__REQ_STDIO] = stdio,     [CTRD__REQ_CLOSE_STDIN] = close_stdin,
		[CTRD__REQ_STREAMS] = streams, [CTRD__REQ_OOM] = oom,
		[CTRD__REQ_TELL] = tell,       [CTRD__REQ_SUBSCRIBE] = subscribe,
		[CTRD__REQ_FORGET] = forget,   [CTRD__REQ_RELEASE] = release,
		[CTRD__REQ_KEEP] = keep,
	};
	uint32_t type = request->head->type;

	if (type < sizeof(serve) / sizeof(serve[0]) && serve[type])
		serve[type](request);
	else
		answer(request, CTRD_ENOSYS);
}
