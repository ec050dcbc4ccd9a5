/*
 * Leaving the process without closing is always legal: exit() ends it, with ops under way and events coming.
 */
#include "scenario.h"

#include <sys/wait.h>
#include <unistd.h>

static void leave(const ctrd_client_options *options_of_client)
{
	struct scene *scene = scene_new();
	char *spec = scene_spec(PROGRAM("sleep"));
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;

	ctrd_client_options mine = *options_of_client;
	mine.events.data = scene;
	scene_open_with(&mine, scene);
	scene_begin(scene, "a", PROGRAM("sleep"));
	options.spec = spec;
	CHECK_INT(ctrd_process_wait(scene->client, "a", "init", NULL, NOBODY, NULL), CTRD_OK);
	CHECK_INT(ctrd_container_create(scene->client, "b", &options, NOBODY, NULL), CTRD_OK);
	CHECK_INT(ctrd_container_start(scene->client, "b", NULL, NOBODY, NULL), CTRD_OK);
	exit(7);
}

TEST(exit_is_not_held_up)
{
	struct scene *scene = scene_new();
	ctrd_client_options options =
		scene_options(scene); /* the same directories in both processes */
	int status = -1;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		leave(&options);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 7);
	if (scene_is_fake()) { /* its containers were in that process */
		scene_free(scene);
		return;
	}

	ctrd_delete_options force = CTRD_DELETE_OPTIONS_INIT;
	scene_open_with(&options, scene);
	force.flags = CTRD_DELETE_FORCE;
	CHECK_INT(scene_state(scene, "a"), CTRD_TASK_RUNNING);
	scene_delete(scene, "a");
	WAIT_UNTIL(END(ctrd_container_delete(scene->client, "b", &force, NOBODY, &op)) !=
			   CTRD_EABORTED,
		   30);
	scene_close(scene);
}
