// Time as an input. Neighbours: only cmd makes the real one; tests make their own.
#ifndef CSCHED_BASE_CLOCK_H
#define CSCHED_BASE_CLOCK_H

#include <stdint.h>

#define CS_MICROSECOND INT64_C(1000)
#define CS_MILLISECOND INT64_C(1000000)
#define CS_SECOND      INT64_C(1000000000)

// Both in ns. `boot` never jumps and goes on in suspend (CLOCK_BOOTTIME): intervals, deadlines.
// `wall` is Unix time: only for what others read (conditions, events, leases).
struct cs_time {
	int64_t boot;
	int64_t wall;
};

struct cs_clock {
	struct cs_time (*now)(void *user); // any thread
	void *user;
};

static inline struct cs_time cs_clock_now(const struct cs_clock *clock)
{
	return clock->now(clock->user);
}

struct cs_clock cs_clock_system(void);

#endif
