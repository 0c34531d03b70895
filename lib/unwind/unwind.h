/* Native stacks of one LWP, out of a libproc handle that holds still (a core, a capture).
 *
 * An engine (unwind_engine below) knows one way to go from an activation to its caller; this interface
 * hides which. */
#ifndef UNWIND_UNWIND_H
#define UNWIND_UNWIND_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "arch/stubs.h"
#include "base/fault.h"
#include "base/vec.h"

enum unwind_engine {
	UNWIND_ENGINE_AUTO,      /* whichever is best */
	UNWIND_ENGINE_CFI,       /* DWARF call frame information, else frame pointers; x86-64 and i386 */
	UNWIND_ENGINE_LIBUNWIND, /* the same by libunwind, if that is built in; x86-64 alone */
	UNWIND_ENGINE_FP         /* what code and stack prove (arch.code), else frame pointers */
};

/* How an activation was reached from its callee. */
enum unwind_how {
	UNWIND_FIRST,  /* the LWP's own registers */
	UNWIND_CFI,    /* by call frame information, or with UNWIND_ENGINE_FP as code and stack prove */
	UNWIND_SIGNAL, /* the activation that a signal interrupted; its callee is the signal frame */
	UNWIND_FP,     /* the callee's pc has no CFI: by frame pointer, a guess */
	UNWIND_RESUMED /* a walk that was given what is known of it: native_stack_walk onto frames there */
};

struct native_frame {
	uint64_t pc;  /* where it will go on: a return address, or for FIRST and SIGNAL the exact pc */
	uint64_t sp;  /* its stack pointer there */
	uint64_t cfa; /* its CFA, i.e. its caller's sp after the return; 0 unknown (oldest, lost) */
	uint64_t saved[ARCH_SAVED_MAX]; /* arch.saved, as they are in this activation */
	uint8_t saved_known;            /* bit per register of `saved` */
	uint8_t how;                    /* enum unwind_how */
	bool exact;        /* pc is the instruction itself: look symbols up at pc, else at pc − 1 */
	bool signal_frame; /* this activation is the kernel's signal trampoline */
	bool no_cfi;       /* nothing describes this pc: what comes after it is a guess */
	bool fp_searched;  /* lib/stack's: its callee's frame pointer was looked for on the stack */
	bool gap;          /* lib/stack's: it stands for activations that were not seen; its pc is 0 */
};

/* The trampoline for perf whose end the code at a return address is; NULL: none. Only that end is left
 * to run after its call: it drops the word at the stack pointer, or restores the frame pointer from it,
 * and returns. */
const struct arch_perf *unwind_perf_trampoline(const struct arch *arch, const uint8_t code[ARCH_PERF_END]);

struct unwind_perf_caller {
	uint64_t pc, sp, fp;
	bool fp_known; /* else fp is a word without meaning */
};

/* The caller of a trampoline whose stack pointer is sp; words: the two words at sp. */
struct unwind_perf_caller unwind_perf_caller(
    const struct arch_perf *perf, uint64_t sp, const uint64_t words[2]);

/* True if addr is in executable memory, directly after bytes that are a call instruction, or look like
 * one. */
bool unwind_follows_call(struct ps_prochandle *P, uint64_t addr);

enum unwind_end {
	UNWIND_END_DONE, /* the oldest activation was reached (undefined return address, pc 0) */
	UNWIND_END_LOST, /* no way further: unreadable stack, no CFI and no frame pointer */
	UNWIND_END_LOOP, /* the same (pc, cfa) came again, or the stack did not grow */
	UNWIND_END_CAP,  /* frame limit reached */
};

/* Why a walk ended early. */
enum unwind_reason {
	UNWIND_NO_REASON,     /* it did not */
	UNWIND_NO_REGISTER,   /* what tells the caller's place is in a register that is not known */
	UNWIND_NO_MEMORY,     /* a word of the stack cannot be read */
	UNWIND_DAMAGED,       /* unwind information that makes no sense */
	UNWIND_UNDESCRIBED,   /* nothing describes the code, and there is no other way */
	UNWIND_NO_FRAME,      /* the frame pointer leads to no frame */
	UNWIND_NO_RETURN,     /* or to no return address */
	UNWIND_UNPROVEN,      /* code and stack prove nothing (UNWIND_ENGINE_FP) */
	UNWIND_DOES_NOT_GROW, /* the caller would lie below its callee */
	UNWIND_LEADS_BACK,    /* the walk has been there before */
	UNWIND_TOO_MANY       /* frames */
};

struct native_stack {
	VEC(struct native_frame) frames; /* youngest first */
	enum unwind_end end;
	enum unwind_reason reason; /* for LOST, LOOP, CAP */
	char why[128];             /* the same as a phrase for the user */
};

/* Registers an LWP or a resumed walk starts with: by the DWARF numbers of the target's architecture,
 * `known` a bit each. */
struct unwind_regs {
	uint64_t reg[ARCH_REGS_MAX];
	uint32_t known;
};
enum { UNWIND_DWARF_RSP = 7, UNWIND_DWARF_PC = 16, UNWIND_SAVED = ARCH_SAVED_MAX };

/* All that regs, an LWP of P's, has of them. */
void unwind_regs_from_prgregs(struct ps_prochandle *P, const prgregset_t regs, struct unwind_regs *out);

/* Forget all but pc and sp. */
void unwind_regs_place(struct ps_prochandle *P, struct unwind_regs *regs);

/* Add the registers that have the arguments of the system call in which an LWP is that stands at regs:
 * args, in their order (arch.args). False: no system call of the architecture's own ends there (a
 * program of x86-64 may make those of i386, whose arguments are others). */
bool unwind_regs_args(struct ps_prochandle *P, const uint64_t args[6], struct unwind_regs *regs);

/* Set *out to pc, sp, and the callee-saved registers that are known in frame kept (NULL: none). */
void unwind_regs_at(struct ps_prochandle *P, const struct native_frame *kept, uint64_t pc, uint64_t sp,
    struct unwind_regs *out);

/* Set the frame pointer. */
void unwind_regs_set_fp(struct ps_prochandle *P, uint64_t fp, struct unwind_regs *regs);

struct unwinder; /* one per handle; caches of all its threads */

/* Is this engine built in? */
bool unwind_engine_built(enum unwind_engine engine);

/* The engine over P. P must outlive it. RES_FAIL: no memory; an engine that is not built in, or reads no target of this
 * kind. */
enum res unwinder_create(
    struct ps_prochandle *P, enum unwind_engine engine, struct unwinder **out, struct fault *f);
void unwinder_destroy(struct unwinder *u); /* NULL ok */

/* Walk one stack from regs, at most `cap` frames (0: stack bytes of the mapping / 16), appending to
 * out->frames (which may already hold frames: then `how` of the first new one is UNWIND_RESUMED instead
 * of UNWIND_FIRST). RES_FAIL only without memory or when pc or sp is unknown; a walk that ends early
 * is RES_OK with out->end telling. */
enum res native_stack_walk(struct unwinder *u, const struct unwind_regs *regs, size_t cap,
    struct native_stack *out, struct fault *f);
void native_stack_free(struct native_stack *s);

#endif
