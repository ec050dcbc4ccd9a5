/*
 * uv_loop.c: containers on the host's own libuv loop, next to whatever else runs there. No further thread calls us.
 *
 *   uv_loop ROOTFS PROGRAM [ARGUMENT...]      runs it three times side by side
 *
 * Build: cc uv_loop.c $(pkg-config --cflags --libs libctrd libuv)
 */
#include <libctrd/libctrd.h>
#include <stdio.h>
#include <uv.h>

#define CONTAINERS 3

static int left = CONTAINERS;

static void closed(ctrd_op *op, void *data)
{
	(void)op;
	(void)data;
	printf("closed; nothing of the client is left on the loop\n");
}

static void ended(ctrd_op *op, void *data)
{
	ctrd_exit exit = CTRD_EXIT_INIT;

	if (ctrd_op_get_exit(op, &exit) == CTRD_OK)
		printf("%s: exit code %u\n", ctrd_op_container_id(op), exit.code);
	else
		printf("%s: %s\n", ctrd_op_container_id(op), ctrd_error_message(ctrd_op_error(op)));
	/* Inside a completion every call is allowed that does not block, closing included. */
	if (!--left)
		ctrd_client_close(data, NULL, (ctrd_done){closed, NULL, NULL}, NULL);
}

int main(int argc, char **argv)
{
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_run_options run = CTRD_RUN_OPTIONS_INIT;
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;
	ctrd_spec *spec = NULL;
	char *json = NULL;
	uv_loop_t loop;

	if (argc < 3) {
		fprintf(stderr, "usage: %s ROOTFS PROGRAM [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	uv_loop_init(&loop);
	options.loop = &loop;
	options.loop_size = uv_loop_size();
	if (ctrd_spec_new(argv[1], (const char *const *)argv + 2, 0, &spec) ||
	    ctrd_spec_json(spec, &json, NULL, &error) ||
	    ctrd_client_open("local:", &options, &client, &error)) {
		fprintf(stderr, "%s\n", ctrd_error_message(error));
		return 1;
	}
	create.spec = json;
	create.runtime = CTRD_RUNTIME_FASTEST;
	run.create = &create;
	for (int i = 0; i < CONTAINERS; i++) {
		char id[32];
		snprintf(id, sizeof(id), "example-uv-%d", i);
		ctrd_container_run(client, id, &run, (ctrd_done){ended, client, NULL}, NULL);
	}
	uv_run(&loop,
	       UV_RUN_DEFAULT); /* returns by itself: the client keeps the loop alive only for ops */
	ctrd_client_unref(client);
	uv_loop_close(&loop);
	ctrd_free(json);
	ctrd_spec_free(spec);
	return 0;
}
