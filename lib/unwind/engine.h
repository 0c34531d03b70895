/* PRIVATE to lib/unwind: the interface of engines. An engine takes an activation to its caller.
 *
 *   native_stack.c       the walk: guards, limits, frames; calls any engine
 *   engine_cfi.c         call frame information, read by us; where there is none ──┐
 *   engine_libunwind.c   call frame information, run by libunwind; likewise ───────┤
 *   engine_fp.c          step_without_cfi <────────────────────────────────────────┘
 *                        and the engine of -m fp
 *   engine.c             what engines share
 *
 *   cfi_find.c           the entry that describes a pc
 *   cfi_entry.c          entries, decoded: cfi_read.c has their numbers
 *   cfi_rows.c           the rules of an entry at a pc, and their application
 *   cfi_expr.c           expressions in them
 *   frame_search.c       a frame pointer that is not known, from the stack
 *   prologue.c           callers that code and stack prove
 *   origin.c             where a stack begins, in musl
 *   code_flow.c          code followed from one address to another
 *   sigframe.c           the end of a signal handler
 *   callsite.c           the call before a return address
 *   return_probe.c       callers whose return address a probe has replaced
 *   unwind_modules.c     mappings and what describes their code
 *   unwind_memory.c      the target's words, cached
 *   regs.c               registers by DWARF number */
#ifndef UNWIND_ENGINE_H
#define UNWIND_ENGINE_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "unwind/regs.h"
#include "unwind/unwind_memory.h"
#include "unwind/unwind.h"

enum { UNWIND_WHY = sizeof(((struct native_stack *)0)->why) };

/* An activation, as a step leaves or reaches it. */
struct activation {
	struct unwind_regs regs; /* at least pc and sp are known */
	bool exact;              /* pc is the instruction itself, not a return address */
};

enum engine_end {
	ENGINE_CALLER, /* *a is now the caller */
	ENGINE_OLDEST, /* there is no caller */
	ENGINE_LOST,   /* the caller was not found; the note has the reason */
};

/* What a step reports about the activation it left. The walk clears it before each step. */
struct engine_note {
	bool signal;      /* it was a signal frame: its caller was interrupted and did not call it */
	bool no_cfi;      /* nothing usable describes its pc */
	bool guessed;     /* the caller is a guess */
	bool exact;       /* its pc is the first instruction of a signal trampoline; no call led there */
	bool in_register; /* the return address was in a register: the caller's sp may be the same */
	bool other_stack; /* the caller's sp was in a register: it may be anywhere */
	bool trampoline;  /* it is that of a return probe; if there is a caller, frames are missing */
	uint8_t probed;   /* enum unwind_probed, of the caller */
	bool undefined;   /* ENGINE_OLDEST because CFI or code says so, not by an address of 0 */
	enum unwind_reason reason; /* for ENGINE_LOST */
	char why[UNWIND_WHY];      /* the reason as a phrase for the user */
};

static inline void engine_note_clear(struct engine_note *note)
{
	note->signal = note->no_cfi = note->guessed = note->exact = note->undefined = false;
	note->in_register = note->other_stack = note->trampoline = false;
	note->probed = UNWIND_NOT_PROBED;
	note->reason = UNWIND_NO_REASON;
	note->why[0] = '\0';
}

/* Set the reason and its phrase, for ENGINE_LOST. */
void engine_note_lost(struct engine_note *note, enum unwind_reason reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Set the reason why call frame information at pc could not be applied: the missing register's
 * DWARF number (else REGS_NONE), or the address of the missing memory (else 0), or else damage. */
void engine_note_missing(
    struct engine_note *note, const struct arch *arch, uint64_t pc, int reg, uint64_t va);

struct modules;
struct prover;

/* The target of an engine, with caches. Each engine has its own. */
struct engine_target {
	struct ps_prochandle *P;
	const struct arch *arch; /* P's */
	struct memory *mem;
	struct modules *modules;
	struct prover *prover; /* created when it is first needed; NULL before */
};

/* Fill in *t for P, which must outlive it. False: out of memory; *t must still be released. */
bool engine_target_init(struct engine_target *t, struct ps_prochandle *P);
void engine_target_release(struct engine_target *t); /* all members 0 ok */

/* Work that is allowed: for the current stack, and for later ones. */
struct engine_allowance {
	uint64_t now, left;
};

/* Begin a stack. It may use an eighth of what is left, so that one hostile library does not use up
 * the allowance of all threads. */
void engine_allow(struct engine_allowance *a);

struct engine_ops {
	/* Create an engine over P, which must outlive it; *out is passed to the other functions.
	 * RES_FAIL: it cannot be created; *f has the reason. */
	enum res (*create)(struct ps_prochandle *P, void **out, struct fault *f);
	void (*destroy)(void *engine); /* NULL ok */
	/* Begin a walk at *a. resumed: it continues the stack of the last one. */
	void (*start)(void *engine, const struct activation *a, bool resumed);
	/* Replace *a with its caller. *a must be as start or the last step left it, and changes
	 * only with ENGINE_CALLER. */
	enum engine_end (*step)(void *engine, struct activation *a, struct engine_note *note);
};

extern const struct engine_ops engine_cfi;
extern const struct engine_ops *const engine_libunwind; /* NULL: not built in */
extern const struct engine_ops engine_fp;

/* The step of an engine that finds nothing that describes the pc of *a. It tries, in this order:
 *  - signal trampolines: all registers are in the signal frame (sigframe.h);
 *  - *a is exact and its next instruction returns: the return address is at sp;
 *  - *a is exact and its pc is not executable (a call through a bad pointer): the return address is
 *    still at sp, and no register has changed since the call;
 *  - what code and stack prove (prologue.h, origin.h), if the architecture has `code`: as good as
 *    CFI;
 *  - the return address at sp, of code without a frame whose caller the frame pointer confirms;
 *  - the frame pointer, which must not be below sp, must be aligned to a word, and points to the
 *    caller's frame pointer and the return address.
 * A return address must be in an executable mapping. The last two, and the third unless a call
 * precedes the return address, are guesses. A frame pointer or return address of 0 is ENGINE_OLDEST
 * only if pc is in code of a file and no word between sp and the end of the stack's mapping is an
 * address after a call. */
enum engine_end step_without_cfi(struct engine_target *t, struct activation *a, struct engine_note *note);

/* The step out of code that the program has made and described itself, if code and stack prove it:
 * CPython 3.15 describes the code of its JIT as part of the function that calls it, so that its
 * tables would skip that one. False: *a is in other code, or nothing is proven; use the tables. */
bool step_from_made_code(
    struct engine_target *t, struct activation *a, struct engine_note *note, enum engine_end *end);

#endif
