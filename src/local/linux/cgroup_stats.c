/*
 * What a container has used, from the files of its groups. It keeps no history.
 *
 * Each file is opened once and read again by pread(): 16 files cost a tenth of what opening them
 * anew costs. One that is missing is remembered as missing.
 *
 * Invariant: a bit of `has` is set only when the number that the bit is named after was read; what
 * comes with it and could not be read is 0, or UINT64_MAX for limits.
 */
#include "local/linux/cgroup_priv.h"

#include "libctrd/base.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	NOT_OPENED = -1,
	MISSING = -2,
	BUFFER_SIZE = 16384,
};

/* v1 says "no limit" with the greatest page count there is, in bytes: a bit less than this. */
#define V1_UNLIMITED (UINT64_C(0x7fffffffffffffff) - UINT64_C(0xffffff))

enum file_id {
	V1_CPU_USAGE,
	V1_CPU_STAT,
	V1_CPU_THROTTLE,
	V1_MEMORY_USAGE,
	V1_MEMORY_PEAK,
	V1_MEMORY_LIMIT,
	V1_MEMORY_FAILCNT,
	V1_MEMORY_STAT,
	V1_MEMORY_KERNEL,
	V1_MEMORY_OOM,
	V1_SWAP_USAGE,
	V1_SWAP_LIMIT,
	V1_PIDS_CURRENT,
	V1_PIDS_MAX,
	V1_IO_BYTES,
	V1_IO_COUNT,
	V2_CPU_STAT,
	V2_MEMORY_USAGE,
	V2_MEMORY_PEAK,
	V2_MEMORY_LIMIT,
	V2_MEMORY_STAT,
	V2_MEMORY_EVENTS,
	V2_SWAP_USAGE,
	V2_SWAP_LIMIT,
	V2_PIDS_CURRENT,
	V2_PIDS_MAX,
	V2_IO_STAT,
	V2_CPU_PRESSURE,
	V2_MEMORY_PRESSURE,
	V2_IO_PRESSURE,
	FILE_COUNT,
};
_Static_assert((int)FILE_COUNT <= CTRD__CGROUP_FILES, "a slot for each file");

/* Where each is, and what else it may be called. */
static const struct {
	const char *controller;
	const char *names[3];
} files[FILE_COUNT] = {
	[V1_CPU_USAGE] = {"cpuacct", {"cpuacct.usage"}},
	[V1_CPU_STAT] = {"cpuacct", {"cpuacct.stat"}},
	[V1_CPU_THROTTLE] = {"cpu", {"cpu.stat"}},
	[V1_MEMORY_USAGE] = {"memory", {"memory.usage_in_bytes"}},
	[V1_MEMORY_PEAK] = {"memory", {"memory.max_usage_in_bytes"}},
	[V1_MEMORY_LIMIT] = {"memory", {"memory.limit_in_bytes"}},
	[V1_MEMORY_FAILCNT] = {"memory", {"memory.failcnt"}},
	[V1_MEMORY_STAT] = {"memory", {"memory.stat"}},
	[V1_MEMORY_KERNEL] = {"memory", {"memory.kmem.usage_in_bytes"}},
	[V1_MEMORY_OOM] = {"memory", {"memory.oom_control"}},
	[V1_SWAP_USAGE] = {"memory", {"memory.memsw.usage_in_bytes"}},
	[V1_SWAP_LIMIT] = {"memory", {"memory.memsw.limit_in_bytes"}},
	[V1_PIDS_CURRENT] = {"pids", {"pids.current"}},
	[V1_PIDS_MAX] = {"pids", {"pids.max"}},
	[V1_IO_BYTES] = {"blkio",
			 {"blkio.throttle.io_service_bytes_recursive",
			  "blkio.throttle.io_service_bytes",
			  "blkio.bfq.io_service_bytes_recursive"}},
	[V1_IO_COUNT] = {"blkio",
			 {"blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced",
			  "blkio.bfq.io_serviced_recursive"}},
	[V2_CPU_STAT] = {"", {"cpu.stat"}},
	[V2_MEMORY_USAGE] = {"", {"memory.current"}},
	[V2_MEMORY_PEAK] = {"", {"memory.peak"}},
	[V2_MEMORY_LIMIT] = {"", {"memory.max"}},
	[V2_MEMORY_STAT] = {"", {"memory.stat"}},
	[V2_MEMORY_EVENTS] = {"", {"memory.events"}},
	[V2_SWAP_USAGE] = {"", {"memory.swap.current"}},
	[V2_SWAP_LIMIT] = {"", {"memory.swap.max"}},
	[V2_PIDS_CURRENT] = {"", {"pids.current"}},
	[V2_PIDS_MAX] = {"", {"pids.max"}},
	[V2_IO_STAT] = {"", {"io.stat"}},
	[V2_CPU_PRESSURE] = {"", {"cpu.pressure"}},
	[V2_MEMORY_PRESSURE] = {"", {"memory.pressure"}},
	[V2_IO_PRESSURE] = {"", {"io.pressure"}},
};

/* One reading. */
struct reader {
	struct ctrd__cgroup *cgroup;
	ctrd_stats *stats;
	int error;  /* what stopped it: the machine is short of something */
	bool found; /* a file could be read, whatever it held */
	char buf[BUFFER_SIZE];
};

/* Open one of the names of a file; MISSING when there is none, NOT_OPENED when it cannot be done. */
static int open_names(const char *dir, const char *const names[3], int *ret_error)
{
	CTRD__AUTO_CLOSE int dirfd = -1;
	int r = ctrd__cgroup_open_dir(dir, &dirfd);

	for (int i = 0; r == CTRD_OK && i < 3 && names[i]; i++) {
		int fd = openat(dirfd, names[i], O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

		fd = ctrd__fd_above_2(fd);
		if (fd >= 0)
			return fd;
		r = errno == ENOENT ? CTRD_OK : ctrd__cgroup_fail(errno);
	}
	if (r == CTRD_ERESOURCES || r == CTRD_ENOMEM) {
		*ret_error = r;
		return NOT_OPENED;
	}
	return MISSING;
}

/* The content from offset on, in the reader's buffer; false when it cannot be had. */
static bool read_at(struct reader *reader, enum file_id id, off_t offset, struct ctrd__slice *ret)
{
	int *fd = &reader->cgroup->files[id];
	ssize_t n;

	if (*fd == NOT_OPENED) {
		const char *dir = ctrd__cgroup_dir(reader->cgroup, files[id].controller);

		*fd = dir ? open_names(dir, files[id].names, &reader->error) : MISSING;
	}
	if (*fd < 0)
		return false;
	n = pread(*fd, reader->buf, sizeof(reader->buf), offset);
	/* ENODEV: the group was removed. EOPNOTSUPP: pressure, where that is switched off. */
	if (n < 0)
		return false;
	reader->found = true;
	*ret = (struct ctrd__slice){reader->buf, (size_t)n};
	return true;
}

/* Files with as many lines as there are devices may be longer than the buffer: call fn for each. */
typedef void line_fn(struct ctrd__slice line, ctrd_stats *stats);

static bool each_line(struct reader *reader, enum file_id id, line_fn *fn)
{
	struct ctrd__slice rest, line;
	off_t offset = 0;

	for (;;) {
		if (!read_at(reader, id, offset, &rest))
			return offset > 0;
		/* Less than asked for is all that is left: these files are made whole. */
		if (rest.len < sizeof(reader->buf)) {
			while (ctrd__slice_next_line(&rest, &line))
				fn(line, reader->stats);
			return true;
		}
		while (ctrd__slice_cut(&rest, '\n', &line))
			fn(line, reader->stats);
		/* A line that fills the buffer is none of the kernel's. */
		if (rest.len == sizeof(reader->buf))
			return true;
		offset += (off_t)(sizeof(reader->buf) - rest.len);
	}
}

static bool read_number(struct reader *reader, enum file_id id, uint64_t *ret)
{
	struct ctrd__slice text, line;

	return read_at(reader, id, 0, &text) && ctrd__slice_next_line(&text, &line) &&
	       ctrd__slice_number(line, ret);
}

/* Lines "key value"; found is set for each that is there. */
struct wanted {
	const char *key;
	uint64_t *value;
	bool found;
};

static bool read_keys(struct reader *reader, enum file_id id, struct wanted *wanted, size_t count)
{
	struct ctrd__slice text, line, key;
	size_t left = count;

	if (!read_at(reader, id, 0, &text))
		return false;
	while (left && ctrd__slice_next_line(&text, &line)) {
		uint64_t value;

		if (!ctrd__slice_cut(&line, ' ', &key))
			continue;
		for (size_t i = 0; i < count; i++) {
			/* The first byte first: most lines are not wanted. */
			if (wanted[i].found || !key.len || wanted[i].key[0] != key.data[0] ||
			    !ctrd__slice_is(key, wanted[i].key))
				continue;
			if (ctrd__slice_number(line, &value)) {
				*wanted[i].value = value;
				wanted[i].found = true;
				left--;
			}
			break;
		}
	}
	return true;
}

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static uint64_t scale(uint64_t value, uint64_t factor)
{
	return value > UINT64_MAX / factor ? UINT64_MAX : value * factor;
}

static void add(uint64_t *sum, uint64_t value)
{
	*sum = value > UINT64_MAX - *sum ? UINT64_MAX : *sum + value;
}

/* CPU */

static void read_cpu_v1(struct reader *reader)
{
	ctrd_stats *stats = reader->stats;
	uint64_t user = 0, system = 0;
	struct wanted times[] = {{"user", &user, false}, {"system", &system, false}};
	struct wanted throttle[] = {
		{"nr_periods", &stats->cpu_periods, false},
		{"nr_throttled", &stats->cpu_throttled_periods, false},
		{"throttled_time", &stats->cpu_throttled_ns, false},
	};

	if (read_number(reader, V1_CPU_USAGE, &stats->cpu_usage_ns)) {
		long ticks = sysconf(_SC_CLK_TCK);
		uint64_t tick_ns = UINT64_C(1000000000) / (ticks > 0 ? (uint64_t)ticks : 100);

		stats->has |= CTRD_STATS_CPU;
		(void)read_keys(reader, V1_CPU_STAT, times, COUNT(times));
		stats->cpu_user_ns = scale(user, tick_ns);
		stats->cpu_system_ns = scale(system, tick_ns);
	}
	if (read_keys(reader, V1_CPU_THROTTLE, throttle, COUNT(throttle)) && throttle[0].found)
		stats->has |= CTRD_STATS_THROTTLE;
}

static void read_cpu_v2(struct reader *reader)
{
	ctrd_stats *stats = reader->stats;
	uint64_t usage = 0, user = 0, system = 0, periods = 0, throttled = 0, throttled_us = 0;
	struct wanted wanted[] = {
		{"usage_usec", &usage, false},	     {"user_usec", &user, false},
		{"system_usec", &system, false},     {"nr_periods", &periods, false},
		{"nr_throttled", &throttled, false}, {"throttled_usec", &throttled_us, false},
	};

	if ((stats->has & CTRD_STATS_CPU) && (stats->has & CTRD_STATS_THROTTLE))
		return;
	if (!read_keys(reader, V2_CPU_STAT, wanted, COUNT(wanted)))
		return;
	if (!(stats->has & CTRD_STATS_CPU) && wanted[0].found) {
		stats->has |= CTRD_STATS_CPU;
		stats->cpu_usage_ns = scale(usage, 1000);
		stats->cpu_user_ns = scale(user, 1000);
		stats->cpu_system_ns = scale(system, 1000);
	}
	/* Without the controller of v2 only the times are there. */
	if (!(stats->has & CTRD_STATS_THROTTLE) && wanted[3].found) {
		stats->has |= CTRD_STATS_THROTTLE;
		stats->cpu_periods = periods;
		stats->cpu_throttled_periods = throttled;
		stats->cpu_throttled_ns = scale(throttled_us, 1000);
	}
}

/* Memory */

static void read_limit_v1(struct reader *reader, enum file_id id, uint64_t *limit)
{
	if (!read_number(reader, id, limit) || *limit >= V1_UNLIMITED)
		*limit = UINT64_MAX;
}

static void read_swap_v1(struct reader *reader)
{
	ctrd_stats *stats = reader->stats;
	uint64_t both, limit;

	/* Counted together with memory, and read at another moment: less than it is none. */
	if (!read_number(reader, V1_SWAP_USAGE, &both))
		return;
	stats->has |= CTRD_STATS_SWAP;
	if (both > stats->memory_usage_bytes)
		stats->swap_usage_bytes = both - stats->memory_usage_bytes;
	read_limit_v1(reader, V1_SWAP_LIMIT, &limit);
	if (limit != UINT64_MAX)
		limit = limit > stats->memory_limit_bytes ? limit - stats->memory_limit_bytes : 0;
	stats->swap_limit_bytes = limit;
}

static void read_memory_v1(struct reader *reader)
{
	ctrd_stats *stats = reader->stats;
	struct wanted wanted[] = {
		{"total_rss", &stats->memory_anon_bytes, false},
		{"total_cache", &stats->memory_file_bytes, false},
		{"total_inactive_file", &stats->memory_inactive_file_bytes, false},
	};
	struct wanted oom = {"oom_kill", &stats->oom_kills, false};

	if (read_keys(reader, V1_MEMORY_OOM, &oom, 1) && oom.found)
		stats->has |= CTRD_STATS_OOM;
	if (!read_number(reader, V1_MEMORY_USAGE, &stats->memory_usage_bytes))
		return;
	stats->has |= CTRD_STATS_MEMORY;
	(void)read_number(reader, V1_MEMORY_PEAK, &stats->memory_peak_bytes);
	(void)read_number(reader, V1_MEMORY_FAILCNT, &stats->memory_limit_hits);
	(void)read_number(reader, V1_MEMORY_KERNEL, &stats->memory_kernel_bytes);
	read_limit_v1(reader, V1_MEMORY_LIMIT, &stats->memory_limit_bytes);
	(void)read_keys(reader, V1_MEMORY_STAT, wanted, COUNT(wanted));
	read_swap_v1(reader);
}

static void read_memory_stat_v2(struct reader *reader)
{
	ctrd_stats *stats = reader->stats;
	uint64_t kernel = 0, slab = 0, stack = 0, tables = 0, percpu = 0;
	struct wanted wanted[] = {
		{"anon", &stats->memory_anon_bytes, false},
		{"file", &stats->memory_file_bytes, false},
		{"inactive_file", &stats->memory_inactive_file_bytes, false},
		{"kernel", &kernel, false},
		{"kernel_stack", &stack, false},
		{"pagetables", &tables, false},
		{"percpu", &percpu, false},
		{"slab", &slab, false},
	};

	(void)read_keys(reader, V2_MEMORY_STAT, wanted, COUNT(wanted));
	/* Before Linux 5.18 the parts are there, the sum is not. */
	if (!wanted[3].found) {
		add(&kernel, slab);
		add(&kernel, stack);
		add(&kernel, tables);
		add(&kernel, percpu);
	}
	stats->memory_kernel_bytes = kernel;
}

static void read_memory_v2(struct reader *reader)
{
	ctrd_stats *stats = reader->stats;
	uint64_t hits = 0, kills = 0;
	struct wanted events[] = {{"max", &hits, false}, {"oom_kill", &kills, false}};

	/* The controller is in one hierarchy: v1 has it. */
	if (stats->has & (CTRD_STATS_MEMORY | CTRD_STATS_OOM))
		return;
	(void)read_keys(reader, V2_MEMORY_EVENTS, events, COUNT(events));
	if (events[1].found) {
		stats->has |= CTRD_STATS_OOM;
		stats->oom_kills = kills;
	}
	if (!read_number(reader, V2_MEMORY_USAGE, &stats->memory_usage_bytes))
		return;
	stats->has |= CTRD_STATS_MEMORY;
	stats->memory_limit_hits = hits;
	(void)read_number(reader, V2_MEMORY_PEAK, &stats->memory_peak_bytes);
	if (!read_number(reader, V2_MEMORY_LIMIT, &stats->memory_limit_bytes))
		stats->memory_limit_bytes = UINT64_MAX;
	read_memory_stat_v2(reader);
	if (!read_number(reader, V2_SWAP_USAGE, &stats->swap_usage_bytes))
		return;
	stats->has |= CTRD_STATS_SWAP;
	if (!read_number(reader, V2_SWAP_LIMIT, &stats->swap_limit_bytes))
		stats->swap_limit_bytes = UINT64_MAX;
}

/* Processes */

static void read_pids(struct reader *reader, enum file_id current, enum file_id max)
{
	ctrd_stats *stats = reader->stats;

	if ((stats->has & CTRD_STATS_PIDS) || !read_number(reader, current, &stats->pids_current))
		return;
	stats->has |= CTRD_STATS_PIDS;
	if (!read_number(reader, max, &stats->pids_limit))
		stats->pids_limit = UINT64_MAX;
}

/* Devices */

/* "MAJOR:MINOR Read N"; the line "Total N" is over all of them and over all kinds. */
static void add_io_v1(struct ctrd__slice line, uint64_t *reads, uint64_t *writes)
{
	struct ctrd__slice device, kind;
	uint64_t value;

	if (!ctrd__slice_cut(&line, ' ', &device) || !ctrd__slice_cut(&line, ' ', &kind) ||
	    !ctrd__slice_number(line, &value))
		return;
	if (ctrd__slice_is(kind, "Read"))
		add(reads, value);
	else if (ctrd__slice_is(kind, "Write"))
		add(writes, value);
}

static void add_io_bytes_v1(struct ctrd__slice line, ctrd_stats *stats)
{
	add_io_v1(line, &stats->io_read_bytes, &stats->io_write_bytes);
}

static void add_io_count_v1(struct ctrd__slice line, ctrd_stats *stats)
{
	add_io_v1(line, &stats->io_reads, &stats->io_writes);
}

/* "MAJOR:MINOR rbytes=N wbytes=N rios=N wios=N dbytes=N dios=N" */
static void add_io_v2(struct ctrd__slice line, ctrd_stats *stats)
{
	struct ctrd__slice word, key;
	bool more = true;

	while (more) {
		uint64_t value;

		more = ctrd__slice_cut(&line, ' ', &word);
		if (!more)
			word = line;
		if (!ctrd__slice_cut(&word, '=', &key) || !ctrd__slice_number(word, &value))
			continue;
		if (ctrd__slice_is(key, "rbytes"))
			add(&stats->io_read_bytes, value);
		else if (ctrd__slice_is(key, "wbytes"))
			add(&stats->io_write_bytes, value);
		else if (ctrd__slice_is(key, "rios"))
			add(&stats->io_reads, value);
		else if (ctrd__slice_is(key, "wios"))
			add(&stats->io_writes, value);
	}
}

static void read_io(struct reader *reader)
{
	ctrd_stats *stats = reader->stats;

	if (each_line(reader, V1_IO_BYTES, add_io_bytes_v1)) {
		stats->has |= CTRD_STATS_IO;
		(void)each_line(reader, V1_IO_COUNT, add_io_count_v1);
	} else if (each_line(reader, V2_IO_STAT, add_io_v2)) {
		stats->has |= CTRD_STATS_IO;
	}
}

/* Pressure: "some avg10=0.00 avg60=0.00 avg300=0.00 total=N", then "full ...". */

static void read_pressure_of(struct reader *reader, enum file_id id, uint64_t *total)
{
	struct ctrd__slice text, line, word;
	uint64_t value;

	if (!read_at(reader, id, 0, &text))
		return;
	while (ctrd__slice_next_line(&text, &line)) {
		if (!ctrd__slice_cut(&line, ' ', &word) || !ctrd__slice_is(word, "some"))
			continue;
		while (ctrd__slice_cut(&line, ' ', &word))
			;
		if (!ctrd__slice_cut(&line, '=', &word) || !ctrd__slice_is(word, "total") ||
		    !ctrd__slice_number(line, &value))
			return;
		*total = value;
		reader->stats->has |= CTRD_STATS_PRESSURE;
	}
}

int ctrd__cgroup_stats(struct ctrd__cgroup *cgroup, ctrd_stats *ret_stats)
{
	ctrd_stats stats = CTRD_STATS_INIT;
	struct reader reader;

	/* Not as a whole: the buffer is large and is written before it is read. */
	reader.cgroup = cgroup;
	reader.stats = &stats;
	reader.error = CTRD_OK;
	reader.found = false;
	stats.time_ns = ctrd__now_real_ns();
	read_cpu_v1(&reader);
	read_cpu_v2(&reader);
	read_memory_v1(&reader);
	read_memory_v2(&reader);
	read_pids(&reader, V1_PIDS_CURRENT, V1_PIDS_MAX);
	read_pids(&reader, V2_PIDS_CURRENT, V2_PIDS_MAX);
	read_io(&reader);
	read_pressure_of(&reader, V2_CPU_PRESSURE, &stats.cpu_some_total_us);
	read_pressure_of(&reader, V2_MEMORY_PRESSURE, &stats.memory_some_total_us);
	read_pressure_of(&reader, V2_IO_PRESSURE, &stats.io_some_total_us);
	if (reader.error < 0)
		return reader.error;
	if (cgroup->count && !reader.found) {
		/* What was remembered as missing may come with the next life of that name. */
		ctrd__cgroup_drop_fds(cgroup);
		return ctrd__cgroup_fail(ENODEV);
	}
	*ret_stats = stats;
	return CTRD_OK;
}
