/*
 * Fuzz target: what is read of the kernel's texts about processes and control groups. The first byte
 * says which: a mountinfo with a /proc/PID/cgroup behind it (after a line "--"), a stat, an OOM
 * count, or a file of statistics, read from a directory that stands in for a group.
 */
#include "libctrd/base.h"
#include "local/linux/cgroup.h"
#include "local/linux/proc.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(expr)               \
	do {                     \
		if (!(expr))     \
			abort(); \
	} while (0)

static void check_stat(const char *text, size_t len)
{
	struct ctrd__proc_info info;
	int r = ctrd__proc_parse_stat(text, len, &info);

	MUST(r == CTRD_OK || r == CTRD_EINTERNAL);
	if (r == CTRD_OK)
		MUST(memchr(info.name, '\0', sizeof(info.name)) && info.state);
}

/* A path that leads out of where it is joined to. */
static int climbs(const char *path)
{
	size_t len = strlen(path);

	return strstr(path, "/../") || (len >= 3 && strcmp(path + len - 3, "/..") == 0);
}

static void check_groups(const struct ctrd__cgroup_layout *layout, const char *text, size_t len)
{
	CTRD__CLEANUP(ctrd__cgroup_done) struct ctrd__cgroup cgroup;
	CTRD__CLEANUP(ctrd__cgroup_done) struct ctrd__cgroup again;
	char *CTRD__AUTO_FREE printed = NULL;
	char *CTRD__AUTO_FREE reprinted = NULL;

	ctrd__cgroup_init(&cgroup);
	ctrd__cgroup_init(&again);
	MUST(ctrd__cgroup_parse(layout, text, len, "0::/a\n3:memory:/b/c\n", 20, &cgroup) ==
	     CTRD_OK);
	MUST(cgroup.count <= layout->count);
	for (size_t i = 0; i < cgroup.count; i++) {
		const char *path = cgroup.groups[i].path;

		MUST(path[0] == '/' && path[1] && !climbs(path));
		for (size_t j = 0; j < i; j++)
			MUST(strcmp(cgroup.groups[i].dir, cgroup.groups[j].dir) != 0);
	}
	MUST(ctrd__cgroup_to_text(&cgroup, &printed) == CTRD_OK);
	MUST(ctrd__cgroup_parse(layout, printed, strlen(printed), "", 0, &again) == CTRD_OK);
	MUST(ctrd__cgroup_to_text(&again, &reprinted) == CTRD_OK);
	MUST(strcmp(printed, reprinted) == 0);
}

static void check_layout(const char *text, size_t len)
{
	struct ctrd__cgroup_layout layout;
	size_t split = len;

	for (size_t i = 0; i + 4 <= len && split == len; i++)
		if (memcmp(text + i, "\n--\n", 4) == 0)
			split = i;
	MUST(ctrd__cgroup_layout_parse("/p", text, split, &layout) == CTRD_OK);
	for (size_t i = 0; i < layout.count; i++)
		MUST(strncmp(layout.mounts[i].point, "/p/", 3) == 0 &&
		     layout.mounts[i].root[0] == '/' && !climbs(layout.mounts[i].root));
	if (split < len)
		check_groups(&layout, text + split + 4, len - split - 4);
	ctrd__cgroup_layout_done(&layout);
}

/* The slots of the statistics are given the file instead of opening one. */
static void check_stats(const char *text, size_t len)
{
	CTRD__CLEANUP(ctrd__cgroup_done) struct ctrd__cgroup cgroup;
	CTRD__AUTO_CLOSE int fd = memfd_create("stats", MFD_CLOEXEC);
	ctrd_stats stats;

	MUST(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	ctrd__cgroup_init(&cgroup);
	for (size_t i = 0; i < CTRD__CGROUP_FILES; i++)
		cgroup.files[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	MUST(ctrd__cgroup_stats(&cgroup, &stats) == CTRD_OK);
	/* Those of v2 alone. */
	for (size_t i = 0; i < 16; i++) {
		ctrd__close_fd(&cgroup.files[i]);
		cgroup.files[i] = -2;
	}
	MUST(ctrd__cgroup_stats(&cgroup, &stats) == CTRD_OK);
	MUST(stats.size == sizeof(stats));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the exact size, so that a read behind the end is seen. */
	char *CTRD__AUTO_FREE text = NULL;

	if (size == 0)
		return 0;
	text = malloc(size > 1 ? size - 1 : 1);
	MUST(text);
	memcpy(text, data + 1, size - 1);
	switch (data[0]) {
	case 's':
		check_stat(text, size - 1);
		break;
	case 'o':
		(void)ctrd__cgroup_oom_count(text, size - 1);
		break;
	case 'f':
		check_stats(text, size - 1);
		break;
	default:
		check_layout(text, size - 1);
		break;
	}
	return 0;
}
