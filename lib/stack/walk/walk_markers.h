/* PRIVATE to the walk: markers of Python runs, and the activations that hold them. */
#ifndef STACK_WALK_MARKERS_H
#define STACK_WALK_MARKERS_H

#include "stack/walk/walk.h"

/* Index of the activation among frames[from…] that holds marker; -1: none. */
int64_t walk_frame_of(const struct native_stack *s, size_t from, uint64_t marker);

/* A search for the owners of one marker after another, in the order of the walk. */
struct walk_cursor {
	size_t i, n; /* the position; only frames before n are searched */
	/* Signal frames are before this frame: after each the stack may continue anywhere. */
	size_t signals;
};
struct walk_cursor walk_cursor_from(const struct native_stack *s, size_t from, size_t n);

/* Index of the next frame that holds marker, to which c moves; -1: none, c stays. */
int64_t walk_cursor_next(struct walk_cursor *c, const struct native_stack *s, uint64_t marker);

/* True if all markers from run r on that lie in activations with unwind information, among w's
 * frames[from…], lie in activations of the loop at the same distance k from the CFA. *seen: their
 * number. */
bool walk_agrees(const struct walk *w, size_t from, size_t r, uint64_t k, size_t *seen);

/* True if fr, which holds a marker, may be an activation of the loop. */
bool walk_in_loop(const struct walk *w, const struct native_frame *fr);

#endif
