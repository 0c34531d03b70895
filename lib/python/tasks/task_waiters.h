/* PRIVATE to lib/python/tasks: who awaits a task. */
#ifndef PYTHON_TASK_WAITERS_H
#define PYTHON_TASK_WAITERS_H

#include "python/tasks/task_reader.h"

/* Fill in the waiters of the tasks from `first` on. */
void task_waiters(struct task_reader *r, size_t first);

#endif
