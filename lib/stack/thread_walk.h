/* PRIVATE to lib/stack: unwinding one thread of a target. */
#ifndef STACK_THREAD_WALK_H
#define STACK_THREAD_WALK_H

#include "stack/target.h"

/* Unwinds l, whose Python frames are th->python, into th->native; does nothing if no register of l
 * is known. RES_FAIL: out of memory, or no unwinder; f says why. */
enum res thread_walk(
    struct stack_target *t, const struct capture_lwp *l, struct stack_thread *th, struct fault *f);

#endif
