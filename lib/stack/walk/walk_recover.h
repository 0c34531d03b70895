/* PRIVATE to the walk: going on where the unwinder cannot. */
#ifndef STACK_WALK_RECOVER_H
#define STACK_WALK_RECOVER_H

#include "stack/walk/walk.h"

/* Past one place where the walk is lost, from the frames that are to be believed on; guess: the CFA of the last of them
 * as the guess after it has it. RES_NONE: no way further, and frames beyond them are spoilt. */
enum res walk_pass(struct walk *w, uint64_t guess);

/* Index of the activation among frames[from…] that holds marker, or -1. */
int64_t walk_frame_of(const struct native_stack *s, size_t from, uint64_t marker);

/* Looking for the holders of one marker after the other, in the order of the walk. */
struct walk_cursor {
	size_t i, n;    /* where it is; frames before n are looked at */
	size_t signals; /* frames before it have signal frames, behind which the stack may go on anywhere */
};
struct walk_cursor walk_cursor_from(const struct native_stack *s, size_t from, size_t n);

/* Index of the next frame that holds marker, where c is then; -1: none does. */
int64_t walk_cursor_next(struct walk_cursor *c, const struct native_stack *s, uint64_t marker);

/* Do all markers from run r on that lie in activations with unwind information, among w's frames[from…], lie in
 * activations of the loop, with the same distance k to the CFA? *seen: how many do. */
bool walk_agrees(const struct walk *w, size_t from, size_t r, uint64_t k, size_t *seen);

/* Is fr, which holds a marker, an activation of the loop, as far as is known? */
bool walk_in_loop(const struct walk *w, const struct native_frame *fr);

/* Is there a call instruction right before this address, in code? */
bool walk_follows_call(struct ps_prochandle *P, uint64_t addr);

/* From the last frame, which stands in compiled code of the JIT, to the activation of the loop that called it and
 * holds marker. RES_NONE: that activation is not certain; the walk is as it was. */
enum res walk_pass_jit(struct walk *w, uint64_t marker);

/* Where the return address of a few instructions without a frame of their own is. */
struct walk_stub {
	uint64_t slot;
	bool has_rbp; /* beneath it is the caller's rbp */
};

/* Is fr the youngest and stands in one of libffi's trampolines, or in one of CPython's for perf? */
bool walk_stub_at(struct ps_prochandle *P, const struct native_frame *fr, struct walk_stub *out);

/* If the walk's first frame is such a one: everything after it again, from there. RES_NONE: it is none. */
enum res walk_pass_stub(struct walk *w);

/* glibc's clone and clone3 are not described from their system call on, which one thread enters and two leave. */
enum walk_clone { WALK_CLONE_NOT, WALK_CLONE_CALLER, WALK_CLONE_NEWBORN };

/* Does fr, with these registers, stand there? The caller's return address is at sp; a newborn thread has no caller. Where
 * only rax tells the two apart and is not known, they are told by the stack if the arguments of the system call are known; else NOT. */
enum walk_clone walk_clone_at(
    struct ps_prochandle *P, const struct native_frame *fr, const struct unwind_regs *regs);

/* If the walk's first frame stands there: everything after it again. RES_NONE: it does not. */
enum res walk_pass_clone(struct walk *w, const struct unwind_regs *regs);

/* CPython's trampolines for perf (-X perf, 3.12+): code made at run time whose frame is one pushed word. */
struct walk_trampoline {
	uint64_t pushed, ret; /* the word, the return address above it */
	bool keeps_rbp;       /* it is the caller's rbp */
};

/* Is fr one that called (unwind_trampoline_end)? */
bool walk_trampoline_at(struct ps_prochandle *P, const struct native_frame *fr, struct walk_trampoline *out);

#endif
