/*
 * The spec builder: what is in a new spec, what each setter changes, how failures are kept.
 */
#include <libctrd/error.h>
#include <libctrd/spec.h>

#include "spec_check.h"
#include "test.h"
#include "util/json.h"

#include <stdlib.h>
#include <string.h>

static const char *const args[] = {"sh", "-c", "exit \"3\"", NULL};

static ctrd_spec *new_spec(uint32_t flags)
{
	ctrd_spec *spec = NULL;
	CHECK_INT(ctrd_spec_new("/rootfs", args, flags, &spec), 0);
	return spec;
}

/* Finish the spec; it must be one that backends take. */
static struct ctrd__json *read_back(ctrd_spec *spec)
{
	char *text = NULL;
	size_t length = 0;
	ctrd_error *error = NULL;
	struct ctrd__json *json = NULL;
	if (ctrd_spec_json(spec, &text, &length, &error) != 0)
		FAIL("%s", ctrd_error_message(error));
	CHECK_INT(strlen(text), length);
	if (ctrd__spec_check(text, length, &json, &error) != 0)
		FAIL("%s", ctrd_error_message(error));
	ctrd_free(text);
	ctrd_spec_free(spec);
	return json;
}

/* What a spec that was refused something says in the end. */
static void check_refused(ctrd_spec *spec, const char *message)
{
	char *text = NULL;
	ctrd_error *error = NULL;
	CHECK_INT(ctrd_spec_json(spec, &text, NULL, &error), CTRD_EINVAL);
	CHECK(text == NULL);
	CHECK_STR(ctrd_error_message(error), message);
	ctrd_error_unref(error);
	ctrd_spec_free(spec);
}

static bool holds(const struct ctrd__json *array, const char *text)
{
	for (size_t i = 0; i < ctrd__json_count(array); i++) {
		const char *one = ctrd__json_string(ctrd__json_array_get(array, i));
		if (one != NULL && strcmp(one, text) == 0)
			return true;
	}
	return false;
}

static const struct ctrd__json *find(const struct ctrd__json *array, const char *key,
				     const char *value)
{
	for (size_t i = 0; i < ctrd__json_count(array); i++) {
		const struct ctrd__json *entry = ctrd__json_array_get(array, i);
		const char *one = ctrd__json_string(ctrd__json_object_get(entry, key));
		if (one != NULL && strcmp(one, value) == 0)
			return entry;
	}
	return NULL;
}

static int64_t number(const struct ctrd__json *value)
{
	int64_t n = INT64_MIN;
	ctrd__json_int64(value, &n);
	return n;
}

static bool is_true(const struct ctrd__json *value)
{
	bool flag = false;
	return ctrd__json_bool(value, &flag) && flag;
}

TEST(spec_is_confined_by_default)
{
	struct ctrd__json *json = read_back(new_spec(0));
	const struct ctrd__json *process = ctrd__json_get(json, "process", NULL);
	const struct ctrd__json *part = ctrd__json_get(json, "linux", NULL);

	CHECK_STR(ctrd__json_string(ctrd__json_get(json, "root", "path", NULL)), "/rootfs");
	CHECK_INT(ctrd__json_count(ctrd__json_object_get(process, "args")), 3);
	CHECK(holds(ctrd__json_object_get(process, "args"), "exit \"3\""));
	CHECK(is_true(ctrd__json_object_get(process, "noNewPrivileges")));
	CHECK(ctrd__json_object_get(process, "rlimits") == NULL);
	CHECK(ctrd__json_object_get(process, "oomScoreAdj") == NULL);

	static const char *const sets[] = {"bounding", "effective", "permitted"};
	for (size_t i = 0; i < 3; i++) {
		const struct ctrd__json *set =
			ctrd__json_get(process, "capabilities", sets[i], NULL);
		CHECK_INT(ctrd__json_count(set), 14);
		CHECK(holds(set, "CAP_CHOWN") && holds(set, "CAP_AUDIT_WRITE"));
		CHECK(!holds(set, "CAP_SYS_ADMIN"));
	}
	CHECK(ctrd__json_get(process, "capabilities", "inheritable", NULL) == NULL);
	CHECK(ctrd__json_get(process, "capabilities", "ambient", NULL) == NULL);

	static const char *const types[] = {"pid", "network", "ipc", "uts", "mount", "cgroup"};
	const struct ctrd__json *namespaces = ctrd__json_object_get(part, "namespaces");
	CHECK_INT(ctrd__json_count(namespaces), 6);
	for (size_t i = 0; i < 6; i++)
		CHECK(find(namespaces, "type", types[i]) != NULL);

	CHECK(holds(ctrd__json_object_get(part, "maskedPaths"), "/proc/kcore"));
	CHECK(holds(ctrd__json_object_get(part, "readonlyPaths"), "/proc/sys"));
	CHECK(ctrd__json_object_get(part, "seccomp") == NULL);
	const struct ctrd__json *mounts = ctrd__json_object_get(json, "mounts");
	CHECK_INT(ctrd__json_count(mounts), 7);
	const struct ctrd__json *sys = find(mounts, "destination", "/sys");
	CHECK(holds(ctrd__json_object_get(sys, "options"), "ro"));

	const struct ctrd__json *devices = ctrd__json_get(part, "resources", "devices", NULL);
	const struct ctrd__json *first = ctrd__json_array_get(devices, 0);
	CHECK(!is_true(ctrd__json_object_get(first, "allow")));
	CHECK_STR(ctrd__json_string(ctrd__json_object_get(first, "access")), "rwm");
	ctrd__json_free(json);
}

TEST(spec_has_a_seccomp_profile_when_asked)
{
	struct ctrd__json *json = read_back(new_spec(CTRD_SPEC_SECCOMP_DEFAULT));
	const struct ctrd__json *seccomp = ctrd__json_get(json, "linux", "seccomp", NULL);
	const struct ctrd__json *rules = ctrd__json_object_get(seccomp, "syscalls");

	CHECK_STR(ctrd__json_string(ctrd__json_object_get(seccomp, "defaultAction")),
		  "SCMP_ACT_ERRNO");
	CHECK(ctrd__json_count(ctrd__json_object_get(seccomp, "architectures")) > 0);

	static const char *const never[] = {
		"mount",  "umount2",	     "reboot",	    "kexec_load",     "bpf",
		"keyctl", "init_module",     "unshare",	    "setns",	      "clone",
		"clone3", "perf_event_open", "userfaultfd", "io_uring_setup", "",
		"socket"};
	const struct ctrd__json *names =
		ctrd__json_object_get(ctrd__json_array_get(rules, 0), "names");
	CHECK(holds(names, "read") && holds(names, "execve") && holds(names, "ptrace"));
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		CHECK(!holds(names, never[i]));

	/* No name twice: runtimes would add the rule twice. */
	for (size_t i = 0; i < ctrd__json_count(names); i++) {
		const char *name = ctrd__json_string(ctrd__json_array_get(names, i));
		for (size_t k = i + 1; k < ctrd__json_count(names); k++)
			if (strcmp(name, ctrd__json_string(ctrd__json_array_get(names, k))) == 0)
				FAIL("%s is there twice", name);
	}

	bool clone_is_masked = false, clone3_is_unknown = false;
	for (size_t i = 1; i < ctrd__json_count(rules); i++) {
		const struct ctrd__json *rule = ctrd__json_array_get(rules, i);
		const struct ctrd__json *arg =
			ctrd__json_array_get(ctrd__json_object_get(rule, "args"), 0);
		names = ctrd__json_object_get(rule, "names");
		if (holds(names, "clone"))
			clone_is_masked = number(ctrd__json_object_get(arg, "value")) ==
						  0x7e020000 &&
					  number(ctrd__json_object_get(arg, "valueTwo")) == 0;
		if (holds(names, "clone3"))
			clone3_is_unknown = number(ctrd__json_object_get(rule, "errnoRet")) == 38;
	}
	CHECK(clone_is_masked);
	CHECK(clone3_is_unknown);
	ctrd__json_free(json);
}

TEST(spec_shares_the_network_when_asked)
{
	struct ctrd__json *json = read_back(new_spec(CTRD_SPEC_HOST_NETWORK));
	const struct ctrd__json *namespaces = ctrd__json_get(json, "linux", "namespaces", NULL);
	CHECK_INT(ctrd__json_count(namespaces), 5);
	CHECK(find(namespaces, "type", "network") == NULL);
	ctrd__json_free(json);
}

TEST(spec_new_refuses_what_makes_no_spec)
{
	static const char *const none[] = {NULL};
	static const char *const empty[] = {"", NULL};
	static const char *const broken[] = {"sh", "\xff", NULL};
	ctrd_spec *spec = NULL;
	CHECK_INT(ctrd_spec_new(NULL, args, 0, &spec), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_new("", args, 0, &spec), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_new("/\xff", args, 0, &spec), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_new("/", NULL, 0, &spec), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_new("/", none, 0, &spec), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_new("/", empty, 0, &spec), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_new("/", broken, 0, &spec), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_new("/", args, 0x80000000u, &spec), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_new("/", args, 0, NULL), CTRD_EINVAL);
	CHECK(spec == NULL);
	CHECK(ctrd_spec_free(NULL) == NULL);
}

TEST(spec_setters_change_the_spec)
{
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set_cwd(spec, "/work"), 0);
	CHECK_INT(ctrd_spec_set_user(spec, 1000, UINT32_MAX), 0);
	CHECK_INT(ctrd_spec_set_terminal(spec, 1), 0);
	CHECK_INT(ctrd_spec_set_root_readonly(spec, 1), 0);
	CHECK_INT(ctrd_spec_set_hostname(spec, "box"), 0);
	CHECK_INT(ctrd_spec_add_mount(spec, "/srv", "/data", 1), 0);
	CHECK_INT(ctrd_spec_add_mount(spec, "/srv", "/more", 0), 0);
	struct ctrd__json *json = read_back(spec);

	const struct ctrd__json *process = ctrd__json_object_get(json, "process");
	CHECK_STR(ctrd__json_string(ctrd__json_object_get(process, "cwd")), "/work");
	CHECK_INT(number(ctrd__json_get(process, "user", "uid", NULL)), 1000);
	CHECK_INT(number(ctrd__json_get(process, "user", "gid", NULL)), UINT32_MAX);
	CHECK(is_true(ctrd__json_object_get(process, "terminal")));
	CHECK(is_true(ctrd__json_get(json, "root", "readonly", NULL)));
	CHECK_STR(ctrd__json_string(ctrd__json_object_get(json, "hostname")), "box");
	const struct ctrd__json *mounts = ctrd__json_object_get(json, "mounts");
	CHECK_INT(ctrd__json_count(mounts), 9);
	const struct ctrd__json *data = find(mounts, "destination", "/data");
	CHECK_STR(ctrd__json_string(ctrd__json_object_get(data, "source")), "/srv");
	CHECK(holds(ctrd__json_object_get(data, "options"), "ro"));
	const struct ctrd__json *more = find(mounts, "destination", "/more");
	CHECK(holds(ctrd__json_object_get(more, "options"), "rw"));
	ctrd__json_free(json);
}

TEST(spec_env_is_replaced_by_name)
{
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set_env(spec, "A", "1"), 0);
	CHECK_INT(ctrd_spec_set_env(spec, "AB", "x=y"), 0);
	CHECK_INT(ctrd_spec_set_env(spec, "A", ""), 0);
	CHECK_INT(ctrd_spec_set_env(spec, "PATH", NULL), 0);
	CHECK_INT(ctrd_spec_set_env(spec, "NEVER", NULL), 0);
	struct ctrd__json *json = read_back(spec);
	const struct ctrd__json *env = ctrd__json_get(json, "process", "env", NULL);
	CHECK_INT(ctrd__json_count(env), 2);
	CHECK(holds(env, "A=") && holds(env, "AB=x=y"));
	ctrd__json_free(json);
}

TEST(spec_namespaces_are_replaced_by_type)
{
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set_namespace(spec, "pid", ""), 0);
	CHECK_INT(ctrd_spec_set_namespace(spec, "ipc", NULL), 0);
	CHECK_INT(ctrd_spec_set_namespace(spec, "network", "/run/netns/a"), 0);
	CHECK_INT(ctrd_spec_set_namespace(spec, "network", "/run/netns/b"), 0);
	CHECK_INT(ctrd_spec_set_namespace(spec, "user", NULL), 0);
	struct ctrd__json *json = read_back(spec);
	const struct ctrd__json *namespaces = ctrd__json_get(json, "linux", "namespaces", NULL);
	CHECK_INT(ctrd__json_count(namespaces), 6);
	CHECK(find(namespaces, "type", "pid") == NULL);
	CHECK(find(namespaces, "type", "user") != NULL);
	CHECK(find(namespaces, "path", "/run/netns/a") == NULL);
	CHECK(find(namespaces, "path", "/run/netns/b") != NULL);
	ctrd__json_free(json);
}

TEST(spec_limits_can_be_set_and_taken_back)
{
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set_memory_limit(spec, 1 << 20), 0);
	CHECK_INT(ctrd_spec_set_memory_limit(spec, 0), 0);
	CHECK_INT(ctrd_spec_set_memory_limit(spec, 0), 0);
	CHECK_INT(ctrd_spec_set_pids_limit(spec, 0), 0);
	CHECK_INT(ctrd_spec_set_pids_limit(spec, 10), 0);
	struct ctrd__json *json = read_back(spec);
	const struct ctrd__json *resources = ctrd__json_get(json, "linux", "resources", NULL);
	CHECK(ctrd__json_get(resources, "memory", "limit", NULL) == NULL);
	CHECK_INT(number(ctrd__json_get(resources, "pids", "limit", NULL)), 10);
	ctrd__json_free(json);
}

TEST(spec_cpu_limit_keeps_to_the_bounds_of_the_kernel)
{
	static const struct {
		uint64_t millicpus;
		int64_t period, quota;
	} cases[] = {
		{1, 1000000, 1000},	{9, 1000000, 9000},	   {10, 100000, 1000},
		{1500, 100000, 150000}, {0, INT64_MIN, INT64_MIN},
	};
	size_t count = sizeof(cases) / sizeof(cases[0]);
	for (size_t i = getenv("CTRD_TEST_OOM") != NULL ? count - 2 : 0; i < count; i++) {
		ctrd_spec *spec = new_spec(0);
		CHECK_INT(ctrd_spec_set_cpu_limit(spec, 2000), 0);
		CHECK_INT(ctrd_spec_set_cpu_limit(spec, cases[i].millicpus), 0);
		struct ctrd__json *json = read_back(spec);
		const struct ctrd__json *cpu =
			ctrd__json_get(json, "linux", "resources", "cpu", NULL);
		CHECK_INT(number(ctrd__json_object_get(cpu, "period")), cases[i].period);
		CHECK_INT(number(ctrd__json_object_get(cpu, "quota")), cases[i].quota);
		ctrd__json_free(json);
	}
}

TEST(spec_set_replaces_any_part)
{
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set(spec, "linux/sysctl", "{\"kernel.msgmax\":\"1\"}"), 0);
	CHECK_INT(ctrd_spec_set(spec, "linux/a/b/c", "[1,2]"), 0);
	CHECK_INT(ctrd_spec_set(spec, "mounts", NULL), 0);
	CHECK_INT(ctrd_spec_set(spec, "no/such/member", NULL), 0);
	CHECK_INT(ctrd_spec_set(spec, "process/env", NULL), 0);
	CHECK_INT(ctrd_spec_set_env(spec, "A", "1"), 0);
	CHECK_INT(ctrd_spec_add_mount(spec, "/srv", "/data", 0), 0);
	struct ctrd__json *json = read_back(spec);
	CHECK(ctrd__json_get(json, "no", NULL) == NULL);
	CHECK_INT(ctrd__json_count(ctrd__json_get(json, "linux", "a", "b", "c", NULL)), 2);
	CHECK_INT(ctrd__json_count(ctrd__json_object_get(json, "mounts")), 1);
	CHECK_INT(ctrd__json_count(ctrd__json_get(json, "process", "env", NULL)), 1);
	CHECK_STR(ctrd__json_string(ctrd__json_get(json, "linux", "sysctl", "kernel.msgmax", NULL)),
		  "1");
	ctrd__json_free(json);
}

TEST(spec_remembers_the_first_failure)
{
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set_cwd(spec, "relative"), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_hostname(spec, ""), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_cwd(spec, "/fine"), 0);
	check_refused(spec, "spec: process.cwd: must be an absolute path");
}

/* One refused call after the other; 1 when there is none left. */
static int refused_call(int n, ctrd_spec *spec, const char **ret_message)
{
	switch (n) {
	case 0:
		*ret_message = "spec: name of an environment variable: must be text without '='";
		return ctrd_spec_set_env(spec, NULL, "x");
	case 1:
		*ret_message = "spec: name of an environment variable: must be text without '='";
		return ctrd_spec_set_env(spec, "A=B", "x");
	case 2:
		*ret_message = "spec: environment variable A: must be UTF-8";
		return ctrd_spec_set_env(spec, "A", "\xff");
	case 3:
		*ret_message = "spec: process.cwd: must be an absolute path";
		return ctrd_spec_set_cwd(spec, NULL);
	case 4:
		*ret_message = "spec: process/terminal: must be 0 or 1";
		return ctrd_spec_set_terminal(spec, 2);
	case 5:
		*ret_message = "spec: root/readonly: must be 0 or 1";
		return ctrd_spec_set_root_readonly(spec, -1);
	case 6:
		*ret_message = "spec: hostname: must be a non-empty text";
		return ctrd_spec_set_hostname(spec, "");
	case 7:
		*ret_message = "spec: mounts: source: must be an absolute path";
		return ctrd_spec_add_mount(spec, "srv", "/data", 0);
	case 8:
		*ret_message = "spec: mounts: destination: must be an absolute path";
		return ctrd_spec_add_mount(spec, "/srv", NULL, 0);
	case 9:
		*ret_message = "spec: mounts: readonly: must be 0 or 1";
		return ctrd_spec_add_mount(spec, "/srv", "/data", 7);
	case 10:
		*ret_message = "spec: linux.namespaces: \"net\" is not a type of namespace";
		return ctrd_spec_set_namespace(spec, "net", NULL);
	case 11:
		*ret_message = "spec: linux.namespaces: \"(null)\" is not a type of namespace";
		return ctrd_spec_set_namespace(spec, NULL, NULL);
	case 12:
		*ret_message = "spec: linux.namespaces: path of \"pid\": must be absolute";
		return ctrd_spec_set_namespace(spec, "pid", "proc/1/ns/pid");
	case 13:
		*ret_message =
			"spec: linux/resources/memory/limit: 18446744073709551615 is too much";
		return ctrd_spec_set_memory_limit(spec, UINT64_MAX);
	case 14:
		*ret_message = "spec: linux/resources/pids/limit: 18446744073709551615 is too much";
		return ctrd_spec_set_pids_limit(spec, UINT64_MAX);
	case 15:
		*ret_message =
			"spec: linux/resources/cpu: 18446744073709551615 millicpus are too much";
		return ctrd_spec_set_cpu_limit(spec, UINT64_MAX);
	case 16:
		*ret_message = "spec: path of a member: must be text";
		return ctrd_spec_set(spec, NULL, "1");
	case 17:
		*ret_message = "spec: path \"\" has an empty name in it";
		return ctrd_spec_set(spec, "", "1");
	case 18:
		*ret_message = "spec: path \"/a\" has an empty name in it";
		return ctrd_spec_set(spec, "/a", "1");
	case 19:
		*ret_message = "spec: path \"a//b\" has an empty name in it";
		return ctrd_spec_set(spec, "a//b", NULL);
	case 20:
		*ret_message = "spec: mounts: is not an object, so it has no member \"0/type\"";
		return ctrd_spec_set(spec, "mounts/0/type", "\"bind\"");
	case 21:
		*ret_message = "spec: process/cwd: is not an object, so it has no member \"x\"";
		return ctrd_spec_set(spec, "process/cwd/x", NULL);
	default:
		return 1;
	}
}

TEST(spec_setters_name_what_they_refuse)
{
	/* With failing allocations a few stand for all: every one makes a spec of its own. */
	int step = getenv("CTRD_TEST_OOM") != NULL ? 9 : 1;
	for (int n = 0;; n += step) {
		const char *message = NULL;
		ctrd_spec *spec = new_spec(0);
		int status = refused_call(n, spec, &message);
		if (status == 1) {
			ctrd_spec_free(spec);
			break;
		}
		CHECK_INT(status, CTRD_EINVAL);
		check_refused(spec, message);
	}
}

TEST(spec_set_says_where_its_json_is_wrong)
{
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set(spec, "linux", "{]"), CTRD_EINVAL);
	ctrd_error *error = NULL;
	char *text = NULL;
	CHECK_INT(ctrd_spec_json(spec, &text, NULL, &error), CTRD_EINVAL);
	CHECK_CONTAINS(ctrd_error_message(error), "spec: linux: not JSON: line 1, column ");
	ctrd_error_unref(error);
	CHECK_INT(ctrd_spec_json(spec, &text, NULL, NULL), CTRD_EINVAL);
	ctrd_spec_free(spec);
}

TEST(spec_path_may_not_be_deeper_than_a_spec)
{
	char path[2001];
	for (int i = 0; i < 2000; i += 2)
		memcpy(path + i, "a/", 3);
	path[1999] = '\0';
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set(spec, path, "1"), CTRD_EINVAL);
	ctrd_spec_free(spec);
}

TEST(spec_setters_do_not_write_into_what_was_replaced)
{
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_set(spec, "process", "7"), 0);
	CHECK_INT(ctrd_spec_set_env(spec, "A", "1"), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_cwd(spec, "/"), CTRD_EINVAL);
	check_refused(spec, "spec: process.env: is not an array");

	spec = new_spec(0);
	CHECK_INT(ctrd_spec_set(spec, "mounts", "{}"), 0);
	CHECK_INT(ctrd_spec_add_mount(spec, "/a", "/b", 0), CTRD_EINVAL);
	check_refused(spec, "spec: mounts: is not an array");

	spec = new_spec(0);
	CHECK_INT(ctrd_spec_set(spec, "linux", NULL), 0);
	CHECK_INT(ctrd_spec_set_namespace(spec, "pid", NULL), 0);
	struct ctrd__json *json = read_back(spec);
	CHECK_INT(ctrd__json_count(ctrd__json_get(json, "linux", "namespaces", NULL)), 1);
	ctrd__json_free(json);
}

TEST(spec_calls_take_null)
{
	char *text = NULL;
	ctrd_error *error = NULL;
	CHECK_INT(ctrd_spec_set_env(NULL, "A", "1"), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_cwd(NULL, "/"), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_user(NULL, 0, 0), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_terminal(NULL, 1), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_root_readonly(NULL, 1), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_hostname(NULL, "a"), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_add_mount(NULL, "/a", "/b", 0), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_namespace(NULL, "pid", NULL), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_memory_limit(NULL, 1), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_pids_limit(NULL, 1), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set_cpu_limit(NULL, 1), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_set(NULL, "a", "1"), CTRD_EINVAL);
	CHECK_INT(ctrd_spec_json(NULL, &text, NULL, &error), CTRD_EINVAL);
	CHECK_STR(ctrd_error_message(error), "spec is NULL");
	ctrd_error_unref(error);
	ctrd_spec *spec = new_spec(0);
	CHECK_INT(ctrd_spec_json(spec, NULL, NULL, &error), CTRD_EINVAL);
	CHECK_STR(ctrd_error_message(error), "ret_json is NULL");
	ctrd_error_unref(error);
	ctrd_spec_free(spec);
}
