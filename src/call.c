/*
 * call.c: from a public entry point to an op in the client's inbox. See call.h.
 * Invariant: when no op is made, `release` has run before the entry point returns; else the loop will run it.
 */
#include "call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "id.h"
#include "streams.h"
#include "util/clock.h"
#include "util/str.h"

/* JSON texts longer than this are refused before they are copied; the parsers' limit is the same. */
#define JSON_MAX (4u << 20)

/* Default deadlines by verb, milliseconds. */
static int64_t default_timeout(enum ctrd__verb verb)
{
	switch (verb) {
	case CTRD__VERB_CLOSE:
	case CTRD__VERB_WAIT:
	case CTRD__VERB_RUN:
		return -1;
	case CTRD__VERB_CHECKPOINT:
		return 600000;
	case CTRD__VERB_EXEC:
		return 60000;
	default:
		return ctrd__verb_class(verb) == CTRD__CLASS_CHANGE ? 120000 : 30000;
	}
}

static void set_deadline(ctrd_op *op, int64_t asked_ms)
{
	int64_t ms = asked_ms;

	if (!ms && default_timeout(op->verb) >= 0)
		ms = op->client->config.timeout_ms;
	if (!ms)
		ms = default_timeout(op->verb);
	if (ms >= 0 && ms < INT64_MAX / 2000000)
		op->deadline_ns = ctrd__now_mono_ns() + ms * 1000000;
}

void ctrd__call_refuse(struct ctrd__call *call, int code, const char *format, ...)
{
	char text[512];
	va_list args;

	if (call->refusal)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	call->refusal = ctrd__error_new(code, "ctrd", 0, NULL, "%s", text);
}

static bool names_container(enum ctrd__verb verb)
{
	return verb != CTRD__VERB_VERSION && verb != CTRD__VERB_LIST && verb != CTRD__VERB_CLOSE;
}

static bool names_process(enum ctrd__verb verb)
{
	switch (verb) {
	case CTRD__VERB_EXEC:
	case CTRD__VERB_SIGNAL:
	case CTRD__VERB_RESIZE:
	case CTRD__VERB_CLOSE_STDIN:
	case CTRD__VERB_RELEASE_STDIO:
	case CTRD__VERB_WAIT:
	case CTRD__VERB_PROCESS_DELETE:
		return true;
	default:
		return false;
	}
}

static void check_ids(struct ctrd__call *call, const char *container_id, const char *process_id)
{
	enum ctrd__verb verb = call->op->verb;

	if (names_container(verb))
		call->refusal = ctrd__id_check("container id", container_id);
	if (!call->refusal && names_process(verb))
		call->refusal = ctrd__id_check("process id", process_id);
	if (!call->refusal && verb == CTRD__VERB_EXEC &&
	    (!strcmp(process_id, CTRD_INIT_PROCESS) || !strcmp(process_id, container_id)))
		ctrd__call_refuse(call, CTRD_EINVAL,
				  "process id \"%s\": an exec may not be called so", process_id);
}

void ctrd__call_begin(struct ctrd__call *call, ctrd_client *client, enum ctrd__verb verb,
		      const char *container_id, const char *process_id, const void *options,
		      void *copy, size_t known, uint32_t flags, ctrd_done done)
{
	*call = (struct ctrd__call){.done = done};
	if (!client)
		call->status = CTRD_EINVAL;
	else if (client->owner != getpid())
		call->status = CTRD_EFORKED;
	else if (!(call->op = ctrd__op_new(client, verb, container_id, process_id, done)))
		call->status = CTRD_ENOMEM;
	if (!call->op)
		return;

	struct ctrd__options_head head = {sizeof(head), 0, 0, 0};
	check_ids(call, container_id, process_id);
	if (!call->refusal && ctrd__options_read(ctrd__verb_name(verb), options, copy, known,
						 sizeof(head), &call->refusal) == CTRD_OK)
		memcpy(&head, copy, sizeof(head));
	if (head.flags & ~flags)
		ctrd__call_refuse(call, CTRD_EABI, "%s: flags: 0x%x is not known",
				  ctrd__verb_name(verb), head.flags & ~flags);
	if (head.timeout_ms < -1)
		ctrd__call_refuse(call, CTRD_EINVAL, "%s: timeout_ms: is negative",
				  ctrd__verb_name(verb));
	call->op->request.flags = head.flags;
	call->op->task = head.task;
	set_deadline(call->op, head.timeout_ms);
}

void ctrd__call_text(struct ctrd__call *call, const char *text, char **ret_copy)
{
	if (!ctrd__call_is_good(call) || !text)
		return;
	*ret_copy = strdup(text);
	if (!*ret_copy)
		call->refusal = ctrd__error_nomem();
}

void ctrd__call_json(struct ctrd__call *call, const char *field, const char *text, size_t length)
{
	if (!ctrd__call_is_good(call))
		return;
	if (!text) {
		ctrd__call_refuse(call, CTRD_EINVAL, "%s: %s: is NULL",
				  ctrd__verb_name(call->op->verb), field);
		return;
	}
	if (!length)
		length = strlen(text);
	if (length > JSON_MAX) {
		ctrd__call_refuse(call, CTRD_EINVAL, "%s: %s: %zu bytes are more than %u",
				  ctrd__verb_name(call->op->verb), field, length, JSON_MAX);
		return;
	}
	call->op->request.json = ctrd__strdup_n(text, length);
	call->op->request.json_length = length;
	if (!call->op->request.json)
		call->refusal = ctrd__error_nomem();
}

void ctrd__call_path(struct ctrd__call *call, const char *field, const char *path, char **ret_copy)
{
	if (ctrd__call_is_good(call) && path && path[0] != '/')
		ctrd__call_refuse(call, CTRD_EINVAL, "%s: %s: \"%.200s\" is not absolute",
				  ctrd__verb_name(call->op->verb), field, path);
	ctrd__call_text(call, path, ret_copy);
}

void ctrd__call_stdio(struct ctrd__call *call, const ctrd_stdio *stdio)
{
	struct ctrd__stdio *copy = NULL;
	ctrd_error *error = NULL;

	if (!stdio)
		return;
	/* Also for a call that is refused: its `release` is owed. */
	(void)ctrd__stdio_new(stdio, &copy, &error);
	if (call->op)
		call->op->request.stdio = copy;
	else
		ctrd__stdio_unref(copy);
	if (call->op && !call->refusal)
		call->refusal = error;
	else
		ctrd_error_unref(error);
}

int ctrd__call_submit(struct ctrd__call *call, ctrd_op **ret_op)
{
	ctrd_op *op = call->op;

	if (op) {
		ctrd_client *client = op->client;
		op->error = call->refusal;
		uv_mutex_lock(&client->lock);
		if (client->closing) {
			call->status = CTRD_ECLOSED;
		} else {
			if (op->verb == CTRD__VERB_CLOSE)
				client->closing = true;
			if (ret_op)
				*ret_op = ctrd_op_ref(op);
			ctrd__list_insert_tail(&client->inbox, &op->inbox_node);
			ctrd__loop_wake_locked(client);
		}
		uv_mutex_unlock(&client->lock);
		if (!call->status)
			return CTRD_OK;
		ctrd_op_unref(op);
	}
	if (call->done.release)
		call->done.release(call->done.data);
	return call->status;
}

int ctrd__call_plain(ctrd_client *client, enum ctrd__verb verb, const char *container_id,
		     const char *process_id, const void *options, size_t known, uint32_t flags,
		     ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	struct ctrd__options_head head = {sizeof(head), 0, 0, 0};

	ctrd__call_begin(&call, client, verb, container_id, process_id, options, &head,
			 known < sizeof(head) ? known : sizeof(head), flags, done);
	return ctrd__call_submit(&call, ret_op);
}
