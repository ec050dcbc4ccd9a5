/*
 * Directories of a test. The child makes them and the runner removes them, so that a crash or a
 * timeout leaves none behind.
 */
#include "internal.h"
#include "test.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *test_tmpdir(void)
{
	unsigned int slot = atomic_fetch_add(&test_shared->dirs, 1);
	if (slot >= TEST_MAX_DIRS)
		FAIL("more than %d directories in one test", TEST_MAX_DIRS);

	char *path = test_shared->dir[slot];
	snprintf(path, sizeof(test_shared->dir[slot]), "/tmp/ctrd-test-XXXXXX");
	if (mkdtemp(path) == NULL)
		FAIL("mkdtemp: %s", strerror(errno));
	return path;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	if (remove(path) != 0 && errno != ENOENT)
		printf("# cannot remove %s: %s\n", path, strerror(errno));
	return 0;
}

void test_remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
