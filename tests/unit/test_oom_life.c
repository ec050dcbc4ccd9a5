/*
 * A container's whole life on fake:, written so that any call may fail for want of memory and the
 * script goes on: what it proves under failing allocations is that nothing crashes, hangs or leaks
 * whatever has failed. Without failing allocations everything must succeed.
 */
#include <libctrd/libctrd.h>

#include <string.h>
#include <unistd.h>

#include "support/test.h"

static const ctrd_done nobody = {NULL, NULL, NULL};

/* Make the call, wait for its op, take its status, drop it. */
#define FINISH(call)                    \
	__extension__({                 \
		ctrd_op *op = NULL;     \
		int submitted = (call); \
		finish(submitted, op);  \
	})

static int finish(int status, ctrd_op *op)
{
	if (!status) {
		CHECK_INT(ctrd_op_wait(op, test_timeout_ms(20000)), 0);
		status = ctrd_op_status(op);
		if (status)
			test_note("%s: %s", ctrd_op_verb(op),
				  ctrd_error_message(ctrd_op_error(op)));
	}
	ctrd_op_unref(op);
	if (!test_is_failing_allocations())
		CHECK_INT(status, CTRD_OK);
	return status;
}

static void on_event(ctrd_client *client, const ctrd_event *event, void *data)
{
	(void)client;
	(void)event;
	(void)data;
}

static int on_data(const char *container_id, const char *process_id, uint32_t stream,
		   const void *bytes, size_t length, void *data)
{
	(void)container_id;
	(void)process_id;
	(void)stream;
	(void)bytes;
	(void)length;
	(void)data;
	return 0;
}

static int on_attach(const char *container_id, const char *process_id, const ctrd_stdio_ends *ends,
		     void *data)
{
	(void)container_id;
	(void)process_id;
	(void)data;
	if (ends->in >= 0)
		close(ends->in);
	if (ends->out >= 0)
		close(ends->out);
	if (ends->err >= 0)
		close(ends->err);
	return 0;
}

static char *make_spec(const char *const *args)
{
	ctrd_spec *spec = NULL;
	char *json = NULL;

	if (ctrd_spec_new("/rootfs", args, CTRD_SPEC_SECCOMP_DEFAULT, &spec) == CTRD_OK) {
		(void)ctrd_spec_set_env(spec, "A", "b");
		(void)ctrd_spec_add_mount(spec, "/srv", "/srv", 1);
		(void)ctrd_spec_json(spec, &json, NULL, NULL);
	}
	ctrd_spec_free(spec);
	return json;
}

static void live(ctrd_client *client, const char *id, const char *json)
{
	static const char *const labels[] = {"key", "value", NULL};
	static const char process[] = "{\"args\":[\"echo\",\"more\"]}";
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_start_options start = CTRD_START_OPTIONS_INIT;
	ctrd_exec_options exec = CTRD_EXEC_OPTIONS_INIT;
	ctrd_delete_options delete = CTRD_DELETE_OPTIONS_INIT;
	ctrd_stdio data = CTRD_STDIO_INIT, pipes = CTRD_STDIO_INIT;

	create.spec = json;
	create.labels = labels;
	data.out = data.err = CTRD_STREAM_DATA;
	data.data_fn = on_data;
	start.stdio = &data;
	pipes.in = pipes.out = pipes.err = CTRD_STREAM_PIPE;
	pipes.attach = on_attach;
	exec.process = process;
	exec.stdio = &pipes;
	delete.flags = CTRD_DELETE_FORCE;

	int status = FINISH(ctrd_container_create(client, id, &create, nobody, &op));
	if (!status)
		status = FINISH(ctrd_container_start(client, id, &start, nobody, &op));
	if (!status) {
		(void)FINISH(ctrd_process_exec(client, id, "exec", &exec, nobody, &op));
		(void)FINISH(ctrd_container_pause(client, id, NULL, nobody, &op));
		(void)FINISH(ctrd_container_resume(client, id, NULL, nobody, &op));
		(void)FINISH(ctrd_container_stats(client, id, NULL, nobody, &op));
		(void)FINISH(ctrd_container_pids(client, id, NULL, nobody, &op));
		(void)FINISH(ctrd_container_inspect(client, id, NULL, nobody, &op));
		(void)FINISH(ctrd_container_list(client, NULL, nobody, &op));
		/* Without memory for the signal there is none for the wait either. */
		status = FINISH(
			ctrd_process_signal(client, id, CTRD_INIT_PROCESS, 9, NULL, nobody, &op));
	}
	if (!status)
		(void)FINISH(ctrd_process_wait(client, id, CTRD_INIT_PROCESS, NULL, nobody, &op));
	(void)FINISH(ctrd_container_delete(client, id, &delete, nobody, &op));
}

TEST(life_survives_failing_allocations)
{
	static const char *const args[] = {"sleep", NULL};
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;
	char *json = make_spec(args);

	options.events.fn = on_event;
	int status = ctrd_client_open("fake:", &options, &client, &error);
	CHECK(status == CTRD_OK || test_is_failing_allocations());
	CHECK(!status == !error);
	ctrd_error_unref(error);
	if (!status && json)
		live(client, "one", json);
	ctrd_client_unref(client);
	ctrd_free(json);
}

TEST(run_survives_failing_allocations)
{
	static const char *const args[] = {"echo", "text", NULL};
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_run_options run = CTRD_RUN_OPTIONS_INIT;
	ctrd_stdio data = CTRD_STDIO_INIT;
	ctrd_client *client = NULL;
	char *json = make_spec(args);

	create.spec = json;
	data.out = CTRD_STREAM_DATA;
	data.data_fn = on_data;
	run.create = &create;
	run.stdio = &data;
	if (json && ctrd_client_open("fake:", NULL, &client, NULL) == CTRD_OK)
		(void)FINISH(ctrd_container_run(client, "one", &run, nobody, &op));
	CHECK((json && client) || test_is_failing_allocations());
	ctrd_client_unref(client);
	ctrd_free(json);
}
