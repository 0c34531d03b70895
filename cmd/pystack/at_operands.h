/* --exe, --all and -r without --at: the processes as operands. */
#ifndef PYSTACK_AT_OPERANDS_H
#define PYSTACK_AT_OPERANDS_H

#include "base/vec.h"
#include "options.h"

struct operands {
	VEC(char *) at;      /* owned */
	VEC(uint32_t) typed; /* the pids among them that were typed */
	size_t refused;      /* processes that seem to be asked for and may not be looked at */
	bool failed;         /* out of memory */
};

/* Set *out to the operands argv[opt->first…argc), each followed by those of its descendants that
 * have a Python, as a tree: a process precedes its children, of which the newest is the first. Or
 * to the processes that opt describes: newest first. The caller must free *out. */
void operands_find(const struct options *opt, int argc, char **argv, struct operands *out);
void operands_free(struct operands *x);

/* True if this process was typed. */
static inline bool operands_typed(const struct operands *x, uint32_t pid)
{
	for (size_t i = 0; i < x->typed.n; i++) {
		if (x->typed.at[i] == pid)
			return true;
	}
	return false;
}

#endif
