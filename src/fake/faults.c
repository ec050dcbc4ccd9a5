/*
 * faults.c: the script of faults of one client, and the calls that write it. What a fault does is done where the call
 * or the event comes along.
 *
 * Invariant: a fault with a number is spent once it has struck.
 */
#include "fake/fake_client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core.h" /* the rules of options, and whose client it is */

struct fault {
	struct ctrd__list node;
	uint32_t kind;
	uint32_t nth;
	uint32_t seen;
	uint32_t delay_ms;
	int32_t status;
	char *verb;
	char *container_id;
};

static void free_fault(struct fault *fault)
{
	ctrd__list_remove(&fault->node);
	free(fault->verb);
	free(fault->container_id);
	free(fault);
}

static bool takes(const struct fault *fault, const char *name, const char *container_id,
		  bool is_event)
{
	bool of_events = fault->kind == CTRD_FAKE_DROP_EVENT ||
			 fault->kind == CTRD_FAKE_DUPLICATE_EVENT;

	if (fault->kind == CTRD_FAKE_LOSE_BACKEND ? !fault->verb && is_event
						  : of_events != is_event)
		return false;
	return (!fault->verb || !strcmp(fault->verb, name)) &&
	       (!fault->container_id || !strcmp(fault->container_id, container_id));
}

static void strike(const struct fault *fault, struct ctrd__fake_luck *luck)
{
	switch (fault->kind) {
	case CTRD_FAKE_DELAY:
		luck->delay_ms += fault->delay_ms;
		break;
	case CTRD_FAKE_FAIL:
		luck->fail = fault->status;
		break;
	case CTRD_FAKE_DROP_EVENT:
		luck->drop = true;
		luck->resync_ms = fault->delay_ms;
		break;
	case CTRD_FAKE_DUPLICATE_EVENT:
		luck->duplicate = true;
		break;
	case CTRD_FAKE_LOSE_BACKEND:
		luck->lose = true;
		luck->lose_ms = fault->delay_ms;
		break;
	case CTRD_FAKE_HANG:
		luck->hang = true;
		break;
	default:
		break;
	}
}

static void match(struct ctrd__fake_client *client, const char *name, const char *container_id,
		  bool is_event, struct ctrd__fake_luck *ret_luck)
{
	*ret_luck = (struct ctrd__fake_luck){0};
	pthread_mutex_lock(&client->world->lock);
	ctrd__list_foreach(node, &client->faults)
	{
		struct fault *fault = ctrd__container_of(node, struct fault, node);
		if (!takes(fault, name, container_id, is_event))
			continue;
		fault->seen++;
		if (fault->nth && fault->seen != fault->nth)
			continue;
		strike(fault, ret_luck);
		if (fault->nth)
			free_fault(fault);
	}
	pthread_mutex_unlock(&client->world->lock);
}

void ctrd__fake_faults_call(struct ctrd__fake_client *client, const ctrd_op *op,
			    struct ctrd__fake_luck *ret_luck)
{
	match(client, ctrd__verb_name(op->verb), op->container_id, false, ret_luck);
}

void ctrd__fake_faults_event(struct ctrd__fake_client *client, uint32_t kind,
			     const char *container_id, struct ctrd__fake_luck *ret_luck)
{
	match(client, ctrd__event_name(kind), container_id, true, ret_luck);
}

void ctrd__fake_faults_clear(struct ctrd__fake_client *client)
{
	ctrd__list_foreach(node, &client->faults)
	{
		free_fault(ctrd__container_of(node, struct fault, node));
	}
}

/* The part of a call that all public functions here share. */
static int enter(ctrd_client *client, struct ctrd__fake_client **ret_fake)
{
	if (!client || client->backend != &ctrd__fake_ops)
		return CTRD_EINVAL;
	if (client->owner != getpid())
		return CTRD_EFORKED;
	*ret_fake = ctrd__client_backend_data(client);
	return CTRD_OK;
}

static struct fault *new_fault(const ctrd_fake_fault *from)
{
	struct fault *fault = calloc(1, sizeof(*fault));

	if (!fault)
		return NULL;
	ctrd__list_init(&fault->node);
	fault->kind = from->kind;
	fault->nth = from->nth;
	fault->delay_ms = from->delay_ms;
	fault->status = from->status;
	fault->verb = from->verb ? strdup(from->verb) : NULL;
	fault->container_id = from->container_id ? strdup(from->container_id) : NULL;
	if ((from->verb && !fault->verb) || (from->container_id && !fault->container_id)) {
		free_fault(fault);
		return NULL;
	}
	return fault;
}

int ctrd_fake_add_fault(ctrd_client *client, const ctrd_fake_fault *fault)
{
	ctrd_fake_fault known = CTRD_FAKE_FAULT_INIT;
	struct ctrd__fake_client *fake;
	int status = enter(client, &fake);

	if (status)
		return status;
	if (!fault)
		return CTRD_EINVAL;
	status = ctrd__options_read("fault", fault, &known, sizeof(known), sizeof(known), NULL);
	if (status)
		return status;
	if (known.kind < CTRD_FAKE_DELAY || known.kind > CTRD_FAKE_HANG || known.reserved0)
		return CTRD_EINVAL;
	if (known.kind == CTRD_FAKE_FAIL && known.status >= 0)
		return CTRD_EINVAL;
	struct fault *added = new_fault(&known);
	if (!added)
		return CTRD_ENOMEM;
	pthread_mutex_lock(&fake->world->lock);
	bool joined = fake->joined;
	if (joined)
		ctrd__list_insert_tail(&fake->faults, &added->node);
	pthread_mutex_unlock(&fake->world->lock);
	if (joined)
		return CTRD_OK;
	free_fault(added);
	return CTRD_ECLOSED;
}

int ctrd_fake_clear_faults(ctrd_client *client)
{
	struct ctrd__fake_client *fake;
	int status = enter(client, &fake);

	if (status)
		return status;
	pthread_mutex_lock(&fake->world->lock);
	bool joined = fake->joined;
	ctrd__fake_faults_clear(fake);
	pthread_mutex_unlock(&fake->world->lock);
	return joined ? CTRD_OK : CTRD_ECLOSED;
}

int ctrd_fake_exit(ctrd_client *client, const char *container_id, const char *process_id,
		   uint32_t code, int32_t signal)
{
	struct ctrd__fake_client *fake;
	int status = enter(client, &fake);

	if (status)
		return status;
	if (!container_id || !process_id || strlen(container_id) > CTRD_ID_MAX ||
	    strlen(process_id) > CTRD_ID_MAX || code > 255 || signal < 0 || signal > 64 ||
	    (signal && code != 128 + (uint32_t)signal))
		return CTRD_EINVAL;
	struct ctrd__fake_notice *notice = calloc(1, sizeof(*notice));
	if (!notice)
		return CTRD_ENOMEM;
	notice->kind = CTRD__FAKE_EXIT_ASKED;
	notice->code = code;
	notice->signal = signal;
	memcpy(notice->container_id, container_id, strlen(container_id));
	memcpy(notice->process_id, process_id, strlen(process_id));
	pthread_mutex_lock(&fake->world->lock);
	bool joined = fake->joined;
	if (joined)
		ctrd__fake_enqueue(fake, notice);
	pthread_mutex_unlock(&fake->world->lock);
	if (joined)
		return CTRD_OK;
	free(notice);
	return CTRD_ECLOSED;
}
