/*
 * Control groups on directories that the test makes: layouts, who belongs where, every number of the
 * statistics, freezer and trees. What only a kernel can do is in tests/local/test_cgroup_real.c.
 */
#include "local/linux/cgroup.h"
#include "libctrd/base.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[256];

static void set_root(void)
{
	snprintf(root, sizeof(root), "%s", test_tmpdir());
}

static const char *path_of(const char *name)
{
	static char path[4][1024];
	static int turn;
	char *p = path[turn++ % 4];
	snprintf(p, sizeof(path[0]), "%s/%s", root, name);
	return p;
}

static void make_dirs(const char *name)
{
	char path[1024];
	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *p = path + strlen(root) + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		CHECK(mkdir(path, 0755) == 0 || errno == EEXIST);
		*p = '/';
	}
	CHECK(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static void put(const char *name, const char *text)
{
	char dir[512];
	snprintf(dir, sizeof(dir), "%s", name);
	*strrchr(dir, '/') = '\0';
	make_dirs(dir);
	FILE *file = fopen(path_of(name), "w");
	CHECK(file != NULL);
	CHECK(fputs(text, file) >= 0);
	CHECK_INT(fclose(file), 0);
}

static const char *get(const char *name)
{
	static char text[256];
	FILE *file = fopen(path_of(name), "r");
	CHECK(file != NULL);
	size_t n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	return text;
}

static bool exists(const char *name)
{
	struct stat st;
	return lstat(path_of(name), &st) == 0;
}

#define MOUNTS_BEFORE                                              \
	"21 26 0:20 / /proc rw,relatime - proc proc rw\n"          \
	"26 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n" \
	"30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw\n"

static const char v1_mounts[] = MOUNTS_BEFORE
	"31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:5 master:2 - cgroup cgroup rw,cpu,cpuacct\n"
	"33 30 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset,clone_children\n"
	"34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	"36 30 0:33 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
	"37 30 0:34 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n"
	"38 30 0:35 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
	"39 30 0:36 / /sys/fs/cgroup/systemd rw - cgroup cgroup "
	"rw,xattr,release_agent=/lib/systemd/agent,name=systemd\n";
#define UNIFIED "40 30 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
static const char v2_mounts[] =
	"21 26 0:20 / /proc rw,relatime - proc proc rw\n"
	"26 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
	"30 22 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
static const char v1_self[] =
	"9:name=systemd:/\n8:pids:/\n7:blkio:/\n6:freezer:/\n4:memory:/host/x\n"
	"3:cpuset:/\n1:cpu,cpuacct:/\n";

static void read_layout(struct ctrd__cgroup_layout *layout, const char *mounts)
{
	put("proc/self/mountinfo", mounts);
	CHECK_INT(ctrd__cgroup_layout_read(root, layout), CTRD_OK);
}

static const struct ctrd__cgroup_mount *mount_of(const struct ctrd__cgroup_layout *layout,
						 const char *controllers)
{
	for (size_t i = 0; i < layout->count; i++)
		if (strcmp(layout->mounts[i].controllers, controllers) == 0)
			return &layout->mounts[i];
	return NULL;
}

/* Layouts */

TEST(cgroup_layout_v1)
{
	set_root();
	struct ctrd__cgroup_layout layout;
	read_layout(&layout, v1_mounts);
	CHECK_INT(layout.kind, CTRD__CGROUP_V1);
	CHECK_INT(layout.count, 7);
	CHECK_STR(mount_of(&layout, "cpu,cpuacct")->point, path_of("sys/fs/cgroup/cpu,cpuacct"));
	CHECK_STR(mount_of(&layout, "cpuset")->root, "/");
	CHECK(mount_of(&layout, "name=systemd") != NULL);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_layout_v2_and_hybrid)
{
	set_root();
	struct ctrd__cgroup_layout layout;
	read_layout(&layout, v2_mounts);
	CHECK_INT(layout.kind, CTRD__CGROUP_V2);
	CHECK_INT(layout.count, 1);
	CHECK_STR(layout.mounts[0].controllers, "");
	CHECK_STR(layout.mounts[0].point, path_of("sys/fs/cgroup"));
	ctrd__cgroup_layout_done(&layout);

	char both[4096];
	snprintf(both, sizeof(both), "%s%s", v1_mounts, UNIFIED);
	read_layout(&layout, both);
	CHECK_INT(layout.kind, CTRD__CGROUP_HYBRID);
	CHECK_INT(layout.count, 8);
	CHECK_STR(mount_of(&layout, "")->point, path_of("sys/fs/cgroup/unified"));
	ctrd__cgroup_layout_done(&layout);

	/* A name is no controller. */
	read_layout(&layout, MOUNTS_BEFORE UNIFIED
		    "39 30 0:36 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n");
	CHECK_INT(layout.kind, CTRD__CGROUP_V2);
	ctrd__cgroup_layout_done(&layout);

	read_layout(&layout, MOUNTS_BEFORE);
	CHECK_INT(layout.kind, CTRD__CGROUP_NONE);
	CHECK_INT(layout.count, 0);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_layout_leaves_out_what_is_covered)
{
	set_root();
	struct ctrd__cgroup_layout layout;
	char text[4096];
	/* Another mount over the directory that holds all of v1. */
	snprintf(text, sizeof(text), "%s%s", v1_mounts,
		 "50 30 0:40 / /sys/fs/cgroup rw - cgroup2 none rw\n");
	read_layout(&layout, text);
	CHECK_INT(layout.kind, CTRD__CGROUP_V2);
	CHECK_INT(layout.count, 1);
	ctrd__cgroup_layout_done(&layout);
	/* A root that was mounted last holds what is mounted on it. */
	read_layout(&layout, "34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
			     "30 99 0:27 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
			     "99 1 254:0 / / rw - ext4 /dev/vda rw\n");
	CHECK_INT(layout.kind, CTRD__CGROUP_V1);
	ctrd__cgroup_layout_done(&layout);
	/* One hierarchy in two places: the one that shows all of it. */
	read_layout(&layout, MOUNTS_BEFORE
		    "34 30 0:31 /a/b /mnt/part rw - cgroup cgroup rw,memory\n"
		    "35 30 0:31 / /mnt/all\\040of\\134it rw - cgroup cgroup rw,memory\n"
		    "36 30 0:31 /a /mnt/other rw - cgroup cgroup rw,memory\n");
	CHECK_INT(layout.count, 1);
	CHECK_STR(layout.mounts[0].point, path_of("mnt/all of\\it"));
	ctrd__cgroup_layout_done(&layout);
	/* From outside of the cgroup namespace. */
	read_layout(&layout,
		    MOUNTS_BEFORE "34 30 0:31 /../.. /mnt/m rw - cgroup cgroup rw,memory\n");
	CHECK_INT(layout.count, 0);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_layout_survives_nonsense)
{
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"1",
		"1 2 3 4 5 6",
		"1 2 0:1 / /a rw - ",
		"1 2 0:1 / /a rw shared:1",
		"1 2 0:1 / /a rw - cgroup",
		"1 2 0:1 / /a rw - cgroup cgroup",
		"x y 0:1 / /a rw - cgroup cgroup rw,memory",
		"1 2 0:1 / a rw - cgroup cgroup memory",
		"1 1 0:1 / /a rw - cgroup cgroup rw,xattr",
	};
	struct ctrd__cgroup_layout layout;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		CHECK_INT(ctrd__cgroup_layout_parse("", texts[i], strlen(texts[i]), &layout),
			  CTRD_OK);
		CHECK_INT(layout.count, 0);
		ctrd__cgroup_layout_done(&layout);
	}
	set_root();
	CHECK_INT(ctrd__cgroup_layout_read(root, &layout), CTRD_ENOTFOUND);
}

/* Whose groups */

TEST(cgroup_is_what_the_kernel_says)
{
	set_root();
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup, again;
	read_layout(&layout, v1_mounts);
	put("proc/self/cgroup", v1_self);
	put("proc/77/cgroup", "9:name=systemd:/\n8:pids:/ns/id\n7:blkio:/ns/id (deleted)\n"
			      "6:freezer:/ns/id\n4:memory:/host/x/ns/id\n3:cpuset:/../out\n"
			      "2:rdma:/ns/id\n1:cpu,cpuacct:/ns/i:d\nrubbish\n");
	CHECK_INT(ctrd__cgroup_resolve(&layout, 77, &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 4);
	CHECK_STR(ctrd__cgroup_dir(&cgroup, "pids"), path_of("sys/fs/cgroup/pids/ns/id"));
	CHECK_STR(ctrd__cgroup_dir(&cgroup, "memory"),
		  path_of("sys/fs/cgroup/memory/host/x/ns/id"));
	CHECK_STR(ctrd__cgroup_dir(&cgroup, "cpuacct"),
		  path_of("sys/fs/cgroup/cpu,cpuacct/ns/i:d"));
	CHECK_STR(ctrd__cgroup_dir(&cgroup, "cpu"), ctrd__cgroup_dir(&cgroup, "cpuacct"));
	CHECK(ctrd__cgroup_dir(&cgroup, "blkio") == NULL);
	CHECK(ctrd__cgroup_dir(&cgroup, "cpuset") == NULL);
	CHECK(ctrd__cgroup_dir(&cgroup, "name=systemd") == NULL);
	CHECK(ctrd__cgroup_dir(&cgroup, "") == NULL);

	char *text = NULL;
	CHECK_INT(ctrd__cgroup_to_text(&cgroup, &text), CTRD_OK);
	CHECK_STR(text, "0:pids:/ns/id\n0:freezer:/ns/id\n0:memory:/host/x/ns/id\n"
			"0:cpu,cpuacct:/ns/i:d\n");
	CHECK_INT(ctrd__cgroup_from_text(&layout, text, strlen(text), &again), CTRD_OK);
	CHECK_INT(again.count, cgroup.count);
	for (size_t i = 0; i < again.count; i++)
		CHECK_STR(again.groups[i].dir, cgroup.groups[i].dir);
	free(text);
	ctrd__cgroup_done(&again);
	ctrd__cgroup_done(&cgroup);
	CHECK_INT(ctrd__cgroup_resolve(&layout, 78, &cgroup), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__cgroup_resolve(&layout, 0, &cgroup), CTRD_ENOTFOUND);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_never_is_the_hosts)
{
	set_root();
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	read_layout(&layout, v1_mounts);
	put("proc/self/cgroup", v1_self);
	/* Our own group, one above us, the root, and one that only looks like one above us. */
	put("proc/77/cgroup", "4:memory:/host/x\n8:pids:/\n");
	CHECK_INT(ctrd__cgroup_resolve(&layout, 77, &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 0);
	ctrd__cgroup_done(&cgroup);
	put("proc/77/cgroup", "4:memory:/host\n");
	CHECK_INT(ctrd__cgroup_resolve(&layout, 77, &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 0);
	ctrd__cgroup_done(&cgroup);
	put("proc/77/cgroup", "4:memory:/hos\n");
	CHECK_INT(ctrd__cgroup_resolve(&layout, 77, &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 1);
	ctrd__cgroup_done(&cgroup);
	static const char *const bad[] = {
		"0:memory:/a/../b", "0:memory:/a//b", "0:memory:a", "0:memory:/a/.", "0:memory:/a/",
		"0:memory:",	    "0:memory:/..",   "memory:/a",  "0::/a"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		test_note("%s", bad[i]);
		CHECK_INT(ctrd__cgroup_from_text(&layout, bad[i], strlen(bad[i]), &cgroup),
			  CTRD_OK);
		CHECK_INT(cgroup.count, 0);
		ctrd__cgroup_done(&cgroup);
	}
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_below_a_mount_that_shows_a_part)
{
	set_root();
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	read_layout(&layout, MOUNTS_BEFORE
		    "34 30 0:31 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
	put("proc/self/cgroup", "4:memory:/docker/abc\n");
	put("proc/77/cgroup", "4:memory:/docker/abc/ns/id\n");
	CHECK_INT(ctrd__cgroup_resolve(&layout, 77, &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 1);
	CHECK_STR(cgroup.groups[0].dir, path_of("sys/fs/cgroup/memory/ns/id"));
	CHECK_STR(cgroup.groups[0].path, "/docker/abc/ns/id");
	ctrd__cgroup_done(&cgroup);
	put("proc/77/cgroup", "4:memory:/docker/abcd/ns\n");
	CHECK_INT(ctrd__cgroup_resolve(&layout, 77, &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 0);
	ctrd__cgroup_done(&cgroup);
	char **dirs = NULL;
	CHECK_INT(ctrd__cgroup_self_escape_paths(&layout, &dirs), CTRD_OK);
	CHECK(dirs[0] == NULL);
	free(dirs);
	make_dirs("sys/fs/cgroup/memory/ns/id");
	CHECK_INT(ctrd__cgroup_find(&layout, "/ns/id", &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 1);
	CHECK_STR(cgroup.groups[0].path, "/docker/abc/ns/id");
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_find_takes_what_is_there)
{
	set_root();
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	read_layout(&layout, v1_mounts);
	put("proc/self/cgroup", v1_self);
	make_dirs("sys/fs/cgroup/memory/ns/id");
	make_dirs("sys/fs/cgroup/pids/ns/id");
	make_dirs("sys/fs/cgroup/blkio/ns");
	CHECK_INT(ctrd__cgroup_find(&layout, "/ns/id", &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 2);
	ctrd__cgroup_done(&cgroup);
	CHECK_INT(ctrd__cgroup_find(&layout, "/none", &cgroup), CTRD_OK);
	CHECK_INT(cgroup.count, 0);
	ctrd__cgroup_done(&cgroup);
	CHECK_INT(ctrd__cgroup_find(&layout, "/ns/../..", &cgroup), CTRD_EINVAL);
	CHECK_INT(ctrd__cgroup_find(&layout, "ns", &cgroup), CTRD_EINVAL);
	CHECK_INT(ctrd__cgroup_find(&layout, "", &cgroup), CTRD_EINVAL);
	ctrd__cgroup_layout_done(&layout);
}

/* A container "/ns/id" in each hierarchy of these mounts. */
static void make_container(const char *mounts, const char *memberships,
			   struct ctrd__cgroup_layout *layout, struct ctrd__cgroup *cgroup)
{
	set_root();
	read_layout(layout, mounts);
	put("proc/self/cgroup", "0::/\n");
	CHECK_INT(ctrd__cgroup_from_text(layout, memberships, strlen(memberships), cgroup),
		  CTRD_OK);
}

static const char v1_container[] = "8:pids:/ns/id\n7:blkio:/ns/id\n6:freezer:/ns/id\n"
				   "4:memory:/ns/id\n1:cpu,cpuacct:/ns/id\n";

/* Statistics */

#define V1(controller, name) "sys/fs/cgroup/" controller "/ns/id/" name
#define V2(name)	     "sys/fs/cgroup/ns/id/" name

static void put_v1_files(void)
{
	put(V1("cpu,cpuacct", "cpuacct.usage"), "123456789012\n");
	put(V1("cpu,cpuacct", "cpuacct.stat"), "user 700\nsystem 300\n");
	put(V1("cpu,cpuacct", "cpu.stat"),
	    "nr_periods 50\nnr_throttled 20\nthrottled_time 987654321\nnr_bursts 0\n");
	put(V1("memory", "memory.usage_in_bytes"), "10485760\n");
	put(V1("memory", "memory.max_usage_in_bytes"), "20971520\n");
	put(V1("memory", "memory.limit_in_bytes"), "104857600\n");
	put(V1("memory", "memory.failcnt"), "7\n");
	put(V1("memory", "memory.kmem.usage_in_bytes"), "409600\n");
	put(V1("memory", "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
	put(V1("memory", "memory.stat"),
	    "cache 1\nrss 2\ninactive_file 3\nhierarchical_memory_limit 104857600\n"
	    "total_cache 2097152\ntotal_rss 4194304\ntotal_inactive_anon 5\n"
	    "total_inactive_file 1048576\ntotal_unevictable 0\n");
	put(V1("memory", "memory.memsw.usage_in_bytes"), "12582912\n");
	put(V1("memory", "memory.memsw.limit_in_bytes"), "209715200\n");
	put(V1("pids", "pids.current"), "5\n");
	put(V1("pids", "pids.max"), "100\n");
	put(V1("blkio", "blkio.throttle.io_service_bytes_recursive"),
	    "8:0 Read 1000\n8:0 Write 2000\n8:0 Sync 2500\n8:0 Async 500\n8:0 Discard 9\n8:0 Total "
	    "3000\n253:1 Read 11\n253:1 Write 22\n253:1 Total 33\nTotal 3033\n");
	put(V1("blkio", "blkio.throttle.io_serviced_recursive"),
	    "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n253:1 Read 1\n253:1 Write 2\nTotal 33\n");
}

TEST(cgroup_stats_v1)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	ctrd_stats stats;
	make_container(v1_mounts, v1_container, &layout, &cgroup);
	put_v1_files();
	uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
	int before = test_fd_count();
	for (int round = 0; round < 3; round++) {
		CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
		CHECK_INT(stats.size, sizeof(stats));
		CHECK_INT(stats.has, CTRD_STATS_CPU | CTRD_STATS_THROTTLE | CTRD_STATS_MEMORY |
					     CTRD_STATS_SWAP | CTRD_STATS_PIDS | CTRD_STATS_IO |
					     CTRD_STATS_OOM);
		CHECK(stats.time_ns > INT64_C(1600000000000000000));
		CHECK_INT(stats.cpu_usage_ns, 123456789012);
		CHECK_INT(stats.cpu_user_ns, 700 * tick_ns);
		CHECK_INT(stats.cpu_system_ns, 300 * tick_ns);
		CHECK_INT(stats.cpu_periods, 50);
		CHECK_INT(stats.cpu_throttled_periods, 20);
		CHECK_INT(stats.cpu_throttled_ns, 987654321);
		CHECK_INT(stats.memory_usage_bytes, 10485760);
		CHECK_INT(stats.memory_peak_bytes, 20971520);
		CHECK_INT(stats.memory_limit_bytes, 104857600);
		CHECK_INT(stats.memory_anon_bytes, 4194304);
		CHECK_INT(stats.memory_file_bytes, 2097152);
		CHECK_INT(stats.memory_inactive_file_bytes, 1048576);
		CHECK_INT(stats.memory_kernel_bytes, 409600);
		CHECK_INT(stats.memory_limit_hits, 7);
		CHECK_INT(stats.swap_usage_bytes, 2097152);
		CHECK_INT(stats.swap_limit_bytes, 104857600);
		CHECK_INT(stats.pids_current, 5);
		CHECK_INT(stats.pids_limit, 100);
		CHECK_INT(stats.io_read_bytes, 1011);
		CHECK_INT(stats.io_write_bytes, 2022);
		CHECK_INT(stats.io_reads, 11);
		CHECK_INT(stats.io_writes, 22);
		CHECK_INT(stats.oom_kills, 3);
		CHECK_INT(stats.cpu_some_total_us, 0);
		CHECK_INT(test_fd_count(), before + 16);
	}
	ctrd__cgroup_drop_fds(&cgroup);
	CHECK_INT(test_fd_count(), before);
	/* What changes is seen, with the same descriptors and with new ones. */
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	put(V1("pids", "pids.current"), "6\n");
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.pids_current, 6);
	ctrd__cgroup_done(&cgroup);
	CHECK_INT(test_fd_count(), before);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_stats_v1_without_limits)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	ctrd_stats stats;
	make_container(v1_mounts, v1_container, &layout, &cgroup);
	put_v1_files();
	put(V1("memory", "memory.limit_in_bytes"), "9223372036854771712\n");
	put(V1("memory", "memory.memsw.limit_in_bytes"), "9223372036854771712\n");
	put(V1("pids", "pids.max"), "max\n");
	/* Read a moment later than memory alone, which has grown. */
	put(V1("memory", "memory.memsw.usage_in_bytes"), "10485759\n");
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK(stats.memory_limit_bytes == UINT64_MAX);
	CHECK(stats.swap_limit_bytes == UINT64_MAX);
	CHECK(stats.pids_limit == UINT64_MAX);
	CHECK_INT(stats.swap_usage_bytes, 0);
	/* A limit on both with none on memory is one on both. */
	put(V1("memory", "memory.memsw.limit_in_bytes"), "1048576\n");
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.swap_limit_bytes, 0);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

/* Each file away: its own bit goes, or its own number, and nothing else. */
TEST(cgroup_stats_v1_files_missing)
{
	static const struct {
		const char *name;
		uint32_t lost;
	} cases[] = {
		{V1("cpu,cpuacct", "cpuacct.usage"), CTRD_STATS_CPU},
		{V1("cpu,cpuacct", "cpuacct.stat"), 0},
		{V1("cpu,cpuacct", "cpu.stat"), CTRD_STATS_THROTTLE},
		{V1("memory", "memory.usage_in_bytes"), CTRD_STATS_MEMORY | CTRD_STATS_SWAP},
		{V1("memory", "memory.max_usage_in_bytes"), 0},
		{V1("memory", "memory.limit_in_bytes"), 0},
		{V1("memory", "memory.failcnt"), 0},
		{V1("memory", "memory.kmem.usage_in_bytes"), 0},
		{V1("memory", "memory.oom_control"), CTRD_STATS_OOM},
		{V1("memory", "memory.stat"), 0},
		{V1("memory", "memory.memsw.usage_in_bytes"), CTRD_STATS_SWAP},
		{V1("memory", "memory.memsw.limit_in_bytes"), 0},
		{V1("pids", "pids.current"), CTRD_STATS_PIDS},
		{V1("pids", "pids.max"), 0},
		{V1("blkio", "blkio.throttle.io_service_bytes_recursive"), CTRD_STATS_IO},
		{V1("blkio", "blkio.throttle.io_serviced_recursive"), 0},
	};
	const uint32_t all = CTRD_STATS_CPU | CTRD_STATS_THROTTLE | CTRD_STATS_MEMORY |
			     CTRD_STATS_SWAP | CTRD_STATS_PIDS | CTRD_STATS_IO | CTRD_STATS_OOM;
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	make_container(v1_mounts, v1_container, &layout, &cgroup);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ctrd_stats stats;
		test_note("%s", cases[i].name);
		put_v1_files();
		ctrd__cgroup_drop_fds(&cgroup);
		CHECK_INT(unlink(path_of(cases[i].name)), 0);
		CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
		CHECK_INT(stats.has, all & ~cases[i].lost);
		if (strstr(cases[i].name, "memory.limit"))
			CHECK(stats.memory_limit_bytes == UINT64_MAX);
		if (strstr(cases[i].name, "pids.max"))
			CHECK(stats.pids_limit == UINT64_MAX);
	}
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_stats_v1_other_names_of_io)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	ctrd_stats stats;
	make_container(v1_mounts, v1_container, &layout, &cgroup);
	put(V1("blkio", "blkio.throttle.io_service_bytes"), "8:0 Read 5\nTotal 5\n");
	put(V1("blkio", "blkio.bfq.io_serviced_recursive"), "8:0 Write 6\nTotal 6\n");
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.has, CTRD_STATS_IO);
	CHECK_INT(stats.io_read_bytes, 5);
	CHECK_INT(stats.io_writes, 6);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

/* More devices than one reading takes. */
TEST(cgroup_stats_many_devices)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	ctrd_stats stats;
	make_container(v2_mounts, "0::/ns/id\n", &layout, &cgroup);
	size_t size = 1024 * 1024, len = 0;
	char *text = malloc(size);
	uint64_t reads = 0;
	for (int i = 0; i < 3000; i++) {
		len += (size_t)snprintf(text + len, size - len,
					"8:%d rbytes=%d wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
					i, i);
		reads += (uint64_t)i;
	}
	put(V2("io.stat"), text);
	free(text);
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.has, CTRD_STATS_IO);
	CHECK_INT(stats.io_read_bytes, reads);
	CHECK_INT(stats.io_write_bytes, 6000);
	CHECK_INT(stats.io_reads, 9000);
	CHECK_INT(stats.io_writes, 12000);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

static void put_v2_files(void)
{
	put(V2("cpu.stat"),
	    "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnice_usec 0\n"
	    "core_sched.force_idle_usec 0\nnr_periods 9\nnr_throttled 4\nthrottled_usec 77\n"
	    "nr_bursts 0\nburst_usec 0\n");
	put(V2("memory.current"), "10485760\n");
	put(V2("memory.peak"), "20971520\n");
	put(V2("memory.max"), "104857600\n");
	put(V2("memory.stat"), "anon 4194304\nfile 2097152\nkernel 409600\nkernel_stack 1\n"
			       "pagetables 2\nsec_pagetables 0\npercpu 3\nsock 0\ninactive_anon 0\n"
			       "inactive_file 1048576\nslab 8\nworkingset_refault_file 9\n");
	put(V2("memory.events"), "low 0\nhigh 1\nmax 7\noom 5\noom_kill 3\noom_group_kill 0\n");
	put(V2("memory.swap.current"), "2097152\n");
	put(V2("memory.swap.max"), "4194304\n");
	put(V2("pids.current"), "5\n");
	put(V2("pids.max"), "100\n");
	put(V2("io.stat"), "8:0 rbytes=1000 wbytes=2000 rios=10 wios=20 dbytes=1 dios=2\n"
			   "253:1 rbytes=11 wbytes=22 rios=1 wios=2 dbytes=0 dios=0 cost.wait=5\n"
			   "7:0 \n");
	put(V2("cpu.pressure"), "some avg10=1.00 avg60=0.50 avg300=0.10 total=1111\n"
				"full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
	put(V2("memory.pressure"), "some avg10=0.00 avg60=0.00 avg300=0.00 total=2222\n"
				   "full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
	put(V2("io.pressure"), "some avg10=0.00 avg60=0.00 avg300=0.00 total=3333\n"
			       "full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
}

TEST(cgroup_stats_v2)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	ctrd_stats stats;
	make_container(v2_mounts, "0::/ns/id\n", &layout, &cgroup);
	put_v2_files();
	int before = test_fd_count();
	for (int round = 0; round < 2; round++) {
		CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
		CHECK_INT(stats.has, 0xff);
		CHECK_INT(stats.cpu_usage_ns, 5000000);
		CHECK_INT(stats.cpu_user_ns, 3000000);
		CHECK_INT(stats.cpu_system_ns, 2000000);
		CHECK_INT(stats.cpu_periods, 9);
		CHECK_INT(stats.cpu_throttled_periods, 4);
		CHECK_INT(stats.cpu_throttled_ns, 77000);
		CHECK_INT(stats.memory_usage_bytes, 10485760);
		CHECK_INT(stats.memory_peak_bytes, 20971520);
		CHECK_INT(stats.memory_limit_bytes, 104857600);
		CHECK_INT(stats.memory_anon_bytes, 4194304);
		CHECK_INT(stats.memory_file_bytes, 2097152);
		CHECK_INT(stats.memory_inactive_file_bytes, 1048576);
		CHECK_INT(stats.memory_kernel_bytes, 409600);
		CHECK_INT(stats.memory_limit_hits, 7);
		CHECK_INT(stats.swap_usage_bytes, 2097152);
		CHECK_INT(stats.swap_limit_bytes, 4194304);
		CHECK_INT(stats.pids_current, 5);
		CHECK_INT(stats.pids_limit, 100);
		CHECK_INT(stats.io_read_bytes, 1011);
		CHECK_INT(stats.io_write_bytes, 2022);
		CHECK_INT(stats.io_reads, 11);
		CHECK_INT(stats.io_writes, 22);
		CHECK_INT(stats.oom_kills, 3);
		CHECK_INT(stats.cpu_some_total_us, 1111);
		CHECK_INT(stats.memory_some_total_us, 2222);
		CHECK_INT(stats.io_some_total_us, 3333);
		CHECK_INT(test_fd_count(), before + 14);
	}
	put(V2("memory.max"), "max\n");
	put(V2("memory.swap.max"), "max\n");
	put(V2("pids.max"), "max\n");
	/* An older kernel: no sum of the kernel's memory, no peak. */
	put(V2("memory.stat"),
	    "anon 1\nfile 2\nkernel_stack 10\npagetables 20\npercpu 30\nslab 40\n");
	CHECK_INT(unlink(path_of(V2("memory.peak"))), 0);
	ctrd__cgroup_drop_fds(&cgroup);
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK(stats.memory_limit_bytes == UINT64_MAX);
	CHECK(stats.swap_limit_bytes == UINT64_MAX);
	CHECK(stats.pids_limit == UINT64_MAX);
	CHECK_INT(stats.memory_kernel_bytes, 100);
	CHECK_INT(stats.memory_peak_bytes, 0);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

/* The v2 group of a kernel whose controllers are elsewhere. */
TEST(cgroup_stats_v2_bare)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	ctrd_stats stats;
	make_container(v2_mounts, "0::/ns/id\n", &layout, &cgroup);
	put(V2("cpu.stat"), "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\n");
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.has, CTRD_STATS_CPU);
	CHECK_INT(stats.cpu_user_ns, 3000000);
	put(V2("memory.current"), "nonsense\n");
	put(V2("pids.current"), "-1\n");
	put(V2("io.pressure"), "some total=x\nsome\n\n");
	ctrd__cgroup_drop_fds(&cgroup);
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.has, CTRD_STATS_CPU);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_stats_hybrid)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	ctrd_stats stats;
	char mounts[4096], memberships[1024];
	snprintf(mounts, sizeof(mounts), "%s%s", v1_mounts, UNIFIED);
	snprintf(memberships, sizeof(memberships), "%s0::/ns/id\n", v1_container);
	make_container(mounts, memberships, &layout, &cgroup);
	CHECK_INT(cgroup.count, 6);
	put_v1_files();
	put("sys/fs/cgroup/unified/ns/id/cpu.stat", "usage_usec 1\nuser_usec 1\nsystem_usec 0\n");
	put("sys/fs/cgroup/unified/ns/id/io.pressure", "some avg10=0.00 total=44\n");
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.has, 0xff);
	CHECK_INT(stats.cpu_usage_ns, 123456789012);
	CHECK_INT(stats.io_some_total_us, 44);
	CHECK_INT(stats.io_read_bytes, 1011);
	/* What v1 does not have comes from v2. */
	CHECK_INT(unlink(path_of(V1("cpu,cpuacct", "cpuacct.usage"))), 0);
	ctrd__cgroup_drop_fds(&cgroup);
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.cpu_usage_ns, 1000);
	CHECK_INT(stats.cpu_periods, 50);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_stats_of_what_is_gone)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	ctrd_stats stats = {.size = 5};
	make_container(v1_mounts, v1_container, &layout, &cgroup);
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_ENOTFOUND);
	CHECK_INT(stats.size, 5);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
	/* No group of its own: nothing is known, and that is no failure. */
	make_container(v1_mounts, "", &layout, &cgroup);
	CHECK_INT(ctrd__cgroup_stats(&cgroup, &stats), CTRD_OK);
	CHECK_INT(stats.has, 0);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

/* Processes */

TEST(cgroup_pids_of_the_whole_tree)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	pid_t *pids = NULL;
	size_t count = 0;
	make_container(v1_mounts, v1_container, &layout, &cgroup);
	put(V1("freezer", "cgroup.procs"), "30\n10\n0\n10\n");
	put(V1("freezer", "sub/cgroup.procs"), "20\n");
	put(V1("freezer", "sub/.hidden/cgroup.procs"), "40\nx\n99999999999\n5");
	make_dirs("sys/fs/cgroup/freezer/ns/id/empty");
	put(V1("pids", "cgroup.procs"), "777\n");
	CHECK_INT(ctrd__cgroup_pids(&cgroup, &pids, &count), CTRD_OK);
	static const pid_t expected[] = {5, 10, 20, 30, 40};
	CHECK_INT(count, 5);
	for (size_t i = 0; i < count; i++)
		CHECK_INT(pids[i], expected[i]);
	free(pids);
	ctrd__cgroup_done(&cgroup);

	/* Without freezer: pids, then v2, then any. */
	CHECK_INT(ctrd__cgroup_from_text(&layout, "0:memory:/ns/id\n0:pids:/ns/id", 29, &cgroup),
		  CTRD_OK);
	CHECK_INT(ctrd__cgroup_pids(&cgroup, &pids, &count), CTRD_OK);
	CHECK_INT(count, 1);
	CHECK_INT(pids[0], 777);
	free(pids);
	ctrd__cgroup_done(&cgroup);
	CHECK_INT(ctrd__cgroup_from_text(&layout, "0:memory:/ns/id\n", 16, &cgroup), CTRD_OK);
	CHECK_INT(ctrd__cgroup_pids(&cgroup, &pids, &count), CTRD_ENOTFOUND);
	ctrd__cgroup_done(&cgroup);
	CHECK_INT(ctrd__cgroup_from_text(&layout, "", 0, &cgroup), CTRD_OK);
	CHECK_INT(ctrd__cgroup_pids(&cgroup, &pids, &count), CTRD_ENOSYS);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_pids_many)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	pid_t *pids = NULL;
	size_t count = 0, size = 512 * 1024, len = 0;
	make_container(v2_mounts, "0::/ns/id\n", &layout, &cgroup);
	char *text = malloc(size);
	for (int i = 20000; i > 0; i--)
		len += (size_t)snprintf(text + len, size - len, "%d\n", i);
	put(V2("cgroup.procs"), text);
	free(text);
	CHECK_INT(ctrd__cgroup_pids(&cgroup, &pids, &count), CTRD_OK);
	CHECK_INT(count, 20000);
	for (size_t i = 0; i < count; i++)
		CHECK_INT(pids[i], i + 1);
	free(pids);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

/* Freezer: a file does not follow, so this is about what is asked, and about the deadline. */

TEST(cgroup_state_is_read)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	enum ctrd__cgroup_state state;
	make_container(v1_mounts, v1_container, &layout, &cgroup);
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_ENOTFOUND);
	put(V1("freezer", "freezer.state"), "FROZEN\n");
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_FROZEN);
	put(V1("freezer", "freezer.state"), "FREEZING\n");
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_FREEZING);
	put(V1("freezer", "freezer.state"), "THAWED\n");
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_THAWED);
	put(V1("freezer", "freezer.state"), "?\n");
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_EINTERNAL);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);

	make_container(v2_mounts, "0::/ns/id\n", &layout, &cgroup);
	put(V2("cgroup.events"), "populated 1\nfrozen 0\n");
	put(V2("cgroup.freeze"), "0\n");
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_THAWED);
	put(V2("cgroup.freeze"), "1\n");
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_FREEZING);
	put(V2("cgroup.events"), "populated 1\nfrozen 1\n");
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_OK);
	CHECK_INT(state, CTRD__CGROUP_FROZEN);
	put(V2("cgroup.events"), "populated 1\n");
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_ENOSYS);
	ctrd__cgroup_done(&cgroup);
	CHECK_INT(ctrd__cgroup_from_text(&layout, "", 0, &cgroup), CTRD_OK);
	CHECK_INT(ctrd__cgroup_state(&cgroup, &state), CTRD_ENOSYS);
	CHECK_INT(ctrd__cgroup_freeze(&cgroup, 10), CTRD_ENOSYS);
	CHECK_INT(ctrd__cgroup_thaw(&cgroup, 10), CTRD_ENOSYS);
	CHECK_INT(ctrd__cgroup_signal_all(&cgroup, 15, 10), CTRD_ENOSYS);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_freeze_keeps_its_deadline)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	make_container(v2_mounts, "0::/ns/id\n", &layout, &cgroup);
	put(V2("cgroup.events"), "populated 1\nfrozen 0\n");
	put(V2("cgroup.freeze"), "0\n");
	int64_t start = test_now_ms();
	CHECK_INT(ctrd__cgroup_freeze(&cgroup, 50), CTRD_EDEADLINE);
	CHECK(test_now_ms() - start >= 50);
	CHECK(test_now_ms() - start < test_timeout_ms(10000));
	CHECK_STR(get(V2("cgroup.freeze")), "0\n");
	CHECK_INT(ctrd__cgroup_freeze(&cgroup, 0), CTRD_EDEADLINE);
	CHECK_INT(ctrd__cgroup_thaw(&cgroup, 0), CTRD_OK);
	/* Somebody else had frozen it, and it took long: it stays as they wanted it. */
	put(V2("cgroup.freeze"), "1\n");
	CHECK_INT(ctrd__cgroup_freeze(&cgroup, 5), CTRD_EDEADLINE);
	CHECK_STR(get(V2("cgroup.freeze")), "1\n");
	put(V2("cgroup.events"), "populated 1\nfrozen 1\n");
	CHECK_INT(ctrd__cgroup_freeze(&cgroup, 0), CTRD_OK);
	CHECK_INT(ctrd__cgroup_thaw(&cgroup, 5), CTRD_EDEADLINE);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);

	make_container(v1_mounts, v1_container, &layout, &cgroup);
	put(V1("freezer", "freezer.state"), "FREEZING\n");
	CHECK_INT(ctrd__cgroup_thaw(&cgroup, 5), CTRD_EINTERNAL); /* "THAWED\nG\n" */
	put(V1("freezer", "freezer.state"), "THAWED\n");
	CHECK_INT(ctrd__cgroup_freeze(&cgroup, 5), CTRD_OK);
	CHECK_STR(get(V1("freezer", "freezer.state")), "FROZEN\n");
	CHECK_INT(ctrd__cgroup_thaw(&cgroup, 5), CTRD_OK);
	CHECK_STR(get(V1("freezer", "freezer.state")), "THAWED\n");
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

/* Out of memory */

TEST(cgroup_oom_of_files)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	int event = -1, count = -1;
	make_container(v2_mounts, "0::/ns/id\n", &layout, &cgroup);
	CHECK_INT(ctrd__cgroup_oom_fds(&cgroup, &event, &count), CTRD_ENOTFOUND);
	make_dirs("sys/fs/cgroup/ns/id");
	CHECK_INT(ctrd__cgroup_oom_fds(&cgroup, &event, &count), CTRD_ENOSYS);
	CHECK_INT(event, -1);
	put(V2("memory.events"), "max 7\noom_kill 3\n");
	CHECK_INT(ctrd__cgroup_oom_fds(&cgroup, &event, &count), CTRD_OK);
	CHECK(event > 2 && count > 2);
	CHECK(fcntl(event, F_GETFD) & FD_CLOEXEC);
	CHECK(fcntl(event, F_GETFL) & O_NONBLOCK);
	char buf[64];
	CHECK(read(event, buf, sizeof(buf)) < 0 && errno == EAGAIN);
	put(V2("memory.events"), "max 8\noom_kill 4\n");
	CHECK(read(event, buf, sizeof(buf)) > 0);
	ssize_t n = pread(count, buf, sizeof(buf), 0);
	CHECK_INT(ctrd__cgroup_oom_count(buf, (size_t)n), 4);
	close(event);
	close(count);
	ctrd__cgroup_done(&cgroup);
	CHECK_INT(ctrd__cgroup_from_text(&layout, "", 0, &cgroup), CTRD_OK);
	CHECK_INT(ctrd__cgroup_oom_fds(&cgroup, &event, &count), CTRD_ENOSYS);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);

	make_container(v1_mounts, v1_container, &layout, &cgroup);
	put(V1("memory", "memory.oom_control"), "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
	CHECK_INT(ctrd__cgroup_oom_fds(&cgroup, &event, &count), CTRD_ENOSYS);
	put(V1("memory", "cgroup.event_control"), "");
	CHECK_INT(ctrd__cgroup_oom_fds(&cgroup, &event, &count), CTRD_OK);
	int said[2];
	CHECK_INT(sscanf(get(V1("memory", "cgroup.event_control")), "%d %d", &said[0], &said[1]),
		  2);
	CHECK_INT(said[0], event);
	CHECK_INT(said[1], count);
	close(event);
	close(count);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_oom_count_is_found)
{
	static const char v1[] = "oom_kill_disable 0\nunder_oom 1\noom_kill 12\n";
	static const char v2[] = "low 0\nmax 9\noom 4\noom_kill 2\noom_group_kill 1\n";
	CHECK_INT(ctrd__cgroup_oom_count(v1, strlen(v1)), 12);
	CHECK_INT(ctrd__cgroup_oom_count(v2, strlen(v2)), 2);
	CHECK_INT(ctrd__cgroup_oom_count("", 0), 0);
	CHECK_INT(ctrd__cgroup_oom_count("oom_kill x\n", 11), 0);
}

/* Trees */

TEST(cgroup_remove_from_below)
{
	struct ctrd__cgroup_layout layout;
	struct ctrd__cgroup cgroup;
	make_container(v1_mounts, v1_container, &layout, &cgroup);
	make_dirs("sys/fs/cgroup/memory/ns/id/a/b");
	make_dirs("sys/fs/cgroup/memory/ns/id/c");
	make_dirs("sys/fs/cgroup/memory/ns/other");
	make_dirs("sys/fs/cgroup/freezer/ns/id");
	make_dirs("elsewhere");
	CHECK_INT(symlink(path_of("elsewhere"), path_of("sys/fs/cgroup/memory/ns/id/c/link")), 0);
	/* A link is none of a group's: it holds its directory, and where it leads stays. */
	CHECK_INT(ctrd__cgroup_remove(&cgroup, 20), CTRD_EDEADLINE);
	CHECK(exists("elsewhere"));
	CHECK(!exists("sys/fs/cgroup/memory/ns/id/a"));
	CHECK(!exists("sys/fs/cgroup/freezer/ns/id"));
	CHECK_INT(unlink(path_of("sys/fs/cgroup/memory/ns/id/c/link")), 0);
	CHECK_INT(ctrd__cgroup_remove(&cgroup, 20), CTRD_OK);
	CHECK(!exists("sys/fs/cgroup/memory/ns/id"));
	CHECK(exists("sys/fs/cgroup/memory/ns/other"));
	CHECK_INT(ctrd__cgroup_remove(&cgroup, 0), CTRD_OK);

	CHECK_INT(ctrd__cgroup_remove_empty_parents(&layout, "/ns"), CTRD_OK);
	CHECK(exists("sys/fs/cgroup/memory/ns"));
	CHECK(!exists("sys/fs/cgroup/freezer/ns"));
	CHECK(exists("sys/fs/cgroup/freezer"));
	make_dirs("sys/fs/cgroup/pids/x/y");
	CHECK_INT(ctrd__cgroup_remove_empty_parents(&layout, "/x/y"), CTRD_OK);
	CHECK(!exists("sys/fs/cgroup/pids/x"));
	CHECK(exists("sys/fs/cgroup/pids"));
	CHECK_INT(ctrd__cgroup_remove_empty_parents(&layout, "/"), CTRD_EINVAL);
	CHECK_INT(ctrd__cgroup_remove_empty_parents(&layout, "/../x"), CTRD_EINVAL);
	CHECK_INT(ctrd__cgroup_remove_empty_parents(&layout, "x"), CTRD_EINVAL);
	ctrd__cgroup_done(&cgroup);
	ctrd__cgroup_layout_done(&layout);
}

TEST(cgroup_monitors_leave_the_callers_groups)
{
	set_root();
	struct ctrd__cgroup_layout layout;
	char mounts[4096];
	snprintf(mounts, sizeof(mounts), "%s%s", v1_mounts, UNIFIED);
	read_layout(&layout, mounts);
	put("proc/self/cgroup", "9:name=systemd:/svc\n8:pids:/\n4:memory:/host/x\n3:cpuset:/set\n"
				"0::/svc\n");
	char **dirs = NULL;
	CHECK_INT(ctrd__cgroup_self_escape_paths(&layout, &dirs), CTRD_OK);
	CHECK_STR(dirs[0], path_of("sys/fs/cgroup/systemd/svc"));
	CHECK_STR(dirs[1], path_of("sys/fs/cgroup/memory/host/x"));
	CHECK_STR(dirs[2], path_of("sys/fs/cgroup/cpuset/set"));
	CHECK_STR(dirs[3], path_of("sys/fs/cgroup/unified/svc"));
	CHECK(dirs[4] == NULL);
	for (int i = 0; i < 4; i++)
		free(dirs[i]);
	free(dirs);

	/* As the kernel would make it. memory cannot be had here. */
	put("sys/fs/cgroup/systemd/p/monitors/cgroup.procs", "");
	put("sys/fs/cgroup/unified/p/monitors/cgroup.procs", "");
	put("sys/fs/cgroup/cpuset/cpuset.cpus", "0-3\n");
	put("sys/fs/cgroup/cpuset/cpuset.mems", "0\n");
	put("sys/fs/cgroup/cpuset/p/cpuset.cpus", "\n");
	put("sys/fs/cgroup/cpuset/p/cpuset.mems", "\n");
	put("sys/fs/cgroup/cpuset/p/monitors/cpuset.cpus", "\n");
	put("sys/fs/cgroup/cpuset/p/monitors/cpuset.mems", "1\n");
	put("sys/fs/cgroup/cpuset/p/monitors/cgroup.procs", "");
	int fds[8], before = test_fd_count();
	size_t count = 99, wanted = 99;
	CHECK_INT(ctrd__cgroup_monitor_fds(&layout, "/p", fds, 8, &count, &wanted), CTRD_OK);
	CHECK_INT(count, 3);
	CHECK_INT(wanted, 4);
	for (size_t i = 0; i < count; i++) {
		CHECK(fds[i] > 2);
		CHECK_INT(write(fds[i], "0\n", 2), 2);
		close(fds[i]);
	}
	CHECK_STR(get("sys/fs/cgroup/systemd/p/monitors/cgroup.procs"), "0\n");
	CHECK_STR(get("sys/fs/cgroup/unified/p/monitors/cgroup.procs"), "0\n");
	CHECK_STR(get("sys/fs/cgroup/cpuset/p/monitors/cgroup.procs"), "0\n");
	CHECK_STR(get("sys/fs/cgroup/cpuset/p/monitors/cpuset.cpus"), "0-3\n");
	CHECK_STR(get("sys/fs/cgroup/cpuset/p/monitors/cpuset.mems"), "1\n");
	CHECK(!exists("sys/fs/cgroup/pids/p"));
	CHECK_INT(ctrd__cgroup_monitor_fds(&layout, "/p", fds, 2, &count, &wanted), CTRD_ERANGE);
	CHECK_INT(ctrd__cgroup_monitor_fds(&layout, "p", fds, 8, &count, &wanted), CTRD_EINVAL);
	CHECK_INT(test_fd_count(), before);
	ctrd__cgroup_layout_done(&layout);
}
