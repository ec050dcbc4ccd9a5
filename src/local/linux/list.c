/*
 * What is recorded: inspect, list, version. Reads directories; asks no monitor and changes nothing, so that it works also
 * for containers of other clients, in the middle of their calls.
 */
#include "local/linux/local.h"

#include "util/file.h"

#include <libctrd/version.h>

#include <string.h>

#define CONFIG_MAX (64u << 20)

/* What the records of a box say of its task. Paused is seen by the freezer. */
static uint32_t state_of(struct ctrd__local *local, const struct ctrd__box *box, uint32_t *ret_pid,
			 int64_t *ret_time_ns)
{
	enum ctrd__cgroup_state freezer = CTRD__CGROUP_THAWED;
	struct ctrd__proc_info info;
	struct ctrd__group *group;
	struct ctrd__record record;
	int r;

	*ret_pid = 0;
	*ret_time_ns = 0;
	r = ctrd__record_read_at(box->dir_fd, CTRD_INIT_PROCESS, &record);
	if (r < 0 || !record.has_start)
		return r == CTRD_OK || r == CTRD_ENOTFOUND ? CTRD_TASK_NONE : CTRD_TASK_UNKNOWN;
	if (record.start.started)
		*ret_time_ns = record.start.time_ns;
	if (record.has_exit || strcmp(record.start.boot_id, ctrd__state_boot_id(local)) != 0 ||
	    ctrd__proc_read((pid_t)record.start.pid, &info) < 0 ||
	    info.start_time != record.start.start_time || info.state == 'Z')
		return CTRD_TASK_STOPPED;
	*ret_pid = record.start.pid;
	if (!record.start.started)
		return CTRD_TASK_CREATED;
	if (ctrd__group_read(local, box, &group) < 0 || !group)
		return CTRD_TASK_RUNNING;
	if (ctrd__cgroup_state(&group->cgroup, &freezer) < 0)
		freezer = CTRD__CGROUP_THAWED;
	(void)ctrd__group_unref(group);
	if (freezer == CTRD__CGROUP_FREEZING)
		return CTRD_TASK_PAUSING;
	return freezer == CTRD__CGROUP_FROZEN ? CTRD_TASK_PAUSED : CTRD_TASK_RUNNING;
}

static int copy_labels(ctrd_op *op, const struct ctrd__box *box, ctrd_inspect *inspect)
{
	size_t count = ctrd__strv_len((const char *const *)box->labels);
	/* Owned by the op as one block, like a text. */
	const char **labels = calloc(count + 1, sizeof(*labels));

	if (!labels)
		return CTRD_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		labels[i] = ctrd__op_strdup(op, box->labels[i]);
		if (!labels[i]) {
			free(labels);
			return CTRD_ENOMEM;
		}
	}
	if (!ctrd__op_own(op, (char *)labels))
		return CTRD_ENOMEM;
	inspect->labels = labels;
	return CTRD_OK;
}

static int inspect_box(struct ctrd__local *local, ctrd_op *op, const struct ctrd__box *box,
		       ctrd_error **ret_error)
{
	ctrd_inspect *inspect = calloc(1, sizeof(*inspect));
	char *spec = NULL;
	size_t len = 0;
	uint32_t pid;

	if (!inspect)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	*inspect = (ctrd_inspect)CTRD_INSPECT_INIT;
	op->result.inspect = inspect;
	if (ctrd__file_read_at(box->dir_fd, "spec.json", CONFIG_MAX, &spec, &len) < 0)
		return ctrd__error_return(
			ctrd__error_new(CTRD_EDATALOSS, "local", 0, NULL,
					"container \"%s\": spec.json cannot be read", box->id),
			ret_error);
	inspect->spec = ctrd__op_own(op, spec);
	inspect->spec_length = len;
	inspect->container_id = op->container_id;
	inspect->bundle = ctrd__op_strdup(op, box->path);
	inspect->runtime = ctrd__op_strdup(op, box->runtime);
	inspect->runtime_path = ctrd__op_strdup(op, box->runtime_path);
	inspect->cgroup = ctrd__op_strdup(op, box->cgroup);
	inspect->created_at_ns = box->created_ns;
	inspect->state = state_of(local, box, &pid, &inspect->started_at_ns);
	if (!inspect->spec || !inspect->bundle || !inspect->runtime || !inspect->runtime_path ||
	    !inspect->cgroup || copy_labels(op, box, inspect) < 0)
		return ctrd__error_return(ctrd__error_nomem(), ret_error);
	return CTRD_OK;
}

static int inspect(struct ctrd__job *job, ctrd_error **ret_error)
{
	struct ctrd__box *box;
	int r;

	r = ctrd__state_open_box(job->local, job->op->container_id, &box, ret_error);
	if (r < 0)
		return r;
	r = inspect_box(job->local, job->op, box, ret_error);
	(void)ctrd__box_unref(box);
	return r;
}

static void inspected(struct ctrd__job *job)
{
	ctrd_op *op = job->op;

	op->result.has |= CTRD__HAS_INSPECT;
	if (op->result.inspect->state != CTRD_TASK_NONE)
		op->result.inspect->task = ctrd__client_task(op->client, op->container_id);
	ctrd__job_finish(job, NULL);
}

void ctrd__local_inspect(ctrd_op *op)
{
	struct ctrd__job *job = ctrd__job_new(ctrd__local_of(op), op, sizeof(*job), NULL);

	if (job)
		ctrd__job_work(job, inspect, inspected);
}

static int add_container(void *data, const char *id)
{
	struct ctrd__job *job = data;
	ctrd_op *op = job->op;
	ctrd_container_info *containers;
	ctrd_container_info *info;
	struct ctrd__box *box;
	ctrd_error *error = NULL;
	int64_t time_ns;
	int r;

	containers = realloc(op->result.containers, (op->result.count + 1) * sizeof(*containers));
	if (!containers)
		return CTRD_ENOMEM;
	op->result.containers = containers;
	info = &containers[op->result.count];
	*info = (ctrd_container_info)CTRD_CONTAINER_INFO_INIT;
	r = ctrd__state_open_box(job->local, id, &box, &error);
	ctrd_error_unref(error);
	if (r == CTRD_ENOTFOUND || r == CTRD_ENOMEM)
		return r == CTRD_ENOMEM ? r : CTRD_OK;
	info->container_id = ctrd__op_strdup(op, id);
	info->runtime = "";
	info->state = CTRD_TASK_UNKNOWN;
	if (r == CTRD_OK) {
		info->runtime = ctrd__op_strdup(op, box->runtime);
		info->created_at_ns = box->created_ns;
		info->state = state_of(job->local, box, &info->pid, &time_ns);
		(void)ctrd__box_unref(box);
	}
	if (!info->container_id || !info->runtime)
		return CTRD_ENOMEM;
	op->result.count++;
	return CTRD_OK;
}

static int list(struct ctrd__job *job, ctrd_error **ret_error)
{
	ctrd__state_sweep(job->local);
	return ctrd__state_each(job->local, add_container, job, ret_error);
}

static void listed(struct ctrd__job *job)
{
	job->op->result.has |= CTRD__HAS_CONTAINERS;
	ctrd__job_finish(job, NULL);
}

void ctrd__local_list(ctrd_op *op)
{
	struct ctrd__job *job = ctrd__job_new(ctrd__local_of(op), op, sizeof(*job), NULL);

	if (job)
		ctrd__job_work(job, list, listed);
}

void ctrd__local_version(ctrd_op *op)
{
	op->result.version = (ctrd_version_info)CTRD_VERSION_INFO_INIT;
	op->result.version.name = "libctrd local";
	op->result.version.version = ctrd_version_string();
	op->result.version.revision = "";
	op->result.has |= CTRD__HAS_VERSION;
	ctrd__op_finish(op, NULL);
}
