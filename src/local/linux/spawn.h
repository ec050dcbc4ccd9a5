/*
 * spawn.h: starting the helper so that the host never notices, and programs kept in memory.
 */
#ifndef CTRD_LOCAL_LINUX_SPAWN_H
#define CTRD_LOCAL_LINUX_SPAWN_H

#include <stdbool.h>

/* The helper program, ready to be executed. One per client. */
struct ctrd__helper_image {
	int fd; /* -1: closed */
};
#define CTRD__HELPER_IMAGE_INIT \
	{                       \
		-1              \
	}

/*
 * path: a program to use instead of the one in the library; NULL for that one. errno tells more when
 * it fails (EACCES: the system forbids programs from memory).
 */
int ctrd__helper_image_open(const char *path, struct ctrd__helper_image *ret_image);
void ctrd__helper_image_close(struct ctrd__helper_image *image);

/*
 * Start a helper. *ret_socket: our end of its connection, blocking, close-on-exec. When this returns
 * the helper executes already and no child of ours is left. It inherits no descriptor and no
 * environment. Any thread; takes about as long as one fork and one execve.
 */
int ctrd__helper_spawn(const struct ctrd__helper_image *image, int *ret_socket);

/*
 * A sealed copy of a program in memory, executable. A runtime that finds itself sealed does not copy
 * itself once more. errno as above.
 */
int ctrd__image_from_file(const char *path, int *ret_memfd);

/*
 * Whether a security module decides by path or label what a program may do (SELinux enforcing,
 * AppArmor with a profile on us): then a program from memory would not be the same.
 */
bool ctrd__lsm_enforcing(void);

#endif
