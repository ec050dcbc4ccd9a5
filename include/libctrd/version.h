/*
 * version.h: which library this is, at compile time and at run time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTRD_VERSION_H
#define CTRD_VERSION_H

#include <libctrd/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CTRD_VERSION_MAJOR 0
#define CTRD_VERSION_MINOR 1
#define CTRD_VERSION_PATCH 0
/** The version of these headers as one number: 0xMMmmpp. */
#define CTRD_VERSION ((CTRD_VERSION_MAJOR << 16) | (CTRD_VERSION_MINOR << 8) | CTRD_VERSION_PATCH)

/**
 * Tell the version of the library that is running, as 0xMMmmpp.
 * @return compare with CTRD_VERSION of the headers
 * @thread any
 * @since 0.1
 */
CTRD_API uint32_t ctrd_version(void);

/**
 * Tell the version of the library that is running, as text.
 * @return a static text such as "0.1.0"
 * @thread any
 * @since 0.1
 */
CTRD_API const char *ctrd_version_string(void);

#ifdef __cplusplus
}
#endif

#endif
