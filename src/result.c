/*
 * result.c: the getters of results: copied out into the caller's sized structs. Results are written by backends before
 * they finish the op; here they are only read, and only once the op has ended.
 */
#include <string.h>

#include "core.h"

/* 0 when the op has succeeded and has such a result. */
static int check(const ctrd_op *op, const void *ret, uint32_t has)
{
	if (!op || !ret)
		return CTRD_EINVAL;
	if (!atomic_load_explicit(&op->ended, memory_order_acquire))
		return CTRD_EPRECONDITION;
	if (op->status)
		return op->status;
	return op->result.has & has ? CTRD_OK : CTRD_EINVAL;
}

/* Copy as much as the caller knows; its `size` stays. */
static int copy_out(void *ret, const void *value, size_t known)
{
	uint32_t size;

	memcpy(&size, ret, sizeof(size));
	if (size < 2 * sizeof(size))
		return CTRD_EINVAL;
	size_t copied = size < known ? size : known;
	memcpy((char *)ret + sizeof(size), (const char *)value + sizeof(size),
	       copied - sizeof(size));
	if (size > known)
		memset((char *)ret + known, 0, size - known);
	return CTRD_OK;
}

uint64_t ctrd_op_task(const ctrd_op *op)
{
	return op && atomic_load_explicit(&op->ended, memory_order_acquire) ? op->task : 0;
}

int ctrd_op_get_pid(const ctrd_op *op, uint32_t *ret_pid)
{
	int status = check(op, ret_pid, CTRD__HAS_PID);
	if (!status)
		*ret_pid = op->result.pid;
	return status;
}

int ctrd_op_get_exit(const ctrd_op *op, ctrd_exit *ret_exit)
{
	int status = check(op, ret_exit, CTRD__HAS_EXIT);
	if (status == CTRD_EINVAL && op && ret_exit &&
	    (op->verb == CTRD__VERB_DELETE || op->verb == CTRD__VERB_TASK_DELETE))
		return CTRD_ENOTFOUND;
	return status ? status : copy_out(ret_exit, &op->result.exit, sizeof(op->result.exit));
}

int ctrd_op_get_state(const ctrd_op *op, uint32_t *ret_state)
{
	int status = check(op, ret_state, CTRD__HAS_STATE);
	if (!status)
		*ret_state = op->result.state;
	return status;
}

int ctrd_op_get_stats(const ctrd_op *op, ctrd_stats *ret_stats)
{
	int status = check(op, ret_stats, CTRD__HAS_STATS);
	return status ? status : copy_out(ret_stats, op->result.stats, sizeof(*ret_stats));
}

int ctrd_op_get_version(const ctrd_op *op, ctrd_version_info *ret_version)
{
	int status = check(op, ret_version, CTRD__HAS_VERSION);
	return status ? status : copy_out(ret_version, &op->result.version, sizeof(*ret_version));
}

int ctrd_op_get_load(const ctrd_op *op, ctrd_load_result *ret_load)
{
	int status = check(op, ret_load, CTRD__HAS_LOAD);
	return status ? status : copy_out(ret_load, &op->result.load, sizeof(*ret_load));
}

int ctrd_op_get_inspect(const ctrd_op *op, ctrd_inspect *ret_inspect)
{
	int status = check(op, ret_inspect, CTRD__HAS_INSPECT);
	return status ? status : copy_out(ret_inspect, op->result.inspect, sizeof(*ret_inspect));
}

int ctrd_op_get_count(const ctrd_op *op, size_t *ret_count)
{
	int status =
		check(op, ret_count, CTRD__HAS_PROCESSES | CTRD__HAS_PIDS | CTRD__HAS_CONTAINERS);
	if (!status)
		*ret_count = op->result.count;
	return status;
}

int ctrd_op_get_process(const ctrd_op *op, size_t index, ctrd_process_info *ret_process)
{
	int status = check(op, ret_process, CTRD__HAS_PROCESSES);
	if (status)
		return status;
	if (index >= op->result.count)
		return CTRD_ERANGE;
	return copy_out(ret_process, &op->result.processes[index], sizeof(*ret_process));
}

int ctrd_op_get_pid_at(const ctrd_op *op, size_t index, uint32_t *ret_pid)
{
	int status = check(op, ret_pid, CTRD__HAS_PIDS);
	if (status)
		return status;
	if (index >= op->result.count)
		return CTRD_ERANGE;
	*ret_pid = op->result.pids[index];
	return CTRD_OK;
}

int ctrd_op_get_container(const ctrd_op *op, size_t index, ctrd_container_info *ret_container)
{
	int status = check(op, ret_container, CTRD__HAS_CONTAINERS);
	if (status)
		return status;
	if (index >= op->result.count)
		return CTRD_ERANGE;
	return copy_out(ret_container, &op->result.containers[index], sizeof(*ret_container));
}
