/* PRIVATE to lib/python/tasks: what a reading of greenlets needs. Each is a struct py_task. */
#ifndef PYTHON_GREENLET_READER_H
#define PYTHON_GREENLET_READER_H

#include "python/tasks/task_reader.h"

enum {
	GREENLET_OBJECTS_MAX = 4 << 20, /* objects of the collector that are looked at */
	GREENLETS_MAX = 1 << 20,        /* that are found */
	GREENLET_READS_MAX = 1 << 20,
	GREENLET_PAGES_MAX = 256 * 1024, /* pages of 4 KB that are read for that */
};

struct greenlet_reader {
	struct task_reader *r;
	uint64_t interp;
	uint64_t type;        /* greenlet.greenlet */
	struct addrmap kinds; /* a type → 1: it is that one, or inherits from it; else 0 */
	struct addrmap mains; /* main greenlets that others lead to */
	bool inside;          /* members are in the object (up to 1.1), not in one that it points to */
	uint32_t reads;       /* greenlets that were read, GREENLET_READS_MAX at most */
	uint32_t good, bad;   /* those that were as expected, and those that were not */
};

/* What a greenlet has. */
struct greenlet {
	uint64_t addr;
	uint64_t parent;      /* 0: none */
	uint64_t start, stop; /* the youngest and oldest end of its stack; start 0: it is not active */
	uint64_t copy, saved; /* where `saved` bytes from `start` on are while it is suspended */
	uint64_t top;         /* its youngest frame object; 0: it is not suspended */
	bool main;            /* that of a thread: its stack is the thread's */
	bool ended;           /* or its thread has: it has no stack, and parent is not set */
};

/* greenlet_find.c: append the addresses of all greenlets of the interpreter to out->greenlets.
 * lists: the first of the collector's lists (up to 3.6; 0: unknown). What could not be searched
 * is noted in out->lack. */
void greenlet_search(struct greenlet_reader *g, struct ps_prochandle *P, uint64_t lists);

/* True if this type inherits from greenlet.greenlet. */
bool greenlet_is_type(struct greenlet_reader *g, uint64_t type);
/* True if a greenlet is at addr. */
bool greenlet_is(struct greenlet_reader *g, uint64_t addr);

/* greenlet_layout.c: find the type. False: the interpreter has no greenlets, or of an unknown
 * version, which is noted in out->lack. */
bool greenlet_type(struct greenlet_reader *g);
/* Read the greenlet at addr. False: it is gone, or (then it counts as bad) not as
 * expected, or too many were read. */
bool greenlet_read(struct greenlet_reader *g, uint64_t addr, struct greenlet *out);

/* greenlet_chain.c: append the frames of a suspended greenlet to t. */
void greenlet_chain(struct greenlet_reader *g, const struct greenlet *of, struct py_task *t);

#endif
