/*
 * wire.h: what a client and a helper process say to each other.
 *
 * The helper is a small static program. It starts with one end of a SOCK_SEQPACKET socket pair as descriptor 3 and
 * /dev/null as 0, 1 and 2. Told nothing else it runs one command and ends when that connection does; told to HOLD it
 * becomes the monitor of one container: it also listens on `ctl` in the container's directory, and lives until RELEASE,
 * or until its container has ended, every record is written and nobody needs it (see HOLD).
 *
 * One packet is one message: the fixed head, then `text_length` bytes of NUL-terminated strings, with descriptors as
 * SCM_RIGHTS. Requests carry a number that the answer repeats. Numbers are in host byte order: both ends are on one
 * machine. The protocol is an ABI (a library of another release may find this monitor): members are only appended,
 * meanings never change, an unknown request is answered with CTRD_ENOSYS, and a peer with another major version is
 * refused untouched.
 *
 * This file and wire.c are shared by the library and the helper: plain types only.
 */
#ifndef CTRD_LOCAL_WIRE_H
#define CTRD_LOCAL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTRD__WIRE_MAGIC    0x43544d31u /* "CTM1": the 1 is the major version */
#define CTRD__WIRE_MINOR    1u
#define CTRD__WIRE_TEXT_MAX 98304u /* longest text of one message */
#define CTRD__WIRE_FDS_MAX  16u
/* A buffer for any packet: the head of a later minor version may be longer than ours. */
#define CTRD__WIRE_PACKET_MAX (CTRD__WIRE_TEXT_MAX + 512u)

/* The helper starts with its connection here. */
#define CTRD__HELPER_FD 3

/* Names inside a container's directory that both sides use. */
#define CTRD__CTL_NAME "ctl" /* the monitor's listening socket, 0600 */
#define CTRD__MONITOR_NAME \
	"monitor" /* flock'ed by the monitor for its whole life; holds its pid and start time */
#define CTRD__WATCH_DIR "../.watch" /* sockets of the clients that watch the whole namespace */

/*
 * Requests (client to helper).
 *
 * HELLO: no text. Answer: pid = the helper's, `minor`; a monitor answers also with text: the container id.
 *
 * HOLD: become a monitor. fds: [0] the container's directory, then `nfds - 1` open cgroup.procs files to move itself
 *   into (write "0"), first of all. Text: container id. Takes the lock `monitor` (CTRD_EABORTED when another holds
 *   it), listens on `ctl`, dials every socket in ../.watch, reads the process records of the directory, and for each
 *   process that has a start record but no exit record, and is still the same (pid, start time), watches it through a
 *   pidfd (a replacement for a monitor that was killed; it gets the code by PIDFD_GET_INFO, else flags it UNKNOWN).
 *   For those that are gone it writes exit records flagged UNKNOWN, with time 0: a client that knows better (its own
 *   pidfd) writes the exit record itself, under the lock, before it sends HOLD. Records that were never begun (the
 *   command was cut off) are unlinked. A record of a newer version: CTRD_EABI, and nothing was touched.
 *   Answer: `arg` = how many of the cgroup.procs files refused the move (which is no failure).
 *
 * RUN: run a command of the runtime. `kind` says what for. Text: process id, number of arguments as decimal,
 *   arguments..., environment strings.... fds, in this order, those whose flag is set in `flags`:
 *     always [0] the executable (fexecve; argv[0] is the first argument), [1..3] the command's stdin, stdout, stderr
 *     CTRD__RUN_KEEP_IN / _OUT / _ERR: the embedder's ends of the pipes; the monitor keeps them for a later client.
 *   CTRD__RUN_TERMINAL: the monitor listens on a console socket, puts its path in place of the argument "@console@",
 *     receives the terminal's master, keeps it, and sends a duplicate with the answer. `columns`, `rows`: first size.
 *   CTRD__RUN_PIDFILE: the monitor puts a path in place of the argument "@pidfile@" and reads the pid from it after
 *     the command ended with 0; the process becomes ours: it is watched, and gets a record (start, later exit).
 *   The command runs in a process group of its own with the container's directory (or "/") as working directory,
 *   default signal dispositions, no signal blocked, PDEATHSIG SIGKILL, OOM score of the client (`oom_score`).
 *   kind CTRD__KIND_PLAIN, _CREATE (process "init"), _START (marks init's record as started), _EXEC.
 *   CREATE and EXEC need a HOLD before and CTRD__RUN_PIDFILE; only they may have _TERMINAL and _KEEP_*.
 *   The answer comes when the command has ended: `status` 0 or a CTRD_E* of the helper itself; `exit_status` = the
 *   wait status of the command; pid, start_time, inode, time_ns (of START: init's); fds as
 *   `flags` says: [pidfd] (CTRD__RUN_PIDFD: not when
 *   it has been collected already, then start_time is 0), [terminal master] (CTRD__RUN_TERMINAL).
 *   status 0 with another exit_status than 0: the command failed, there is no process and no record.
 *   A command that cannot be executed at all is answered with the status of the reason. EEXISTS: the process id is
 *   known already. No pid file after exit status 0 is CTRD_EINTERNAL.
 *   A record is preallocated before the command runs; when that fails nothing runs (CTRD_ERESOURCES).
 *   If the connection that asked ends while CREATE or EXEC runs, the command goes on and its result stands.
 *
 * KILL_RUN: kill (SIGKILL) the command that request `arg` of this connection started, if it still runs.
 *
 * STDIO: give duplicates of what the monitor keeps of a process' streams. Text: process id. Answer: `flags` =
 *   CTRD__RUN_KEEP_* / _TERMINAL of what follows as fds in the order in, out, err (terminal: one fd, the master).
 *   What was being discarded is no longer.
 *
 * KEEP: the reverse, for a replacement monitor: keep these. Text: process id; `flags` and fds as in the answer to STDIO.
 *
 * CLOSE_STDIN: close the kept write end. Text: process id. Answer as usual.
 *
 * STREAMS: what becomes of kept streams. Text: process id. `arg`: CTRD_RELEASE_KEEP, _DISCARD (the monitor reads and
 *   drops), _HANGUP (closes all it keeps).
 *
 * OOM: fds: [0] a descriptor that becomes readable when memory ran out (eventfd or inotify), [1] memory.oom_control
 *   or memory.events, read again at each event and at each exit for its line "oom_kill N". fds[0] is O_NONBLOCK and
 *   nobody else reads it.
 *
 * TELL: broadcast event `kind` (CTRD_EVENT_PAUSED, _RESUMED) to all other subscribers. Text: process id, or none.
 *
 * SUBSCRIBE: from now on this connection gets EVENT messages (not those its own requests cause, except exits and oom).
 *   Answer first, then one EVENT exit for each process that has ended already. A connection that the monitor dialed
 *   itself (../.watch) has subscribed from its first moment; its other end may send requests like any client.
 *
 * FORGET: drop process (text) and what is kept of it; unlink its record. For execs. CTRD_EPRECONDITION: not ended yet.
 *
 * RELEASE: the task is deleted: forget everything, unlink ctl, unlock, answer, exit. The records stay.
 *
 * EVENTs: `kind`, `pid`, `time_ns`; text: container id, process id ("" for oom and for paused and resumed that named
 * none). Exit: `exit_status` = the code, `signal`, `flags`. A peer that does not take its messages in time is hung up on:
 * it connects again and subscribes, and misses no exit.
 *
 * A monitor without any connection whose processes have all ended, whose kept pipes hold no byte and which waits for no
 * command ends by itself (the records tell the rest).
 */
#define CTRD__REQ_HELLO	      1u
#define CTRD__REQ_HOLD	      2u
#define CTRD__REQ_RUN	      3u
#define CTRD__REQ_KILL_RUN    4u
#define CTRD__REQ_STDIO	      5u
#define CTRD__REQ_CLOSE_STDIN 6u
#define CTRD__REQ_STREAMS     7u
#define CTRD__REQ_OOM	      8u
#define CTRD__REQ_TELL	      9u
#define CTRD__REQ_SUBSCRIBE   10u
#define CTRD__REQ_FORGET      11u
#define CTRD__REQ_RELEASE     12u
#define CTRD__REQ_KEEP	      13u
/* From the helper. */
#define CTRD__MSG_ANSWER   100u /* `status`; `serial` = the request's number */
#define CTRD__MSG_EVENT	   101u /* `kind` = CTRD_EVENT_*; text: container id, process id */

#define CTRD__KIND_PLAIN   0u
#define CTRD__KIND_CREATE  1u
#define CTRD__KIND_START   2u
#define CTRD__KIND_EXEC	   3u

#define CTRD__RUN_KEEP_IN  0x1u
#define CTRD__RUN_KEEP_OUT 0x2u
#define CTRD__RUN_KEEP_ERR 0x4u
#define CTRD__RUN_TERMINAL 0x8u
#define CTRD__RUN_PIDFILE  0x10u
#define CTRD__RUN_PIDFD	   0x20u /* in answers */

struct ctrd__wire_head {
	uint32_t magic;
	uint32_t minor;
	uint32_t type;	 /* CTRD__REQ_*, CTRD__MSG_* */
	uint32_t serial; /* of the request; 0 in events */
	uint32_t kind;
	uint32_t flags; /* in events: CTRD_EXIT_* */
	uint32_t arg;
	int32_t status;	     /* CTRD_* */
	int32_t exit_status; /* wait status of a command; in exit events the code */
	int32_t signal;	     /* exit events */
	uint32_t pid;
	int32_t oom_score;
	uint64_t start_time; /* /proc/PID/stat field 22, clock ticks since boot */
	uint64_t inode;	     /* of the pidfd, 0 when the kernel has no pidfs */
	int64_t time_ns;     /* CLOCK_REALTIME */
	uint16_t columns;
	uint16_t rows;
	uint32_t text_length;
};

/*
 * One message, as wire.c sends and receives it. Statuses: CTRD__WIRE_AGAIN when a non-blocking socket is not ready,
 * CTRD_EUNAVAILABLE when the other end is gone, CTRD_EABI for another major version, CTRD_EINVAL for what is no message,
 * CTRD_ERESOURCES when descriptors were lost; descriptors of a refused message are closed.
 */
#define CTRD__WIRE_AGAIN 1

/* head->text_length bytes of text; magic and minor are filled in. Never raises SIGPIPE. */
int ctrd__wire_send(int socket, struct ctrd__wire_head *head, const char *text, const int *fds,
		    size_t fd_count);
/* packet: CTRD__WIRE_PACKET_MAX bytes, *ret_text points into it. The descriptors are close-on-exec and above 2. */
int ctrd__wire_receive(int socket, void *packet, struct ctrd__wire_head *ret_head,
		       const char **ret_text, int ret_fds[CTRD__WIRE_FDS_MAX],
		       size_t *ret_fd_count);
/* The check of one received packet. */
int ctrd__wire_parse(const void *packet, size_t len, struct ctrd__wire_head *ret_head,
		     const char **ret_text);
void ctrd__wire_close_fds(int *fds, size_t count);
/* The string at *at, which moves behind it; NULL when there is no more before end. */
const char *ctrd__wire_next(const char **at, const char *end);
/* Append string and its NUL to text, of which *length bytes are in use. False when it does not fit. */
bool ctrd__wire_add(char *text, size_t size, uint32_t *length, const char *string);

/*
 * The record of one process: file `process-ID` (`process-init`) in the container's directory, 4096 bytes, written and
 * allocated before the process exists, so that its end can be written on a full disk. Two lines of text, each padded
 * with spaces to its slot and ended by a newline, each with a CRC-32 (IEEE, as 8 hex digits, over the bytes before
 * " crc=") as its last word:
 *   offset 0:    "ctrd1 start pid=P start_time=T inode=I time=NS started=0|1 terminal=0|1 boot=BOOTID crc=XXXXXXXX"
 *   offset 1024: "ctrd1 exit code=C signal=S flags=F time=NS oom=0|1 crc=XXXXXXXX"
 * All zero or blank = not written yet. A line whose CRC is wrong does not exist. A line with another first word is of
 * a newer version: the directory is refused untouched.
 */
#define CTRD__RECORD_PREFIX	  "process-"
#define CTRD__RECORD_SIZE	  4096u
#define CTRD__RECORD_START_OFFSET 0u
#define CTRD__RECORD_EXIT_OFFSET  1024u
#define CTRD__RECORD_SLOT	  512u

#endif
