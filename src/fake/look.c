/*
 * look.c: calls that only look: version, status, stats, pids, lists, inspect. What is measured is made up, plausibly.
 */
#include "fake/call.h"

#include <stdlib.h>
#include <string.h>

#include "streams.h"
#include "util/clock.h"

enum { MEMORY_PER_PROCESS = 1 << 20 };

ctrd_error *ctrd__fake_version(struct ctrd__fake_call *call)
{
	ctrd_op *op = call->op;

	op->result.version = (ctrd_version_info){
		.size = sizeof(ctrd_version_info),
		.name = "libctrd fake",
		.version = "0.1.0",
		.revision = "",
	};
	op->result.has = CTRD__HAS_VERSION;
	return NULL;
}

/* Run `fn` on the container under the lock. */
static ctrd_error *look(struct ctrd__fake_call *call, bool needs_task,
			ctrd_error *(*fn)(ctrd_op *op, struct ctrd__fake_container *container))
{
	struct ctrd__fake_world *world = call->client->world;
	ctrd_op *op = call->op;
	ctrd_error *error;

	pthread_mutex_lock(&world->lock);
	struct ctrd__fake_container *container = ctrd__fake_container_find(world, op->container_id);
	if (!container)
		error = ctrd__fake_no_container(op->container_id);
	else if (needs_task && !container->life)
		error = ctrd__fake_no_task(op->container_id);
	else
		error = fn(op, container);
	pthread_mutex_unlock(&world->lock);
	return error;
}

static ctrd_error *give_status(ctrd_op *op, struct ctrd__fake_container *container)
{
	op->result.state = ctrd__fake_container_state(container);
	op->result.has = CTRD__HAS_STATE;
	return NULL;
}

ctrd_error *ctrd__fake_status(struct ctrd__fake_call *call)
{
	return look(call, true, give_status);
}

static size_t count_living(struct ctrd__fake_container *container)
{
	size_t count = 0;

	ctrd__list_foreach(node, &container->processes)
	{
		count += ctrd__container_of(node, struct ctrd__fake_process, node)->state !=
			 CTRD_TASK_STOPPED;
	}
	return count;
}

static ctrd_error *give_stats(ctrd_op *op, struct ctrd__fake_container *container)
{
	ctrd_stats *stats = calloc(1, sizeof(*stats));

	if (!stats)
		return ctrd__error_nomem();
	uint64_t living = count_living(container);
	int64_t now = ctrd__now_real_ns();
	stats->size = sizeof(*stats);
	stats->has = CTRD_STATS_CPU | CTRD_STATS_MEMORY | CTRD_STATS_PIDS | CTRD_STATS_OOM;
	stats->time_ns = now;
	/* A hundredth of one CPU since the start. */
	if (container->started_at_ns && now > container->started_at_ns)
		stats->cpu_usage_ns = (uint64_t)(now - container->started_at_ns) / 100 + 1;
	stats->cpu_user_ns = stats->cpu_usage_ns / 2;
	stats->cpu_system_ns = stats->cpu_usage_ns - stats->cpu_user_ns;
	stats->memory_usage_bytes = living * MEMORY_PER_PROCESS;
	stats->memory_peak_bytes = stats->memory_usage_bytes;
	stats->memory_anon_bytes = stats->memory_usage_bytes;
	stats->memory_limit_bytes = container->memory_limit;
	stats->pids_current = living;
	stats->pids_limit = container->pids_limit;
	op->result.stats = stats;
	op->result.has = CTRD__HAS_STATS;
	return NULL;
}

ctrd_error *ctrd__fake_stats(struct ctrd__fake_call *call)
{
	return look(call, true, give_stats);
}

static ctrd_error *give_pids(ctrd_op *op, struct ctrd__fake_container *container)
{
	size_t count = 0;

	op->result.pids = calloc(count_living(container) + 1, sizeof(*op->result.pids));
	if (!op->result.pids)
		return ctrd__error_nomem();
	ctrd__list_foreach(node, &container->processes)
	{
		const struct ctrd__fake_process *process =
			ctrd__container_of(node, struct ctrd__fake_process, node);
		if (process->state != CTRD_TASK_STOPPED)
			op->result.pids[count++] = process->pid;
	}
	op->result.count = count;
	op->result.has = CTRD__HAS_PIDS;
	return NULL;
}

ctrd_error *ctrd__fake_pids(struct ctrd__fake_call *call)
{
	return look(call, true, give_pids);
}

static bool describe_process(ctrd_op *op, const struct ctrd__fake_process *process,
			     ctrd_process_info *ret_info)
{
	bool lives = process->state != CTRD_TASK_STOPPED;

	*ret_info = (ctrd_process_info){
		.size = sizeof(ctrd_process_info),
		.pid = lives ? process->pid : 0,
		.process_id = ctrd__op_strdup(op, process->id),
		.image_name = ctrd__op_strdup(op, process->args[0]),
		.state = process->state,
		.created_at_ns = process->created_at_ns,
		.memory_bytes = lives ? MEMORY_PER_PROCESS : 0,
		.exit = process->exit,
	};
	ret_info->exit.size = sizeof(ret_info->exit);
	return ret_info->process_id && ret_info->image_name;
}

bool ctrd__fake_give_processes(ctrd_op *op, struct ctrd__fake_container *container, bool living)
{
	size_t count = 0;

	ctrd__list_foreach(node, &container->processes)
	{
		(void)node;
		count++;
	}
	op->result.processes = calloc(count + 1, sizeof(*op->result.processes));
	if (!op->result.processes)
		return false;
	count = 0;
	ctrd__list_foreach(node, &container->processes)
	{
		const struct ctrd__fake_process *process =
			ctrd__container_of(node, struct ctrd__fake_process, node);
		if (living ? process->state == CTRD_TASK_STOPPED
			   : ctrd__fake_process_is_init(process))
			continue;
		if (!describe_process(op, process, &op->result.processes[count++]))
			return false;
	}
	op->result.count = count;
	op->result.has |= CTRD__HAS_PROCESSES;
	return true;
}

static ctrd_error *give_process_list(ctrd_op *op, struct ctrd__fake_container *container)
{
	return ctrd__fake_give_processes(op, container, true) ? NULL : ctrd__error_nomem();
}

ctrd_error *ctrd__fake_process_list(struct ctrd__fake_call *call)
{
	return look(call, true, give_process_list);
}

/* The labels, owned by the op. */
static const char *const *give_labels(ctrd_op *op, char *const *labels)
{
	size_t count = 0;

	while (labels && labels[count])
		count++;
	/* An array of pointers is a text as far as memory goes. */
	const char **copy = (const char **)(void *)calloc(count + 1, sizeof(*copy));
	if (!copy || !ctrd__op_own(op, (char *)(void *)copy))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		copy[i] = ctrd__op_strdup(op, labels[i]);
		if (!copy[i])
			return NULL;
	}
	return copy;
}

static ctrd_error *give_inspect(ctrd_op *op, struct ctrd__fake_container *container)
{
	ctrd_inspect *inspect = calloc(1, sizeof(*inspect));

	if (!inspect)
		return ctrd__error_nomem();
	op->result.inspect = inspect;
	*inspect = (ctrd_inspect){
		.size = sizeof(*inspect),
		.state = ctrd__fake_container_state(container),
		.container_id = op->container_id,
		.spec = ctrd__op_strdup(op, container->spec),
		.spec_length = container->spec_length,
		.bundle = ctrd__op_strdup(op, container->bundle),
		.runtime = ctrd__op_strdup(op, container->runtime),
		.runtime_path = ctrd__op_strdup(op, container->runtime_path),
		.labels = give_labels(op, container->labels),
		.cgroup = ctrd__op_strdup(op, container->cgroup),
		.created_at_ns = container->created_at_ns,
		.started_at_ns = container->started_at_ns,
	};
	if (!inspect->spec || !inspect->bundle || !inspect->runtime || !inspect->runtime_path ||
	    !inspect->labels || !inspect->cgroup)
		return ctrd__error_nomem();
	op->result.has = CTRD__HAS_INSPECT;
	return NULL;
}

ctrd_error *ctrd__fake_inspect(struct ctrd__fake_call *call)
{
	ctrd_error *error = look(call, false, give_inspect);

	if (!error)
		call->op->result.inspect->task =
			ctrd__client_task(call->client->client, call->op->container_id);
	return error;
}

static bool describe_container(ctrd_op *op, struct ctrd__fake_container *container,
			       ctrd_container_info *ret_info)
{
	const struct ctrd__fake_process *init = ctrd__fake_process_init(container);

	*ret_info = (ctrd_container_info){
		.size = sizeof(ctrd_container_info),
		.state = ctrd__fake_container_state(container),
		.container_id = ctrd__op_strdup(op, container->id),
		.runtime = ctrd__op_strdup(op, container->runtime),
		.pid = init && init->state != CTRD_TASK_STOPPED ? init->pid : 0,
		.created_at_ns = container->created_at_ns,
	};
	return ret_info->container_id && ret_info->runtime;
}

static ctrd_error *give_list(ctrd_op *op, struct ctrd__fake_world *world)
{
	struct ctrd__map_iter at = ctrd__map_iter(&world->containers);
	size_t count = 0;
	void *value;

	op->result.containers =
		calloc(ctrd__map_count(&world->containers) + 1, sizeof(*op->result.containers));
	if (!op->result.containers)
		return ctrd__error_nomem();
	while (ctrd__map_next(&world->containers, &at, NULL, &value)) {
		if (!describe_container(op, value, &op->result.containers[count++]))
			return ctrd__error_nomem();
	}
	op->result.count = count;
	op->result.has = CTRD__HAS_CONTAINERS;
	return NULL;
}

ctrd_error *ctrd__fake_list(struct ctrd__fake_call *call)
{
	struct ctrd__fake_world *world = call->client->world;

	pthread_mutex_lock(&world->lock);
	ctrd_error *error = give_list(call->op, world);
	pthread_mutex_unlock(&world->lock);
	return error;
}
