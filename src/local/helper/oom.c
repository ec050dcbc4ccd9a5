/*
 * The count of out-of-memory kills in the container's cgroup. Which file that is and how its changes
 * are announced is the client's business: it hands over descriptors, the same for every version of
 * cgroups, because in all of them the line is "oom_kill N".
 */
#include "local/helper/helper.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 1024 };

static bool read_count(uint64_t *ret_count)
{
	static const char key[] = "oom_kill ";
	char text[FILE_MAX + 1];
	ssize_t n = pread(ctrd__monitor.oom_file, text, FILE_MAX, 0);

	if (n < 0)
		return false;
	text[n] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, sizeof(key) - 1) == 0) {
			*ret_count = strtoull(line + sizeof(key) - 1, NULL, 10);
			return true;
		}
	}
	return false;
}

void ctrd__oom_watch(int event, int file)
{
	ctrd__close_fd(&ctrd__monitor.oom_event);
	ctrd__close_fd(&ctrd__monitor.oom_file);
	ctrd__monitor.oom_event = event;
	ctrd__monitor.oom_file = file;
	ctrd__monitor.oom_kills = 0;
	(void)read_count(&ctrd__monitor.oom_kills);
	/* What was killed before there was a count is not held against those who live. */
	for (struct ctrd__process *p = ctrd__monitor.processes; p; p = p->next)
		p->oom_kills = ctrd__monitor.oom_kills;
}

void ctrd__oom_update(void)
{
	uint64_t count;

	if (ctrd__monitor.oom_file < 0 || !read_count(&count) || count <= ctrd__monitor.oom_kills)
		return;
	ctrd__monitor.oom_kills = count;
	ctrd__peer_broadcast(CTRD_EVENT_OOM, "", 0, 0);
}

void ctrd__oom_turn(void)
{
	char events[512];
	ssize_t n = read(ctrd__monitor.oom_event, events, sizeof(events));

	/* What has come to its end would be readable for ever. */
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		ctrd__close_fd(&ctrd__monitor.oom_event);
	ctrd__oom_update();
}
