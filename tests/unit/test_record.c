/*
 * The process records: what is written comes back, and what was not written, or not whole, does not.
 */
#include "test.h"

#include "libctrd/base.h"
#include "libctrd/event.h"
#include "local/record.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct ctrd__record_start some_start = {
	.pid = 4194304,
	.start_time = UINT64_MAX,
	.inode = 12345678901234567890u,
	.time_ns = INT64_MAX,
	.started = true,
	.terminal = true,
	.boot_id = "01234567-89ab-cdef-0123-456789abcdef",
};

static const struct ctrd__record_exit some_exit = {
	.code = 137,
	.signal = SIGKILL,
	.flags = CTRD_EXIT_SIGNALED | CTRD_EXIT_OOM,
	.time_ns = -5,
};

static void fill(char data[CTRD__RECORD_SIZE], const struct ctrd__record_start *start,
		 const struct ctrd__record_exit *exit)
{
	memset(data, 0, CTRD__RECORD_SIZE);
	if (start)
		ctrd__record_format_start(data + CTRD__RECORD_START_OFFSET, start);
	if (exit)
		ctrd__record_format_exit(data + CTRD__RECORD_EXIT_OFFSET, exit);
}

TEST(record_comes_back_as_written)
{
	char data[CTRD__RECORD_SIZE];
	struct ctrd__record record;

	fill(data, &some_start, &some_exit);
	CHECK_INT(ctrd__record_parse(data, sizeof(data), &record), CTRD_OK);
	CHECK(record.has_start && record.has_exit);
	CHECK_INT(record.start.pid, some_start.pid);
	CHECK(record.start.start_time == some_start.start_time);
	CHECK(record.start.inode == some_start.inode);
	CHECK_INT(record.start.time_ns, some_start.time_ns);
	CHECK(record.start.started && record.start.terminal);
	CHECK_STR(record.start.boot_id, some_start.boot_id);
	CHECK_INT(record.exit.code, 137);
	CHECK_INT(record.exit.signal, SIGKILL);
	CHECK_INT(record.exit.flags, some_exit.flags);
	CHECK_INT(record.exit.time_ns, -5);
}

TEST(record_is_text_of_lines)
{
	char data[CTRD__RECORD_SIZE];
	struct ctrd__record_start start = {.pid = 7, .start_time = 8, .time_ns = 9, .boot_id = "b"};
	struct ctrd__record_exit exit = {.code = 1};

	fill(data, &start, &exit);
	CHECK(strncmp(data,
		      "ctrd1 start pid=7 start_time=8 inode=0 time=9 started=0 terminal=0 boot=b "
		      "crc=",
		      78) == 0);
	CHECK(strncmp(data + 1024, "ctrd1 exit code=1 signal=0 flags=0 time=0 oom=0 crc=", 52) ==
	      0);
	CHECK_INT(data[511], '\n');
	CHECK_INT(data[510], ' ');
	CHECK_INT(data[1535], '\n');
}

TEST(record_parts_are_independent)
{
	char data[CTRD__RECORD_SIZE];
	struct ctrd__record record;

	fill(data, NULL, NULL);
	CHECK_INT(ctrd__record_parse(data, sizeof(data), &record), CTRD_OK);
	CHECK(!record.has_start && !record.has_exit);
	fill(data, &some_start, NULL);
	CHECK_INT(ctrd__record_parse(data, sizeof(data), &record), CTRD_OK);
	CHECK(record.has_start && !record.has_exit);
	fill(data, NULL, &some_exit);
	CHECK_INT(ctrd__record_parse(data, sizeof(data), &record), CTRD_OK);
	CHECK(!record.has_start && record.has_exit);
	/* Cut short, as a file on a disk that lost its power. */
	for (size_t len = 0; len < sizeof(data); len += 37) {
		CHECK_INT(ctrd__record_parse(data, len, &record), CTRD_OK);
		CHECK_INT(record.has_exit, len >= 1536);
	}
	memset(data, ' ', sizeof(data));
	CHECK_INT(ctrd__record_parse(data, sizeof(data), &record), CTRD_OK);
	CHECK(!record.has_start && !record.has_exit);
}

TEST(record_damaged_anywhere_does_not_exist)
{
	char data[CTRD__RECORD_SIZE];
	struct ctrd__record record;

	for (size_t at = 0; at < 140; at++)
		for (int bit = 0; bit < 8; bit++) {
			fill(data, &some_start, &some_exit);
			data[at] = (char)(data[at] ^ 1 << bit);
			CHECK_INT(ctrd__record_parse(data, sizeof(data), &record), CTRD_OK);
			CHECK(!record.has_start);
			CHECK(record.has_exit);
		}
}

TEST(record_file_is_whole_before_it_is_needed)
{
	int dir = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ctrd__record record;
	struct stat st;
	int fd = -1;

	CHECK_INT(ctrd__record_read_at(dir, "init", &record), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__record_open_at(dir, "init", &fd), CTRD_ENOTFOUND);
	CHECK_INT(ctrd__record_create_at(dir, "init", &fd), CTRD_OK);
	CHECK_INT(fstat(fd, &st), 0);
	CHECK_INT(st.st_size, CTRD__RECORD_SIZE);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK(st.st_blocks > 0);
	CHECK_INT(ctrd__record_write_exit(fd, &some_exit), CTRD_OK);
	CHECK_INT(ctrd__record_write_start(fd, &some_start), CTRD_OK);
	CHECK_INT(ctrd__record_read_at(dir, "init", &record), CTRD_OK);
	CHECK(record.has_start && record.has_exit);
	close(fd);
	/* A new process of that name starts from nothing. */
	CHECK_INT(ctrd__record_create_at(dir, "init", &fd), CTRD_OK);
	CHECK_INT(ctrd__record_read_at(dir, "init", &record), CTRD_OK);
	CHECK(!record.has_start && !record.has_exit);
	close(fd);
	close(dir);
}

TEST(record_follows_no_link_and_leaves_its_directory)
{
	int dir = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ctrd__record record;
	int fd = -1;

	CHECK_INT(symlinkat("/etc/passwd", dir, "process-init"), 0);
	CHECK_INT(ctrd__record_read_at(dir, "init", &record), CTRD_EINVAL);
	CHECK_INT(ctrd__record_create_at(dir, "init", &fd), CTRD_EINVAL);
	CHECK_INT(mkdirat(dir, "process-dir", 0700), 0);
	CHECK_INT(ctrd__record_read_at(dir, "dir", &record), CTRD_EINVAL);
	CHECK_INT(mkfifoat(dir, "process-fifo", 0600), 0);
	CHECK_INT(ctrd__record_read_at(dir, "fifo", &record), CTRD_EINVAL);
	static const char *const bad[] = {"",	 "..",	 "a/b", "/",   "a.",	  "-a",
					  "a b", "a..b", ".a",	"a\n", "\xc3\xa4"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(!ctrd__record_id_valid(bad[i]));
		CHECK_INT(ctrd__record_read_at(dir, bad[i], &record), CTRD_EINVAL);
	}
	close(dir);
}

TEST(record_ids_keep_to_the_rule)
{
	char id[CTRD_ID_MAX + 2];

	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	CHECK(!ctrd__record_id_valid(id));
	id[CTRD_ID_MAX] = '\0';
	CHECK(ctrd__record_id_valid(id));
	CHECK(ctrd__record_id_valid("a"));
	CHECK(ctrd__record_id_valid("A.b_c-9"));
}

TEST(record_exit_is_what_wait_says)
{
	struct ctrd__record_exit exit;

	ctrd__record_exit_from_wait(&exit, 42 << 8);
	CHECK_INT(exit.code, 42);
	CHECK_INT(exit.flags, 0);
	ctrd__record_exit_from_wait(&exit, SIGSEGV | 0x80);
	CHECK_INT(exit.code, 128 + SIGSEGV);
	CHECK_INT(exit.signal, SIGSEGV);
	CHECK_INT(exit.flags, CTRD_EXIT_SIGNALED | CTRD_EXIT_CORE);
}
