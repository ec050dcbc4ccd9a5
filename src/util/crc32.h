/*
 * CRC-32 (IEEE 802.3, the one of zlib and gzip): finds torn and damaged records, protects against
 * nobody. Needs no other file and no libc, so that the static helper can use it too.
 */
#ifndef CTRD__UTIL_CRC32_H
#define CTRD__UTIL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* crc is 0 for the first piece and the previous result for each further one. */
uint32_t ctrd__crc32(uint32_t crc, const void *data, size_t len);

#endif
