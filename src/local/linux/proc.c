/*
 * Reading /proc. It does not decide what a process is to us; pidfd.c does the holding on.
 *
 * Invariant: a pid alone is never taken for an identity. Whoever compares, compares the start time
 * too, and nothing here allocates, so that it works when memory is short.
 */
#include "local/linux/proc.h"

#include "libctrd/base.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/os.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Fields of stat as proc(5) counts them; the third is the first behind the name. */
enum {
	FIELD_STATE = 3,
	FIELD_PARENT = 4,
	FIELD_USER = 14,
	FIELD_KERNEL = 15,
	FIELD_START = 22,
	FIELD_RSS = 24,
	FIELD_LAST = FIELD_RSS,
	STAT_SIZE =
		1024, /* 52 numbers of 20 digits at most, and the name; what we need comes early */
};

static int fail(int err)
{
	errno = err;
	/* A pid that goes while its file is read says ESRCH. */
	return err == ESRCH ? CTRD_ENOTFOUND : ctrd__status_from_errno(err);
}

/* One number, without sign: what is negative in stat is none of ours. */
static bool parse_number(const char **p, const char *end, uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *start = *p;

	for (; *p < end && isdigit((unsigned char)**p); (*p)++) {
		unsigned int digit = (unsigned int)(**p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*ret_value = value;
	return *p > start;
}

static uint64_t ticks_per_second(void)
{
	long ticks = sysconf(_SC_CLK_TCK);

	return ticks > 0 ? (uint64_t)ticks : 100;
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
	uint64_t per_second = ticks_per_second();
	uint64_t seconds = ticks / per_second;

	if (seconds > UINT64_MAX / UINT64_C(1000000000) - 1)
		return UINT64_MAX;
	return seconds * UINT64_C(1000000000) +
	       ticks % per_second * UINT64_C(1000000000) / per_second;
}

static uint64_t pages_to_bytes(uint64_t pages)
{
	long size = sysconf(_SC_PAGESIZE);
	uint64_t bytes = size > 0 ? (uint64_t)size : 4096;

	return pages > UINT64_MAX / bytes ? UINT64_MAX : pages * bytes;
}

static int take_field(struct ctrd__proc_info *info, int field, const char *p, const char *end)
{
	uint64_t value = 0;

	switch (field) {
	case FIELD_STATE:
		info->state = *p;
		return CTRD_OK;
	case FIELD_PARENT:
	case FIELD_USER:
	case FIELD_KERNEL:
	case FIELD_START:
	case FIELD_RSS:
		break;
	default:
		return CTRD_OK;
	}
	if (!parse_number(&p, end, &value) || p != end)
		return CTRD_EINTERNAL;
	if (field == FIELD_PARENT)
		info->parent = (pid_t)(value & 0x7fffffff);
	else if (field == FIELD_USER)
		info->user_time_ns = ticks_to_ns(value);
	else if (field == FIELD_KERNEL)
		info->kernel_time_ns = ticks_to_ns(value);
	else if (field == FIELD_START)
		info->start_time = value;
	else
		info->memory_bytes = pages_to_bytes(value);
	return CTRD_OK;
}

int ctrd__proc_parse_stat(const char *text, size_t len, struct ctrd__proc_info *ret_info)
{
	struct ctrd__proc_info info;
	const char *end = text + len;
	const char *open = memchr(text, '(', len);
	const char *close = NULL;
	const char *p;
	size_t name_len;

	memset(&info, 0, sizeof(info));
	/* The name may hold spaces and parentheses: it ends at the last one that closes. */
	for (const char *q = text; q < end; q++)
		if (*q == ')')
			close = q;
	if (!open || !close || close < open)
		return fail(EPROTO);
	name_len = (size_t)(close - open) - 1;
	if (name_len > sizeof(info.name) - 1)
		name_len = sizeof(info.name) - 1;
	memcpy(info.name, open + 1, name_len);
	/* A NUL would make the name end early, not be wrong: leave it. */
	p = close + 1;
	for (int field = FIELD_STATE; field <= FIELD_LAST; field++) {
		const char *stop;

		if (p >= end || *p != ' ')
			return fail(EPROTO);
		p++;
		for (stop = p; stop < end && *stop != ' ' && *stop != '\n'; stop++)
			;
		if (stop == p || take_field(&info, field, p, stop) < 0)
			return fail(EPROTO);
		p = stop;
	}
	*ret_info = info;
	return CTRD_OK;
}

/* Read a small file of /proc whole; the length or a status. */
static int read_small(const char *path, char *buf, size_t size)
{
	CTRD__AUTO_CLOSE int fd = -1;
	size_t len = 0;

	fd = ctrd__fd_above_2(open(path, O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return fail(errno);
	while (len < size) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(errno);
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (int)len;
}

int ctrd__proc_read(pid_t pid, struct ctrd__proc_info *ret_info)
{
	char path[sizeof("/proc//stat") + 3 * sizeof(pid_t)];
	char text[STAT_SIZE];
	int n;

	if (pid <= 0)
		return fail(ESRCH);
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = read_small(path, text, sizeof(text));
	if (n < 0)
		return n;
	return ctrd__proc_parse_stat(text, (size_t)n, ret_info);
}

int ctrd__proc_start_time(pid_t pid, uint64_t *ret_start_time)
{
	struct ctrd__proc_info info;
	int r = ctrd__proc_read(pid, &info);

	if (r < 0)
		return r;
	*ret_start_time = info.start_time;
	return CTRD_OK;
}

bool ctrd__proc_same(pid_t pid, uint64_t start_time)
{
	uint64_t now;

	return ctrd__proc_start_time(pid, &now) == CTRD_OK && now == start_time;
}

int64_t ctrd__proc_start_time_real_ns(uint64_t start_time)
{
	struct timespec boot = {0, 0};
	int64_t since_boot;

	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	since_boot = (int64_t)boot.tv_sec * 1000000000 + boot.tv_nsec;
	return ctrd__now_real_ns() - since_boot + (int64_t)(ticks_to_ns(start_time) & INT64_MAX);
}

int ctrd__proc_boot_id(char ret_id[CTRD__BOOT_ID_SIZE])
{
	char text[CTRD__BOOT_ID_SIZE + 1];
	int n = read_small("/proc/sys/kernel/random/boot_id", text, sizeof(text));

	if (n < 0)
		return n;
	if (n < (int)CTRD__BOOT_ID_SIZE - 1)
		return fail(EPROTO);
	for (size_t i = 0; i < CTRD__BOOT_ID_SIZE - 1; i++)
		if (!isxdigit((unsigned char)text[i]) && text[i] != '-')
			return fail(EPROTO);
	memcpy(ret_id, text, CTRD__BOOT_ID_SIZE - 1);
	ret_id[CTRD__BOOT_ID_SIZE - 1] = '\0';
	return CTRD_OK;
}
