/*
 * version.c: which version of the library is running. Says what the headers said when it was built.
 */
#include <libctrd/version.h>

#define TEXT_OF(x) #x
#define TEXT(x)	   TEXT_OF(x)

uint32_t ctrd_version(void)
{
	return CTRD_VERSION;
}

const char *ctrd_version_string(void)
{
	return TEXT(CTRD_VERSION_MAJOR) "." TEXT(CTRD_VERSION_MINOR) "." TEXT(CTRD_VERSION_PATCH);
}
