/* PRIVATE to lib/unwind: one way of going from an activation to its caller.
 *
 *   native_stack.c   the walk: guards, limits, frames          (knows no engine)
 *     engine.c             what engines share
 *     engine_cfi.c         by call frame information, else ──┐
 *       cfi_find.c           the entry for a pc              │
 *       cfi_entry.c          what an entry is                │
 *       cfi_rows.c           what its program says of a pc   │
 *       cfi_expr.c           expressions in it               │
 *     engine_libunwind.c   the same by libunwind, else ──────┤
 *     engine_fp.c          by frame pointer and signal frame <┘
 *       prologue.c, code_flow.c      what code and stack prove; the arch's `code`
 *                                    says what instructions do
 *       unwind_modules.c            the mapping of a pc, its finder
 *       sigframe.c               the end of a signal handler
 *       callsite.c               the call before a return address
 *       unwind_memory.c             words of the target, cached
 *       regs.c               registers by their DWARF numbers */
#ifndef UNWIND_ENGINE_H
#define UNWIND_ENGINE_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "unwind/regs.h"
#include "unwind/unwind_memory.h"
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

/* What a step tells about the activation it left. Cleared by the walk before each step. */
struct engine_note {
	bool signal;  /* it was the kernel's signal frame: the caller was interrupted, not calling */
	bool no_cfi;  /* nothing usable describes its pc */
	bool guessed; /* the caller was found without CFI */
	bool exact;   /* its pc is the instruction itself, a trampoline's first, which no call has led to */
	bool
	    in_register; /* the return address was in a register: the caller's stack pointer may be the same */
	bool other_stack;          /* so was the caller's stack pointer: it may be anywhere */
	bool undefined;            /* ENGINE_OLDEST by CFI that says so, not by a return address of 0 */
	enum unwind_reason reason; /* for ENGINE_LOST */
	char why[UNWIND_WHY];      /* the same as a phrase */
};

static inline void engine_note_clear(struct engine_note *note)
{
	note->signal = note->no_cfi = note->guessed = note->exact = note->undefined = false;
	note->in_register = note->other_stack = false;
	note->reason = UNWIND_NO_REASON;
	note->why[0] = '\0';
}

/* The walk is lost: why, and the phrase for it. */
void engine_note_lost(struct engine_note *note, enum unwind_reason reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Call frame information of an activation at pc could not be applied: for want of a register (its DWARF
 * number; else REGS_NONE) or of memory (at va; else 0), or it is damaged. */
void engine_note_missing(
    struct engine_note *note, const struct arch *arch, uint64_t pc, int reg, uint64_t va);

struct modules;
struct prover;

/* What steps read, and caches over it. Each engine has one. */
struct engine_target {
	struct ps_prochandle *P;
	const struct arch *arch; /* P's */
	struct memory *mem;
	struct modules *modules;
	struct prover *prover; /* NULL: not needed yet, or the architecture has no `code` */
};

/* Fill in *t for P, which must outlive it. False: out of memory; *t must be released nevertheless. */
bool engine_target_init(struct engine_target *t, struct ps_prochandle *P);
void engine_target_release(struct engine_target *t); /* all zero ok */

struct engine_ops {
	/* RES_FAIL: no memory. *out is the engine's state, for the other functions. */
	enum res (*create)(struct ps_prochandle *P, void **out, struct fault *f);
	void (*destroy)(void *engine); /* NULL ok */
	/* Begin at *a. resumed: further on the stack that was begun last. */
	void (*start)(void *engine, const struct activation *a, bool resumed);
	/* Go to the caller of *a, which is what start got or the last step gave, unchanged. *a changes
	 * only with ENGINE_CALLER. */
	enum engine_end (*step)(void *engine, struct activation *a, struct engine_note *note);
};

extern const struct engine_ops engine_cfi;
extern const struct engine_ops *const engine_libunwind; /* NULL: not built in */
extern const struct engine_ops engine_fp;

/* The step from *a for an engine that found nothing to describe its pc. Tried in this order:
 *  - pc stands on the system call that ends a signal handler: all registers from what the kernel put at
 *    sp (sigframe.h);
 *  - *a is exact and its next instruction returns: the return address is at sp;
 *  - *a is exact and its pc is not executable (a call through a bad pointer): the return address is
 *    still at sp, and no register has changed;
 *  - what code and stack prove (prologue.h; x86-64), which is as good as a description;
 *  - the frame pointer, which must be above sp and aligned to a word: it points to the caller's frame
 *    pointer and the return address.
 * A return address must lie in an executable mapping. The note says whether the step is a guess. A frame
 * pointer or a return address of 0 is ENGINE_OLDEST only if pc is in code of a file and no word between
 * sp and the end of the stack's mapping stands behind a call. */
enum engine_end step_without_cfi(struct engine_target *t, struct activation *a, struct engine_note *note);

#endif
