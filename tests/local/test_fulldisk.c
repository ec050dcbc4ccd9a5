/*
 * The disk that the state directory is on is full while containers end: their codes survive.
 */
#include "host.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONTAINERS = 6 };

struct shared {
	pid_t pid[CONTAINERS];
	pid_t exec[CONTAINERS];
};

static char filler[160];

static void fill_disk(void)
{
	static char block[65536];
	int fd = open(filler, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	for (size_t size = sizeof(block); size > 0; size /= 16)
		while (write(fd, block, size) > 0)
			;
	CHECK_INT(errno, ENOSPC);
	close(fd);
	/* Not one file more. */
	char path[200];
	snprintf(path, sizeof(path), "%.150s-more", filler);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0) {
		CHECK_INT(write(fd, "x", 1), -1);
		close(fd);
		unlink(path);
	}
}

static const char *begin(void)
{
	static char disk[128];
	snprintf(disk, sizeof(disk), "%s/disk", test_tmpdir());
	CHECK_INT(mkdir(disk, 0700), 0);
	host_begin_at(disk);
	if (mount("tmpfs", disk, "tmpfs", 0, "size=4m,mode=0700") != 0)
		FAIL("mount: %s", strerror(errno));
	snprintf(filler, sizeof(filler), "%s/filler", disk);
	return disk;
}

static void end(const char *disk)
{
	host_end();
	CHECK_INT(umount2(disk, 0), 0);
}

static void id_of(int i, char id[16])
{
	snprintf(id, 16, "c%d", i);
}

static void make_all(ctrd_client *client, struct shared *shared)
{
	for (int i = 0; i < CONTAINERS; i++) {
		char id[16], code[16], text[16];
		int out;
		id_of(i, id);
		snprintf(code, sizeof(code), "%d", 50 + i);
		char *spec = host_actor("await", code, "ready");
		ctrd_stdio stdio = host_out_to(&out);
		shared->pid[i] = (pid_t)host_make(client, id, spec, &stdio);
		CHECK_INT(read(out, text, sizeof(text)), 5);
		close(out);
		free(spec);

		snprintf(code, sizeof(code), "%d", 150 + i);
		char *process = test_process("/tmp/actor", "await", code, "ready", NULL);
		stdio = host_out_to(&out);
		shared->exec[i] = (pid_t)host_must_pid(host_exec(client, id, "e", process, &stdio));
		CHECK_INT(read(out, text, sizeof(text)), 5);
		close(out);
		free(process);
	}
}

static void end_process(pid_t pid)
{
	int pidfd = host_pidfd(pid);
	CHECK_INT(kill(pid, SIGUSR1), 0);
	host_await_pidfd(pidfd);
}

static void check_and_delete(ctrd_client *client)
{
	for (int i = 0; i < CONTAINERS; i++) {
		char id[16];
		id_of(i, id);
		ctrd_op *op = host_load(client, id, NULL);
		ctrd_process_info info = CTRD_PROCESS_INFO_INIT;
		CHECK_INT(host_await(op), 0);
		CHECK_INT(ctrd_op_get_process(op, 0, &info), 0);
		CHECK_STR(info.process_id, "e");
		CHECK_INT(info.state, CTRD_TASK_STOPPED);
		host_check_code(&info.exit, 150 + i);
		ctrd_load_result load = host_must_load(op);
		CHECK_INT(load.state, CTRD_TASK_STOPPED);
		host_check_code(&load.exit, 50 + i);
		ctrd_exit exit = host_must_exit(host_task_delete(client, id));
		host_check_code(&exit, 50 + i);
		host_must(host_delete(client, id));
	}
}

TEST(exits_survive_a_full_disk)
{
	struct shared shared;
	const char *disk = begin();
	ctrd_client *client = host_open();
	make_all(client, &shared);
	fill_disk();
	for (int i = 0; i < CONTAINERS; i++) {
		char id[16];
		id_of(i, id);
		end_process(shared.exec[i]);
		ctrd_exit exit = host_must_exit(host_wait(client, id, "e"));
		host_check_code(&exit, 150 + i);
		end_process(shared.pid[i]);
		exit = host_must_exit(host_wait(client, id, CTRD_INIT_PROCESS));
		host_check_code(&exit, 50 + i);
	}
	host_close(client);

	/* From what is on the disk, which is still full. */
	client = host_open();
	check_and_delete(client);
	host_close(client);
	CHECK_INT(unlink(filler), 0);
	end(disk);
}

static void embedder(void *data)
{
	make_all(host_open(), data);
	fill_disk();
	host_child_ready();
}

TEST(exits_survive_a_full_disk_without_an_embedder)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *disk = begin();
	pid_t child = host_fork(embedder, shared);
	host_reap(child);
	for (int i = 0; i < CONTAINERS; i++) {
		end_process(shared->exec[i]);
		end_process(shared->pid[i]);
	}
	/* Monitors that nobody needs end by themselves; what they knew is on the disk then. */
	ctrd_client *client = host_open();
	check_and_delete(client);
	host_close(client);
	CHECK_INT(unlink(filler), 0);
	end(disk);
	munmap(shared, sizeof(*shared));
}

/* What cannot be kept is refused before it runs, and leaves nothing behind. */
TEST(nothing_begins_on_a_full_disk)
{
	const char *disk = begin();
	ctrd_client *client = host_open();
	char *spec = test_spec(test_bundle(), "sleep", "1000", NULL);
	host_make(client, "c", spec, NULL);
	fill_disk();
	CHECK_INT(host_try(host_create(client, "d", spec)), CTRD_ERESOURCES);
	char *process = test_process("true", NULL);
	CHECK_INT(host_try(host_exec(client, "c", "e", process, NULL)), CTRD_ERESOURCES);
	CHECK_INT(host_must_state(host_status(client, "c")), CTRD_TASK_RUNNING);
	CHECK_INT(unlink(filler), 0);
	host_must(host_exec(client, "c", "e", process, NULL));
	ctrd_exit exit = host_must_exit(host_wait(client, "c", "e"));
	host_check_code(&exit, 0);
	CHECK_INT(host_try(host_load(client, "d", NULL)), CTRD_ENOTFOUND);
	host_must(host_delete_by_force(client, "c"));
	free(process);
	free(spec);
	host_close(client);
	end(disk);
}
