/*
 * The process records: format, parse, and the few system calls around their files. It does not
 * decide what a record means (whether the process is still alive, who may write); that is the
 * monitor's and the client's job.
 *
 * Invariant: nothing here allocates, a slot is written by one pwrite() over bytes that are already
 * there, and a line is believed only when its checksum holds. Test: tests/unit/test_record.c.
 */
#include "local/record.h"

#include "util/cleanup.h"
#include "util/crc32.h"
#include "util/file.h"
#include "util/os.h"

#include <libctrd/event.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORD_VERSION "ctrd1"
#define WORD_CRC     " crc="

enum {
	CRC_DIGITS = 8,
};

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ctrd__record_id_valid(const char *id)
{
	size_t len = strlen(id);

	if (len == 0 || len > CTRD_ID_MAX || !is_alnum(id[0]) || !is_alnum(id[len - 1]))
		return false;
	for (size_t i = 1; i < len; i++) {
		if (is_alnum(id[i]))
			continue;
		if ((id[i] != '.' && id[i] != '_' && id[i] != '-') || !is_alnum(id[i - 1]))
			return false;
	}
	return true;
}

void ctrd__record_name(char ret_name[CTRD__RECORD_NAME_SIZE], const char *process_id)
{
	(void)snprintf(ret_name, CTRD__RECORD_NAME_SIZE, CTRD__RECORD_PREFIX "%s", process_id);
}

/*
 * Format
 */

/* The slot holds a line of len bytes: add its checksum, pad, end. */
static void seal(char *slot, size_t len)
{
	char word[sizeof(WORD_CRC) + CRC_DIGITS];

	(void)snprintf(word, sizeof(word), WORD_CRC "%08" PRIx32, ctrd__crc32(0, slot, len));
	memcpy(slot + len, word, sizeof(word) - 1);
	len += sizeof(word) - 1;
	memset(slot + len, ' ', CTRD__RECORD_SLOT - 1 - len);
	slot[CTRD__RECORD_SLOT - 1] = '\n';
}

void ctrd__record_format_start(char ret_slot[CTRD__RECORD_SLOT],
			       const struct ctrd__record_start *start)
{
	int n = snprintf(ret_slot, CTRD__RECORD_SLOT,
			 WORD_VERSION " start pid=%" PRIu32 " start_time=%" PRIu64 " inode=%" PRIu64
				      " time=%" PRId64 " started=%d terminal=%d boot=%.36s",
			 start->pid, start->start_time, start->inode, start->time_ns,
			 start->started, start->terminal, start->boot_id);

	seal(ret_slot, (size_t)n);
}

void ctrd__record_format_exit(char ret_slot[CTRD__RECORD_SLOT],
			      const struct ctrd__record_exit *exit)
{
	int n = snprintf(ret_slot, CTRD__RECORD_SLOT,
			 WORD_VERSION " exit code=%" PRIu32 " signal=%" PRId32 " flags=%" PRIu32
				      " time=%" PRId64 " oom=%d",
			 exit->code, exit->signal, exit->flags, exit->time_ns,
			 (exit->flags & CTRD_EXIT_OOM) != 0);

	seal(ret_slot, (size_t)n);
}

/*
 * Parse
 */

/* A line being read: p moves on, end stays. */
struct line {
	const char *p;
	const char *end;
};

static bool skip_text(struct line *line, const char *text)
{
	size_t len = strlen(text);

	if ((size_t)(line->end - line->p) < len || memcmp(line->p, text, len) != 0)
		return false;
	line->p += len;
	return true;
}

static bool read_unsigned(struct line *line, const char *key, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *first;

	if (!skip_text(line, key))
		return false;
	first = line->p;
	for (; line->p < line->end && *line->p >= '0' && *line->p <= '9'; line->p++) {
		unsigned int digit = (unsigned int)(*line->p - '0');

		if (value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return line->p > first;
}

static bool read_signed(struct line *line, const char *key, int64_t max, int64_t *ret_value)
{
	uint64_t value;
	bool negative;

	if (!skip_text(line, key))
		return false;
	negative = skip_text(line, "-");
	if (!read_unsigned(line, "", (uint64_t)max, &value))
		return false;
	*ret_value = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool read_boot_id(struct line *line, char ret_id[CTRD__RECORD_BOOT_ID_SIZE])
{
	size_t len = 0;

	if (!skip_text(line, " boot="))
		return false;
	while (line->p < line->end && *line->p != ' ') {
		if (len == CTRD__RECORD_BOOT_ID_SIZE - 1 ||
		    (!is_alnum(*line->p) && *line->p != '-'))
			return false;
		ret_id[len++] = *line->p++;
	}
	ret_id[len] = '\0';
	return true;
}

/* Words that a later release of this version appended are of no interest: they follow a space. */
static bool ends_here(const struct line *line)
{
	return line->p == line->end || *line->p == ' ';
}

static bool parse_start(struct line *line, struct ctrd__record_start *ret_start)
{
	struct ctrd__record_start start;
	uint64_t pid, started, terminal;

	memset(&start, 0, sizeof(start));
	if (!read_unsigned(line, " pid=", UINT32_MAX, &pid) ||
	    !read_unsigned(line, " start_time=", UINT64_MAX, &start.start_time) ||
	    !read_unsigned(line, " inode=", UINT64_MAX, &start.inode) ||
	    !read_signed(line, " time=", INT64_MAX, &start.time_ns) ||
	    !read_unsigned(line, " started=", 1, &started) ||
	    !read_unsigned(line, " terminal=", 1, &terminal) ||
	    !read_boot_id(line, start.boot_id) || !ends_here(line))
		return false;
	start.pid = (uint32_t)pid;
	start.started = started != 0;
	start.terminal = terminal != 0;
	*ret_start = start;
	return true;
}

static bool parse_exit(struct line *line, struct ctrd__record_exit *ret_exit)
{
	struct ctrd__record_exit exit;
	uint64_t code, flags, oom;
	int64_t signal;

	memset(&exit, 0, sizeof(exit));
	if (!read_unsigned(line, " code=", 255, &code) ||
	    !read_signed(line, " signal=", INT32_MAX, &signal) ||
	    !read_unsigned(line, " flags=", UINT32_MAX, &flags) ||
	    !read_signed(line, " time=", INT64_MAX, &exit.time_ns) ||
	    !read_unsigned(line, " oom=", 1, &oom) || !ends_here(line))
		return false;
	exit.code = (uint32_t)code;
	exit.signal = (int32_t)signal;
	exit.flags = (uint32_t)flags | (oom ? CTRD_EXIT_OOM : 0);
	*ret_exit = exit;
	return true;
}

static bool parse_hex(const char *digits, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (int i = 0; i < CRC_DIGITS; i++) {
		char c = digits[i];

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret_value = value;
	return true;
}

/* The text of a slot without padding and checksum; false when there is none, or a damaged one. */
static bool unseal(const char *slot, struct line *ret_line)
{
	const size_t word = sizeof(WORD_CRC) - 1 + CRC_DIGITS;
	size_t len = CTRD__RECORD_SLOT;
	uint32_t crc;

	if (slot[len - 1] != '\n')
		return false;
	len--;
	while (len > 0 && slot[len - 1] == ' ')
		len--;
	if (len < word || memcmp(slot + len - word, WORD_CRC, sizeof(WORD_CRC) - 1) != 0 ||
	    !parse_hex(slot + len - CRC_DIGITS, &crc))
		return false;
	len -= word;
	if (crc != ctrd__crc32(0, slot, len))
		return false;
	ret_line->p = slot;
	ret_line->end = slot + len;
	return true;
}

int ctrd__record_parse(const void *data, size_t len, struct ctrd__record *ret_record)
{
	const char *bytes = data;
	struct ctrd__record record;
	struct line line;

	memset(&record, 0, sizeof(record));
	if (len >= CTRD__RECORD_START_OFFSET + CTRD__RECORD_SLOT &&
	    unseal(bytes + CTRD__RECORD_START_OFFSET, &line)) {
		if (!skip_text(&line, WORD_VERSION " start") || !parse_start(&line, &record.start))
			return CTRD_EABI;
		record.has_start = true;
	}
	if (len >= CTRD__RECORD_EXIT_OFFSET + CTRD__RECORD_SLOT &&
	    unseal(bytes + CTRD__RECORD_EXIT_OFFSET, &line)) {
		if (!skip_text(&line, WORD_VERSION " exit") || !parse_exit(&line, &record.exit))
			return CTRD_EABI;
		record.has_exit = true;
	}
	*ret_record = record;
	return CTRD_OK;
}

/*
 * Files
 */

static int fail(int err)
{
	errno = err;
	return ctrd__status_from_errno(err);
}

static int open_record(int dirfd, const char *process_id, int flags, int *ret_fd)
{
	char name[CTRD__RECORD_NAME_SIZE];
	CTRD__AUTO_CLOSE int fd = -1;
	struct stat st;

	if (!ctrd__record_id_valid(process_id))
		return fail(EINVAL);
	ctrd__record_name(name, process_id);
	fd = ctrd__fd_above_2(
		openat(dirfd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600));
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(errno);
	if (!S_ISREG(st.st_mode))
		return fail(EINVAL);
	*ret_fd = ctrd__take_fd(fd);
	return CTRD_OK;
}

static int write_at(int fd, const char *data, size_t len, off_t offset)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(n < 0 ? errno : ENOSPC);
		data += n;
		len -= (size_t)n;
		offset += n;
	}
	return CTRD_OK;
}

/* Written, not only reserved: some file systems keep no promise about holes. */
static int write_nothing(int fd)
{
	static const char nothing[CTRD__RECORD_SLOT];
	int r = CTRD_OK;

	for (off_t at = 0; r == CTRD_OK && at < (off_t)CTRD__RECORD_SIZE; at += sizeof(nothing))
		r = write_at(fd, nothing, sizeof(nothing), at);
	return r;
}

int ctrd__record_read_at(int dirfd, const char *process_id, struct ctrd__record *ret_record)
{
	CTRD__AUTO_CLOSE int fd = -1;
	char data[CTRD__RECORD_EXIT_OFFSET + CTRD__RECORD_SLOT];
	size_t len = 0;
	int r;

	r = open_record(dirfd, process_id, O_RDONLY, &fd);
	if (r < 0)
		return r;
	while (len < sizeof(data)) {
		ssize_t n = pread(fd, data + len, sizeof(data) - len, (off_t)len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(errno);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return ctrd__record_parse(data, len, ret_record);
}

int ctrd__record_open_at(int dirfd, const char *process_id, int *ret_fd)
{
	return open_record(dirfd, process_id, O_RDWR, ret_fd);
}

int ctrd__record_create_at(int dirfd, const char *process_id, int *ret_fd)
{
	CTRD__AUTO_CLOSE int fd = -1;
	int r;

	r = open_record(dirfd, process_id, O_RDWR | O_CREAT, &fd);
	if (r < 0)
		return r;
	r = write_nothing(fd);
	if (r < 0) {
		char name[CTRD__RECORD_NAME_SIZE];
		int err = errno;

		ctrd__record_name(name, process_id);
		(void)unlinkat(dirfd, name, 0);
		errno = err;
		return r;
	}
	*ret_fd = ctrd__take_fd(fd);
	return CTRD_OK;
}

int ctrd__record_write_start(int fd, const struct ctrd__record_start *start)
{
	char slot[CTRD__RECORD_SLOT];

	ctrd__record_format_start(slot, start);
	return write_at(fd, slot, sizeof(slot), CTRD__RECORD_START_OFFSET);
}

int ctrd__record_write_exit(int fd, const struct ctrd__record_exit *exit)
{
	char slot[CTRD__RECORD_SLOT];

	ctrd__record_format_exit(slot, exit);
	return write_at(fd, slot, sizeof(slot), CTRD__RECORD_EXIT_OFFSET);
}

void ctrd__record_exit_from_wait(struct ctrd__record_exit *ret_exit, int wait_status)
{
	struct ctrd__record_exit exit;

	memset(&exit, 0, sizeof(exit));
	if (WIFSIGNALED(wait_status)) {
		exit.signal = WTERMSIG(wait_status);
		exit.code = 128u + (uint32_t)exit.signal;
		exit.flags = CTRD_EXIT_SIGNALED | (WCOREDUMP(wait_status) ? CTRD_EXIT_CORE : 0);
	} else {
		exit.code = (uint32_t)WEXITSTATUS(wait_status);
	}
	*ret_exit = exit;
}
