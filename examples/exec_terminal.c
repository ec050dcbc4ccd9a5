/*
 * exec_terminal.c: run a command with a terminal in a container that runs already, connected to this terminal.
 *
 *   exec_terminal CONTAINER PROGRAM [ARGUMENT...]
 *
 * Build: cc exec_terminal.c $(pkg-config --cflags --libs libctrd)
 */
#include <libctrd/libctrd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Takes the terminal: its descriptors are ours from here on. */
static int take_terminal(const char *container_id, const char *process_id,
			 const ctrd_stdio_ends *ends, void *data)
{
	(void)container_id;
	(void)process_id;
	*(ctrd_stdio_ends *)data = *ends;
	return 0;
}

/* Copy both ways until the terminal's other side is closed. */
static void connect_terminal(int terminal)
{
	struct pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {terminal, POLLIN, 0}};
	char bytes[4096];

	while (poll(fds, 2, -1) > 0) {
		for (int i = 0; i < 2; i++) {
			if (!fds[i].revents)
				continue;
			ssize_t length = read(fds[i].fd, bytes, sizeof(bytes));
			if (length <= 0 && i == 1)
				return;
			if (length <= 0)
				fds[0].fd = -1;
			else if (write(i ? STDOUT_FILENO : terminal, bytes, (size_t)length) < 0)
				return;
		}
	}
}

/* {"terminal": true, "args": [...]} of the arguments; what is not named is the container's. */
static char *make_process(char **args)
{
	size_t size = 64;
	for (char **arg = args; *arg; arg++)
		size += strlen(*arg) * 2 + 4;
	char *json = malloc(size);
	if (!json)
		return NULL;
	char *end = json + sprintf(json, "{\"terminal\":true,\"args\":[");
	for (char **arg = args; *arg; arg++) {
		end += sprintf(end, "%s\"", arg == args ? "" : ",");
		for (const char *c = *arg; *c; c++)
			end += sprintf(end, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
		end += sprintf(end, "\"");
	}
	sprintf(end, "]}");
	return json;
}

int main(int argc, char **argv)
{
	static const ctrd_done nobody = {NULL, NULL, NULL};
	ctrd_stdio_ends ends = {sizeof(ends), -1, -1, -1};
	ctrd_exec_options exec = CTRD_EXEC_OPTIONS_INIT;
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	ctrd_exit exit = CTRD_EXIT_INIT;
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;
	ctrd_op *op = NULL;
	struct winsize size = {24, 80, 0, 0};
	struct termios before, raw;

	if (argc < 3) {
		fprintf(stderr, "usage: %s CONTAINER PROGRAM [ARGUMENT...]\n", argv[0]);
		return 2;
	}
	if (ctrd_client_open("local:", NULL, &client, &error)) {
		fprintf(stderr, "%s\n", ctrd_error_message(error));
		return 1;
	}
	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	stdio.flags = CTRD_STDIO_TERMINAL;
	stdio.in = stdio.out = CTRD_STREAM_PIPE;
	stdio.attach = take_terminal;
	stdio.data = &ends;
	stdio.columns = size.ws_col;
	stdio.rows = size.ws_row;
	exec.stdio = &stdio;
	char *process = make_process(argv + 2);
	exec.process = process;
	ctrd_process_exec(client, argv[1], "example-exec", &exec, nobody, &op);
	ctrd_op_wait(op, -1);
	int status = ctrd_op_status(op);
	if (status)
		fprintf(stderr, "%s\n", ctrd_error_message(ctrd_op_error(op)));
	op = ctrd_op_unref(op);
	if (!status) {
		int is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
		if (is_terminal) {
			raw = before;
			cfmakeraw(&raw);
			tcsetattr(STDIN_FILENO, TCSANOW, &raw);
		}
		connect_terminal(ends.out);
		if (is_terminal)
			tcsetattr(STDIN_FILENO, TCSANOW, &before);
		close(ends.in);
		close(ends.out);
		ctrd_process_wait(client, argv[1], "example-exec", NULL, nobody, &op);
		ctrd_op_wait(op, -1);
		ctrd_op_get_exit(op, &exit);
		op = ctrd_op_unref(op);
		ctrd_process_delete(client, argv[1], "example-exec", NULL, nobody, &op);
		ctrd_op_wait(op, -1);
		ctrd_op_unref(op);
	}
	free(process);
	ctrd_client_unref(client);
	return status ? 1 : (int)exit.code;
}
