/*
 * In a forked child a new client may be opened, though the parent's are running.
 */
#include "scenario.h"

#include <sys/wait.h>
#include <unistd.h>

static void be_a_child(struct scene *inherited)
{
	struct scene *scene = scene_open();

	scene_begin(scene, "child", PROGRAM("exit", "6"));
	CHECK_INT(scene_wait(scene, "child", "init").code, 6);
	scene_delete(scene, "child");
	CHECK_INT(END(ctrd_client_close(scene->client, NULL, NOBODY, &op)), CTRD_OK);
	scene_free(scene);
	ctrd_client_unref(inherited->client);
	_exit(0);
}

TEST(a_forked_child_opens_its_own)
{
	struct scene *scene = scene_open();
	int status = -1;

	scene_begin(scene, "a", PROGRAM("sleep"));
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		be_a_child(scene);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	scene_delete(scene, "a");
	scene_close(scene);
}
