/* PRIVATE to the walk: fallbacks where the unwinder cannot go on. */
#ifndef STACK_WALK_RECOVER_H
#define STACK_WALK_RECOVER_H

#include "stack/walk/walk.h"

/* Goes past one place where the walk is lost, from the last trusted frame. guess: the CFA of that
 * frame, by the guess that follows it. RES_NONE: no fallback succeeded, and frames after the
 * trusted ones are invalid. RES_FAIL: out of memory. */
enum res walk_recover(struct walk *w, uint64_t guess);

/* If the walk's first frame is a stub (walk_stub_at), walks everything after it again. RES_NONE: it
 * is not. */
enum res walk_pass_stub(struct walk *w);

/* If the walk's first frame is in clone (walk_clone_at), walks everything after it again. RES_NONE:
 * it is not. */
enum res walk_pass_clone(struct walk *w, const struct unwind_regs *regs);

#endif
