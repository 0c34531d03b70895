/* The native stack of an LWP, from a libproc handle whose contents do not change: a core or a
 * capture.
 *
 * An engine (enum unwind_engine) is one way to get from an activation, here any native frame with
 * its registers, to its caller. */
#ifndef UNWIND_UNWIND_H
#define UNWIND_UNWIND_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "arch/stubs.h"
#include "base/fault.h"
#include "base/vec.h"

enum unwind_engine {
	UNWIND_ENGINE_AUTO,      /* UNWIND_ENGINE_CFI */
	UNWIND_ENGINE_CFI,       /* call frame information; code without it as by UNWIND_ENGINE_FP */
	UNWIND_ENGINE_LIBUNWIND, /* the same with libunwind, if it is built in and reads arch */
	UNWIND_ENGINE_FP         /* what code and stack prove (arch.code), else frame pointers */
};

/* How an activation was reached from its callee. */
enum unwind_how {
	UNWIND_FIRST,  /* from the LWP's registers */
	UNWIND_CFI,    /* by call frame information, or by what code and stack prove */
	UNWIND_SIGNAL, /* it was interrupted by a signal; its callee is the signal frame */
	UNWIND_FP,     /* by a guess, such as a frame pointer: nothing describes the callee's pc */
	UNWIND_RESUMED /* from the registers given to a native_stack_walk that appends to frames */
};

/* What is not known of an activation whose callee has returned to the trampoline of a return
 * probe. */
enum unwind_probed {
	UNWIND_NOT_PROBED, /* nothing, or there is no probe */
	UNWIND_SEVERAL,    /* which of several calls in its function it is in */
	UNWIND_LIKELY      /* whether it is the caller: others may be */
};

struct native_frame {
	uint64_t pc;                    /* where it continues: a return address, unless `exact` */
	uint64_t sp;                    /* its stack pointer there */
	uint64_t cfa;                   /* its CFA: its caller's sp after the return; 0: unknown */
	uint64_t saved[ARCH_SAVED_MAX]; /* the registers arch.saved in this activation */
	arch_saved_set saved_known;     /* those of them whose value is known */
	uint8_t how;                    /* enum unwind_how */
	bool exact;                     /* pc is the instruction itself: its symbol is at pc, not pc − 1 */
	bool signal_frame;              /* it is the code to which a signal handler returns */
	bool no_cfi;                    /* nothing describes its pc: its caller is a guess */
	uint8_t probed;                 /* enum unwind_probed: past a return probe */
	bool trampoline;                /* of a return probe, in place of a caller that is not known */
	bool fp_searched;               /* lib/stack: its callee's frame pointer was found by search */
	bool gap;                       /* lib/stack: it stands for activations not found; pc is 0 */
	bool replaced;                  /* lib/stack: other code is mapped there now */
};

/* The trampoline for perf that ends with the code at a return address; NULL: it is none. After the
 * trampoline's call only that end is left to run: it drops the word at the stack pointer, or
 * restores the frame pointer from it, and returns. */
const struct arch_perf *unwind_perf_trampoline(const struct arch *arch, const uint8_t code[ARCH_PERF_END]);

struct unwind_perf_caller {
	uint64_t pc, sp, fp;
	bool fp_known; /* else fp has no meaning */
};

/* The caller of a trampoline. sp: the trampoline's stack pointer after its call; words: the two
 * words at sp. */
struct unwind_perf_caller unwind_perf_caller(
    const struct arch_perf *perf, uint64_t sp, const uint64_t words[2]);

/* True if addr is in executable memory, directly after bytes that are a call instruction, or look
 * like one. */
bool unwind_follows_call(struct ps_prochandle *P, uint64_t addr);

enum unwind_end {
	UNWIND_END_DONE, /* the oldest activation was reached: its return address is undefined or 0 */
	UNWIND_END_LOST, /* the caller was not found */
	UNWIND_END_LOOP, /* (pc, sp) occurred before, or sp did not grow */
	UNWIND_END_CAP,  /* the limit of frames was reached */
};

/* Why a walk ended early. */
enum unwind_reason {
	UNWIND_NO_REASON,     /* it did not */
	UNWIND_NO_REGISTER,   /* a register that is needed is not known */
	UNWIND_NO_MEMORY,     /* a word of the stack cannot be read */
	UNWIND_DAMAGED,       /* the call frame information is damaged */
	UNWIND_UNDESCRIBED,   /* nothing describes the code, and no other way was found */
	UNWIND_NO_FRAME,      /* the frame pointer does not point to a frame */
	UNWIND_NO_RETURN,     /* the frame has no return address */
	UNWIND_RETURN_PROBE,  /* a return probe has replaced the address, and the caller is not proven */
	UNWIND_UNPROVEN,      /* code and stack prove nothing (UNWIND_ENGINE_FP) */
	UNWIND_DOES_NOT_GROW, /* the caller's sp would not be above its callee's */
	UNWIND_LEADS_BACK,    /* the walk has been there before */
	UNWIND_TOO_MANY       /* too many frames */
};

struct native_stack {
	VEC(struct native_frame) frames; /* youngest first */
	enum unwind_end end;
	enum unwind_reason reason; /* for LOST, LOOP and CAP */
	char why[128];             /* the reason as a phrase for the user */
};

/* Registers with which a walk starts, by the DWARF numbers of the target's architecture. */
struct unwind_regs {
	uint64_t reg[ARCH_REGS_MAX];
	arch_set known;
};

/* Set *out to the registers of an LWP of P. */
void unwind_regs_from_prgregs(struct ps_prochandle *P, const prgregset_t regs, struct unwind_regs *out);

/* Forget all registers but pc and sp. */
void unwind_regs_place(struct ps_prochandle *P, struct unwind_regs *regs);

/* Add the arguments of the system call that the LWP at regs is in, as registers in the order of
 * arch.args. False: pc is not after a system call of this architecture (an x86-64 program may also
 * make i386 calls, whose arguments are in other registers). */
bool unwind_regs_args(struct ps_prochandle *P, const uint64_t args[ARCH_ARGS], struct unwind_regs *regs);

/* Set *out to pc, sp, and the callee-saved registers that are known in frame kept (NULL: none). */
void unwind_regs_at(struct ps_prochandle *P, const struct native_frame *kept, uint64_t pc, uint64_t sp,
    struct unwind_regs *out);

/* Set the frame pointer. */
void unwind_regs_set_fp(struct ps_prochandle *P, uint64_t fp, struct unwind_regs *regs);

struct unwinder; /* an engine over one handle, with caches for all threads */

/* True if this engine is built in. */
bool unwind_engine_built(enum unwind_engine engine);

/* Create an unwinder over P, which must outlive it. RES_FAIL: out of memory, or the engine is not
 * built in or cannot read such a target. */
enum res unwinder_create(
    struct ps_prochandle *P, enum unwind_engine engine, struct unwinder **out, struct fault *f);
void unwinder_destroy(struct unwinder *u); /* NULL ok */

/* Walk one stack from regs and append at most `cap` frames to out->frames (0: as many as the rest
 * of the stack's mapping has room for at two words each). If out->frames is not empty, the walk is
 * resumed: the first new frame is UNWIND_RESUMED instead of UNWIND_FIRST, and its pc is taken for a
 * return address. RES_FAIL: out of memory, or pc or sp is not known. A walk that ends early is
 * RES_OK; out->end, out->reason and out->why tell why. */
enum res native_stack_walk(struct unwinder *u, const struct unwind_regs *regs, size_t cap,
    struct native_stack *out, struct fault *f);
void native_stack_free(struct native_stack *s);

#endif
