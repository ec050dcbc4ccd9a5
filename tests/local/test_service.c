/*
 * A service manager stops the embedder: it kills every process in the service's cgroup. The embedder is
 * of the worst kind: all signals blocked, SIGPIPE ignored, a listening socket that is inherited.
 */
#include "host.h"
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONTAINERS = 3, MAX_GROUPS = 16 };

struct shared {
	int port;
	pid_t pid[CONTAINERS];
	size_t groups;
	char group[MAX_GROUPS][160];
};

/* The service's cgroup is in every hierarchy that takes it. */
static void make_groups(struct shared *shared)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[2048];
	while (fgets(line, sizeof(line), file) != NULL && shared->groups < MAX_GROUPS) {
		char point[100];
		if (strstr(line, " - cgroup") == NULL || strstr(line, "cpuset") != NULL ||
		    sscanf(line, "%*s %*s %*s %*s %99s", point) != 1)
			continue;
		char *group = shared->group[shared->groups];
		snprintf(group, sizeof(shared->group[0]), "%s/%s-service", point, host_tag());
		/* Another mount may cover this one. */
		if (mkdir(group, 0755) != 0 && errno == ENOENT)
			continue;
		if (access(group, W_OK) != 0)
			FAIL("mkdir %s: %s", group, strerror(errno));
		shared->groups++;
	}
	fclose(file);
	CHECK(shared->groups > 0);
}

static FILE *open_procs(const char *group, const char *mode)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	FILE *file = fopen(path, mode);
	if (file == NULL)
		FAIL("%s: %s", path, strerror(errno));
	return file;
}

static void enter_groups(const struct shared *shared)
{
	for (size_t i = 0; i < shared->groups; i++) {
		FILE *file = open_procs(shared->group[i], "we");
		CHECK(fputs("0", file) >= 0);
		CHECK_INT(fclose(file), 0);
	}
}

static bool kill_group(const char *group)
{
	FILE *file = open_procs(group, "re");
	bool any = false;
	int pid;
	while (fscanf(file, "%d", &pid) == 1) {
		kill(pid, SIGKILL);
		any = true;
	}
	fclose(file);
	return any;
}

static int listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 5) != 0)
		FAIL("port %d: %s", port, strerror(errno));
	return fd;
}

static void embedder(void *data)
{
	struct shared *shared = data;
	enter_groups(shared);
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	int fd = listen_on(0);
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	shared->port = ntohs(address.sin_port);

	ctrd_client *client = host_open();
	for (int i = 0; i < CONTAINERS; i++) {
		char id[16], code[16];
		snprintf(id, sizeof(id), "c%d", i);
		snprintf(code, sizeof(code), "%d", 40 + i);
		char *spec = host_actor("await", code, "ready");
		int out;
		ctrd_stdio stdio = host_out_to(&out);
		shared->pid[i] = (pid_t)host_make(client, id, spec, &stdio);
		char text[8];
		CHECK_INT(read(out, text, sizeof(text)), 5);
		free(spec);
	}
	if (!(ctrd_client_capabilities(client) & CTRD_CAN_OUTLIVE_SERVICE))
		test_note("the client does not claim to outlive its service");
	host_child_ready();
}

/* A program in the container starts as any program does, whatever its embedder was like. */
static void check_signals_of(pid_t pid)
{
	char path[64], line[256];
	unsigned long long blocked = 1, ignored = 1;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *file = fopen(path, "re");
	CHECK(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL) {
		sscanf(line, "SigBlk: %llx", &blocked);
		sscanf(line, "SigIgn: %llx", &ignored);
	}
	fclose(file);
	/* SIGUSR1 is blocked by the program itself, but while it waits for it. */
	CHECK_INT(blocked & ~(1ull << (SIGUSR1 - 1)), 0);
	CHECK_INT(ignored, 0);
}

TEST(containers_outlive_the_service_of_the_embedder)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	host_begin();
	make_groups(shared);
	pid_t child = host_fork(embedder, shared);
	pid_t *monitors = host_monitors();
	CHECK_INT(host_count(monitors), CONTAINERS);

	int pidfds[CONTAINERS];
	for (int i = 0; i < CONTAINERS; i++)
		pidfds[i] = host_pidfd(shared->pid[i]);
	for (size_t i = 0; i < shared->groups; i++)
		WAIT_UNTIL(!kill_group(shared->group[i]), 20);
	CHECK_INT(waitpid(child, NULL, 0), child);
	for (size_t i = 0; i < shared->groups; i++)
		if (rmdir(shared->group[i]) != 0)
			FAIL("rmdir %s: %s", shared->group[i], strerror(errno));

	/* None of them holds the port. */
	close(listen_on(shared->port));

	for (int i = 0; i < CONTAINERS; i++) {
		CHECK_INT(kill(monitors[i], 0), 0);
		check_signals_of(shared->pid[i]);
		CHECK_INT(kill(shared->pid[i], SIGUSR1), 0);
	}
	for (int i = 0; i < CONTAINERS; i++)
		host_await_pidfd(pidfds[i]);
	free(monitors);

	ctrd_client *client = host_open();
	for (int i = 0; i < CONTAINERS; i++) {
		char id[16];
		snprintf(id, sizeof(id), "c%d", i);
		ctrd_load_result load = host_must_load(host_load(client, id, NULL));
		CHECK_INT(load.state, CTRD_TASK_STOPPED);
		host_check_code(&load.exit, 40 + i);
		host_must_exit(host_task_delete(client, id));
		host_must(host_delete(client, id));
	}
	host_close(client);
	host_end();
	munmap(shared, sizeof(*shared));
}
