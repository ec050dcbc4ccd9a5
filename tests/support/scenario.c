/*
 * Fixtures of scenarios: see scenario.h. Waits end by what they wait for, or fail the test after a minute.
 */
#include "scenario.h"

#include "bundle.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 50000,
	/* Where an allocation has failed, what is waited for may never happen. Ops end also then. */
	PATIENCE_WITHOUT_MEMORY_MS = 2000,
	MAX_ARGS = 8,
};

/*
 * For the thread sanitizer, where there is one: libuv closes descriptors behind its back, so that it takes a new
 * descriptor of the harness for the old one of a loop whose detached thread is gone.
 */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "race:test_fd_count\nrace:print_fds\n";
}

bool scene_is_fake(void)
{
	return strncmp(test_address(), "fake:", 5) == 0;
}

const char *scene_address(void)
{
	return scene_is_fake() ? "fake:scene" : test_address();
}

/*
 * Programs
 */

static const char *second(const char *const *program)
{
	return program[1] != NULL ? program[1] : "";
}

/* The same in busybox. `text` is memory for a shell's script. */
static void translate(const char *const *program, char *text, size_t size,
		      const char *ret_args[MAX_ARGS])
{
	const char *word = program[0];
	const char *script = text;

	if (strcmp(word, "exit") == 0)
		snprintf(text, size, "exit %s", second(program));
	else if (strcmp(word, "signal") == 0)
		snprintf(text, size, "kill -%s $$; sleep 1000", second(program));
	else if (strcmp(word, "sleep") == 0)
		script = "exec sleep 1000";
	else if (strcmp(word, "echo") == 0)
		snprintf(text, size, "exec echo '%s'", second(program));
	else if (strcmp(word, "cat") == 0 && program[1] != NULL)
		snprintf(text, size, "cat && echo '%s'", program[1]);
	else if (strcmp(word, "cat") == 0)
		script = "exec cat";
	else if (strcmp(word, "flood") == 0)
		snprintf(text, size, "exec head -c %s /dev/zero", second(program));
	else if (strcmp(word, "linger") == 0)
		snprintf(text, size, "sleep 1000 & exit %s", second(program));
	else
		script = NULL;
	const char *const shell[] = {"/bin/sh", "-c", script, NULL};
	const char *const missing[] = {"/bin/there-is-no-such-program", NULL};
	const char *const denied[] = {"/bin/noexec", NULL};
	const char *const *args = script != NULL		? shell
				  : strcmp(word, "denied") == 0 ? denied
								: missing;
	int i = 0;
	for (; args[i] != NULL; i++)
		ret_args[i] = args[i];
	ret_args[i] = NULL;
}

/* The first arguments, padded with NULL. */
static void arguments(const char *const *program, char *text, size_t size,
		      const char *ret_args[MAX_ARGS])
{
	memset(ret_args, 0, MAX_ARGS * sizeof(*ret_args));
	if (!scene_is_fake()) {
		translate(program, text, size, ret_args);
		return;
	}
	for (int i = 0; i < MAX_ARGS - 1 && program[i] != NULL; i++)
		ret_args[i] = program[i];
}

char *scene_spec(const char *const *program)
{
	char text[256];
	const char *a[MAX_ARGS];
	arguments(program, text, sizeof(text), a);
	return test_spec(test_bundle(), a[0], a[1], a[2], a[3], NULL);
}

/* One that lingers needs no pid namespace of its own, or its child would die with it. */
static char *host_pid_spec(const char *const *program)
{
	char text[256];
	const char *a[MAX_ARGS];
	arguments(program, text, sizeof(text), a);
	return test_spec_with(test_bundle(), test_spec_host_pid, NULL, a[0], a[1], a[2], a[3],
			      NULL);
}

char *scene_terminal_spec(const char *const *program)
{
	char text[256];
	const char *a[MAX_ARGS];
	arguments(program, text, sizeof(text), a);
	return test_spec_with(test_bundle(), test_spec_terminal, NULL, a[0], a[1], a[2], a[3],
			      NULL);
}

char *scene_process(const char *const *program)
{
	char text[256];
	const char *a[MAX_ARGS];
	arguments(program, text, sizeof(text), a);
	return test_process(a[0], a[1], a[2], a[3], NULL);
}

/*
 * Waiting
 */

static void deadline_in(struct timespec *ret, int ms)
{
	clock_gettime(CLOCK_MONOTONIC, ret);
	ret->tv_sec += ms / 1000;
	ret->tv_nsec += (long)(ms % 1000) * 1000000;
	if (ret->tv_nsec >= 1000000000) {
		ret->tv_nsec -= 1000000000;
		ret->tv_sec++;
	}
}

static void init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

/* Until fn says so, under the lock; false when patience is over. An allocation may be made to fail meanwhile. */
static bool await(pthread_mutex_t *lock, pthread_cond_t *cond, bool (*fn)(void *data), void *data)
{
	int left = test_timeout_ms(PATIENCE_MS),
	    slice = test_timeout_ms(PATIENCE_WITHOUT_MEMORY_MS);
	struct timespec end;

	pthread_mutex_lock(lock);
	bool held = fn(data);
	while (!held && left > 0) {
		deadline_in(&end, slice);
		while (!held && pthread_cond_timedwait(cond, lock, &end) != ETIMEDOUT)
			held = fn(data);
		held = held || fn(data);
		left = test_is_failing_allocations() ? 0 : left - slice;
	}
	pthread_mutex_unlock(lock);
	return held;
}

/*
 * What was told
 */

static void append(struct scene *scene, struct told *told)
{
	pthread_mutex_lock(&scene->lock);
	*scene->last = told;
	scene->last = &told->next;
	pthread_cond_broadcast(&scene->changed);
	pthread_mutex_unlock(&scene->lock);
}

static struct told *new_told(void)
{
	struct told *told = calloc(1, sizeof(*told));
	CHECK(told != NULL);
	return told;
}

static void on_event(ctrd_client *client, const ctrd_event *event, void *data)
{
	struct scene *scene = data;
	struct told *told = new_told();

	(void)client;
	told->event = *event;
	snprintf(told->text, sizeof(told->text), "%s%s%s%s%s", event->name,
		 event->container_id[0] != '\0' ? " " : "", event->container_id,
		 event->process_id[0] != '\0' ? "/" : "", event->process_id);
	append(scene, told);
	if (scene->on_event != NULL)
		scene->on_event(scene, event);
}

void scene_note(struct scene *scene, const char *format, ...)
{
	struct told *told = new_told();
	va_list args;

	va_start(args, format);
	vsnprintf(told->text, sizeof(told->text), format, args);
	va_end(args);
	append(scene, told);
}

struct search {
	struct scene *scene;
	const char *text;
	int nth;
	struct told *found;
};

static bool search(void *data)
{
	struct search *search = data;
	int count = 0;

	for (struct told *told = search->scene->first; told != NULL; told = told->next)
		if (strcmp(told->text, search->text) == 0 && ++count == search->nth) {
			search->found = told;
			return true;
		}
	return false;
}

void scene_await(struct scene *scene, const char *text, int nth, ctrd_event *ret)
{
	struct search wanted = {scene, text, nth, NULL};

	if (!await(&scene->lock, &scene->changed, search, &wanted)) {
		char *told = scene_told(scene, NULL);
		FAIL("\"%s\" was not told %d times; what was:\n%s", text, nth, told);
	}
	if (ret != NULL)
		*ret = wanted.found->event;
}

int scene_count(struct scene *scene, const char *text)
{
	int count = 0;

	pthread_mutex_lock(&scene->lock);
	for (struct told *told = scene->first; told != NULL; told = told->next)
		count += strcmp(told->text, text) == 0;
	pthread_mutex_unlock(&scene->lock);
	return count;
}

static bool begins_with_one(const char *text, const char *const *words)
{
	if (words == NULL)
		return true;
	for (; *words != NULL; words++)
		if (strncmp(text, *words, strlen(*words)) == 0)
			return true;
	return false;
}

char *scene_told(struct scene *scene, const char *const *words)
{
	size_t size = 1;
	char *text = NULL;

	pthread_mutex_lock(&scene->lock);
	for (struct told *told = scene->first; told != NULL; told = told->next)
		size += strlen(told->text) + 1;
	text = calloc(1, size);
	CHECK(text != NULL);
	char *at = text;
	for (struct told *told = scene->first; told != NULL; told = told->next)
		if (begins_with_one(told->text, words))
			at += sprintf(at, "%s\n", told->text);
	pthread_mutex_unlock(&scene->lock);
	return text;
}

/*
 * Clients
 */

static void on_log(int32_t level, const char *line, void *data)
{
	(void)data;
	if (level <= CTRD_LOG_WARNING)
		test_note("log: %s", line);
}

struct scene *scene_new(void)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	CHECK(scene != NULL);
	scene->last = &scene->first;
	pthread_mutex_init(&scene->lock, NULL);
	init_cond(&scene->changed);
	return scene;
}

/* One state directory and one cgroup for all clients of a test. */
static const char *state_dir(void)
{
	static char path[256];
	if (path[0] == '\0')
		snprintf(path, sizeof(path), "%s/state", test_tmpdir());
	return path;
}

static const char *cgroup_parent(void)
{
	static char path[64];
	if (path[0] == '\0')
		snprintf(path, sizeof(path), "/libctrd-test-%d", (int)getpid());
	return path;
}

ctrd_client_options scene_options(struct scene *scene)
{
	ctrd_client_options options = CTRD_CLIENT_OPTIONS_INIT;

	if (!scene_is_fake()) {
		options.state_dir = state_dir();
		options.cgroup_parent = cgroup_parent();
		options.default_runtime = getenv("CTRD_TEST_RUNTIME");
	}
	options.log.fn = on_log;
	options.events.fn = on_event;
	options.events.data = scene;
	return options;
}

struct scene *scene_open_with(const ctrd_client_options *options, struct scene *scene)
{
	ctrd_error *error = NULL;
	int status = ctrd_client_open(scene_address(), options, &scene->client, &error);

	if (status != CTRD_OK)
		FAIL("open: %s: %s", ctrd_status_name(status), ctrd_error_message(error));
	return scene;
}

struct scene *scene_open(void)
{
	struct scene *scene = scene_new();
	ctrd_client_options options = scene_options(scene);
	return scene_open_with(&options, scene);
}

void scene_free(struct scene *scene)
{
	ctrd_client_unref(scene->client);
	for (struct told *told = scene->first, *next; told != NULL; told = next) {
		next = told->next;
		free(told);
	}
	pthread_cond_destroy(&scene->changed);
	pthread_mutex_destroy(&scene->lock);
	free(scene);
}

void scene_close(struct scene *scene)
{
	ctrd_op *list = ENDED(ctrd_container_list(scene->client, NULL, NOBODY, &op));
	size_t count = 0;
	CHECK_INT(ctrd_op_get_count(list, &count), CTRD_OK);
	CHECK_INT(count, 0);
	ctrd_op_unref(list);
	CHECK_INT(END(ctrd_client_close(scene->client, NULL, NOBODY, &op)), CTRD_OK);
	scene_free(scene);
}

/*
 * Calls
 */

ctrd_op *scene_await_op(ctrd_op *op)
{
	int waited = ctrd_op_wait(op, test_timeout_ms(PATIENCE_MS));
	if (waited != 0)
		FAIL("%s %s: waiting for it gave %d", ctrd_op_verb(op), ctrd_op_container_id(op),
		     waited);
	if (ctrd_op_status(op) != CTRD_OK)
		test_note("%s %s: %s: %s", ctrd_op_verb(op), ctrd_op_container_id(op),
			  ctrd_status_name(ctrd_op_status(op)),
			  ctrd_error_message(ctrd_op_error(op)));
	return op;
}

int scene_end_of(ctrd_op *op)
{
	int status = ctrd_op_status(scene_await_op(op));
	ctrd_op_unref(op);
	return status;
}

int scene_try_create(struct scene *scene, const char *id, const char *const *program)
{
	ctrd_create_options options = CTRD_CREATE_OPTIONS_INIT;
	bool lingers = strcmp(program[0], "linger") == 0;
	char *spec = lingers ? host_pid_spec(program) : scene_spec(program);
	options.spec = spec;
	int status = END(ctrd_container_create(scene->client, id, &options, NOBODY, &op));
	free(spec);
	return status;
}

int scene_try_start(struct scene *scene, const char *id)
{
	return END(ctrd_container_start(scene->client, id, NULL, NOBODY, &op));
}

int scene_try_exec(struct scene *scene, const char *id, const char *process,
		   const char *const *program)
{
	ctrd_exec_options options = CTRD_EXEC_OPTIONS_INIT;
	char *json = scene_process(program);
	options.process = json;
	int status = END(ctrd_process_exec(scene->client, id, process, &options, NOBODY, &op));
	free(json);
	return status;
}

void scene_create(struct scene *scene, const char *id, const char *const *program)
{
	CHECK_INT(scene_try_create(scene, id, program), CTRD_OK);
}

void scene_begin(struct scene *scene, const char *id, const char *const *program)
{
	scene_create(scene, id, program);
	CHECK_INT(scene_try_start(scene, id), CTRD_OK);
}

void scene_begin_with(struct scene *scene, const char *id, const char *const *program,
		      const ctrd_stdio *stdio)
{
	ctrd_start_options options = CTRD_START_OPTIONS_INIT;
	scene_create(scene, id, program);
	options.stdio = stdio;
	CHECK_INT(END(ctrd_container_start(scene->client, id, &options, NOBODY, &op)), CTRD_OK);
}

void scene_exec(struct scene *scene, const char *id, const char *process,
		const char *const *program)
{
	CHECK_INT(scene_try_exec(scene, id, process, program), CTRD_OK);
}

void scene_kill(struct scene *scene, const char *id, const char *process)
{
	CHECK_INT(END(ctrd_process_signal(scene->client, id, process, 9, NULL, NOBODY, &op)),
		  CTRD_OK);
}

ctrd_exit scene_wait(struct scene *scene, const char *id, const char *process)
{
	ctrd_exit result = CTRD_EXIT_INIT;
	ctrd_op *wait = ENDED(ctrd_process_wait(scene->client, id, process, NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_exit(wait, &result), CTRD_OK);
	ctrd_op_unref(wait);
	return result;
}

uint32_t scene_state(struct scene *scene, const char *id)
{
	uint32_t state = CTRD_TASK_UNKNOWN;
	ctrd_op *status = ENDED(ctrd_container_status(scene->client, id, NULL, NOBODY, &op));
	CHECK_INT(ctrd_op_get_state(status, &state), CTRD_OK);
	ctrd_op_unref(status);
	return state;
}

void scene_delete(struct scene *scene, const char *id)
{
	ctrd_delete_options options = CTRD_DELETE_OPTIONS_INIT;
	options.flags = CTRD_DELETE_FORCE;
	CHECK_INT(END(ctrd_container_delete(scene->client, id, &options, NOBODY, &op)), CTRD_OK);
}

void scene_fault(struct scene *scene, uint32_t kind, const char *verb, uint32_t nth,
		 uint32_t delay_ms, int32_t status)
{
	ctrd_fake_fault fault = CTRD_FAKE_FAULT_INIT;
	fault.kind = kind;
	fault.verb = verb;
	fault.nth = nth;
	fault.delay_ms = delay_ms;
	fault.status = status;
	CHECK_INT(ctrd_fake_add_fault(scene->client, &fault), CTRD_OK);
}

/*
 * Streams
 */

struct sink *sink_new(void)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	CHECK(sink != NULL);
	pthread_mutex_init(&sink->lock, NULL);
	init_cond(&sink->changed);
	sink->fds.in = sink->fds.out = sink->fds.err = -1;
	return sink;
}

void sink_free(struct sink *sink)
{
	int fds[] = {sink->fds.in, sink->fds.out, sink->fds.err};
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_cond_destroy(&sink->changed);
	pthread_mutex_destroy(&sink->lock);
	free(sink->bytes);
	free(sink);
}

static int on_data(const char *container_id, const char *process_id, uint32_t stream,
		   const void *bytes, size_t length, void *data)
{
	struct sink *sink = data;

	(void)container_id, (void)process_id, (void)stream;
	pthread_mutex_lock(&sink->lock);
	if (length == 0)
		sink->ends++;
	if (length > 0 && (sink->kept == 0 || sink->length + length <= sink->kept)) {
		sink->bytes = realloc(sink->bytes, sink->length + length + 1);
		CHECK(sink->bytes != NULL);
		memcpy(sink->bytes + sink->length, bytes, length);
		sink->bytes[sink->length + length] = '\0';
	}
	sink->length += length;
	sink->calls++;
	int answer = sink->pause_after > 0 && sink->calls >= sink->pause_after;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
	return answer;
}

static int on_attach(const char *container_id, const char *process_id, const ctrd_stdio_ends *ends,
		     void *data)
{
	struct sink *sink = data;

	(void)container_id, (void)process_id;
	if (sink->attach_status != 0)
		return sink->attach_status;
	pthread_mutex_lock(&sink->lock);
	sink->fds = *ends;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
	return 0;
}

static void on_release(void *data)
{
	struct sink *sink = data;
	pthread_mutex_lock(&sink->lock);
	sink->released++;
	pthread_cond_broadcast(&sink->changed);
	pthread_mutex_unlock(&sink->lock);
}

ctrd_stdio sink_stdio(struct sink *sink, uint32_t in, uint32_t out)
{
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	stdio.in = in;
	stdio.out = out;
	stdio.attach = on_attach;
	stdio.data_fn = on_data;
	stdio.data = sink;
	stdio.release = on_release;
	return stdio;
}

void sink_put(struct sink *sink, const char *text)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;

	sigaction(SIGPIPE, &ignore, &before); /* a program that is gone is a failed check */
	CHECK_INT(write(sink->fds.in, text, strlen(text)), strlen(text));
	sigaction(SIGPIPE, &before, NULL);
}

struct sink_wish {
	struct sink *sink;
	int ends;
	size_t length;
	int released;
};

static bool is_granted(void *data)
{
	const struct sink_wish *wish = data;
	return wish->sink->ends >= wish->ends && wish->sink->length >= wish->length &&
	       wish->sink->released >= wish->released;
}

static void sink_await(struct sink_wish wish)
{
	if (!await(&wish.sink->lock, &wish.sink->changed, is_granted, &wish))
		FAIL("%zu bytes, %d ends, %d releases have come: %zu, %d, %d were waited for",
		     wish.sink->length, wish.sink->ends, wish.sink->released, wish.length,
		     wish.ends, wish.released);
}

void sink_await_ends(struct sink *sink, int ends)
{
	sink_await((struct sink_wish){.sink = sink, .ends = ends});
}

void sink_await_length(struct sink *sink, size_t length)
{
	sink_await((struct sink_wish){.sink = sink, .length = length});
}

void sink_await_release(struct sink *sink)
{
	sink_await((struct sink_wish){.sink = sink, .released = 1});
}
