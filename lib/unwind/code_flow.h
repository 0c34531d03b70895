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
 * table. Jumps through a table of addresses lead, for want of the table, to whatever nothing else leads to. Code is that of
 * x86-64. */
#ifndef UNWIND_CODE_FLOW_H
#define UNWIND_CODE_FLOW_H

#include <libproc.h>
#include <stdbool.h>

#include "unwind/unwind.h"

enum { FLOW_STORED_RA = 1, FLOW_STORED_FP = 2 };
enum { FLOW_PROBE_NONE, FLOW_PROBE_TO, FLOW_PROBE_COMPARED };

/* Where things are at an instruction, before it runs, counted down from the CFA. */
struct flow_state {
	int32_t sp_below;
	int32_t fp_below;                  /* what rbp holds is that far below, if is_frame */
	int32_t saved_below[UNWIND_SAVED]; /* where the caller's registers are saved */
	uint8_t kept;                      /* bit each: the register itself still has the caller's value */
	uint8_t saved;                     /* bit each: it is saved */
	bool sp_known;                     /* else the stack pointer was moved by what no code says */
	bool is_frame;                     /* rbp points into the frame */
	uint8_t probe;                     /* r11 points probe_below, and sp was compared with it */
	int32_t probe_below;
	/* A register has the return address: popped at the start (vfork), it is on the stack no more until it is pushed, and sp_below is 0;
	 * or a frame is being moved, and that and rbp were stored so far from where another one points. */
	uint8_t ra_in, to, stored; /* registers, 0: none; which were stored */
	int32_t ra_at, fp_at;
	bool vague; /* reached by a jump through a table: what is saved is, what is not may have been since */
	bool first; /* the caller's rbp was set to 0, not saved: there is no caller */
};

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

/* P must outlive it. NULL: out of memory. */
struct flow *flow_create(struct ps_prochandle *P);
void flow_destroy(struct flow *f); /* NULL ok */

/* Follow the code. FLOW_LEADS: *out is what holds at pc; else it is unchanged. exits (NULL: not asked) of the part that
 * was looked at. The work for one handle is bounded; after that every answer is FLOW_NONE. */
enum flow_end flow_to(
    struct flow *f, const struct flow_query *q, struct flow_state *out, struct flow_exits *exits);

/* Bytes of code at va, at most n; how many were read. */
size_t flow_code(struct flow *f, uint64_t va, uint8_t *out, size_t n);

/* The address of code in the word at `at`, through which a jump or call goes; 0: none, or it may have changed. */
uint64_t flow_target(struct flow *f, uint64_t at);

#endif
