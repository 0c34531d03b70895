/* Counts that are printed again and again (--every). */
#ifndef PYSTACK_AT_EVERY_H
#define PYSTACK_AT_EVERY_H

#include <stdint.h>

#include "options.h"
#include "report/counts.h"

/* Print counts. On a terminal they fill the screen, which is cleared: a line that says what they
 * are, then as many of the most frequent stacks as fit. Elsewhere a line with the time precedes
 * them. now: CLOCK_REALTIME, ns. */
void at_every_print(struct counts *c, const struct options *opt, int64_t now, uint64_t events);

/* Append the local time, as 2026-11-28 19:48:17, and the microseconds if `precise` is set. */
void at_time_text(struct strbuf *out, int64_t now, bool precise);

#endif
