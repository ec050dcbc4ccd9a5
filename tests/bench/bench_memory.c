/*
 * What a monitor adds to each container, with CONTAINERS of them alive that sleep; the library's monitor and, for
 * comparison, conmon.
 *
 * Per monitor: anonymous pages (Anonymous of /proc/PID/smaps_rollup), page tables (VmPTE of /proc/PID/status) and
 * 16 kB of kernel stack for each thread (x86-64). The program's text is in the page cache once for all. Slab memory
 * (task, files, sockets, pipes) has no counter of its own per process; the growth of the whole machine while the
 * containers were made is printed beside, but other programs are in it.
 */
#include "conmon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTAINERS = 100, STACK_KB = 16, PATH_SIZE = 512 };

static const char *const program[] = {"/bin/sleep", "3600", NULL};

/* The number behind `field` of a file of the form "Field:   123 kB". */
static double read_field(const char *path, const char *field)
{
	char line[256];
	double value = -1;
	size_t length = strlen(field);

	FILE *file = fopen(path, "re");
	while (file && value < 0 && fgets(line, sizeof(line), file))
		if (strncmp(line, field, length) == 0 && line[length] == ':')
			value = strtod(line + length + 1, NULL);
	if (file)
		fclose(file);
	if (value < 0)
		bench_die("%s: no %s", path, field);
	return value;
}

static double read_process(pid_t pid, const char *file, const char *field)
{
	char path[64];

	return read_field(bench_format(path, sizeof(path), "/proc/%d/%s", (int)pid, file), field);
}

struct columns {
	struct bench_series anonymous, stack, tables, total, resident;
};

static void add_monitor(struct columns *columns, pid_t pid)
{
	double anonymous = read_process(pid, "smaps_rollup", "Anonymous");
	double stack = read_process(pid, "status", "Threads") * STACK_KB;
	double tables = read_process(pid, "status", "VmPTE");

	bench_add(&columns->anonymous, anonymous);
	bench_add(&columns->stack, stack);
	bench_add(&columns->tables, tables);
	bench_add(&columns->total, anonymous + stack + tables);
	bench_add(&columns->resident, read_process(pid, "status", "VmRSS"));
}

static void print_row(const char *name, struct bench_series *series)
{
	printf("  %-18s median %7.1f   max %7.1f kB\n", name, bench_percentile(series, 50),
	       bench_percentile(series, 100));
}

/* The median of the sums, in MB. */
static double print_columns(const char *name, struct columns *columns)
{
	printf("%s: what each of %zu monitors has\n", name, columns->total.count);
	print_row("anonymous", &columns->anonymous);
	print_row("kernel stack", &columns->stack);
	print_row("page tables", &columns->tables);
	print_row("together", &columns->total);
	print_row("(resident)", &columns->resident);
	double median = bench_percentile(&columns->total, 50) / 1e3 * 1.024;
	bench_clear(&columns->anonymous);
	bench_clear(&columns->stack);
	bench_clear(&columns->tables);
	bench_clear(&columns->total);
	bench_clear(&columns->resident);
	return median;
}

static double machine_kb(void)
{
	return read_field("/proc/meminfo", "AnonPages") +
	       read_field("/proc/meminfo", "KernelStack") +
	       read_field("/proc/meminfo", "PageTables");
}

static char *container_name(char buffer[16], unsigned number)
{
	return bench_format(buffer, 16, "m%u", number);
}

static double measure_library(const struct bench *bench, unsigned count)
{
	char *spec = bench_spec(bench, program, NULL);
	ctrd_client *client = bench_open(bench);
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_delete_options delete = CTRD_DELETE_OPTIONS_INIT;
	struct columns columns;
	char id[16], group[96];
	pid_t *pids = calloc(count + 16, sizeof(*pids));

	memset(&columns, 0, sizeof(columns));
	create.spec = spec;
	delete.flags = CTRD_DELETE_FORCE;
	double before = machine_kb();
	for (unsigned i = 0; i < count; i++) {
		container_name(id, i);
		BENCH_CALL(ctrd_container_create(client, id, &create, BENCH_NOBODY, &op));
		BENCH_CALL(ctrd_container_start(client, id, NULL, BENCH_NOBODY, &op));
	}
	double after = machine_kb();

	bench_format(group, sizeof(group), "%s/monitors", bench->parent);
	size_t found = bench_pids(group, pids, count + 16);
	if (found != count)
		bench_die("%zu monitors in %s for %u containers", found, group, count);
	for (size_t i = 0; i < found; i++)
		add_monitor(&columns, pids[i]);
	double median = print_columns("libctrd", &columns);
	printf("  the machine grew by %.0f kB for each container with its monitor\n",
	       (after - before) / count);

	for (unsigned i = 0; i < count; i++)
		BENCH_CALL(ctrd_container_delete(client, container_name(id, i), &delete,
						 BENCH_NOBODY, &op));
	bench_close(client);
	bench_settle(bench);
	ctrd_free(spec);
	free(pids);
	return median;
}

static void measure_conmon(const struct bench *bench, unsigned count)
{
	struct conmon conmon;
	struct columns columns;
	char id[16], cgroup[96], bundle[PATH_SIZE];

	memset(&columns, 0, sizeof(columns));
	conmon_begin(&conmon, bench);
	double before = machine_kb();
	for (unsigned i = 0; i < count; i++) {
		container_name(id, i);
		bench_format(cgroup, sizeof(cgroup), "%s/box/%s", bench->group, id);
		bench_format(bundle, sizeof(bundle), "%s/%s", conmon.dir, id);
		char *spec = bench_spec(bench, program, cgroup);
		bench_bundle(bundle, spec);
		ctrd_free(spec);
		conmon_create(&conmon, id, bundle);
		conmon_start(&conmon, id);
	}
	double after = machine_kb();

	for (unsigned i = 0; i < count; i++) {
		bench_format(bundle, sizeof(bundle), "%s/m%u", conmon.dir, i);
		add_monitor(&columns, conmon_pid(bundle));
	}
	print_columns("conmon", &columns);
	printf("  the machine grew by %.0f kB for each container with its monitor\n",
	       (after - before) / count);

	for (unsigned i = 0; i < count; i++) {
		container_name(id, i);
		bench_format(bundle, sizeof(bundle), "%s/%s", conmon.dir, id);
		conmon_kill(&conmon, id);
		conmon_wait(&conmon, id);
		conmon_delete(&conmon, id, bundle);
	}
	conmon_end(&conmon);
	bench_settle(bench);
}

static void run(const struct bench *bench)
{
	unsigned count = bench_number("CTRD_BENCH_CONTAINERS", CONTAINERS);

	printf("%u containers that sleep, with %s\n", count, bench->runtime);
	double median = measure_library(bench, count);
	measure_conmon(bench, count);
	bench_verdict("memory that a monitor adds", median, 0.12, "MB");
}

int main(void)
{
	return bench_main("memory", run);
}
