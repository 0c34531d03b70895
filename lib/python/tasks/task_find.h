/* PRIVATE to lib/python/tasks: the tasks of asyncio. */
#ifndef PYTHON_TASK_FIND_H
#define PYTHON_TASK_FIND_H

#include "python/tasks/task_reader.h"

/* Add the tasks of the interpreter that are not finished, with their frames. */
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

#endif
