/* One operand: a process or core, once looked at. */
#ifndef PYSTACK_PRINT_TARGET_H
#define PYSTACK_PRINT_TARGET_H

#include <libproc.h>

#include "options.h"
#include "report/collect.h"
#include "report/counts.h"
#include "stack/stack.h"

enum outcome {
	DONE,    /* printed, nothing amiss */
	PARTLY,  /* printed, something failed */
	NOTHING, /* not printed */
};

/* Say on stderr why arg could not be grabbed (code: Pgrab's). NOTHING. */
enum outcome refuse(const char *arg, int code);

/* What the options ask of the stacks; lwps: those asked for, NULL for all. */
struct stack_options stack_options_of(const struct options *opt, const char *lwps);

struct collect_options collect_options_of(const struct options *opt);

/* Print the stacks of P, which was grabbed for the operand arg, or add them to counts if that is not NULL. name: the
 * operand without its LWPs; lwps: those, NULL for all. What is wrong is said on stderr. */
enum outcome examine(struct ps_prochandle *P, const char *arg, const char *name, const char *lwps,
    const struct options *opt, struct counts *counts);

#endif
