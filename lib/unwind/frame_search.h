/* PRIVATE to lib/unwind: searches on the stack for a frame pointer or a return address.
 *
 * Of an LWP that is not held little more than pc and sp is known. That is enough for most
 * functions, but not for one whose CFA is relative to the frame pointer. Its code tells how large
 * its frame is, except for what it has pushed for a call in progress:
 *
 *   sp ──> │ arguments pushed      │  0 … some words
 *          │ locals                │  one of the constants that the function subtracts from sp
 *          │ saved registers       │  call frame information has their places; at the end of the
 *          │                       │  function some may already have been restored
 *          │ caller's fp           │ <── the frame pointer
 *          │ return address        │
 *   CFA ─> └───────────────────────┘
 *
 * Each of these places is tried. One is proven if every frame from there to the end of the stack
 * has call frame information, and if, where the frame in question may lie and older stacks may have
 * left words, every return address follows a call that can have led to the function called.
 *
 * frame_search_pushed tries places of a return address in the same way, for call frame information
 * that is wrong. */
#ifndef UNWIND_FRAME_SEARCH_H
#define UNWIND_FRAME_SEARCH_H

#include "unwind/cfi_rows.h"
#include "unwind/engine.h"

struct frame_search {
	const struct engine_target *t;
	/* One step of the engine without a search. False: call frame information gives no caller;
	 * *oldest: because there is none. */
	bool (*step)(void *engine, struct activation *a, bool *oldest);
	/* The row of the code at pc, valid until the next call. NULL: there is none. */
	const struct cfi_row *(*row)(void *engine, uint64_t pc);
	void *engine;
	uint64_t *steps;     /* steps that are still allowed; reduced */
	uint64_t trampoline; /* of return probes; 0: none */
};

/* Find the frame pointer of *a, whose CFA is relative to it: the only place that is proven, or, of
 * several, the only one that fits a size of the function's frame and follows a call that names the
 * function. False: there is none, or another place is possible. */
bool frame_search_fp(const struct frame_search *g, const struct activation *a, uint64_t *fp);

/* True if each frame from a, in the function that begins at callee, to the end of the stack or to a
 * return probe has call frame information, and a's return address follows a call that can have led
 * to callee. */
bool frame_search_leads_to_end(const struct frame_search *g, const struct activation *a, uint64_t callee);

/* Find the stack pointer with which the row of *a, which leads to no code, is right: the row does
 * not count what was pushed, or counts it with the wrong sign. It is the only place that is proven,
 * or, of several, the only one after a call that names the function. False: there is none, or
 * another place is possible. */
bool frame_search_pushed(const struct frame_search *g, const struct activation *a, uint64_t *sp);

#endif
