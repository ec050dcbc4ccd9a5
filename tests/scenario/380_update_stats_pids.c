/*
 * What a container uses can be measured, its limits changed, its processes listed.
 */
#include "scenario.h"

#include <string.h>

static ctrd_stats measure(struct scene *scene)
{
	ctrd_stats stats = CTRD_STATS_INIT;
	ctrd_op *op_stats = ENDED(ctrd_container_stats(scene->client, "a", NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_stats(op_stats, &stats), CTRD_OK);
	ctrd_op_unref(op_stats);
	return stats;
}

TEST(update_changes_what_stats_tell)
{
	struct scene *scene = scene_open();
	ctrd_update_options update = CTRD_UPDATE_OPTIONS_INIT;

	scene_begin(scene, "a", PROGRAM("sleep"));
	ctrd_stats stats = measure(scene);
	uint32_t needed = CTRD_STATS_CPU | CTRD_STATS_MEMORY | CTRD_STATS_PIDS;
	CHECK_INT(stats.has & needed, needed);
	CHECK(stats.memory_usage_bytes > 0);
	CHECK(stats.pids_current >= 1);
	CHECK(stats.time_ns > 0);
	update.resources = "{\"memory\":{\"limit\":67108864},\"pids\":{\"limit\":77}}";
	CHECK_INT(END(ctrd_container_update(scene->client, "a", &update, NOBODY, &op)), CTRD_OK);
	stats = measure(scene);
	CHECK_INT(stats.memory_limit_bytes, 67108864);
	CHECK_INT(stats.pids_limit, 77);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(pids_and_processes_are_listed)
{
	struct scene *scene = scene_open();
	ctrd_process_info info = CTRD_PROCESS_INFO_INIT;
	size_t count = 0;
	uint32_t pid = 0, listed = 0;

	scene_begin(scene, "a", PROGRAM("sleep"));
	scene_exec(scene, "a", "x", PROGRAM("sleep"));
	ctrd_op *list = ENDED(ctrd_process_list(scene->client, "a", NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_count(list, &count), CTRD_OK);
	CHECK_INT(count, 2);
	for (size_t i = 0; i < count; i++) {
		CHECK_INT(ctrd_op_get_process(list, i, &info), CTRD_OK);
		CHECK(info.pid != 0 && strlen(info.process_id) > 0);
		if (strcmp(info.process_id, "x") == 0)
			listed = info.pid;
	}
	ctrd_op_unref(list);
	CHECK(listed != 0);

	ctrd_op *pids = ENDED(ctrd_container_pids(scene->client, "a", NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_count(pids, &count), CTRD_OK);
	CHECK_INT(count, 2);
	bool found = false;
	for (size_t i = 0; i < count; i++) {
		CHECK_INT(ctrd_op_get_pid_at(pids, i, &pid), CTRD_OK);
		found = found || pid == listed;
	}
	CHECK(found);
	CHECK_INT(ctrd_op_get_pid_at(pids, count, &pid), CTRD_ERANGE);
	ctrd_op_unref(pids);
	scene_delete(scene, "a");
	scene_close(scene);
}

TEST(a_container_without_a_task_has_nothing_to_measure)
{
	struct scene *scene = scene_open();

	scene_create(scene, "a", PROGRAM("sleep"));
	CHECK_INT(END(ctrd_container_stats(scene->client, "a", NULL, NOBODY, &op)), CTRD_ENOTFOUND);
	CHECK_INT(END(ctrd_container_pids(scene->client, "a", NULL, NOBODY, &op)), CTRD_ENOTFOUND);
	CHECK_INT(END(ctrd_container_status(scene->client, "a", NULL, NOBODY, &op)),
		  CTRD_ENOTFOUND);
	scene_delete(scene, "a");
	scene_close(scene);
}
