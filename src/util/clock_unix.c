/*
 * The clocks by clock_gettime(), which cannot fail for these two clock ids.
 */
#include "util/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec now = {0, 0};

	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t ctrd__now_mono_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t ctrd__now_real_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}
