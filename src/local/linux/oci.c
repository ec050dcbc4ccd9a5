/*
 * The command line of OCI runtimes, and their error logs. Global arguments come before the verb; all paths are absolute
 * (crun changes its directory before it opens the log).
 *
 * A log is a series of JSON objects, of which some runtimes print each over several lines: it is read as a stream of
 * values. The last one of level error or fatal is the reason. The runtimes have no error codes, so that texts have to be
 * looked at for what callers must be able to tell apart: a program that is missing, or not executable.
 */
#include "local/linux/local.h"

#include "util/file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_MAX	    (1u << 20)
#define PROCESS_MAX (64u << 20)

static bool is_init(const char *process_id)
{
	return strcmp(process_id, CTRD_INIT_PROCESS) == 0;
}

static void log_name(char ret_name[CTRD_ID_MAX + 8], const char *process_id)
{
	if (is_init(process_id))
		(void)snprintf(ret_name, CTRD_ID_MAX + 8, "log");
	else
		(void)snprintf(ret_name, CTRD_ID_MAX + 8, "log-%s", process_id);
}

void ctrd__oci_add(struct ctrd__command *command, const char *argument)
{
	ctrd__str_append_n(&command->args, argument, strlen(argument) + 1);
	command->count++;
}

void ctrd__oci_begin(struct ctrd__command *command, const struct ctrd__local *local,
		     const struct ctrd__box *box, const char *verb, const char *process_id)
{
	CTRD__AUTO_STR struct ctrd__str log = CTRD__STR_INIT;
	char name[CTRD_ID_MAX + 8];

	command->count = 0;
	ctrd__str_init(&command->text);
	ctrd__str_init(&command->args);
	log_name(name, process_id);
	ctrd__str_appendf(&log, "%s/%s", box->path, name);
	command->args.oom |= log.oom;
	ctrd__oci_add(command, box->runtime_path);
	for (size_t i = 0; box->quirks->global[i]; i++)
		ctrd__oci_add(command, box->quirks->global[i]);
	ctrd__oci_add(command, "--root");
	ctrd__oci_add(command, local->runtime_root);
	ctrd__oci_add(command, "--log");
	ctrd__oci_add(command, log.data ? log.data : "");
	ctrd__oci_add(command, "--log-format");
	ctrd__oci_add(command, "json");
	ctrd__oci_add(command, verb);
}

char *ctrd__oci_text(struct ctrd__command *command, const struct ctrd__local *local,
		     const char *process_id, size_t *ret_len)
{
	struct ctrd__str *text = &command->text;
	char *taken = NULL;
	char number[16];
	int n;

	n = snprintf(number, sizeof(number), "%u", command->count);
	ctrd__str_append_n(text, process_id, strlen(process_id) + 1);
	ctrd__str_append_n(text, number, (size_t)n + 1);
	ctrd__str_append_n(text, command->args.data ? command->args.data : "", command->args.len);
	ctrd__str_append(text, "PATH=");
	ctrd__str_append_n(text, local->path, strlen(local->path) + 1);
	*ret_len = text->len;
	if (!command->args.oom)
		taken = ctrd__str_take(text);
	ctrd__str_done(text);
	ctrd__str_done(&command->args);
	return taken;
}

/* The text of the last error in a log, malloc'ed; NULL when there is none. */
static char *last_error(const char *text, size_t len)
{
	char *message = NULL;

	while (len > 0) {
		CTRD__AUTO_JSON struct ctrd__json *entry = NULL;
		const char *level;
		const char *msg;
		size_t used = 0;

		if (ctrd__json_parse_next(text, len, &used, 0, LOG_MAX, &entry, NULL) < 0 ||
		    used == 0)
			break;
		text += used;
		len -= used;
		level = ctrd__json_string(ctrd__json_object_get(entry, "level"));
		msg = ctrd__json_string(ctrd__json_object_get(entry, "msg"));
		if (!level || !msg || (strcmp(level, "error") != 0 && strcmp(level, "fatal") != 0))
			continue;
		free(message);
		message = strdup(msg);
	}
	return message;
}

static bool has(const char *text, const char *part)
{
	size_t len = strlen(part);

	for (; *text; text++)
		if (strncasecmp(text, part, len) == 0)
			return true;
	return false;
}

enum reason { OTHER, MISSING, NOT_EXECUTABLE };

/* Whether it is about the program that was to be run, and not about some other file. */
static enum reason reason_of(const char *text)
{
	bool about_program = has(text, "executable") || has(text, "exec:") || has(text, "exec `") ||
			     has(text, "exec '") || has(text, "exec \"") || has(text, "execve") ||
			     has(text, "exec user process") || has(text, "failed to load /");

	if (!about_program)
		return OTHER;
	if (has(text, "permission denied") || has(text, "is a directory") ||
	    has(text, "exec format error"))
		return NOT_EXECUTABLE;
	if (has(text, "no such file") || has(text, "not found") || has(text, "not a directory"))
		return MISSING;
	return OTHER;
}

static int status_of(const char *text)
{
	if (has(text, "no space left") || has(text, "too many open files") ||
	    has(text, "cannot allocate memory") || has(text, "resource temporarily unavailable"))
		return CTRD_ERESOURCES;
	return CTRD_EUNKNOWN;
}

ctrd_error *ctrd__oci_error_from(const char *text, size_t len, const char *container_id,
				 const char *process_id, const char *what, const char *program,
				 int exit_status)
{
	char *CTRD__AUTO_FREE message = last_error(text, len);
	char how[64];
	ctrd_error *cause;

	if (WIFSIGNALED(exit_status))
		(void)snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(exit_status));
	else
		(void)snprintf(how, sizeof(how), "failed with exit code %d",
			       WEXITSTATUS(exit_status));
	if (!message)
		return ctrd__error_new(
			CTRD_EUNKNOWN, "local", 0, NULL,
			"container \"%s\": process \"%s\": %s: the runtime %s and did "
			"not say why",
			container_id, process_id, what, how);
	switch (reason_of(message)) {
	case MISSING:
		cause = ctrd__error_new(CTRD_ENOTFOUND, "oci", 0, NULL, "%s", message);
		return ctrd__error_new(
			CTRD_EINVAL, "local", 0, cause,
			"process.args[0] \"%s\": not found in the container (exit code 127)",
			program);
	case NOT_EXECUTABLE:
		cause = ctrd__error_new(CTRD_EDENIED, "oci", 0, NULL, "%s", message);
		return ctrd__error_new(
			CTRD_EINVAL, "local", 0, cause,
			"process.args[0] \"%s\": not executable in the container (exit "
			"code 126)",
			program);
	case OTHER:
		break;
	}
	cause = ctrd__error_new(status_of(message), "oci", 0, NULL, "%s", message);
	return ctrd__error_new(status_of(message), "local", 0, cause,
			       "container \"%s\": process \"%s\": %s: the runtime %s: %s",
			       container_id, process_id, what, how, message);
}

/* args[0] of a process, malloc'ed; "" when it cannot be told. */
static char *program_of(const struct ctrd__box *box, const char *process_id)
{
	CTRD__AUTO_JSON struct ctrd__json *doc = NULL;
	char *CTRD__AUTO_FREE text = NULL;
	const struct ctrd__json *args;
	char name[CTRD_ID_MAX + 16];
	const char *program;
	size_t len;

	if (is_init(process_id))
		(void)snprintf(name, sizeof(name), "config.json");
	else
		(void)snprintf(name, sizeof(name), "exec-%s.json", process_id);
	if (ctrd__file_read_at(box->dir_fd, name, PROCESS_MAX, &text, &len) < 0 ||
	    ctrd__json_parse(text, len, CTRD__JSON_DEPTH_MAX, PROCESS_MAX, &doc, NULL) < 0)
		return strdup("");
	args = is_init(process_id) ? ctrd__json_get(doc, "process", "args", NULL)
				   : ctrd__json_object_get(doc, "args");
	program = ctrd__json_string(ctrd__json_array_get(args, 0));
	return strdup(program ? program : "");
}

ctrd_error *ctrd__oci_error(const struct ctrd__box *box, const char *process_id, const char *what,
			    int exit_status)
{
	char *CTRD__AUTO_FREE text = NULL;
	char *CTRD__AUTO_FREE program = NULL;
	char name[CTRD_ID_MAX + 8];
	size_t len = 0;

	log_name(name, process_id);
	if (ctrd__file_read_at(box->dir_fd, name, LOG_MAX, &text, &len) < 0)
		len = 0;
	(void)unlinkat(box->dir_fd, name, 0);
	program = program_of(box, process_id);
	return ctrd__oci_error_from(text ? text : "", len, box->id, process_id, what,
				    program ? program : "", exit_status);
}

void ctrd__oci_drop_log(const struct ctrd__box *box, const char *process_id)
{
	char name[CTRD_ID_MAX + 8];

	log_name(name, process_id);
	(void)unlinkat(box->dir_fd, name, 0);
}
