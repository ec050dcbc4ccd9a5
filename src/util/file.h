/*
 * Files, directories and descriptors. Every descriptor made here is close-on-exec and above 2, and
 * no function follows a symbolic link in the last component of a name.
 *
 * On failure errno still holds the OS error, so that the caller's message can name it. In each
 * function dirfd is a directory descriptor or AT_FDCWD.
 */
#ifndef CTRD__UTIL_FILE_H
#define CTRD__UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Move fd out of 0..2 (a host may have closed its standard descriptors): the same fd or another
 * close-on-exec one in its place, -1 with errno when that fails (fd is closed then). -1 is passed
 * through with its errno, so that open() can be wrapped directly.
 */
int ctrd__fd_above_2(int fd);
/* A close-on-exec duplicate above 2, -1 with errno. */
int ctrd__fd_dup(int fd);
/* Write all of data to a file. Not for pipes and sockets: it does not hold back SIGPIPE. */
int ctrd__fd_write_all(int fd, const void *data, size_t len);

/*
 * Read a whole regular file of at most max bytes. *ret_data is malloc'ed and NUL-terminated behind
 * *ret_len bytes. CTRD_ERANGE when the file is larger than max.
 */
int ctrd__file_read_at(int dirfd, const char *name, size_t max, char **ret_data, size_t *ret_len);
/*
 * Replace or make the file with exactly these bytes and this mode (whatever the umask): readers see
 * the old or the new content, never a part. With sync it is on disk, its name included, before this
 * returns. The name has no slash. A process killed meanwhile may leave a file ".tmp-*" behind.
 */
int ctrd__file_write_at(int dirfd, const char *name, const void *data, size_t len, mode_t mode,
			bool sync);

/*
 * Open the directory that only we may enter: owned by the effective user, mode 0700; CTRD_EDENIED
 * where it is not, CTRD_EINVAL where its last component is a link or no directory. With create all
 * missing components are made with mode 0700.
 */
int ctrd__dir_open_private(const char *path, bool create, int *ret_fd);
/*
 * Remove name and all below it. Never leaves the mount it starts on: what another mount covers is
 * kept and the call fails (errno EXDEV), as it does below 64 levels (errno ELOOP). What can be removed
 * is removed also when something else cannot be; the first failure is returned.
 */
int ctrd__dir_remove_tree_at(int dirfd, const char *name);

#endif
