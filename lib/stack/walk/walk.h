/* Unwinding one thread, past places that the unwinder cannot pass. */
#ifndef STACK_WALK_H
#define STACK_WALK_H

#include "python/python.h"
#include "unwind/unwind.h"

/* An activation of the evaluation loop seen whole: the position of its registers relative to its
 * marker. The loop is one function, so every other activation with a marker looks the same (CFA −
 * marker is one constant per binary). */
struct walk_model {
	bool known;
	uint64_t pc;
	uint64_t cfa_above_marker, sp_below_cfa, fp_below_cfa;
	bool fp_known;
};

struct walk {
	struct ps_prochandle *P;
	struct unwinder *u;
	const struct py_stack *python;
	struct walk_model *model; /* learned during the walk, kept by the caller across threads */
	struct native_stack *out;
	struct fault *f;
	bool place_only; /* only pc and sp are known */
	/* True if fr may be an activation of the loop. Called only where markers are to confirm a
	 * guess: a frame may seem to hold a marker that an earlier call has left on the stack.
	 * NULL: not available. */
	bool (*in_loop)(void *data, const struct native_frame *fr);
	void *data;
	/* With place_only: the arguments of the system call that the LWP is in, or NULL. */
	const uint64_t *args;
};

/* Walks from prregs to w->out. Where the walk gets lost below a marker of python (code without
 * unwind information: a JIT, a trampoline), it resumes at that marker's activation by the model, or
 * without a model by trial; one gap stands for the activations in between. With PY_MARK_NONE
 * (before 3.11) it does not resume. RES_FAIL: out of memory; *w->f says so. */
enum res walk_thread(struct walk *w, const prgregset_t prregs, enum py_marking marking);

#endif
