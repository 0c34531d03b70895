/* PRIVATE to the BPF program: the used part of the C stack. */
#ifndef PROBE_BPF_STACK_H
#define PROBE_BPF_STACK_H

#include "probe/bpf/parts.h"

/* Bytes of the stack from s->at on, as far as the chunk and the stack go. */
static __always_inline uint32_t chunk_size(const struct walk *w, uint64_t at, uint32_t most)
{
	uint64_t left = w->s->upto - at;
	uint32_t n = most - (at & (most - 1));

	if (at >= w->s->upto)
		return 0;
	return (n > left ? (uint32_t)left : n) & ~(w->t->word - 1);
}

/* Begin with the stack that the thread is on. */
static void first_stack(struct scratch *s)
{
	s->at = s->from = s->stack_lo;
	s->upto = s->stack_hi;
	s->more = s->other_lo != 0;
	s->hash = mix_word(s->hash, s->from % PART);
}

/* Go on with the one that a signal has interrupted. 1: that was all. */
static long next_stack(struct scratch *s)
{
	if (!s->more)
		return 1;
	s->more = 0;
	s->at = s->from = s->other_lo;
	s->upto = s->other_hi;
	s->hash = mix_word(s->hash, 11 << 16 | s->from % PART);
	return 0;
}

/* As hash_words and hash_unsure_words, of words of 4 bytes. n ≤ CHUNK_32: the verifier follows
 * each word. */
int hash_words_32(struct scratch *s, const struct probe_target *t, uint64_t place, uint32_t n)
{
	const uint32_t *words;
	uint64_t hash, from, left;

	if (!s || !t)
		return 0;
	from = s->from;
	left = s->upto - from - place;
	hash = s->hash;
	words = (const uint32_t *)s->words;
#pragma clang loop unroll(disable)
	for (uint32_t k = 0; k < CHUNK_32 / 4; k++) {
		uint64_t word = words[k];

		if (k >= n / 4)
			break;
		if (word >= PAGE && (s->unsure || is_code(t, word)))
			hash = mix_word(hash, word ^ (place + 4 * k) << 32);
		if (word - from - place < left)
			hash = mix_word(hash, (word - from) ^ (place + 4 * k) << 32 ^ 1ull << 63);
	}
	s->hash = hash;
	return 0;
}

/* A part of the stack is not in memory: in most cases nothing was ever written to its page, which
 * is amid the locals of a function, or that of a thread which begins. An unwinder that needs it
 * says so. */
static long skip_absent(struct walk *w, uint64_t at, uint32_t n)
{
	struct scratch *s = w->s;

	if (at == s->stack_lo)
		w->thread->stack_hi = 0; /* its mapping may be another one now */
	s->hash = mix_word(s->hash, 13);
	s->at = at + n;
	return 0;
}

static long stack_hash_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	uint64_t at = s->at;
	uint32_t n = chunk_size(w, at, w->t->word == 4 ? CHUNK_32 : CHUNK);

	(void)i;
	if (n == 0 || n > CHUNK)
		return next_stack(s);
	if (w->t->word == 4 ? bpf_probe_read_user(s->words, n, (const void *)at) : read_parts(s, at, n))
		return skip_absent(w, at, n);
	if (w->t->word == 4)
		hash_words_32(s, w->t, at - s->from, n);
	else
		hash_parts(s, w->t, at, n);
	s->at = at + n;
	return 0;
}

static long stack_emit_step(uint32_t i, struct walk *w)
{
	struct scratch *s = w->s;
	uint32_t n = chunk_size(w, s->at, PAGE);

	(void)i;
	if (n == 0)
		return next_stack(s);
	emit_memory(s, s->at, n);
	s->at += n;
	return 0;
}

struct mapping {
	uint64_t lo, hi;
};

static long take_mapping(struct task_struct *task, struct vm_area_struct *vma, struct mapping *out)
{
	(void)task;
	out->lo = BPF_CORE_READ(vma, vm_start);
	out->hi = BPF_CORE_READ(vma, vm_end);
	return 0;
}

/* Set *lo and *hi to the used part of the stack that sp is on. False: it is on none. */
static int find_used(struct walk *w, struct task_struct *task, uint64_t sp, uint64_t *lo, uint64_t *hi)
{
	const uint64_t UNKNOWN = ~0ull;
	const struct scratch *s = w->s;
	struct thread *th = w->thread;
	uint64_t end, start;

	if (sp < th->stack_lo || sp >= th->stack_hi) {
		struct mapping m = { 0, 0 };

		/* It fails while another thread changes mappings. */
		(void)bpf_find_vma(task, sp, take_mapping, &m, 0);
		th->stack_lo = m.lo;
		th->stack_hi = m.hi;
	}
	end = th->stack_hi > sp ? th->stack_hi : UNKNOWN;
	if (w->s->thread_pointer > sp && w->s->thread_pointer < end)
		end = w->s->thread_pointer;
	start = task->mm->start_stack;
	if (start > sp && start < end)
		end = (start + 8) & ~7ull;
	if (sp - s->signal_stack < s->signal_size && end > s->signal_stack + s->signal_size)
		end = (s->signal_stack + s->signal_size) & ~7ull;
	/* Without its mapping only what is just above sp can be its end. */
	if (th->stack_hi <= sp && end - sp > PROBE_STACK_MAX)
		return 0;
	if (end - sp > PROBE_STACK_MAX) {
		end = sp + PROBE_STACK_MAX;
		w->s->begin.flags |= PROBE_STACK_CUT;
	}
	*lo = sp & ~(uint64_t)(w->t->word - 1);
	*hi = end;
	return 1;
}

/* Is this the description of the alternate stack in the context that the kernel has put there? The
 * registers follow it (Linux uapi/asm/ucontext.h, sigcontext.h). */
static long context_step(uint32_t i, struct walk *w)
{
	enum { SP = 3 + 15 };
	struct scratch *s = w->s;
	uint64_t at = s->stack_hi - 8 * (i + SP + 1);

	if (at < s->stack_lo)
		return 1;
	if (bpf_probe_read_user(s->content, 24, (const void *)at) != 0)
		return 1;
	if (s->content[0] != s->signal_stack || s->content[2] != s->signal_size)
		return 0;
	(void)bpf_probe_read_user(&s->other_lo, 8, (const void *)(at + 8 * SP));
	return 1;
}

/* The same in a context of i386, which a handler without SA_SIGINFO gets without that description:
 * the interrupted stack pointer is there twice, and the segments of programs. */
static long context_step_32(uint32_t i, struct walk *w)
{
	enum { WORDS = 12, CS = 8, SP_AGAIN = 10, SS = 11, SS_32 = 0x2b };
	struct scratch *s = w->s;
	uint64_t at = s->stack_hi - 4 * (i + WORDS);
	const uint32_t *words = (const uint32_t *)s->content;

	if (at < s->stack_lo)
		return 1;
	if (bpf_probe_read_user(s->content, 4 * WORDS, (const void *)at) != 0)
		return 1;
	if (words[CS] != CS_32 || words[SS] != SS_32 || words[SP_AGAIN] != words[0])
		return 0;
	s->other_lo = words[0];
	return 1;
}

/* Set the used part of the stack; and on an alternate signal stack, that of the interrupted one. */
static __noinline void find_stack(struct walk *w, struct task_struct *task)
{
	enum { CONTEXTS = 2048 }; /* words that are searched for the context: it is at the stack's end */
	struct scratch *s = w->s;
	uint64_t sp = s->begin.regs[REG_SP];

	s->other_lo = s->other_hi = 0;
	s->signal_stack = task->sas_ss_sp;
	s->signal_size = task->sas_ss_size;
	if (!find_used(w, task, sp, &s->stack_lo, &s->stack_hi)) {
		s->lost = PROBE_LOST_STACK + 1;
	} else if (sp - s->signal_stack < s->signal_size) {
		if (w->t->word == 4)
			bpf_loop(CONTEXTS, context_step_32, w, 0);
		else
			bpf_loop(CONTEXTS, context_step, w, 0);
		if (s->other_lo == 0 || !find_used(w, task, s->other_lo, &s->other_lo, &s->other_hi))
			s->lost = PROBE_LOST_STACK + 1;
	}
}

/* Hash the stacks. */
static void hash_stacks(struct walk *w)
{
	first_stack(w->s);
	bpf_loop((2 * CHUNKS + 1) * (CHUNK / CHUNK_32), stack_hash_step, w, 0);
}

static void emit_stacks(struct walk *w)
{
	first_stack(w->s);
	bpf_loop(2 * PAGES + 1, stack_emit_step, w, 0);
}

#endif
