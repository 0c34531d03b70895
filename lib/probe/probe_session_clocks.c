/* The clocks of profile. */
#include "probe/probe.h"

#ifdef WITH_LIBBPF

#include "base/clock.h"
#include "probe/probe_session_impl.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

int probe_clocks_attach(struct probe_session *s, uint32_t spec, uint32_t hz)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = s->config.sample_ns != 0 ? s->config.sample_ns : hz, /* or frequency */
		.freq = s->config.sample_ns == 0,
	};
	LIBBPF_OPTS(bpf_perf_event_opts, opts, .bpf_cookie = spec);
	int n = libbpf_num_possible_cpus();

	s->clocks = 0;
	for (int cpu = 0; cpu < n; cpu++) {
		int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		struct bpf_link *link;

		if (fd < 0 && (errno == ENODEV || errno == ENXIO))
			continue;
		if (fd < 0)
			return errno;
		link = bpf_program__attach_perf_event_opts(s->bpf->progs.at_tick, fd, &opts);
		if (link == NULL || !vec_push(&s->links, link)) {
			int error = errno;

			(void)close(fd);
			return error;
		}
		s->clocks++;
		s->clocks_hz += s->config.sample_ns != 0 ? 0 : hz;
	}
	s->clocks_from = (uint64_t)clock_now_ns();
	return 0;
}

void probe_session_clocks(struct probe_session *s, struct probe_clocks *out)
{
	const uint32_t which = PROBE_TICKS;
	uint64_t came = 0, end = s->detached != 0 ? s->detached : (uint64_t)clock_now_ns();
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	(void)bpf_map__lookup_elem(s->bpf->maps.losses, &which, sizeof(which), &came, sizeof(came), 0);
	*out = (struct probe_clocks){ .due = (end - s->clocks_from) / 1000000 * s->clocks_hz / 1000,
		.came = came,
		.processors = s->clocks,
		.online = online > 0 ? (unsigned)online : 0 };
}

#endif
