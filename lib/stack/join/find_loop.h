/* PRIVATE to lib/stack: the evaluation loop of a binary without symbols. */
#ifndef STACK_FIND_LOOP_H
#define STACK_FIND_LOOP_H

#include "python/python.h"
#include "unwind/unwind.h"

/* Finds the one function in runtime's file (up to 3.10) whose activations on this stack run the
 * frames of its chain, one each and in order. Returns the number of its code ranges stored in out;
 * 0: no function qualifies, or several do. */
size_t find_loop(struct py_process *py, size_t runtime, const struct native_stack *native,
    const struct py_stack *python, struct py_range out[2]);

#endif
