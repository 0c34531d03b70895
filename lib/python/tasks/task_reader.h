/* PRIVATE to lib/python/tasks: what a reading of tasks keeps.
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
	TASK_KIND_NONE, /* no object, or none whose type can be read */
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
	bool unread;     /* of a dict that something was looked for in, a part could not be read */
	uint32_t visits; /* entries of sets and callbacks that were read, of TASK_VISITS_MAX */
	struct py_tasks *out;
	struct fault *f;
	enum res res;
};

#endif
