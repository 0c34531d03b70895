/* PRIVATE to the BPF program: samples of threads that run, or wait for a processor.
 *
 *   samples   |     |     |     |     |     |
 *   thread    runs──────┐ waits   ┌──runs─────
 *                       └─────────┘
 *   counted      tick  tick   at its end: as many as fell into it, with the stack that it had
 *
 * A thread that runs when a sample is due is counted by the clock of its processor; one that has
 * lost its processor to another thread is counted when it gets one again. A late clock counts all
 * samples that were due since its last tick or since the thread got the processor. */
#ifndef PROBE_BPF_SAMPLES_H
#define PROBE_BPF_SAMPLES_H

#include "probe/bpf/capture.h"

enum { SAMPLES_LATE = 1000 }; /* a clock that is later is not believed: the others are lost */
#define SAMPLES_UNKNOWN UINT64_MAX

static __always_inline struct probe_sampling *sampling_of(void)
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

/* Note that a thread has been counted at all samples up to one. Returns the last one before: 0 if
 * the thread has had its processor since before the first, SAMPLES_UNKNOWN if nothing can be noted,
 * or the thread may be one of which nothing could be noted. */
static __always_inline uint64_t note_sampled(uint32_t tid, uint64_t last)
{
	uint64_t *at = bpf_map_lookup_elem(&sampled, &tid), before = at ? *at : 0;
	struct probe_sampling *s;

	if (at) {
		if (last > before)
			*at = last;
		return before;
	}
	s = sampling_of();
	if (!s)
		return SAMPLES_UNKNOWN;
	if (bpf_map_update_elem(&sampled, &tid, &last, BPF_ANY) != 0)
		s->full = 1;
	return s->full ? SAMPLES_UNKNOWN : 0;
}

static __always_inline void forget_samples(uint32_t tid)
{
	if (sample_ns)
		(void)bpf_map_delete_elem(&sampled, &tid);
}

/* These are not inlined, since their stack would be added to that of a capture. */

/* With sampling, count the samples that a thread has spent waiting, and those that were due before
 * it lost its processor, for which the clock had not ticked yet. False: there is no sampling. */
static __noinline int count_wait(uint32_t tid, const struct probe_off *off)
{
	struct probe_count *c;
	uint64_t to, before;

	if (!sample_ns || !off)
		return 0;
	c = bpf_map_lookup_elem(&counts, &off->key);
	to = samples_until(bpf_ktime_get_ns());
	before = note_sampled(tid, to);
	if (before == SAMPLES_UNKNOWN)
		before = samples_until(off->since);
	if (to <= before)
		return 1;
	if (c)
		__sync_fetch_and_add(&c->count, to - before);
	else
		count_losses(PROBE_LOST_MAP, to - before);
	return 1;
}

/* The thread gets a processor, and has not waited for it: its samples are counted from here on. */
static __noinline int begin_samples(uint32_t tid)
{
	if (sample_ns)
		(void)note_sampled(tid, samples_until(bpf_ktime_get_ns()));
	return 0;
}

/* How often is an event to be counted? With sampling, as often as samples were due and are not
 * counted yet: the clock may be late, and the thread have been counted by another, or while it
 * waited. */
static __noinline uint32_t take_samples(uint32_t tid)
{
	uint64_t i, before;

	if (!sample_ns)
		return 1;
	i = samples_until(bpf_ktime_get_ns() + sample_ns / 2);
	before = note_sampled(tid, i);
	if (before == SAMPLES_UNKNOWN) {
		count_loss(PROBE_LOST_SAMPLED);
		return 0;
	}
	if (i <= before)
		return 0;
	if (i - before <= SAMPLES_LATE)
		return (uint32_t)(i - before);
	count_losses(PROBE_LOST_LATE, i - before - SAMPLES_LATE);
	return SAMPLES_LATE;
}

/* Does `task`, which leaves its processor, still want one? */
static __always_inline int is_preempted(struct task_struct *task, int preempt)
{
	return preempt || task->__state == 0;
}

#endif
