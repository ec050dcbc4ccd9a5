/*
 * event.c: events on their way to the embedder's handler. When and whether one is told is decided in ledger.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "util/clock.h"

struct ctrd__event {
	struct ctrd__delivery delivery;
	ctrd_event event;
	char container_id[CTRD_ID_MAX + 1];
	char process_id[CTRD_ID_MAX + 1];
	char error[256];
};

const char *ctrd__event_name(uint32_t kind)
{
	static const char *const names[] = {
		[CTRD_EVENT_UNKNOWN] = "unknown",
		[CTRD_EVENT_CREATE] = "create",
		[CTRD_EVENT_START] = "start",
		[CTRD_EVENT_EXIT] = "exit",
		[CTRD_EVENT_OOM] = "oom",
		[CTRD_EVENT_EXEC_ADDED] = "exec-added",
		[CTRD_EVENT_EXEC_STARTED] = "exec-started",
		[CTRD_EVENT_PAUSED] = "paused",
		[CTRD_EVENT_RESUMED] = "resumed",
		[CTRD_EVENT_RESYNC_BEGIN] = "resync-begin",
		[CTRD_EVENT_RESYNC_END] = "resync-end",
	};
	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

void ctrd__event_set(struct ctrd__event *event, const struct ctrd__happening *happening)
{
	snprintf(event->container_id, sizeof(event->container_id), "%s",
		 happening->container_id ? happening->container_id : "");
	snprintf(event->process_id, sizeof(event->process_id), "%s",
		 happening->process_id ? happening->process_id : "");
	snprintf(event->error, sizeof(event->error), "%s",
		 happening->error ? happening->error : "");
	event->event = (ctrd_event){
		.size = sizeof(ctrd_event),
		.kind = happening->kind,
		.name = ctrd__event_name(happening->kind),
		.container_id = event->container_id,
		.process_id = event->process_id,
		.error = happening->error ? event->error : NULL,
		.task = happening->task,
		.pid = happening->pid,
		.flags = happening->flags,
		.code = happening->code,
		.signal = happening->signal,
		.time_ns = happening->time_ns ? happening->time_ns : ctrd__now_real_ns(),
	};
}

struct ctrd__event *ctrd__event_new(const struct ctrd__happening *happening)
{
	struct ctrd__event *event = calloc(1, sizeof(*event));
	if (event) {
		ctrd__list_init(&event->delivery.node);
		if (happening)
			ctrd__event_set(event, happening);
	}
	return event;
}

void ctrd__event_free(struct ctrd__event *event)
{
	free(event);
}

void ctrd__event_queue(ctrd_client *client, struct ctrd__event *event)
{
	ctrd__list_insert_tail(&client->deliveries, &event->delivery.node);
}

void ctrd__event_drop(struct ctrd__delivery *delivery)
{
	free(ctrd__container_of(delivery, struct ctrd__event, delivery));
}

void ctrd__event_deliver(ctrd_client *client, struct ctrd__delivery *delivery)
{
	struct ctrd__event *event = ctrd__container_of(delivery, struct ctrd__event, delivery);

	if (client->config.events.fn)
		client->config.events.fn(client, &event->event, client->config.events.data);
	free(event);
}
