/*
 * memory.c: the one way out for memory that the library hands to the caller. Whatever is handed out
 * to keep is malloc'ed, so that nothing but free() is behind it.
 */
#include <libctrd/base.h>

#include <stdlib.h>

void ctrd_free(void *pointer)
{
	free(pointer);
}
