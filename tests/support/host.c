/*
 * See host.h. What belongs to a test is told by its tag: it is the namespace, it is in every cgroup
 * path, and host_begin() makes the test's own cgroup, which all that it starts is born into.
 */
#include "host.h"

#include "internal.h"
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_MOUNTS = 32, AWAIT_MS = 60000, GONE_S = 15 };

static struct {
	char tag[32];
	char state_dir[128];
	char cgroup_parent[40];
	bool own_dir;
	char hierarchy[128]; /* mount point of the one that our cgroup is in */
	char host_cgroup[256];
	char origin[1024]; /* cgroup.procs of the cgroup that the test came from */
	int janitor;	   /* write end; its closing without a word is the end of the test */
} host = {.janitor = -1};

static int ready_fd = -1;

/*
 * Files and mounts
 */

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	size_t length = 0;
	ssize_t n;
	while (length < size - 1 && (n = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)n;
	close(fd);
	text[length] = '\0';
	return true;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = write(fd, text, strlen(text));
	close(fd);
	return n >= 0;
}

struct cgroup_mount {
	char point[128];
	char options[160]; /* controllers, "" for v2 */
};

static size_t list_cgroup_mounts(struct cgroup_mount mounts[MAX_MOUNTS])
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[2048];
	size_t count = 0;
	while (file != NULL && count < MAX_MOUNTS && fgets(line, sizeof(line), file) != NULL) {
		char point[128], type[32], options[160];
		const char *tail = strstr(line, " - ");
		if (tail == NULL || sscanf(line, "%*s %*s %*s %*s %127s", point) != 1 ||
		    sscanf(tail, " - %31s %*s %159s", type, options) != 2)
			continue;
		if (strcmp(type, "cgroup") != 0 && strcmp(type, "cgroup2") != 0)
			continue;
		struct cgroup_mount *mount = &mounts[count++];
		snprintf(mount->point, sizeof(mount->point), "%s", point);
		snprintf(mount->options, sizeof(mount->options), "%s",
			 strcmp(type, "cgroup2") == 0 ? "" : options);
	}
	if (file != NULL)
		fclose(file);
	return count;
}

/* Paths, collected by nftw(), which has no room for an argument. */
static struct {
	char **path;
	size_t count;
	const char *part;
} found;

static int find_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (found.part != NULL && (type != FTW_D && type != FTW_DP))
		return 0;
	if (found.part != NULL && strstr(path, found.part) == NULL)
		return 0;
	found.path = realloc(found.path, (found.count + 1) * sizeof(*found.path));
	found.path[found.count++] = strdup(path);
	return 0;
}

static void free_found(void)
{
	for (size_t i = 0; i < found.count; i++)
		free(found.path[i]);
	free(found.path);
	found.path = NULL;
	found.count = 0;
}

/* Every cgroup of ours, deeper ones first. */
static void find_cgroups(void)
{
	struct cgroup_mount mounts[MAX_MOUNTS];
	size_t count = list_cgroup_mounts(mounts);
	free_found();
	found.part = host.tag;
	for (size_t i = 0; i < count; i++)
		nftw(mounts[i].point, find_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/*
 * Processes
 */

size_t host_count(const pid_t *pids)
{
	size_t count = 0;
	while (pids[count] != 0)
		count++;
	return count;
}

bool host_pid_is_in(pid_t pid, const char *cgroup)
{
	char path[64], text[4096];
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	return read_text(path, text, sizeof(text)) && strstr(text, cgroup) != NULL;
}

/* comm, state and parent; false when it has gone. */
static bool look_at(pid_t pid, char comm[32], char *ret_state, pid_t *ret_parent)
{
	char path[64], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (open == NULL || close == NULL)
		return false;
	snprintf(comm, 32, "%.*s", (int)(close - open - 1), open + 1);
	return sscanf(close + 1, " %c %d", ret_state, ret_parent) == 2;
}

pid_t *host_pids(void)
{
	pid_t *pids = malloc(sizeof(*pids));
	size_t count = 0;
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		pid_t pid = atoi(entry->d_name);
		if (pid <= 0 || pid == getpid() || !host_pid_is_in(pid, host.tag))
			continue;
		pids = realloc(pids, (count + 2) * sizeof(*pids));
		pids[count++] = pid;
	}
	if (dir != NULL)
		closedir(dir);
	pids[count] = 0;
	return pids;
}

static bool is_helper(pid_t pid)
{
	char comm[32], state;
	pid_t parent;
	return look_at(pid, comm, &state, &parent) && state != 'Z' &&
	       strcmp(comm, "ctrd-helper") == 0;
}

pid_t *host_monitors(void)
{
	pid_t *pids = host_pids();
	size_t count = 0;
	for (size_t i = 0; pids[i] != 0; i++)
		if (is_helper(pids[i]))
			pids[count++] = pids[i];
	pids[count] = 0;
	return pids;
}

size_t host_monitor_count(void)
{
	pid_t *pids = host_monitors();
	size_t count = host_count(pids);
	free(pids);
	return count;
}

static ino_t pid_namespace(pid_t pid)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static pid_t find_in(const char *cgroup, bool of_runtime)
{
	char path[512], text[8192], comm[32], state;
	pid_t parent;
	snprintf(path, sizeof(path), "%.400s/cgroup.procs", cgroup);
	if (!read_text(path, text, sizeof(text)))
		return 0;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		pid_t pid = atoi(line);
		if (!look_at(pid, comm, &state, &parent) || state == 'Z')
			continue;
		bool child_of_helper = is_helper(parent);
		/* The first process of a container is a child of the monitor, too. */
		if (of_runtime && child_of_helper && pid_namespace(pid) == pid_namespace(getpid()))
			return pid;
		if (!of_runtime && !child_of_helper && strcmp(comm, "ctrd-helper") == 0)
			return pid;
	}
	return 0;
}

pid_t host_find_worker(bool of_runtime)
{
	char path[256];
	snprintf(path, sizeof(path), "%s%s/monitors", host.hierarchy, host.cgroup_parent);
	pid_t pid = find_in(path, of_runtime);
	return pid != 0 ? pid : find_in(host.host_cgroup, of_runtime);
}

int host_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		FAIL("pidfd_open %d: %s", pid, strerror(errno));
	return fd;
}

void host_await_pidfd(int pidfd)
{
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	int r;
	while ((r = poll(&poll_fd, 1, test_timeout_ms(AWAIT_MS))) < 0 && errno == EINTR)
		;
	if (r != 1)
		FAIL("a process does not end");
	close(pidfd);
}

void host_kill(pid_t pid)
{
	int fd = host_pidfd(pid);
	CHECK_INT(kill(pid, SIGKILL), 0);
	host_await_pidfd(fd);
}

bool host_has_exit_info(void)
{
	/* PIDFD_GET_INFO with PIDFD_INFO_EXIT, asked of ourselves: the mask says what is known. */
	struct {
		uint64_t mask;
		uint64_t rest[7];
	} info = {.mask = 1u << 3};
	int fd = host_pidfd(getpid());
	unsigned long request = _IOWR(0xFF, 11, info);
	int r = ioctl(fd, request, &info);
	close(fd);
	if (r != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0)
		_exit(7);
	fd = host_pidfd(pid);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	info.mask = 1u << 3;
	r = ioctl(fd, request, &info);
	close(fd);
	return r == 0 && (info.mask & (1u << 3)) != 0;
}

int64_t host_realtime_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/*
 * The janitor
 */

static void thaw(const char *cgroup)
{
	char path[600];
	snprintf(path, sizeof(path), "%.500s/freezer.state", cgroup);
	write_text(path, "THAWED");
	snprintf(path, sizeof(path), "%.500s/cgroup.freeze", cgroup);
	write_text(path, "0");
}

static void remove_all(void)
{
	/* After 10 s what is left is not ours to solve. */
	for (int64_t end = test_now_ms() + 10000; test_now_ms() < end; test_pause()) {
		find_cgroups();
		for (size_t i = 0; i < found.count; i++)
			thaw(found.path[i]);
		pid_t *pids = host_pids();
		size_t count = host_count(pids);
		for (size_t i = 0; i < count; i++)
			kill(pids[i], SIGKILL);
		free(pids);
		if (count == 0)
			break;
	}
	find_cgroups();
	for (size_t i = 0; i < found.count; i++)
		rmdir(found.path[i]);
	umount2(host.state_dir, MNT_DETACH);
	if (host.own_dir)
		test_remove_tree(host.state_dir);
}

/* A grandchild: the tests with waitpid(-1) are to see none of it. */
static void start_janitor(void)
{
	int ends[2];
	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		if (fork() != 0)
			_exit(0);
		setsid();
		close(ends[1]);
		char word = 0;
		ssize_t n;
		while ((n = read(ends[0], &word, 1)) < 0 && errno == EINTR)
			;
		if (n == 0)
			remove_all();
		_exit(0);
	}
	close(ends[0]);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	host.janitor = ends[1];
}

/*
 * Begin and end
 */

static const struct cgroup_mount *choose_hierarchy(struct cgroup_mount *mounts, size_t count)
{
	static const char *const wanted[] = {"name=systemd", "freezer", "pids"};
	for (size_t i = 0; i < count; i++)
		if (strcmp(mounts[i].point, "/sys/fs/cgroup") == 0)
			return &mounts[i];
	for (size_t w = 0; w < 3; w++)
		for (size_t i = 0; i < count; i++)
			if (strstr(mounts[i].options, wanted[w]) != NULL)
				return &mounts[i];
	FAIL("no cgroup hierarchy to be found in");
}

/* Our own path in that hierarchy. */
static void find_origin(const struct cgroup_mount *mount)
{
	char text[4096];
	CHECK(read_text("/proc/self/cgroup", text, sizeof(text)));
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		char *controllers = strchr(line, ':') + 1, *path = strchr(controllers, ':');
		*path++ = '\0';
		const char *options = mount->options;
		bool same = *options == '\0'
				    ? *controllers == '\0'
				    : *controllers != '\0' && strstr(options, controllers) != NULL;
		if (same)
			snprintf(host.origin, sizeof(host.origin), "%s%.800s/cgroup.procs",
				 mount->point, strcmp(path, "/") == 0 ? "" : path);
	}
	CHECK(*host.origin != '\0');
}

static void enter_cgroup(void)
{
	struct cgroup_mount mounts[MAX_MOUNTS];
	size_t count = list_cgroup_mounts(mounts);
	const struct cgroup_mount *mount = choose_hierarchy(mounts, count);
	find_origin(mount);
	snprintf(host.hierarchy, sizeof(host.hierarchy), "%s", mount->point);
	snprintf(host.host_cgroup, sizeof(host.host_cgroup), "%s/%s-host", mount->point, host.tag);
	if (mkdir(host.host_cgroup, 0755) != 0)
		FAIL("mkdir %s: %s", host.host_cgroup, strerror(errno));
	char path[300];
	snprintf(path, sizeof(path), "%s/cgroup.procs", host.host_cgroup);
	if (!write_text(path, "0"))
		FAIL("%s: %s", path, strerror(errno));
}

static void begin(void)
{
	if (strncmp(test_address(), "local:", 6) != 0)
		SKIP("real containers only");
	snprintf(host.tag, sizeof(host.tag), "ctrdt%d", getpid());
	snprintf(host.cgroup_parent, sizeof(host.cgroup_parent), "/%s", host.tag);
	test_bundle();
	start_janitor();
	enter_cgroup();
}

void host_begin(void)
{
	host.own_dir = true;
	snprintf(host.state_dir, sizeof(host.state_dir), "%s/state", test_tmpdir());
	begin();
}

void host_begin_at(const char *state_dir)
{
	host.own_dir = false;
	snprintf(host.state_dir, sizeof(host.state_dir), "%s", state_dir);
	begin();
}

static bool is_only_ours(void)
{
	find_cgroups();
	return found.count == 1;
}

static bool is_alone(void)
{
	pid_t *pids = host_pids();
	size_t count = host_count(pids);
	free(pids);
	return count == 0;
}

static void print_left(void)
{
	pid_t *pids = host_pids();
	for (size_t i = 0; pids[i] != 0; i++) {
		char comm[32] = "", state = '?';
		pid_t parent = 0;
		look_at(pids[i], comm, &state, &parent);
		test_note("left: process %d (%s), state %c, child of %d", pids[i], comm, state,
			  parent);
	}
	free(pids);
	find_cgroups();
	for (size_t i = 0; i < found.count; i++)
		if (strcmp(found.path[i], host.host_cgroup) != 0)
			test_note("left: cgroup %s", found.path[i]);
}

/* What the library left in a state directory without containers: nothing but directories. */
static void check_files(void)
{
	free_found();
	found.part = NULL;
	nftw(host.state_dir, find_entry, 16, FTW_PHYS | FTW_MOUNT);
	size_t files = 0;
	for (size_t i = 0; i < found.count; i++) {
		struct stat st;
		if (lstat(found.path[i], &st) != 0 || S_ISDIR(st.st_mode))
			continue;
		test_note("left: file %s", found.path[i]);
		files++;
	}
	CHECK_INT(files, 0);
}

static void check_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[2048];
	size_t left = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strstr(line, host.tag) == NULL && strstr(line, host.state_dir) == NULL)
			continue;
		/* A state directory that the test mounted is its own. */
		char point[512];
		if (sscanf(line, "%*s %*s %*s %*s %511s", point) == 1 && !host.own_dir &&
		    strcmp(point, host.state_dir) == 0)
			continue;
		test_note("left: mount %s", line);
		left++;
	}
	fclose(file);
	CHECK_INT(left, 0);
}

void host_check_clean(void)
{
	int64_t end = test_now_ms() + test_timeout_ms(GONE_S * 1000);
	while ((!is_alone() || !is_only_ours()) && test_now_ms() < end)
		test_pause();
	if (!is_alone() || !is_only_ours()) {
		print_left();
		FAIL("something is left, see above");
	}
	check_mounts();
	check_files();
}

void host_end(void)
{
	host_check_clean();
	CHECK(write_text(host.origin, "0"));
	CHECK_INT(rmdir(host.host_cgroup), 0);
	CHECK_INT(write(host.janitor, "q", 1), 1);
	close(host.janitor);
	host.janitor = -1;
	free_found();
}

const char *host_tag(void)
{
	return host.tag;
}

const char *host_state_dir(void)
{
	return host.state_dir;
}

const char *host_name_space(void)
{
	return host.tag;
}

const char *host_runtime(void)
{
	const char *runtime = getenv("CTRD_TEST_RUNTIME");
	if (runtime != NULL)
		return runtime;
	const char *layout = getenv("CTRD_TEST_CGROUP");
	return layout != NULL && strcmp(layout, "v1") == 0 ? "crun" : "runc";
}

/*
 * Clients
 */

static void log_line(int32_t level, const char *line, void *data)
{
	(void)data;
	test_note("[%d] log %d: %s", getpid(), level, line);
}

ctrd_client_options host_options(void)
{
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;
	options.name_space = host.tag;
	options.state_dir = host.state_dir;
	options.cgroup_parent = host.cgroup_parent;
	options.default_runtime = host_runtime();
	options.log.fn = log_line;
	options.log_level = getenv("CTRD_TEST_DEBUG") != NULL ? CTRD_LOG_DEBUG : CTRD_LOG_WARNING;
	return options;
}

static ctrd_client *open_client(const ctrd_client_options *options)
{
	ctrd_client *client = NULL;
	ctrd_error *error = NULL;
	if (ctrd_client_open(test_address(), options, &client, &error) != 0)
		FAIL("open: %s", ctrd_error_message(error));
	return client;
}

ctrd_client *host_open(void)
{
	ctrd_client_options options = host_options();
	return open_client(&options);
}

ctrd_client *host_open_with(uint32_t flags, ctrd_event_handler events)
{
	ctrd_client_options options = host_options();
	options.flags = flags;
	options.events = events;
	return open_client(&options);
}

void host_close(ctrd_client *client)
{
	ctrd_op *op = NULL;
	CHECK_INT(ctrd_client_close(client, NULL, HOST_NO_DONE, &op), 0);
	host_must(op);
	ctrd_client_unref(client);
}

/*
 * Calls
 */

#define CALL(expr)                                                                \
	do {                                                                      \
		ctrd_op *op = NULL;                                               \
		int status = (expr);                                              \
		if (status != 0)                                                  \
			FAIL("no op: %s is %s", #expr, ctrd_status_name(status)); \
		return op;                                                        \
	} while (0)

ctrd_op *host_create(ctrd_client *client, const char *id, const char *spec)
{
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;
	options.spec = spec;
	CALL(ctrd_container_create(client, id, &options, HOST_NO_DONE, &op));
}

ctrd_op *host_task_create(ctrd_client *client, const char *id, const ctrd_stdio *stdio)
{
	ctrd_task_create_options options = CTRD_TASK_CREATE_OPTIONS_INIT;
	options.stdio = stdio;
	CALL(ctrd_task_create(client, id, &options, HOST_NO_DONE, &op));
}

ctrd_op *host_start(ctrd_client *client, const char *id, const ctrd_stdio *stdio)
{
	ctrd_start_options options = CTRD_START_OPTIONS_INIT;
	options.stdio = stdio;
	CALL(ctrd_container_start(client, id, &options, HOST_NO_DONE, &op));
}

ctrd_op *host_exec(ctrd_client *client, const char *id, const char *process_id, const char *process,
		   const ctrd_stdio *stdio)
{
	ctrd_exec_options options = CTRD_EXEC_OPTIONS_INIT;
	options.process = process;
	options.stdio = stdio;
	CALL(ctrd_process_exec(client, id, process_id, &options, HOST_NO_DONE, &op));
}

ctrd_op *host_signal(ctrd_client *client, const char *id, const char *process_id, int signal)
{
	CALL(ctrd_process_signal(client, id, process_id, signal, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_wait(ctrd_client *client, const char *id, const char *process_id)
{
	CALL(ctrd_process_wait(client, id, process_id, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_process_delete(ctrd_client *client, const char *id, const char *process_id)
{
	CALL(ctrd_process_delete(client, id, process_id, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_task_delete(ctrd_client *client, const char *id)
{
	CALL(ctrd_task_delete(client, id, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_delete(ctrd_client *client, const char *id)
{
	CALL(ctrd_container_delete(client, id, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_delete_by_force(ctrd_client *client, const char *id)
{
	ctrd_delete_options options = CTRD_DELETE_OPTIONS_INIT;
	options.flags = CTRD_DELETE_FORCE;
	CALL(ctrd_container_delete(client, id, &options, HOST_NO_DONE, &op));
}

ctrd_op *host_load(ctrd_client *client, const char *id, const ctrd_stdio *stdio)
{
	ctrd_load_options options = CTRD_LOAD_OPTIONS_INIT;
	options.stdio = stdio;
	CALL(ctrd_container_load(client, id, &options, HOST_NO_DONE, &op));
}

ctrd_op *host_pause(ctrd_client *client, const char *id)
{
	CALL(ctrd_container_pause(client, id, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_resume(ctrd_client *client, const char *id)
{
	CALL(ctrd_container_resume(client, id, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_status(ctrd_client *client, const char *id)
{
	CALL(ctrd_container_status(client, id, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_list(ctrd_client *client)
{
	CALL(ctrd_container_list(client, NULL, HOST_NO_DONE, &op));
}

ctrd_op *host_run(ctrd_client *client, const char *id, const char *spec, const ctrd_stdio *stdio)
{
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_run_options options = CTRD_RUN_OPTIONS_INIT;
	create.spec = spec;
	options.create = &create;
	options.stdio = stdio;
	CALL(ctrd_container_run(client, id, &options, HOST_NO_DONE, &op));
}

int host_await(ctrd_op *op)
{
	int r = ctrd_op_wait(op, test_timeout_ms(AWAIT_MS));
	if (r == 1)
		FAIL("%s of \"%s\" \"%s\" does not end", ctrd_op_verb(op), ctrd_op_container_id(op),
		     ctrd_op_process_id(op));
	CHECK_INT(r, 0);
	return ctrd_op_status(op);
}

int host_try(ctrd_op *op)
{
	int status = host_await(op);
	if (status != 0)
		test_note("%s of \"%s\": %s: %s", ctrd_op_verb(op), ctrd_op_container_id(op),
			  ctrd_status_name(status), ctrd_error_message(ctrd_op_error(op)));
	ctrd_op_unref(op);
	return status;
}

static void must(ctrd_op *op)
{
	int status = host_await(op);
	if (status == 0)
		return;
	ctrd_error *error = ctrd_op_error(op);
	FAIL("%s of \"%s\" \"%s\": %s: %s (%s)", ctrd_op_verb(op), ctrd_op_container_id(op),
	     ctrd_op_process_id(op), ctrd_status_name(status), ctrd_error_message(error),
	     ctrd_error_message(ctrd_error_cause(error)));
}

void host_must(ctrd_op *op)
{
	must(op);
	ctrd_op_unref(op);
}

uint32_t host_must_pid(ctrd_op *op)
{
	uint32_t pid = 0;
	must(op);
	CHECK_INT(ctrd_op_get_pid(op, &pid), 0);
	CHECK(pid != 0);
	ctrd_op_unref(op);
	return pid;
}

uint32_t host_must_state(ctrd_op *op)
{
	uint32_t state = 0;
	must(op);
	CHECK_INT(ctrd_op_get_state(op, &state), 0);
	ctrd_op_unref(op);
	return state;
}

ctrd_exit host_must_exit(ctrd_op *op)
{
	ctrd_exit exit = CTRD_EXIT_INIT;
	must(op);
	CHECK_INT(ctrd_op_get_exit(op, &exit), 0);
	ctrd_op_unref(op);
	return exit;
}

ctrd_load_result host_must_load(ctrd_op *op)
{
	ctrd_load_result load = CTRD_LOAD_RESULT_INIT;
	must(op);
	CHECK_INT(ctrd_op_get_load(op, &load), 0);
	ctrd_op_unref(op);
	return load;
}

uint32_t host_make(ctrd_client *client, const char *id, const char *spec, const ctrd_stdio *stdio)
{
	host_must(host_create(client, id, spec));
	return host_must_pid(host_start(client, id, stdio));
}

void host_check_code(const ctrd_exit *exit, int code)
{
	if (exit->code != (uint32_t)code ||
	    (exit->flags & (CTRD_EXIT_SIGNALED | CTRD_EXIT_UNKNOWN)))
		FAIL("exit code %u, flags %#x, signal %d: expected code %d", exit->code,
		     exit->flags, exit->signal, code);
	CHECK(exit->exited_at_ns > 0 && exit->exited_at_ns <= host_realtime_ns());
}

void host_check_signal(const ctrd_exit *exit, int signal)
{
	uint32_t flags = exit->flags & ~(uint32_t)(CTRD_EXIT_CORE | CTRD_EXIT_INFERRED);
	if (exit->code != 128u + (uint32_t)signal || flags != CTRD_EXIT_SIGNALED ||
	    exit->signal != signal)
		FAIL("exit code %u, flags %#x, signal %d: expected death by %d", exit->code,
		     exit->flags, exit->signal, signal);
	CHECK(exit->exited_at_ns > 0 && exit->exited_at_ns <= host_realtime_ns());
}

/*
 * Specs and streams
 */

struct change {
	test_spec_change next;
	void *data;
};

/* The program is beside the test, in a directory that has a place in every root file system. */
static void add_actor(ctrd_spec *spec, void *data)
{
	const struct change *change = data;
	char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 16);
	CHECK(n > 0);
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/local");
	CHECK_INT(ctrd_spec_add_mount(spec, path, "/tmp", 1), 0);
	if (change->next != NULL)
		change->next(spec, change->data);
}

char *host_actor_with(test_spec_change next, void *data, const char *verb, const char *arg1,
		      const char *arg2)
{
	struct change change = {next, data};
	return test_spec_with(test_bundle(), add_actor, &change, "/tmp/actor", verb, arg1,
			      arg1 != NULL ? arg2 : NULL, NULL);
}

char *host_actor(const char *verb, const char *arg1, const char *arg2)
{
	return host_actor_with(NULL, NULL, verb, arg1, arg2);
}

static int take_out(const char *container_id, const char *process_id, const ctrd_stdio_ends *ends,
		    void *data)
{
	(void)container_id;
	(void)process_id;
	if (ends->in >= 0)
		close(ends->in);
	if (ends->err >= 0)
		close(ends->err);
	*(int *)data = ends->out;
	return 0;
}

ctrd_stdio host_out_to(int *ret_fd)
{
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	stdio.out = CTRD_STREAM_PIPE;
	stdio.attach = take_out;
	stdio.data = ret_fd;
	*ret_fd = -1;
	return stdio;
}

/*
 * Embedders
 */

pid_t host_fork(void (*fn)(void *data), void *data)
{
	int ends[2];
	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		ready_fd = ends[1];
		fn(data);
		for (;;)
			pause();
	}
	close(ends[1]);
	char word;
	struct pollfd poll_fd = {.fd = ends[0], .events = POLLIN};
	if (poll(&poll_fd, 1, test_timeout_ms(2 * AWAIT_MS)) != 1 || read(ends[0], &word, 1) != 1)
		FAIL("the child is not ready");
	close(ends[0]);
	return pid;
}

void host_child_ready(void)
{
	CHECK_INT(write(ready_fd, "r", 1), 1);
}

void host_reap(pid_t pid)
{
	kill(pid, SIGKILL);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
}

/*
 * Snapshots
 */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_line(const char *what, const char *name)
{
	char line[1200];
	snprintf(line, sizeof(line), "%s %s", what, name);
	found.path = realloc(found.path, (found.count + 1) * sizeof(*found.path));
	found.path[found.count++] = strdup(line);
}

static void add_mounts(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[1024];
	while (fgets(line, sizeof(line), file) != NULL)
		if (strstr(line, host.tag) != NULL || strstr(line, "/ctrd-") != NULL)
			add_line("mount", line);
	fclose(file);
}

char *host_snapshot(void)
{
	char number[32];
	find_cgroups();
	found.part = NULL;
	nftw(host.state_dir, find_entry, 16, FTW_PHYS | FTW_MOUNT);
	add_mounts();
	pid_t *pids = host_pids();
	for (size_t i = 0; pids[i] != 0; i++) {
		char comm[32], state;
		pid_t parent;
		if (look_at(pids[i], comm, &state, &parent))
			add_line("process", comm);
	}
	free(pids);
	snprintf(number, sizeof(number), "%d", test_fd_count());
	add_line("descriptors", number);

	qsort(found.path, found.count, sizeof(*found.path), compare);
	size_t length = 1;
	for (size_t i = 0; i < found.count; i++)
		length += strlen(found.path[i]) + 1;
	char *text = malloc(length), *at = text;
	for (size_t i = 0; i < found.count; i++)
		at += sprintf(at, "%s\n", found.path[i]);
	*at = '\0';
	free_found();
	return text;
}
