/* See probe_clocks.h. */
#include "probe/probe_clocks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/fileio.h"

enum res probe_clocks_check(const struct probe_clocks *clocks, struct fault *f)
{
	enum { FEW = 100 }; /* ticks, of which chance may lack many */

	if (clocks->online > clocks->processors && clocks->processors != 0)
		return fault_set(f, 0, 0, 0, "%u of %u processors came online later, and were not sampled",
		    clocks->online - clocks->processors, clocks->online);
	if (clocks->due < FEW || clocks->came >= clocks->due / 2)
		return RES_OK;
	return fault_set(f, 0, 0, 0,
	    "the clocks ticked %" PRIu64 " times, not %" PRIu64
	    ": the kernel slows them down (kernel.perf_event_max_sample_rate)",
	    clocks->came, clocks->due);
}

enum res probe_clocks_refused(uint32_t hz, struct fault *f)
{
	char text[32] = "";

	if (fileio_head(AT_FDCWD, "/proc/sys/kernel/perf_event_max_sample_rate", text, sizeof(text)) <= 0)
		text[0] = '\0';
	return fault_set(f, 0, 0, 0,
	    "the kernel allows no clock of %u Hz (kernel.perf_event_max_sample_rate: %ld)", hz,
	    strtol(text, NULL, 10));
}
