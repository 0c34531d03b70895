/* PRIVATE to lib/python/tasks: what a reading of greenlets keeps. Each is a struct py_task. */
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

#endif
