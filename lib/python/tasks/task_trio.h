/* PRIVATE to lib/python/tasks: the tasks of Trio. */
#ifndef PYTHON_TASK_TRIO_H
#define PYTHON_TASK_TRIO_H

#include "python/tasks/task_reader.h"

/* Add those of Trio. */
void task_find_trio(struct task_reader *r, uint64_t interp);

#endif
