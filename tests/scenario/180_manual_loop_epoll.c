/*
 * A host with an epoll loop of its own drives a client by its descriptor, its timeout and dispatch.
 */
#include "scenario.h"

#include <sys/epoll.h>
#include <unistd.h>

struct host {
	struct scene *scene;
	int epoll;
};

static void run_until(struct host *host, ctrd_op *op, int status)
{
	ctrd_client *client = host->scene->client;

	while (!ctrd_op_is_done(op)) {
		struct epoll_event event;
		CHECK(epoll_wait(host->epoll, &event, 1, ctrd_client_timeout_ms(client)) >= 0);
		CHECK_INT(ctrd_client_dispatch(client), CTRD_OK);
	}
	CHECK_INT(ctrd_op_status(op), status);
	ctrd_op_unref(op);
}

static void on_done(ctrd_op *op, void *data)
{
	(void)op;
	CHECK_INT(ctrd_client_dispatch(((struct scene *)data)->client), CTRD_EPRECONDITION);
	scene_note(data, "done");
}

TEST(a_life_on_an_epoll_loop)
{
	struct host host = {scene_new(), epoll_create1(EPOLL_CLOEXEC)};
	struct scene *scene = host.scene;
	ctrd_client_options options = scene_options(scene);
	struct epoll_event event = {.events = EPOLLIN};
	ctrd_create_options create = CTRD_CREATE_OPTIONS_INIT;
	ctrd_wait_options soon = CTRD_WAIT_OPTIONS_INIT;
	ctrd_delete_options force = CTRD_DELETE_OPTIONS_INIT;
	ctrd_done done = {on_done, scene, NULL};
	char *spec = scene_spec(PROGRAM("sleep"));

	options.flags = CTRD_CLIENT_MANUAL;
	create.spec = spec;
	soon.timeout_ms = 30;
	force.flags = CTRD_DELETE_FORCE;
	scene_open_with(&options, scene);
	ctrd_client *client = scene->client;
	CHECK(ctrd_client_fd(client) > 2);
	CHECK_INT(epoll_ctl(host.epoll, EPOLL_CTL_ADD, ctrd_client_fd(client), &event), 0);

	run_until(&host, MADE(ctrd_container_create(client, "a", &create, done, &op)), CTRD_OK);
	run_until(&host, MADE(ctrd_container_start(client, "a", NULL, NOBODY, &op)), CTRD_OK);
	run_until(&host, MADE(ctrd_process_wait(client, "a", "init", &soon, NOBODY, &op)),
		  CTRD_EDEADLINE);
	run_until(&host, MADE(ctrd_container_delete(client, "a", &force, NOBODY, &op)), CTRD_OK);
	CHECK_INT(scene_count(scene, "exit a/init"), 1);
	CHECK_INT(scene_count(scene, "done"), 1);
	run_until(&host, MADE(ctrd_client_close(client, NULL, NOBODY, &op)), CTRD_OK);
	scene_free(scene);
	close(host.epoll);
	free(spec);
}

TEST(other_clients_are_not_driven_by_hand)
{
	struct scene *scene = scene_open();

	CHECK_INT(ctrd_client_fd(scene->client), CTRD_EPRECONDITION);
	CHECK_INT(ctrd_client_dispatch(scene->client), CTRD_EPRECONDITION);
	CHECK_INT(ctrd_client_fd(NULL), CTRD_EINVAL);
	CHECK_INT(ctrd_client_dispatch(NULL), CTRD_EINVAL);
	scene_close(scene);
}

TEST(the_last_handle_of_a_manual_client_ends_it)
{
	struct scene *scene = scene_new();
	ctrd_client_options options = scene_options(scene);

	options.flags = CTRD_CLIENT_MANUAL;
	scene_open_with(&options, scene);
	CHECK_INT(ctrd_client_version(scene->client, NULL, NOBODY, NULL), CTRD_OK);
	scene_free(scene);
}
