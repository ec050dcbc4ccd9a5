/*
 * record.h: the process records of wire.h as text and back. Used by the library and by the helper.
 *
 * A record file has two slots, start and exit; each holds one line with its own checksum, or nothing
 * yet. Writers replace a whole slot in place, so that a full disk cannot keep an end from being kept.
 */
#ifndef CTRD_LOCAL_RECORD_H
#define CTRD_LOCAL_RECORD_H

#include "local/wire.h"

#include <libctrd/base.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CTRD__RECORD_NAME_SIZE	  (sizeof(CTRD__RECORD_PREFIX) + CTRD_ID_MAX)
#define CTRD__RECORD_BOOT_ID_SIZE 37u

struct ctrd__record_start {
	uint32_t pid;
	uint64_t start_time; /* 0: it ended before anybody could look */
	uint64_t inode;
	int64_t time_ns;
	bool started;
	bool terminal;
	char boot_id[CTRD__RECORD_BOOT_ID_SIZE];
};

struct ctrd__record_exit {
	uint32_t code;
	int32_t signal; /* 0 unless CTRD_EXIT_SIGNALED */
	uint32_t flags; /* CTRD_EXIT_* */
	int64_t time_ns;
};

struct ctrd__record {
	bool has_start;
	bool has_exit;
	struct ctrd__record_start start; /* valid with has_start */
	struct ctrd__record_exit exit;	 /* valid with has_exit */
};

/* Whether id keeps to the rule of ids: only such ones ever become part of a file name. */
bool ctrd__record_id_valid(const char *id);
void ctrd__record_name(char ret_name[CTRD__RECORD_NAME_SIZE], const char *process_id);

/* A whole slot: the line, padded, with its newline. */
void ctrd__record_format_start(char ret_slot[CTRD__RECORD_SLOT],
			       const struct ctrd__record_start *start);
void ctrd__record_format_exit(char ret_slot[CTRD__RECORD_SLOT],
			      const struct ctrd__record_exit *exit);

/*
 * Take a record file's bytes apart. What is damaged counts as not written. CTRD_EABI: a sound line
 * of a newer version is in it; then nothing of it may be used or changed.
 */
int ctrd__record_parse(const void *data, size_t len, struct ctrd__record *ret_record);

/* CTRD_ENOTFOUND when there is no such record; a link is never followed. */
int ctrd__record_read_at(int dirfd, const char *process_id, struct ctrd__record *ret_record);
/* The record as it is, to write into. */
int ctrd__record_open_at(int dirfd, const char *process_id, int *ret_fd);
/* Make the record, empty, with its room on the disk taken. An old one of that name is emptied. */
int ctrd__record_create_at(int dirfd, const char *process_id, int *ret_fd);
int ctrd__record_write_start(int fd, const struct ctrd__record_start *start);
int ctrd__record_write_exit(int fd, const struct ctrd__record_exit *exit);

/* What a wait status says, as an exit; time and further flags are the caller's. */
void ctrd__record_exit_from_wait(struct ctrd__record_exit *ret_exit, int wait_status);

#endif
