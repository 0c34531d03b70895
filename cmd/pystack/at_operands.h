/* --exe, --all and -r without --at: the processes as operands. */
#ifndef PYSTACK_AT_OPERANDS_H
#define PYSTACK_AT_OPERANDS_H

#include "base/vec.h"
#include "options.h"

struct operands {
	VEC(char *) at; /* owned */
	size_t refused; /* processes that seem to be asked for and may not be looked at */
	bool failed;    /* out of memory */
};

/* Set *out to the operands argv[opt->first…argc), each with those of its descendants that have a
 * Python, or to the processes that opt describes: newest first. The caller must free *out. */
void operands_find(const struct options *opt, int argc, char **argv, struct operands *out);
void operands_free(struct operands *x);

#endif
