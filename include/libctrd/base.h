/*
 * base.h: what every other header of libctrd stands on: linkage, statuses, the head that all options share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_BASE_H
#define CTRD_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define CTRD_API __declspec(dllimport)
#elif defined(__GNUC__)
#define CTRD_API __attribute__((visibility("default")))
#else
#define CTRD_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** One open backend. Reference counted, opaque. */
typedef struct ctrd_client ctrd_client;
/** One call under way, and later its result. Reference counted, opaque. */
typedef struct ctrd_op ctrd_op;
/** Why something failed. Immutable, reference counted, opaque. */
typedef struct ctrd_error ctrd_error;

/*
 * Statuses. 0 is success. -1 to -16 are the canonical gRPC codes negated (source: grpc/doc/statuscodes.md),
 * the library's own start at -101. Numbers are never reused; a call may answer with a more specific one later.
 */
#define CTRD_OK		   0
#define CTRD_ECANCELED	   (-1)	  /* the op was cancelled */
#define CTRD_EUNKNOWN	   (-2)	  /* the backend failed without saying how */
#define CTRD_EINVAL	   (-3)	  /* an argument is wrong; the message names object and field */
#define CTRD_EDEADLINE	   (-4)	  /* the op's deadline passed */
#define CTRD_ENOTFOUND	   (-5)	  /* no such container, task, process, runtime */
#define CTRD_EEXISTS	   (-6)	  /* the id is in use */
#define CTRD_EDENIED	   (-7)	  /* permission denied */
#define CTRD_ERESOURCES	   (-8)	  /* out of disk, descriptors, pids or a limit of the backend */
#define CTRD_EPRECONDITION (-9)	  /* not in the state that this call needs */
#define CTRD_EABORTED	   (-10)  /* another call on the same container was in the way */
#define CTRD_ERANGE	   (-11)  /* a value is out of range */
#define CTRD_ENOSYS	   (-12)  /* this backend does not do that */
#define CTRD_EINTERNAL	   (-13)  /* a defect of the library, the runtime or the system */
#define CTRD_EUNAVAILABLE  (-14)  /* the daemon or the monitor cannot be reached */
#define CTRD_EDATALOSS	   (-15)  /* a record is damaged */
#define CTRD_EUNAUTH	   (-16)  /* credentials are missing */
#define CTRD_ENOMEM	   (-101) /* out of memory */
#define CTRD_ECLOSED	   (-102) /* the client is closed or being closed */
#define CTRD_EFORKED	   (-103) /* the handle was made before a fork, in the parent process */
#define CTRD_EWRONGTHREAD  (-104) /* this call blocks and may not be made on the loop thread */
#define CTRD_EABI \
	(-105) /* the options hold something that this version of the library does not know */

/** The process id that names a container's first process in every call. */
#define CTRD_INIT_PROCESS "init"

/** Longest id of a container, process or namespace, in bytes, without the terminating NUL. */
#define CTRD_ID_MAX 76

/*
 * The head of every options struct. `size` is sizeof the struct as the caller knows it (CTRD_X_OPTIONS_INIT sets it).
 * `flags` are the verb's own. `timeout_ms`: 0 = the verb's default, -1 = none, else milliseconds from submission.
 * `task`: 0 = whatever task is current, else the task this call is meant for (ctrd_event.task, results): when it is
 * no longer the current one the call ends with CTRD_ENOTFOUND.
 */
#define CTRD_OPTIONS_HEAD   \
	uint32_t size;      \
	uint32_t flags;     \
	int64_t timeout_ms; \
	uint64_t task

/**
 * What to call when an op is finished: three words, by value, frozen for ever.
 * `fn` runs exactly once, on the loop thread; `release`, if set, runs exactly once, last, with `data`.
 * Either may be NULL.
 */
typedef struct ctrd_done {
	void (*fn)(ctrd_op *op, void *data);
	void *data;
	void (*release)(void *data);
} ctrd_done;

/** The one global memory rule: buffers that the library hands out to keep are freed with this. NULL-safe.
 * @param pointer what a ctrd_*_take or ctrd_spec_* call returned
 * @thread any
 * @since 0.1
 */
CTRD_API void ctrd_free(void *pointer);

#ifdef __cplusplus
}
#endif

#endif
