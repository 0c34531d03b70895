/* PRIVATE to lib/unwind: one way of going from an activation to its caller.
 *
 *   native_stack.c   the walk: guards, limits, frames          (knows no engine)
 *     engine_libunwind.c   by call frame information, else ──┐
 *     engine_fp.c          by frame pointer and signal frame <┘
 *       memory.c           words of the target, cached */
#ifndef UNWIND_ENGINE_H
#define UNWIND_ENGINE_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "unwind/memory.h"
#include "unwind/unwind.h"

enum { UNWIND_WHY = sizeof(((struct native_stack *)0)->why) };

/* An activation as a step leaves or reaches it. */
struct activation {
	struct unwind_regs regs; /* pc and sp are always known */
	bool exact;              /* pc is the instruction itself, not a return address */
};

enum engine_end {
	ENGINE_CALLER, /* *a is now the caller */
	ENGINE_OLDEST, /* there is no caller */
	ENGINE_LOST,   /* there may be one; why says what is missing */
};

/* What a step tells about the activation it left. Zeroed by the walk before each step. */
struct engine_note {
	bool signal;          /* it was the kernel's signal frame: the caller was interrupted, not calling */
	bool no_cfi;          /* nothing usable describes its pc */
	bool guessed;         /* the caller was found without CFI */
	char why[UNWIND_WHY]; /* for ENGINE_LOST: a phrase */
};

struct engine_ops {
	/* RES_FAIL: no memory. *out is the engine's state, for the other functions. */
	enum res (*create)(struct ps_prochandle *P, void **out, struct fault *f);
	void (*destroy)(void *engine); /* NULL ok */
	/* Begin at *a. */
	void (*start)(void *engine, const struct activation *a);
	/* Go to the caller of *a, which is what start got or the last step gave, unchanged. *a changes
	 * only with ENGINE_CALLER. */
	enum engine_end (*step)(void *engine, struct activation *a, struct engine_note *note);
};

extern const struct engine_ops engine_libunwind;
extern const struct engine_ops engine_fp;

/* One step without CFI, tried in this order:
 *  - pc stands on the system call that ends a signal handler: all registers out of the ucontext at sp
 *    (Linux arch/x86/include/uapi/asm/sigcontext.h);
 *  - *a is exact and its pc is not executable (a call through a bad pointer): the return address is
 *    still at sp, no register was touched;
 *  - frame pointer: { caller's rbp, return address } at rbp.
 * A return address has to lie in an executable mapping, a frame pointer has to be above sp and aligned
 * to 8. ENGINE_OLDEST: the frame pointer, or the return address behind it, is 0. */
enum engine_end fallback_step(
    struct ps_prochandle *P, struct memory *mem, struct activation *a, struct engine_note *note);

static inline bool regs_known(const struct unwind_regs *r, unsigned dwarf)
{
	return (r->known >> dwarf & 1) != 0;
}

static inline void regs_set(struct unwind_regs *r, unsigned dwarf, uint64_t value)
{
	r->reg[dwarf] = value;
	r->known |= 1U << dwarf;
}

/* DWARF number of each register of native_frame.saved. */
extern const uint8_t regs_saved_dwarf[UNWIND_SAVED];

#endif
