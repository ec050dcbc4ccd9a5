/*
 * What /proc tells of a process: the reader on texts, and on real processes.
 */
#include "local/linux/proc.h"
#include "libctrd/base.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int parse(const char *text, struct ctrd__proc_info *info)
{
	return ctrd__proc_parse_stat(text, strlen(text), info);
}

TEST(proc_stat_is_taken_apart)
{
	struct ctrd__proc_info info;
	uint64_t tick_ns = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
	CHECK_INT(parse("4711 (sh) S 12 4711 4711 0 -1 4194560 1 2 3 4 150 25 7 8 20 0 1 0 98765 "
			"5000000 321 18446744073709551615 1 1\n",
			&info),
		  CTRD_OK);
	CHECK_STR(info.name, "sh");
	CHECK_INT(info.state, 'S');
	CHECK_INT(info.parent, 12);
	CHECK_INT(info.user_time_ns, 150 * tick_ns);
	CHECK_INT(info.kernel_time_ns, 25 * tick_ns);
	CHECK_INT(info.start_time, 98765);
	CHECK_INT(info.memory_bytes, 321 * sysconf(_SC_PAGESIZE));
}

TEST(proc_stat_name_may_hold_anything)
{
	struct ctrd__proc_info info;
	CHECK_INT(parse("1 (a) R 2 (b) c) Z 3 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 77 0 5 0", &info),
		  CTRD_OK);
	CHECK_STR(info.name, "a) R 2 (b) c");
	CHECK_INT(info.state, 'Z');
	CHECK_INT(info.start_time, 77);
	CHECK_INT(parse("1 () Z 3 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 77 0 5 0", &info), CTRD_OK);
	CHECK_STR(info.name, "");
	CHECK_INT(
		parse("1 (kworker/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa) Z 3 0 "
		      "0 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 77 0 5 0",
		      &info),
		CTRD_OK);
	CHECK_INT(strlen(info.name), CTRD__PROC_NAME_SIZE - 1);
}

TEST(proc_stat_refuses_what_is_none)
{
	static const char *const bad[] = {
		"",
		"\n",
		"1",
		"1 (sh",
		"1 sh)",
		"1 )sh( S 2 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 77 0 5",
		"1 (sh)",
		"1 (sh) S",
		"1 (sh) S 2 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 77 0",
		"1 (sh) S 2 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 -77 0 5",
		"1 (sh) S 2 0 0 0 0 0 0 0 0 0 x 1 0 0 0 0 0 0 77 0 5",
		"1 (sh) S 2 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 99999999999999999999 0 5",
		"1 (sh)  S 2 0 0 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 77 0 5",
	};
	struct ctrd__proc_info info = {.start_time = 5};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		test_note("%s", bad[i]);
		CHECK_INT(parse(bad[i], &info), CTRD_EINTERNAL);
	}
	CHECK_INT(info.start_time, 5);
}

TEST(proc_reads_this_process)
{
	struct ctrd__proc_info info;
	uint64_t start = 0;
	CHECK_INT(prctl(PR_SET_NAME, "odd) R (name"), 0);
	CHECK_INT(ctrd__proc_read(getpid(), &info), CTRD_OK);
	CHECK_STR(info.name, "odd) R (name");
	CHECK_INT(info.state, 'R');
	CHECK_INT(info.parent, getppid());
	CHECK(info.memory_bytes > 0);
	CHECK_INT(ctrd__proc_start_time(getpid(), &start), CTRD_OK);
	CHECK_INT(start, info.start_time);
	CHECK(ctrd__proc_same(getpid(), start));
	CHECK(!ctrd__proc_same(getpid(), start + 1));
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t age_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec -
			 ctrd__proc_start_time_real_ns(start);
	/* This process was forked for the test. */
	CHECK(age_ns > -INT64_C(50000000) && age_ns < INT64_C(60000000000));
}

TEST(proc_tells_who_is_not_there)
{
	struct ctrd__proc_info info;
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	siginfo_t how;
	CHECK_INT(waitid(P_PID, (id_t)pid, &how, WEXITED | WNOWAIT), 0);
	CHECK_INT(ctrd__proc_read(pid, &info), CTRD_OK);
	CHECK_INT(info.state, 'Z');
	CHECK(ctrd__proc_same(pid, info.start_time));
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(ctrd__proc_read(pid, &info), CTRD_ENOTFOUND);
	CHECK(!ctrd__proc_same(pid, info.start_time));
	CHECK_INT(ctrd__proc_read(0, &info), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__proc_read(-1, &info), CTRD_ENOTFOUND);
}

TEST(proc_tells_the_boot)
{
	char one[CTRD__BOOT_ID_SIZE], two[CTRD__BOOT_ID_SIZE];
	CHECK_INT(ctrd__proc_boot_id(one), CTRD_OK);
	CHECK_INT(ctrd__proc_boot_id(two), CTRD_OK);
	CHECK_INT(strlen(one), 36);
	CHECK_STR(one, two);
}
