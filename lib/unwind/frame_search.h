/* PRIVATE to lib/unwind: what an activation lacks to be left, tried and proven.
 *
 * An LWP that could not be held is read asleep: no register but these two. Most functions need no more to be unwound; one
 * that describes its frame by the frame pointer does. Its code then tells how big its frame is, up to what it pushed
 * for a call in progress:
 *
 *   sp ──> │ arguments pushed      │  0 … some words
 *          │ locals                │  one of the constants that the function subtracts from sp
 *          │ saved registers       │  their places are in its call frame information; where the function is ending, only
 *          │                       │  some of them are there any more
 *          │ caller's fp           │ <── the frame pointer
 *          │ return address        │
 *   CFA ─> └───────────────────────┘
 *
 * Each of these few places is tried, and proven: every frame from there to the end of the stack has to have call frame
 * information, and where the frame itself may have been, and an earlier stack have left something, every return address has to stand behind a
 * call that can have led to the function above it.
 *
 * So are the few places where a return address may be if a function's call frame information is wrong (guess_pushed). */
#ifndef UNWIND_FRAME_SEARCH_H
#define UNWIND_FRAME_SEARCH_H

#include "unwind/cfi_rows.h"
#include "unwind/engine.h"

struct guess {
	const struct engine_target *t;
	/* The engine: one step without guesses (false: no caller by call frame information; *oldest: there is none), and
	 * the row of the code at pc, valid until the next call (NULL: there is none). */
	bool (*step)(void *engine, struct activation *a, bool *oldest);
	const struct cfi_row *(*row)(void *engine, uint64_t pc);
	void *engine;
	uint64_t *steps; /* how many may still be tried: taken from */
};

/* The frame pointer of *a, whose row says that its CFA is counted from it: the only one that is proven, or of several
 * the only one at a size of the function's own and by a call that names it. False: there is none, or another place may
 * be it as well. */
bool guess_frame_pointer(const struct guess *g, const struct activation *a, uint64_t *fp);

/* The row of *a leads to no code: it does not count what was pushed, or counts it the wrong way. The stack pointer with which it is right: the
 * only one that is proven, or of several the only one by a call that names the
 * function. False: there is none, or another may be it as well. */
bool guess_pushed(const struct guess *g, const struct activation *a, uint64_t *sp);

#endif
