/* PRIVATE to lib/stack: which interpreters run the frames of a thread. */
#ifndef STACK_THREAD_INTERPS_H
#define STACK_THREAD_INTERPS_H

#include "capture/capture.h"
#include "stack/stack.h"

/* Fills th->interps, which must be empty, in the order in which the frames of th, joined, are
 * printed; l is the thread in c. RES_FAIL: out of memory. */
enum res thread_interps_list(
    const struct capture *c, const struct capture_lwp *l, struct stack_thread *th, struct fault *f);

#endif
