/* Tasks of asyncio and Trio, and greenlets: what runs besides the stacks of threads.
 *
 *   py_task ─┬─ frames    its coroutines that are suspended, innermost first
 *            ├─ awaits    the future that it waits for
 *            └─ waiters   the tasks that wait for it */
#ifndef PYTHON_PY_TASKS_H
#define PYTHON_PY_TASKS_H

#include "python/python.h"

enum py_task_library { PY_TASK_OF_ASYNCIO, PY_TASK_OF_TRIO, PY_TASK_OF_GREENLET };

enum py_task_state {
	PY_TASK_UNKNOWN,   /* its coroutine cannot be read */
	PY_TASK_CREATED,   /* it has not started */
	PY_TASK_SUSPENDED, /* at an await */
	PY_TASK_RUNNING,   /* a thread runs it */
};

enum {
	PY_TASKS_MAX = 10000,
	PY_LOOPS_MAX = 256,
	PY_TASK_FRAMES_MAX = 4096,        /* of one task */
	PY_TASKS_FRAMES_MAX = 256 * 1024, /* of all */
};

struct py_task {
	uint64_t addr;
	uint64_t coro;    /* its coroutine object; 0: it is a greenlet */
	uint64_t loop;    /* its event loop, of Trio its runner, of a greenlet its main greenlet */
	uint32_t in_loop; /* its index in py_tasks.loops; PY_LOOPS_MAX: it is not among them */
	uint64_t awaits;  /* asyncio: the future that it waits for; 0: none */
	uint64_t
	    parent; /* Trio: the task whose nursery it is in; of a greenlet: its parent; 0: none, or unknown */
	uint32_t awaits_task; /* the index of that task, plus one; 0: it is another future */
	uint64_t frame;       /* its oldest one, as in a thread's py_stack; 0: unknown */
	uint64_t stack_end;   /* greenlet: where its stack began, in that of its thread; 0: unknown */
	uint64_t code;        /* code object of that frame */
	uint32_t runtime;     /* index of its runtime */
	uint8_t library;      /* enum py_task_library */
	uint8_t state;        /* enum py_task_state */
	bool ready;           /* PY_TASK_SUSPENDED: it is about to be resumed */
	bool cut;             /* frames are missing: a limit was reached, or memory could not be read */
	bool unsure;          /* it changed while it was read */
	bool other;           /* the thread may have run another one: set by lib/capture */
	/* Something that is no known part of asyncio is told when it is done: it may await it. */
	bool waiters_unknown;
	char *name; /* WTF-8, name_n bytes and a NUL, owned; NULL: it has none (before 3.8) */
	size_t name_n;
	char type[32];                    /* greenlet: name of its class; "": unknown */
	char awaits_type[32];             /* name of the type of the future; "": unknown */
	uint32_t first_frame, n_frames;   /* in py_tasks.stack */
	uint32_t first_waiter, n_waiters; /* in py_tasks.waiters */
	lwpid_t thread;                   /* the LWP whose stack has `frame`: set by lib/capture, else 0 */
};

/* An event loop that has tasks, or a main greenlet. */
struct py_loop {
	uint64_t addr;
	uint8_t library;    /* enum py_task_library */
	uint64_t thread_id; /* of the thread that runs it (struct py_thread); 0: none, or unknown */
	bool known;         /* thread_id 0 means: it does not run */
	lwpid_t thread;     /* the LWP that runs it: set by lib/capture; 0: none, or unknown */
};

/* A greenlet, and the interpreter and runtime that it is of. */
struct py_greenlet_found {
	uint64_t addr, interp;
	uint32_t runtime;
};

/* Why greenlets may be missing. */
struct py_greenlets_lack {
	bool free_threaded; /* they are not looked for in free-threaded builds */
	bool unknown;       /* greenlet is of a version whose layout is not known */
	bool unsearched;    /* not all objects could be looked at */
	bool unread;        /* some greenlets could not be read */
	uint32_t left;      /* greenlets beyond PY_TASKS_MAX */
	char version[16];   /* of greenlet; "": unknown */
};

/* Tasks of all interpreters that were read. */
struct py_tasks {
	VEC(struct py_task) at;
	VEC(struct py_loop) loops;
	VEC(uint32_t) waiters;                   /* indices of tasks */
	struct py_stack stack;                   /* the frames of all tasks, a run each */
	bool more;                               /* there are more tasks than PY_TASKS_MAX */
	bool missed;                             /* tasks may be missing: their lists could not be read */
	VEC(struct py_greenlet_found) greenlets; /* all that were found, those that have ended as well */
	struct py_greenlets_lack lack;
};

/* What each runtime's module _asyncio has that no object leads to: from 3.14 on the published
 * layout of tasks (_AsyncioDebug), in 3.6 the variable all_tasks. Looked up before anything is
 * captured. */
struct py_tasks_source {
	VEC(uint64_t) at;           /* an address for each runtime; 0: none */
	VEC(uint64_t) lists;        /* likewise: up to 3.6 the first of the collector's lists */
	struct ps_prochandle *bulk; /* what much is read over that is not kept: py's handle */
};

/* Find the sources. RES_FAIL: out of memory. The caller frees *out in any case. */
enum res py_tasks_find(struct py_process *py, struct py_tasks_source *out, struct fault *f);
void py_tasks_source_free(struct py_tasks_source *s);

/* The tasks of all interpreters that are not finished, read over P, which has the memory of py's
 * process. before: an earlier reading, whose greenlets are read again; NULL: none. search: search
 * for greenlets, too. locals: read the values of their frames' variables (level, as for
 * py_locals_reader_create) into out->stack.locals; 0: do not. RES_FAIL: out of memory. The caller
 * frees *out in any case. */
struct py_tasks_reading {
	struct ps_prochandle *P;
	const struct py_tasks_source *source;
	const struct py_tasks *before;
	bool search;
	int locals;
};
enum res py_tasks_read(
    struct py_process *py, const struct py_tasks_reading *reading, struct py_tasks *out, struct fault *f);

/* Mark the tasks of `now` that differ from those of `before`, or are new, as unsure. True: nothing
 * differs, and all greenlets could be read. */
bool py_tasks_compare(const struct py_tasks *before, struct py_tasks *now);

/* Compare the variables of tasks that py_tasks_compare has found to be the same; those of the
 * others count as changed. most, last, and what is returned: as for py_locals_compare. Both were
 * read with `locals`. */
size_t py_tasks_compare_locals(const struct py_tasks *before, struct py_tasks *now, unsigned most, bool last);

/* Free what *t has. */
void py_tasks_free(struct py_tasks *t);

#endif
