/* PRIVATE to the BPF program: does a thread that leaves its processor wait for the GIL of its
 * interpreter, and who holds that?
 *
 *   futex(address) ── is it in the GIL? ── last holder, a thread state ── its thread pointer ─┐
 *                                                 thread id ◄── `pointers` ◄──────────────────┘
 *
 * Functions are global: the verifier follows each once. */
#ifndef PROBE_BPF_GIL_H
#define PROBE_BPF_GIL_H

#include "probe/bpf/i386.h"
#include "probe/bpf/namespace.h"

enum { FUTEX = 202, FUTEX_32 = 240, FUTEX_TIME64_32 = 422 };
enum { FUTEX_COMMAND = ~(128 | 256), FUTEX_WAITS = 0, FUTEX_WAITS_BITSET = 9 }; /* linux/futex.h */

/* Note the id of a thread of process `number`. flags: BPF_ANY, or BPF_NOEXIST. */
__noinline int note_pointer(uint64_t thread_pointer, uint32_t number, uint32_t tid, uint64_t flags)
{
	struct thread_key key = { .thread_pointer = thread_pointer, .process = number };

	if (thread_pointer != 0 && tid != 0)
		(void)bpf_map_update_elem(&pointers, &key, &tid, flags);
	return 0;
}

/* The same of a task of process p. */
static __always_inline void note_thread(
    struct task_struct *task, const struct probe_process *p, uint64_t flags)
{
	uint32_t index = p->target;
	const struct probe_target *t = bpf_map_lookup_elem(&targets, &index);

	if (t)
		note_pointer(thread_pointer_of(task, t), p->number, seen_tid(task), flags);
}

/* A thread of process p ends. Another one may have its thread pointer already. */
static __always_inline void forget_thread(struct task_struct *task, const struct probe_process *p)
{
	uint32_t index = p->target, *tid;
	const struct probe_target *t = bpf_map_lookup_elem(&targets, &index);
	struct thread_key key = { .process = p->number };

	if (!t)
		return;
	key.thread_pointer = thread_pointer_of(task, t);
	tid = bpf_map_lookup_elem(&pointers, &key);
	if (tid && *tid == seen_tid(task))
		(void)bpf_map_delete_elem(&pointers, &key);
}

/* The address at which the thread waits until another wakes it; 0: it does not. */
static __always_inline uint64_t futex_of(const struct scratch *s, uint32_t word)
{
	const uint64_t *regs = s->begin.regs;
	uint32_t number = (uint32_t)regs[REG_CALL], narrow = word == 4;
	uint32_t command = (uint32_t)regs[narrow ? REG_CX : REG_SI] & FUTEX_COMMAND;

	if (narrow ? number != FUTEX_32 && number != FUTEX_TIME64_32 : number != FUTEX)
		return 0;
	if (command != FUTEX_WAITS && command != FUTEX_WAITS_BITSET)
		return 0;
	return narrow ? (uint32_t)regs[REG_BX] : regs[REG_DI];
}

/* The address of the GIL of the interpreter of a state; 0: unknown. Sets *interp to the
 * interpreter. */
static __always_inline uint64_t gil_of(const struct py_offsets *p, uint64_t tstate, uint64_t *interp)
{
	uint64_t at = p->gil.at;

	*interp = 0;
	if (p->tstate_interp != 0 && read_word(p, tstate, p->tstate_interp, interp) != 0)
		return 0;
	if (p->gil.interp != 0 && (*interp == 0 || read_word(p, *interp, p->gil.interp, &at) != 0))
		return 0;
	if (p->gil.is_pointer && read_word(p, p->gil.at, 1, &at) != 0)
		return 0;
	return at;
}

/* The state that holds the GIL; 0: none. */
static __always_inline uint64_t holder_of(const struct py_offsets *p, uint64_t gil)
{
	uint64_t holder = 0;
	uint32_t locked = 0;

	if (p->gil.current != 0) {
		(void)read_word(p, p->gil.current, 1, &holder);
		return holder;
	}
	if (read_word(p, gil, p->gil.holder, &holder) != 0 ||
	    bpf_probe_read_user(&locked, sizeof(locked), (const void *)(gil + p->gil.locked - 1)) != 0)
		return 0;
	return locked == 1 ? holder : 0;
}

/* The id of the thread that holds the GIL; 0: unknown. A state that holds it exists, and its thread
 * is known by its thread pointer, unless it may be run by a thread that did not make it (those of
 * later interpreters, up to 3.12: see take_state). */
static __always_inline uint32_t holder_id(
    struct scratch *s, const struct py_offsets *p, uint64_t gil, uint64_t interp)
{
	struct thread_key key = { .process = s->process };
	uint64_t holder = holder_of(p, gil), next = 0;
	uint32_t *at, tid;

	if (holder == 0 || read_word(p, holder, p->tstate_thread_id, &key.thread_pointer) != 0)
		return 0;
	if ((p->tstate_cframe != 0 || p->own_frames) &&
	    (interp == 0 || read_word(p, interp, p->interp_next, &next) != 0 || next != 0))
		return 0;
	at = bpf_map_lookup_elem(&pointers, &key);
	tid = at ? *at : 0;
	/* It may have given it away, and have ended, meanwhile. Last: all of the above was so while
	 * it held it. */
	if (holder_of(p, gil) != holder)
		return 0;
	/* Whoever takes it sets `locked` first: until it names itself, the last one is named. */
	return tid == s->begin.tid ? 0 : tid;
}

/* At off-cpu, find out whether the thread, whose registers and states were taken, waits for the
 * GIL, which is a part of the stack's key; then set s->holder. */
__noinline int take_gil(struct scratch *s, uint32_t target, uint32_t spec)
{
	const struct probe_target *t = bpf_map_lookup_elem(&targets, &target);
	uint64_t address;

	if (!s || !t)
		return 0;
	s->holder = 0;
	address = futex_of(s, t->word);
	if (spec != off_cpu_spec || address == 0)
		return 0;
#pragma clang loop unroll(disable)
	for (uint32_t i = 0; i < PROBE_STATES; i++) {
		uint32_t python = s->begin.states[i].python;
		const struct py_offsets *p;
		uint64_t gil, interp;

		if (i >= s->begin.n_states || python >= PROBE_PYTHONS)
			break;
		p = &t->pythons[python];
		gil = gil_of(p, s->begin.states[i].tstate, &interp);
		if (gil == 0 || address - gil - p->gil.wait >= p->gil.wait_size)
			continue;
		s->holder = holder_id(s, p, gil, interp);
		s->hash = mix_word(s->hash, 17);
		s->begin.flags |= PROBE_STACK_GIL;
		break;
	}
	return 0;
}

/* Count a wait of `ns` for the GIL whose holder is known. Returns 0: it is not, or events are not
 * counted here. */
__noinline int count_held(const struct probe_off *off, uint64_t ns)
{
	struct probe_held key = { .holder = 0 };
	struct probe_count *c;

	if (!off || !counting || off->holder == 0)
		return 0;
	key.key = off->key;
	key.holder = off->holder;
	c = bpf_map_lookup_elem(&held, &key);
	if (!c) {
		count_loss(PROBE_LOST_MAP);
		return 1;
	}
	count_loss(PROBE_EVENTS);
	__sync_fetch_and_add(&c->count, 1);
	__sync_fetch_and_add(&c->sum, ns);
	return 1;
}

/* Set the holder in *off, where its waits can be counted. What user space decides is counted by the
 * stack. */
__noinline int set_holder(struct probe_off *off, uint32_t holder)
{
	struct probe_held key = { .holder = holder };
	struct probe_count none = { 0, 0, 0 };

	if (!off)
		return 0;
	off->holder = holder;
	if (!counting || holder == 0)
		return 0;
	key.key = off->key;
	if (off->key.spec & PROBE_KEY_UNDECIDED ||
	    (!bpf_map_lookup_elem(&held, &key) && bpf_map_update_elem(&held, &key, &none, BPF_NOEXIST) != 0 &&
		!bpf_map_lookup_elem(&held, &key)))
		off->holder = 0;
	return 0;
}

/* Note the threads that there are. */
SEC("iter/task")
int list_threads(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	uint32_t pid, *number;
	const struct probe_process *p;

	if (!task)
		return 0;
	pid = (uint32_t)task->tgid;
	number = bpf_map_lookup_elem(&pids, &pid);
	p = number ? bpf_map_lookup_elem(&processes, number) : 0;
	/* One that has ended waits to be reaped. Another may have its thread pointer. */
	if (!task->mm)
		return 0;
	/* What is known is newer than a thread that may be ending. */
	if (p && p->observed)
		note_thread(task, p, BPF_NOEXIST);
	return 0;
}

#endif
