/*
 * client.h: the inside of a client, for the core and, below the line, for backends.
 */
#ifndef CTRD_SRC_CLIENT_H
#define CTRD_SRC_CLIENT_H

#include "backend.h"
#include "loop.h"
#include "op.h"
#include "util/map.h"

/* The options of an open client, copied. */
struct ctrd__client_config {
	uint32_t flags;
	int64_t timeout_ms;
	char *name_space;
	char *state_dir;       /* NULL = the backend's default */
	char *cgroup_parent;   /* NULL = the backend's default */
	char *default_runtime; /* NULL = the backend's default */
	char *helper_path;     /* NULL = the one inside the library */
	ctrd_event_handler events;
	ctrd_log log;
	int32_t log_level;
};

/*
 * For backends.
 */
const struct ctrd__client_config *ctrd__client_config(const ctrd_client *client);
void ctrd__client_set_backend_data(ctrd_client *client, void *data);
void *ctrd__client_backend_data(const ctrd_client *client);

/* Log one line. Loop thread or worker thread. */
void ctrd__client_log(ctrd_client *client, int level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Tell what happened; see struct ctrd__happening. Cannot fail: what there is no memory for is made good by a resync
 * mark, and exits have their memory beforehand. */
void ctrd__client_emit(ctrd_client *client, const struct ctrd__happening *happening);

/*
 * A new life of a container begins (task create, or a load that finds a task this client does not know): its number,
 * never 0. Without memory for the ledger: 0. Must come before its first happening, and in a load before the result.
 */
uint64_t ctrd__client_begin_task(ctrd_client *client, const char *container_id);
/* The number of the current life, 0 when there is none. */
uint64_t ctrd__client_task(ctrd_client *client, const char *container_id);
/*
 * In a load: a process of the current life as it was found. With `exit` it has ended: that is a result, not an event.
 * Init and execs alike. CTRD_ENOMEM.
 */
int ctrd__client_learn_process(ctrd_client *client, const char *container_id,
			       const char *process_id, uint32_t pid, const ctrd_exit *exit);
/* How a process of the current life ended, as far as the ledger knows: false when it lives or is unknown. */
bool ctrd__client_process_exit(ctrd_client *client, const char *container_id,
			       const char *process_id, ctrd_exit *ret_exit);
/* The life is over (task deleted) or an exec is forgotten: its streams are closed, its waiters that never got an exit
 * end with CTRD_ENOTFOUND. Called by the backend before it finishes the delete. */
void ctrd__client_end_task(ctrd_client *client, const char *container_id);
void ctrd__client_forget_process(ctrd_client *client, const char *container_id,
				 const char *process_id);

/* Run `fn` on the loop thread soon; any thread, also another client's loop. `cancelled`: the client is being closed.
 * CTRD_ECLOSED when it is too late: then `fn` never runs. The post is the caller's memory until `fn` has run. */
struct ctrd__post {
	struct ctrd__list node;
	void (*fn)(ctrd_client *client, struct ctrd__post *post, bool cancelled);
};
int ctrd__client_post(ctrd_client *client, struct ctrd__post *post);

/* The backend has let go of the loop: the answer to ops->close. */
void ctrd__client_backend_closed(ctrd_client *client);

#endif
