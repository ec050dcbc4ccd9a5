/*
 * run.c: run a command in a container, print its output, its use of the machine and its exit.
 *
 *   run ROOTFS PROGRAM [ARGUMENT...]          as root, for example: run /srv/rootfs /bin/echo hello
 *
 * Build: cc run.c $(pkg-config --cflags --libs libctrd)
 */
#include <libctrd/libctrd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs on the client's own thread: bytes of the container's output as they come. */
static int print_output(const char *container_id, const char *process_id, uint32_t stream,
			const void *bytes, size_t length, void *data)
{
	(void)container_id;
	(void)process_id;
	(void)data;
	fwrite(bytes, 1, length, stream == CTRD_STDERR ? stderr : stdout);
	fflush(stdout);
	return 0;
}

static void show_event(ctrd_client *client, const ctrd_event *event, void *data)
{
	(void)client;
	(void)data;
	printf("event: %s (pid %u)\n", event->name, event->pid);
}

/* Wait for one call; say why when it failed. */
static int finish(ctrd_op *op)
{
	ctrd_op_wait(op, -1);
	int status = op ? ctrd_op_status(op) : CTRD_ENOMEM;
	if (status)
		fprintf(stderr, "%s: %s: %s\n", ctrd_op_verb(op), ctrd_status_name(status),
			ctrd_error_message(ctrd_op_error(op)));
	return status;
}

static int run(ctrd_client *client, const char *spec)
{
	static const ctrd_done nobody = {NULL, NULL, NULL};
	const char *id = "example-run";
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	ctrd_task_create_options task = CTRD_TASK_CREATE_OPTIONS_INIT;
	ctrd_delete_options delete = CTRD_DELETE_OPTIONS_INIT;
	ctrd_stats stats = CTRD_STATS_INIT;
	ctrd_exit exit = CTRD_EXIT_INIT;
	ctrd_op *op = NULL, *wait = NULL;

	create.spec = spec;
	create.runtime = CTRD_RUNTIME_FASTEST;
	stdio.out = stdio.err = CTRD_STREAM_DATA;
	stdio.data_fn = print_output;
	task.stdio = &stdio;
	ctrd_container_create(client, id, &create, nobody, &op);
	int status = finish(op);
	op = ctrd_op_unref(op);
	if (status)
		return status;

	ctrd_task_create(client, id, &task, nobody, &op);
	status = finish(op);
	op = ctrd_op_unref(op);
	if (!status) {
		/* The namespaces exist, the program does not run yet: the time to attach a network. */
		ctrd_process_wait(client, id, CTRD_INIT_PROCESS, NULL, nobody, &wait);
		ctrd_container_start(client, id, NULL, nobody, &op);
		status = finish(op);
		op = ctrd_op_unref(op);
	}
	if (!status)
		status = finish(wait);
	if (!status && ctrd_op_get_exit(wait, &exit) == CTRD_OK)
		printf("exit: code %u%s\n", exit.code,
		       exit.flags & CTRD_EXIT_SIGNALED ? " (by a signal)" : "");
	ctrd_op_unref(wait);
	if (!status) {
		ctrd_container_stats(client, id, NULL, nobody, &op);
		if (finish(op) == CTRD_OK && ctrd_op_get_stats(op, &stats) == CTRD_OK)
			printf("stats: %.1f ms of CPU, at most %.1f MB of memory\n",
			       (double)stats.cpu_usage_ns / 1e6,
			       (double)stats.memory_peak_bytes / 1e6);
	}
	op = ctrd_op_unref(op);

	delete.flags = CTRD_DELETE_FORCE;
	ctrd_container_delete(client, id, &delete, nobody, &op);
	int deleted = finish(op);
	ctrd_op_unref(op);
	return status ? status : deleted;
}

int main(int argc, char **argv)
{
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;
	ctrd_spec *spec = NULL;
	char *json = NULL;

	if (argc < 3) {
		fprintf(stderr, "usage: %s ROOTFS PROGRAM [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	options.events.fn = show_event;
	int status = ctrd_spec_new(argv[1], (const char *const *)argv + 2, 0, &spec);
	if (!status)
		status = ctrd_spec_json(spec, &json, NULL, &error);
	if (!status)
		status = ctrd_client_open("local:", &options, &client, &error);
	if (status)
		fprintf(stderr, "%s\n", ctrd_error_message(error));
	else
		status = run(client, json);
	ctrd_client_unref(client);
	ctrd_error_unref(error);
	ctrd_free(json);
	ctrd_spec_free(spec);
	return status ? 1 : 0;
}
