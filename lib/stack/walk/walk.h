/* Unwinding one thread, past what the unwinder cannot pass. */
#ifndef STACK_WALK_H
#define STACK_WALK_H

#include "python/python.h"
#include "unwind/unwind.h"

/* An activation of the evaluation loop seen whole: how its registers lie to its marker. The loop is one
 * function, so wherever another marker is, its activation looks the same (CFA − marker is one
 * constant per binary). */
struct walk_model {
	bool known;
	uint64_t pc;
	uint64_t cfa_above_marker, sp_below_cfa, rbp_below_cfa;
	bool rbp_known;
};

/* True for a 32-bit process. */
static inline bool walk_is_32bit(struct ps_prochandle *P)
{
	return Pstatus(P)->pr_dmodel == PR_MODEL_ILP32;
}

struct walk {
	struct ps_prochandle *P;
	struct unwinder *u;
	const struct py_stack *python;
	struct walk_model *model; /* learned on the way, kept by the caller across threads */
	struct native_stack *out;
	struct fault *f;
	bool place_only; /* of the registers only pc and sp are known */
	/* Is fr an activation of the loop? Asked only where a guess is to be confirmed by markers: what an earlier call has left
	 * on the stack may seem to hold one. NULL: nobody knows. */
	bool (*in_loop)(void *data, const struct native_frame *fr);
	void *data;
	const uint64_t
	    *args; /* with place_only: those of the system call that it is in; NULL: it is in none */
};

/* Walk from prregs. Where the walk gets lost below a marker of python (code without unwind information: a JIT,
 * a trampoline), it is resumed at that marker's activation by the model, or without one by trial; the activations
 * in between become one frame with pc 0. Nothing of this before 3.11 (PY_MARK_NONE). */
enum res walk_thread(struct walk *w, const prgregset_t prregs, enum py_marking marking);

#endif
