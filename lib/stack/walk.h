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

/* Walk from regs. Where the walk gets lost below a marker of `python` (code without unwind information: a JIT, a
 * trampoline), it is resumed at that marker's activation by `model`; the activations in between become
 * one frame with pc 0. model is learned on the way and kept by the caller across threads. */
enum res walk_thread(struct unwinder *u, const prgregset_t regs, const struct py_stack *python,
    enum py_marking marking, struct walk_model *model, struct native_stack *out, struct fault *f);

#endif
