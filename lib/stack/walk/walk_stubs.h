/* PRIVATE to the walk: code that has no unwind information, or a wrong one, and tells itself where its caller is. */
#ifndef STACK_WALK_STUBS_H
#define STACK_WALK_STUBS_H

#include "stack/walk/walk.h"

/* Where the return address of a few instructions without a frame of their own is. */
struct walk_stub {
	uint64_t slot;
	bool has_rbp; /* beneath it is the caller's rbp */
};

/* Is fr the youngest and stands in one of libffi's trampolines, or in one of CPython's for perf? */
bool walk_stub_at(struct ps_prochandle *P, const struct native_frame *fr, struct walk_stub *out);

/* glibc's clone and clone3 are not described from their system call on, which one thread enters and two leave. */
enum walk_clone { WALK_CLONE_NOT, WALK_CLONE_CALLER, WALK_CLONE_NEWBORN };

/* Does fr, with these registers, stand there? The caller's return address is at sp; a newborn thread has no caller. Where
 * only rax tells the two apart and is not known, they are told by the stack if the arguments of the system call are known; else NOT. */
enum walk_clone walk_clone_at(
    struct ps_prochandle *P, const struct native_frame *fr, const struct unwind_regs *regs);

/* The caller of fr, if fr is a CPython trampoline for perf that has called (unwind_perf_trampoline). */
bool walk_perf_caller(struct ps_prochandle *P, const struct native_frame *fr, struct unwind_perf_caller *out);

#endif
