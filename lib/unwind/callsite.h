/* PRIVATE to lib/unwind: the call that a return address stands behind. */
#ifndef UNWIND_CALLSITE_H
#define UNWIND_CALLSITE_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "unwind/unwind_memory.h"

/* What the bytes before ra, which is to be in code, say. */
struct arch_call call_before(const struct arch *arch, struct memory *mem, uint64_t ra);

/* Is there code at va? */
bool call_is_code(struct ps_prochandle *P, uint64_t va);

/* Do they end in a call, or look so? */
bool call_is_before(const struct arch *arch, struct memory *mem, uint64_t ra);

#endif
