/* PRIVATE to the BPF program: what an x86-64 kernel knows of programs and system calls of i386. */
#ifndef PROBE_BPF_I386_H
#define PROBE_BPF_I386_H

#include "probe/bpf/frames.h"

enum {
	CS_32 = 0x23, /* the code segment of 32-bit code (arch/x86 asm/segment.h) */
	CS_64 = 0x33,
	TLS_FIRST = 12,
	TLS_N = 3 /* segments of thread pointers in the descriptor table (the same) */
};

/* Is the task in a system call of i386? A 64-bit program can make one, too (int 0x80). */
static __always_inline int is_compat(const struct task_struct *task)
{
	return (task->thread_info.status & COMPAT) != 0;
}

/* The base of the segment that gs selects. The register itself cannot be read here: it was saved
 * when the thread last left the processor, and at its birth. A program that has done neither since
 * its libc set gs uses the first of these segments. */
static __always_inline uint64_t thread_pointer_32(struct task_struct *task)
{
	uint64_t words[TLS_N] = { 0 };
	uint32_t i = (BPF_CORE_READ(task, thread.gsindex) >> 3) - TLS_FIRST;

	if (bpf_core_read(words, sizeof(words), &task->thread.tls_array) != 0)
		return 0;
	words[0] = i == 1 ? words[1] : i == 2 ? words[2] : words[0];
	return (words[0] >> 16 & 0xffffff) | words[0] >> 56 << 24;
}

/* The thread pointer of a program of i386 or x86-64. */
static __always_inline uint64_t thread_pointer_of(struct task_struct *task, const struct probe_target *t)
{
	return t->word == 4 ? thread_pointer_32(task) : task->thread.fsbase;
}

/* The arguments of a system call of i386: a register each. */
static __always_inline void take_arguments_32(struct scratch *s)
{
	const uint64_t *regs = s->begin.regs;

	s->event.args[0] = regs[REG_BX];
	s->event.args[1] = regs[REG_CX];
	s->event.args[2] = regs[REG_DX];
	s->event.args[3] = regs[REG_SI];
	s->event.args[4] = regs[REG_DI];
	s->event.args[5] = regs[REG_BP];
}

/* The arguments of a function of i386 that is entered: words above the return address. */
static __always_inline void take_stack_arguments(struct scratch *s)
{
	uint32_t words[6] = { 0 };

	if (bpf_probe_read_user(words, sizeof(words), (const void *)(s->begin.regs[REG_SP] + 4)) != 0)
		s->event.unknown = 0x3f;
	for (uint32_t i = 0; i < 6; i++)
		s->event.args[i] = words[i];
}

#endif
