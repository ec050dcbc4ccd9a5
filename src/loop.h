/*
 * loop.h: what the core and the backends use of the loop: watching descriptors, timers, work on the worker thread.
 *
 * Every callback runs on the client's loop thread; after each the core delivers what has become due. None of these
 * handles keeps an adopted loop alive.
 */
#ifndef CTRD_SRC_LOOP_H
#define CTRD_SRC_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <libctrd/base.h>

#include "util/list.h"

struct ctrd__watch;
struct ctrd__timer;

#define CTRD__READABLE 0x1
#define CTRD__WRITABLE 0x2

/*
 * Watch a descriptor that the library made (it becomes non-blocking). The callback gets what is possible; an error or
 * hang-up counts as all that was asked for.
 */
int ctrd__watch_new(ctrd_client *client, int fd, int events, void (*fn)(void *data, int events),
		    void *data, struct ctrd__watch **ret_watch);
/* Change what is asked for; 0 = nothing for now. */
int ctrd__watch_set(struct ctrd__watch *watch, int events);
/* Stop, at once: no further callback; the descriptor may be closed right after. NULL-safe; returns NULL. */
struct ctrd__watch *ctrd__watch_free(struct ctrd__watch *watch);

/* Call `fn` once after `ms` milliseconds. It frees itself then; the pointer must be forgotten in the callback. */
int ctrd__timer_new(ctrd_client *client, uint64_t ms, void (*fn)(void *data), void *data,
		    struct ctrd__timer **ret_timer);
struct ctrd__timer *ctrd__timer_free(struct ctrd__timer *timer);

/*
 * Work for the client's one worker thread, started on first use. Embedded in the owner's struct. `run` on the worker,
 * in order of submission; then `after` on the loop thread. `cancelled`: the client is being closed and `run` never ran.
 */
struct ctrd__work {
	struct ctrd__list node;
	void (*run)(struct ctrd__work *work);
	void (*after)(struct ctrd__work *work, bool cancelled);
	bool cancelled;
};

/* On the loop thread. Fails (CTRD_ENOMEM, CTRD_ERESOURCES) only when the thread cannot be started. */
int ctrd__work_submit(ctrd_client *client, struct ctrd__work *work);

#endif
