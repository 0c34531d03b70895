/* PRIVATE to lib/unwind: where a function's frame is at one of its instructions, found by following
 * the function's code from its first instruction.
 *
 *   start:  push %rbp            CFA = sp + 8
 *           mov  %rsp,%rbp       CFA = sp + 16, the caller's rbp at CFA - 16
 *           push %rbx            CFA = rbp + 16 too
 *           sub  $0x28,%rsp
 *           …
 *   pc:     call …               CFA = sp + 64 = rbp + 16, rbp at CFA - 16, rbx at CFA - 24
 *
 * If code leads from one address to another, the second may belong to an activation that began at
 * the first, even if it is in a cold part, in a function reached by a tail call, or after a
 * linkage table. Tables of jump addresses are not read: a jump through one is taken to lead to all
 * code after unconditional jumps that nothing else leads to. */
#ifndef UNWIND_CODE_FLOW_H
#define UNWIND_CODE_FLOW_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/code.h"

enum flow_end {
	FLOW_NONE,    /* no path leads to pc */
	FLOW_LEADS,   /* one does */
	FLOW_ANYWHERE /* none was found, but a tail call through a register or memory may lead there */
};

/* [lo, hi): the function that start is in, if known; code after it does not belong to the
 * function. */
struct flow_query {
	uint64_t start, pc;
	bool exact;      /* pc is the instruction itself, not the address after a call */
	uint64_t lo, hi; /* 0, 0: not known */
	uint32_t most;   /* instructions to follow at most; 0: as many as the largest functions have */
};

enum { FLOW_EXITS = 4 };
struct flow_exits {
	uint64_t to[FLOW_EXITS]; /* targets of jumps out of [lo, hi); the first ones */
	size_t n;
	bool returns;       /* a return was met, with the frame as at the start */
	uint64_t last_call; /* target of a tail call (a jump, with the frame as at the start), or 0 */
};

struct flow;

/* code: P's. P must outlive it. NULL: out of memory. */
struct flow *flow_create(struct ps_prochandle *P, const struct arch_code *code);
void flow_destroy(struct flow *f); /* NULL ok */

/* Follow the code. *out is set to the frame at pc if the result is FLOW_LEADS, else it is
 * unchanged. *exits (may be NULL) describes the code that was followed. The work for one handle is
 * bounded; beyond the bound every result is FLOW_NONE. */
enum flow_end flow_to(
    struct flow *f, const struct flow_query *q, struct arch_frame *out, struct flow_exits *exits);

/* Read up to n bytes of code at va. Returns the number of bytes. */
size_t flow_code(struct flow *f, uint64_t va, uint8_t *out, size_t n);

/* The word at address `at`, through which a jump or call goes. 0: it is unreadable, or no address
 * of code. */
uint64_t flow_target(struct flow *f, uint64_t at);

#endif
