/* See at_losses.h. */
#include "at_losses.h"

#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "report/record.h"
#include "warn.h"

static const struct {
	enum probe_loss loss;
	const char *why;
} kinds[] = {
	{ PROBE_LOST_RING, "the ring buffer was full" },
	{ PROBE_LOST_MAP, "there were more distinct stacks than fit" },
	{ PROBE_LOST_NESTED, "the program was interrupted by itself" },
	{ PROBE_LOST_STACK, "the stack was not in memory" },
	{ PROBE_LOST_VALUE, "what is to be summed was not in memory" },
	{ PROBE_LOST_WIDTH, "the thread ran 32-bit code in a 64-bit program, or the other way round" },
	{ PROBE_LOST_CALL, "more than 65536 calls were under way" },
	{ PROBE_LOST_LATE, "the clock was late by more than 1000 samples" },
	{ PROBE_LOST_SAMPLED, "more than 16384 threads have run" },
	{ PROBE_LOST_TEST, "the condition could not be tested, as an argument was not in memory, or "
			   "is longer than 255 bytes" },
	{ PROBE_LOST_STATES,
	    "Python's thread states were not in memory, changed meanwhile, or were too many" },
	{ PROBE_LOST_FRAMES, "Python's frames were not in memory, or one was just made or removed" },
	{ PROBE_LOST_DEPTH, "there were more than 16384 Python frames" },
};

static void warn_lost(struct at_losses *l, const char *probes, uint64_t n, const char *why)
{
	if (n == 0)
		return;
	warn_record(&(struct record_warning){
	    .code = WARN_EVENTS_LOST, .operand = probes, .count = { n }, .detail = why });
	l->any = true;
}

static void warn_processes(struct at_losses *l, const char *probes, uint64_t n, const char *why)
{
	if (n == 0)
		return;
	warn_record(&(struct record_warning){
	    .code = WARN_PROCESSES_LOST, .operand = probes, .count = { n }, .detail = why });
	l->any = true;
}

/* Events were not lost, but never came. */
static void warn_clocks(struct at_losses *l, struct probe_session *session)
{
	struct probe_clocks clocks;
	struct fault f;

	probe_session_clocks(session, &clocks);
	if (l->clocks || probe_clocks_check(&clocks, &f) == RES_OK)
		return;
	warn_line("%s", f.text);
	l->clocks = true;
}

void at_losses_warn(
    struct at_losses *l, struct probe_session *session, const struct options *opt, const char *unread)
{
	struct strbuf probes = STRBUF_EMPTY;
	uint64_t losses[PROBE_LOSSES];

	for (size_t i = 0; opt->at[i] != NULL; i++)
		strbuf_fmt(&probes, "%s%s", i == 0 ? "" : ", ", opt->at[i]);
	probe_session_losses(session, losses);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		warn_lost(
		    l, strbuf_text(&probes), losses[kinds[i].loss] - l->told[kinds[i].loss], kinds[i].why);
	warn_lost(
	    l, strbuf_text(&probes), l->unknown, unread != NULL ? unread : "their stacks did not arrive");
	warn_lost(l, strbuf_text(&probes), l->untested,
	    "the condition could not be tested, as Python's innermost function is unknown");
	warn_processes(l, strbuf_text(&probes), losses[PROBE_LOST_PROCESS] - l->told[PROBE_LOST_PROCESS],
	    "there were more than fit");
	warn_processes(l, strbuf_text(&probes), losses[PROBE_LOST_PYTHON] - l->told[PROBE_LOST_PYTHON],
	    "they loaded Python while the ring buffer was full");
	warn_clocks(l, session);
	memcpy(l->told, losses, sizeof(l->told));
	l->unknown = l->untested = 0;
	strbuf_free(&probes);
}
