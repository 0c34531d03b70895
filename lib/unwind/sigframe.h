/* PRIVATE to lib/unwind: the end of a signal handler. */
#ifndef UNWIND_SIGFRAME_H
#define UNWIND_SIGFRAME_H

#include <stdbool.h>

#include "arch/arch.h"
#include "unwind/engine.h"

/* The trampoline at pc that signal handlers return to, C libraries' and the kernel's vdso's alike; NULL: there is none. */
const struct arch_sigreturn *sigframe_at(const struct arch *arch, struct memory *mem, uint64_t pc);

/* Go from *a, which stands on trampoline t, to the activation that the signal interrupted. False: the stack cannot be read. */
bool sigframe_step(
    const struct arch *arch, const struct arch_sigreturn *t, struct memory *mem, struct activation *a);

#endif
