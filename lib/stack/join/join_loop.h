/* PRIVATE to lib/stack: code of the evaluation loop. */
#ifndef STACK_JOIN_LOOP_H
#define STACK_JOIN_LOOP_H

#include "python/python.h"
#include "unwind/unwind.h"

/* True if the instruction at which fr runs or its call lies in one of the n ranges of code. */
bool join_in_loop(const struct py_range *ranges, size_t n, const struct native_frame *fr);

#endif
