/* PRIVATE to the BPF program: samples of threads that run, or wait for a processor.
 *
 *   samples   |     |     |     |     |     |
 *   thread    runs──────┐ waits   ┌──runs─────
 *                       └─────────┘
 *   counted      tick  tick   at its end: as many as fell into it, with the stack that it had
 *
 * A thread that runs when a sample is due is counted by the clock of its processor; one that has
 * lost its processor to another thread is counted when it gets one again. */
#ifndef PROBE_BPF_SAMPLES_H
#define PROBE_BPF_SAMPLES_H

#include "probe/bpf/capture.h"

static __always_inline const struct probe_sampling *sampling_of(void)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(&sampling, &zero);
}

/* Is a sample due at this time? A late clock has none after the last one. */
static __noinline int is_sampled(uint64_t now)
{
	const struct probe_sampling *s = sampling_of();

	return sample_ns == 0 || (s && s->from != 0 && now >= s->from && now < s->until);
}

/* The samples that were due until a time. */
static __always_inline uint64_t samples_until(uint64_t now)
{
	const struct probe_sampling *s = sampling_of();

	if (!s || s->from == 0)
		return 0;
	if (now > s->until)
		now = s->until;
	return now <= s->from ? 0 : (now - s->from) / sample_ns;
}

/* Note that a thread has been counted at all samples up to one. Returns the last one before. */
static __always_inline uint64_t note_sampled(uint32_t tid, uint64_t last)
{
	uint64_t *at = bpf_map_lookup_elem(&sampled, &tid), before = at ? *at : 0;

	if (last <= before)
		return before;
	if (at)
		*at = last;
	else
		(void)bpf_map_update_elem(&sampled, &tid, &last, BPF_ANY);
	return before;
}

/* These two are not inlined, since their stack would be added to that of a capture. */

/* With sampling, count the samples that a thread has spent waiting. False: there is no sampling. */
static __noinline int count_wait(uint32_t tid, const struct probe_off *off)
{
	uint64_t from, to, before;
	struct probe_count *c;

	if (!sample_ns || !off)
		return 0;
	c = bpf_map_lookup_elem(&counts, &off->key);
	from = samples_until(off->since);
	to = samples_until(bpf_ktime_get_ns());
	before = note_sampled(tid, to);
	from = from > before ? from : before;
	if (c && to > from)
		__sync_fetch_and_add(&c->count, to - from);
	return 1;
}

/* Is an event to be counted? With sampling, if the sample for which a clock ticks is not counted
 * yet: the clock may be late, and the thread have been counted by another, or while it waited. */
static __noinline int take_sample(uint32_t tid)
{
	uint64_t i;

	if (!sample_ns)
		return 1;
	i = samples_until(bpf_ktime_get_ns() + sample_ns / 2);
	return note_sampled(tid, i) < i;
}

/* Does `task`, which leaves its processor, still want one? */
static __always_inline int is_preempted(struct task_struct *task, int preempt)
{
	return preempt || task->__state == 0;
}

#endif
