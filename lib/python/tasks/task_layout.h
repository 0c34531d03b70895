/* PRIVATE to lib/python/tasks: where tasks have their members. */
#ifndef PYTHON_TASK_LAYOUT_H
#define PYTHON_TASK_LAYOUT_H

#include "python/tasks/task_reader.h"

/* Members and lists, by version, or as published. */
void task_layout(struct task_reader *r);

#endif
