/* PRIVATE to lib/unwind: steps without call frame information that code and stack prove together.
 *
 * The code of the function is followed from its first instruction to pc (code_flow.h), which
 * locates the return address. That is accepted if the call before it can have led to pc:
 *
 *  - it names the function;
 *  - it names another place from which code leads to pc: an entry of a linkage table, a function
 *    that ends with a jump to this one, or a function of which this is the cold part;
 *  - it is a call through a register or memory, and the function begins like one that is called
 *    this way.
 *
 * If the return address is a signal trampoline, the function must begin like that, too.
 *
 * The index of the object's call frame information tells where functions begin (nothing else of it
 * is used), else the symbols do. Without either, each word above sp that is an address after a call
 * is tried: code must lead from the call's target to pc, and locate the return address at that very
 * word. */
#ifndef UNWIND_PROLOGUE_H
#define UNWIND_PROLOGUE_H

#include "unwind/engine.h"

struct prover;

enum proof {
	PROOF_NONE,
	PROOF_CALLER, /* *a is now the caller */
	PROOF_OLDEST, /* there is none: the function clears the frame pointer without saving it */
};

/* t must outlive it, and its architecture must have `code`. NULL: out of memory. */
struct prover *prover_create(const struct engine_target *t);
void prover_destroy(struct prover *pv); /* NULL ok */

/* Replace *a with its caller, if that is proven; else *a is unchanged. */
enum proof prove_step(struct prover *pv, struct activation *a);

#endif
