/* The clocks of profile, and how often they should have ticked. */
#ifndef PROBE_PROBE_CLOCKS_H
#define PROBE_PROBE_CLOCKS_H

#include <stdint.h>

#include "base/fault.h"

struct probe_clocks {
	uint64_t due, came;          /* ticks */
	unsigned processors, online; /* that have a clock, and that there are now */
};

/* RES_FAIL: f says what was missed. A few ticks come late or fall out; that is not reported. */
enum res probe_clocks_check(const struct probe_clocks *clocks, struct fault *f);

/* RES_FAIL: f says that the kernel allows no clock of `hz`. */
enum res probe_clocks_refused(uint32_t hz, struct fault *f);

#endif
