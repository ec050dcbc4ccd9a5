/*
 * process.c: the public entry points of libctrd/process.h and libctrd/stdio.h: check, copy, submit.
 */
#include <libctrd/process.h>

#include "call.h"

#define PLAIN_CALL(function, options_type, verb)                                            \
	int function(ctrd_client *client, const char *container_id, const char *process_id, \
		     const options_type *options, ctrd_done done, ctrd_op **ret_op)         \
	{                                                                                   \
		return ctrd__call_plain(client, verb, container_id, process_id, options,    \
					sizeof(*options), 0, done, ret_op);                 \
	}

PLAIN_CALL(ctrd_process_close_stdin, ctrd_close_stdin_options, CTRD__VERB_CLOSE_STDIN)
PLAIN_CALL(ctrd_process_wait, ctrd_wait_options, CTRD__VERB_WAIT)
PLAIN_CALL(ctrd_process_delete, ctrd_process_delete_options, CTRD__VERB_PROCESS_DELETE)

int ctrd_process_list(ctrd_client *client, const char *container_id,
		      const ctrd_process_list_options *options, ctrd_done done, ctrd_op **ret_op)
{
	return ctrd__call_plain(client, CTRD__VERB_PROCESS_LIST, container_id, NULL, options,
				sizeof(*options), 0, done, ret_op);
}

int ctrd_process_exec(ctrd_client *client, const char *container_id, const char *process_id,
		      const ctrd_exec_options *options, ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_exec_options known = CTRD_EXEC_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_EXEC, container_id, process_id, options, &known,
			 sizeof(known), 0, done);
	ctrd__call_json(&call, "process", known.process, known.process_length);
	ctrd__call_stdio(&call, known.stdio);
	return ctrd__call_submit(&call, ret_op);
}

int ctrd_process_signal(ctrd_client *client, const char *container_id, const char *process_id,
			int32_t signal, const ctrd_signal_options *options, ctrd_done done,
			ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_signal_options known = CTRD_SIGNAL_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_SIGNAL, container_id, process_id, options,
			 &known, sizeof(known), CTRD_SIGNAL_ALL, done);
	if (ctrd__call_is_good(&call) && (signal < 0 || signal > 64))
		ctrd__call_refuse(&call, CTRD_EINVAL,
				  "process signal: signal: %d is not from 0 to 64", signal);
	if (call.op)
		call.op->request.signal = signal;
	return ctrd__call_submit(&call, ret_op);
}

int ctrd_process_resize(ctrd_client *client, const char *container_id, const char *process_id,
			const ctrd_resize_options *options, ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_resize_options known = CTRD_RESIZE_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_RESIZE, container_id, process_id, options,
			 &known, sizeof(known), 0, done);
	if (ctrd__call_is_good(&call) && (!known.columns || !known.rows))
		ctrd__call_refuse(&call, CTRD_EINVAL, "process resize: %s: is 0",
				  known.columns ? "rows" : "columns");
	if (call.op) {
		call.op->request.columns = known.columns;
		call.op->request.rows = known.rows;
	}
	return ctrd__call_submit(&call, ret_op);
}

int ctrd_process_release_stdio(ctrd_client *client, const char *container_id,
			       const char *process_id, uint32_t how,
			       const ctrd_release_stdio_options *options, ctrd_done done,
			       ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_release_stdio_options known = CTRD_RELEASE_STDIO_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_RELEASE_STDIO, container_id, process_id, options,
			 &known, sizeof(known), 0, done);
	if (ctrd__call_is_good(&call) && how > CTRD_RELEASE_HANGUP)
		ctrd__call_refuse(&call, CTRD_EINVAL, "process release stdio: how: %u is not known",
				  how);
	if (call.op)
		call.op->request.how = how;
	return ctrd__call_submit(&call, ret_op);
}
