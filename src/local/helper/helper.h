/*
 * helper.h: what the files of the helper program share. One process, one thread, one poll loop; what
 * it holds is one struct for the whole program, because there is exactly one.
 *
 *   main.c     becomes the process it has to be, and runs the loop
 *   peer.c     connections: receive, send, queue, who is subscribed
 *   request.c  takes requests apart and answers them
 *   hold.c     the container's directory: lock, socket, records found, watchers dialed, release
 *   command.c  one command of the runtime: start, console, pid file, end
 *   process.c  the processes of the container: records, watching, exits, reaping
 *   stream.c   kept ends of pipes and terminals
 *   oom.c      the count of out-of-memory kills
 *
 * Invariant: nothing that a peer sends or fails to read, and no failed allocation, ends the monitor or
 * makes it wait.
 */
#ifndef CTRD_LOCAL_HELPER_H
#define CTRD_LOCAL_HELPER_H

#include "local/record.h"
#include "local/wire.h"

#include <libctrd/base.h>
#include <libctrd/event.h>

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

enum {
	CTRD__PEERS_MAX = 64,
	CTRD__PEER_QUEUE_MAX = 64, /* messages that wait for a peer, exits not counted */
	CTRD__COLLECTED_MAX = 256, /* ends of unknown children that a pid file may still name */
	CTRD__COLLECT_WAIT_MS = 50,
	CTRD__COLLECT_PATIENCE_MS = 10000, /* for a stranger to collect a process that we adopted */
	CTRD__IDLE_CHECK_MS = 5000,
	CTRD__EVENT_TEXT_MAX = 2 * (CTRD_ID_MAX + 1),
};

struct ctrd__queued;

struct ctrd__peer {
	int fd; /* -1: the slot is free */
	uint64_t id;
	bool subscribed;
	uint32_t told; /* the exits up to this number were sent */
	struct ctrd__queued *first;
	struct ctrd__queued **last;
	unsigned int queued;
};

struct ctrd__streams {
	int in, out, err, terminal; /* -1: not kept */
	bool discard;
};

enum ctrd__process_state {
	CTRD__PROCESS_PENDING, /* its command runs */
	CTRD__PROCESS_RUNNING,
	CTRD__PROCESS_ENDED,
};

struct ctrd__process {
	struct ctrd__process *next;
	char id[CTRD_ID_MAX + 1];
	enum ctrd__process_state state;
	bool forgotten; /* freed at the end of the turn */
	bool unsaved;	/* its exit record could not be written yet */
	int record;
	int pidfd;		  /* of one that is not our child, else -1 */
	int64_t collect_until_ms; /* it has ended: when to give up on its code; 0 = it has not */
	bool collected;		  /* it ended before its pid was known, */
	int wait_status;	  /* like this, */
	int64_t ended_ns;	  /* then */
	bool vanished;		  /* so did this one, and not through us */
	struct ctrd__record_start start;
	struct ctrd__record_exit exit;
	uint32_t exit_number; /* 1, 2, ... in the order of the exits */
	uint64_t oom_kills;   /* the count when it started */
	struct ctrd__streams streams;
};

struct ctrd__command {
	struct ctrd__command *next;
	pid_t pid;
	bool ended;
	uint32_t kind;
	uint32_t flags;
	uint32_t serial;
	uint64_t peer;
	struct ctrd__process *process; /* of CREATE and EXEC */
	int console;		       /* the listening console socket, -1 when none */
	int console_peer;
	uint16_t columns, rows;
};

struct ctrd__monitor {
	int signals;
	int dir; /* the container's directory; -1 until HOLD */
	int lock;
	int listener;
	bool released;
	char id[CTRD_ID_MAX + 1];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of dir, for the runtime */
	char boot_id[CTRD__RECORD_BOOT_ID_SIZE];
	struct ctrd__peer peers[CTRD__PEERS_MAX];
	struct ctrd__process *processes;
	struct ctrd__command *commands;
	uint32_t exits;
	int oom_event, oom_file;
	uint64_t oom_kills;
	/* What commands get back. */
	struct rlimit core, files;
};

extern struct ctrd__monitor ctrd__monitor;

/* main.c */
int64_t ctrd__helper_now_ms(void);
int64_t ctrd__helper_realtime_ns(void);

/* peer.c */
void ctrd__peer_add(int fd, bool subscribed);
void ctrd__peer_accept(void);
/* CTRD_EDENIED when the other end is neither root nor our own user. */
int ctrd__peer_check(int fd);
struct ctrd__peer *ctrd__peer_find(uint64_t id);
void ctrd__peer_drop(struct ctrd__peer *peer);
bool ctrd__peer_any(void);
/* Something came in, or there is room to send again. */
void ctrd__peer_turn(struct ctrd__peer *peer, short revents);
short ctrd__peer_wants(const struct ctrd__peer *peer);
void ctrd__peer_send(struct ctrd__peer *peer, struct ctrd__wire_head *head, const char *text,
		     const int *fds, size_t fd_count);
/* As much of what waits for this peer as it takes, exits included. */
void ctrd__peer_flush(struct ctrd__peer *peer);
void ctrd__peer_flush_all(void);
/* To all subscribers but one (0: to all). Exits do not come this way. */
void ctrd__peer_broadcast(uint32_t kind, const char *process_id, uint32_t pid, uint64_t except);

/* request.c */
struct ctrd__request {
	struct ctrd__peer *peer;
	const struct ctrd__wire_head *head;
	const char *text, *end;
	int *fds; /* taken ones are set to -1 */
	size_t fd_count;
};
void ctrd__request_serve(struct ctrd__request *request);

/* hold.c */
/* Takes dir when it succeeds. */
int ctrd__hold_begin(const char *id, int dir);
void ctrd__hold_end(void);
/* Names for what the runtime makes in the directory: unlinked at HOLD if an earlier life left them. */
#define CTRD__CONSOLE_PREFIX "tty-"
#define CTRD__PIDFILE_PREFIX "pid-"
#define CTRD__PIDFILE_DRAFT_PREFIX \
	".pid-" /* where runc writes it first, and only where nothing is */
/* An address by a name in a directory that is open, however long its path is. */
bool ctrd__hold_address(struct sockaddr_un *ret_address, int dir, const char *name);
/* A listening socket, 0600, in the place of whatever had the name. */
int ctrd__hold_listen(const char *name, int type, int *ret_fd);

/* command.c */
int ctrd__command_run(struct ctrd__request *request);
/* The command with this pid has ended; false when there is none. */
bool ctrd__command_ended(pid_t pid, int wait_status);
int ctrd__command_kill(uint64_t peer, uint32_t serial);
void ctrd__command_console_turn(struct ctrd__command *command);
bool ctrd__command_wants_pids(void);
void ctrd__command_sweep(void);

/* process.c */
int ctrd__process_new(const char *id, struct ctrd__process **ret_process);
struct ctrd__process *ctrd__process_find(const char *id);
/* The command succeeded: this is the process. */
void ctrd__process_begin(struct ctrd__process *process, pid_t pid, bool started, int *ret_pidfd);
/* Its end was collected before it had a name; now it has one. */
void ctrd__process_check_collected(struct ctrd__process *process);
void ctrd__process_mark_started(struct ctrd__process *process);
void ctrd__process_forget(struct ctrd__process *process, bool unlink_record);
int ctrd__process_load(const char *id);
void ctrd__process_pidfd_turn(struct ctrd__process *process);
void ctrd__process_reap(void);
/* No command waits for a pid any more: what was collected so far is nobody's. */
void ctrd__process_clear_collected(void);
bool ctrd__process_all_ended(void);
void ctrd__process_save(struct ctrd__process *process);
void ctrd__process_sweep(void);

/* stream.c */
void ctrd__streams_init(struct ctrd__streams *streams);
void ctrd__streams_close(struct ctrd__streams *streams);
/* Take those of fds that flags names; the number of them. */
size_t ctrd__streams_keep(struct ctrd__streams *streams, uint32_t flags, int *fds);
/* Lend them in the order of wire.h; flags says which. */
size_t ctrd__streams_list(const struct ctrd__streams *streams, int ret_fds[4], uint32_t *ret_flags);
size_t ctrd__streams_count(uint32_t flags);
bool ctrd__streams_hold_bytes(const struct ctrd__streams *streams);
void ctrd__streams_drain(int *fd);

/* oom.c */
void ctrd__oom_watch(int event, int file);
void ctrd__oom_turn(void);
/* Read the count again and tell when it has grown. */
void ctrd__oom_update(void);

#endif
