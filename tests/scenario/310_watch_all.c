/*
 * A client hears of the containers that it created or loaded; with WATCH_ALL of every one in its name space.
 */
#include "scenario.h"

TEST(watch_all_hears_of_other_clients_containers)
{
	struct scene *scene = scene_open(), *watcher = scene_new(), *deaf = scene_open(),
		     *elsewhere = scene_new();
	ctrd_client_options options = scene_options(watcher);

	options.flags = CTRD_CLIENT_WATCH_ALL;
	scene_open_with(&options, watcher);
	options = scene_options(elsewhere);
	options.flags = CTRD_CLIENT_WATCH_ALL;
	options.name_space = "elsewhere";
	scene_open_with(&options, elsewhere);
	/* Its first answer shows that it is listening. */
	CHECK_INT(END(ctrd_container_list(watcher->client, NULL, NOBODY, &op)), CTRD_OK);
	CHECK_INT(END(ctrd_container_list(elsewhere->client, NULL, NOBODY, &op)), CTRD_OK);

	scene_begin(scene, "a", PROGRAM("sleep"));
	scene_exec(scene, "a", "x", PROGRAM("exit", "3"));
	CHECK_INT(scene_wait(scene, "a", "x").code, 3);
	scene_delete(scene, "a");
	ctrd_event event;
	scene_await(watcher, "exit a/x", 1, &event);
	CHECK_INT(event.code, 3);
	scene_await(watcher, "exit a/init", 1, &event);
	CHECK_INT(event.signal, 9);
	CHECK(event.task != 0);
	CHECK_INT(scene_count(watcher, "start a/init"), 1);
	CHECK_INT(scene_count(watcher, "exec-started a/x"), 1);
	char *told = scene_told(deaf, NULL), *there = scene_told(elsewhere, NULL);
	CHECK_STR(told, "");
	CHECK_STR(there, "");
	free(told);
	free(there);
	scene_close(elsewhere);
	scene_close(deaf);
	scene_close(watcher);
	scene_close(scene);
}
