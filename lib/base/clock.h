/* The monotonic clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since a fixed point in the past. CLOCK_MONOTONIC cannot fail with a valid pointer. */
static inline int64_t clock_now_ns(void)
{
	struct timespec t = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The same in milliseconds. */
static inline int64_t clock_now_ms(void)
{
	return clock_now_ns() / 1000000;
}

#endif
