/* PRIVATE to lib/unwind: the call before a return address. */
#ifndef UNWIND_CALLSITE_H
#define UNWIND_CALLSITE_H

#include <libproc.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "unwind/unwind_memory.h"

/* The call that ends at ra, by the bytes before it. ra must be in code. */
struct arch_call call_before(const struct arch *arch, struct memory *mem, uint64_t ra);

/* True if va is in an executable mapping. */
bool call_is_code(struct ps_prochandle *P, uint64_t va);

/* True if the bytes before ra are a call, or look like one. ra must be in code. */
bool call_is_before(const struct arch *arch, struct memory *mem, uint64_t ra);

#endif
