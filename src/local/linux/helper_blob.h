/*
 * helper_blob.h: the helper program's bytes, made part of the library by helper_blob.py.
 */
#ifndef CTRD_LOCAL_LINUX_HELPER_BLOB_H
#define CTRD_LOCAL_LINUX_HELPER_BLOB_H

#include <stddef.h>

extern const unsigned char ctrd__helper_blob[];
extern const size_t ctrd__helper_blob_size;

#endif
