/*
 * client.h: open one backend on an address, drive its loop, close it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_CLIENT_H
#define CTRD_CLIENT_H

#include <libctrd/base.h>
#include <libctrd/event.h>
#include <libctrd/log.h>
#include <libctrd/op.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

/*
 * Flags of ctrd_client_options.
 * MANUAL: no thread; the host polls ctrd_client_fd and calls ctrd_client_dispatch. Not together with `loop`.
 * WATCH_ALL: events of every container of the namespace, not only of those this client created or loaded.
 * KEEP_LOOP: an adopted loop stays alive while the client is open, not only while an op is under way.
 * NO_MEMFD: `local:` executes runtimes from their path, never from a sealed copy in memory.
 */
#define CTRD_CLIENT_MANUAL    0x1u
#define CTRD_CLIENT_WATCH_ALL 0x2u
#define CTRD_CLIENT_KEEP_LOOP 0x4u
#define CTRD_CLIENT_NO_MEMFD  0x8u

/** `default_runtime` and `runtime` of create: crun where it works, else runc. */
#define CTRD_RUNTIME_FASTEST "@fastest"

/** How to open a client. All pointers are read before the call returns, but `loop`, which must outlive the client. */
typedef struct ctrd_client_options {
	uint32_t size;
	uint32_t flags;	    /* CTRD_CLIENT_* */
	int64_t timeout_ms; /* default deadline of ops; 0 = each verb's own, -1 = none */
	struct uv_loop_s
		*loop;	  /* the host's loop; NULL = a thread of the client's own, or MANUAL */
	size_t loop_size; /* uv_loop_size() as the host sees it, with `loop` */
	const char *name_space; /* groups containers; NULL = "default" */
	const char *state_dir;	/* local: absolute; NULL = /run/libctrd */
	const char
		*cgroup_parent; /* local: absolute path below each cgroup mount; NULL = /libctrd */
	const char *default_runtime; /* NULL = "runc"; CTRD_RUNTIME_FASTEST */
	const char *
		helper_path; /* local: the helper program as a file; NULL = the one inside the library */
	ctrd_event_handler events; /* `fn` may be NULL */
	ctrd_log log;		   /* `fn` may be NULL */
	int32_t log_level;	   /* lines above this are not made; 0 = CTRD_LOG_INFO */
	uint32_t reserved0;
} ctrd_client_options;
#define CTRD_CLIENT_OPTIONS_INIT                                                                \
	{                                                                                       \
		sizeof(ctrd_client_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, {0, 0, 0}, {0, 0}, 0, 0 \
	}

/** Options of ctrd_client_close. */
typedef struct ctrd_close_options {
	CTRD_OPTIONS_HEAD;
} ctrd_close_options;
#define CTRD_CLOSE_OPTIONS_INIT                     \
	{                                           \
		sizeof(ctrd_close_options), 0, 0, 0 \
	}

/** Options of ctrd_client_version. */
typedef struct ctrd_version_options {
	CTRD_OPTIONS_HEAD;
} ctrd_version_options;
#define CTRD_VERSION_OPTIONS_INIT                     \
	{                                             \
		sizeof(ctrd_version_options), 0, 0, 0 \
	}

/**
 * Open a backend.
 *
 * Does no I/O that can wait: a daemon that is not there shows at the first call. Addresses: "local:" (this process runs
 * the containers), "fake:" (in memory, for tests).
 *
 * @param address    which backend
 * @param options    NULL = defaults
 * @param ret_client the caller's reference: ctrd_client_close, then ctrd_client_unref
 * @param ret_error  why not; may be NULL; the caller's reference
 * @return 0; CTRD_EINVAL; CTRD_EABI; CTRD_ENOSYS for a backend that this build does not have; CTRD_ENOMEM; CTRD_ERESOURCES
 * @thread any; with `loop`: that loop's thread, or before it runs
 * @since 0.1
 */
CTRD_API int ctrd_client_open(const char *address, const ctrd_client_options *options,
			      ctrd_client **ret_client, ctrd_error **ret_error);

/**
 * Close the client: rule 7 of op.h. Containers live on. A second close gets CTRD_ECLOSED.
 *
 * @param client  the client
 * @param options NULL = defaults; the deadline does not apply
 * @param done    when nothing of the client runs any more
 * @param ret_op  may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_client_close(ctrd_client *client, const ctrd_close_options *options,
			       ctrd_done done, ctrd_op **ret_op);

/**
 * Take another reference.
 * @param client may be NULL
 * @return client
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_client *ctrd_client_ref(ctrd_client *client);

/**
 * Drop a reference. The last one joins the client's own thread, or detaches it when called on it. A client that was not
 * closed is closed first, without waiting for anybody.
 * @param client may be NULL
 * @return NULL
 * @thread any
 * @since 0.1
 */
CTRD_API ctrd_client *ctrd_client_unref(ctrd_client *client);

/**
 * Ask who answers: ctrd_op_get_version.
 * @param client  the client
 * @param options NULL = defaults
 * @param done    completion
 * @param ret_op  may be NULL
 * @return as rule 1 of op.h
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_client_version(ctrd_client *client, const ctrd_version_options *options,
				 ctrd_done done, ctrd_op **ret_op);

/* What a backend can do: ctrd_client_capabilities. */
#define CTRD_CAN_PAUSE	    0x1u
#define CTRD_CAN_CHECKPOINT 0x2u
#define CTRD_CAN_UPDATE	    0x4u
#define CTRD_CAN_TERMINAL   0x8u
#define CTRD_CAN_STATS	    0x10u
#define CTRD_CAN_WATCH_ALL  0x20u
#define CTRD_CAN_OUTLIVE_SERVICE \
	0x40u /* containers outlive the stop of the embedder's service (cgroup) */
#define CTRD_CAN_LATE_EXIT 0x80u /* exit codes are found again even when the monitor was killed */

/**
 * Tell what the backend can do here, as far as is known without asking it.
 * @param client the client
 * @return CTRD_CAN_* bits; 0 for NULL
 * @thread any
 * @since 0.1
 */
CTRD_API uint64_t ctrd_client_capabilities(const ctrd_client *client);

/**
 * Lend the descriptor to poll for reading, of a MANUAL client.
 * @param client a client opened with CTRD_CLIENT_MANUAL
 * @return a descriptor that stays the client's; CTRD_EPRECONDITION for other clients; CTRD_EINVAL, CTRD_EFORKED
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_client_fd(const ctrd_client *client);

/**
 * Tell how long a MANUAL client's descriptor may be polled before it must be dispatched.
 * @param client a client opened with CTRD_CLIENT_MANUAL
 * @return milliseconds; -1 = for ever; 0 also when it cannot be told
 * @thread the one that dispatches
 * @since 0.1
 */
CTRD_API int ctrd_client_timeout_ms(const ctrd_client *client);

/**
 * Do what is due, of a MANUAL client: completions and events run inside. Never blocks.
 * @param client a client opened with CTRD_CLIENT_MANUAL
 * @return 0; CTRD_EPRECONDITION for other clients or from inside a completion; CTRD_EINVAL, CTRD_EFORKED
 * @thread one at a time; that thread is the loop thread
 * @since 0.1
 */
CTRD_API int ctrd_client_dispatch(ctrd_client *client);

#ifdef __cplusplus
}
#endif

#endif
