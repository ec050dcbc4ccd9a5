/*
 * The backend `local:`: containers of this machine, without a daemon. This file is its table and the life of a client's
 * part; each verb is in the file of its noun.
 *
 * Invariant: opening touches nothing, closing leaves every container as it is.
 */
#include "backend.h"
#include "client.h"
#include "local/linux/local.h"
#include "local/linux/pidfd.h"
#include "util/digest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char *concat(const char *a, const char *b, const char *c, const char *d)
{
	struct ctrd__str str = CTRD__STR_INIT;

	ctrd__str_append(&str, a);
	ctrd__str_append(&str, b);
	ctrd__str_append(&str, c);
	ctrd__str_append(&str, d);
	return ctrd__str_take(&str);
}

/* The namespace as part of a control group's name: another state directory is another place. */
static char *cgroup_prefix(const char *parent, const char *state_dir, const char *name_space)
{
	char hex[CTRD__SHA256_HEX_SIZE];

	if (strcmp(state_dir, CTRD__LOCAL_STATE_DIR) == 0)
		return concat(parent, "/", name_space, "");
	ctrd__sha256_hex(state_dir, strlen(state_dir), hex);
	hex[8] = '-';
	hex[9] = '\0';
	return concat(parent, "/", hex, name_space);
}

/* Our own score: what the runtime's commands, and so the containers, begin with. */
static int read_oom_score(void)
{
	CTRD__AUTO_CLOSE int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	char text[16];
	ssize_t n;

	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return (int)strtol(text, NULL, 10);
}

static void free_local(struct ctrd__local *local)
{
	ctrd__map_done(&local->cells);
	ctrd__helper_image_close(&local->helper);
	ctrd__runtime_free(local);
	if (local->has_layout)
		ctrd__cgroup_layout_done(&local->layout);
	free(local->state_dir);
	free(local->name_space);
	free(local->ns_path);
	free(local->cgroup_prefix);
	free(local->cgroup_parent);
	free(local->runtime_root);
	free(local->path);
	free(local->packet);
	free(local);
}

static bool fill(struct ctrd__local *local, const struct ctrd__client_config *config)
{
	const char *state_dir = config->state_dir ? config->state_dir : CTRD__LOCAL_STATE_DIR;
	const char *parent = config->cgroup_parent ? config->cgroup_parent
						   : CTRD__LOCAL_CGROUP_PARENT;
	const char *name_space = config->name_space ? config->name_space : "default";
	const char *path = getenv("PATH");
	size_t len = strlen(state_dir);

	while (len > 1 && state_dir[len - 1] == '/')
		len--;
	local->state_dir = ctrd__strdup_n(state_dir, len);
	local->name_space = strdup(name_space);
	local->path = strdup(path && *path ? path : CTRD__LOCAL_PATH);
	if (!local->state_dir || !local->name_space || !local->path)
		return false;
	len = strlen(parent);
	while (len > 0 && parent[len - 1] == '/')
		len--;
	local->cgroup_parent = ctrd__strdup_n(parent, len);
	local->ns_path = concat(local->state_dir, "/", name_space, "");
	if (!local->cgroup_parent || !local->ns_path)
		return false;
	local->runtime_root = concat(local->ns_path, "/.runtime", "", "");
	local->cgroup_prefix = cgroup_prefix(local->cgroup_parent, local->state_dir, name_space);
	return local->runtime_root && local->cgroup_prefix;
}

static int check(const char *rest, const struct ctrd__client_config *config, ctrd_error **ret_error)
{
	const char *field = NULL;

	if (*rest != '\0')
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "local", 0, NULL,
							  "address: \"%s\" behind \"local:\"",
							  rest),
					  ret_error);
	if (config->state_dir && config->state_dir[0] != '/')
		field = "state_dir";
	else if (config->cgroup_parent && config->cgroup_parent[0] != '/')
		field = "cgroup_parent";
	else if (config->helper_path && config->helper_path[0] != '/')
		field = "helper_path";
	if (field)
		return ctrd__error_return(ctrd__error_new(CTRD_EINVAL, "local", 0, NULL,
							  "client: %s: not an absolute path",
							  field),
					  ret_error);
	return CTRD_OK;
}

static int open_client(ctrd_client *client, const char *rest,
		       const struct ctrd__client_config *config, ctrd_error **ret_error)
{
	struct ctrd__local *local;
	int r;

	r = check(rest, config, ret_error);
	if (r < 0)
		return r;
	local = calloc(1, sizeof(*local));
	if (!local)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	local->client = client;
	local->helper = (struct ctrd__helper_image)CTRD__HELPER_IMAGE_INIT;
	local->oom_score = read_oom_score();
	ctrd__map_init(&local->cells);
	ctrd__list_init(&local->jobs);
	ctrd__list_init(&local->monitors);
	if (!fill(local, config)) {
		free_local(local);
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	}
	ctrd__client_set_backend_data(client, local);
	return CTRD_OK;
}

static void begin(ctrd_client *client)
{
	if (ctrd__client_config(client)->flags & CTRD_CLIENT_WATCH_ALL)
		ctrd__watch_all_begin(ctrd__client_backend_data(client));
}

static uint64_t capabilities(const ctrd_client *client)
{
	const struct ctrd__local *local = ctrd__client_backend_data(client);
	uint64_t can = CTRD_CAN_PAUSE | CTRD_CAN_UPDATE | CTRD_CAN_TERMINAL | CTRD_CAN_STATS |
		       CTRD_CAN_WATCH_ALL;

	if (geteuid() == 0 && !atomic_load(&local->cannot_outlive))
		can |= CTRD_CAN_OUTLIVE_SERVICE;
	if (ctrd__pidfd_has_exit_status())
		can |= CTRD_CAN_LATE_EXIT;
	return can;
}

static void drop_all(struct ctrd__local *local)
{
	struct ctrd__list *node;
	struct ctrd__map_iter it;
	const char *id;
	void *value;

	while ((node = ctrd__list_first(&local->jobs)))
		ctrd__job_free(ctrd__container_of(node, struct ctrd__job, node));
	it = ctrd__map_iter(&local->cells);
	while (ctrd__map_next(&local->cells, &it, &id, &value)) {
		(void)ctrd__map_remove(&local->cells, id);
		ctrd__cell_unref(value);
	}
	local->warm = ctrd__group_unref(local->warm);
}

static void remove_empty(struct ctrd__work *work)
{
	ctrd__state_remove_empty(ctrd__container_of(work, struct ctrd__local, last_work));
}

static void removed_empty(struct ctrd__work *work, bool cancelled)
{
	struct ctrd__local *local = ctrd__container_of(work, struct ctrd__local, last_work);

	(void)cancelled;
	ctrd__client_backend_closed(local->client);
}

static void close_client(ctrd_client *client)
{
	struct ctrd__local *local = ctrd__client_backend_data(client);

	ctrd__watch_all_end(local);
	drop_all(local);
	local->closed = true;
	/* Who never worked has left nothing, and starts no thread to find that out. */
	local->last_work.run = remove_empty;
	local->last_work.after = removed_empty;
	if (!local->worked || ctrd__work_submit(client, &local->last_work) < 0)
		ctrd__client_backend_closed(client);
}

static void free_client(ctrd_client *client)
{
	struct ctrd__local *local = ctrd__client_backend_data(client);

	if (!local)
		return;
	/* Closing comes first, except in a forked child. */
	local->inherited = !local->closed;
	drop_all(local);
	ctrd__watch_all_free(local);
	free_local(local);
}

const struct ctrd__backend_ops ctrd__local_ops = {
	.scheme = "local:",
	.name = "local",
	.open = open_client,
	.begin = begin,
	.verbs =
		{
			[CTRD__VERB_VERSION] = ctrd__local_version,
			[CTRD__VERB_LOAD] = ctrd__local_load,
			[CTRD__VERB_CREATE] = ctrd__local_create,
			[CTRD__VERB_TASK_CREATE] = ctrd__local_task_create,
			[CTRD__VERB_START] = ctrd__local_start,
			[CTRD__VERB_EXEC] = ctrd__local_exec,
			[CTRD__VERB_SIGNAL] = ctrd__local_signal,
			[CTRD__VERB_RESIZE] = ctrd__local_resize,
			[CTRD__VERB_CLOSE_STDIN] = ctrd__local_close_stdin,
			[CTRD__VERB_RELEASE_STDIO] = ctrd__local_release_stdio,
			[CTRD__VERB_PROCESS_DELETE] = ctrd__local_process_delete,
			[CTRD__VERB_PROCESS_LIST] = ctrd__local_process_list,
			[CTRD__VERB_PAUSE] = ctrd__local_pause,
			[CTRD__VERB_RESUME] = ctrd__local_resume,
			[CTRD__VERB_STATS] = ctrd__local_stats,
			[CTRD__VERB_PIDS] = ctrd__local_pids,
			[CTRD__VERB_STATUS] = ctrd__local_status,
			[CTRD__VERB_UPDATE] = ctrd__local_update,
			[CTRD__VERB_CHECKPOINT] = ctrd__local_checkpoint,
			[CTRD__VERB_TASK_DELETE] = ctrd__local_task_delete,
			[CTRD__VERB_DELETE] = ctrd__local_delete,
			[CTRD__VERB_INSPECT] = ctrd__local_inspect,
			[CTRD__VERB_LIST] = ctrd__local_list,
		},
	.hurry = ctrd__local_hurry,
	.capabilities = capabilities,
	.close = close_client,
	.free = free_client,
};
