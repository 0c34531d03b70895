/* PRIVATE to the walk: compiled code of CPython's JIT. */
#ifndef STACK_WALK_JIT_H
#define STACK_WALK_JIT_H

#include "stack/walk/walk.h"

/* From the last frame, which stands in compiled code of the JIT, to the activation of the loop that called it and
 * holds marker. RES_NONE: that activation is not certain; the walk is as it was. */
enum res walk_pass_jit(struct walk *w, uint64_t marker);

#endif
