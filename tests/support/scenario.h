/*
 * Fixtures of scenarios: one fact about the Client interface each, written once against the public headers, and run
 * on every backend. What differs between backends is hidden here: addresses, directories, programs.
 *
 *	TEST(exit_code_is_told)
 *	{
 *		struct scene *scene = scene_open();
 *		scene_begin(scene, "a", PROGRAM("exit", "7"));
 *		CHECK_INT(scene_wait(scene, "a", "init").code, 7);
 *		scene_delete(scene, "a");
 *		scene_close(scene);
 *	}
 *
 * Environment: CTRD_TEST_ADDRESS ("fake:", "local:"), CTRD_TEST_RUNTIME (local: "crun" or "runc").
 */
#ifndef TESTS_SCENARIO_H
#define TESTS_SCENARIO_H

#include <libctrd/libctrd.h>

#include "test.h"

#include <pthread.h>
#include <stdlib.h>

/*
 * Programs, in the words of libctrd/fake.h: "exit" CODE, "sleep", "signal" N, "echo" TEXT, "cat" [TEXT], "flood" BYTES,
 * "linger" CODE, "missing", "denied". Elsewhere they become a busybox that does the same.
 */
#define PROGRAM(...) ((const char *const[]){__VA_ARGS__, NULL})

/* JSON that runs a program: a spec, a spec with a terminal, the process of an exec. To be freed with free(). */
char *scene_spec(const char *const *program);
char *scene_terminal_spec(const char *const *program);
char *scene_process(const char *const *program);

bool scene_is_fake(void);

/*
 * What was told, in order: events and, by scene_note, anything else.
 */
struct told {
	struct told *next;
	char text[200];	  /* "exit a/init", "start a/init", "resync-begin", or the text of a note */
	ctrd_event event; /* kind 0: a note; its strings are not to be used */
};

struct scene {
	ctrd_client *client;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct told *first;
	struct told **last;
	void (*on_event)(struct scene *scene,
			 const ctrd_event *event); /* besides, on the loop thread */
	void *data;
};

/* Options with this test's name space, directories and runtime. The event handler is the scene's. */
ctrd_client_options scene_options(struct scene *scene);
/* The address; all clients of one test that open it share their containers. */
const char *scene_address(void);

struct scene *scene_open(void);
/* Nothing is opened yet: for tests that call ctrd_client_open themselves. */
struct scene *scene_new(void);
struct scene *scene_open_with(const ctrd_client_options *options, struct scene *scene);
/* No container may be left. Closes the client, waits, frees everything. */
void scene_close(struct scene *scene);
/* The same for a client that the test has closed. */
void scene_free(struct scene *scene);

/* Note something between the events. Any thread. */
void scene_note(struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Wait until this text was told for the nth time (from 1); the event is copied to ret (may be NULL). */
void scene_await(struct scene *scene, const char *text, int nth, ctrd_event *ret);
/* How often a text was told so far. */
int scene_count(struct scene *scene, const char *text);
/* All texts, one a line, of those that begin with one of the words (NULL-terminated; NULL = all). free() it. */
char *scene_told(struct scene *scene, const char *const *words);

/*
 * Calls. END makes one (its last argument is &op), waits for its end and gives its status:
 *	CHECK_INT(END(ctrd_container_pause(scene->client, "a", NULL, NOBODY, &op)), CTRD_OK);
 * ENDED gives the op, which the test unrefs.
 */
#define NOBODY ((ctrd_done){NULL, NULL, NULL})
#define END(call)                                           \
	(__extension__({                                    \
		ctrd_op *op = NULL;                         \
		int end_status = (call);                    \
		end_status ? end_status : scene_end_of(op); \
	}))
#define ENDED(call)                       \
	(__extension__({                  \
		ctrd_op *op = NULL;       \
		CHECK_INT(call, CTRD_OK); \
		scene_await_op(op);       \
	}))
#define MADE(call)                        \
	(__extension__({                  \
		ctrd_op *op = NULL;       \
		CHECK_INT(call, CTRD_OK); \
		op;                       \
	}))
/* Wait for its end; gives it back, or its status without it. A failure's message becomes a note of the test. */
ctrd_op *scene_await_op(ctrd_op *op);
int scene_end_of(ctrd_op *op);

/* Create, with a program; create and start; start with streams. All must succeed. */
void scene_create(struct scene *scene, const char *id, const char *const *program);
void scene_begin(struct scene *scene, const char *id, const char *const *program);
void scene_begin_with(struct scene *scene, const char *id, const char *const *program,
		      const ctrd_stdio *stdio);
void scene_exec(struct scene *scene, const char *id, const char *process,
		const char *const *program);
/* Only the calls: their status. */
int scene_try_create(struct scene *scene, const char *id, const char *const *program);
int scene_try_start(struct scene *scene, const char *id);
int scene_try_exec(struct scene *scene, const char *id, const char *process,
		   const char *const *program);
void scene_kill(struct scene *scene, const char *id, const char *process);
ctrd_exit scene_wait(struct scene *scene, const char *id, const char *process);
uint32_t scene_state(struct scene *scene, const char *id);
/* By force. */
void scene_delete(struct scene *scene, const char *id);

/* Add a fault; fake only. */
void scene_fault(struct scene *scene, uint32_t kind, const char *verb, uint32_t nth,
		 uint32_t delay_ms, int32_t status);

/*
 * Bytes that a DATA stream gave, and the ends that an attach callback got.
 */
struct sink {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *bytes;
	size_t length;
	size_t kept; /* at most so many are kept: 0 = all */
	int ends;
	int released;
	ctrd_stdio_ends fds;
	int attach_status; /* what attach answers */
	int pause_after;   /* data_fn answers 1 from the nth call on; 0 = never */
	int calls;
};
struct sink *sink_new(void);
void sink_free(struct sink *sink); /* closes what attach got */
/* DATA for stdout and stderr; `in`, `out` are kinds. */
ctrd_stdio sink_stdio(struct sink *sink, uint32_t in, uint32_t out);
/* Write into the stdin that attach got. */
void sink_put(struct sink *sink, const char *text);
/* Until `ends` streams have ended, or `length` bytes have come. */
void sink_await_ends(struct sink *sink, int ends);
void sink_await_length(struct sink *sink, size_t length);
void sink_await_release(struct sink *sink);

#endif
