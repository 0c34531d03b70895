/* PRIVATE to lib/python/tasks: the frames of a task. */
#ifndef PYTHON_TASK_CHAIN_H
#define PYTHON_TASK_CHAIN_H

#include "python/tasks/task_reader.h"

/* Append a frame to t. False: a limit was reached, or out of memory. */
bool task_push_frame(struct task_reader *r, struct py_task *t, const struct py_frame *fr);

/* Fill in state, frame and frames of t. False: its coroutine has ended. */
bool task_chain(struct task_reader *r, struct py_task *t);

#endif
