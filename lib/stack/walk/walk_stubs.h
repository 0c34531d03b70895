/* PRIVATE to the walk: code without unwind information, or with wrong information, that shows
 * itself where its caller is. */
#ifndef STACK_WALK_STUBS_H
#define STACK_WALK_STUBS_H

#include "stack/walk/walk.h"

/* Where the return address of code without a frame is. */
struct walk_stub {
	uint64_t slot;
	bool has_fp; /* the caller's frame pointer is in the word below */
};

/* True if fr is the youngest frame, in a trampoline of libffi or in one of CPython's for perf. */
bool walk_stub_at(struct ps_prochandle *P, const struct native_frame *fr, struct walk_stub *out);

/* glibc's clone and clone3 have no unwind information after their system call, which one thread
 * enters and two leave. */
enum walk_clone { WALK_CLONE_NOT, WALK_CLONE_CALLER, WALK_CLONE_NEWBORN };

/* Where in clone or clone3 fr is, with these registers. The caller's return address is at sp; a
 * newborn thread has no caller. If only the call's result distinguishes the two and is unknown, the
 * stack does, provided the arguments of the system call are known; otherwise NOT. */
enum walk_clone walk_clone_at(
    struct ps_prochandle *P, const struct native_frame *fr, const struct unwind_regs *regs);

/* True if fr is a CPython trampoline for perf that has called (unwind_perf_trampoline); *out is its
 * caller. */
bool walk_perf_caller(struct ps_prochandle *P, const struct native_frame *fr, struct unwind_perf_caller *out);

#endif
