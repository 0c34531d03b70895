/* Conditions on Python's innermost function, of stacks that the BPF program could not judge. */
#ifndef PYSTACK_AT_PYTHON_H
#define PYSTACK_AT_PYTHON_H

#include "at_probes.h"
#include "stack/stack.h"

/* Decide whether events with the key of b, whose stack is th, are wanted, and tell the program what
 * was found. TRUE also if the program has decided. UNKNOWN: it cannot be decided. */
enum probe_when_result at_python_judge(const struct at_probes *p, struct probe_session *session,
    const struct stack_target *target, const struct stack_thread *th, const struct probe_begin *b);

#endif
