/*
 * survive.c: a container outlives the program that started it. Without a word it stays; a second run finds it again,
 * with the output that nobody has read and its true exit code.
 *
 *   survive start ROOTFS PROGRAM [ARGUMENT...]
 *   survive load
 *
 * Build: cc survive.c $(pkg-config --cflags --libs libctrd)
 */
#include <libctrd/libctrd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const ctrd_done nobody = {NULL, NULL, NULL};
static const char *const id = "example-survive";

static int finish(ctrd_op *op)
{
	ctrd_op_wait(op, -1);
	int status = ctrd_op_status(op);
	if (status)
		fprintf(stderr, "%s: %s\n", ctrd_op_verb(op),
			ctrd_error_message(ctrd_op_error(op)));
	return status;
}

static int take_output(const char *container_id, const char *process_id,
		       const ctrd_stdio_ends *ends, void *data)
{
	(void)container_id;
	(void)process_id;
	*(int *)data = ends->out;
	return 0;
}

static int start(ctrd_client *client, const char *rootfs, const char *const *args)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_start_options start = CTRD_START_OPTIONS_INIT;
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	ctrd_spec *spec = NULL;
	char *json = NULL;
	ctrd_op *op = NULL;
	int output = -1;

	if (ctrd_spec_new(rootfs, args, 0, &spec) || ctrd_spec_json(spec, &json, NULL, NULL))
		return 1;
	create.spec = json;
	create.runtime = CTRD_RUNTIME_FASTEST;
	stdio.out = CTRD_STREAM_PIPE;
	stdio.attach = take_output;
	stdio.data = &output;
	start.stdio = &stdio;
	ctrd_container_create(client, id, &create, nobody, &op);
	int status = finish(op);
	ctrd_op_unref(op);
	if (!status) {
		ctrd_container_start(client, id, &start, nobody, &op);
		status = finish(op);
		ctrd_op_unref(op);
	}
	ctrd_free(json);
	ctrd_spec_free(spec);
	if (!status)
		printf("started; leaving without closing anything\n");
	return status;
}

static int load(ctrd_client *client)
{
	ctrd_load_options load = CTRD_LOAD_OPTIONS_INIT;
	ctrd_load_result found = CTRD_LOAD_RESULT_INIT;
	ctrd_delete_options delete = CTRD_DELETE_OPTIONS_INIT;
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	ctrd_exit exit = CTRD_EXIT_INIT;
	ctrd_op *op = NULL, *wait = NULL;
	int output = -1;
	char bytes[4096];
	ssize_t length;

	stdio.out = CTRD_STREAM_PIPE;
	stdio.attach = take_output;
	stdio.data = &output;
	load.stdio = &stdio;
	ctrd_container_load(client, id, &load, nobody, &op);
	if (finish(op))
		return 1;
	ctrd_op_get_load(op, &found);
	ctrd_op_unref(op);
	printf("found again: %s, pid %u\n", found.alive ? "alive" : "ended", found.pid);
	while (output >= 0 && (length = read(output, bytes, sizeof(bytes))) > 0)
		fwrite(bytes, 1, (size_t)length, stdout);
	ctrd_process_wait(client, id, CTRD_INIT_PROCESS, NULL, nobody, &wait);
	if (finish(wait) == CTRD_OK && ctrd_op_get_exit(wait, &exit) == CTRD_OK)
		printf("exit code %u\n", exit.code);
	ctrd_op_unref(wait);
	delete.flags = CTRD_DELETE_FORCE;
	ctrd_container_delete(client, id, &delete, nobody, &op);
	int status = finish(op);
	ctrd_op_unref(op);
	return status;
}

int main(int argc, char **argv)
{
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;

	if (argc < 2 || (strcmp(argv[1], "load") && argc < 4)) {
		fprintf(stderr, "usage: %s start ROOTFS PROGRAM [ARGUMENT...] | %s load\n", argv[0],
			argv[0]);
		return 2;
	}
	if (ctrd_client_open("local:", NULL, &client, &error)) {
		fprintf(stderr, "%s\n", ctrd_error_message(error));
		return 1;
	}
	if (strcmp(argv[1], "load")) {
		int failed = start(client, argv[2], (const char *const *)argv + 3);
		fflush(stdout);
		_exit(failed ? 1 : 0); /* as if killed */
	}
	int status = load(client);
	ctrd_client_unref(client);
	return status ? 1 : 0;
}
