/* PRIVATE to the walk: markers of Python runs and the activations that hold them. */
#ifndef STACK_WALK_MARKERS_H
#define STACK_WALK_MARKERS_H

#include "stack/walk/walk.h"

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

#endif
