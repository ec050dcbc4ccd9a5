/*
 * spec.c: the builder of libctrd/spec.h over a JSON tree. Not responsible for what the defaults are
 * (spec_default.c, spec_seccomp.c) or for judging specs that come from outside (spec_check.c).
 *
 * Invariant: the first failure of a setter stays in `error`, and a spec that has one is never printed:
 * it may lack what the caller believes to have set.
 */
#include <libctrd/spec.h>

#include "error.h"
#include "spec_parts.h"
#include "util/json.h"
#include "util/str.h"
#include "util/utf8.h"

#include <inttypes.h>
#include <string.h>

struct ctrd_spec {
	struct ctrd__json *root;
	ctrd_error *error;
};

enum {
	/* The kernel takes no quota below 1 ms and no period above 1 s, both in microseconds. */
	CPU_PERIOD_US = 100000,
	CPU_PERIOD_MAX_US = 1000000,
	CPU_QUOTA_MIN_US = 1000,
	MILLICPUS_MAX = 100000000,
	/* Nested deeper, a spec would be refused by whom it is for. */
	PATH_DEPTH_MAX = 32,
};

/*
 * Failures
 */

static int remember(ctrd_spec *spec, ctrd_error *error)
{
	int status = ctrd_error_code(error);

	if (spec->error)
		ctrd_error_unref(error);
	else
		spec->error = error;
	return status;
}

#define REFUSE(spec, ...) \
	remember(spec, ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL, "spec: " __VA_ARGS__))

/* Pass a status of the JSON functions on: whatever fails in a tree of ours is memory. */
static int finish(ctrd_spec *spec, int status)
{
	return status < 0 ? remember(spec, ctrd__error_nomem()) : 0;
}

static bool is_text(const char *text)
{
	return text && ctrd__utf8_is_valid(text, strlen(text));
}

static bool is_absolute(const char *path)
{
	return is_text(path) && *path == '/';
}

/*
 * Ways through the tree
 */

/* The member, made if it is missing. NULL: no memory, or the member is no object. */
static struct ctrd__json *enter(struct ctrd__json *object, const char *key)
{
	struct ctrd__json *member = ctrd__json_object_get(object, key);

	if (member)
		return ctrd__json_is(member, CTRD__JSON_OBJECT) ? member : NULL;
	member = ctrd__json_new_object();
	return ctrd__json_object_set(object, key, member) < 0 ? NULL : member;
}

/*
 * Find the object that the last name of a path is a member of, making objects on the way if `make`.
 * *ret_name is that last name, malloc'ed. *ret_object is NULL when it is not there and was not to be made.
 */
static int walk(ctrd_spec *spec, const char *path, bool make, struct ctrd__json **ret_object,
		char **ret_name)
{
	struct ctrd__json *object = spec->root;
	int depth = 0;

	for (const char *start = path;;) {
		size_t len = strcspn(start, "/");
		char *CTRD__AUTO_FREE name = ctrd__strdup_n(start, len);

		if (!name)
			return remember(spec, ctrd__error_nomem());
		if (len == 0)
			return REFUSE(spec, "path \"%s\" has an empty name in it", path);
		if (++depth > PATH_DEPTH_MAX)
			return REFUSE(spec, "path \"%.64s...\" has more than %d names", path,
				      PATH_DEPTH_MAX);
		if (!start[len]) {
			*ret_object = object;
			*ret_name = ctrd__take_ptr(name);
			return 0;
		}
		struct ctrd__json *next = ctrd__json_object_get(object, name);

		if (next && !ctrd__json_is(next, CTRD__JSON_OBJECT))
			return REFUSE(spec, "%.*s: is not an object, so it has no member \"%s\"",
				      (int)(start + len - path), path, start + len + 1);
		if (!next && make) {
			next = enter(object, name);
			if (!next)
				return remember(spec, ctrd__error_nomem());
		}
		object = next;
		start += len + 1;
	}
}

/* Set (consuming `value`; NULL stands for no memory) the member at a path of our own. */
static int put(ctrd_spec *spec, const char *path, struct ctrd__json *value)
{
	CTRD__AUTO_JSON struct ctrd__json *owned = value;
	struct ctrd__json *object = NULL;
	char *CTRD__AUTO_FREE name = NULL;

	if (!owned)
		return remember(spec, ctrd__error_nomem());
	int status = walk(spec, path, true, &object, &name);

	if (status < 0)
		return status;
	return finish(spec, ctrd__json_object_set(object, name, ctrd__take_ptr(owned)));
}

static int take_away(ctrd_spec *spec, const char *path)
{
	struct ctrd__json *object = NULL;
	char *CTRD__AUTO_FREE name = NULL;
	int status = walk(spec, path, false, &object, &name);

	if (status < 0)
		return status;
	if (object)
		ctrd__json_object_delete(object, name);
	return 0;
}

/* The array at a member of the root or of one object below it, made if it is missing. */
static int array_of(ctrd_spec *spec, const char *object_name, const char *key,
		    struct ctrd__json **ret_array)
{
	struct ctrd__json *object = object_name ? ctrd__json_object_get(spec->root, object_name)
						: spec->root;
	struct ctrd__json *array = ctrd__json_object_get(object, key);

	if ((object && !ctrd__json_is(object, CTRD__JSON_OBJECT)) ||
	    (array && !ctrd__json_is(array, CTRD__JSON_ARRAY)))
		return REFUSE(spec, "%s%s%s: is not an array", object_name ? object_name : "",
			      object_name ? "." : "", key);
	if (!object)
		object = enter(spec->root, object_name);
	if (!array) {
		array = ctrd__json_new_array();
		if (ctrd__json_object_set(object, key, array) < 0)
			return remember(spec, ctrd__error_nomem());
	}
	*ret_array = array;
	return 0;
}

/*
 * The builder
 */

static struct ctrd__json *strings(const char *const *strv)
{
	CTRD__AUTO_JSON struct ctrd__json *array = ctrd__json_new_array();

	for (; array && *strv; strv++) {
		if (ctrd__json_array_append(array, ctrd__json_new_string(*strv)) < 0)
			return NULL;
	}
	return ctrd__take_ptr(array);
}

static int fill(ctrd_spec *spec, const char *rootfs, const char *const *args, uint32_t flags)
{
	int status = ctrd__spec_default(&spec->root);

	if (!status)
		status = put(spec, "root/path", ctrd__json_new_string(rootfs));
	if (!status)
		status = put(spec, "process/args", strings(args));
	if (!status && flags & CTRD_SPEC_HOST_NETWORK)
		status = ctrd_spec_set_namespace(spec, "network", "");
	if (!status && flags & CTRD_SPEC_SECCOMP_DEFAULT) {
		struct ctrd__json *seccomp = NULL;

		status = ctrd__spec_seccomp(&seccomp);
		if (!status)
			status = put(spec, "linux/seccomp", seccomp);
	}
	return status;
}

int ctrd_spec_new(const char *rootfs, const char *const *args, uint32_t flags, ctrd_spec **ret_spec)
{
	if (!ret_spec || !is_text(rootfs) || !*rootfs || !args || !*args || !**args)
		return CTRD_EINVAL;
	if (flags & ~(CTRD_SPEC_SECCOMP_DEFAULT | CTRD_SPEC_HOST_NETWORK))
		return CTRD_EINVAL;
	for (const char *const *arg = args; *arg; arg++) {
		if (!is_text(*arg))
			return CTRD_EINVAL;
	}
	ctrd_spec *spec = calloc(1, sizeof(*spec));

	if (!spec)
		return CTRD_ENOMEM;
	int status = fill(spec, rootfs, args, flags);

	if (status < 0) {
		ctrd_spec_free(spec);
		return status;
	}
	*ret_spec = spec;
	return 0;
}

ctrd_spec *ctrd_spec_free(ctrd_spec *spec)
{
	if (spec) {
		ctrd__json_free(spec->root);
		ctrd_error_unref(spec->error);
		free(spec);
	}
	return NULL;
}

/* Where the variable is in env, its length when it is not there. */
static size_t find_env(const struct ctrd__json *env, const char *name)
{
	size_t len = strlen(name), count = ctrd__json_count(env);

	for (size_t i = 0; i < count; i++) {
		const char *pair = ctrd__json_string(ctrd__json_array_get(env, i));

		if (pair && strncmp(pair, name, len) == 0 && pair[len] == '=')
			return i;
	}
	return count;
}

int ctrd_spec_set_env(ctrd_spec *spec, const char *name, const char *value)
{
	if (!spec)
		return CTRD_EINVAL;
	if (!is_text(name) || !*name || strchr(name, '='))
		return REFUSE(spec, "name of an environment variable: must be text without '='");
	if (value && !is_text(value))
		return REFUSE(spec, "environment variable %s: must be UTF-8", name);

	struct ctrd__json *env = NULL;
	int status = array_of(spec, "process", "env", &env);

	if (status < 0)
		return status;
	CTRD__AUTO_STR struct ctrd__str pair = CTRD__STR_INIT;

	ctrd__json_array_delete(env, find_env(env, name));
	if (!value)
		return 0;
	ctrd__str_append(&pair, name);
	ctrd__str_append_char(&pair, '=');
	ctrd__str_append(&pair, value);
	if (pair.oom)
		return remember(spec, ctrd__error_nomem());
	return finish(spec, ctrd__json_array_append(env, ctrd__json_new_string(pair.data)));
}

int ctrd_spec_set_cwd(ctrd_spec *spec, const char *cwd)
{
	if (!spec)
		return CTRD_EINVAL;
	if (!is_absolute(cwd))
		return REFUSE(spec, "process.cwd: must be an absolute path");
	return put(spec, "process/cwd", ctrd__json_new_string(cwd));
}

int ctrd_spec_set_user(ctrd_spec *spec, uint32_t uid, uint32_t gid)
{
	if (!spec)
		return CTRD_EINVAL;
	int status = put(spec, "process/user/uid", ctrd__json_new_uint(uid));

	return status < 0 ? status : put(spec, "process/user/gid", ctrd__json_new_uint(gid));
}

static int put_bool(ctrd_spec *spec, const char *path, int value)
{
	if (!spec)
		return CTRD_EINVAL;
	if (value != 0 && value != 1)
		return REFUSE(spec, "%s: must be 0 or 1", path);
	return put(spec, path, ctrd__json_new_bool(value));
}

int ctrd_spec_set_terminal(ctrd_spec *spec, int terminal)
{
	return put_bool(spec, "process/terminal", terminal);
}

int ctrd_spec_set_root_readonly(ctrd_spec *spec, int readonly)
{
	return put_bool(spec, "root/readonly", readonly);
}

int ctrd_spec_set_hostname(ctrd_spec *spec, const char *name)
{
	if (!spec)
		return CTRD_EINVAL;
	if (!name)
		return take_away(spec, "hostname");
	if (!is_text(name) || !*name)
		return REFUSE(spec, "hostname: must be a non-empty text");
	return put(spec, "hostname", ctrd__json_new_string(name));
}

/* {"destination":...,"type":"bind","source":...,"options":[...]}, NULL without memory */
static struct ctrd__json *bind_mount(const char *source, const char *destination, int readonly)
{
	const char *const options[] = {"rbind", "rprivate", readonly ? "ro" : "rw", NULL};
	CTRD__AUTO_JSON struct ctrd__json *mount = ctrd__json_new_object();

	if (!mount ||
	    ctrd__json_object_set(mount, "destination", ctrd__json_new_string(destination)) < 0 ||
	    ctrd__json_object_set(mount, "type", ctrd__json_new_string("bind")) < 0 ||
	    ctrd__json_object_set(mount, "source", ctrd__json_new_string(source)) < 0 ||
	    ctrd__json_object_set(mount, "options", strings(options)) < 0)
		return NULL;
	return ctrd__take_ptr(mount);
}

int ctrd_spec_add_mount(ctrd_spec *spec, const char *source, const char *destination, int readonly)
{
	if (!spec)
		return CTRD_EINVAL;
	if (!is_absolute(source))
		return REFUSE(spec, "mounts: source: must be an absolute path");
	if (!is_absolute(destination))
		return REFUSE(spec, "mounts: destination: must be an absolute path");
	if (readonly != 0 && readonly != 1)
		return REFUSE(spec, "mounts: readonly: must be 0 or 1");

	struct ctrd__json *mounts = NULL;
	int status = array_of(spec, NULL, "mounts", &mounts);

	if (status < 0)
		return status;
	return finish(spec,
		      ctrd__json_array_append(mounts, bind_mount(source, destination, readonly)));
}

static bool is_namespace(const char *type)
{
	static const char *const types[] = {
		"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time",
	};

	for (size_t i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(types[i], type) == 0)
			return true;
	}
	return false;
}

static void drop_namespace(struct ctrd__json *namespaces, const char *type)
{
	for (size_t i = ctrd__json_count(namespaces); i-- > 0;) {
		const char *have = ctrd__json_string(
			ctrd__json_object_get(ctrd__json_array_get(namespaces, i), "type"));

		if (have && strcmp(have, type) == 0)
			ctrd__json_array_delete(namespaces, i);
	}
}

int ctrd_spec_set_namespace(ctrd_spec *spec, const char *type, const char *path)
{
	if (!spec)
		return CTRD_EINVAL;
	if (!is_namespace(type))
		return REFUSE(spec, "linux.namespaces: \"%.32s\" is not a type of namespace",
			      type ? type : "(null)");
	if (path && *path && !is_absolute(path))
		return REFUSE(spec, "linux.namespaces: path of \"%s\": must be absolute", type);

	struct ctrd__json *namespaces = NULL;
	int status = array_of(spec, "linux", "namespaces", &namespaces);

	if (status < 0)
		return status;
	drop_namespace(namespaces, type);
	if (path && !*path)
		return 0;

	CTRD__AUTO_JSON struct ctrd__json *entry = ctrd__json_new_object();

	if (!entry || ctrd__json_object_set(entry, "type", ctrd__json_new_string(type)) < 0 ||
	    (path && ctrd__json_object_set(entry, "path", ctrd__json_new_string(path)) < 0))
		return remember(spec, ctrd__error_nomem());
	return finish(spec, ctrd__json_array_append(namespaces, ctrd__take_ptr(entry)));
}

static int put_limit(ctrd_spec *spec, const char *path, uint64_t limit)
{
	if (!spec)
		return CTRD_EINVAL;
	if (limit == 0)
		return take_away(spec, path);
	if (limit > INT64_MAX)
		return REFUSE(spec, "%s: %" PRIu64 " is too much", path, limit);
	return put(spec, path, ctrd__json_new_uint(limit));
}

int ctrd_spec_set_memory_limit(ctrd_spec *spec, uint64_t bytes)
{
	return put_limit(spec, "linux/resources/memory/limit", bytes);
}

int ctrd_spec_set_pids_limit(ctrd_spec *spec, uint64_t pids)
{
	return put_limit(spec, "linux/resources/pids/limit", pids);
}

int ctrd_spec_set_cpu_limit(ctrd_spec *spec, uint64_t millicpus)
{
	if (!spec)
		return CTRD_EINVAL;
	if (millicpus > MILLICPUS_MAX)
		return REFUSE(spec, "linux/resources/cpu: %" PRIu64 " millicpus are too much",
			      millicpus);
	uint64_t period = CPU_PERIOD_US;

	if (millicpus * period / 1000 < CPU_QUOTA_MIN_US)
		period = CPU_PERIOD_MAX_US;
	if (millicpus == 0)
		period = 0;
	int status = put_limit(spec, "linux/resources/cpu/period", period);

	return status < 0 ? status
			  : put_limit(spec, "linux/resources/cpu/quota", millicpus * period / 1000);
}

int ctrd_spec_set(ctrd_spec *spec, const char *path, const char *json)
{
	if (!spec)
		return CTRD_EINVAL;
	if (!is_text(path))
		return REFUSE(spec, "path of a member: must be text");
	if (!json)
		return take_away(spec, path);

	struct ctrd__json *value = NULL;
	char err[CTRD__JSON_ERR_SIZE] = "";
	int status = ctrd__json_parse(json, strlen(json), 0, 0, &value, err);

	if (status == CTRD_ENOMEM)
		return remember(spec, ctrd__error_nomem());
	if (status < 0)
		return REFUSE(spec, "%s: not JSON: %s", path, err);
	return put(spec, path, value);
}

int ctrd_spec_json(ctrd_spec *spec, char **ret_json, size_t *ret_length, ctrd_error **ret_error)
{
	if (!spec || !ret_json)
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
							  "%s is NULL", spec ? "ret_json" : "spec"),
					  ret_error);
	if (spec->error)
		return ctrd__error_return(ctrd_error_ref(spec->error), ret_error);

	int status = ctrd__json_print(spec->root, ret_json, ret_length);

	if (status == CTRD_ENOMEM)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	if (status < 0)
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
							  "spec: nested too deep to be printed"),
					  ret_error);
	return 0;
}
