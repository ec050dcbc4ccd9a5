/*
 * task.c: where fake processes begin and where they are forgotten: task create, start, exec, task delete, process
 * delete.
 *
 * Invariant: everything that can fail comes before the process is in its container; once it is there it is told.
 */
#include "fake/call.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spec_check.h"
#include "streams.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/json.h"
#include "util/os.h"
#include "util/str.h"

/* A process that is being made. */
struct birth {
	struct ctrd__fake_process *process;
	struct ctrd__fake_io *io;
	int ours[3]; /* for the caller */
};

/* The container of this call: held, so that it stays. Takes and gives back the lock. */
static struct ctrd__fake_container *find(const struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container =
		ctrd__fake_container_find(world, call->op->container_id);
	pthread_mutex_unlock(&world->lock);
	return container;
}

static void miscarry(struct ctrd__fake_call *call, struct birth *birth)
{
	pthread_mutex_lock(&call->client->world->lock);
	ctrd__fake_io_free(birth->io);
	ctrd__fake_process_unref(birth->process);
	pthread_mutex_unlock(&call->client->world->lock);
	for (int i = 0; i < 3; i++)
		ctrd__close_fd(&birth->ours[i]);
}

static ctrd_error *open_terminal(struct ctrd__fake_call *call, struct birth *birth)
{
	struct ctrd__fake_process *process = birth->process;
	uint16_t columns = 0, rows = 0;

	ctrd__stdio_size(call->op->request.stdio, &columns, &rows);
	int status = ctrd__fake_terminal_open(columns, rows, &birth->ours[1], process->fds);
	if (status)
		return ctrd__error_new(ctrd__status_from_errno(-status), CTRD__FAKE_ORIGIN, -status,
				       NULL,
				       "container \"%s\", process \"%s\": no terminal can be made",
				       process->container_id, process->id);
	process->terminal = true;
	return NULL;
}

static ctrd_error *open_pipes(struct ctrd__fake_call *call, struct birth *birth)
{
	struct ctrd__stdio_fds fds = CTRD__STDIO_FDS_INIT;
	ctrd_error *error = NULL;

	if (ctrd__stdio_open(call->op->request.stdio, geteuid(), getegid(), &fds, &error))
		return error;
	for (int i = 0; i < 3; i++) {
		birth->process->kinds[i] = ctrd__stdio_kind(call->op->request.stdio, (uint32_t)i);
		birth->process->fds[i] = fds.process[i];
		birth->ours[i] = fds.ours[i];
	}
	return NULL;
}

/* Keep duplicates of the caller's ends, as a monitor would. */
static ctrd_error *keep_ends(struct ctrd__fake_call *call, struct birth *birth)
{
	for (int i = 0; i < 3; i++) {
		if (birth->ours[i] < 0 ||
		    (i == 0 && ctrd__stdio_stdin_once(call->op->request.stdio)))
			continue;
		birth->process->kept[i] = ctrd__fd_dup(birth->ours[i]);
		if (birth->process->kept[i] < 0)
			return ctrd__fake_error(
				CTRD_ERESOURCES,
				"container \"%s\", process \"%s\": streams cannot be duplicated",
				birth->process->container_id, birth->process->id);
	}
	return NULL;
}

static ctrd_error *make(struct ctrd__fake_call *call, const char *process_id, char *const *args,
			struct birth *ret)
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_op *op = call->op;
	const char *refusal = ctrd__fake_program_refuses(args);

	*ret = (struct birth){.ours = {-1, -1, -1}};
	if (refusal)
		return ctrd__fake_error(CTRD_EINVAL,
					"container \"%s\", process \"%s\": args: \"%.100s\" %s",
					op->container_id, process_id, args[0], refusal);
	pthread_mutex_lock(&world->lock);
	ret->process = ctrd__fake_process_new(world, op->container_id, process_id, args);
	bool made = ret->process && ctrd__fake_io_new(call->client, ret->process, &ret->io);
	pthread_mutex_unlock(&world->lock);
	ctrd_error *error = made ? NULL : ctrd__error_nomem();
	if (!error)
		error = ctrd__stdio_is_terminal(op->request.stdio) ? open_terminal(call, ret)
								   : open_pipes(call, ret);
	if (!error)
		error = keep_ends(call, ret);
	if (error)
		miscarry(call, ret);
	return error;
}

/* Hand the caller's ends out. After that the birth has none. */
static ctrd_error *attach(struct ctrd__fake_call *call, struct birth *birth)
{
	ctrd_error *error = NULL;

	if (call->op->request.stdio)
		(void)ctrd__stdio_attach(call->client->client, call->op->container_id,
					 birth->process->id, call->op->request.stdio, birth->ours,
					 &error);
	for (int i = 0; i < 3; i++)
		birth->ours[i] = -1;
	return error;
}

static void give_pid(ctrd_op *op, const struct ctrd__fake_process *process)
{
	op->result.pid = process->pid;
	op->result.has |= CTRD__HAS_PID;
}

/* The process runs from now on. */
static void set_off(struct ctrd__fake_call *call, struct ctrd__fake_container *container,
		    struct ctrd__fake_process *process, struct ctrd__fake_io *io)
{
	struct ctrd__fake_world *world = call->client->world;
	bool init = ctrd__fake_process_is_init(process);

	pthread_mutex_lock(&world->lock);
	process->state = CTRD_TASK_RUNNING;
	process->started = true;
	if (init)
		container->started_at_ns = ctrd__now_real_ns();
	ctrd__fake_tell(world, init ? CTRD_EVENT_START : CTRD_EVENT_EXEC_STARTED, container,
			process);
	pthread_mutex_unlock(&world->lock);
	give_pid(call->op, process);
	ctrd__fake_io_run(io);
}

/*
 * The first process
 */

/* The birth's io stays the caller's. */
static ctrd_error *create_task(struct ctrd__fake_call *call, struct ctrd__fake_container *container,
			       struct birth *birth)
{
	struct ctrd__fake_client *client = call->client;
	struct ctrd__fake_world *world = client->world;
	ctrd_op *op = call->op;
	const char *image = op->request.checkpoint_dir;

	if (image && !ctrd__fake_checkpoint_is_there(image))
		return ctrd__fake_error(
			CTRD_ENOTFOUND,
			"container \"%s\": checkpoint_dir: \"%.200s\" holds no image",
			op->container_id, image);
	ctrd_error *error = make(call, CTRD_INIT_PROCESS, container->args, birth);
	if (error)
		return error;
	pthread_mutex_lock(&world->lock);
	uint64_t life = ++world->serial;
	pthread_mutex_unlock(&world->lock);
	struct ctrd__fake_view *view = ctrd__fake_view_get(client, op->container_id);
	if (!view || !ctrd__fake_view_begin(client, view, op->container_id, life)) {
		miscarry(call, birth);
		return ctrd__error_nomem();
	}
	op->task = view->task;
	error = attach(call, birth);
	if (error) {
		ctrd__client_end_task(client->client, op->container_id);
		*view = (struct ctrd__fake_view){0};
		miscarry(call, birth);
		return error;
	}
	pthread_mutex_lock(&world->lock);
	container->life = life;
	container->paused = false;
	ctrd__list_insert_tail(&container->processes, &birth->process->node);
	ctrd__fake_tell(world, CTRD_EVENT_CREATE, container, birth->process);
	pthread_mutex_unlock(&world->lock);
	give_pid(op, birth->process);
	return NULL;
}

static void drop_io(struct ctrd__fake_call *call, struct ctrd__fake_io *io)
{
	pthread_mutex_lock(&call->client->world->lock);
	ctrd__fake_io_free(io);
	pthread_mutex_unlock(&call->client->world->lock);
}

ctrd_error *ctrd__fake_task_create(struct ctrd__fake_call *call)
{
	struct ctrd__fake_container *container = find(call);
	ctrd_op *op = call->op;
	struct birth birth;

	if (!container)
		return ctrd__fake_no_container(op->container_id);
	if (container->life)
		return ctrd__fake_error(CTRD_EEXISTS, "container \"%s\": has a task already",
					op->container_id);
	ctrd_error *error = create_task(call, container, &birth);
	if (error)
		return error;
	if (op->request.checkpoint_dir)
		set_off(call, container, birth.process,
			birth.io); /* a restored program runs at once */
	else
		drop_io(call, birth.io); /* start makes another */
	return NULL;
}

static ctrd_error *start_created(struct ctrd__fake_call *call,
				 struct ctrd__fake_container *container)
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_op *op = call->op;
	struct ctrd__fake_io *io = NULL;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_process *init = ctrd__fake_process_init(container);
	bool created = init->state == CTRD_TASK_CREATED;
	bool made = created && !op->request.stdio && ctrd__fake_io_new(call->client, init, &io);
	pthread_mutex_unlock(&world->lock);
	if (!created)
		return ctrd__fake_error(CTRD_EPRECONDITION, "container \"%s\": was started already",
					op->container_id);
	if (op->request.stdio)
		return ctrd__fake_error(
			CTRD_EINVAL,
			"container \"%s\": start options: stdio: was decided when the task was created",
			op->container_id);
	if (!made)
		return ctrd__error_nomem();
	set_off(call, container, init, io);
	return NULL;
}

ctrd_error *ctrd__fake_start(struct ctrd__fake_call *call)
{
	struct ctrd__fake_container *container = find(call);
	struct birth birth;

	if (!container)
		return ctrd__fake_no_container(call->op->container_id);
	if (container->life)
		return start_created(call, container);
	ctrd_error *error = create_task(call, container, &birth);
	if (!error)
		set_off(call, container, birth.process, birth.io);
	return error;
}

/*
 * Further processes
 */

static ctrd_error *check_exec(const struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;
	const ctrd_op *op = call->op;
	ctrd_error *error = NULL;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container = ctrd__fake_container_find(world, op->container_id);
	if (!container)
		error = ctrd__fake_no_container(op->container_id);
	else if (ctrd__fake_container_state(container) != CTRD_TASK_RUNNING)
		error = ctrd__fake_error(CTRD_EPRECONDITION, "container \"%s\": %s",
					 op->container_id,
					 container->paused ? "is paused" : "does not run");
	else if (ctrd__fake_process_find(container, op->process_id))
		error = ctrd__fake_error(CTRD_EEXISTS,
					 "container \"%s\", process \"%s\": exists already",
					 op->container_id, op->process_id);
	pthread_mutex_unlock(&world->lock);
	return error;
}

static ctrd_error *read_args(const ctrd_op *op, char ***ret_args)
{
	CTRD__AUTO_JSON struct ctrd__json *tree = NULL;
	ctrd_error *error = NULL;

	if (ctrd__process_check(op->request.json, op->request.json_length, &tree, &error))
		return error;
	const struct ctrd__json *args = ctrd__json_object_get(tree, "args");
	size_t count = ctrd__json_count(args);
	CTRD__AUTO_STRV char **copy = calloc(count + 1, sizeof(*copy));
	if (!copy)
		return ctrd__error_nomem();
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(ctrd__json_string(ctrd__json_array_get(args, i)));
		if (!copy[i])
			return ctrd__error_nomem();
	}
	*ret_args = ctrd__take_ptr(copy);
	return NULL;
}

/* It may have ended between two looks: init's death is nobody's call. */
static bool add_exec(struct ctrd__fake_call *call, struct ctrd__fake_container *container,
		     struct ctrd__fake_process *process)
{
	struct ctrd__fake_world *world = call->client->world;

	pthread_mutex_lock(&world->lock);
	bool runs = ctrd__fake_process_init(container)->state == CTRD_TASK_RUNNING;
	if (runs) {
		ctrd__list_insert_tail(&container->processes, &process->node);
		ctrd__fake_tell(world, CTRD_EVENT_EXEC_ADDED, container, process);
	}
	pthread_mutex_unlock(&world->lock);
	return runs;
}

ctrd_error *ctrd__fake_exec(struct ctrd__fake_call *call)
{
	ctrd_op *op = call->op;
	CTRD__AUTO_STRV char **args = NULL;
	struct birth birth;
	ctrd_error *error = check_exec(call);

	if (!error)
		error = read_args(op, &args);
	if (!error)
		error = make(call, op->process_id, args, &birth);
	if (error)
		return error;
	error = attach(call, &birth);
	struct ctrd__fake_container *container = find(call);
	if (!error && !add_exec(call, container, birth.process))
		error = ctrd__fake_error(CTRD_EPRECONDITION, "container \"%s\": does not run",
					 op->container_id);
	if (error) {
		miscarry(call, &birth);
		return error;
	}
	set_off(call, container, birth.process, birth.io);
	return NULL;
}

/*
 * Deleting
 */

static void give_exit(ctrd_op *op, const struct ctrd__fake_process *process)
{
	op->result.exit = process->exit;
	op->result.exit.task = op->task;
	op->result.has = CTRD__HAS_EXIT;
}

/* With the lock. */
static ctrd_error *delete_task(struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_op *op = call->op;
	struct ctrd__fake_container *container = ctrd__fake_container_find(world, op->container_id);

	if (!container)
		return ctrd__fake_no_container(op->container_id);
	struct ctrd__fake_process *init = ctrd__fake_process_init(container);
	if (!init)
		return ctrd__fake_no_task(op->container_id);
	if (init->state == CTRD_TASK_RUNNING && !(op->internal & CTRD__OP_FORCE))
		return ctrd__fake_error(CTRD_EPRECONDITION, "container \"%s\": runs",
					op->container_id);
	ctrd__fake_process_end(world, container, init, 0, SIGKILL, 0); /* one that never ran */
	give_exit(op, init);
	ctrd__fake_task_drop(world, container);
	return NULL;
}

ctrd_error *ctrd__fake_task_delete(struct ctrd__fake_call *call)
{
	ctrd__fake_settle(call->client);
	pthread_mutex_lock(&call->client->world->lock);
	ctrd_error *error = delete_task(call);
	pthread_mutex_unlock(&call->client->world->lock);
	return error;
}

/* With the lock. */
static ctrd_error *delete_exec(struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_op *op = call->op;
	struct ctrd__fake_container *container = ctrd__fake_container_find(world, op->container_id);
	struct ctrd__fake_process *process =
		container ? ctrd__fake_process_find(container, op->process_id) : NULL;

	if (!container)
		return ctrd__fake_no_container(op->container_id);
	if (!process)
		return ctrd__fake_no_process(op->container_id, op->process_id);
	if (process->state != CTRD_TASK_STOPPED && !(op->internal & CTRD__OP_FORCE))
		return ctrd__fake_error(CTRD_EPRECONDITION,
					"container \"%s\", process \"%s\": runs", op->container_id,
					op->process_id);
	ctrd__fake_process_end(world, container, process, 0, SIGKILL, 0);
	give_exit(op, process);
	ctrd__fake_tell(world, CTRD__FAKE_PROCESS_GONE, container, process);
	ctrd__list_remove(&process->node);
	ctrd__fake_process_unref(process);
	return NULL;
}

ctrd_error *ctrd__fake_process_delete(struct ctrd__fake_call *call)
{
	ctrd__fake_settle(call->client);
	if (!strcmp(call->op->process_id, CTRD_INIT_PROCESS))
		return ctrd__fake_task_delete(call);
	pthread_mutex_lock(&call->client->world->lock);
	ctrd_error *error = delete_exec(call);
	pthread_mutex_unlock(&call->client->world->lock);
	return error;
}
