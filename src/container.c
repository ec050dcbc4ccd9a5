/*
 * container.c: the public entry points of libctrd/container.h and of the calls in libctrd/client.h: check, copy, submit.
 * What the calls do is the backend's.
 */
#include <libctrd/container.h>

#include "call.h"
#include "util/str.h"

/* Calls whose options are nothing but the head. */
#define PLAIN_CALL(function, options_type, verb, flags)                                          \
	int function(ctrd_client *client, const char *container_id, const options_type *options, \
		     ctrd_done done, ctrd_op **ret_op)                                           \
	{                                                                                        \
		return ctrd__call_plain(client, verb, container_id, NULL, options,               \
					sizeof(*options), flags, done, ret_op);                  \
	}

PLAIN_CALL(ctrd_container_pause, ctrd_pause_options, CTRD__VERB_PAUSE, 0)
PLAIN_CALL(ctrd_container_resume, ctrd_resume_options, CTRD__VERB_RESUME, 0)
PLAIN_CALL(ctrd_container_stats, ctrd_stats_options, CTRD__VERB_STATS, 0)
PLAIN_CALL(ctrd_container_pids, ctrd_pids_options, CTRD__VERB_PIDS, 0)
PLAIN_CALL(ctrd_container_status, ctrd_status_options, CTRD__VERB_STATUS, 0)
PLAIN_CALL(ctrd_task_delete, ctrd_task_delete_options, CTRD__VERB_TASK_DELETE, 0)
PLAIN_CALL(ctrd_container_delete, ctrd_delete_options, CTRD__VERB_DELETE, CTRD_DELETE_FORCE)
PLAIN_CALL(ctrd_container_inspect, ctrd_inspect_options, CTRD__VERB_INSPECT, 0)

int ctrd_client_version(ctrd_client *client, const ctrd_version_options *options, ctrd_done done,
			ctrd_op **ret_op)
{
	return ctrd__call_plain(client, CTRD__VERB_VERSION, NULL, NULL, options, sizeof(*options),
				0, done, ret_op);
}

int ctrd_client_close(ctrd_client *client, const ctrd_close_options *options, ctrd_done done,
		      ctrd_op **ret_op)
{
	return ctrd__call_plain(client, CTRD__VERB_CLOSE, NULL, NULL, options, sizeof(*options), 0,
				done, ret_op);
}

int ctrd_container_list(ctrd_client *client, const ctrd_list_options *options, ctrd_done done,
			ctrd_op **ret_op)
{
	return ctrd__call_plain(client, CTRD__VERB_LIST, NULL, NULL, options, sizeof(*options), 0,
				done, ret_op);
}

int ctrd_container_load(ctrd_client *client, const char *container_id,
			const ctrd_load_options *options, ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_load_options known = CTRD_LOAD_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_LOAD, container_id, NULL, options, &known,
			 sizeof(known), 0, done);
	ctrd__call_stdio(&call, known.stdio);
	return ctrd__call_submit(&call, ret_op);
}

static void copy_labels(struct ctrd__call *call, const char *const *labels)
{
	if (!ctrd__call_is_good(call) || !labels)
		return;
	if (ctrd__strv_len(labels) % 2) {
		ctrd__call_refuse(call, CTRD_EINVAL, "%s: labels: the last key has no value",
				  ctrd__verb_name(call->op->verb));
		return;
	}
	call->op->request.labels = ctrd__strv_dup(labels);
	if (!call->op->request.labels)
		call->refusal = ctrd__error_nomem();
}

static void copy_create(struct ctrd__call *call, const ctrd_create_options *options)
{
	struct ctrd__request *request = call->op ? &call->op->request : NULL;

	if (!request)
		return;
	if (options->spec || !options->bundle)
		ctrd__call_json(call, "spec", options->spec, options->spec_length);
	ctrd__call_path(call, "bundle", options->bundle, &request->bundle);
	ctrd__call_text(call, options->runtime, &request->runtime);
	ctrd__call_path(call, "runtime_path", options->runtime_path, &request->runtime_path);
	copy_labels(call, options->labels);
}

int ctrd_container_create(ctrd_client *client, const char *container_id,
			  const ctrd_create_options *options, ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_create_options known = CTRD_CREATE_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_CREATE, container_id, NULL, options, &known,
			 sizeof(known), 0, done);
	copy_create(&call, &known);
	return ctrd__call_submit(&call, ret_op);
}

int ctrd_container_run(ctrd_client *client, const char *container_id,
		       const ctrd_run_options *options, ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_run_options known = CTRD_RUN_OPTIONS_INIT;
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_RUN, container_id, NULL, options, &known,
			 sizeof(known), 0, done);
	if (ctrd__call_is_good(&call))
		(void)ctrd__options_read("container run: create", known.create, &create,
					 sizeof(create), sizeof(struct ctrd__options_head),
					 &call.refusal);
	copy_create(&call, &create);
	ctrd__call_stdio(&call, known.stdio);
	return ctrd__call_submit(&call, ret_op);
}

int ctrd_task_create(ctrd_client *client, const char *container_id,
		     const ctrd_task_create_options *options, ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_task_create_options known = CTRD_TASK_CREATE_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_TASK_CREATE, container_id, NULL, options, &known,
			 sizeof(known), 0, done);
	ctrd__call_stdio(&call, known.stdio);
	ctrd__call_path(&call, "checkpoint_dir", known.checkpoint_dir,
			call.op ? &call.op->request.checkpoint_dir : NULL);
	return ctrd__call_submit(&call, ret_op);
}

int ctrd_container_start(ctrd_client *client, const char *container_id,
			 const ctrd_start_options *options, ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_start_options known = CTRD_START_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_START, container_id, NULL, options, &known,
			 sizeof(known), 0, done);
	ctrd__call_stdio(&call, known.stdio);
	ctrd__call_path(&call, "checkpoint_dir", known.checkpoint_dir,
			call.op ? &call.op->request.checkpoint_dir : NULL);
	return ctrd__call_submit(&call, ret_op);
}

int ctrd_container_update(ctrd_client *client, const char *container_id,
			  const ctrd_update_options *options, ctrd_done done, ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_update_options known = CTRD_UPDATE_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_UPDATE, container_id, NULL, options, &known,
			 sizeof(known), 0, done);
	ctrd__call_json(&call, "resources", known.resources, known.resources_length);
	return ctrd__call_submit(&call, ret_op);
}

int ctrd_container_checkpoint(ctrd_client *client, const char *container_id,
			      const ctrd_checkpoint_options *options, ctrd_done done,
			      ctrd_op **ret_op)
{
	struct ctrd__call call;
	ctrd_checkpoint_options known = CTRD_CHECKPOINT_OPTIONS_INIT;

	ctrd__call_begin(&call, client, CTRD__VERB_CHECKPOINT, container_id, NULL, options, &known,
			 sizeof(known), CTRD_CHECKPOINT_EXIT, done);
	if (ctrd__call_is_good(&call) && !known.directory)
		ctrd__call_refuse(&call, CTRD_EINVAL, "container checkpoint: directory: is NULL");
	ctrd__call_path(&call, "directory", known.directory,
			call.op ? &call.op->request.checkpoint_dir : NULL);
	return ctrd__call_submit(&call, ret_op);
}
