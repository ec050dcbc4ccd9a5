/*
 * The side to compare with: conmon and the runtime's command line, as container engines use them.
 *
 * Create: `conmon -b BUNDLE -c ID -u ID -r RUNTIME -p PIDFILE -P CONMON-PIDFILE -l k8s-file:LOG --exit-dir DIR
 * --full-attach`, and the pid is read from the pipe of _OCI_SYNCPIPE, which conmon writes once `RUNTIME create` has ended.
 * Start: `RUNTIME start ID`. Wait: inotify tells that the exit file was renamed into the exit directory. Delete:
 * `RUNTIME delete ID`, then the files that the engine owns. No step polls or sleeps. What an engine needs besides (its
 * own records, locks, the exit command that it gives to conmon) is left out: that is in conmon's favour.
 *
 * Programs are started with posix_spawn, the cheapest way there is, with nothing but their three streams.
 */
#include "conmon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 512, PATIENCE_MS = 20000, SYNC_FD = 3 };

static const char program[] = "/usr/bin/conmon";
static char path_variable[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
static char sync_variable[] = "_OCI_SYNCPIPE=3";

/* Run to its end. sync_fd, if any, becomes descriptor 3. stderr is ours: nothing of it is a container's. */
static void run(const char *const *args, int sync_fd)
{
	char *const environment[] = {path_variable, sync_fd >= 0 ? sync_variable : NULL, NULL};
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (sync_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, sync_fd, SYNC_FD);
	int error = posix_spawn(&pid, args[0], &actions, NULL, (char *const *)(uintptr_t)args,
				environment);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		bench_die("%s: %s", args[0], strerror(error));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			bench_die("%s: %s", args[0], strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		bench_die("%s %s: wait status %#x", args[0], args[3], (unsigned)status);
}

void conmon_begin(struct conmon *conmon, const struct bench *bench)
{
	memset(conmon, 0, sizeof(*conmon));
	conmon->bench = bench;
	bench_format(conmon->dir, sizeof(conmon->dir), "%s/conmon", bench->dir);
	bench_format(conmon->root, sizeof(conmon->root), "%s/root", conmon->dir);
	bench_format(conmon->exits, sizeof(conmon->exits), "%s/exits", conmon->dir);
	if (access(program, X_OK) != 0)
		bench_die("%s: %s", program, strerror(errno));
	if (mkdir(conmon->dir, 0700) != 0 || mkdir(conmon->root, 0700) != 0 ||
	    mkdir(conmon->exits, 0700) != 0)
		bench_die("%s: %s", conmon->dir, strerror(errno));
	conmon->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (conmon->inotify < 0 ||
	    inotify_add_watch(conmon->inotify, conmon->exits, IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
		bench_die("inotify: %s", strerror(errno));
}

void conmon_end(struct conmon *conmon)
{
	close(conmon->inotify);
}

/* {"data": PID}, or {"data": -1, "message": "why"} */
static pid_t read_pid(int fd)
{
	char text[2048];
	size_t used = 0;

	for (ssize_t n = 1; n > 0 && used < sizeof(text) - 1 && !memchr(text, '\n', used);) {
		n = read(fd, text + used, sizeof(text) - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	text[used] = '\0';
	const char *data = strstr(text, "\"data\":");
	long pid = data ? strtol(data + 7, NULL, 10) : 0;
	if (pid <= 0)
		bench_die("conmon: %s", used ? text : "no answer");
	return (pid_t)pid;
}

pid_t conmon_create(struct conmon *conmon, const char *id, const char *bundle)
{
	char pid_file[PATH_SIZE], own_file[PATH_SIZE], log[PATH_SIZE];
	int sync[2];

	bench_format(pid_file, sizeof(pid_file), "%s/pid", bundle);
	bench_format(own_file, sizeof(own_file), "%s/conmon.pid", bundle);
	bench_format(log, sizeof(log), "k8s-file:%s/ctr.log", bundle);
	const char *const args[] = {
		program,
		"--api-version",
		"1",
		"-c",
		id,
		"-u",
		id,
		"-n",
		id,
		"-r",
		conmon->bench->program,
		"-b",
		bundle,
		"-p",
		pid_file,
		"-P",
		own_file,
		"-l",
		log,
		"--exit-dir",
		conmon->exits,
		"--full-attach",
		"--log-level",
		"error",
		"--runtime-arg",
		"--root",
		"--runtime-arg",
		conmon->root,
		NULL,
	};
	if (pipe2(sync, O_CLOEXEC) != 0)
		bench_die("pipe: %s", strerror(errno));
	/* dup2 onto itself would leave it close-on-exec */
	int write_end = fcntl(sync[1], F_DUPFD_CLOEXEC, SYNC_FD + 1);
	close(sync[1]);
	if (write_end < 0)
		bench_die("fcntl: %s", strerror(errno));
	run(args, write_end);
	close(write_end);
	pid_t pid = read_pid(sync[0]);
	close(sync[0]);
	return pid;
}

static void run_runtime(struct conmon *conmon, const char *verb, const char *id)
{
	const char *const args[] = {
		conmon->bench->program, "--root", conmon->root, verb, id, NULL,
	};

	run(args, -1);
}

void conmon_start(struct conmon *conmon, const char *id)
{
	run_runtime(conmon, "start", id);
}

void conmon_kill(struct conmon *conmon, const char *id)
{
	const char *const args[] = {
		conmon->bench->program, "--root", conmon->root, "kill", id, "9", NULL,
	};

	run(args, -1);
}

int conmon_wait(struct conmon *conmon, const char *id)
{
	char path[PATH_SIZE], text[16] = "";
	union {
		struct inotify_event event;
		char bytes[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	} room;
	ssize_t length;

	bench_format(path, sizeof(path), "%s/%s", conmon->exits, id);
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
		if (fd >= 0)
			close(fd);
		if (length > 0)
			break;
		struct pollfd wait = {conmon->inotify, POLLIN, 0};
		if (poll(&wait, 1, PATIENCE_MS) != 1)
			bench_die("conmon: no exit file of %s", id);
		while (read(conmon->inotify, &room, sizeof(room)) > 0)
			;
	}
	while (read(conmon->inotify, &room, sizeof(room)) > 0)
		;
	return atoi(text);
}

void conmon_delete(struct conmon *conmon, const char *id, const char *bundle)
{
	static const char *const names[] = {"pid",    "conmon.pid", "ctr.log",
					    "attach", "ctl",	    "winsz"};
	char path[PATH_SIZE];

	run_runtime(conmon, "delete", id);
	unlink(bench_format(path, sizeof(path), "%s/%s", conmon->exits, id));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(bench_format(path, sizeof(path), "%s/%s", bundle, names[i]));
}

pid_t conmon_pid(const char *bundle)
{
	char path[PATH_SIZE];
	int pid = 0;

	FILE *file = fopen(bench_format(path, sizeof(path), "%s/conmon.pid", bundle), "re");
	if (!file || fscanf(file, "%d", &pid) != 1 || pid <= 0)
		bench_die("%s: no pid", path);
	fclose(file);
	return pid;
}
