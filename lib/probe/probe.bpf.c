/* Captures the stack of a thread at a probe, in the kernel: registers, Python frames, the used part
 * of the C stack. User space unwinds, joins and names it.
 *
 *   probe ─ sys_enter, … ─> event ─> hash of all that makes a stack what it is
 *                                      │ known: count it, or send the event alone
 *                                      └ new: send registers, frames, names and the stack as well
 *
 * The hash covers the pc, each word of the used stack that points into code, with its place, and of
 * each Python frame its code object and instruction. So equal hashes mean equal return addresses.
 * Only what exists in Linux 5.17 is used. */
#include "probe/bpf/code.h"
#include "probe/bpf/processes.h"
#include "probe/bpf/samples.h"
#include "probe/bpf/sum.h"
#include "probe/bpf/when.h"

/* Scratch memory for the calling program, or NULL. A kernel that preempts programs may run another
 * task's in between: hence the second slot. */
static struct scratch *scratch_take(uint32_t slot, uint32_t n)
{
	uint32_t first = bpf_get_smp_processor_id() * PROBE_SLOTS + slot;

	for (uint32_t k = 0; k < 2 && k < n; k++) {
		uint32_t i = first + k;
		struct scratch *s = bpf_map_lookup_elem(&scratches, &i);

		if (s && !__sync_lock_test_and_set(&s->busy, 1))
			return s;
	}
	count_loss(PROBE_LOST_NESTED);
	return 0;
}

static void scratch_give(struct scratch *s)
{
	s->busy = 0;
}

/* An event of a probe. */
struct hit {
	uint32_t spec;    /* the probe's number */
	uint32_t slot, n; /* the scratch memory that it may take */
	uint32_t list;    /* where its arguments are, plus one; 0: in the registers for them */
	int is_call;      /* it is of a system call, not of a function */
	int in_kernel;    /* it came in the kernel, not in the program */
	int64_t result;   /* of the system call */
	uint64_t record;  /* of a tracepoint */
};

static __always_inline void at_probe(
    struct task_struct *task, const struct probe_process *p, const struct hit *hit)
{
	struct probe_key key = { .spec = hit->spec };
	struct probe_count *c = 0;
	struct scratch *s = scratch_take(hit->slot, hit->n);
	uint32_t times;

	if (!s)
		return;
	s->list = hit->list;
	s->record_at = hit->record;
	s->in_kernel = (uint32_t)hit->in_kernel;
	if (take_registers(s, task)) {
		take_arguments(s, task, hit->is_call);
		s->event.texts = specs[hit->spec & (PROBE_SPECS - 1)].texts[s->event.is_32bit & 1];
		if (s->list != 0)
			take_values(s);
		s->event.result = hit->is_call ? hit->result : (int64_t)s->begin.regs[REG_AX];
		if (is_wanted(s, task, hit->spec) && take_sum(s, (uint32_t)task->pid, hit->spec))
			c = task->mm ? capture_stack(s, task, p, &key) : capture_gone(s, task, p, &key);
	}
	times = c ? take_samples((uint32_t)task->pid) : 0;
	if (times)
		finish_event(s, c, &key, task, times);
	scratch_give(s);
}

/* The system call `number`, if there is a probe for it. */
static __always_inline void at_syscall(
    struct task_struct *task, const struct probe_process *p, long number, uint32_t is_return, long result)
{
	uint32_t compat = is_compat(task), spec;

	if ((uint64_t)number >= PROBE_SYSCALLS)
		return;
	if (timing && !is_return) {
		spec = syscall_specs[1][compat][number];
		if (spec != 0 && specs[(spec - 1) & (PROBE_SPECS - 1)].sums[0].what == PROBE_SUM_DURATION)
			call_begins((uint32_t)task->pid, spec - 1, 0);
	}
	spec = syscall_specs[is_return][compat][number];
	if (spec != 0)
		at_probe(task, p,
		    &(struct hit){ .spec = spec - 1,
			.slot = SLOT_SYSCALL,
			.n = 2,
			.is_call = 1,
			.in_kernel = 1,
			.result = result });
}

/* An event whose probe is the cookie of its attachment. The upper half is the list of its
 * arguments, plus one. */
static __always_inline int at_cookie(void *ctx, uint32_t slot, uint32_t n, uint64_t record, int in_kernel)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct probe_process *p = process_of(task);

	if (p) {
		uint64_t cookie = bpf_get_attach_cookie(ctx);

		if (cookie & PROBE_COOKIE_BEGIN) {
			function_begins(task, (uint32_t)cookie);
			return 0;
		}
		at_probe(task, p,
		    &(struct hit){ .spec = (uint32_t)cookie,
			.slot = slot,
			.n = n,
			.list = (uint32_t)(cookie >> 32),
			.in_kernel = in_kernel,
			.record = record });
	}
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(at_sys_enter, struct pt_regs *regs, long number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct probe_process *p = process_of(task);

	(void)regs;
	if (p)
		at_syscall(task, p, number, 0, 0);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(at_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct probe_process *p = process_of(task);
	uint64_t number = 0;

	if (!p)
		return 0;
	(void)bpf_probe_read_kernel(&number, sizeof(number), (const uint64_t *)regs + REG_CALL);
	at_syscall(task, p, (long)number, 1, result);
	return 0;
}

SEC("perf_event")
int at_tick(void *ctx)
{
	enum { OF_PROGRAM = 3 };
	uint64_t cs = ((const volatile uint64_t *)ctx)[REG_CS]; /* of what the clock has interrupted */

	count_loss(PROBE_TICKS);
	/* From outside, a thread without memory is not sampled. */
	return is_sampled(bpf_ktime_get_ns()) && (!sample_ns || bpf_get_current_task_btf()->mm)
		   ? at_cookie(ctx, SLOT_TICK, 1, 0, (cs & OF_PROGRAM) != OF_PROGRAM)
		   : 0;
}

/* At an instruction that a debug register watches: see probe_session_watch. */
SEC("perf_event")
int at_watch(void *ctx)
{
	enum { URGENT = 23 }; /* SIGURG */

	(void)ctx;
	(void)bpf_send_signal(URGENT);
	return 0;
}

SEC("uprobe")
int at_code(void *ctx)
{
	return at_cookie(ctx, SLOT_SYSCALL, 2, 0, 1);
}

SEC("tracepoint")
int at_tracepoint(void *ctx)
{
	return at_cookie(ctx, SLOT_TRACEPOINT, 2, (uint64_t)ctx, 1);
}

/* The thread `task` gets a processor again. */
static void back_on(struct scratch *s, struct task_struct *task)
{
	uint32_t tid = (uint32_t)task->pid;
	struct probe_off *at = bpf_map_lookup_elem(&offs, &tid), *off = &s->off;
	struct probe_count *c;

	if (!at) {
		(void)begin_samples(tid);
		return;
	}
	*off = *at;
	(void)bpf_map_delete_elem(&offs, &tid);
	if (count_wait(tid, off))
		return;
	s->event.sum = bpf_ktime_get_ns() - off->since;
	if (s->event.sum < off_cpu_min)
		return;
	if (count_held(off, s->event.sum))
		return;
	s->event.holder = off->holder;
	c = bpf_map_lookup_elem(&counts, &off->key);
	if (c)
		finish_event(s, c, &off->key, task, 1);
	else
		count_loss(PROBE_LOST_MAP);
}

/* Is the time of `task`, which leaves the processor, to be counted? */
static __always_inline int is_wanted_off(struct scratch *s, struct task_struct *task)
{
	s->event.n_args = s->event.unknown = s->event.is_32bit = 0;
	return is_wanted(s, task, off_cpu_spec);
}

/* The thread `task` leaves the processor, in the program p. */
static void leave_processor(struct scratch *s, struct task_struct *task, const struct probe_process *p)
{
	struct probe_off *off = &s->off;
	uint32_t tid = (uint32_t)task->pid;

	s->in_kernel = 1;
	s->holder = 0;
	off->key.spec = off_cpu_spec;
	if (take_registers(s, task) && is_wanted_off(s, task) && capture_stack(s, task, p, &off->key)) {
		set_holder(off, s->holder);
		off->since = bpf_ktime_get_ns();
		if (bpf_map_update_elem(&offs, &tid, off, BPF_ANY) == 0)
			return;
		count_loss(PROBE_LOST_MAP);
	}
	/* It stays if its return was lost. */
	(void)bpf_map_delete_elem(&offs, &tid);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(at_switch, int preempt, struct task_struct *prev, struct task_struct *next)
{
	const struct probe_process *from = process_of(prev), *to = process_of(next);
	struct scratch *s;

	if (!from) {
		/* Else the compiler joins the pointers, which the verifier refuses. */
		barrier_var(to);
		if (!to)
			return 0;
	}
	s = scratch_take(SLOT_SWITCH, 1);
	if (!s)
		return 0;
	if (to)
		back_on(s, next);
	/* A thread that exits does not come back. */
	if (from && !prev->mm)
		forget_samples((uint32_t)prev->pid);
	else if (from && (!sample_ns || is_preempted(prev, preempt)))
		leave_processor(s, prev, from);
	scratch_give(s);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
