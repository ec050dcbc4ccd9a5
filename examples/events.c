/*
 * events.c: print what happens to every container of a namespace, until SIGINT.
 *
 *   events [NAMESPACE]
 *
 * Build: cc events.c $(pkg-config --cflags --libs libctrd)
 */
#include <libctrd/libctrd.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static void print_event(ctrd_client *client, const ctrd_event *event, void *data)
{
	time_t seconds = (time_t)(event->time_ns / 1000000000);
	struct tm local;
	char text[16];

	(void)client;
	(void)data;
	strftime(text, sizeof(text), "%H:%M:%S", localtime_r(&seconds, &local));
	printf("%s.%03d %-12s %s %s", text, (int)(event->time_ns / 1000000 % 1000), event->name,
	       event->container_id, event->process_id);
	if (event->kind == CTRD_EVENT_EXIT)
		printf(" code %u%s%s", event->code,
		       event->flags & CTRD_EXIT_OOM ? " out of memory" : "",
		       event->flags & CTRD_EXIT_UNKNOWN ? " (not known)" : "");
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;
	sigset_t ends;
	int number;

	/* Before the client's thread is started; that has all signals blocked anyway. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);

	options.flags = CTRD_CLIENT_WATCH_ALL;
	options.name_space = argc > 1 ? argv[1] : NULL;
	options.events.fn = print_event;
	if (ctrd_client_open("local:", &options, &client, &error)) {
		fprintf(stderr, "%s\n", ctrd_error_message(error));
		return 1;
	}
	sigwait(&ends, &number);
	ctrd_client_unref(client);
	return 0;
}
