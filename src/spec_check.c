/*
 * spec_check.c: parsing and checking JSON that came from outside. Not responsible for making specs
 * (spec.c) or for what only a runtime can judge.
 *
 * Invariant: after a check said yes, every member that the library itself looks at has the type that
 * is checked here, or is missing, or (if it may be missing) is null.
 */
#include "spec_check.h"

#include "error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Longest text and deepest nesting that is taken. */
enum {
	SIZE_MAX_BYTES = 4 << 20,
	DEPTH_MAX = 64,
	FIELD_MAX = 128,
};

/* What is being checked: names the object in every message; the first violation ends the check. */
struct check {
	const char *what;
	ctrd_error *error;
};

/* Remember the violation; false, so that checks chain with &&. */
static bool refuse(struct check *check, const char *prefix, const char *field, const char *must)
{
	check->error = ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL, "%s: %s%s: must be %s",
				       check->what, prefix, field, must);
	return false;
}

static bool is_absent(const struct ctrd__json *value)
{
	return !value || ctrd__json_is(value, CTRD__JSON_NULL);
}

static bool is_strings(const struct ctrd__json *array)
{
	if (!ctrd__json_is(array, CTRD__JSON_ARRAY))
		return false;
	for (size_t i = 0; i < ctrd__json_count(array); i++) {
		if (!ctrd__json_string(ctrd__json_array_get(array, i)))
			return false;
	}
	return true;
}

static bool is_string_map(const struct ctrd__json *object)
{
	if (!ctrd__json_is(object, CTRD__JSON_OBJECT))
		return false;
	for (size_t i = 0; i < ctrd__json_count(object); i++) {
		if (!ctrd__json_string(ctrd__json_object_at(object, i, NULL)))
			return false;
	}
	return true;
}

static bool is_objects(const struct ctrd__json *array)
{
	if (!ctrd__json_is(array, CTRD__JSON_ARRAY))
		return false;
	for (size_t i = 0; i < ctrd__json_count(array); i++) {
		if (!ctrd__json_is(ctrd__json_array_get(array, i), CTRD__JSON_OBJECT))
			return false;
	}
	return true;
}

static bool is_uint32(const struct ctrd__json *value)
{
	uint64_t number;

	return ctrd__json_uint64(value, &number) && number <= UINT32_MAX;
}

enum kind {
	BOOL,
	STRING,
	STRINGS,
	STRING_MAP,
	OBJECT,
	OBJECTS,
	INT64,
	UINT64,
	UINT32,
};

static bool is_kind(const struct ctrd__json *value, enum kind kind)
{
	int64_t number;
	uint64_t count;

	switch (kind) {
	case BOOL:
		return ctrd__json_is(value, CTRD__JSON_BOOL);
	case STRING:
		return ctrd__json_string(value) != NULL;
	case STRINGS:
		return is_strings(value);
	case STRING_MAP:
		return is_string_map(value);
	case OBJECT:
		return ctrd__json_is(value, CTRD__JSON_OBJECT);
	case OBJECTS:
		return is_objects(value);
	case INT64:
		return ctrd__json_int64(value, &number);
	case UINT64:
		return ctrd__json_uint64(value, &count);
	case UINT32:
		return is_uint32(value);
	}
	return false;
}

static const char *const kind_names[] = {
	[BOOL] = "true or false",
	[STRING] = "a string",
	[STRINGS] = "an array of strings",
	[STRING_MAP] = "an object of strings",
	[OBJECT] = "an object",
	[OBJECTS] = "an array of objects",
	[INT64] = "a 64-bit integer",
	[UINT64] = "an unsigned 64-bit integer",
	[UINT32] = "an unsigned 32-bit integer",
};

/* A member that may be missing. */
struct member {
	const char *name;
	enum kind kind;
};

static bool check_members(struct check *check, const char *prefix, const struct ctrd__json *object,
			  const struct member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct ctrd__json *value = ctrd__json_object_get(object, members[i].name);

		if (!is_absent(value) && !is_kind(value, members[i].kind))
			return refuse(check, prefix, members[i].name, kind_names[members[i].kind]);
	}
	return true;
}

#define CHECK_MEMBERS(check, prefix, object, members) \
	check_members(check, prefix, object, members, sizeof(members) / sizeof((members)[0]))

static bool check_args(struct check *check, const char *prefix, const struct ctrd__json *process)
{
	const struct ctrd__json *args = ctrd__json_object_get(process, "args");

	if (!is_strings(args) || ctrd__json_count(args) == 0)
		return refuse(check, prefix, "args", "a non-empty array of strings");
	if (!*ctrd__json_string(ctrd__json_array_get(args, 0)))
		return refuse(check, prefix, "args[0]", "the name of a program");
	return true;
}

static bool check_cwd(struct check *check, const char *prefix, const struct ctrd__json *process,
		      bool needed)
{
	const struct ctrd__json *cwd = ctrd__json_object_get(process, "cwd");
	const char *path = ctrd__json_string(cwd);

	if (is_absent(cwd) && !needed)
		return true;
	return (path && *path == '/') || refuse(check, prefix, "cwd", "an absolute path");
}

static bool check_env(struct check *check, const char *prefix, const struct ctrd__json *process)
{
	const struct ctrd__json *env = ctrd__json_object_get(process, "env");

	if (is_absent(env))
		return true;
	if (!is_strings(env))
		return refuse(check, prefix, "env", "an array of strings");
	for (size_t i = 0; i < ctrd__json_count(env); i++) {
		const char *pair = ctrd__json_string(ctrd__json_array_get(env, i));
		char field[FIELD_MAX];

		if (*pair != '=' && strchr(pair, '='))
			continue;
		(void)snprintf(field, sizeof(field), "env[%zu]", i);
		return refuse(check, prefix, field, "NAME=value");
	}
	return true;
}

static bool check_user(struct check *check, const char *prefix, const struct ctrd__json *process)
{
	static const struct member members[] = {
		{"uid", UINT32},
		{"gid", UINT32},
		{"umask", UINT32},
	};
	const struct ctrd__json *user = ctrd__json_object_get(process, "user");
	const struct ctrd__json *gids = ctrd__json_object_get(user, "additionalGids");
	char below[FIELD_MAX];

	(void)snprintf(below, sizeof(below), "%suser.", prefix);
	if (!CHECK_MEMBERS(check, below, user, members))
		return false;
	if (is_absent(gids))
		return true;
	if (!ctrd__json_is(gids, CTRD__JSON_ARRAY))
		return refuse(check, below, "additionalGids", "an array of numbers");
	for (size_t i = 0; i < ctrd__json_count(gids); i++) {
		if (!is_uint32(ctrd__json_array_get(gids, i)))
			return refuse(check, below, "additionalGids", "an array of numbers");
	}
	return true;
}

static bool check_capabilities(struct check *check, const char *prefix,
			       const struct ctrd__json *process)
{
	static const struct member members[] = {
		{"bounding", STRINGS},	  {"effective", STRINGS}, {"permitted", STRINGS},
		{"inheritable", STRINGS}, {"ambient", STRINGS},
	};
	char below[FIELD_MAX];

	(void)snprintf(below, sizeof(below), "%scapabilities.", prefix);
	return CHECK_MEMBERS(check, below, ctrd__json_object_get(process, "capabilities"), members);
}

static bool check_rlimits(struct check *check, const char *prefix, const struct ctrd__json *process)
{
	static const struct member members[] = {{"soft", UINT64}, {"hard", UINT64}};
	const struct ctrd__json *rlimits = ctrd__json_object_get(process, "rlimits");

	for (size_t i = 0; i < ctrd__json_count(rlimits); i++) {
		const struct ctrd__json *rlimit = ctrd__json_array_get(rlimits, i);
		char below[FIELD_MAX];

		(void)snprintf(below, sizeof(below), "%srlimits[%zu].", prefix, i);
		if (!ctrd__json_string(ctrd__json_object_get(rlimit, "type")))
			return refuse(check, below, "type", "a string");
		if (!CHECK_MEMBERS(check, below, rlimit, members))
			return false;
	}
	return true;
}

static bool check_console_size(struct check *check, const char *prefix,
			       const struct ctrd__json *process)
{
	static const struct member members[] = {{"width", UINT32}, {"height", UINT32}};
	char below[FIELD_MAX];

	(void)snprintf(below, sizeof(below), "%sconsoleSize.", prefix);
	return CHECK_MEMBERS(check, below, ctrd__json_object_get(process, "consoleSize"), members);
}

static bool check_process(struct check *check, const char *prefix, const struct ctrd__json *process,
			  bool needs_cwd)
{
	static const struct member members[] = {
		{"terminal", BOOL},	     {"consoleSize", OBJECT},	{"user", OBJECT},
		{"capabilities", OBJECT},    {"noNewPrivileges", BOOL}, {"rlimits", OBJECTS},
		{"apparmorProfile", STRING}, {"selinuxLabel", STRING},	{"oomScoreAdj", INT64},
	};

	return check_args(check, prefix, process) && check_cwd(check, prefix, process, needs_cwd) &&
	       check_env(check, prefix, process) &&
	       CHECK_MEMBERS(check, prefix, process, members) &&
	       check_user(check, prefix, process) && check_capabilities(check, prefix, process) &&
	       check_rlimits(check, prefix, process) && check_console_size(check, prefix, process);
}

static bool check_resources(struct check *check, const char *prefix,
			    const struct ctrd__json *resources)
{
	static const struct member members[] = {
		{"devices", OBJECTS},
		{"memory", OBJECT},
		{"cpu", OBJECT},
		{"pids", OBJECT},
		{"blockIO", OBJECT},
		{"network", OBJECT},
		{"hugepageLimits", OBJECTS},
		{"rdma", OBJECT},
		{"unified", STRING_MAP},
	};
	static const struct member memory[] = {
		{"limit", INT64},	{"reservation", INT64},	    {"swap", INT64},
		{"kernel", INT64},	{"kernelTCP", INT64},	    {"swappiness", UINT64},
		{"useHierarchy", BOOL}, {"disableOOMKiller", BOOL},
	};
	static const struct member cpu[] = {
		{"shares", UINT64},	    {"quota", INT64},		{"period", UINT64},
		{"realtimeRuntime", INT64}, {"realtimePeriod", UINT64}, {"cpus", STRING},
		{"mems", STRING},
	};
	static const struct member pids[] = {{"limit", INT64}};
	char below[FIELD_MAX];

	if (!CHECK_MEMBERS(check, prefix, resources, members))
		return false;
	(void)snprintf(below, sizeof(below), "%smemory.", prefix);
	if (!CHECK_MEMBERS(check, below, ctrd__json_object_get(resources, "memory"), memory))
		return false;
	(void)snprintf(below, sizeof(below), "%scpu.", prefix);
	if (!CHECK_MEMBERS(check, below, ctrd__json_object_get(resources, "cpu"), cpu))
		return false;
	(void)snprintf(below, sizeof(below), "%spids.", prefix);
	return CHECK_MEMBERS(check, below, ctrd__json_object_get(resources, "pids"), pids);
}

static bool check_namespaces(struct check *check, const struct ctrd__json *namespaces)
{
	for (size_t i = 0; i < ctrd__json_count(namespaces); i++) {
		const struct ctrd__json *entry = ctrd__json_array_get(namespaces, i);
		const struct ctrd__json *path = ctrd__json_object_get(entry, "path");
		char below[FIELD_MAX];

		(void)snprintf(below, sizeof(below), "linux.namespaces[%zu].", i);
		if (!ctrd__json_string(ctrd__json_object_get(entry, "type")))
			return refuse(check, below, "type", "a string");
		if (!is_absent(path) && !ctrd__json_string(path))
			return refuse(check, below, "path", "a string");
	}
	return true;
}

static bool check_linux(struct check *check, const struct ctrd__json *linux_part)
{
	static const struct member members[] = {
		{"namespaces", OBJECTS},  {"cgroupsPath", STRING},    {"resources", OBJECT},
		{"maskedPaths", STRINGS}, {"readonlyPaths", STRINGS}, {"sysctl", STRING_MAP},
		{"devices", OBJECTS},	  {"seccomp", OBJECT},	      {"uidMappings", OBJECTS},
		{"gidMappings", OBJECTS},
	};

	return CHECK_MEMBERS(check, "linux.", linux_part, members) &&
	       check_namespaces(check, ctrd__json_object_get(linux_part, "namespaces")) &&
	       check_resources(check, "linux.resources.",
			       ctrd__json_object_get(linux_part, "resources"));
}

static bool check_mounts(struct check *check, const struct ctrd__json *mounts)
{
	static const struct member members[] = {
		{"type", STRING},
		{"source", STRING},
		{"options", STRINGS},
	};

	for (size_t i = 0; i < ctrd__json_count(mounts); i++) {
		const struct ctrd__json *mount = ctrd__json_array_get(mounts, i);
		const char *where = ctrd__json_string(ctrd__json_object_get(mount, "destination"));
		char below[FIELD_MAX];

		(void)snprintf(below, sizeof(below), "mounts[%zu].", i);
		if (!where || !*where)
			return refuse(check, below, "destination", "a non-empty string");
		if (!CHECK_MEMBERS(check, below, mount, members))
			return false;
	}
	return true;
}

static bool check_spec(struct check *check, const struct ctrd__json *spec)
{
	static const struct member members[] = {
		{"ociVersion", STRING},	     {"hostname", STRING}, {"mounts", OBJECTS},
		{"annotations", STRING_MAP}, {"hooks", OBJECT},	   {"linux", OBJECT},
	};
	static const struct member root_members[] = {{"readonly", BOOL}};
	const struct ctrd__json *process = ctrd__json_object_get(spec, "process");
	const struct ctrd__json *root = ctrd__json_object_get(spec, "root");

	if (!ctrd__json_is(process, CTRD__JSON_OBJECT))
		return refuse(check, "", "process", kind_names[OBJECT]);
	if (!check_process(check, "process.", process, true))
		return false;
	if (!ctrd__json_is(root, CTRD__JSON_OBJECT))
		return refuse(check, "", "root", kind_names[OBJECT]);

	const char *path = ctrd__json_string(ctrd__json_object_get(root, "path"));

	if (!path || !*path)
		return refuse(check, "root.", "path", "a non-empty string");
	return CHECK_MEMBERS(check, "root.", root, root_members) &&
	       CHECK_MEMBERS(check, "", spec, members) &&
	       check_mounts(check, ctrd__json_object_get(spec, "mounts")) &&
	       check_linux(check, ctrd__json_object_get(spec, "linux"));
}

/* Parse a text that must be an object; NULL when it is not, and why is in check->error. */
static struct ctrd__json *parse(struct check *check, const char *text, size_t len)
{
	struct ctrd__json *value = NULL;
	char err[CTRD__JSON_ERR_SIZE] = "";

	if (!text) {
		check->error =
			ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL, "%s: is NULL", check->what);
		return NULL;
	}
	int status = ctrd__json_parse(text, len, DEPTH_MAX, SIZE_MAX_BYTES, &value, err);

	if (status == CTRD_ENOMEM)
		check->error = ctrd__error_nomem();
	else if (status == CTRD_ERESOURCES)
		check->error = ctrd__error_new(CTRD_ERANGE, "ctrd", 0, NULL,
					       "%s: too long: %zu bytes, at most %d", check->what,
					       len, SIZE_MAX_BYTES);
	else if (status == CTRD_ERANGE)
		check->error = ctrd__error_new(CTRD_ERANGE, "ctrd", 0, NULL,
					       "%s: nested too deep, at most %d levels: %s",
					       check->what, DEPTH_MAX, err);
	else if (status < 0)
		check->error = ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL, "%s: not JSON: %s",
					       check->what, err);
	if (status < 0)
		return NULL;
	if (!ctrd__json_is(value, CTRD__JSON_OBJECT)) {
		ctrd__json_free(value);
		check->error = ctrd__error_new(CTRD_EINVAL, "ctrd", 0, NULL,
					       "%s: must be an object", check->what);
		return NULL;
	}
	return value;
}

static int give(struct check *check, bool fine, struct ctrd__json **value,
		struct ctrd__json **ret_value, ctrd_error **ret_error)
{
	if (!fine)
		return ctrd__error_return(check->error, ret_error);
	*ret_value = ctrd__take_ptr(*value);
	return 0;
}

int ctrd__spec_check(const char *text, size_t len, struct ctrd__json **ret_spec,
		     ctrd_error **ret_error)
{
	struct check check = {"spec", NULL};
	CTRD__AUTO_JSON struct ctrd__json *spec = parse(&check, text, len);

	return give(&check, spec && check_spec(&check, spec), &spec, ret_spec, ret_error);
}

int ctrd__process_check(const char *text, size_t len, struct ctrd__json **ret_process,
			ctrd_error **ret_error)
{
	struct check check = {"process", NULL};
	CTRD__AUTO_JSON struct ctrd__json *process = parse(&check, text, len);

	return give(&check, process && check_process(&check, "", process, false), &process,
		    ret_process, ret_error);
}

int ctrd__resources_check(const char *text, size_t len, struct ctrd__json **ret_resources,
			  ctrd_error **ret_error)
{
	struct check check = {"resources", NULL};
	CTRD__AUTO_JSON struct ctrd__json *resources = parse(&check, text, len);

	return give(&check, resources && check_resources(&check, "", resources), &resources,
		    ret_resources, ret_error);
}

int ctrd__spec_exec_process(const struct ctrd__json *container_process, struct ctrd__json *exec)
{
	static const char *const inherited[] = {
		"cwd",
		"user",
		"env",
		"capabilities",
		"noNewPrivileges",
		"rlimits",
		"apparmorProfile",
		"selinuxLabel",
		"oomScoreAdj",
	};

	for (size_t i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++) {
		const struct ctrd__json *from =
			ctrd__json_object_get(container_process, inherited[i]);

		if (is_absent(from) || !is_absent(ctrd__json_object_get(exec, inherited[i])))
			continue;
		int status = ctrd__json_object_set(exec, inherited[i], ctrd__json_copy(from));

		if (status < 0)
			return status;
	}
	return 0;
}
