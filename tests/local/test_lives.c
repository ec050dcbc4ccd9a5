/*
 * Many lives in a row leave everything as it was: descriptors, cgroups, mounts, processes, files.
 */
#include "host.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIVES = 1000 };

/* By single calls, with an exec now and then, and as one. */
static void live(ctrd_client *client, int number, const char *spec, const char *process)
{
	char id[32];
	snprintf(id, sizeof(id), "c%d", number);
	if (number % 3 == 0) {
		ctrd_exit exit = host_must_exit(host_run(client, id, spec, NULL));
		host_check_code(&exit, 5);
		return;
	}
	int fd = -1;
	ctrd_stdio stdio = host_out_to(&fd);
	host_make(client, id, spec, number % 2 == 0 ? &stdio : NULL);
	if (number % 10 == 1) {
		/* The container may end before the exec has begun. */
		if (host_try(host_exec(client, id, "e", process, NULL)) == 0)
			host_try(host_wait(client, id, "e"));
	}
	ctrd_exit exit = host_must_exit(host_wait(client, id, CTRD_INIT_PROCESS));
	host_check_code(&exit, 5);
	exit = host_must_exit(host_task_delete(client, id));
	host_check_code(&exit, 5);
	host_must(host_delete(client, id));
	if (fd >= 0)
		close(fd);
}

static bool is_as_before(const char *before)
{
	char *now = host_snapshot();
	bool same = strcmp(before, now) == 0;
	free(now);
	return same;
}

TEST_TIMEOUT(lives_leave_nothing, 400)
{
	host_begin();
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "sh", "-c", "echo x; exit 5", NULL);
	char *process = test_process("true", NULL);

	/* What is opened once, and stays, is not a leak. */
	for (int i = 0; i < 12; i++)
		live(client, i, spec, process);
	/* Nor is a monitor that has not got round to its end. */
	WAIT_UNTIL(host_monitor_count() == 0, 20);
	char *before = host_snapshot();

	int lives = test_scale(LIVES);
	for (int i = 0; i < lives; i++)
		live(client, i, spec, process);

	int64_t end = test_now_ms() + test_timeout_ms(10000);
	while (!is_as_before(before) && test_now_ms() < end)
		test_pause();
	char *after = host_snapshot();
	CHECK_STR(after, before);

	free(after);
	free(before);
	free(process);
	free(spec);
	host_close(client);
	host_end();
}
