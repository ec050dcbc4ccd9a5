/*
 * Ids that are none are refused by every call, with a message that names them; those at the limit are not.
 */
#include "scenario.h"

#include <string.h>

static char longest[CTRD_ID_MAX + 1], too_long[CTRD_ID_MAX + 2];

__attribute__((constructor)) static void make_long_ids(void)
{
	memset(longest, 'x', CTRD_ID_MAX);
	memset(too_long, 'x', CTRD_ID_MAX + 1);
}

static const char *const bad[] = {
	NULL, "",     ".",   "..",  "a/b",	"../a", "-a",
	"a-", "a--b", "a b", "a\n", "\xc3\xa4", "a:b",	too_long,
};

TEST(bad_container_ids_are_refused)
{
	struct scene *scene = scene_open();
	ctrd_client *client = scene->client;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(scene_try_create(scene, bad[i], PROGRAM("exit", "0")), CTRD_EINVAL);
		CHECK_INT(scene_try_start(scene, bad[i]), CTRD_EINVAL);
		CHECK_INT(END(ctrd_container_load(client, bad[i], NULL, NOBODY, &op)), CTRD_EINVAL);
		CHECK_INT(END(ctrd_container_delete(client, bad[i], NULL, NOBODY, &op)),
			  CTRD_EINVAL);
		CHECK_INT(END(ctrd_container_inspect(client, bad[i], NULL, NOBODY, &op)),
			  CTRD_EINVAL);
		CHECK_INT(END(ctrd_process_wait(client, bad[i], "init", NULL, NOBODY, &op)),
			  CTRD_EINVAL);
	}
	scene_close(scene);
}

TEST(bad_process_ids_are_refused)
{
	struct scene *scene = scene_open();
	ctrd_client *client = scene->client;
	scene_begin(scene, "a", PROGRAM("sleep"));

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(scene_try_exec(scene, "a", bad[i], PROGRAM("exit", "0")), CTRD_EINVAL);
		CHECK_INT(END(ctrd_process_signal(client, "a", bad[i], 9, NULL, NOBODY, &op)),
			  CTRD_EINVAL);
		CHECK_INT(END(ctrd_process_wait(client, "a", bad[i], NULL, NOBODY, &op)),
			  CTRD_EINVAL);
	}
	CHECK_INT(scene_try_exec(scene, "a", "init", PROGRAM("exit", "0")), CTRD_EINVAL);
	CHECK_INT(scene_try_exec(scene, "a", "a", PROGRAM("exit", "0")), CTRD_EINVAL);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(ids_at_the_limit_work)
{
	struct scene *scene = scene_open();

	scene_begin(scene, longest, PROGRAM("sleep"));
	scene_exec(scene, longest, "a.b_c-9", PROGRAM("exit", "4"));
	CHECK_INT(scene_wait(scene, longest, "a.b_c-9").code, 4);
	scene_delete(scene, longest);
	scene_close(scene);
}

TEST(an_id_in_use_is_refused)
{
	struct scene *scene = scene_open();

	scene_begin(scene, "a", PROGRAM("sleep"));
	CHECK_INT(scene_try_create(scene, "a", PROGRAM("exit", "0")), CTRD_EEXISTS);
	scene_exec(scene, "a", "x", PROGRAM("sleep"));
	CHECK_INT(scene_try_exec(scene, "a", "x", PROGRAM("exit", "0")), CTRD_EEXISTS);
	CHECK_INT(END(ctrd_task_create(scene->client, "a", NULL, NOBODY, &op)), CTRD_EEXISTS);
	scene_delete(scene, "a");
	scene_close(scene);
}
