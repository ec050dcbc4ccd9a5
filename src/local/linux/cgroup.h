/*
 * The control groups of one container: where they are, what they used, who is in them, freezing,
 * killing, removing. cgroup v1, v2 and both at once.
 *
 * Everything here is file work that may block: for a worker thread. A struct ctrd__cgroup is used by
 * one thread at a time. On failure errno holds the system's own number.
 *
 * Groups are found by reading /proc/PID/cgroup, never by computing. Two kinds are never touched: the
 * root of a hierarchy, and a group that the calling process is in or below. Where a container has
 * no group of its own in a hierarchy, that hierarchy is left out.
 */
#ifndef CTRD__LOCAL_CGROUP_H
#define CTRD__LOCAL_CGROUP_H

#include "libctrd/op.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum ctrd__cgroup_kind {
	CTRD__CGROUP_NONE, /* nothing mounted */
	CTRD__CGROUP_V1,
	CTRD__CGROUP_V2,
	CTRD__CGROUP_HYBRID, /* v1 with a v2 hierarchy beside it */
};

struct ctrd__cgroup_mount {
	char *controllers; /* "cpu,cpuacct", "name=systemd"; "" for v2 */
	char *point;	   /* the directory */
	char *root;	   /* the group that is to be seen there, mostly "/" */
};

struct ctrd__cgroup_layout {
	char *prefix; /* in front of /proc and of every mount point; "" outside of tests */
	struct ctrd__cgroup_mount *mounts;
	size_t count;
	enum ctrd__cgroup_kind kind;
};

/* One group of a container. */
struct ctrd__cgroup_group {
	char *controllers; /* "" for v2 */
	char *path;	   /* as in /proc/PID/cgroup */
	char *dir;	   /* the same as a directory */
};

#define CTRD__CGROUP_FILES 34

struct ctrd__cgroup {
	struct ctrd__cgroup_group *groups;
	size_t count;
	int files[CTRD__CGROUP_FILES]; /* of the statistics; opened at first use */
};

enum ctrd__cgroup_state {
	CTRD__CGROUP_THAWED,
	CTRD__CGROUP_FREEZING,
	CTRD__CGROUP_FROZEN,
};

/* cgroup_layout.c: what is mounted. */

/* Read prefix/proc/self/mountinfo. No mount at all is no failure: kind says it. */
int ctrd__cgroup_layout_read(const char *prefix, struct ctrd__cgroup_layout *ret_layout);
int ctrd__cgroup_layout_parse(const char *prefix, const char *mountinfo, size_t len,
			      struct ctrd__cgroup_layout *ret_layout);
void ctrd__cgroup_layout_done(struct ctrd__cgroup_layout *layout);
/*
 * The directories of the groups that the calling process sits in, of the hierarchies in which it is
 * not at the root: a service manager could stop it there. NULL-terminated, for ctrd__strv_free().
 */
int ctrd__cgroup_self_escape_paths(const struct ctrd__cgroup_layout *layout, char ***ret_dirs);

/* cgroup.c: which groups are a container's. */

/* The groups that pid is in: call it when the container is created and its program does not run. */
int ctrd__cgroup_resolve(const struct ctrd__cgroup_layout *layout, pid_t pid,
			 struct ctrd__cgroup *ret_cgroup);
/*
 * The groups of this name, relative to each mount, that exist: only for what a cut create left, when
 * nobody can be asked.
 */
int ctrd__cgroup_find(const struct ctrd__cgroup_layout *layout, const char *path,
		      struct ctrd__cgroup *ret_cgroup);
/* As text for a record (lines), and back: also in a process that sees other mount points. */
int ctrd__cgroup_to_text(const struct ctrd__cgroup *cgroup, char **ret_text);
int ctrd__cgroup_from_text(const struct ctrd__cgroup_layout *layout, const char *text, size_t len,
			   struct ctrd__cgroup *ret_cgroup);
/* text as in /proc/PID/cgroup; self the same of the calling process. */
int ctrd__cgroup_parse(const struct ctrd__cgroup_layout *layout, const char *text, size_t len,
		       const char *self, size_t self_len, struct ctrd__cgroup *ret_cgroup);
void ctrd__cgroup_init(struct ctrd__cgroup *cgroup);
void ctrd__cgroup_done(struct ctrd__cgroup *cgroup);
/* Close what the statistics keep open (17 descriptors at most); they open it again. */
void ctrd__cgroup_drop_fds(struct ctrd__cgroup *cgroup);
/* The directory of the group that has this controller ("" for v2), NULL when there is none. */
const char *ctrd__cgroup_dir(const struct ctrd__cgroup *cgroup, const char *controller);

/* cgroup_stats.c */

/* What cannot be read is left out of `has`. CTRD_ENOTFOUND when the groups are gone. */
int ctrd__cgroup_stats(struct ctrd__cgroup *cgroup, ctrd_stats *ret_stats);

/* cgroup_pids.c: who is in them. CTRD_ENOSYS when the container has no group of its own. */

/* All processes, those of sub-groups included, in ascending order. free() it. */
int ctrd__cgroup_pids(const struct ctrd__cgroup *cgroup, pid_t **ret_pids, size_t *ret_count);

/* cgroup_freeze.c. CTRD_ENOSYS when there is no freezer for it. */

int ctrd__cgroup_state(const struct ctrd__cgroup *cgroup, enum ctrd__cgroup_state *ret_state);
/*
 * Freeze and see it happen. CTRD_EDEADLINE when that takes longer; then, as after each failure, it is
 * not frozen by us. Freezing what is frozen succeeds.
 */
int ctrd__cgroup_freeze(const struct ctrd__cgroup *cgroup, int64_t timeout_ms);
/* Thaw and see it happen. CTRD_EDEADLINE when a group above is frozen. */
int ctrd__cgroup_thaw(const struct ctrd__cgroup *cgroup, int64_t timeout_ms);
/*
 * Keep an empty group frozen below `parent`, where the freezer is v1's: while one is, freezing and
 * thawing others is cheap. Best effort.
 */
void ctrd__cgroup_keep_freezer(const struct ctrd__cgroup_layout *layout, const char *parent);
void ctrd__cgroup_drop_freezer(const struct ctrd__cgroup_layout *layout, const char *parent);

/* cgroup_kill.c */

/*
 * Send a signal to every process. New ones that are forked meanwhile get it too. A group that was
 * frozen stays so, but SIGKILL always takes effect: on v1 it thaws what is dead.
 */
int ctrd__cgroup_signal_all(const struct ctrd__cgroup *cgroup, int signal, int64_t timeout_ms);

/* cgroup_oom.c */

/*
 * *ret_event becomes readable when something happened to memory, *ret_count is the open file whose
 * line "oom_kill N" counts. Both work in any process that holds them. The event also comes when the
 * group is removed. CTRD_ENOSYS where the memory controller is not there.
 */
int ctrd__cgroup_oom_fds(const struct ctrd__cgroup *cgroup, int *ret_event, int *ret_count);
/* The N above from the content of the file; 0 when it has no such line. */
uint64_t ctrd__cgroup_oom_count(const char *text, size_t len);

/* cgroup_tree.c: making and removing directories. */

/*
 * Remove the groups with all that is below, and kill what still lives in them. CTRD_EDEADLINE when
 * something does not go in time. What is not there is removed already.
 */
int ctrd__cgroup_remove(const struct ctrd__cgroup *cgroup, int64_t timeout_ms);
/*
 * Remove "/a/b", then "/a", in every hierarchy, as far as they are empty. Whoever creates a container
 * below at that moment may see its directory go: hold the lock of the namespace.
 */
int ctrd__cgroup_remove_empty_parents(const struct ctrd__cgroup_layout *layout, const char *path);
/*
 * Make <parent>/monitors in each hierarchy of ctrd__cgroup_self_escape_paths() and open its
 * cgroup.procs for writing. Hierarchies where that cannot be done are left out, so that the rest can
 * be used: *ret_wanted says how many it should be. CTRD_ERANGE when fds is too small.
 */
int ctrd__cgroup_monitor_fds(const struct ctrd__cgroup_layout *layout, const char *parent, int *fds,
			     size_t max, size_t *ret_count, size_t *ret_wanted);
/*
 * Remove <parent>/monitors and its empty parents. Waits, up to timeout_ms, for those in it that are
 * on their way out: a process hangs up before it leaves its groups. Who lives in it keeps it.
 */
void ctrd__cgroup_remove_monitors(const struct ctrd__cgroup_layout *layout, const char *parent,
				  int64_t timeout_ms);

#endif
