/*
 * Specs, processes and resources that come from outside: what is taken, what is refused with which words.
 */
#include "spec_check.h"

#include "test.h"

#include <libctrd/error.h>

#include <string.h>

typedef int (*checker)(const char *, size_t, struct ctrd__json **, ctrd_error **);

static struct ctrd__json *check_taken(checker check, const char *text)
{
	struct ctrd__json *json = NULL;
	ctrd_error *error = NULL;
	if (check(text, strlen(text), &json, &error) != 0)
		FAIL("%s\n%s", text, ctrd_error_message(error));
	CHECK(json != NULL && error == NULL);
	return json;
}

static void check_refused_n(checker check, const char *text, size_t len, int code,
			    const char *message)
{
	struct ctrd__json *json = NULL;
	ctrd_error *error = NULL;
	CHECK_INT(check(text, len, &json, &error), code);
	CHECK(json == NULL);
	CHECK_CONTAINS(ctrd_error_message(error), message);
	ctrd_error_unref(error);
	CHECK_INT(check(text, len, &json, NULL), code);
}

static void check_refused(checker check, const char *text, const char *message)
{
	check_refused_n(check, text, strlen(text), CTRD_EINVAL, message);
}

/* A spec whose process and root are fine, with more members. */
#define SPEC(more) \
	"{\"process\":{\"args\":[\"a\"],\"cwd\":\"/\"},\"root\":{\"path\":\"r\"}" more "}"
#define PROCESS(members) "{\"root\":{\"path\":\"r\"},\"process\":{" members "}}"
#define FINE		 "\"args\":[\"a\"],\"cwd\":\"/\""

TEST(spec_check_takes_the_least_there_may_be)
{
	ctrd__json_free(check_taken(ctrd__spec_check, SPEC("")));
	ctrd__json_free(check_taken(ctrd__process_check, "{\"args\":[\"a\"]}"));
	ctrd__json_free(check_taken(ctrd__resources_check, "{}"));
}

TEST(spec_check_takes_what_it_does_not_know)
{
	ctrd__json_free(
		check_taken(ctrd__spec_check, SPEC(",\"vm\":7,\"linux\":{\"new\":[1]},\"x\":{}")));
}

TEST(spec_check_takes_null_for_missing)
{
	ctrd__json_free(
		check_taken(ctrd__spec_check,
			    SPEC(",\"hostname\":null,\"mounts\":null,\"linux\":{\"resources\":null,"
				 "\"namespaces\":null,\"seccomp\":null},\"annotations\":null")));
	ctrd__json_free(check_taken(ctrd__spec_check,
				    PROCESS(FINE ",\"user\":null,\"env\":null,\"rlimits\":null")));
	check_refused(ctrd__spec_check, PROCESS("\"cwd\":\"/\",\"args\":null"),
		      "spec: process.args: must be a non-empty array of strings");
}

TEST(spec_check_takes_a_full_spec)
{
	ctrd__json_free(check_taken(
		ctrd__spec_check,
		"{\"ociVersion\":\"1.2.0\",\"hostname\":\"h\",\"root\":{\"path\":\"/r\","
		"\"readonly\":true},\"process\":{" FINE ",\"terminal\":true,\"consoleSize\":{"
		"\"width\":80,\"height\":24},\"env\":[\"A=1\",\"B=\"],\"user\":{\"uid\":0,"
		"\"gid\":4294967295,\"umask\":18,\"additionalGids\":[1,2]},\"capabilities\":{"
		"\"bounding\":[\"CAP_KILL\"]},\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"soft\":1,"
		"\"hard\":18446744073709551615}],\"noNewPrivileges\":true,\"oomScoreAdj\":-1,"
		"\"apparmorProfile\":\"p\",\"selinuxLabel\":\"l\"},\"mounts\":[{\"destination\":"
		"\"/p\",\"type\":\"proc\",\"source\":\"proc\",\"options\":[\"ro\"]}],"
		"\"annotations\":{\"a\":\"b\"},\"linux\":{\"namespaces\":[{\"type\":\"pid\"},"
		"{\"type\":\"network\",\"path\":\"/n\"}],\"cgroupsPath\":\"/a/b\","
		"\"resources\":{\"memory\":{\"limit\":-1},\"cpu\":{\"shares\":2,\"quota\":-1,"
		"\"cpus\":\"0-1\"},\"pids\":{\"limit\":7},\"unified\":{\"memory.high\":\"1\"}},"
		"\"maskedPaths\":[\"/a\"],\"sysctl\":{\"a\":\"b\"}}}"));
}

TEST(spec_check_refuses_what_is_not_json)
{
	check_refused(ctrd__spec_check, "", "spec: not JSON: ");
	check_refused(ctrd__spec_check, "{\"process\"", "spec: not JSON: ");
	check_refused(ctrd__spec_check, "{\n\n  nonsense}", "spec: not JSON: line 3, column ");
	check_refused(ctrd__spec_check, SPEC("") "x", "spec: not JSON: line 1");
	check_refused_n(ctrd__spec_check, NULL, 0, CTRD_EINVAL, "spec: is NULL");
	check_refused(ctrd__process_check, "[", "process: not JSON: ");
	check_refused(ctrd__resources_check, "nul", "resources: not JSON: ");
	check_refused(ctrd__spec_check, "{\"a\":\"\\u0000\"}", "spec: not JSON: ");
}

TEST(spec_check_refuses_what_is_no_object)
{
	check_refused(ctrd__spec_check, "[]", "spec: must be an object");
	check_refused(ctrd__spec_check, "null", "spec: must be an object");
	check_refused(ctrd__process_check, "1", "process: must be an object");
	check_refused(ctrd__resources_check, "\"\"", "resources: must be an object");
}

TEST(spec_check_bounds_depth)
{
	enum { LEVELS = 10000 };
	char *text = malloc(2 * LEVELS);
	memset(text, '[', LEVELS);
	memset(text + LEVELS, ']', LEVELS);
	check_refused_n(ctrd__spec_check, text, 2 * LEVELS, CTRD_ERANGE,
			"spec: nested too deep, at most 64 levels");
	check_refused_n(ctrd__process_check, text, 2 * LEVELS, CTRD_ERANGE,
			"process: nested too deep, at most 64 levels");
	free(text);
}

TEST(spec_check_bounds_length)
{
	enum { SIZE = 20 << 20 };
	char *text = malloc(SIZE);
	memset(text, ' ', SIZE);
	memcpy(text, "{}", 2);
	check_refused_n(ctrd__spec_check, text, SIZE, CTRD_ERANGE,
			"spec: too long: 20971520 bytes, at most 4194304");
	check_refused_n(ctrd__resources_check, text, (4 << 20) + 1, CTRD_ERANGE,
			"resources: too long: 4194305 bytes, at most 4194304");
	free(text);
}

struct refusal {
	const char *text;
	const char *message;
};

static void check_all(checker check, const struct refusal *refusals, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_refused(check, refusals[i].text, refusals[i].message);
}
#define CHECK_ALL(check, refusals) \
	check_all(check, refusals, sizeof(refusals) / sizeof(*(refusals)))

TEST(spec_check_names_what_is_missing)
{
	static const struct refusal refusals[] = {
		{"{}", "spec: process: must be an object"},
		{"{\"process\":[]}", "spec: process: must be an object"},
		{PROCESS("\"cwd\":\"/\""), "spec: process.args: must be a non-empty array"},
		{PROCESS("\"cwd\":\"/\",\"args\":[]"), "spec: process.args: must be a non-empty"},
		{PROCESS("\"cwd\":\"/\",\"args\":\"a\""),
		 "spec: process.args: must be a non-empty"},
		{PROCESS("\"cwd\":\"/\",\"args\":[1]"), "spec: process.args: must be a non-empty"},
		{PROCESS("\"cwd\":\"/\",\"args\":[\"\"]"),
		 "spec: process.args[0]: must be the name of a program"},
		{PROCESS("\"args\":[\"a\"]"), "spec: process.cwd: must be an absolute path"},
		{PROCESS("\"args\":[\"a\"],\"cwd\":\"x\""),
		 "spec: process.cwd: must be an absolute"},
		{PROCESS("\"args\":[\"a\"],\"cwd\":1"), "spec: process.cwd: must be an absolute"},
		{"{\"process\":{" FINE "}}", "spec: root: must be an object"},
		{"{\"process\":{" FINE "},\"root\":\"/\"}", "spec: root: must be an object"},
		{"{\"process\":{" FINE "},\"root\":{}}",
		 "spec: root.path: must be a non-empty string"},
		{"{\"process\":{" FINE "},\"root\":{\"path\":\"\"}}",
		 "spec: root.path: must be a non-empty string"},
	};
	CHECK_ALL(ctrd__spec_check, refusals);
}

TEST(spec_check_names_what_has_the_wrong_type)
{
	static const struct refusal refusals[] = {
		{PROCESS(FINE ",\"env\":{}"), "spec: process.env: must be an array of strings"},
		{PROCESS(FINE ",\"env\":[\"A=1\",\"B\"]"),
		 "spec: process.env[1]: must be NAME=value"},
		{PROCESS(FINE ",\"env\":[\"=1\"]"), "spec: process.env[0]: must be NAME=value"},
		{PROCESS(FINE ",\"terminal\":1"), "spec: process.terminal: must be true or false"},
		{PROCESS(FINE ",\"user\":\"root\""), "spec: process.user: must be an object"},
		{PROCESS(FINE ",\"user\":{\"uid\":-1}"),
		 "spec: process.user.uid: must be an unsigned 32-bit integer"},
		{PROCESS(FINE ",\"user\":{\"gid\":4294967296}"),
		 "spec: process.user.gid: must be an unsigned 32-bit integer"},
		{PROCESS(FINE ",\"user\":{\"additionalGids\":[\"a\"]}"),
		 "spec: process.user.additionalGids: must be an array of numbers"},
		{PROCESS(FINE ",\"user\":{\"additionalGids\":1}"),
		 "spec: process.user.additionalGids: must be an array of numbers"},
		{PROCESS(FINE ",\"capabilities\":{\"effective\":[1]}"),
		 "spec: process.capabilities.effective: must be an array of strings"},
		{PROCESS(FINE ",\"rlimits\":[1]"),
		 "spec: process.rlimits: must be an array of objects"},
		{PROCESS(FINE ",\"rlimits\":[{}]"),
		 "spec: process.rlimits[0].type: must be a string"},
		{PROCESS(FINE ",\"rlimits\":[{\"type\":\"a\",\"soft\":-1}]"),
		 "spec: process.rlimits[0].soft: must be an unsigned 64-bit integer"},
		{PROCESS(FINE ",\"oomScoreAdj\":0.5"),
		 "spec: process.oomScoreAdj: must be a 64-bit integer"},
		{PROCESS(FINE ",\"consoleSize\":{\"width\":\"a\"}"),
		 "spec: process.consoleSize.width: must be an unsigned 32-bit integer"},
		{"{\"process\":{" FINE "},\"root\":{\"path\":\"r\",\"readonly\":\"yes\"}}",
		 "spec: root.readonly: must be true or false"},
		{SPEC(",\"hostname\":1"), "spec: hostname: must be a string"},
		{SPEC(",\"annotations\":{\"a\":1}"),
		 "spec: annotations: must be an object of strings"},
		{SPEC(",\"annotations\":[]"), "spec: annotations: must be an object of strings"},
		{SPEC(",\"mounts\":{}"), "spec: mounts: must be an array of objects"},
		{SPEC(",\"mounts\":[{\"destination\":\"/a\"},{}]"),
		 "spec: mounts[1].destination: must be a non-empty string"},
		{SPEC(",\"mounts\":[{\"destination\":\"/a\",\"options\":\"ro\"}]"),
		 "spec: mounts[0].options: must be an array of strings"},
		{SPEC(",\"linux\":[]"), "spec: linux: must be an object"},
		{SPEC(",\"linux\":{\"cgroupsPath\":1}"),
		 "spec: linux.cgroupsPath: must be a string"},
		{SPEC(",\"linux\":{\"namespaces\":[\"pid\"]}"),
		 "spec: linux.namespaces: must be an array of objects"},
		{SPEC(",\"linux\":{\"namespaces\":[{}]}"),
		 "spec: linux.namespaces[0].type: must be a string"},
		{SPEC(",\"linux\":{\"namespaces\":[{\"type\":\"pid\",\"path\":1}]}"),
		 "spec: linux.namespaces[0].path: must be a string"},
		{SPEC(",\"linux\":{\"resources\":{\"memory\":{\"limit\":\"1\"}}}"),
		 "spec: linux.resources.memory.limit: must be a 64-bit integer"},
	};
	CHECK_ALL(ctrd__spec_check, refusals);
}

TEST(process_check_names_the_field)
{
	static const struct refusal refusals[] = {
		{"{}", "process: args: must be a non-empty array of strings"},
		{"{\"args\":[\"a\"],\"cwd\":\"b\"}", "process: cwd: must be an absolute path"},
		{"{\"args\":[\"a\"],\"env\":[\"b\"]}", "process: env[0]: must be NAME=value"},
		{"{\"args\":[\"a\"],\"user\":{\"uid\":true}}",
		 "process: user.uid: must be an unsigned"},
	};
	CHECK_ALL(ctrd__process_check, refusals);
}

TEST(resources_check_names_the_field)
{
	static const struct refusal refusals[] = {
		{"{\"memory\":1}", "resources: memory: must be an object"},
		{"{\"memory\":{\"swap\":1e3}}", "resources: memory.swap: must be a 64-bit integer"},
		{"{\"cpu\":{\"shares\":-1}}", "resources: cpu.shares: must be an unsigned 64-bit"},
		{"{\"cpu\":{\"cpus\":0}}", "resources: cpu.cpus: must be a string"},
		{"{\"pids\":{\"limit\":{}}}", "resources: pids.limit: must be a 64-bit integer"},
		{"{\"devices\":{}}", "resources: devices: must be an array of objects"},
		{"{\"unified\":{\"a\":1}}", "resources: unified: must be an object of strings"},
	};
	CHECK_ALL(ctrd__resources_check, refusals);
	ctrd__json_free(check_taken(ctrd__resources_check,
				    "{\"memory\":{\"limit\":9223372036854775807},\"pids\":{}}"));
}

TEST(exec_process_takes_what_it_lacks_from_the_container)
{
	struct ctrd__json *spec = check_taken(
		ctrd__spec_check,
		PROCESS("\"args\":[\"init\"],\"cwd\":\"/w\",\"terminal\":true,\"consoleSize\":{"
			"\"width\":1,\"height\":2},\"env\":[\"A=1\"],\"user\":{\"uid\":7,\"gid\":8},"
			"\"capabilities\":{\"bounding\":[]},\"noNewPrivileges\":true,\"rlimits\":[],"
			"\"apparmorProfile\":\"p\",\"selinuxLabel\":\"l\",\"oomScoreAdj\":5"));
	struct ctrd__json *exec = check_taken(ctrd__process_check,
					      "{\"args\":[\"x\"],\"env\":[\"B=2\"],\"cwd\":null}");
	CHECK_INT(ctrd__spec_exec_process(ctrd__json_object_get(spec, "process"), exec), 0);

	char *text = NULL;
	CHECK_INT(ctrd__json_print(exec, &text, NULL), 0);
	CHECK_STR(text, "{\"args\":[\"x\"],\"env\":[\"B=2\"],\"cwd\":\"/w\","
			"\"user\":{\"uid\":7,\"gid\":8},\"capabilities\":{\"bounding\":[]},"
			"\"noNewPrivileges\":true,\"rlimits\":[],\"apparmorProfile\":\"p\","
			"\"selinuxLabel\":\"l\",\"oomScoreAdj\":5}");
	ctrd_free(text);
	ctrd__json_free(exec);
	ctrd__json_free(spec);
}

TEST(exec_process_may_have_nothing_to_take)
{
	struct ctrd__json *exec = check_taken(ctrd__process_check, "{\"args\":[\"x\"]}");
	CHECK_INT(ctrd__spec_exec_process(NULL, exec), 0);
	CHECK_INT(ctrd__json_count(exec), 1);
	ctrd__json_free(exec);
}
