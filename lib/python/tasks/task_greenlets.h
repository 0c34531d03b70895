/* PRIVATE to lib/python/tasks: greenlets as tasks. */
#ifndef PYTHON_TASK_GREENLETS_H
#define PYTHON_TASK_GREENLETS_H

#include "python/tasks/task_reader.h"

/* Add greenlets. */
void task_find_greenlets(struct task_reader *r, uint64_t interp, const struct py_tasks_reading *reading);

#endif
