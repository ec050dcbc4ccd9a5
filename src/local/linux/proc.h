/*
 * What /proc tells of a process: who it is (pid and start time), its name, what it has used.
 */
#ifndef CTRD__LOCAL_PROC_H
#define CTRD__LOCAL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CTRD__PROC_NAME_SIZE 64u
#define CTRD__BOOT_ID_SIZE   37u /* 36 characters and a NUL */

struct ctrd__proc_info {
	char name[CTRD__PROC_NAME_SIZE]; /* the kernel's name of the program: 15 bytes at most */
	char state;			 /* 'R', 'S', 'Z', ... */
	pid_t parent;
	uint64_t
		start_time; /* clock ticks since boot: with the pid, who it is until the next boot */
	uint64_t user_time_ns;
	uint64_t kernel_time_ns;
	uint64_t memory_bytes; /* resident */
};

/* Take the content of /proc/PID/stat apart. CTRD_EINTERNAL when it is not one. */
int ctrd__proc_parse_stat(const char *text, size_t len, struct ctrd__proc_info *ret_info);
/* CTRD_ENOTFOUND when no process has this pid. A zombie is found, in state 'Z'. */
int ctrd__proc_read(pid_t pid, struct ctrd__proc_info *ret_info);
int ctrd__proc_start_time(pid_t pid, uint64_t *ret_start_time);
/* Whether pid is, at this moment, the process that started then. Zombies are. */
bool ctrd__proc_same(pid_t pid, uint64_t start_time);
/* CLOCK_REALTIME of a start time, as good as the tick (10 ms mostly). */
int64_t ctrd__proc_start_time_real_ns(uint64_t start_time);
/* The kernel's name for this boot. */
int ctrd__proc_boot_id(char ret_id[CTRD__BOOT_ID_SIZE]);

#endif
