/*
 * What the cgroup_*.c files share and nobody else uses.
 */
#ifndef CTRD__LOCAL_CGROUP_PRIV_H
#define CTRD__LOCAL_CGROUP_PRIV_H

#include "local/linux/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CTRD__CGROUP_DEPTH_MAX =
		64, /* of sub-groups that are walked; each level holds a descriptor */
};

/* Set errno, return its status. A group that goes while we read it counts as not there. */
int ctrd__cgroup_fail(int err);

/* A piece of somebody else's text. */
struct ctrd__slice {
	const char *data;
	size_t len;
};

/* Take the next line off *rest, without its newline; false at the end. */
bool ctrd__slice_next_line(struct ctrd__slice *rest, struct ctrd__slice *ret_line);
/* Take off all before the first `stop`, and that byte; false when there is no such byte. */
bool ctrd__slice_cut(struct ctrd__slice *rest, char stop, struct ctrd__slice *ret_part);
bool ctrd__slice_is(struct ctrd__slice slice, const char *text);
/* A decimal number that fills the slice. "max" is UINT64_MAX. */
bool ctrd__slice_number(struct ctrd__slice slice, uint64_t *ret_value);
/* Whether a list "a,b,c" has this element. */
bool ctrd__slice_lists(struct ctrd__slice list, struct ctrd__slice element);

/* One line of /proc/PID/cgroup. */
struct ctrd__cgroup_membership {
	struct ctrd__slice controllers;
	struct ctrd__slice path;
};

/* The next one that can be used (live, absolute, no ".." in it); false at the end. */
bool ctrd__cgroup_next_membership(struct ctrd__slice *rest, struct ctrd__cgroup_membership *ret);
/* Where it is mounted, NULL when nowhere. */
const struct ctrd__cgroup_mount *ctrd__cgroup_mount_of(
	const struct ctrd__cgroup_layout *layout, const struct ctrd__cgroup_membership *membership);
/*
 * The part of path below what the mount shows: "" for just that group. False when the mount does not
 * show it.
 */
bool ctrd__cgroup_below_mount(const struct ctrd__cgroup_mount *mount, struct ctrd__slice path,
			      struct ctrd__slice *ret_below);
/* Read prefix/proc/PID/cgroup ("self" for 0). */
int ctrd__cgroup_read_memberships(const struct ctrd__cgroup_layout *layout, pid_t pid,
				  char **ret_text, size_t *ret_len);
/* Whether "/a/b" is a name of groups that may be joined to a mount point. */
bool ctrd__cgroup_path_is_sane(struct ctrd__slice path);

/* Groups that stand for the whole: whose cgroup.procs lists everybody, and the one that freezes. */
const struct ctrd__cgroup_group *ctrd__cgroup_procs_group(const struct ctrd__cgroup *cgroup);
const struct ctrd__cgroup_group *ctrd__cgroup_freezer_group(const struct ctrd__cgroup *cgroup);
bool ctrd__cgroup_group_is_v2(const struct ctrd__cgroup_group *group);

/* Directories and files of a group. */
int ctrd__cgroup_open_dir(const char *dir, int *ret_fd);
/* Read dirfd/name into buf, NUL-terminated; the length or a status. */
int ctrd__cgroup_read(int dirfd, const char *name, char *buf, size_t size);
int ctrd__cgroup_write(int dirfd, const char *name, const char *text);

/* A growing set of pids. */
struct ctrd__pid_set {
	pid_t *pids;
	size_t count;
	size_t cap;
};

void ctrd__pid_set_done(struct ctrd__pid_set *set);
#define CTRD__AUTO_PIDS CTRD__CLEANUP(ctrd__pid_set_done)
int ctrd__pid_set_add(struct ctrd__pid_set *set, pid_t pid);
/* Ascending, each once. */
void ctrd__pid_set_sort(struct ctrd__pid_set *set);
/* Of a sorted set. */
bool ctrd__pid_set_has(const struct ctrd__pid_set *set, pid_t pid);

/* Append the pids of dirfd/cgroup.procs, not those of sub-groups. */
int ctrd__cgroup_read_procs(int dirfd, struct ctrd__pid_set *set);
/*
 * Call fn with each directory of the tree, the sub-groups first, until one call fails. parent and
 * name say where it is; of the top they are -1 and NULL. What vanishes meanwhile is passed over.
 */
typedef int ctrd__cgroup_walk_fn(int dirfd, int parent, const char *name, void *data);
int ctrd__cgroup_walk(const char *dir, ctrd__cgroup_walk_fn *fn, void *data);

/* Send a signal to all in one tree, round after round until nobody new is found. */
int ctrd__cgroup_signal_tree(const char *dir, int signal, int64_t deadline_ns);

/* Sleep for microseconds; a signal may cut it short. */
void ctrd__cgroup_pause_us(int64_t us);
int64_t ctrd__cgroup_deadline_ns(int64_t timeout_ms);

#endif
