/* PRIVATE to lib/unwind: where a function's frame is at one of its instructions, by following its code from where it
 * begins.
 *
 *   start:  push %rbp            CFA = sp + 8
 *           mov  %rsp,%rbp       CFA = sp + 16, the caller's rbp at CFA - 16
 *           push %rbx            CFA = rbp + 16 too
 *           sub  $0x28,%rsp
 *           …
 *   pc:     call …               CFA = sp + 64 = rbp + 16, rbp at CFA - 16, rbx at CFA - 24
 *
 * That code leads from one address to another is a proof that the second belongs to an activation that began at the
 * first, be it in a part of the function that lies elsewhere, in one that it jumps to as its last call, or behind a linkage
 * table. Jumps through a table of addresses lead, for want of the table, to whatever nothing else leads to. */
#ifndef UNWIND_CODE_FLOW_H
#define UNWIND_CODE_FLOW_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/code.h"

enum flow_end {
	FLOW_NONE,  /* no way leads there */
	FLOW_LEADS, /* one does */
	FLOW_ANYWHERE /* none that can be seen; but a last call through a register or memory can have led anywhere */
};

/* Of code that is known to be one function: [lo, hi) bounds what follows a call that may not return. */
struct flow_query {
	uint64_t start, pc;
	bool exact;      /* pc is the instruction itself, not the address behind a call */
	uint64_t lo, hi; /* 0, 0: not known */
	uint32_t most;   /* instructions to look at; 0: as many as any function has */
};

enum { FLOW_EXITS = 4 };
struct flow_exits {
	uint64_t to[FLOW_EXITS]; /* where jumps led out of [lo, hi) */
	size_t n;
	bool returns;       /* a return was met where everything is as it was at the start */
	uint64_t last_call; /* a jump out of it was, to there; 0: none */
};

struct flow;

/* P, whose code is of that kind, must outlive it. NULL: out of memory. */
struct flow *flow_create(struct ps_prochandle *P, const struct arch_code *code);
void flow_destroy(struct flow *f); /* NULL ok */

/* Follow the code. FLOW_LEADS: *out is what holds at pc; else it is unchanged. exits (NULL: not asked) of the part that
 * was looked at. The work for one handle is bounded; after that every answer is FLOW_NONE. */
enum flow_end flow_to(
    struct flow *f, const struct flow_query *q, struct arch_frame *out, struct flow_exits *exits);

/* Bytes of code at va, at most n; how many were read. */
size_t flow_code(struct flow *f, uint64_t va, uint8_t *out, size_t n);

/* The address of code in the word at `at`, through which a jump or call goes; 0: none, or it may have changed. */
uint64_t flow_target(struct flow *f, uint64_t at);

#endif
