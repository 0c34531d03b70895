/* What a thread waits for in a lock of the interpreter: which object it is, and who holds it. */
#ifndef PYTHON_PY_WAIT_H
#define PYTHON_PY_WAIT_H

#include "python/python.h"

enum py_wait_kind {
	PY_WAIT_NONE,
	PY_WAIT_LOCK,
	PY_WAIT_RLOCK,
	PY_WAIT_CONDITION,
	PY_WAIT_EVENT,
	PY_WAIT_SEMAPHORE,
	PY_WAIT_BARRIER,
	PY_WAIT_QUEUE,
	PY_WAIT_THREAD, /* that is joined */
	PY_WAIT_FUTURE,
	PY_WAIT_MUTEX, /* a PyMutex, of no object that is known; 3.13+ */
};

struct py_wait {
	enum py_wait_kind kind;
	uint64_t at;    /* address of the object */
	uint64_t owner; /* thread_id (struct py_thread) of who holds it; 0: unknown, or nobody */
	/* With owner: the word of the target that tells it, and its value. */
	uint64_t owner_at, owner_word;
	bool inside; /* the owner is known to be in the body of its `with` statement */
};

/* What was found for one thread helps to find it for the next one. Zero at the start; owns
 * nothing. Belongs to one process. */
struct py_wait_hints {
	struct py_wait_place {
		uint64_t code; /* of the frame; 0: unused */
		uint32_t frame, slot;
		bool bound; /* not the object is there, but its method */
	} places[16];
	struct py_wait_type {
		uint64_t type; /* 0: unused */
		uint8_t is;
	} types[16];
	struct py_wait_pair {
		uint64_t outer, inner; /* outer has an attribute that is inner */
		const void *row;
	} pairs[64];
	uint64_t keys[32];                /* of attributes, by row */
	uint64_t int_type, instance_type; /* of 2.x; 0: not known yet */
	uint32_t runtime;                 /* that all this is of */
	uint32_t locals;                  /* offset of the locals in a frame; 0: not asked for yet */
	unsigned n_places, n_types, n_pairs;
};

enum { PY_WAIT_HEAD = 64 };

/* A thread that waits. */
struct py_waiting {
	const struct py_thread *thread;
	const struct py_stack *stack; /* its frames */
	uint64_t word;                /* the address that it waits at */
	bool on_stack;                /* that is on its own stack */
	/* The first bytes of the object at this address, as the caller has read them. */
	uint64_t guess;
	uint8_t bytes[PY_WAIT_HEAD];
};

/* The address of an object that py_wait_find will probably look at, so that PY_WAIT_HEAD bytes of
 * many are read together. 0: none. */
uint64_t py_wait_guess(struct py_process *py, const struct py_waiting *w, const struct py_wait_hints *hints);

/* Find out what it waits for. An object is believed only if it is the one whose lock the thread
 * waits at: up to 3.13 a Lock points to that word; from 3.13 on other objects are named by the
 * entry of the parking lot in front of that word. live: the process that the memory of py is a copy
 * of, from which objects are read; NULL: py's own. PY_WAIT_NONE: it is not known. */
void py_wait_find(struct py_process *py, struct ps_prochandle *live, const struct py_waiting *w,
    struct py_wait_hints *hints, struct py_wait *out);

/* True if the object still has the same owner in the memory of live. */
bool py_wait_is_held(struct py_process *py, struct ps_prochandle *live, const struct py_wait *wait);

/* True if this thread of live, whose frames these are, is in the body of a `with` statement of the
 * object that was found for another one. False: it is not, or it is not known. */
bool py_wait_is_inside(struct py_process *py, struct ps_prochandle *live, const struct py_thread *thread,
    const struct py_stack *stack, const struct py_wait *wait, const struct py_wait_hints *hints);

#endif
