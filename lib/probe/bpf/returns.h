/* PRIVATE to the BPF program: return addresses that a uretprobe, anybody's, has replaced on the
 * stack by the address of the kernel's trampoline. The kernel keeps them
 * (kernel/events/uprobes.c). */
#ifndef PROBE_BPF_RETURNS_H
#define PROBE_BPF_RETURNS_H

#include "probe/bpf/stack.h"
#include "probe/bpf/return_eval.h"

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
	s->hash = mix_word(s->hash, to->pc ^ (slot - (slot < s->stack_hi ? s->stack_lo : s->other_lo)) << 45);
	return 0;
}

struct page_walk {
	struct scratch *s;
	struct probe_return_regs regs;
	uint64_t at;       /* where the thread is in the page */
	uint64_t slot, pc; /* of the return address that is listed for it; slot 0: none is */
};

static long listed_step(uint32_t i, struct page_walk *w)
{
	const struct return_instance *r = (const struct return_instance *)w->s->at;
	uint64_t slot;

	(void)i;
	if (!r)
		return 1;
	slot = BPF_CORE_READ(r, stack);
	if (probe_return_is_listed(&w->regs, w->at, slot)) {
		w->slot = slot;
		w->pc = BPF_CORE_READ(r, orig_ret_vaddr);
		return 1;
	}
	w->s->at = (uint64_t)BPF_CORE_READ(r, next);
	return 0;
}

/* Set w->slot and w->pc. Functions that longjmp has left may be listed before it. */
static __always_inline void find_listed(struct page_walk *w, struct uprobe_task *utask)
{
	w->slot = 0;
	w->s->at = (uint64_t)BPF_CORE_READ(utask, return_instances);
	bpf_loop(2 * PROBE_RETURNS, listed_step, w, 0);
}

/* In the trampoline's call the kernel changes pc and sp one after the other. The thread is outside
 * of the page. Are they of two moments? */
static __always_inline int is_torn(const struct page_walk *w)
{
	uint64_t words[3] = { 0 };

	if (w->slot != 0)
		return w->pc != w->regs.ip;
	return bpf_probe_read_user(words, sizeof(words), (const void *)w->regs.sp) == 0 &&
	       probe_return_is_torn(&w->regs, words);
}

/* The thread is in the trampoline. */
static __always_inline void leave_trampoline(struct scratch *s, const struct page_walk *w)
{
	uint64_t pc = w->pc, slot = w->slot;

	if (slot == 0 && (!probe_return_is_back(&w->regs, w->at, &slot) ||
			     bpf_probe_read_user(&pc, sizeof(pc), (const void *)slot) != 0))
		return;
	s->begin.regs[REG_IP] = pc;
	s->begin.regs[REG_SP] = slot + w->regs.word;
}

/* A thread may be in the kernel's page for uprobes: in the trampoline, or in the copy of an
 * instruction. Set the registers of the current thread to where it is in the program: at the end of
 * the function that has returned, or at the instruction. If that is not known, it counts as in the
 * trampoline. A global function: the verifier follows it once and not at each call. */
int leave_page(struct scratch *s, uint32_t word)
{
	enum { SLOT = 128 };
	struct task_struct *task = bpf_get_current_task_btf();
	struct page_walk w = { .s = s };
	struct uprobe_task *utask;
	uint64_t page, in_copy;

	if (!s || !bpf_core_field_exists(task->utask))
		return 0;
	utask = task->utask;
	if (!utask)
		return 0;
	page = BPF_CORE_READ(task, mm, uprobes_state.xol_area, vaddr);
	if (page == 0)
		return 0;
	w.regs.ip = s->begin.regs[REG_IP];
	w.regs.sp = s->begin.regs[REG_SP];
	w.regs.ax = s->begin.regs[REG_AX];
	w.regs.cx = s->begin.regs[REG_CX];
	w.regs.r11 = s->begin.regs[REG_R11];
	w.regs.call = s->begin.regs[REG_CALL];
	w.regs.word = word;
	w.at = w.regs.ip - page;
	if (w.at >= PAGE) {
		w.at = PAGE;
		if (!s->in_kernel || !probe_return_may_call(&w.regs))
			return 0;
	} else if (w.at >= SLOT) {
		in_copy = w.regs.ip - BPF_CORE_READ(utask, xol_vaddr);
		if (in_copy < SLOT)
			s->begin.regs[REG_IP] = BPF_CORE_READ(utask, vaddr) + in_copy;
		return 0;
	}
	find_listed(&w, utask);
	if (w.at < PAGE)
		leave_trampoline(s, &w);
	else if (is_torn(&w))
		s->begin.regs[REG_IP] = page + PROBE_RETURN_AFTER_CALL;
	return 0;
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
