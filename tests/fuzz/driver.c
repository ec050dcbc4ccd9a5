/*
 * Runs a fuzz target over its corpus in the normal test suite: each file as it is, cut short at
 * every length, and with single bytes changed. One TAP line per file; a crash ends the program.
 *
 * The same target, linked against libFuzzer instead, is what `./dev fuzz` runs.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

enum {
	MAX_VARIANTS = 1500,	/* per file and kind */
	MAX_SIZE = 1024 * 1024, /* of a file */
};

/* In a block of its own size, so that a byte read past its end is seen. */
static void run_exact(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	if (copy == NULL)
		return;
	if (size > 0)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_variants(uint8_t *data, size_t size)
{
	run_exact(data, size);
	size_t step = size / MAX_VARIANTS + 1;
	for (size_t length = 0; length < size; length += step)
		run_exact(data, length);
	static const uint8_t changes[] = {0x01, 0x80, 0xff};
	for (size_t i = 0; i < size; i += step) {
		uint8_t change = changes[i % sizeof(changes)];
		data[i] ^= change;
		run_exact(data, size);
		data[i] ^= change;
	}
}

static uint8_t *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rbe");
	if (file == NULL)
		return NULL;
	uint8_t *data = malloc(MAX_SIZE);
	*ret_size = data != NULL ? fread(data, 1, MAX_SIZE, file) : 0;
	fclose(file);
	return data;
}

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);

	struct dirent **seeds = NULL;
	int count = scandir(argv[1], &seeds, is_seed, alphasort);
	if (count <= 0) {
		printf("Bail out! no corpus in %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%d\n", count);
	int failed = 0;
	for (int i = 0; i < count; i++) {
		char path[4096];
		size_t size = 0;
		snprintf(path, sizeof(path), "%s/%s", argv[1], seeds[i]->d_name);
		uint8_t *data = read_file(path, &size);
		printf("# %s\n", seeds[i]->d_name);
		if (data != NULL)
			run_variants(data, size);
		printf("%sok %d - %s\n", data != NULL ? "" : "not ", i + 1, seeds[i]->d_name);
		failed += data == NULL;
		free(data);
		free(seeds[i]);
	}
	free(seeds);
	return failed > 0;
}
