/*
 * Rule 10: in a forked child calls on handles made before the fork are refused, and dropping them frees memory only.
 */
#include "scenario.h"

#include <sys/wait.h>
#include <unistd.h>

static void count_release(void *data)
{
	(*(int *)data)++;
}

static void be_a_child(struct scene *scene, ctrd_op *op)
{
	int releases = 0;
	ctrd_done done = {NULL, &releases, count_release};

	CHECK_INT(ctrd_client_version(scene->client, NULL, done, NULL), CTRD_EFORKED);
	CHECK_INT(ctrd_client_close(scene->client, NULL, done, NULL), CTRD_EFORKED);
	CHECK_INT(releases, 2);
	CHECK_INT(ctrd_client_fd(scene->client), CTRD_EFORKED);
	CHECK_INT(ctrd_stdio_resume(scene->client, "a", "init"), CTRD_EFORKED);
	CHECK_INT(ctrd_op_cancel(op), CTRD_EFORKED);
	CHECK_INT(ctrd_op_wait(op, 0), CTRD_EFORKED);
	if (scene_is_fake()) {
		ctrd_fake_fault fault = CTRD_FAKE_FAULT_INIT;
		fault.kind = CTRD_FAKE_HANG;
		CHECK_INT(ctrd_fake_add_fault(scene->client, &fault), CTRD_EFORKED);
		CHECK_INT(ctrd_fake_clear_faults(scene->client), CTRD_EFORKED);
		CHECK_INT(ctrd_fake_exit(scene->client, "a", "init", 0, 0), CTRD_EFORKED);
	}
	ctrd_op_unref(op);
	ctrd_client_unref(scene->client);
	_exit(0);
}

TEST(a_forked_child_is_refused_and_harms_nothing)
{
	struct scene *scene = scene_open();
	scene_begin(scene, "a", PROGRAM("sleep"));
	ctrd_op *wait = MADE(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, &op));

	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		be_a_child(scene, wait);
	int status = -1;
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);

	CHECK_INT(scene_state(scene, "a"), CTRD_TASK_RUNNING);
	scene_delete(scene, "a");
	CHECK_INT(scene_end_of(wait), CTRD_OK);
	scene_close(scene);
}
