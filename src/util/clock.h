/*
 * The two clocks the library reads: one for measuring and deadlines, one for times shown to people.
 */
#ifndef CTRD__UTIL_CLOCK_H
#define CTRD__UTIL_CLOCK_H

#include <stdint.h>

/* Nanoseconds of the monotonic clock: never goes back, means nothing across a boot. */
int64_t ctrd__now_mono_ns(void);
/* Nanoseconds since 1970-01-01 UTC: may jump. */
int64_t ctrd__now_real_ns(void);

#endif
