/*
 * Put in front of every test source. Memory that the test code itself asks for does not fail in the
 * out-of-memory runs and is not counted as the library's: only what the library allocates is.
 */
#ifndef TESTS_REAL_ALLOC_H
#define TESTS_REAL_ALLOC_H

#include <stdlib.h>
#include <string.h>

void *test_real_malloc(size_t size);
void *test_real_calloc(size_t count, size_t size);
void *test_real_realloc(void *block, size_t size);
char *test_real_strdup(const char *text);

#ifndef TESTS_ALLOC_WRAPPED
#define malloc(size)	     test_real_malloc(size)
#define calloc(count, size)  test_real_calloc(count, size)
#define realloc(block, size) test_real_realloc(block, size)
#undef strdup
#define strdup(text) test_real_strdup(text)
#endif

#endif
