/* Captures an LWP that runs and cannot or must not be held. Its native stack cannot be read, but
 * its Python frames are on the heap. They are read twice. The frames that both readings share,
 * from the outermost on, existed in between as well: a caller does not change while its callee
 * runs. */
#include <stdio.h>
#include <string.h>

#include "base/bound.h"
#include "capture/capture.h"

enum { TRIES = 8 };

/* Read the frames of l once. False: the result makes no sense, which happens now and then. */
static bool read_once(struct capture *c, struct capture_lwp *l, struct py_stack *out)
{
	capture_undo(c, l);
	snapshot_forget(c->snapshot);
	if (capture_frames(c, l) != RES_OK || l->python_is == PYTHON_UNREAD || l->python.broken ||
	    l->python.unread)
		return false;
	*out = l->python;
	memset(&l->python, 0, sizeof(l->python));
	return true;
}

/* Number of outermost frames that a and b share. The innermost frame of both may have moved on. */
static size_t in_common(const struct py_stack *a, const struct py_stack *b)
{
	size_t n = 0;

	while (n < a->frames.n && n < b->frames.n) {
		const struct py_frame *x = &a->frames.at[a->frames.n - 1 - n];
		const struct py_frame *y = &b->frames.at[b->frames.n - 1 - n];
		bool youngest = n + 1 == a->frames.n && n + 1 == b->frames.n;

		if (x->addr != y->addr || x->code != y->code || x->known != y->known ||
		    (x->instr != y->instr && !youngest))
			break;
		n++;
	}
	return n;
}

/* Make the n outermost frames of s the frames of l. Nothing is known of their activations.
 * False: out of memory. */
static bool take_oldest(struct capture_lwp *l, const struct py_stack *s, size_t n)
{
	for (size_t r = 0; r < s->runs.n; r++) {
		const struct py_run *from = &s->runs.at[r];

		for (uint32_t k = 0; k < from->count; k++) {
			struct py_run run = *from;

			if (from->first + k < s->frames.n - n)
				continue;
			run.marker = 0;
			run.first = (uint32_t)l->python.frames.n;
			run.count = 1;
			if (!vec_push(&l->python.frames, s->frames.at[from->first + k]) ||
			    !vec_push(&l->python.runs, run))
				return false;
		}
	}
	return true;
}

/* Read l twice. True: the result is complete, or this was the last try. */
static bool read_twice(struct capture *c, struct capture_lwp *l, bool last, bool *younger)
{
	struct py_stack first = { .broken = false }, second = { .broken = false };
	bool good = read_once(c, l, &first) && read_once(c, l, &second);
	size_t n = good ? in_common(&first, &second) : 0;

	*younger = good && n < second.frames.n;
	good = good && (!*younger || last) && take_oldest(l, &second, n);
	py_stack_free(&first);
	py_stack_free(&second);
	return good;
}

void capture_running(struct capture *c, struct capture_lwp *l)
{
	bool good = false, younger = false;

	for (int i = 1; i <= TRIES && !good && c->py != NULL && !bound_passed(BOUND_STACKS); i++) {
		capture_states_revalidate(c, STATES_FORGET_PAGES);
		good = read_twice(c, l, i == TRIES, &younger);
	}
	if (!good)
		capture_undo(c, l);
	l->python_is = good ? PYTHON_READ_RUNNING : PYTHON_UNREAD;
	capture_note(l, MISSING_REGISTERS, "%.70s%s", l->refused,
	    good && younger ? "; its inner Python frames kept changing" : "");
	l->state = CAPTURE_DONE;
}
