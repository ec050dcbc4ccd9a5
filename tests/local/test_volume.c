/*
 * Much output and a slow reader: every byte arrives, in order, and none of it piles up in the host.
 */
#include "host.h"
#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define VOLUME (512ll << 20)

enum {
	PAUSE_EVERY = 8 << 20, /* bytes */
	GROWTH_KIB = 48 << 10, /* far less than the volume, far more than a buffer */
};

/* The words 0, 1, 2, ..., however they are cut up. */
struct checker {
	uint64_t word;
	unsigned char part[8];
	size_t part_length;
	uint64_t bytes;
	bool wrong;
};

static void check_word(struct checker *checker, const void *at)
{
	uint64_t word;
	memcpy(&word, at, 8);
	checker->wrong |= word != checker->word++;
}

static void check_bytes(struct checker *checker, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	checker->bytes += length;
	while (length > 0 && checker->part_length > 0) {
		checker->part[checker->part_length++] = *at++;
		length--;
		if (checker->part_length == 8) {
			check_word(checker, checker->part);
			checker->part_length = 0;
		}
	}
	for (; length >= 8; at += 8, length -= 8)
		check_word(checker, at);
	if (length > 0) {
		memcpy(checker->part, at, length);
		checker->part_length = length;
	}
}

static long peak_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static long long volume(void)
{
	return (long long)test_scale(VOLUME >> 20) << 20;
}

static char *make_spec(void)
{
	char number[32];
	snprintf(number, sizeof(number), "%lld", volume());
	return host_actor("pour", number, NULL);
}

static void check_all(const struct checker *checker, long before_kib)
{
	CHECK_INT(checker->bytes, volume());
	CHECK(!checker->wrong);
	CHECK_INT(checker->part_length, 0);
	/* Memory under a sanitizer is not what it is otherwise. */
	long growth = peak_kib() - before_kib;
	test_note("peak memory grew by %ld KiB", growth);
	if (getenv("ASAN_OPTIONS") == NULL)
		CHECK(growth < GROWTH_KIB);
}

TEST_TIMEOUT(half_a_gigabyte_by_a_pipe, 120)
{
	static char buffer[256 << 10];
	struct checker checker = {0};
	host_begin();
	ctrd_client *client = host_open();
	char *spec = make_spec();
	int out;
	ctrd_stdio stdio = host_out_to(&out);
	long before = peak_kib();
	host_make(client, "c", spec, &stdio);
	free(spec);
	ssize_t n;
	uint64_t next_pause = PAUSE_EVERY;
	while ((n = read(out, buffer, sizeof(buffer))) > 0) {
		check_bytes(&checker, buffer, (size_t)n);
		if (checker.bytes >= next_pause) {
			test_pause();
			next_pause += PAUSE_EVERY;
		}
	}
	CHECK_INT(n, 0);
	close(out);
	check_all(&checker, before);
	ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_check_code(&exit, 0);
	host_must(host_task_delete(client, "c"));
	host_must(host_delete(client, "c"));
	host_close(client);
	host_end();
}

struct sink {
	struct checker checker;
	uint64_t next_pause;
	atomic_int paused; /* the callback has said so; nothing may come */
	atomic_int ended;
	atomic_int released;
	atomic_int surprises; /* bytes that came in a pause or after the end */
	int pauses;
};

static int on_data(const char *container_id, const char *process_id, uint32_t stream,
		   const void *bytes, size_t length, void *data)
{
	struct sink *sink = data;
	(void)container_id;
	(void)process_id;
	if (stream != CTRD_STDOUT)
		return 0;
	if (atomic_load(&sink->paused) || atomic_load(&sink->ended))
		atomic_fetch_add(&sink->surprises, 1);
	if (length == 0) {
		atomic_store(&sink->ended, 1);
		return 0;
	}
	check_bytes(&sink->checker, bytes, length);
	if (sink->checker.bytes < sink->next_pause)
		return 0;
	sink->next_pause += PAUSE_EVERY;
	sink->pauses++;
	atomic_store(&sink->paused, 1);
	return 1;
}

static void on_release(void *data)
{
	atomic_store(&((struct sink *)data)->released, 1);
}

TEST_TIMEOUT(half_a_gigabyte_by_a_callback_with_pauses, 120)
{
	static struct sink sink;
	host_begin();
	ctrd_client *client = host_open();
	char *spec = make_spec();
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	stdio.out = CTRD_STREAM_DATA;
	stdio.data_fn = on_data;
	stdio.data = &sink;
	stdio.release = on_release;
	sink.next_pause = PAUSE_EVERY;
	long before = peak_kib();
	host_make(client, "c", spec, &stdio);
	free(spec);
	int64_t end = test_now_ms() + test_timeout_ms(100000);
	while (!atomic_load(&sink.ended)) {
		if (test_now_ms() > end)
			FAIL("no end of output after %llu bytes",
			     (unsigned long long)sink.checker.bytes);
		test_pause();
		if (!atomic_load(&sink.paused))
			continue;
		/* Cleared first: bytes may come before the call has returned. */
		atomic_store(&sink.paused, 0);
		CHECK_INT(ctrd_stdio_resume(client, "c", CTRD_INIT_PROCESS), 0);
	}
	ctrd_exit exit = host_must_exit(host_wait(client, "c", CTRD_INIT_PROCESS));
	host_check_code(&exit, 0);
	WAIT_UNTIL(atomic_load(&sink.released) == 1, 20);
	CHECK_INT(atomic_load(&sink.surprises), 0);
	CHECK(sink.pauses > 0);
	check_all(&sink.checker, before);
	host_must(host_task_delete(client, "c"));
	host_must(host_delete(client, "c"));
	host_close(client);
	host_end();
}

/* While the reader pauses, the writer stands still. */
TEST_TIMEOUT(a_paused_reader_stops_the_writer, 60)
{
	static struct sink sink;
	host_begin();
	ctrd_client *client = host_open();
	char *spec = make_spec();
	ctrd_stdio stdio = CTRD_STDIO_INIT;
	stdio.out = CTRD_STREAM_DATA;
	stdio.data_fn = on_data;
	stdio.data = &sink;
	stdio.release = on_release;
	sink.next_pause = 1;
	uint32_t pid = host_make(client, "c", spec, &stdio);
	free(spec);
	WAIT_UNTIL(atomic_load(&sink.paused) == 1, 20);
	char path[64], text[64];
	snprintf(path, sizeof(path), "/proc/%u/wchan", pid);
	/* It sleeps in a write to a full pipe, and it does not run on. */
	bool asleep = false;
	for (int64_t end = test_now_ms() + test_timeout_ms(20000);
	     !asleep && test_now_ms() < end;) {
		FILE *file = fopen(path, "re");
		CHECK(file != NULL);
		asleep = fgets(text, sizeof(text), file) != NULL && strstr(text, "pipe") != NULL;
		fclose(file);
		test_pause();
	}
	CHECK(asleep);
	CHECK_INT(atomic_load(&sink.surprises), 0);
	host_must(host_delete_by_force(client, "c"));
	WAIT_UNTIL(atomic_load(&sink.released) == 1, 20);
	host_close(client);
	host_end();
}
