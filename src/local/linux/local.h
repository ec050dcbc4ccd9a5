/*
 * local.h: the private structs of the client side of `local:` and what its files offer each other.
 *
 * Words: a *box* is a container's directory, opened and read, never changed afterwards. A *cell* is what this client
 * knows of one container id: its box, its task, its processes, the connection to its monitor. A *job* is one request
 * being carried out in steps, on the loop, on the worker, or waiting for a monitor.
 *
 * Threads: cells, jobs and monitors belong to the loop thread. A step that runs on the worker touches only what its
 * job owns (boxes and cgroups are held by reference), and the members marked "worker".
 */
#ifndef CTRD__LOCAL_LOCAL_H
#define CTRD__LOCAL_LOCAL_H

#include "client.h"
#include "local/linux/cgroup.h"
#include "local/linux/proc.h"
#include "local/linux/spawn.h"
#include "local/record.h"
#include "local/wire.h"
#include "loop.h"
#include "op.h"
#include "streams.h"
#include "util/json.h"
#include "util/list.h"
#include "util/map.h"
#include "util/str.h"

#include <pthread.h>
#include <sys/stat.h>

#define CTRD__LOCAL_STATE_DIR	  "/run/libctrd"
#define CTRD__LOCAL_CGROUP_PARENT "/libctrd"
#define CTRD__LOCAL_PATH	  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define CTRD__BOX_VERSION	  1

struct ctrd__quirks;
struct ctrd__job;
struct ctrd__sealed;
struct ctrd__monitor;
struct ctrd__watcher;

/* One client's part of the backend. */
struct ctrd__local {
	ctrd_client *client;
	char *state_dir;
	char *name_space;
	char *ns_path;	     /* state_dir/name_space */
	char *cgroup_prefix; /* in front of "/ID" */
	char *cgroup_parent; /* above it, and above "monitors" */
	char *runtime_root;  /* --root of the runtimes */
	char *path;	     /* PATH of runtime commands */
	int oom_score;
	struct ctrd__map cells;
	struct ctrd__list jobs;
	struct ctrd__list monitors;
	struct ctrd__watcher *watcher;
	struct ctrd__group *warm;   /* the one whose statistics files are open */
	char *packet;		    /* room for one message */
	atomic_bool cannot_outlive; /* a monitor could not leave the service's control group */
	bool worked;		    /* something was given to the worker */
	struct ctrd__work last_work;
	bool closed; /* the loop knows nothing of us any more */
	bool inherited; /* memory of a forked child: descriptors are copies, their state is the parent's */

	/* worker */
	bool swept;
	bool has_layout;
	struct ctrd__cgroup_layout layout;
	bool has_boot_id;
	char boot_id[CTRD__BOOT_ID_SIZE];
	struct ctrd__sealed *sealed;
	struct ctrd__helper_image helper;
};

static inline struct ctrd__local *ctrd__local_of(const ctrd_op *op)
{
	return ctrd__client_backend_data(op->client);
}

/*
 * state.c: directories and what is in them. Worker.
 */
struct ctrd__box {
	unsigned refs; /* loop thread */
	int dir_fd;
	char id[CTRD_ID_MAX + 1];
	char *path; /* absolute */
	char *runtime;
	char *runtime_path;
	const struct ctrd__quirks *quirks;
	char *cgroup; /* linux.cgroupsPath */
	char *bundle; /* what relative paths started from; "" for none */
	char **labels;
	int64_t created_ns;
	uid_t uid; /* on the host, of the first process */
	gid_t gid;
	bool terminal;
};

/* A process of a box, as its record says. */
struct ctrd__found {
	struct ctrd__list node;
	char id[CTRD_ID_MAX + 1];
	struct ctrd__record record;
	bool lost; /* it has a start and no exit, and is not there any more, or ran before the last boot */
};

struct ctrd__box *ctrd__box_ref(struct ctrd__box *box);
struct ctrd__box *ctrd__box_unref(struct ctrd__box *box);
/* Open the directory of the namespace; CTRD_ENOTFOUND when it is not there. */
int ctrd__state_open_ns(struct ctrd__local *local, bool create, int *ret_fd,
			ctrd_error **ret_error);
/* CTRD_ENOTFOUND: no such container; CTRD_EPRECONDITION: of a newer version. One reference. */
int ctrd__state_open_box(struct ctrd__local *local, const char *id, struct ctrd__box **ret_box,
			 ctrd_error **ret_error);
/* Make a container. */
int ctrd__state_create(struct ctrd__local *local, const ctrd_op *op, ctrd_error **ret_error);
/* Take the container out of the namespace and remove it. */
int ctrd__state_delete(struct ctrd__local *local, struct ctrd__box *box, ctrd_error **ret_error);
/* The box is still what its id names. */
bool ctrd__state_is_linked(struct ctrd__local *local, const struct ctrd__box *box);
/* The records of a box, as struct ctrd__found. CTRD_EPRECONDITION: of a newer version. */
int ctrd__state_read_processes(struct ctrd__local *local, int dir_fd, struct ctrd__list *ret_found,
			       ctrd_error **ret_error);
void ctrd__state_free_processes(struct ctrd__list *found);
/* There is a file of that name in the box. */
bool ctrd__state_has(const struct ctrd__box *box, const char *name);
/* Remove what tasks leave in a box: records, logs, the monitor's files. */
void ctrd__state_clean_task(const struct ctrd__box *box);
/* Call `fn` for the name of every container. */
int ctrd__state_each(struct ctrd__local *local, int (*fn)(void *data, const char *id), void *data,
		     ctrd_error **ret_error);
/* Remove what creates and deletes left that were cut, once per client. */
void ctrd__state_sweep(struct ctrd__local *local);
/* Remove the directories and control groups of an empty namespace. */
void ctrd__state_remove_empty(struct ctrd__local *local);
const struct ctrd__cgroup_layout *ctrd__state_layout(struct ctrd__local *local);
const char *ctrd__state_boot_id(struct ctrd__local *local);
/* Connect to the unix socket `name` in a directory, non-blocking. CTRD_EUNAVAILABLE: nobody listens. */
int ctrd__state_connect(int dir_fd, const char *name, int *ret_fd);

/*
 * lock.c: who may change a container. Any thread.
 */
struct ctrd__lock {
	pthread_mutex_t mutex;
	int fd;
	unsigned users;
	bool exclusive;
};
void ctrd__lock_init(struct ctrd__lock *lock);
/* `inherited`: it is a copy of a parent's, whose lock stays. */
void ctrd__lock_done(struct ctrd__lock *lock, bool inherited);
/* CTRD_EABORTED when another client has it, CTRD_ENOTFOUND when the container has gone. */
int ctrd__lock_take(struct ctrd__lock *lock, struct ctrd__local *local, const struct ctrd__box *box,
		    bool exclusive, ctrd_error **ret_error);
void ctrd__lock_drop(struct ctrd__lock *lock);

/*
 * A container's control groups, shared by the jobs that look at them. References: loop thread.
 */
struct ctrd__group {
	unsigned refs;
	struct ctrd__cgroup cgroup; /* worker */
};
struct ctrd__group *ctrd__group_ref(struct ctrd__group *group);
struct ctrd__group *ctrd__group_unref(struct ctrd__group *group);
/* What the file `cgroup` of the box says; without one NULL is returned. Worker. */
int ctrd__group_read(struct ctrd__local *local, const struct ctrd__box *box,
		     struct ctrd__group **ret_group);
/* Find the groups that pid is in and write them down. Worker. */
int ctrd__group_resolve(struct ctrd__local *local, const struct ctrd__box *box, pid_t pid,
			struct ctrd__group **ret_group, ctrd_error **ret_error);

/*
 * runtime.c: which program a runtime's name stands for. Worker.
 */
struct ctrd__runtime {
	char *name;
	char *path;
	const struct ctrd__quirks *quirks;
};
void ctrd__runtime_done(struct ctrd__runtime *runtime);
int ctrd__runtime_resolve(struct ctrd__local *local, const char *name, const char *path,
			  struct ctrd__runtime *ret_runtime, ctrd_error **ret_error);
/* A descriptor to execute the box's runtime from; the caller's. */
int ctrd__runtime_open(struct ctrd__local *local, const struct ctrd__box *box, int *ret_fd,
		       ctrd_error **ret_error);
void ctrd__runtime_free(struct ctrd__local *local);

/*
 * oci_quirks.c: how the runtimes differ.
 */
struct ctrd__quirks {
	const char *name;	   /* what a path's last component begins with */
	const char *const *global; /* arguments in front of the verb */
	bool memfd;		   /* it starts faster from a sealed copy in memory */
	bool update;		   /* has `update` */
	bool hybrid;		   /* works where the v2 hierarchy beside v1 has controllers */
	bool direct;		   /* processes can be signalled and frozen from outside */
};
const struct ctrd__quirks *ctrd__quirks_find(const char *path);

/*
 * oci.c: the runtime's command line, and what it says when it fails.
 */
/* The text of a RUN request. `id` of the process it is about. */
struct ctrd__command {
	struct ctrd__str text;
	unsigned count;
	struct ctrd__str args;
};
/* Finish one with ctrd__oci_text(). The log is `log`, or `log-PROCESS` for an exec. */
void ctrd__oci_begin(struct ctrd__command *command, const struct ctrd__local *local,
		     const struct ctrd__box *box, const char *verb, const char *process_id);
void ctrd__oci_add(struct ctrd__command *command, const char *argument);
/* Malloc'ed; NULL without memory. `command` is done with. */
char *ctrd__oci_text(struct ctrd__command *command, const struct ctrd__local *local,
		     const char *process_id, size_t *ret_len);
/*
 * Why the command failed: reads the log and removes it. `what` names the call. Never NULL. Worker.
 */
ctrd_error *ctrd__oci_error(const struct ctrd__box *box, const char *process_id, const char *what,
			    int exit_status);
/* The same from a log's content. */
ctrd_error *ctrd__oci_error_from(const char *text, size_t len, const char *container_id,
				 const char *process_id, const char *what, const char *program,
				 int exit_status);
/* Remove the log of a command that succeeded. Worker. */
void ctrd__oci_drop_log(const struct ctrd__box *box, const char *process_id);

/*
 * monitor.c: a connection to a helper, with the requests that wait for an answer.
 */
struct ctrd__answer {
	struct ctrd__wire_head head;
	const char *text;
	int fds[CTRD__WIRE_FDS_MAX]; /* taken by setting them to -1 */
	size_t fd_count;
};
typedef void (*ctrd__answer_fn)(void *data,
				struct ctrd__answer *answer); /* NULL: no answer comes */

struct ctrd__monitor_owner {
	/* text: container id, process id */
	void (*event)(void *data, const struct ctrd__wire_head *head, const char *container_id,
		      const char *process_id);
	/* The other end is gone; all waiters were told. The monitor is freed by the caller afterwards. */
	void (*gone)(void *data);
};

/* Takes the descriptor, also on failure. */
int ctrd__monitor_new(struct ctrd__local *local, int fd, const struct ctrd__monitor_owner *owner,
		      void *data, struct ctrd__monitor **ret_monitor);
/* Hang up; waiters are not told. NULL-safe; returns NULL. */
struct ctrd__monitor *ctrd__monitor_free(struct ctrd__monitor *monitor);
void ctrd__monitor_set_owner(struct ctrd__monitor *monitor, const struct ctrd__monitor_owner *owner,
			     void *data);
/*
 * Send a request. `fn` may be NULL. Descriptors stay the caller's. Returns the serial in *ret_serial (may be NULL).
 * A failure is a failure to send: `fn` is not called then.
 */
int ctrd__monitor_request(struct ctrd__monitor *monitor, const struct ctrd__wire_head *head,
			  const char *text, size_t len, const int *fds, size_t fd_count,
			  ctrd__answer_fn fn, void *data, uint32_t *ret_serial);
/* The owner of a waiting request is going away. */
void ctrd__monitor_forget(struct ctrd__monitor *monitor, void *data);

/*
 * What a client knows of a container: cell.c.
 */
struct ctrd__member {
	char id[CTRD_ID_MAX + 1];
	uint32_t pid;
	uint64_t start_time;
	uint64_t inode;
	int pidfd;
	int terminal; /* a duplicate of the master, -1 when not known */
	bool has_terminal;
	bool started;
	bool told;  /* create or exec-added was told, or learnt */
	bool ended; /* `exit` is valid */
	bool exit_told;
	ctrd_exit exit;
	int64_t time_ns; /* of its creation */
};

struct ctrd__cell {
	struct ctrd__local *local;
	unsigned refs; /* jobs, and one of the table */
	bool gone;     /* not in the table any more */
	char id[CTRD_ID_MAX + 1];
	struct ctrd__box *box;
	struct ctrd__lock lock;
	uint64_t task;
	uint32_t state; /* CTRD_TASK_NONE, CREATED, RUNNING or STOPPED */
	struct ctrd__group *group;
	struct ctrd__map members;
	struct ctrd__monitor *monitor;
	bool ready;    /* the monitor's connection is subscribed: what is known here is true */
	bool changing; /* a job of ours makes or ends the task */
	bool looking;
	struct ctrd__list waiters;	/* jobs that wait for the look-up, by wait_node */
	struct ctrd__list exit_waiters; /* jobs that wait for the end of a process, by wait_node */
};

struct ctrd__cell *ctrd__cell_get(struct ctrd__local *local, const char *id, bool make);
struct ctrd__cell *ctrd__cell_ref(struct ctrd__cell *cell);
void ctrd__cell_unref(struct ctrd__cell *cell);
/* Forget the container: it does not exist any more. */
void ctrd__cell_drop(struct ctrd__cell *cell);
struct ctrd__member *ctrd__cell_member(struct ctrd__cell *cell, const char *process_id);
/* Add one, or find it. NULL without memory. */
struct ctrd__member *ctrd__cell_add(struct ctrd__cell *cell, const char *process_id);
void ctrd__cell_remove(struct ctrd__cell *cell, const char *process_id);
/* The task is over: tells the core, forgets the processes and hangs up. */
void ctrd__cell_end_task(struct ctrd__cell *cell);
/* Begin to know of a task. CTRD_ENOMEM. */
int ctrd__cell_begin_task(struct ctrd__cell *cell);
void ctrd__cell_emit(struct ctrd__cell *cell, uint32_t kind, const char *process_id, uint32_t pid,
		     int64_t time_ns);
/* Those who wait for an end go on without it. */
void ctrd__cell_wake_exit_waiters(struct ctrd__cell *cell);
/* Go on with `next` when the process has ended or is forgotten, or the time is over. */
void ctrd__cell_wait_exit(struct ctrd__job *job, const char *process_id, uint64_t ms,
			  void (*next)(struct ctrd__job *job));
/* A process has ended: tell it once. */
void ctrd__cell_exited(struct ctrd__cell *cell, struct ctrd__member *member, const ctrd_exit *exit);
void ctrd__cell_tell_exit(struct ctrd__cell *cell, struct ctrd__member *member);
extern const struct ctrd__monitor_owner ctrd__cell_owner;

/*
 * job.c: a request in steps.
 */
struct ctrd__job {
	struct ctrd__work work;
	struct ctrd__list node; /* local->jobs */
	struct ctrd__list wait_node;
	struct ctrd__local *local;
	struct ctrd__cell *cell; /* or NULL */
	struct ctrd__box *box;	 /* the cell's at the time it was found */
	struct ctrd__group *group;
	ctrd_op *op; /* NULL: the library's own */
	int (*run)(struct ctrd__job *job, ctrd_error **ret_error);
	void (*next)(struct ctrd__job *job);
	void (*answered)(struct ctrd__job *job, struct ctrd__answer *answer);
	void (*fail)(struct ctrd__job *job, ctrd_error *error); /* NULL: finish with the error */
	void (*destroy)(struct ctrd__job *job);			/* what the struct around it owns */
	struct ctrd__monitor *asked;				/* waits for its answer */
	struct ctrd__timer *timer;
	uint32_t serial;      /* of the command that runs for it */
	const char *wait_for; /* the process whose end it waits for */
	bool working;
	bool locked;
	bool changing; /* it has set cell->changing */
	int result;
	ctrd_error *error; /* of the step on the worker */
	/* of ctrd__task_tear_down() */
	struct {
		void (*next)(struct ctrd__job *job);
		struct ctrd__monitor *helper;
		int fds[4]; /* the runtime, /dev/null */
		int helper_fd;
		bool begun;
		bool force;
		bool again; /* it was cut once */
		bool has_exit;
		ctrd_exit exit;
	} down;
};

/* `size` bytes that begin with a struct ctrd__job, all zero. NULL without memory: the op is ended then. */
void *ctrd__job_new(struct ctrd__local *local, ctrd_op *op, size_t size,
		    void (*destroy)(struct ctrd__job *job));
/* The op of a job that can be no more: ends it (error consumed, NULL = success), frees all. */
void ctrd__job_finish(struct ctrd__job *job, ctrd_error *error);
void ctrd__job_fail(struct ctrd__job *job, ctrd_error *error);
__attribute__((format(printf, 3, 4))) void ctrd__job_failf(struct ctrd__job *job, int code,
							   const char *format, ...);
void ctrd__job_free(struct ctrd__job *job);
/* Run a step on the worker, then `next` on the loop; a failure goes to `fail`. */
void ctrd__job_work(struct ctrd__job *job, int (*run)(struct ctrd__job *, ctrd_error **),
		    void (*next)(struct ctrd__job *));
/* Ask the monitor, then `answered`; without an answer NULL. */
void ctrd__job_ask(struct ctrd__job *job, struct ctrd__monitor *monitor,
		   const struct ctrd__wire_head *head, const char *text, size_t len, const int *fds,
		   size_t fd_count,
		   void (*answered)(struct ctrd__job *, struct ctrd__answer *answer));
/* Go on with `next` after some time. */
void ctrd__job_sleep(struct ctrd__job *job, uint64_t ms, void (*next)(struct ctrd__job *));
void ctrd__job_wake(struct ctrd__job *job);
/* The job makes or ends the task: nobody looks the cell up meanwhile. Until the job ends. */
void ctrd__job_change(struct ctrd__job *job);
/* Take the container's lock, on the worker; it is dropped when the job ends. */
int ctrd__job_lock(struct ctrd__job *job, bool exclusive, ctrd_error **ret_error);
void ctrd__job_unlock(struct ctrd__job *job);

/*
 * load.c: finding out what there is. `next` runs with job->cell and job->box set; it may run before this returns.
 */
void ctrd__local_lookup(struct ctrd__job *job, void (*next)(struct ctrd__job *));
/* The same for nobody in particular: so that what has happened becomes known. */
void ctrd__local_look(struct ctrd__cell *cell);
/* A cell's monitor is gone. */
void ctrd__local_monitor_lost(struct ctrd__cell *cell);

/* task.c */
/*
 * Kill what lives, have the runtime delete the container, remove what is left, release the monitor; then `next`.
 * The job holds the lock. Never fails: what cannot be removed is logged.
 */
void ctrd__task_tear_down(struct ctrd__job *job, void (*next)(struct ctrd__job *));
/* Start a helper. Worker. */
int ctrd__local_spawn(struct ctrd__local *local, int *ret_fd, ctrd_error **ret_error);
/* Open cgroup.procs files for a new monitor to move into. Worker. */
void ctrd__local_monitor_fds(struct ctrd__local *local, int *fds, size_t max, size_t *ret_count);
/* Three times /dev/null. */
int ctrd__local_open_null(int ret_fds[3], ctrd_error **ret_error);

/* The verbs. */
void ctrd__local_version(ctrd_op *op);
void ctrd__local_load(ctrd_op *op);
void ctrd__local_create(ctrd_op *op);
void ctrd__local_task_create(ctrd_op *op);
void ctrd__local_start(ctrd_op *op);
void ctrd__local_exec(ctrd_op *op);
void ctrd__local_signal(ctrd_op *op);
void ctrd__local_resize(ctrd_op *op);
void ctrd__local_close_stdin(ctrd_op *op);
void ctrd__local_release_stdio(ctrd_op *op);
void ctrd__local_process_delete(ctrd_op *op);
void ctrd__local_process_list(ctrd_op *op);
void ctrd__local_pause(ctrd_op *op);
void ctrd__local_resume(ctrd_op *op);
void ctrd__local_stats(ctrd_op *op);
void ctrd__local_pids(ctrd_op *op);
void ctrd__local_status(ctrd_op *op);
void ctrd__local_update(ctrd_op *op);
void ctrd__local_checkpoint(ctrd_op *op);
void ctrd__local_task_delete(ctrd_op *op);
void ctrd__local_delete(ctrd_op *op);
void ctrd__local_inspect(ctrd_op *op);
void ctrd__local_list(ctrd_op *op);
void ctrd__local_hurry(ctrd_op *op);

/* watch.c: every container of the namespace. */
void ctrd__watch_all_begin(struct ctrd__local *local);
void ctrd__watch_all_end(struct ctrd__local *local);
void ctrd__watch_all_free(struct ctrd__local *local);

#endif
