/* Tasks of event loops: their order, and their stacks as records. */
#ifndef REPORT_TASKS_H
#define REPORT_TASKS_H

#include "base/fault.h"
#include "python/tasks/py_tasks.h"
#include "report/record.h"
#include "stack/stack.h"

/* A line of the tree: a task below the one that awaits it. */
struct task_visit {
	uint32_t task;  /* index in py_tasks.at */
	uint32_t depth; /* 0: nobody is known to await it */
	bool again;     /* its first line, and what it awaits, are above */
	bool circle;    /* depth 0, but it is awaited: by tasks that it awaits itself */
};
typedef VEC(struct task_visit) task_visits;

/* The tree of the tasks of the event loop number `loop` (loops.n: tasks of others), from tasks
 * that nobody awaits on. RES_FAIL: out of memory. The caller frees *out in any case. */
enum res tasks_order(const struct py_tasks *t, size_t loop, task_visits *out, struct fault *f);

/* Make the record of task i's stack: items alone. RES_FAIL: out of memory. The caller must free
 * *out in any case. */
enum res tasks_collect(const struct stack_target *t, size_t i, struct record_thread *out, struct fault *f);

/* True if the task's stack is that of a thread. */
static inline bool task_runs(const struct py_task *t)
{
	return t->thread != 0;
}

/* With task_runs: true if the task runs no more, or did not exist yet: it was read later than the
 * thread. */
static inline bool task_moved(const struct py_task *t)
{
	return t->unsure || t->other || t->state != PY_TASK_RUNNING;
}

/* True if it is the main greenlet of its thread. */
static inline bool task_is_main(const struct py_task *t)
{
	return t->library == PY_TASK_OF_GREENLET && t->loop == t->addr;
}

/* True if something of the task is missing. */
static inline bool task_lacks(const struct py_task *t)
{
	return t->cut || (t->state == PY_TASK_UNKNOWN && t->n_frames == 0);
}

#endif
