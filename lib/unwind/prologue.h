/* PRIVATE to lib/unwind: steps that code and stack prove together, without call frame information.
 *
 * Where the function at pc begins, its code is followed up to pc (code_flow.h): that tells where the return address has to
 * lie. It is believed if it stands behind a call that can have led there:
 *
 *   - one that names the function;
 *   - one that names another place, from which code leads to pc: a linkage table, a function whose last act it was to
 *     jump, one of which this is a part that lies elsewhere;
 *   - one through a register or memory, if the function begins as one that is called so; or it stands at the end of a
 *     signal handler.
 *
 * Where a function begins is told by the index of the object's call frame information (of which nothing else is used), else
 * by its symbols. Without either, each word above sp that stands behind a call is tried: code has to lead from that call's
 * target to pc, and leave the return address at that very word. */
#ifndef UNWIND_PROLOGUE_H
#define UNWIND_PROLOGUE_H

#include "unwind/engine.h"

struct prover;

enum proof {
	PROOF_NONE,
	PROOF_CALLER, /* *a is now the caller */
	PROOF_OLDEST, /* the function began by clearing the frame pointer without saving it: it has no caller */
};

/* t, whose architecture has `code`, must outlive it. NULL: out of memory. */
struct prover *prover_create(const struct engine_target *t);
void prover_destroy(struct prover *pv); /* NULL ok */

enum proof prove_step(struct prover *pv, struct activation *a);

#endif
