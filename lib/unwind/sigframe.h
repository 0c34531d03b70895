/* PRIVATE to lib/unwind: the end of a signal handler. */
#ifndef UNWIND_SIGFRAME_H
#define UNWIND_SIGFRAME_H

#include <stdbool.h>

#include "arch/arch.h"
#include "unwind/engine.h"

/* The trampoline at pc to which signal handlers return: a C library's or the vdso's. NULL: there is
 * none. */
const struct arch_sigreturn *sigframe_at(const struct arch *arch, struct memory *mem, uint64_t pc);

/* Replace *a, which is at trampoline t, with the activation that the signal interrupted. False: the
 * stack cannot be read, and *a is unchanged. */
bool sigframe_step(
    const struct arch *arch, const struct arch_sigreturn *t, struct memory *mem, struct activation *a);

#endif
