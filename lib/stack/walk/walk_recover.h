/* PRIVATE to the walk: going on where the unwinder cannot. */
#ifndef STACK_WALK_RECOVER_H
#define STACK_WALK_RECOVER_H

#include "stack/walk/walk.h"

/* Past one place where the walk is lost, from the frames that are to be believed on; guess: the CFA of the last of them
 * as the guess after it has it. RES_NONE: no way further, and frames beyond them are spoilt. */
enum res walk_recover(struct walk *w, uint64_t guess);

/* If the walk's first frame is such a one: everything after it again, from there. RES_NONE: it is none. */
enum res walk_pass_stub(struct walk *w);

/* If the walk's first frame stands there: everything after it again. RES_NONE: it does not. */
enum res walk_pass_clone(struct walk *w, const struct unwind_regs *regs);

#endif
