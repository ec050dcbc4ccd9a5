/*
 * epoll.c: a daemon with an epoll loop of its own drives a manual client: one descriptor, one timeout, one function.
 *
 *   epoll ROOTFS PROGRAM [ARGUMENT...]        runs it again and again, one after the other, until a line is typed
 *
 * Build: cc epoll.c $(pkg-config --cflags --libs libctrd)
 */
#include <libctrd/libctrd.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

struct daemon {
	ctrd_client *client;
	const char *spec;
	int rounds;
	int stopping;
	int closed;
};

static void start_round(struct daemon *daemon);

static void closed(ctrd_op *op, void *data)
{
	(void)op;
	((struct daemon *)data)->closed = 1;
}

static void round_ended(ctrd_op *op, void *data)
{
	struct daemon *daemon = data;
	ctrd_exit exit = CTRD_EXIT_INIT;
	int status = ctrd_op_get_exit(op, &exit);

	if (status)
		printf("%s\n", ctrd_error_message(ctrd_op_error(op)));
	else
		printf("round %d: exit code %u\n", ++daemon->rounds, exit.code);
	fflush(stdout);
	if (status || daemon->stopping)
		ctrd_client_close(daemon->client, NULL, (ctrd_done){closed, daemon, NULL}, NULL);
	else
		start_round(daemon);
}

static void start_round(struct daemon *daemon)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_run_options run = CTRD_RUN_OPTIONS_INIT;

	create.spec = daemon->spec;
	create.runtime = CTRD_RUNTIME_FASTEST;
	run.create = &create;
	ctrd_container_run(daemon->client, "example-epoll", &run,
			   (ctrd_done){round_ended, daemon, NULL}, NULL);
}

int main(int argc, char **argv)
{
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;
	struct daemon daemon = {NULL, NULL, 0, 0, 0};
	ctrd_error *error = NULL;
	ctrd_spec *spec = NULL;
	char *json = NULL;

	if (argc < 3) {
		fprintf(stderr, "usage: %s ROOTFS PROGRAM [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	options.flags = CTRD_CLIENT_MANUAL;
	if (ctrd_spec_new(argv[1], (const char *const *)argv + 2, 0, &spec) ||
	    ctrd_spec_json(spec, &json, NULL, &error) ||
	    ctrd_client_open("local:", &options, &daemon.client, &error)) {
		fprintf(stderr, "%s\n", ctrd_error_message(error));
		return 1;
	}
	daemon.spec = json;
	start_round(&daemon);

	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int client_fd = ctrd_client_fd(daemon.client);
	struct epoll_event on_client = {EPOLLIN, {.fd = client_fd}},
			   on_input = {EPOLLIN, {.fd = STDIN_FILENO}};
	epoll_ctl(epoll, EPOLL_CTL_ADD, client_fd, &on_client);
	epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &on_input);
	while (!daemon.closed) {
		struct epoll_event event;
		int ready = epoll_wait(epoll, &event, 1, ctrd_client_timeout_ms(daemon.client));
		if (ready == 1 && event.data.fd == STDIN_FILENO) {
			daemon.stopping = 1;
			epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
		}
		ctrd_client_dispatch(daemon.client);
	}
	close(epoll);
	ctrd_client_unref(daemon.client);
	ctrd_free(json);
	ctrd_spec_free(spec);
	return 0;
}
