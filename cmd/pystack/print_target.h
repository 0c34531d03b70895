/* One operand: the stacks of a process or core. */
#ifndef PYSTACK_PRINT_TARGET_H
#define PYSTACK_PRINT_TARGET_H

#include <libproc.h>

#include "operand.h"
#include "options.h"
#include "report/collect.h"
#include "report/counts.h"
#include "stack/stack.h"

enum outcome {
	DONE,    /* printed, nothing is missing */
	PARTLY,  /* printed, something failed */
	NOTHING, /* not printed */
};

/* The stacks that opt and o ask for. The result borrows o->lwps. */
struct stack_options stack_options_of(const struct options *opt, const struct operand *o);

/* What opt says of the records, the style of text, and the symbols. */
struct collect_options collect_options_of(const struct options *opt);
struct text_style text_style_of(const struct options *opt);
struct symbol_wants symbol_wants_of(const struct options *opt);

/* Print the stacks of P, which was grabbed for o, or add them to counts unless that is NULL.
 * Warnings go to stderr. */
enum outcome print_operand(
    struct ps_prochandle *P, const struct operand *o, const struct options *opt, struct counts *counts);

#endif
