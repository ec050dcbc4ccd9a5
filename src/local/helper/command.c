/*
 * One command of the runtime: started with what the client gave it, watched to its end, and its
 * outcome made into a process of the container where it is of a kind that makes one.
 *
 * Invariant: before a command that makes a process runs, the place for that process' end is on the
 * disk; after it has failed, nothing of the process is left.
 */
#include "local/helper/helper.h"

#include "util/cleanup.h"
#include "util/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_FLAGS                                                                           \
	(CTRD__RUN_KEEP_IN | CTRD__RUN_KEEP_OUT | CTRD__RUN_KEEP_ERR | CTRD__RUN_TERMINAL | \
	 CTRD__RUN_PIDFILE)
#define KEEP_FLAGS (CTRD__RUN_KEEP_IN | CTRD__RUN_KEEP_OUT | CTRD__RUN_KEEP_ERR)

enum {
	FD_EXECUTABLE,
	FD_STDIN,
	FD_KEPT = FD_STDIN + 3,
	NAME_SIZE = 8 + CTRD_ID_MAX,
	PATH_SIZE = sizeof(((struct sockaddr_un *)0)->sun_path) + NAME_SIZE,
};

struct launch {
	int executable;
	int stdio[3];
	char **argv;
	char **envp;
	int oom_score;
	pid_t helper;
	volatile int error;
	/* What argv points at in place of the two placeholders. */
	char pidfile[PATH_SIZE];
	char console[PATH_SIZE];
};

/*
 * The child, on our memory until it executes: system calls only.
 */

static void write_oom_score(int score)
{
	char text[16];
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, (size_t)snprintf(text, sizeof(text), "%d", score));
	(void)close(fd);
}

static void default_signals(void)
{
	static const int ignored[] = {SIGPIPE, SIGHUP, SIGINT, SIGTERM};
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)sigaction(ignored[i], &action, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static __attribute__((noinline, noreturn)) void run_child(struct launch *launch)
{
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != launch->helper)
		_exit(127);
	for (int i = 0; i < 3; i++)
		if (dup2(launch->stdio[i], i) < 0)
			goto failed;
	if (ctrd__monitor.dir >= 0 && fchdir(ctrd__monitor.dir) < 0)
		goto failed;
	default_signals();
	(void)umask(022);
	write_oom_score(launch->oom_score);
	(void)setrlimit(RLIMIT_CORE, &ctrd__monitor.core);
	(void)setrlimit(RLIMIT_NOFILE, &ctrd__monitor.files);
	(void)fexecve(launch->executable, launch->argv, launch->envp);
	/* A script: its interpreter has to open it by the descriptor's name. */
	if (errno == ENOENT && fcntl(launch->executable, F_SETFD, 0) == 0)
		(void)fexecve(launch->executable, launch->argv, launch->envp);
failed:
	launch->error = errno;
	_exit(127);
}

/*
 * Start
 */

static void name_of(char *ret_name, const char *prefix, const char *id)
{
	(void)snprintf(ret_name, NAME_SIZE, "%s%s", prefix, id);
}

static void unlink_name(const char *prefix, const char *id)
{
	char name[NAME_SIZE];

	name_of(name, prefix, id);
	(void)unlinkat(ctrd__monitor.dir, name, 0);
}

/* A string of the request as an argument. The packet stays as it is while the child needs it. */
static char *argument(struct launch *launch, const char *text)
{
	char *copy;

	if (strcmp(text, "@pidfile@") == 0)
		return launch->pidfile;
	if (strcmp(text, "@console@") == 0)
		return launch->console;
	memcpy(&copy, &text, sizeof(copy)); /* execve() is declared without const */
	return copy;
}

/* argv and envp in one block, which the caller frees. */
static int read_arguments(struct launch *launch, const char *at, const char *end, char ***ret_block)
{
	const char *text = ctrd__wire_next(&at, end);
	size_t strings = 0, i = 0;
	unsigned long argc;
	char *stop;
	char **block;

	if (!text)
		return CTRD_EINVAL;
	argc = strtoul(text, &stop, 10);
	if (*stop != '\0' || argc == 0 || argc > CTRD__WIRE_TEXT_MAX)
		return CTRD_EINVAL;
	for (const char *p = at; ctrd__wire_next(&p, end);)
		strings++;
	if (argc > strings)
		return CTRD_EINVAL;
	block = malloc((strings + 2) * sizeof(*block));
	if (!block)
		return CTRD_ERESOURCES;
	launch->argv = block;
	while (i < argc)
		block[i++] = argument(launch, ctrd__wire_next(&at, end));
	block[i++] = NULL;
	launch->envp = block + i;
	while ((text = ctrd__wire_next(&at, end)) != NULL) {
		memcpy(&block[i], &text, sizeof(text));
		i++;
	}
	block[i] = NULL;
	*ret_block = block;
	return CTRD_OK;
}

static void drop(struct ctrd__command *command)
{
	if (command->process)
		ctrd__process_forget(command->process, true);
	command->process = NULL;
}

static void close_console(struct ctrd__command *command, const char *id)
{
	if (command->console >= 0)
		unlink_name(CTRD__CONSOLE_PREFIX, id);
	ctrd__close_fd(&command->console);
	ctrd__close_fd(&command->console_peer);
}

/* What a process needs before it exists: its place in the table and on the disk, its console. */
static int prepare(struct ctrd__command *command, const char *id, struct launch *launch)
{
	char name[NAME_SIZE];
	int r;

	r = ctrd__process_new(id, &command->process);
	if (r < 0)
		return r;
	r = ctrd__record_create_at(ctrd__monitor.dir, id, &command->process->record);
	if (r < 0) {
		drop(command);
		return CTRD_ERESOURCES;
	}
	unlink_name(CTRD__PIDFILE_PREFIX, id);
	unlink_name(CTRD__PIDFILE_DRAFT_PREFIX, id);
	(void)snprintf(launch->pidfile, PATH_SIZE, "%s/" CTRD__PIDFILE_PREFIX "%s",
		       ctrd__monitor.path, id);
	if (!(command->flags & CTRD__RUN_TERMINAL))
		return CTRD_OK;
	name_of(name, CTRD__CONSOLE_PREFIX, id);
	(void)snprintf(launch->console, PATH_SIZE, "%s/%s", ctrd__monitor.path, name);
	return ctrd__hold_listen(name, SOCK_STREAM, &command->console);
}

static int start(struct ctrd__command *command, struct launch *launch)
{
	pid_t pid;

	launch->helper = getpid();
	launch->error = 0;
	pid = vfork();
	if (pid == 0)
		run_child(launch);
	if (pid < 0)
		return errno == EAGAIN ? CTRD_ERESOURCES : ctrd__status_from_errno(errno);
	if (launch->error) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return launch->error == ENOEXEC ? CTRD_EINVAL
						: ctrd__status_from_errno(launch->error);
	}
	command->pid = pid;
	return CTRD_OK;
}

static int check(const struct ctrd__request *request, const char *id)
{
	const struct ctrd__wire_head *head = request->head;
	bool makes = head->kind == CTRD__KIND_CREATE || head->kind == CTRD__KIND_EXEC;

	if (!id)
		return CTRD_EINVAL;
	if (head->kind > CTRD__KIND_EXEC || (head->flags & ~RUN_FLAGS))
		return CTRD_ENOSYS;
	if (request->fd_count != FD_KEPT + ctrd__streams_count(head->flags & KEEP_FLAGS))
		return CTRD_EINVAL;
	if (!makes)
		return head->flags ? CTRD_EINVAL : CTRD_OK;
	if (!(head->flags & CTRD__RUN_PIDFILE))
		return CTRD_EINVAL;
	return ctrd__monitor.dir < 0 ? CTRD_EPRECONDITION : CTRD_OK;
}

static int run(struct ctrd__command *command, struct ctrd__request *request, const char *id,
	       const char *arguments)
{
	char **CTRD__AUTO_FREE block = NULL;
	struct launch launch = {
		.executable = request->fds[FD_EXECUTABLE],
		.oom_score = request->head->oom_score,
	};
	int r;

	memcpy(launch.stdio, request->fds + FD_STDIN, sizeof(launch.stdio));
	r = read_arguments(&launch, arguments, request->end, &block);
	if (r < 0)
		return r;
	if (!ctrd__command_wants_pids())
		ctrd__process_clear_collected();
	if (command->kind == CTRD__KIND_CREATE || command->kind == CTRD__KIND_EXEC)
		r = prepare(command, id, &launch);
	if (r == CTRD_OK)
		r = start(command, &launch);
	if (r < 0) {
		close_console(command, id);
		drop(command);
		return r;
	}
	if (command->process)
		(void)ctrd__streams_keep(&command->process->streams, command->flags & KEEP_FLAGS,
					 request->fds + FD_KEPT);
	return CTRD_OK;
}

int ctrd__command_run(struct ctrd__request *request)
{
	const char *at = request->text;
	const char *id = ctrd__wire_next(&at, request->end);
	struct ctrd__command *command;
	int r;

	r = check(request, id);
	if (r < 0)
		return r;
	command = calloc(1, sizeof(*command));
	if (!command)
		return CTRD_ERESOURCES;
	command->kind = request->head->kind;
	command->flags = request->head->flags;
	command->serial = request->head->serial;
	command->peer = request->peer->id;
	command->columns = request->head->columns;
	command->rows = request->head->rows;
	command->console = command->console_peer = -1;
	r = run(command, request, id, at);
	if (r < 0) {
		free(command);
		return r;
	}
	command->next = ctrd__monitor.commands;
	ctrd__monitor.commands = command;
	return CTRD_OK;
}

/*
 * Console
 */

static void take_terminal(struct ctrd__command *command, int fd)
{
	struct ctrd__streams *streams = &command->process->streams;
	struct winsize size = {.ws_col = command->columns, .ws_row = command->rows};

	ctrd__close_fd(&streams->terminal);
	streams->terminal = fd;
	if (size.ws_col && size.ws_row)
		(void)ioctl(fd, TIOCSWINSZ, &size);
}

/* One message with one descriptor; its text says nothing. */
static int receive_terminal(int socket)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	char text[256];
	struct iovec part = {text, sizeof(text)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int fds[4] = {-1, -1, -1, -1};
	size_t count;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
		return -1;
	c = CMSG_FIRSTHDR(&message);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -1;
	count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(c), count * sizeof(int));
	ctrd__wire_close_fds(fds + 1, count > 0 ? count - 1 : 0);
	return fds[0];
}

void ctrd__command_console_turn(struct ctrd__command *command)
{
	int fd;

	if (!command->process || command->console < 0)
		return;
	if (command->console_peer < 0) {
		command->console_peer =
			accept4(command->console, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (command->console_peer >= 0 && ctrd__peer_check(command->console_peer) < 0)
			ctrd__close_fd(&command->console_peer);
	}
	if (command->console_peer < 0)
		return;
	errno = 0;
	fd = receive_terminal(command->console_peer);
	if (fd >= 0) {
		take_terminal(command, fd);
		close_console(command, command->process->id);
	} else if (errno != EAGAIN && errno != EINTR) {
		ctrd__close_fd(&command->console_peer);
	}
}

/*
 * End
 */

static struct ctrd__command *find(pid_t pid)
{
	for (struct ctrd__command *c = ctrd__monitor.commands; c; c = c->next)
		if (!c->ended && c->pid == pid)
			return c;
	return NULL;
}

bool ctrd__command_wants_pids(void)
{
	for (struct ctrd__command *c = ctrd__monitor.commands; c; c = c->next)
		if (!c->ended && c->process)
			return true;
	return false;
}

static pid_t read_pidfile(const char *id)
{
	CTRD__AUTO_CLOSE int fd = -1;
	char name[NAME_SIZE];
	char text[32];
	long pid;
	ssize_t n;
	char *stop;

	name_of(name, CTRD__PIDFILE_PREFIX, id);
	fd = openat(ctrd__monitor.dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	pid = strtol(text, &stop, 10);
	return stop == text || pid <= 0 || pid > INT_MAX ? 0 : (pid_t)pid;
}

static void describe(const struct ctrd__process *process, struct ctrd__wire_head *head)
{
	head->pid = process->start.pid;
	head->start_time = process->start.start_time;
	head->inode = process->start.inode;
	head->time_ns = process->start.time_ns;
}

/* The command of a process has ended; the answer's head and descriptors come from what it left. */
static size_t finish_process(struct ctrd__command *command, int wait_status,
			     struct ctrd__wire_head *head, int ret_fds[2])
{
	struct ctrd__process *process = command->process;
	size_t count = 0;
	pid_t pid = wait_status == 0 ? read_pidfile(process->id) : 0;

	unlink_name(CTRD__PIDFILE_PREFIX, process->id);
	unlink_name(CTRD__PIDFILE_DRAFT_PREFIX, process->id);
	/* The terminal may be here, and only its announcement not read yet. */
	if (pid > 0)
		ctrd__command_console_turn(command);
	close_console(command, process->id);
	if (pid <= 0) {
		head->status = wait_status == 0 ? CTRD_EINTERNAL : CTRD_OK;
		drop(command);
		return 0;
	}
	ret_fds[0] = -1;
	ctrd__process_begin(process, pid, command->kind == CTRD__KIND_EXEC, &ret_fds[0]);
	if (ret_fds[0] >= 0) {
		head->flags |= CTRD__RUN_PIDFD;
		count++;
	}
	if (process->streams.terminal >= 0) {
		head->flags |= CTRD__RUN_TERMINAL;
		ret_fds[count++] = process->streams.terminal;
	}
	describe(process, head);
	return count;
}

static void tell(const struct ctrd__command *command, const struct ctrd__process *process)
{
	uint32_t pid = process->start.pid;

	if (command->kind == CTRD__KIND_CREATE) {
		ctrd__peer_broadcast(CTRD_EVENT_CREATE, process->id, pid, command->peer);
	} else if (command->kind == CTRD__KIND_START) {
		ctrd__peer_broadcast(CTRD_EVENT_START, process->id, pid, command->peer);
	} else {
		ctrd__peer_broadcast(CTRD_EVENT_EXEC_ADDED, process->id, pid, command->peer);
		ctrd__peer_broadcast(CTRD_EVENT_EXEC_STARTED, process->id, pid, command->peer);
	}
}

bool ctrd__command_ended(pid_t pid, int wait_status)
{
	struct ctrd__command *command = find(pid);
	struct ctrd__wire_head head;
	struct ctrd__process *process;
	int fds[2];
	size_t count = 0;

	if (!command)
		return false;
	memset(&head, 0, sizeof(head));
	head.type = CTRD__MSG_ANSWER;
	head.serial = command->serial;
	head.exit_status = wait_status;
	command->ended = true;
	if (command->process)
		count = finish_process(command, wait_status, &head, fds);
	process = command->process;
	if (command->kind == CTRD__KIND_START && wait_status == 0) {
		process = ctrd__process_find(CTRD_INIT_PROCESS);
		if (process) {
			ctrd__process_mark_started(process);
			describe(process, &head);
		}
	}
	ctrd__peer_send(ctrd__peer_find(command->peer), &head, "", fds, count);
	if (head.flags & CTRD__RUN_PIDFD)
		(void)close(fds[0]);
	if (process) {
		tell(command, process);
		ctrd__process_check_collected(process);
	}
	return true;
}

int ctrd__command_kill(uint64_t peer, uint32_t serial)
{
	for (struct ctrd__command *c = ctrd__monitor.commands; c; c = c->next)
		if (!c->ended && c->peer == peer && c->serial == serial) {
			/* Its whole group: what it has half made must not live on. */
			(void)kill(-c->pid, SIGKILL);
			return CTRD_OK;
		}
	return CTRD_ENOTFOUND;
}

void ctrd__command_sweep(void)
{
	struct ctrd__command **at = &ctrd__monitor.commands;

	while (*at) {
		struct ctrd__command *c = *at;

		if (!c->ended) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		free(c);
	}
}
