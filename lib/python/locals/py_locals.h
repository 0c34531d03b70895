/* Arguments and local variables of the frames of a stack, as text.
 *
 *   py_locals_reader   what is known of code objects (names of variables), and a budget
 *     py_locals          the locals of one py_stack, by the index of its frames
 *
 * Values of functions are in the slots of their frames, some in cells; those of class bodies, of
 * modules and of code run by exec() are in the dict that f_locals is. Nothing is called. */
#ifndef PYTHON_PY_LOCALS_H
#define PYTHON_PY_LOCALS_H

#include "base/strbuf.h"
#include "python/python.h"

enum py_local_state {
	PY_LOCAL_READ,       /* it has a value */
	PY_LOCAL_UNBOUND,    /* it has none: left out of the result */
	PY_LOCAL_UNREADABLE, /* its value cannot be read */
	PY_LOCAL_UNREAD,     /* its value was not read, for a limit: left out, too */
	PY_LOCAL_CHANGING,   /* no two readings agreed */
};

/* A variable: name, as in the target, and the text of its value are in py_locals.text. */
struct py_local {
	size_t name, name_n, value, value_n;
	uint64_t at;   /* address of the value; 0: unbound, or no object */
	uint8_t state; /* enum py_local_state */
	bool partial;  /* some part of its value is missing or cannot be read */
	uint8_t same;  /* readings before this one, without a gap, in which it was the same */
};

struct py_frame_locals {
	uint32_t first, count; /* in py_locals.list */
	bool cut;              /* further ones were not read */
};

struct py_locals {
	struct strbuf text;
	VEC(struct py_local) list;
	VEC(struct py_frame_locals) frames; /* of each frame of the stack; fewer: the others were not read */
};
void py_locals_free(struct py_locals *l); /* NULL ok; frees l itself */

struct py_locals_reader;

/* A reader of the frames that py reads. level: 1 or more; each allows for more and longer values.
 * NULL: out of memory. py must outlive it, and not be moved. */
struct py_locals_reader *py_locals_reader_create(struct py_process *py, int level);
void py_locals_reader_free(struct py_locals_reader *r); /* NULL ok */

/* From now on a variable is PY_LOCAL_CHANGING if missed(data) is true after it was read: some of
 * its memory was not copied when it could be. The function tells of what was read since its last
 * call. NULL: no more. */
void py_locals_reader_watch(struct py_locals_reader *r, bool (*missed)(void *data), void *data);

/* Read the locals of the frames of s, from the memory that its frames were just read from. Reads
 * as much as the reader's limits allow. NULL: out of memory. The caller frees it. */
struct py_locals *py_locals_read(struct py_locals_reader *r, const struct py_stack *s);

/* Compare a reading with the one before, of the same stack, whose thread did not run in between.
 * Returns the number of variables that are not proved: not the same in both, or, of those that are
 * partial, in `most` readings: between two of these an object may come and go at one address, and
 * each may meet it while it does not exist. last: they become PY_LOCAL_CHANGING in `now`. */
size_t py_locals_compare(const struct py_locals *before, struct py_locals *now, unsigned most, bool last);

/* The same for one frame of a reading, and the frame that it was in the one before. */
struct py_locals_pair {
	const struct py_locals *before; /* NULL: it was in none */
	size_t frame_before;
	struct py_locals *now;
	size_t frame;
};
size_t py_locals_compare_frame(const struct py_locals_pair *pair, unsigned most, bool last);

/* The same for a reading whose memory has not changed since: a second one would be the same. */
size_t py_locals_repeat(struct py_locals *now);

/* Drop variables that are to be left out. */
void py_locals_finish(struct py_locals *l);

#endif
