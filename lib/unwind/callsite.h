/* PRIVATE to lib/unwind: the call that a return address stands behind. */
#ifndef UNWIND_CALLSITE_H
#define UNWIND_CALLSITE_H

#include <libproc.h>
#include <stdbool.h>

#include "unwind/unwind_memory.h"

/* Both may be so, by bytes that are there by chance. */
struct call {
	bool direct;     /* it names its target, which may be a linkage table's or, by chance, no code */
	bool anywhere;   /* it is through a register or memory */
	uint64_t target; /* if direct */
	uint64_t
	    word; /* if anywhere: the address of the word that has the target, where the code says it; 0 */
};

/* What the bytes before ra, which is to be in code, say; width: bytes of an address. */
struct call call_before(struct memory *mem, uint64_t ra, unsigned width);

/* Is there code at va? */
bool call_is_code(struct ps_prochandle *P, uint64_t va);

/* Do they end in a call, or look so? */
bool call_is_before(struct memory *mem, uint64_t ra);

#endif
