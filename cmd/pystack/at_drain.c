/* See at_drain.h. */
#include "at_drain.h"

#include "base/clock.h"
#include "interrupts.h"

enum { DRAIN_S = 10 }; /* for which what was captured is read after a signal */

enum res at_drain(struct probe_session *session, const struct probe_reader *reader,
    const struct probe_reader *dropping, struct fault *f)
{
	int64_t end = INT64_MAX;
	enum res res;

	do {
		if (end == INT64_MAX && interrupts_came())
			end = clock_now_ns() + (int64_t)DRAIN_S * 1000000000;
		res = probe_session_read(session, 0, clock_now_ns() < end ? reader : dropping, f);
	} while (res == RES_OK && probe_session_pending(session));
	return res;
}

void at_drain_fault(struct fault *f)
{
	(void)fault_set(f, 0, 0, 0, "they had not been read %d seconds after the signal", (int)DRAIN_S);
}
