/* PRIVATE to the BPF program: conditions on events (--when), tested before a stack is taken. */
#ifndef PROBE_BPF_WHEN_H
#define PROBE_BPF_WHEN_H

#include "probe/bpf/capture.h"

/* Copy the text that comparison text k of w is about. */
static __always_inline void take_text(
    struct scratch *s, struct task_struct *task, const struct probe_when *w, uint32_t k)
{
	struct probe_when_text *t = &s->values.text[k];
	uint32_t subject = w->text[k];
	long n = 0;

	if (subject == PROBE_WHEN_COMM)
		n = bpf_probe_read_kernel_str(t->at, sizeof(task->comm), &task->comm);
	else if (subject < PROBE_VALUES)
		n = copy_text(s, subject, t->at);
	t->known = n > 0;
	t->n = n > 0 ? (uint16_t)(n - 1) : 0;
	t->cut = n == sizeof(t->at);
}

/* Is the event of probe `spec`, whose arguments and result are known, to be captured? What depends
 * on Python's innermost function is decided later. It is not
 * inlined, since its stack would be added to that of a capture. */
static __noinline int is_wanted(struct scratch *s, struct task_struct *task, uint32_t spec)
{
	const struct probe_when *w;
	uint32_t result, all, index = 2 * spec + s->event.is_32bit;

	s->undecided = 0;
	if (!conditional)
		return 1;
	w = bpf_map_lookup_elem(&conditions, &index);
	if (!w || w->n == 0)
		return 1;
	for (uint32_t i = 0; i < PROBE_VALUES; i++)
		s->values.number[i] = s->event.args[i];
	s->values.unknown = s->event.unknown;
	s->values.number[PROBE_WHEN_RETVAL] = (uint64_t)s->event.result;
	s->values.number[PROBE_WHEN_PID] = seen_pid(task);
	s->values.number[PROBE_WHEN_TID] = seen_tid(task);
	for (uint32_t k = 0; k < PROBE_WHEN_LIMIT; k++) {
		if (k >= w->n_text)
			break;
		take_text(s, task, w, k);
	}
	all = probe_when_results(w, &s->values);
	result = probe_when_decide(w, all, all >> PROBE_WHEN_LIMIT);
	if (result != PROBE_WHEN_UNKNOWN)
		return result == PROBE_WHEN_TRUE;
	if (w->python == 0) {
		count_loss(PROBE_LOST_TEST);
		return 0;
	}
	all &= ~(w->python << PROBE_WHEN_LIMIT);
	s->undecided = PROBE_KEY_UNDECIDED | (all & 0xffff) << PROBE_KEY_RESULTS;
	return 1;
}

#endif
