/*
 * The state directory: where containers are recorded. STATE_DIR/NAMESPACE/ID/ holds config.json (the spec as the
 * runtime gets it), spec.json (the spec as it was given), container.json (what the library needs to know of it) and,
 * while there is a task, the files of wire.h. Names that begin with a dot are the library's own: an id never does.
 *
 * Not here: what runs (load.c), who may change it (lock.c).
 *
 * Invariants: everything is opened from a descriptor of the directory above it and no symbolic link is followed; a
 * container appears and disappears by one rename, so that nobody ever sees a half one. All runs on the worker.
 */
#include "local/linux/local.h"

#include "local/linux/pidfd.h"
#include "spec_check.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define INFO_NAME     "container.json"
#define CONFIG_NAME   "config.json"
#define SPEC_NAME     "spec.json"
#define INFO_MAX      (1u << 20)
#define CONFIG_MAX    (64u << 20)
#define NEW_PREFIX    ".new-"
#define DEL_PREFIX    ".del-"
#define LEAVE_WAIT_MS 1000

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}
#define AUTO_DIR CTRD__CLEANUP(close_dir)

static int fail_os(ctrd_error **ret_error, const char *what, const char *name)
{
	int err = errno;

	return ctrd__error_return(ctrd__error_new(ctrd__status_from_errno(err), "local", err, NULL,
						  "%s \"%s\": %s", what, name, strerror(err)),
				  ret_error);
}

static int open_dir_at(int dirfd, const char *name)
{
	return ctrd__fd_above_2(openat(dirfd, name, DIR_FLAGS));
}

/* A stream of the names in a directory; the descriptor stays the caller's. */
static DIR *list_dir(int dir_fd)
{
	int fd = open_dir_at(dir_fd, ".");
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		ctrd__close_fd(&fd);
	return dir;
}

int ctrd__state_open_ns(struct ctrd__local *local, bool create, int *ret_fd, ctrd_error **ret_error)
{
	CTRD__AUTO_CLOSE int state_fd = -1;
	int fd;
	int r;

	r = ctrd__dir_open_private(local->state_dir, create, &state_fd);
	if (r < 0) {
		int err = errno;

		return ctrd__error_return(ctrd__error_new(r, "local", err, NULL,
							  "state directory \"%s\": %s",
							  local->state_dir, strerror(err)),
					  ret_error);
	}
	if (create && mkdirat(state_fd, local->name_space, 0700) < 0 && errno != EEXIST)
		return fail_os(ret_error, "namespace", local->name_space);
	fd = open_dir_at(state_fd, local->name_space);
	if (fd < 0)
		return fail_os(ret_error, "namespace", local->name_space);
	*ret_fd = fd;
	return CTRD_OK;
}

struct ctrd__box *ctrd__box_ref(struct ctrd__box *box)
{
	if (box)
		box->refs++;
	return box;
}

struct ctrd__box *ctrd__box_unref(struct ctrd__box *box)
{
	if (box && --box->refs == 0) {
		ctrd__close_fd(&box->dir_fd);
		free(box->path);
		free(box->runtime);
		free(box->runtime_path);
		free(box->cgroup);
		free(box->bundle);
		ctrd__strv_free(box->labels);
		free(box);
	}
	return NULL;
}

static void unref_box(struct ctrd__box **box)
{
	*box = ctrd__box_unref(*box);
}
#define AUTO_BOX CTRD__CLEANUP(unref_box)

static char *concat(const char *a, const char *b, const char *c)
{
	struct ctrd__str str = CTRD__STR_INIT;

	ctrd__str_append(&str, a);
	ctrd__str_append(&str, b);
	ctrd__str_append(&str, c);
	return ctrd__str_take(&str);
}

static char *dup_member(const struct ctrd__json *info, const char *key)
{
	const char *text = ctrd__json_string(ctrd__json_object_get(info, key));

	return text ? strdup(text) : NULL;
}

static int damaged(const char *id, const char *why, ctrd_error **ret_error)
{
	return ctrd__error_return(ctrd__error_new(CTRD_EDATALOSS, "local", 0, NULL,
						  "container \"%s\": %s: %s", id, INFO_NAME, why),
				  ret_error);
}

static char **labels_of(const struct ctrd__json *info)
{
	const struct ctrd__json *array = ctrd__json_object_get(info, "labels");
	size_t count = ctrd__json_count(array);
	CTRD__AUTO_STRV char **labels = calloc(count + 1, sizeof(*labels));

	if (!labels)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char *text = ctrd__json_string(ctrd__json_array_get(array, i));

		labels[i] = strdup(text ? text : "");
		if (!labels[i])
			return NULL;
	}
	return ctrd__take_ptr(labels);
}

static int take_info(struct ctrd__box *box, const struct ctrd__json *info, ctrd_error **ret_error)
{
	uint64_t version = 0;
	uint64_t uid = 0;
	uint64_t gid = 0;

	if (!ctrd__json_uint64(ctrd__json_object_get(info, "version"), &version) || version == 0)
		return damaged(box->id, "version: missing", ret_error);
	if (version > CTRD__BOX_VERSION)
		return ctrd__error_return(
			ctrd__error_new(CTRD_EPRECONDITION, "local", 0, NULL,
					"container \"%s\": made by a newer version of the library "
					"(format %" PRIu64 ")",
					box->id, version),
			ret_error);
	box->runtime = dup_member(info, "runtime");
	box->runtime_path = dup_member(info, "runtimePath");
	box->cgroup = dup_member(info, "cgroup");
	box->bundle = dup_member(info, "bundle");
	box->labels = labels_of(info);
	if (!box->runtime || !box->runtime_path || !box->cgroup || !box->bundle || !box->labels)
		return damaged(box->id, "members are missing", ret_error);
	(void)ctrd__json_int64(ctrd__json_object_get(info, "createdAt"), &box->created_ns);
	(void)ctrd__json_uint64(ctrd__json_object_get(info, "uid"), &uid);
	(void)ctrd__json_uint64(ctrd__json_object_get(info, "gid"), &gid);
	(void)ctrd__json_bool(ctrd__json_object_get(info, "terminal"), &box->terminal);
	box->uid = (uid_t)uid;
	box->gid = (gid_t)gid;
	box->quirks = ctrd__quirks_find(box->runtime_path);
	return CTRD_OK;
}

static int not_found(const char *id, ctrd_error **ret_error)
{
	return ctrd__error_return(ctrd__error_new(CTRD_ENOTFOUND, "local", 0, NULL,
						  "container \"%s\": no such container", id),
				  ret_error);
}

int ctrd__state_open_box(struct ctrd__local *local, const char *id, struct ctrd__box **ret_box,
			 ctrd_error **ret_error)
{
	CTRD__AUTO_CLOSE int ns_fd = -1;
	char *CTRD__AUTO_FREE text = NULL;
	CTRD__AUTO_JSON struct ctrd__json *info = NULL;
	AUTO_BOX struct ctrd__box *box = NULL;
	ctrd_error *error = NULL;
	size_t len;
	int r;

	r = ctrd__state_open_ns(local, false, &ns_fd, &error);
	if (r == CTRD_ENOTFOUND) {
		ctrd_error_unref(error);
		return not_found(id, ret_error);
	}
	if (r < 0)
		return ctrd__error_return(error, ret_error);
	box = calloc(1, sizeof(*box));
	if (!box)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	box->refs = 1;
	(void)snprintf(box->id, sizeof(box->id), "%s", id);
	box->dir_fd = open_dir_at(ns_fd, id);
	if (box->dir_fd < 0)
		return errno == ENOENT ? not_found(id, ret_error)
				       : fail_os(ret_error, "container", id);
	box->path = concat(local->ns_path, "/", id);
	if (!box->path)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	r = ctrd__file_read_at(box->dir_fd, INFO_NAME, INFO_MAX, &text, &len);
	if (r == CTRD_ENOTFOUND) {
		/* It may have been deleted between the two. */
		struct stat st;

		if (fstat(box->dir_fd, &st) < 0 || st.st_nlink == 0)
			return not_found(id, ret_error);
		return damaged(id, "missing", ret_error);
	}
	if (r < 0)
		return fail_os(ret_error, "container", id);
	r = ctrd__json_parse(text, len, 0, INFO_MAX, &info, NULL);
	if (r == CTRD_ENOMEM)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	if (r < 0)
		return damaged(id, "not JSON", ret_error);
	r = take_info(box, info, ret_error);
	if (r < 0)
		return r;
	*ret_box = ctrd__take_ptr(box);
	return CTRD_OK;
}

bool ctrd__state_is_linked(struct ctrd__local *local, const struct ctrd__box *box)
{
	CTRD__AUTO_CLOSE int ns_fd = -1;
	struct stat ours;
	struct stat named;

	if (ctrd__state_open_ns(local, false, &ns_fd, NULL) < 0)
		return false;
	if (fstat(box->dir_fd, &ours) < 0 ||
	    fstatat(ns_fd, box->id, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

bool ctrd__state_has(const struct ctrd__box *box, const char *name)
{
	struct stat st;

	return fstatat(box->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What the host calls an id of the container: the mapping counts only with a user namespace. */
static uint64_t map_id(const struct ctrd__json *spec, const char *mappings, uint64_t id)
{
	const struct ctrd__json *array = ctrd__json_get(spec, "linux", mappings, NULL);

	for (size_t i = 0; i < ctrd__json_count(array); i++) {
		const struct ctrd__json *map = ctrd__json_array_get(array, i);
		uint64_t inside = 0;
		uint64_t outside = 0;
		uint64_t size = 0;

		if (!ctrd__json_uint64(ctrd__json_object_get(map, "containerID"), &inside) ||
		    !ctrd__json_uint64(ctrd__json_object_get(map, "hostID"), &outside) ||
		    !ctrd__json_uint64(ctrd__json_object_get(map, "size"), &size))
			continue;
		if (id >= inside && id - inside < size)
			return outside + (id - inside);
	}
	return id;
}

static bool has_user_namespace(const struct ctrd__json *spec)
{
	const struct ctrd__json *array = ctrd__json_get(spec, "linux", "namespaces", NULL);

	for (size_t i = 0; i < ctrd__json_count(array); i++) {
		const char *type = ctrd__json_string(
			ctrd__json_object_get(ctrd__json_array_get(array, i), "type"));

		if (type && strcmp(type, "user") == 0)
			return true;
	}
	return false;
}

static uint64_t owner_id(const struct ctrd__json *spec, const char *key, const char *mappings)
{
	uint64_t id = 0;

	(void)ctrd__json_uint64(ctrd__json_get(spec, "process", "user", key, NULL), &id);
	return has_user_namespace(spec) ? map_id(spec, mappings, id) : id;
}

/* Set spec.linux.KEY, making `linux` if it is not there. */
static int set_linux(struct ctrd__json *spec, const char *key, struct ctrd__json *value)
{
	struct ctrd__json *linux_part = ctrd__json_object_get(spec, "linux");

	if (!ctrd__json_is(linux_part, CTRD__JSON_OBJECT)) {
		if (ctrd__json_object_set(spec, "linux", ctrd__json_new_object()) < 0) {
			ctrd__json_free(value);
			return CTRD_ENOMEM;
		}
		linux_part = ctrd__json_object_get(spec, "linux");
	}
	return ctrd__json_object_set(linux_part, key, value);
}

/* Make the spec independent of where it lies: the runtime finds it in our directory. */
static int rewrite_spec(struct ctrd__local *local, const ctrd_op *op, struct ctrd__json *spec,
			ctrd_error **ret_error)
{
	struct ctrd__json *root = ctrd__json_object_get(spec, "root");
	const char *path = ctrd__json_string(ctrd__json_object_get(root, "path"));
	const char *cgroup = ctrd__json_string(ctrd__json_get(spec, "linux", "cgroupsPath", NULL));

	if (!path || !*path)
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "local", 0, NULL,
							  "spec: root.path: missing"),
					  ret_error);
	if (*path != '/') {
		char *CTRD__AUTO_FREE absolute = NULL;

		if (!op->request.bundle)
			return ctrd__error_return(
				ctrd__error_new(CTRD_EINVAL, "local", 0, NULL,
						"spec: root.path: \"%s\" is relative, and there is "
						"no bundle directory",
						path),
				ret_error);
		absolute = concat(op->request.bundle, "/", path);
		if (!absolute ||
		    ctrd__json_object_set(root, "path", ctrd__json_new_string(absolute)) < 0)
			return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	if (!cgroup || *cgroup != '/') {
		char *CTRD__AUTO_FREE ours = concat(local->cgroup_prefix, "/", op->container_id);

		if (!ours || set_linux(spec, "cgroupsPath", ctrd__json_new_string(ours)) < 0)
			return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	return CTRD_OK;
}

static int labels_json(char **labels, struct ctrd__json **ret_array)
{
	CTRD__AUTO_JSON struct ctrd__json *array = ctrd__json_new_array();

	if (!array)
		return CTRD_ENOMEM;
	for (size_t i = 0; labels && labels[i]; i++)
		if (ctrd__json_array_append(array, ctrd__json_new_string(labels[i])) < 0)
			return CTRD_ENOMEM;
	*ret_array = ctrd__take_ptr(array);
	return CTRD_OK;
}

static int make_info(struct ctrd__local *local, const ctrd_op *op, const struct ctrd__json *spec,
		     const struct ctrd__runtime *runtime, char **ret_text, size_t *ret_len)
{
	CTRD__AUTO_JSON struct ctrd__json *info = ctrd__json_new_object();
	const char *cgroup = ctrd__json_string(ctrd__json_get(spec, "linux", "cgroupsPath", NULL));
	const char *boot_id = ctrd__state_boot_id(local);
	struct ctrd__json *labels = NULL;
	bool terminal = false;
	int r = 0;

	if (!info || labels_json(op->request.labels, &labels) < 0)
		return CTRD_ENOMEM;
	(void)ctrd__json_bool(ctrd__json_get(spec, "process", "terminal", NULL), &terminal);
	r |= ctrd__json_object_set(info, "labels", labels);
	r |= ctrd__json_object_set(info, "version", ctrd__json_new_uint(CTRD__BOX_VERSION));
	r |= ctrd__json_object_set(info, "id", ctrd__json_new_string(op->container_id));
	r |= ctrd__json_object_set(info, "runtime", ctrd__json_new_string(runtime->name));
	r |= ctrd__json_object_set(info, "runtimePath", ctrd__json_new_string(runtime->path));
	r |= ctrd__json_object_set(info, "cgroup", ctrd__json_new_string(cgroup ? cgroup : ""));
	r |= ctrd__json_object_set(info, "bundle",
				   ctrd__json_new_string(op->request.bundle ? op->request.bundle
									    : ""));
	r |= ctrd__json_object_set(info, "createdAt", ctrd__json_new_int(ctrd__now_real_ns()));
	r |= ctrd__json_object_set(info, "bootId", ctrd__json_new_string(boot_id));
	r |= ctrd__json_object_set(info, "uid",
				   ctrd__json_new_uint(owner_id(spec, "uid", "uidMappings")));
	r |= ctrd__json_object_set(info, "gid",
				   ctrd__json_new_uint(owner_id(spec, "gid", "gidMappings")));
	r |= ctrd__json_object_set(info, "terminal", ctrd__json_new_bool(terminal));
	if (r)
		return CTRD_ENOMEM;
	return ctrd__json_print(info, ret_text, ret_len);
}

/* The spec that the caller gave, or the one of the bundle, checked and rewritten. */
static int read_spec(struct ctrd__local *local, const ctrd_op *op, struct ctrd__json **ret_spec,
		     struct ctrd__str *given, ctrd_error **ret_error)
{
	CTRD__AUTO_JSON struct ctrd__json *spec = NULL;
	char *CTRD__AUTO_FREE text = NULL;
	const char *json = op->request.json;
	size_t len = op->request.json_length;
	int r;

	if (op->request.bundle && op->request.bundle[0] != '/')
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "local", 0, NULL,
							  "bundle: \"%s\" is not absolute",
							  op->request.bundle),
					  ret_error);
	if (!json) {
		CTRD__AUTO_CLOSE int fd = -1;

		if (!op->request.bundle)
			return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "local", 0, NULL,
								  "spec: missing, and no bundle"),
						  ret_error);
		fd = ctrd__fd_above_2(open(op->request.bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		if (fd < 0)
			return fail_os(ret_error, "bundle", op->request.bundle);
		r = ctrd__file_read_at(fd, CONFIG_NAME, CONFIG_MAX, &text, &len);
		if (r < 0)
			return fail_os(ret_error, "bundle: config.json of", op->request.bundle);
		json = text;
	}
	r = ctrd__spec_check(json, len, &spec, ret_error);
	if (r < 0)
		return r;
	r = rewrite_spec(local, op, spec, ret_error);
	if (r < 0)
		return r;
	ctrd__str_append_n(given, json, len);
	if (given->oom)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	*ret_spec = ctrd__take_ptr(spec);
	return CTRD_OK;
}

/* A directory of a name that nobody has, locked, so that nobody takes it for a leftover. */
static int make_private_dir(int ns_fd, char ret_name[32], int *ret_fd)
{
	for (int i = 0; i < 100; i++) {
		uint64_t number = 0;
		int fd;

		if (getrandom(&number, sizeof(number), 0) < 0)
			number = (uint64_t)ctrd__now_mono_ns();
		(void)snprintf(ret_name, 32, NEW_PREFIX "%016" PRIx64, number);
		if (mkdirat(ns_fd, ret_name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return ctrd__status_from_errno(errno);
		}
		fd = open_dir_at(ns_fd, ret_name);
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
			struct stat st;

			if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
				*ret_fd = fd;
				return CTRD_OK;
			}
		}
		ctrd__close_fd(&fd);
	}
	errno = EEXIST;
	return CTRD_EEXISTS;
}

static int write_box(int dir_fd, const struct ctrd__str *given, const char *config,
		     size_t config_len, const char *info, size_t info_len)
{
	CTRD__AUTO_CLOSE int lock_fd = -1;
	int r;

	r = ctrd__file_write_at(dir_fd, SPEC_NAME, given->data ? given->data : "", given->len, 0600,
				false);
	if (r < 0)
		return r;
	r = ctrd__file_write_at(dir_fd, CONFIG_NAME, config, config_len, 0600, true);
	if (r < 0)
		return r;
	r = ctrd__file_write_at(dir_fd, INFO_NAME, info, info_len, 0600, true);
	if (r < 0)
		return r;
	lock_fd = ctrd__fd_above_2(
		openat(dir_fd, "lock", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
	return lock_fd < 0 ? ctrd__status_from_errno(errno) : CTRD_OK;
}

static int in_use(const char *id, ctrd_error **ret_error)
{
	return ctrd__error_return(ctrd__error_new(CTRD_EEXISTS, "local", 0, NULL,
						  "container \"%s\": the id is in use", id),
				  ret_error);
}

int ctrd__state_create(struct ctrd__local *local, const ctrd_op *op, ctrd_error **ret_error)
{
	CTRD__AUTO_JSON struct ctrd__json *spec = NULL;
	struct ctrd__runtime runtime = {NULL, NULL, NULL};
	CTRD__AUTO_STR struct ctrd__str given = CTRD__STR_INIT;
	char *CTRD__AUTO_FREE config = NULL;
	char *CTRD__AUTO_FREE info = NULL;
	CTRD__AUTO_CLOSE int ns_fd = -1;
	CTRD__AUTO_CLOSE int dir_fd = -1;
	size_t config_len = 0;
	size_t info_len = 0;
	struct stat st;
	char name[32];
	int r;

	r = read_spec(local, op, &spec, &given, ret_error);
	if (r < 0)
		return r;
	r = ctrd__runtime_resolve(local, op->request.runtime, op->request.runtime_path, &runtime,
				  ret_error);
	if (r < 0)
		return r;
	r = make_info(local, op, spec, &runtime, &info, &info_len);
	ctrd__runtime_done(&runtime);
	if (r == CTRD_OK)
		r = ctrd__json_print(spec, &config, &config_len);
	if (r < 0)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	/* An empty namespace may be removed by another client between the two. */
	for (int i = 0;; i++) {
		ctrd__close_fd(&ns_fd);
		r = ctrd__state_open_ns(local, true, &ns_fd, ret_error);
		if (r < 0)
			return r;
		if (fstatat(ns_fd, op->container_id, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return in_use(op->container_id, ret_error);
		r = make_private_dir(ns_fd, name, &dir_fd);
		if (r == CTRD_OK)
			break;
		if (r != CTRD_ENOTFOUND || i > 10)
			return fail_os(ret_error, "container", op->container_id);
	}
	r = write_box(dir_fd, &given, config, config_len, info, info_len);
	if (r == CTRD_OK &&
	    syscall(SYS_renameat2, ns_fd, name, ns_fd, op->container_id, RENAME_NOREPLACE) < 0)
		r = ctrd__status_from_errno(errno);
	if (r < 0) {
		int err = errno;

		(void)ctrd__dir_remove_tree_at(ns_fd, name);
		(void)flock(dir_fd, LOCK_UN);
		errno = err;
		if (r == CTRD_EEXISTS)
			return in_use(op->container_id, ret_error);
		return fail_os(ret_error, "container", op->container_id);
	}
	(void)flock(dir_fd, LOCK_UN);
	return CTRD_OK;
}

int ctrd__state_delete(struct ctrd__local *local, struct ctrd__box *box, ctrd_error **ret_error)
{
	CTRD__AUTO_CLOSE int ns_fd = -1;
	uint64_t number = 0;
	char name[32];
	int r;

	r = ctrd__state_open_ns(local, false, &ns_fd, ret_error);
	if (r < 0)
		return r;
	if (getrandom(&number, sizeof(number), 0) < 0)
		number = (uint64_t)ctrd__now_mono_ns();
	(void)snprintf(name, sizeof(name), DEL_PREFIX "%016" PRIx64, number);
	if (renameat(ns_fd, box->id, ns_fd, name) < 0)
		return fail_os(ret_error, "container", box->id);
	/* From here on it is gone for everybody; what cannot be removed now is swept later. */
	r = ctrd__dir_remove_tree_at(ns_fd, name);
	if (r < 0)
		ctrd__client_log(local->client, CTRD_LOG_WARNING,
				 "container \"%s\": %s/%s is left behind: %s", box->id,
				 local->ns_path, name, strerror(errno));
	return CTRD_OK;
}

static int add_found(struct ctrd__local *local, int dir_fd, const char *id, struct ctrd__list *list)
{
	struct ctrd__found *found = calloc(1, sizeof(*found));
	const struct ctrd__record_start *start;
	int r;

	if (!found)
		return CTRD_ENOMEM;
	(void)snprintf(found->id, sizeof(found->id), "%s", id);
	r = ctrd__record_read_at(dir_fd, id, &found->record);
	if (r < 0) {
		free(found);
		return r == CTRD_ENOTFOUND ? CTRD_OK : r;
	}
	start = &found->record.start;
	if (found->record.has_start && !found->record.has_exit) {
		struct ctrd__proc_info info;

		found->lost = strcmp(start->boot_id, ctrd__state_boot_id(local)) != 0 ||
			      start->start_time == 0 ||
			      ctrd__proc_read((pid_t)start->pid, &info) < 0 ||
			      info.start_time != start->start_time;
	}
	ctrd__list_insert_tail(list, &found->node);
	return CTRD_OK;
}

void ctrd__state_free_processes(struct ctrd__list *found)
{
	struct ctrd__list *node;

	while ((node = ctrd__list_pop(found)))
		free(ctrd__container_of(node, struct ctrd__found, node));
}

int ctrd__state_read_processes(struct ctrd__local *local, int dir_fd, struct ctrd__list *ret_found,
			       ctrd_error **ret_error)
{
	const size_t prefix = sizeof(CTRD__RECORD_PREFIX) - 1;
	AUTO_DIR DIR *dir = list_dir(dir_fd);
	struct dirent *entry;

	ctrd__list_init(ret_found);
	if (!dir)
		return fail_os(ret_error, "container directory", "");
	while ((entry = readdir(dir))) {
		const char *id = entry->d_name + prefix;
		int r;

		if (strncmp(entry->d_name, CTRD__RECORD_PREFIX, prefix) != 0 ||
		    !ctrd__record_id_valid(id))
			continue;
		r = add_found(local, dir_fd, id, ret_found);
		if (r < 0) {
			ctrd__state_free_processes(ret_found);
			return ctrd__error_return(
				ctrd__error_new(r == CTRD_EABI ? CTRD_EPRECONDITION : r, "local", 0,
						NULL, "process \"%s\": its record %s", id,
						r == CTRD_EABI
							? "is of a newer version of the library"
							: "cannot be read"),
				ret_error);
		}
	}
	return CTRD_OK;
}

static bool is_of_task(const char *name)
{
	static const char *const prefixes[] = {
		CTRD__RECORD_PREFIX, "exec-", "log", "resources-", "tty-", "pid-", ".pid-"};
	static const char *const names[] = {CTRD__CTL_NAME, "cgroup"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

void ctrd__state_clean_task(const struct ctrd__box *box)
{
	AUTO_DIR DIR *dir = list_dir(box->dir_fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_of_task(entry->d_name))
			(void)unlinkat(box->dir_fd, entry->d_name, 0);
	/* The last one: while it is there, this is still to be done. */
	(void)unlinkat(box->dir_fd, CTRD__MONITOR_NAME, 0);
}

int ctrd__state_each(struct ctrd__local *local, int (*fn)(void *data, const char *id), void *data,
		     ctrd_error **ret_error)
{
	CTRD__AUTO_CLOSE int ns_fd = -1;
	AUTO_DIR DIR *dir = NULL;
	ctrd_error *error = NULL;
	struct dirent *entry;
	int r;

	r = ctrd__state_open_ns(local, false, &ns_fd, &error);
	if (r == CTRD_ENOTFOUND) {
		ctrd_error_unref(error);
		return CTRD_OK;
	}
	if (r < 0)
		return ctrd__error_return(error, ret_error);
	dir = list_dir(ns_fd);
	if (!dir)
		return fail_os(ret_error, "namespace", local->name_space);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !ctrd__record_id_valid(entry->d_name))
			continue;
		r = fn(data, entry->d_name);
		if (r < 0)
			return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	return CTRD_OK;
}

void ctrd__state_sweep(struct ctrd__local *local)
{
	CTRD__AUTO_CLOSE int ns_fd = -1;
	AUTO_DIR DIR *dir = NULL;
	struct dirent *entry;

	if (local->swept || ctrd__state_open_ns(local, false, &ns_fd, NULL) < 0)
		return;
	local->swept = true;
	dir = list_dir(ns_fd);
	while (dir && (entry = readdir(dir))) {
		CTRD__AUTO_CLOSE int fd = -1;

		if (strncmp(entry->d_name, DEL_PREFIX, sizeof(DEL_PREFIX) - 1) != 0 &&
		    strncmp(entry->d_name, NEW_PREFIX, sizeof(NEW_PREFIX) - 1) != 0)
			continue;
		/* Whoever makes one holds its lock. */
		fd = open_dir_at(ns_fd, entry->d_name);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue;
		(void)ctrd__dir_remove_tree_at(ns_fd, entry->d_name);
		(void)flock(fd, LOCK_UN);
	}
}

static int count_one(void *data, const char *id)
{
	(void)id;
	++*(size_t *)data;
	return CTRD_OK;
}

void ctrd__state_remove_empty(struct ctrd__local *local)
{
	CTRD__AUTO_CLOSE int state_fd = -1;
	CTRD__AUTO_CLOSE int ns_fd = -1;
	const struct ctrd__cgroup_layout *layout;
	size_t count = 0;

	if (ctrd__dir_open_private(local->state_dir, false, &state_fd) < 0)
		return;
	ns_fd = open_dir_at(state_fd, local->name_space);
	if (ns_fd < 0 || ctrd__state_each(local, count_one, &count, NULL) < 0 || count > 0)
		return;
	/* Those who make a task hold it shared. */
	if (flock(ns_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	layout = ctrd__state_layout(local);
	if (layout) {
		ctrd__cgroup_drop_freezer(layout, local->cgroup_parent);
		(void)ctrd__cgroup_remove_empty_parents(layout, local->cgroup_prefix);
		ctrd__cgroup_remove_monitors(layout, local->cgroup_parent, LEAVE_WAIT_MS);
	}
	/* crun keeps its cache of seccomp programs in there. */
	(void)ctrd__dir_remove_tree_at(ns_fd, ".runtime");
	(void)unlinkat(ns_fd, ".watch", AT_REMOVEDIR);
	(void)unlinkat(state_fd, local->name_space, AT_REMOVEDIR);
	(void)flock(ns_fd, LOCK_UN);
}

const struct ctrd__cgroup_layout *ctrd__state_layout(struct ctrd__local *local)
{
	if (!local->has_layout)
		local->has_layout = ctrd__cgroup_layout_read("", &local->layout) == CTRD_OK;
	return local->has_layout ? &local->layout : NULL;
}

const char *ctrd__state_boot_id(struct ctrd__local *local)
{
	if (!local->has_boot_id)
		local->has_boot_id = ctrd__proc_boot_id(local->boot_id) == CTRD_OK;
	return local->has_boot_id ? local->boot_id : "";
}

int ctrd__state_connect(int dir_fd, const char *name, int *ret_fd)
{
	CTRD__AUTO_CLOSE int fd = -1;
	CTRD__AUTO_CLOSE int file = -1;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;

	/* By way of the file itself: connect() would follow a link in its place. */
	file = ctrd__fd_above_2(openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	if (file < 0)
		return errno == ENOENT ? CTRD_EUNAVAILABLE : ctrd__status_from_errno(errno);
	if (fstat(file, &st) < 0 || !S_ISSOCK(st.st_mode))
		return CTRD_EDATALOSS;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", file);
	fd = ctrd__fd_above_2(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	if (fd < 0)
		return ctrd__status_from_errno(errno);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == ECONNREFUSED || errno == ENOENT ? CTRD_EUNAVAILABLE
								: ctrd__status_from_errno(errno);
	*ret_fd = ctrd__take_fd(fd);
	return CTRD_OK;
}

/*
 * Control groups of a container.
 */
struct ctrd__group *ctrd__group_ref(struct ctrd__group *group)
{
	if (group)
		group->refs++;
	return group;
}

struct ctrd__group *ctrd__group_unref(struct ctrd__group *group)
{
	/* No job holds it then, so the worker does not look at it. */
	if (group && --group->refs == 0) {
		ctrd__cgroup_done(&group->cgroup);
		free(group);
	}
	return NULL;
}

int ctrd__group_read(struct ctrd__local *local, const struct ctrd__box *box,
		     struct ctrd__group **ret_group)
{
	const struct ctrd__cgroup_layout *layout = ctrd__state_layout(local);
	char *CTRD__AUTO_FREE text = NULL;
	struct ctrd__group *group;
	size_t len;
	int r;

	*ret_group = NULL;
	if (!layout || ctrd__file_read_at(box->dir_fd, "cgroup", INFO_MAX, &text, &len) < 0)
		return CTRD_OK;
	group = calloc(1, sizeof(*group));
	if (!group)
		return CTRD_ENOMEM;
	group->refs = 1;
	ctrd__cgroup_init(&group->cgroup);
	r = ctrd__cgroup_from_text(layout, text, len, &group->cgroup);
	if (r < 0) {
		free(group);
		return r == CTRD_ENOMEM ? r : CTRD_OK;
	}
	*ret_group = group;
	return CTRD_OK;
}

int ctrd__group_resolve(struct ctrd__local *local, const struct ctrd__box *box, pid_t pid,
			struct ctrd__group **ret_group, ctrd_error **ret_error)
{
	const struct ctrd__cgroup_layout *layout = ctrd__state_layout(local);
	struct ctrd__group *group = calloc(1, sizeof(*group));
	char *CTRD__AUTO_FREE text = NULL;
	int r;

	*ret_group = NULL;
	if (!group)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	group->refs = 1;
	ctrd__cgroup_init(&group->cgroup);
	r = layout ? ctrd__cgroup_resolve(layout, pid, &group->cgroup) : CTRD_ENOSYS;
	if (r == CTRD_OK)
		r = ctrd__cgroup_to_text(&group->cgroup, &text);
	if (r == CTRD_OK)
		r = ctrd__file_write_at(box->dir_fd, "cgroup", text, strlen(text), 0600, false);
	if (r < 0) {
		ctrd__cgroup_done(&group->cgroup);
		free(group);
		if (r == CTRD_ENOMEM)
			return ctrd__error_return(ctrd__error_nomem(), ret_error);
		/* It has ended already, or there are no control groups: the container is none the worse. */
		return CTRD_OK;
	}
	*ret_group = group;
	return CTRD_OK;
}
