/* PRIVATE to lib/stack: joining the native and Python frames of one thread of a target. */
#ifndef STACK_THREAD_JOIN_H
#define STACK_THREAD_JOIN_H

#include "stack/target.h"

/* Joins out->native and out->python of l into out->join, replacing it. RES_FAIL: out of memory, or
 * no unwinder; f says why. */
enum res thread_join(
    struct stack_target *t, const struct capture_lwp *l, struct stack_thread *out, struct fault *f);

#endif
