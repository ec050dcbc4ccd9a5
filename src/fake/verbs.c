/*
 * verbs.c: calls on what exists: create, load, update, pause, resume, checkpoint, delete, and those on the streams of a
 * process. What runs is begun and ended in task.c.
 */
#include "fake/call.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spec_check.h"
#include "streams.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/json.h"
#include "util/os.h"
#include "util/str.h"

#define CHECKPOINT_FILE "libctrd-fake-checkpoint"

/*
 * Create
 */

static ctrd_error *read_bundle(const char *bundle, char **ret_spec, size_t *ret_length)
{
	CTRD__AUTO_CLOSE int dir = ctrd__fd_above_2(open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC));
	int status = dir < 0 ? ctrd__status_from_errno(errno)
			     : ctrd__file_read_at(dir, "config.json", CTRD__JSON_SIZE_DEFAULT,
						  ret_spec, ret_length);

	return status ? ctrd__fake_error(status, "bundle \"%.200s\": config.json cannot be read",
					 bundle)
		      : NULL;
}

/* The name under which the runtime is pinned; NULL when it is not known. */
static const char *resolve_runtime(const struct ctrd__fake_call *call)
{
	static const char *const known[] = {"runc", "crun", "runsc"};
	const char *name = call->op->request.runtime;

	if (!name)
		name = ctrd__client_config(call->client->client)->default_runtime;
	if (!name)
		name = "runc";
	if (!strcmp(name, CTRD_RUNTIME_FASTEST))
		name = "crun";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!strcmp(name, known[i]))
			return name;
	}
	return call->op->request.runtime_path ? name : NULL;
}

static uint64_t limit_of(const struct ctrd__json *value, uint64_t otherwise)
{
	int64_t number;

	if (!ctrd__json_int64(value, &number))
		return otherwise;
	return number > 0 ? (uint64_t)number : UINT64_MAX;
}

static void set_limits(struct ctrd__fake_container *container, const struct ctrd__json *resources)
{
	container->memory_limit = limit_of(ctrd__json_get(resources, "memory", "limit", NULL),
					   container->memory_limit);
	container->pids_limit =
		limit_of(ctrd__json_get(resources, "pids", "limit", NULL), container->pids_limit);
}

/* args of a checked process; NULL without memory. */
static char **copy_args(const struct ctrd__json *args)
{
	size_t count = ctrd__json_count(args);
	CTRD__AUTO_STRV char **copy = calloc(count + 1, sizeof(*copy));

	for (size_t i = 0; copy && i < count; i++) {
		copy[i] = strdup(ctrd__json_string(ctrd__json_array_get(args, i)));
		if (!copy[i])
			return NULL;
	}
	return ctrd__take_ptr(copy);
}

static char *copy_text(const char *text)
{
	return strdup(text ? text : "");
}

static struct ctrd__fake_container *new_container(const ctrd_op *op, const char *spec,
						  size_t length, const struct ctrd__json *tree,
						  const char *runtime)
{
	struct ctrd__fake_container *container = calloc(1, sizeof(*container));

	if (!container)
		return NULL;
	ctrd__list_init(&container->processes);
	container->id = strdup(op->container_id);
	container->spec = ctrd__strdup_n(spec, length);
	container->spec_length = length;
	container->args = copy_args(ctrd__json_get(tree, "process", "args", NULL));
	container->bundle = copy_text(op->request.bundle);
	container->runtime = strdup(runtime);
	container->runtime_path = copy_text(op->request.runtime_path);
	container->labels = ctrd__strv_dup((const char *const *)op->request.labels);
	container->cgroup =
		copy_text(ctrd__json_string(ctrd__json_get(tree, "linux", "cgroupsPath", NULL)));
	container->created_at_ns = ctrd__now_real_ns();
	container->memory_limit = container->pids_limit = UINT64_MAX;
	set_limits(container, ctrd__json_get(tree, "linux", "resources", NULL));
	if (container->id && container->spec && container->args && container->bundle &&
	    container->runtime && container->runtime_path && container->labels && container->cgroup)
		return container;
	ctrd__fake_container_free(container);
	return NULL;
}

/* Consumes the container. With the lock. */
static ctrd_error *add_container(struct ctrd__fake_call *call,
				 struct ctrd__fake_container *container)
{
	struct ctrd__fake_world *world = call->client->world;
	int status = ctrd__map_insert(&world->containers, container->id, container);

	if (!status) {
		container->serial = ++world->serial;
		container->holder = call->client;
		container->holds = 1;
		call->holds = true;
		return NULL;
	}
	ctrd__fake_container_free(container);
	return status == CTRD_EEXISTS
		       ? ctrd__fake_error(CTRD_EEXISTS, "container \"%s\": exists already",
					  call->op->container_id)
		       : ctrd__error_nomem();
}

ctrd_error *ctrd__fake_create(struct ctrd__fake_call *call)
{
	ctrd_op *op = call->op;
	const char *spec = op->request.json;
	size_t length = op->request.json_length;
	char *CTRD__AUTO_FREE read = NULL;
	CTRD__AUTO_JSON struct ctrd__json *tree = NULL;
	ctrd_error *error = NULL;

	if (!spec && !op->request.bundle)
		return ctrd__fake_error(CTRD_EINVAL,
					"container \"%s\": options: spec and bundle: are both NULL",
					op->container_id);
	if (!spec) {
		error = read_bundle(op->request.bundle, &read, &length);
		if (error)
			return error;
		spec = read;
	}
	if (ctrd__spec_check(spec, length, &tree, &error))
		return error;
	const char *runtime = resolve_runtime(call);
	if (!runtime)
		return ctrd__fake_error(
			CTRD_ENOTFOUND, "container \"%s\": runtime \"%.100s\": is not known",
			op->container_id,
			op->request.runtime ? op->request.runtime : "(of the client)");
	struct ctrd__fake_container *container = new_container(op, spec, length, tree, runtime);
	if (!container || !ctrd__fake_view_get(call->client, op->container_id)) {
		ctrd__fake_container_free(container);
		return ctrd__error_nomem();
	}
	pthread_mutex_lock(&call->client->world->lock);
	error = add_container(call, container);
	pthread_mutex_unlock(&call->client->world->lock);
	return error;
}

/*
 * Load
 */

/* Duplicates of what was kept of the first process' streams. With the lock. */
static bool copy_kept(struct ctrd__fake_container *container, int ret_ours[3])
{
	struct ctrd__fake_process *init = ctrd__fake_process_init(container);

	for (int i = 0; init && i < 3; i++) {
		if (init->kept[i] < 0)
			continue;
		ret_ours[i] = ctrd__fd_dup(init->kept[i]);
		if (ret_ours[i] < 0)
			return false;
	}
	return true;
}

static void describe_load(struct ctrd__fake_container *container, ctrd_load_result *ret_load)
{
	const struct ctrd__fake_process *init = ctrd__fake_process_init(container);

	*ret_load = (ctrd_load_result){
		.size = sizeof(*ret_load),
		.state = ctrd__fake_container_state(container),
	};
	if (init && init->state != CTRD_TASK_STOPPED) {
		ret_load->alive = 1;
		ret_load->pid = init->pid;
	} else if (init) {
		ret_load->exit = init->exit;
	}
	ret_load->exit.size = sizeof(ret_load->exit);
}

/* What is the case, at one moment. */
struct snapshot {
	uint64_t life;
	uint32_t pid; /* of init, living or not */
	int ours[3];
};

static ctrd_error *take_snapshot(struct ctrd__fake_call *call, struct snapshot *ret_snapshot)
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_op *op = call->op;
	ctrd_error *error = NULL;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container = ctrd__fake_container_find(world, op->container_id);
	if (!container) {
		error = ctrd__fake_no_container(op->container_id);
	} else if (!ctrd__fake_give_processes(op, container, false)) {
		error = ctrd__error_nomem();
	} else if (op->request.stdio && !copy_kept(container, ret_snapshot->ours)) {
		error = ctrd__fake_error(CTRD_ERESOURCES,
					 "container \"%s\": streams cannot be duplicated",
					 op->container_id);
	} else {
		const struct ctrd__fake_process *init = ctrd__fake_process_init(container);
		describe_load(container, &op->result.load);
		ret_snapshot->life = container->life;
		ret_snapshot->pid = init ? init->pid : 0;
	}
	pthread_mutex_unlock(&world->lock);
	return error;
}

/* The core gets to know of what the snapshot shows. */
static bool teach(struct ctrd__fake_call *call, const struct snapshot *snapshot)
{
	ctrd_client *core = call->client->client;
	ctrd_op *op = call->op;
	ctrd_load_result *load = &op->result.load;
	struct ctrd__fake_view *view = ctrd__fake_view_get(call->client, op->container_id);

	if (!view)
		return false;
	if (!snapshot->life)
		return true;
	if (!ctrd__fake_view_begin(call->client, view, op->container_id, snapshot->life))
		return false;
	load->task = load->exit.task = op->task = view->task;
	view->paused = load->state == CTRD_TASK_PAUSED;
	if (ctrd__client_learn_process(core, op->container_id, CTRD_INIT_PROCESS, snapshot->pid,
				       load->alive ? NULL : &load->exit))
		return false;
	for (size_t i = 0; i < op->result.count; i++) {
		ctrd_process_info *exec = &op->result.processes[i];
		exec->exit.task = view->task;
		if (ctrd__client_learn_process(core, op->container_id, exec->process_id, exec->pid,
					       exec->state == CTRD_TASK_STOPPED ? &exec->exit
										: NULL))
			return false;
	}
	return true;
}

ctrd_error *ctrd__fake_load(struct ctrd__fake_call *call)
{
	struct snapshot snapshot = {.ours = {-1, -1, -1}};
	ctrd_op *op = call->op;
	ctrd_error *error = take_snapshot(call, &snapshot);

	if (!error && !teach(call, &snapshot))
		error = ctrd__error_nomem();
	if (!error && op->request.stdio && snapshot.life) {
		ctrd__stdio_stop(call->client->client, op->container_id, CTRD_INIT_PROCESS);
		(void)ctrd__stdio_attach(call->client->client, op->container_id, CTRD_INIT_PROCESS,
					 op->request.stdio, snapshot.ours, &error);
		return error;
	}
	for (int i = 0; i < 3; i++)
		ctrd__close_fd(&snapshot.ours[i]);
	if (!error)
		op->result.has |= CTRD__HAS_LOAD;
	return error;
}

/*
 * What changes a container that is there
 */

/* The container of this call, which the caller's lock keeps; NULL when there is none. */
static struct ctrd__fake_container *find(const struct ctrd__fake_call *call)
{
	return ctrd__fake_container_find(call->client->world, call->op->container_id);
}

static ctrd_error *update(struct ctrd__fake_call *call, const struct ctrd__json *resources)
{
	struct ctrd__fake_container *container = find(call);

	if (!container)
		return ctrd__fake_no_container(call->op->container_id);
	if (!container->life)
		return ctrd__fake_no_task(call->op->container_id);
	set_limits(container, resources);
	return NULL;
}

ctrd_error *ctrd__fake_update(struct ctrd__fake_call *call)
{
	CTRD__AUTO_JSON struct ctrd__json *resources = NULL;
	ctrd_error *error = NULL;

	if (ctrd__resources_check(call->op->request.json, call->op->request.json_length, &resources,
				  &error))
		return error;
	pthread_mutex_lock(&call->client->world->lock);
	error = update(call, resources);
	pthread_mutex_unlock(&call->client->world->lock);
	return error;
}

static ctrd_error *set_paused(struct ctrd__fake_call *call, bool paused)
{
	struct ctrd__fake_container *container = find(call);

	if (!container)
		return ctrd__fake_no_container(call->op->container_id);
	if (!container->life)
		return ctrd__fake_no_task(call->op->container_id);
	uint32_t state = ctrd__fake_container_state(container);
	if (state != CTRD_TASK_RUNNING && state != CTRD_TASK_PAUSED)
		return ctrd__fake_error(CTRD_EPRECONDITION, "container \"%s\": does not run",
					container->id);
	if (container->paused == paused)
		return NULL;
	container->paused = paused;
	ctrd__fake_tell(call->client->world, paused ? CTRD_EVENT_PAUSED : CTRD_EVENT_RESUMED,
			container, NULL);
	return NULL;
}

/* Signals that came while it was frozen. */
static void signal_pending(struct ctrd__fake_world *world, struct ctrd__fake_container *container)
{
	ctrd__list_foreach(node, &container->processes)
	{
		struct ctrd__fake_process *process =
			ctrd__container_of(node, struct ctrd__fake_process, node);
		for (int32_t signal = 1; process->pending && signal <= 64; signal++) {
			if (!(process->pending & UINT64_C(1) << (signal - 1)))
				continue;
			process->pending &= ~(UINT64_C(1) << (signal - 1));
			ctrd__fake_process_signal(world, container, process, signal);
		}
	}
}

ctrd_error *ctrd__fake_pause(struct ctrd__fake_call *call)
{
	pthread_mutex_lock(&call->client->world->lock);
	ctrd_error *error = set_paused(call, true);
	pthread_mutex_unlock(&call->client->world->lock);
	return error;
}

ctrd_error *ctrd__fake_resume(struct ctrd__fake_call *call)
{
	pthread_mutex_lock(&call->client->world->lock);
	ctrd_error *error = set_paused(call, false);
	if (!error)
		signal_pending(call->client->world, find(call));
	pthread_mutex_unlock(&call->client->world->lock);
	return error;
}

bool ctrd__fake_checkpoint_is_there(const char *directory)
{
	CTRD__AUTO_CLOSE int dir =
		ctrd__fd_above_2(open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC));

	return dir >= 0 && !faccessat(dir, CHECKPOINT_FILE, F_OK, 0);
}

static ctrd_error *write_checkpoint(const char *directory, const char *id)
{
	if (mkdir(directory, 0700)) {
		int status = ctrd__status_from_errno(errno);
		return ctrd__error_new(status, CTRD__FAKE_ORIGIN, errno, NULL,
				       "checkpoint options: directory: \"%.200s\" cannot be made",
				       directory);
	}
	CTRD__AUTO_CLOSE int dir =
		ctrd__fd_above_2(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int status =
		dir < 0 ? ctrd__status_from_errno(errno)
			: ctrd__file_write_at(dir, CHECKPOINT_FILE, id, strlen(id), 0600, false);
	if (!status)
		return NULL;
	(void)rmdir(directory);
	return ctrd__fake_error(
		status, "checkpoint options: directory: \"%.200s\" cannot be written", directory);
}

ctrd_error *ctrd__fake_checkpoint(struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_op *op = call->op;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container = find(call);
	uint32_t state = container ? ctrd__fake_container_state(container) : CTRD_TASK_NONE;
	pthread_mutex_unlock(&world->lock);
	if (!container)
		return ctrd__fake_no_container(op->container_id);
	if (state != CTRD_TASK_RUNNING && state != CTRD_TASK_PAUSED)
		return ctrd__fake_error(CTRD_EPRECONDITION, "container \"%s\": does not run",
					op->container_id);
	ctrd_error *error = write_checkpoint(op->request.checkpoint_dir, op->container_id);
	if (!error && op->request.flags & CTRD_CHECKPOINT_EXIT) {
		pthread_mutex_lock(&world->lock);
		ctrd__fake_process_end(world, container, ctrd__fake_process_init(container), 0,
				       SIGKILL, 0);
		pthread_mutex_unlock(&world->lock);
	}
	return error;
}

/* With the lock. */
static ctrd_error *delete_container(struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;
	struct ctrd__fake_container *container = find(call);
	ctrd_op *op = call->op;

	if (!container)
		return ctrd__fake_no_container(op->container_id);
	if (container->life && !(op->request.flags & CTRD_DELETE_FORCE))
		return ctrd__fake_error(CTRD_EPRECONDITION, "container \"%s\": has a task",
					container->id);
	struct ctrd__fake_process *init = ctrd__fake_process_init(container);
	if (init) {
		ctrd__fake_process_end(world, container, init, 0, SIGKILL, 0);
		op->result.exit = init->exit;
		op->result.exit.task = op->task;
		op->result.has = CTRD__HAS_EXIT;
		ctrd__fake_task_drop(world, container);
	}
	ctrd__fake_tell(world, CTRD__FAKE_CONTAINER_GONE, container, NULL);
	ctrd__map_remove(&world->containers, container->id);
	ctrd__fake_container_free(container);
	call->holds = false;
	return NULL;
}

ctrd_error *ctrd__fake_delete(struct ctrd__fake_call *call)
{
	ctrd__fake_settle(call->client);
	pthread_mutex_lock(&call->client->world->lock);
	ctrd_error *error = delete_container(call);
	pthread_mutex_unlock(&call->client->world->lock);
	return error;
}

/*
 * Single processes
 */

/* Run `fn` on the process that the call names, under the lock. */
static ctrd_error *on_process(struct ctrd__fake_call *call,
			      ctrd_error *(*fn)(struct ctrd__fake_call *call,
						struct ctrd__fake_process *process))
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_op *op = call->op;
	ctrd_error *error;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container = find(call);
	struct ctrd__fake_process *process =
		container ? ctrd__fake_process_find(container, op->process_id) : NULL;
	if (!container)
		error = ctrd__fake_no_container(op->container_id);
	else if (!process)
		error = ctrd__fake_no_process(op->container_id, op->process_id);
	else
		error = fn(call, process);
	pthread_mutex_unlock(&world->lock);
	return error;
}

static ctrd_error *signal_all(struct ctrd__fake_call *call, struct ctrd__fake_container *container)
{
	struct ctrd__fake_world *world = call->client->world;
	struct ctrd__fake_process *init = ctrd__fake_process_init(container);

	if (!init)
		return ctrd__fake_no_task(container->id);
	if (init->state == CTRD_TASK_CREATED)
		return ctrd__fake_error(CTRD_EPRECONDITION, "container \"%s\": has not started",
					container->id);
	if (init->state == CTRD_TASK_STOPPED)
		return ctrd__fake_error(CTRD_ENOTFOUND, "container \"%s\": has ended",
					container->id);
	/* Init last: it takes with it what is left. */
	ctrd__list_foreach(node, &container->processes)
	{
		struct ctrd__fake_process *process =
			ctrd__container_of(node, struct ctrd__fake_process, node);
		if (process != init && process->state == CTRD_TASK_RUNNING)
			ctrd__fake_process_signal(world, container, process,
						  call->op->request.signal);
	}
	ctrd__fake_process_signal(world, container, init, call->op->request.signal);
	return NULL;
}

static ctrd_error *signal_one(struct ctrd__fake_call *call, struct ctrd__fake_process *process)
{
	if (process->state == CTRD_TASK_STOPPED)
		return ctrd__fake_error(CTRD_ENOTFOUND,
					"container \"%s\", process \"%s\": has ended",
					process->container_id, process->id);
	if (process->state == CTRD_TASK_CREATED)
		return ctrd__fake_error(CTRD_EPRECONDITION,
					"container \"%s\", process \"%s\": has not started",
					process->container_id, process->id);
	ctrd__fake_process_signal(call->client->world, find(call), process,
				  call->op->request.signal);
	return NULL;
}

ctrd_error *ctrd__fake_signal(struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;
	const ctrd_op *op = call->op;

	if (op->request.signal < 0 || op->request.signal > 64)
		return ctrd__fake_error(CTRD_EINVAL, "signal %d: is none", (int)op->request.signal);
	if (!(op->request.flags & CTRD_SIGNAL_ALL))
		return on_process(call, signal_one);
	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container = find(call);
	ctrd_error *error = container ? signal_all(call, container)
				      : ctrd__fake_no_container(op->container_id);
	pthread_mutex_unlock(&world->lock);
	return error;
}

static ctrd_error *resize(struct ctrd__fake_call *call, struct ctrd__fake_process *process)
{
	const struct ctrd__request *request = &call->op->request;

	if (process->state == CTRD_TASK_STOPPED)
		return ctrd__fake_error(CTRD_ENOTFOUND,
					"container \"%s\", process \"%s\": has ended",
					process->container_id, process->id);
	if (!process->terminal || process->kept[1] < 0)
		return ctrd__fake_error(CTRD_EPRECONDITION,
					"container \"%s\", process \"%s\": has no terminal",
					process->container_id, process->id);
	int status = ctrd__fake_terminal_resize(process->kept[1], request->columns, request->rows);
	return status ? ctrd__error_new(
				ctrd__status_from_errno(-status), CTRD__FAKE_ORIGIN, -status, NULL,
				"container \"%s\", process \"%s\": the terminal cannot be resized",
				process->container_id, process->id)
		      : NULL;
}

ctrd_error *ctrd__fake_resize(struct ctrd__fake_call *call)
{
	return on_process(call, resize);
}

static ctrd_error *close_stdin(struct ctrd__fake_call *call, struct ctrd__fake_process *process)
{
	(void)call;
	ctrd__close_fd(&process->kept[0]);
	return NULL;
}

ctrd_error *ctrd__fake_close_stdin(struct ctrd__fake_call *call)
{
	return on_process(call, close_stdin);
}

static ctrd_error *release_stdio(struct ctrd__fake_call *call, struct ctrd__fake_process *process)
{
	if (call->op->request.how == CTRD_RELEASE_DISCARD) {
		process->discard = true;
		ctrd__fake_wake_others(call->client);
	}
	if (call->op->request.how == CTRD_RELEASE_HANGUP) {
		for (int i = 0; i < 3; i++)
			ctrd__close_fd(&process->kept[i]);
	}
	return NULL;
}

ctrd_error *ctrd__fake_release_stdio(struct ctrd__fake_call *call)
{
	ctrd_error *error = on_process(call, release_stdio);

	if (error)
		return error;
	ctrd__stdio_stop(call->client->client, call->op->container_id, call->op->process_id);
	if (call->op->request.how == CTRD_RELEASE_DISCARD)
		ctrd__fake_io_sweep(call->client);
	return NULL;
}
