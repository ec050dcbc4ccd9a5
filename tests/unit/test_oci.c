/*
 * What runtimes say when they fail, in their own words, and what a caller is told.
 */
#include "local/linux/local.h"
#include "test.h"

#include <string.h>

#define EXITED(code) ((code) << 8)

static ctrd_error *told(const char *log)
{
	return ctrd__oci_error_from(log, strlen(log), "c", "init", "container start", "/x",
				    EXITED(1));
}

static void check(const char *log, int status, const char *part)
{
	ctrd_error *error = told(log);

	test_note("%s", log);
	CHECK_INT(ctrd_error_code(error), status);
	if (status != CTRD_ENOMEM)
		CHECK_CONTAINS(ctrd_error_message(error), part);
	ctrd_error_unref(error);
}

#define ENTRY(level, msg) "{\"level\":\"" level "\",\"msg\":\"" msg "\",\"time\":\"t\"}\n"

TEST(oci_program_that_is_missing)
{
	static const char *const logs[] = {
		ENTRY("error", "executable file `/x` not found: No such file or directory"),
		ENTRY("error", "runc create failed: unable to start container process: exec: "
			       "\\\"/x\\\": stat /x: no such file or directory"),
		ENTRY("error", "exec: \\\"x\\\": executable file not found in $PATH"),
		ENTRY("fatal",
		      "starting sandbox: creating process: failed to load /x: no such file "
		      "or directory"),
	};

	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		check(logs[i], CTRD_EINVAL, "process.args[0] \"/x\": not found");
}

TEST(oci_program_that_is_not_executable)
{
	check(ENTRY("error", "exec: \\\"/x\\\": permission denied"), CTRD_EINVAL, "not executable");
	check(ENTRY("error", "open executable: Permission denied"), CTRD_EINVAL, "not executable");
}

/* A file of the host that is missing is not the program. */
TEST(oci_other_file_that_is_missing)
{
	check(ENTRY("error", "mount `/source`: No such file or directory"), CTRD_EUNKNOWN,
	      "/source");
	check(ENTRY("error", "write /x: no space left on device"), CTRD_ERESOURCES, "no space");
}

/* crun 1.28 prints its objects over several lines; the last error counts, what is no error does not. */
TEST(oci_log_is_a_stream_of_values)
{
	check(ENTRY("error", "the first") "{\n  \"msg\": \"a \\/path\",\n  \"level\": \"error\"\n}\n" ENTRY(
		      "warning", "the last"),
	      CTRD_EUNKNOWN, "a /path");
}

TEST(oci_failure_without_a_word)
{
	check("", CTRD_EUNKNOWN, "exit code 1");
	check("not json", CTRD_EUNKNOWN, "did not say why");
	check(ENTRY("warning", "harmless"), CTRD_EUNKNOWN, "did not say why");
}

TEST(oci_runtime_is_known_by_its_name)
{
	CHECK_STR(ctrd__quirks_find("/usr/bin/crun")->name, "crun");
	CHECK_STR(ctrd__quirks_find("/opt/x/runsc")->name, "runsc");
	CHECK_STR(ctrd__quirks_find("/usr/bin/runc")->name, "runc");
	CHECK_STR(ctrd__quirks_find("/opt/youki")->name, "runc");
}
