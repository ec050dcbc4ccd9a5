/*
 * Descriptors that hold on to one process: it may end, but its pid cannot come to mean another
 * through them.
 */
#ifndef CTRD__LOCAL_PIDFD_H
#define CTRD__LOCAL_PIDFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* CTRD_ENOTFOUND when there is no such process. */
int ctrd__pidfd_open(pid_t pid, int *ret_fd);
/*
 * Open pid only if it is the process that started at start_time and has this pidfd inode (0: not
 * known). CTRD_ENOTFOUND when it is another, or none.
 */
int ctrd__pidfd_open_same(pid_t pid, uint64_t start_time, uint64_t inode, int *ret_fd);
/* CTRD_ENOTFOUND when it has ended (and was collected); a zombie takes signals and ignores them. */
int ctrd__pidfd_signal(int fd, int signal);
/* Unique for the boot. CTRD_ENOSYS before Linux 6.9, where all pidfds share one inode. */
int ctrd__pidfd_inode(int fd, uint64_t *ret_inode);
/* The process has ended; its parent may or may not have collected it. */
bool ctrd__pidfd_has_ended(int fd);
/*
 * How the process ended, as a wait status; told also to those who are not its parent, once the
 * parent has collected it. CTRD_EPRECONDITION: not collected yet; CTRD_ENOTFOUND: collected before
 * this descriptor was opened; CTRD_ENOSYS before Linux 6.15 (then it is known to the parent only).
 */
int ctrd__pidfd_exit_status(int fd, int *ret_wait_status);
/* Whether ctrd__pidfd_exit_status() can work on this kernel. */
bool ctrd__pidfd_has_exit_status(void);

#endif
