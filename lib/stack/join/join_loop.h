/* PRIVATE to lib/stack: the code of the evaluation loop. */
#ifndef STACK_JOIN_LOOP_H
#define STACK_JOIN_LOOP_H

#include "python/python.h"
#include "unwind/unwind.h"

/* True if the instruction that fr executes, or its call, lies in one of the n ranges. */
bool join_in_loop(const struct py_range *ranges, size_t n, const struct native_frame *fr);

#endif
