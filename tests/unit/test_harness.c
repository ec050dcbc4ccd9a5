/*
 * The harness itself: what every other test relies on.
 */
#include "test.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(harness_runs_each_test_in_its_own_group)
{
	CHECK_INT(getpgid(0), getpid());
}

TEST(harness_compares_values)
{
	CHECK(1 + 1 == 2);
	CHECK_INT(-5, -5);
	CHECK_STR("a", "a");
	CHECK_CONTAINS("one two", "two");
}

TEST(harness_makes_directories)
{
	struct stat st;
	const char *dir = test_tmpdir();
	CHECK(stat(dir, &st) == 0 && S_ISDIR(st.st_mode));
	CHECK_INT(st.st_mode & 0777, 0700);
	CHECK(dir != test_tmpdir());
}

TEST(harness_waits_for_what_tells_nobody)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(3);
	int status = 0;
	WAIT_UNTIL(waitpid(pid, &status, WNOHANG) == pid, 10);
	CHECK_INT(WEXITSTATUS(status), 3);
}
