/* One operand: a process or core, once looked at. */
#ifndef PYSTACK_EXAMINE_H
#define PYSTACK_EXAMINE_H

#include <libproc.h>
#include <stdio.h>

#include "options.h"

enum outcome {
	DONE,    /* printed, nothing amiss */
	PARTLY,  /* printed, something failed */
	NOTHING, /* not printed */
};

/* Say on stderr why arg could not be grabbed (code: Pgrab's). NOTHING. */
enum outcome refuse(const char *arg, int code);

/* Print to out the stacks of P, which was grabbed of the operand arg. name: the operand without its LWPs; lwps: those,
 * NULL for all. What is wrong is said on stderr. */
enum outcome examine(struct ps_prochandle *P, const char *arg, const char *name, const char *lwps,
    const struct options *opt, FILE *out);

#endif
