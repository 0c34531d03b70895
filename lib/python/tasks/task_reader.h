/* PRIVATE to lib/python/tasks: what a reading of tasks needs, and objects that it meets.
 *
 * Offsets of members are those of CPython's headers and of Modules/_asynciomodule.c; they are
 * counted in words from the end of an object's head (task_word), which varies. */
#ifndef PYTHON_TASK_READER_H
#define PYTHON_TASK_READER_H

#include "base/addrmap.h"
#include "python/py_memory.h"
#include "python/py_process.h"
#include "python/tasks/py_tasks.h"

/* What objects are, by the names of their types. */
enum task_kind {
	TASK_KIND_NONE, /* no object */
	TASK_KIND_OTHER,
	TASK_KIND_GENERATOR, /* or a coroutine, or an asynchronous generator */
	TASK_KIND_WRAPPER,   /* its first member is what is awaited: a coroutine's __await__() … */
	TASK_KIND_FUTURE_ITER,
	TASK_KIND_TASK,      /* of _asyncio, or of a class that inherits from it */
	TASK_KIND_FUTURE,    /* likewise */
	TASK_KIND_PY_TASK,   /* of the class in asyncio/tasks.py */
	TASK_KIND_PY_FUTURE, /* of the class in asyncio/futures.py, or another class of that name */
	TASK_KIND_WEAKREF,
	TASK_KIND_SET,
	TASK_KIND_LIST,
	TASK_KIND_TUPLE,
	TASK_KIND_DICT,
	TASK_KIND_INT,
	TASK_KIND_STR,
	TASK_KIND_FUNCTION,
	TASK_KIND_METHOD,
	TASK_KIND_BUILTIN,
	TASK_KIND_PARTIAL,
	TASK_KIND_WAKEUP, /* what wakes a task */
};

/* Offsets in a task or future of _asyncio, in bytes. awaited_by 0: there is none (before 3.14). */
struct task_members {
	uint32_t loop, callback0, callbacks, awaited_by, awaited_is_set, waiter, coro, name;
	bool known;
};

/* What _AsyncioDebug says besides. */
struct task_lists {
	uint32_t node, interp_head, thread_head, running_loop;
	bool known;
};

/* Attributes that are looked up. */
enum task_name {
	TASK_NAME_CORO,
	TASK_NAME_WAITER,
	TASK_NAME_NAME,
	TASK_NAME_LOOP,
	TASK_NAME_CALLBACKS,
	TASK_NAME_AWAITED_BY,
	TASK_NAME_PARENT,
	TASK_NAME_THREAD,
	TASK_NAME_DATA, /* of a WeakSet */
	TASK_NAMES,
};

/* Tasks may share their sets in memory that is no interpreter's. */
enum { TASK_VISITS_MAX = 1 << 24 };

struct task_reader {
	struct py_process *py;
	struct ps_prochandle *P;
	struct py_runtime *rt;
	uint32_t runtime;
	uint64_t source; /* of py_tasks_source; 0: none */
	struct task_members members;
	struct task_lists lists;
	struct addrmap kinds;     /* a type → enum task_kind */
	struct addrmap by_addr;   /* a task → its index in out */
	struct addrmap by_loop;   /* a loop → its index in out */
	struct addrmap by_await;  /* a future → the first task that waits for it, plus one */
	VEC(uint32_t) next_await; /* the next such task, plus one */
	uint64_t tasks_dict, groups_dict, events_dict, futures_dict; /* of modules; 0: unknown */
	uint64_t key[TASK_NAMES];                                    /* for py_dict_find */
	uint32_t visits; /* entries of sets and callbacks that were read, of TASK_VISITS_MAX */
	struct py_tasks *out;
	struct fault *f;
	enum res res;
};

/* --- task_objects.c --- */

/* Out of memory: false, and r->res is RES_FAIL. */
bool task_no_memory(struct task_reader *r);

/* The word `index` words behind the head of the object at addr. */
bool task_word(struct task_reader *r, uint64_t addr, unsigned index, uint64_t *out);
/* The word `offset` bytes behind addr. */
bool task_at(struct task_reader *r, uint64_t addr, uint32_t offset, uint64_t *out);

enum task_kind task_kind_of(struct task_reader *r, uint64_t addr);
static inline bool task_is_future(enum task_kind k)
{
	return k >= TASK_KIND_TASK && k <= TASK_KIND_PY_FUTURE;
}
static inline bool task_is_c(enum task_kind k)
{
	return k == TASK_KIND_TASK || k == TASK_KIND_FUTURE;
}
/* The last part of the name of its type; "" if it cannot be read. */
void task_type_name(struct task_reader *r, uint64_t addr, char *out, size_t n);

/* The value of the attribute in the object's dict. */
bool task_attribute(struct task_reader *r, uint64_t addr, enum task_name name, uint64_t *out);
/* The value for `text` of the dict at addr. */
bool task_item(struct task_reader *r, uint64_t dict, const char *text, uint64_t *out);
/* The dict of the module `name` of an interpreter. */
bool task_module_dict(struct task_reader *r, uint64_t interp, const char *name, uint64_t *out);

/* A non-negative int of at most 64 bits. */
bool task_int(struct task_reader *r, uint64_t addr, uint64_t *out);

/* The items of a list or tuple, at most `max`. *whole: there are no more, and all could be read;
 * None has no items. */
size_t task_sequence(struct task_reader *r, uint64_t addr, uint64_t *out, size_t max, bool *whole);

/* Count n entries of sets, or callbacks. False: no more may be read. */
bool task_visit(struct task_reader *r, uint64_t n);

bool task_is_none(struct task_reader *r, uint64_t addr);

/* Call take for each element of the set at addr until it returns false. False: the set cannot be
 * read whole, or no more may be read. */
bool task_set_each(
    struct task_reader *r, uint64_t addr, bool (*take)(struct task_reader *, uint64_t, void *), void *data);

/* --- the steps, in order --- */

/* task_layout.c: members and lists, by version, or as published. */
void task_layout(struct task_reader *r);

/* task_find.c: add the tasks of the interpreter that are not finished, with their frames. */
void task_find(struct task_reader *r, uint64_t interp, const py_threads *threads);
/* True if the task at addr is not known yet, and there is room for it. Without room out->more is
 * set. */
bool task_is_wanted(struct task_reader *r, uint64_t addr);
/* Add a task, whose members are in *t, with its frames, unless it has ended. Takes over its name.
 * False: no more are wanted. */
bool task_add(struct task_reader *r, struct py_task *t);
/* Append t, whose frames are there, with its loop. Takes over its name. False: out of memory. */
bool task_put(struct task_reader *r, struct py_task *t);
/* Set t's name, from the object `name`. */
void task_read_name(struct task_reader *r, uint64_t name, struct py_task *t);

/* task_trio.c: add those of Trio. */
void task_find_trio(struct task_reader *r, uint64_t interp);

/* task_greenlets.c: add greenlets. */
void task_find_greenlets(struct task_reader *r, uint64_t interp, const struct py_tasks_reading *reading);

/* task_chain.c: append a frame to t. False: a limit was reached, or out of memory. */
bool task_push_frame(struct task_reader *r, struct py_task *t, const struct py_frame *fr);
/* Fill in state, frame and frames of t. False: its coroutine has ended. */
bool task_chain(struct task_reader *r, struct py_task *t);

/* task_waiters.c: fill in the waiters of the tasks from `first` on. */
void task_waiters(struct task_reader *r, size_t first);

#endif
