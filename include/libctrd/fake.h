/*
 * fake.h: script the in-memory backend "fake:", for tests of programs that embed the library.
 *
 * A fake container runs nothing; its program is the spec's process.args, read as a script:
 *   ["exit", "7"] ends at once with that code; ["sleep"] runs until a signal comes; ["signal", "9"] dies by it;
 *   ["echo", "text"] writes the text and a newline to stdout and ends; ["cat"] copies stdin to stdout until its end,
 *   ["cat", "text"] writes the text and a newline after that; ["flood", "1000"] writes that many zero bytes;
 *   ["linger", "7"] ends at once, but something that it left behind holds its output open until the task is deleted;
 *   ["oom"] is killed by the out-of-memory killer; ["missing"] is a program that does not exist, ["denied"] one that
 *   may not be executed. Anything else behaves as ["exit", "0"].
 *
 * A call does its work at once: a fault that delays it, or makes it hang, holds back the answer. A checkpoint makes the
 * directory and one small file in it; restoring asks for that file and runs the program from its start.
 *
 * Containers live in the process, per name: clients opened on "fake:NAME" with the same NAME share them, until the last
 * of these clients is closed; "fake:" alone is private to its client.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_FAKE_H
#define CTRD_FAKE_H

#include <libctrd/client.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of faults. */
#define CTRD_FAKE_DELAY		  1u /* the matching call takes `delay_ms` longer */
#define CTRD_FAKE_FAIL		  2u /* the matching call ends with `status` */
#define CTRD_FAKE_DROP_EVENT	  3u /* the matching event is lost on its way; found again by a resync */
#define CTRD_FAKE_DUPLICATE_EVENT 4u /* the matching event comes twice */
#define CTRD_FAKE_LOSE_BACKEND	  5u /* the backend is gone for `delay_ms`, then there is a resync */
#define CTRD_FAKE_HANG		  6u /* the matching call never answers (until the client is closed) */

/** One fault. */
typedef struct ctrd_fake_fault {
	uint32_t size;
	uint32_t kind;		  /* CTRD_FAKE_* */
	const char *verb;	  /* ctrd_op_verb of the calls, or name of the events; NULL = all */
	const char *container_id; /* NULL = all */
	uint32_t nth;		  /* the nth match from now on; 0 = every one */
	int32_t status;		  /* FAIL */
	uint32_t delay_ms;	  /* DELAY, LOSE_BACKEND */
	uint32_t reserved0;
} ctrd_fake_fault;
#define CTRD_FAKE_FAULT_INIT                                 \
	{                                                    \
		sizeof(ctrd_fake_fault), 0, 0, 0, 0, 0, 0, 0 \
	}

/**
 * Add a fault to a fake client's script.
 * @param client opened on "fake:"
 * @param fault  read before the call returns
 * @return 0; CTRD_EINVAL for another backend or an unknown kind; CTRD_EABI; CTRD_ENOMEM; CTRD_ECLOSED; CTRD_EFORKED
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_fake_add_fault(ctrd_client *client, const ctrd_fake_fault *fault);

/**
 * Forget all faults of a fake client.
 * @param client opened on "fake:"
 * @return 0; CTRD_EINVAL; CTRD_ECLOSED; CTRD_EFORKED
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_fake_clear_faults(ctrd_client *client);

/**
 * End a fake process, as if its program had ended so.
 * @param client       opened on "fake:"
 * @param container_id, process_id which process
 * @param code         0 to 255, or 128 + n together with a signal n
 * @param signal       0, or the signal it dies by
 * @return 0 (it happens on the loop thread soon after); CTRD_EINVAL; CTRD_ENOMEM; CTRD_ECLOSED; CTRD_EFORKED
 * @thread any
 * @since 0.1
 */
CTRD_API int ctrd_fake_exit(ctrd_client *client, const char *container_id, const char *process_id,
			    uint32_t code, int32_t signal);

#ifdef __cplusplus
}
#endif

#endif
