/*
 * Which program a runtime's name stands for, and from where it is executed. A name is looked up once, at create; the
 * container keeps the path for its whole life. Names are never paths: only runtime_path is.
 *
 * crun copies itself into memory at each start unless it runs from a sealed memfd already, which saves 0.4 of its CPU;
 * the copy is kept per client and made anew when the file changes. All runs on the worker.
 */
#include "local/linux/local.h"

#include "local/linux/spawn.h"
#include "util/file.h"
#include "util/os.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A copy in memory, and of which file. */
struct ctrd__sealed {
	struct ctrd__sealed *next;
	char *path;
	struct stat of;
	int fd; /* -1: it cannot be had, not to be tried again */
};

void ctrd__runtime_done(struct ctrd__runtime *runtime)
{
	free(runtime->name);
	free(runtime->path);
	runtime->name = NULL;
	runtime->path = NULL;
}

/* The executable `name` in our search path, or NULL; *oom tells why. */
static char *find_program(const char *name, bool *oom)
{
	const char *at = CTRD__LOCAL_PATH;

	while (*at) {
		size_t len = strcspn(at, ":");
		struct ctrd__str str = CTRD__STR_INIT;
		char *path;

		ctrd__str_append_n(&str, at, len);
		ctrd__str_append(&str, "/");
		ctrd__str_append(&str, name);
		path = ctrd__str_take(&str);
		if (!path) {
			*oom = true;
			return NULL;
		}
		if (access(path, X_OK) == 0)
			return path;
		free(path);
		at += len + (at[len] == ':');
	}
	return NULL;
}

/* Whether the v2 hierarchy beside v1 has controllers: crun refuses that. */
static bool is_hybrid_with_controllers(struct ctrd__local *local)
{
	const struct ctrd__cgroup_layout *layout = ctrd__state_layout(local);

	if (!layout || layout->kind != CTRD__CGROUP_HYBRID)
		return false;
	for (size_t i = 0; i < layout->count; i++) {
		CTRD__AUTO_CLOSE int dir = -1;
		CTRD__AUTO_CLOSE int fd = -1;
		char byte;

		if (layout->mounts[i].controllers[0] != '\0')
			continue;
		dir = ctrd__fd_above_2(
			open(layout->mounts[i].point, O_PATH | O_DIRECTORY | O_CLOEXEC));
		if (dir < 0)
			continue;
		fd = ctrd__fd_above_2(openat(dir, "cgroup.controllers", O_RDONLY | O_CLOEXEC));
		if (fd >= 0 && read(fd, &byte, 1) == 1 && byte != '\n')
			return true;
	}
	return false;
}

static int unknown(const char *name, ctrd_error **ret_error)
{
	return ctrd__error_return(ctrd__error_new(CTRD_ENOTFOUND, "local", 0, NULL,
						  "runtime \"%s\": unknown", name),
				  ret_error);
}

static int fastest(struct ctrd__local *local, struct ctrd__runtime *runtime, bool *oom)
{
	static const char *const names[] = {"crun", "runc"};

	for (size_t i = 0; i < 2 && !*oom; i++) {
		if (!ctrd__quirks_find(names[i])->hybrid && is_hybrid_with_controllers(local))
			continue;
		runtime->path = find_program(names[i], oom);
		if (!runtime->path)
			continue;
		runtime->name = strdup(names[i]);
		*oom |= !runtime->name;
		return CTRD_OK;
	}
	return CTRD_ENOTFOUND;
}

static int resolve(struct ctrd__local *local, const char *name, const char *path,
		   struct ctrd__runtime *runtime, bool *oom, ctrd_error **ret_error)
{
	static const char *const known[] = {"runc", "crun", "runsc"};

	if (path) {
		const char *slash = strrchr(path, '/');

		if (*path != '/')
			return ctrd__error_return(
				ctrd__error_new(CTRD_EINVAL, "local", 0, NULL,
						"runtime_path: \"%s\" is not absolute", path),
				ret_error);
		if (access(path, X_OK) < 0) {
			int err = errno;

			return ctrd__error_return(
				ctrd__error_new(err == ENOENT ? CTRD_ENOTFOUND
							      : ctrd__status_from_errno(err),
						"local", err, NULL, "runtime_path: \"%s\": %s",
						path, strerror(err)),
				ret_error);
		}
		runtime->path = strdup(path);
		runtime->name = strdup(name ? name : slash + 1);
		*oom = !runtime->path || !runtime->name;
		return CTRD_OK;
	}
	if (!name)
		name = ctrd__client_config(local->client)->default_runtime;
	if (!name)
		name = "runc";
	if (strcmp(name, CTRD_RUNTIME_FASTEST) == 0)
		return fastest(local, runtime, oom) < 0 && !*oom ? unknown(name, ret_error)
								 : CTRD_OK;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(name, known[i]) != 0)
			continue;
		runtime->path = find_program(name, oom);
		if (!runtime->path && !*oom)
			return ctrd__error_return(
				ctrd__error_new(CTRD_ENOTFOUND, "local", 0, NULL,
						"runtime \"%s\": not found in " CTRD__LOCAL_PATH,
						name),
				ret_error);
		runtime->name = strdup(name);
		*oom |= !runtime->name;
		return CTRD_OK;
	}
	return unknown(name, ret_error);
}

int ctrd__runtime_resolve(struct ctrd__local *local, const char *name, const char *path,
			  struct ctrd__runtime *ret_runtime, ctrd_error **ret_error)
{
	struct ctrd__runtime runtime = {NULL, NULL, NULL};
	bool oom = false;
	int r;

	r = resolve(local, name, path, &runtime, &oom, ret_error);
	if (r < 0) {
		ctrd__runtime_done(&runtime);
		return r;
	}
	if (oom) {
		ctrd__runtime_done(&runtime);
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	runtime.quirks = ctrd__quirks_find(runtime.path);
	*ret_runtime = runtime;
	return CTRD_OK;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The copy of the file, -1 when there is none to be had. Stays ours. */
static int sealed_copy(struct ctrd__local *local, const char *path, const struct stat *st)
{
	struct ctrd__sealed *sealed;
	int r;

	for (sealed = local->sealed; sealed; sealed = sealed->next)
		if (strcmp(sealed->path, path) == 0)
			break;
	if (sealed && is_same_file(&sealed->of, st))
		return sealed->fd;
	if (!sealed) {
		sealed = calloc(1, sizeof(*sealed));
		if (!sealed)
			return -1;
		sealed->fd = -1;
		sealed->path = strdup(path);
		if (!sealed->path) {
			free(sealed);
			return -1;
		}
		sealed->next = local->sealed;
		local->sealed = sealed;
	}
	ctrd__close_fd(&sealed->fd);
	sealed->of = *st;
	if (ctrd__lsm_enforcing()) {
		ctrd__client_log(local->client, CTRD_LOG_INFO,
				 "runtime %s: runs from its file: a security module is enforcing",
				 path);
		return -1;
	}
	r = ctrd__image_from_file(path, &sealed->fd);
	if (r < 0)
		ctrd__client_log(local->client, CTRD_LOG_INFO,
				 "runtime %s: runs from its file: no copy in memory (%s)", path,
				 ctrd_status_name(r));
	else
		ctrd__client_log(local->client, CTRD_LOG_INFO,
				 "runtime %s: runs from a sealed copy in memory", path);
	return sealed->fd;
}

int ctrd__runtime_open(struct ctrd__local *local, const struct ctrd__box *box, int *ret_fd,
		       ctrd_error **ret_error)
{
	bool memfd = box->quirks->memfd &&
		     !(ctrd__client_config(local->client)->flags & CTRD_CLIENT_NO_MEMFD);
	CTRD__AUTO_CLOSE int fd = -1;
	struct stat st;

	fd = ctrd__fd_above_2(open(box->runtime_path, O_RDONLY | O_CLOEXEC));
	if (fd < 0) {
		int err = errno;

		return ctrd__error_return(ctrd__error_new(ctrd__status_from_errno(err), "local",
							  err, NULL, "runtime \"%s\": %s",
							  box->runtime_path, strerror(err)),
					  ret_error);
	}
	if (memfd && fstat(fd, &st) == 0) {
		int copy = sealed_copy(local, box->runtime_path, &st);
		int dup = copy < 0 ? -1 : ctrd__fd_dup(copy);

		if (dup >= 0) {
			*ret_fd = dup;
			return CTRD_OK;
		}
	}
	*ret_fd = ctrd__take_fd(fd);
	return CTRD_OK;
}

void ctrd__runtime_free(struct ctrd__local *local)
{
	while (local->sealed) {
		struct ctrd__sealed *sealed = local->sealed;

		local->sealed = sealed->next;
		ctrd__close_fd(&sealed->fd);
		free(sealed->path);
		free(sealed);
	}
}
