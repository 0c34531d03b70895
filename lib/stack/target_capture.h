/* PRIVATE to lib/stack: capturing the threads of a target. */
#ifndef STACK_TARGET_CAPTURE_H
#define STACK_TARGET_CAPTURE_H

#include "stack/target.h"

/* Captures the live process P. RES_FAIL: nothing could be captured; f says why. */
enum res target_capture_live(struct stack_target *t, struct ps_prochandle *P, struct fault *f);

/* Takes the threads of P, a core or a process that another program holds, without copying anything.
 * RES_FAIL: out of memory. */
enum res target_capture_core(struct stack_target *t, struct ps_prochandle *P, struct fault *f);

/* Gives t an empty snapshot of P, which its Python is read from. RES_FAIL: out of memory. */
enum res target_capture_prepare(struct stack_target *t, struct ps_prochandle *P, struct fault *f);

/* Discards the capture of t, so that P can be captured again. */
void target_capture_drop(struct stack_target *t, struct ps_prochandle *P);

#endif
