/* Sampling: when samples are due, and threads that were waiting for a processor at the end. */
#include "probe/probe.h"

#ifdef WITH_LIBBPF

#include "probe/probe_session_impl.h"

#include "base/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

void probe_samples_start(struct probe_session *s)
{
	const uint64_t every = s->config.sample_ns, n = s->config.samples, most = UINT64_MAX / 2;
	const uint32_t zero = 0;

	s->sampling.from = (uint64_t)clock_now_ns();
	s->sampling.until = s->sampling.from + (n == 0 || n > most / every ? most : n * every + every / 2);
	(void)bpf_map__update_elem(
	    s->bpf->maps.sampling, &zero, sizeof(zero), &s->sampling, sizeof(s->sampling), BPF_ANY);
}

/* The samples that were due until a time, as the program counts them. */
static uint64_t samples_until(const struct probe_session *s, uint64_t now)
{
	const struct probe_sampling *x = &s->sampling;

	now = now < x->until ? now : x->until;
	return now <= x->from ? 0 : (now - x->from) / s->config.sample_ns;
}

void probe_session_waiting(struct probe_session *s,
    bool (*each)(void *data, const struct probe_key *key, const struct probe_count *count), void *data)
{
	/* Captured stacks are read in the meantime. */
	const uint64_t n = samples_until(s, s->detached);
	int fd = bpf_map__fd(s->bpf->maps.offs), sampled = bpf_map__fd(s->bpf->maps.sampled);
	uint32_t tid, *last = NULL;

	while (bpf_map_get_next_key(fd, last, &tid) == 0) {
		struct probe_count count = { 0, 0, 0 };
		struct probe_off off;
		uint64_t before;

		last = &tid;
		if (bpf_map_lookup_elem(fd, &tid, &off) != 0)
			continue;
		if (bpf_map_lookup_elem(sampled, &tid, &before) != 0)
			before = samples_until(s, off.since);
		count.count = n > before ? n - before : 0;
		if (!each(data, &off.key, &count))
			break;
	}
}

#endif
