/* PRIVATE to the walk: compiled code of CPython's JIT. */
#ifndef STACK_WALK_JIT_H
#define STACK_WALK_JIT_H

#include "stack/walk/walk.h"

/* Goes from the last frame, which is in compiled code of the JIT, to the activation of the loop
 * that called it and holds marker. RES_NONE: that activation is uncertain, and the walk is as it
 * was. RES_FAIL: out of memory. */
enum res walk_pass_jit(struct walk *w, uint64_t marker);

#endif
