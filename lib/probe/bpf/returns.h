/* PRIVATE to the BPF program: return addresses that a uretprobe, anybody's, has replaced on the
 * stack by the address of the kernel's trampoline. The kernel keeps them
 * (kernel/events/uprobes.c). */
#ifndef PROBE_BPF_RETURNS_H
#define PROBE_BPF_RETURNS_H

#include "probe/bpf/stack.h"

static long return_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	const struct return_instance *r = (const struct return_instance *)s->at;
	struct probe_return *to;
	uint32_t n = s->begin.n_returns;
	uint64_t slot;

	(void)i;
	if (!r || n >= PROBE_RETURNS)
		return 1;
	slot = BPF_CORE_READ(r, stack);
	s->at = (uint64_t)BPF_CORE_READ(r, next);
	/* A function that has just returned may still be listed. */
	if (!on_stack(w, slot))
		return 0;
	to = &s->begin.returns[n];
	to->slot = slot;
	to->pc = BPF_CORE_READ(r, orig_ret_vaddr);
	s->begin.n_returns = n + 1;
	s->hash = mix(s->hash, to->pc ^ (slot - (slot < s->stack_hi ? s->stack_lo : s->other_lo)) << 45);
	return 0;
}

/* A thread may be in the kernel's page for uprobes: in the trampoline, or in the copy of an
 * instruction. Set the registers to where it is in the program: at the end of the function that has
 * returned, or at the instruction. */
static void leave_page(struct scratch *s, struct task_struct *task, uint32_t word)
{
	enum { SLOT = 128, PUSHED = 3 * 8, AFTER_CALL = 13, AFTER_POP = 15, AT_RETURN = 16 };
	uint64_t *ip = &s->begin.regs[REG_IP], *sp = &s->begin.regs[REG_SP], at, slot;
	struct uprobe_task *utask;
	struct return_instance *r;

	if (!bpf_core_field_exists(task->utask))
		return;
	utask = task->utask;
	if (!utask)
		return;
	at = *ip - BPF_CORE_READ(task, mm, uprobes_state.xol_area, vaddr);
	if (at >= PAGE)
		return;
	if (at >= SLOT) {
		at = *ip - BPF_CORE_READ(utask, xol_vaddr);
		if (at < SLOT)
			*ip = BPF_CORE_READ(utask, vaddr) + at;
		return;
	}
	/* The trampoline of i386 is a breakpoint. That of x86-64 pushes some words, the first one
	 * where the return address was. Its system call unlists it, puts it back there, and at last
	 * sets rcx, as the instruction does (arch/x86/kernel/uprobes.c). */
	r = BPF_CORE_READ(utask, return_instances);
	slot = r ? BPF_CORE_READ(r, stack) : 0;
	if (slot != 0 && slot + word - *sp <= PUSHED) {
		*ip = BPF_CORE_READ(r, orig_ret_vaddr);
		*sp = slot + word;
	} else if (word == 8 && ((at == AFTER_CALL && s->begin.regs[REG_CX] == *ip) || at == AFTER_POP ||
				    at == AT_RETURN)) {
		slot = *sp + (at == AFTER_CALL ? 16 : at == AFTER_POP ? 8 : 0);
		if (bpf_probe_read_user(ip, 8, (const void *)slot) == 0)
			*sp = slot + 8;
	}
}

/* List the replaced addresses in s->begin, and hash them: on the stack all look alike. */
static void take_returns(struct walk *w, struct task_struct *task)
{
	struct scratch *s = w->s;

	s->begin.n_returns = 0;
	s->at = 0;
	if (bpf_core_field_exists(task->utask) && task->utask)
		s->at = (uint64_t)BPF_CORE_READ(task->utask, return_instances);
	if (s->at)
		bpf_loop(2 * PROBE_RETURNS, return_step, w, 0);
}

#endif
