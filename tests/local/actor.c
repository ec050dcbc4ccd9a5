/*
 * What the containers of these tests run, where a shell would not do: a static program that ends when
 * it is told to, dies of a true fault, or writes more than a pipe holds.
 *
 *	actor await CODE [TEXT]	writes TEXT, waits for SIGUSR1, exits with CODE
 *	actor fault		dies of SIGSEGV
 *	actor pour BYTES	writes BYTES of the sequence of words 0, 1, 2, ... (8 bytes each)
 *	actor sleep		until killed
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_signal(int number)
{
	(void)number;
}

static void write_all(const void *data, size_t length)
{
	const char *at = data;
	while (length > 0) {
		ssize_t n = write(1, at, length);
		if (n <= 0)
			_exit(99);
		at += n;
		length -= (size_t)n;
	}
}

static void await_signal(void)
{
	/* Blocked before anything is written: whoever has read the text may send it. */
	sigset_t set;
	int number;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	while (sigwait(&set, &number) != 0)
		;
}

static void block_signal(void)
{
	sigset_t set;
	signal(SIGUSR1, on_signal);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void pour(uint64_t bytes)
{
	static uint64_t block[8192];
	enum { WORDS = sizeof(block) / sizeof(*block) };
	for (uint64_t word = 0; word < bytes / 8;) {
		uint64_t count = bytes / 8 - word;
		if (count > WORDS)
			count = WORDS;
		for (uint64_t i = 0; i < count; i++)
			block[i] = word + i;
		write_all(block, (size_t)count * 8);
		word += count;
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 98;
	if (strcmp(argv[1], "await") == 0 && argc > 2) {
		block_signal();
		if (argc > 3)
			write_all(argv[3], strlen(argv[3]));
		await_signal();
		return atoi(argv[2]);
	}
	if (strcmp(argv[1], "fault") == 0) {
		*(volatile int *)(uintptr_t)16 = 1;
		return 97;
	}
	if (strcmp(argv[1], "pour") == 0 && argc > 2) {
		pour(strtoull(argv[2], NULL, 10));
		return 0;
	}
	for (;;)
		pause();
}
