/* PRIVATE to lib/unwind: where a stack begins, in code without unwind information (musl, and the
 * dynamic loader of glibc). */
#ifndef UNWIND_ORIGIN_H
#define UNWIND_ORIGIN_H

#include "unwind/engine.h"

/* True if ra is the return address of a call that began a thread or the program: it has no
 * caller. */
bool origin_returns_to(const struct arch *arch, struct memory *mem, uint64_t ra);

/* Replace *a, at a return address that nothing describes, by the origin of its stack, if no other
 * caller is possible: its return address is the first word above sp that is one. False: *a is
 * unchanged. */
bool origin_step(struct engine_target *t, struct activation *a);

#endif
