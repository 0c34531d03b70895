/* PRIVATE to the BPF program: what is summed instead of counted (--sum). Functions are global: the
 * verifier follows each once. */
#ifndef PROBE_BPF_SUM_H
#define PROBE_BPF_SUM_H

#include "probe/bpf/calls.h"
#include "probe/bpf/values.h"

/* Set the duration of the call that ends. Returns 0: it had begun before it was observed. */
static __always_inline int take_duration(struct scratch *s, struct call *call)
{
	uint64_t *begin = bpf_map_lookup_elem(&calls, call);

	if (!begin)
		return 0;
	s->event.sum = bpf_ktime_get_ns() - *begin;
	if (bpf_map_delete_elem(&calls, call) == 0 && call->sp != 0)
		count_open(call, -1);
	return 1;
}

/* Set what is to be added for the event of probe `spec`. Returns 0: the event is not to be taken,
 * or it is lost, and counted as such. A negative value, such as an error's, adds nothing. */
int take_sum(struct scratch *s, uint32_t tid, uint32_t spec)
{
	const volatile struct probe_spec_abi *p = &specs[spec & (PROBE_SPECS - 1)];
	struct call call = { .tid = tid, .spec = spec };
	const volatile struct probe_sum *sum;
	uint32_t what, i;
	int64_t value;

	if (!s)
		return 0;
	s->event.sum = 0;
	sum = &p->sums[s->event.is_32bit & 1];
	what = sum->what;
	i = what - 1;
	if (what == 0)
		return 1;
	if (what == PROBE_SUM_DURATION) {
		call.sp = p->sum_by_sp ? s->begin.regs[REG_SP] : 0;
		return take_duration(s, &call);
	}
	if (i == PROBE_WHEN_RETVAL) {
		value = s->event.result;
	} else if (i < PROBE_VALUES) {
		if (s->event.unknown >> (i & 31) & 1 || (s->list != 0 && i >= s->event.n_args)) {
			count_loss(PROBE_LOST_VALUE);
			return 0;
		}
		value = (int64_t)s->event.args[i];
	} else {
		count_loss(PROBE_LOST_VALUE);
		return 0;
	}
	value = (int64_t)((uint64_t)value << (sum->shift & 63));
	if (!sum->is_signed)
		s->event.sum = (uint64_t)value >> (sum->shift & 63);
	else if (value > 0)
		s->event.sum = (uint64_t)(value >> (sum->shift & 63));
	return 1;
}

/* A function is entered whose duration is summed. */
static __always_inline void function_begins(struct task_struct *task, uint32_t spec)
{
	uint64_t regs[REG_SP - REG_CS + 1] = { 0 }, sp = 0; /* cs, flags, sp */

	spec &= PROBE_SPECS - 1;
	if (bpf_probe_read_kernel(regs, sizeof(regs), (const uint64_t *)bpf_task_pt_regs(task) + REG_CS) ==
		0 &&
	    specs[spec].sum_by_sp)
		sp = regs[REG_SP - REG_CS] + ((uint32_t)regs[0] == CS_32 ? 4 : 8);
	call_begins((uint32_t)task->pid, spec, sp);
}

#endif
