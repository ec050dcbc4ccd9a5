/*
 * Stands in front of malloc and its family for the objects that the linker binds to the wrappers:
 * the library's own. Keeps the set of live blocks, and makes allocations fail on demand.
 *
 * It never allocates: the set lives in pages of its own.
 */
#define TESTS_ALLOC_WRAPPED
#include "internal.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *block);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);

void *test_real_malloc(size_t size);
void *test_real_calloc(size_t count, size_t size);
void *test_real_realloc(void *block, size_t size);
char *test_real_strdup(const char *text);

enum {
	FRAMES = 14,	    /* how much of a call path tells it from another */
	SKIPPED_FRAMES = 2, /* our own */
	KEPT_FRAMES = 5,    /* per live block, for the report */
};

struct block {
	void *address; /* NULL: free slot; GONE: was used */
	size_t size;
	void *from[KEPT_FRAMES];
};

#define GONE ((void *)1)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks;
static size_t capacity, used, live;
static enum test_oom_mode oom_mode;
static uint64_t oom_which;
static atomic_bool armed;

static size_t slot_of(const void *address, size_t size)
{
	return (size_t)(((uintptr_t)address >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 20) &
	       (size - 1);
}

static bool insert(struct block *table, size_t size, const struct block *block)
{
	size_t i = slot_of(block->address, size);
	while (table[i].address != NULL && table[i].address != GONE)
		i = (i + 1) & (size - 1);
	bool fresh = table[i].address == NULL;
	table[i] = *block;
	return fresh;
}

static void grow(void)
{
	size_t size = capacity == 0 ? 4096 : live * 2 > capacity ? capacity * 2 : capacity;
	struct block *table = mmap(NULL, size * sizeof(*table), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (table == MAP_FAILED)
		return;
	used = 0;
	for (size_t i = 0; i < capacity; i++)
		if (blocks[i].address != NULL && blocks[i].address != GONE)
			used += insert(table, size, &blocks[i]);
	if (blocks != NULL)
		munmap(blocks, capacity * sizeof(*blocks));
	blocks = table;
	capacity = size;
}

static void remember(void *address, size_t size, void *const *frames, int count)
{
	if (address == NULL)
		return;
	struct block block = {.address = address, .size = size};
	for (int i = 0; i < KEPT_FRAMES && i + SKIPPED_FRAMES < count; i++)
		block.from[i] = frames[i + SKIPPED_FRAMES];
	pthread_mutex_lock(&lock);
	if ((used + 1) * 2 > capacity)
		grow();
	used += insert(blocks, capacity, &block);
	live++;
	pthread_mutex_unlock(&lock);
}

static void forget(void *address)
{
	if (address == NULL)
		return;
	pthread_mutex_lock(&lock);
	if (capacity > 0) {
		size_t i = slot_of(address, capacity);
		while (blocks[i].address != NULL && blocks[i].address != address)
			i = (i + 1) & (capacity - 1);
		if (blocks[i].address == address) {
			blocks[i].address = GONE;
			live--;
		}
	}
	pthread_mutex_unlock(&lock);
}

static uint64_t path_hash(void *const *frames, int count)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (int i = SKIPPED_FRAMES; i < count; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void record_path(uint64_t hash)
{
	unsigned int count = atomic_load(&test_shared->paths);
	for (unsigned int i = 0; i < count; i++)
		if (test_shared->path[i] == hash)
			return;
	if (count < TEST_MAX_PATHS) {
		test_shared->path[count] = hash;
		atomic_store(&test_shared->paths, count + 1);
	}
}

static bool inject(void)
{
	return atomic_exchange(&test_shared->injected, 1) == 0;
}

/* Is this the allocation that is to fail? */
static bool must_fail(void *const *frames, int count)
{
	bool fail = false;
	pthread_mutex_lock(&lock);
	if (armed && oom_mode != TEST_OOM_OFF) {
		unsigned int nth = atomic_fetch_add(&test_shared->allocations, 1);
		uint64_t hash = path_hash(frames, count);
		if (oom_mode == TEST_OOM_COUNT)
			record_path(hash);
		else if (oom_mode == TEST_OOM_FAIL_PATH)
			fail = hash == oom_which && inject();
		else
			fail = nth == oom_which && inject();
	}
	pthread_mutex_unlock(&lock);
	return fail;
}

/* Only a run that needs the call path pays for it. */
static int look_back(void **frames)
{
	return armed ? backtrace(frames, FRAMES) : 0;
}

void *__wrap_malloc(size_t size)
{
	void *frames[FRAMES];
	int count = look_back(frames);
	if (must_fail(frames, count))
		return NULL;
	void *block = __real_malloc(size);
	remember(block, size, frames, count);
	return block;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *frames[FRAMES];
	int count = look_back(frames);
	if (must_fail(frames, count))
		return NULL;
	void *block = __real_calloc(n, size);
	remember(block, n * size, frames, count);
	return block;
}

void *__wrap_realloc(void *old, size_t size)
{
	void *frames[FRAMES];
	int count = look_back(frames);
	if (must_fail(frames, count))
		return NULL;
	/* Forgotten first: another thread may be given the address the moment it is free. */
	forget(old);
	void *block = __real_realloc(old, size);
	remember(block != NULL ? block : old, size, frames, count);
	return block;
}

char *__wrap_strdup(const char *text)
{
	void *frames[FRAMES];
	int count = look_back(frames);
	if (must_fail(frames, count))
		return NULL;
	char *copy = __real_strdup(text);
	remember(copy, copy != NULL ? strlen(copy) + 1 : 0, frames, count);
	return copy;
}

void __wrap_free(void *block)
{
	forget(block);
	__real_free(block);
}

void *test_real_malloc(size_t size)
{
	return __real_malloc(size);
}

void *test_real_calloc(size_t count, size_t size)
{
	return __real_calloc(count, size);
}

void *test_real_realloc(void *block, size_t size)
{
	return __real_realloc(block, size);
}

char *test_real_strdup(const char *text)
{
	return __real_strdup(text);
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

void test_oom_arm(enum test_oom_mode mode, uint64_t which)
{
	/* The first backtrace() of a process loads libgcc, which allocates: not in the test. */
	void *frames[2];
	backtrace(frames, 2);
	pthread_atfork(before_fork, after_fork, after_fork);
	oom_mode = mode;
	oom_which = which;
	armed = true;
}

void test_oom_disarm(void)
{
	pthread_mutex_lock(&lock);
	armed = false;
	pthread_mutex_unlock(&lock);
}

long test_oom_balance(void)
{
	pthread_mutex_lock(&lock);
	long balance = (long)live;
	pthread_mutex_unlock(&lock);
	return balance;
}

void test_oom_print_live(void)
{
	int shown = 0;
	for (size_t i = 0; i < capacity && shown < 8; i++) {
		if (blocks[i].address == NULL || blocks[i].address == GONE)
			continue;
		int count = 0;
		while (count < KEPT_FRAMES && blocks[i].from[count] != NULL)
			count++;
		printf("not given back: %zu bytes, allocated at\n", blocks[i].size);
		fflush(stdout);
		backtrace_symbols_fd(blocks[i].from, count, 1);
		shown++;
	}
}
