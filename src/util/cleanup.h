/*
 * Scope-bound ownership: variables that free or close what they hold when they leave scope, and the
 * two ways to hand that ownership on. Not a home for the cleanup of particular types: those are
 * declared next to the type (CTRD__AUTO_JSON in json.h, ...).
 *
 * Invariant: an armed variable always holds a valid value (NULL, or -1 for a descriptor, when it
 * owns nothing), and errno survives the cleanup.
 */
#ifndef CTRD__UTIL_CLEANUP_H
#define CTRD__UTIL_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CTRD__CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void ctrd__free_ptr(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

/* Close *fd if it is one and mark it as gone. EINTR is no reason to retry: Linux has closed it. */
static inline void ctrd__close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

/* char *CTRD__AUTO_FREE name = NULL; */
#define CTRD__AUTO_FREE CTRD__CLEANUP(ctrd__free_ptr)

/* CTRD__AUTO_CLOSE int fd = -1; */
#define CTRD__AUTO_CLOSE CTRD__CLEANUP(ctrd__close_fd)

/* The value of the pointer variable p, which is left NULL: the caller owns it now. */
#define ctrd__take_ptr(p)                                     \
	(__extension__({                                      \
		__typeof__(&(p)) ctrd__take_from = &(p);      \
		__typeof__(p) ctrd__taken = *ctrd__take_from; \
		*ctrd__take_from = NULL;                      \
		ctrd__taken;                                  \
	}))

/* The descriptor in the variable fd, which is left -1: the caller owns it now. */
#define ctrd__take_fd(fd)                           \
	(__extension__({                            \
		int *ctrd__take_from = &(fd);       \
		int ctrd__taken = *ctrd__take_from; \
		*ctrd__take_from = -1;              \
		ctrd__taken;                        \
	}))

#endif
