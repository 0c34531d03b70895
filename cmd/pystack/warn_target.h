/* Warnings about a target. */
#ifndef PYSTACK_WARN_TARGET_H
#define PYSTACK_WARN_TARGET_H

#include <libproc.h>
#include <stdbool.h>

#include "options.h"
#include "operand.h"
#include "stack/stack.h"

/* Say on stderr what t, the target of P and operand o, lacks: why nothing was stopped, notices
 * about its files, what the system refused pystack since refusals_warn, and what is unusual
 * about its Python. all: print every notice, not the first few. False: something is missing. */
bool warn_target(struct ps_prochandle *P, const struct stack_target *t, const struct operand *o, bool all);

/* Say what the files and the memory of t lack. all: as above. False: something is missing. */
bool warn_files(const struct stack_target *t, const char *operand, bool all);

/* Say that live P waited in vain for its turn to stop threads, if it did. */
void warn_turn(struct ps_prochandle *P, const char *operand);

/* Say what the names of native frames lack, and why. False: not a file, but the system, is why. */
bool warn_lacks(const struct symbolizer *names, const char *operand);

/* Say which debug files would name native frames, if several have no name. */
void warn_unnamed(const struct symbolizer *names, struct ps_prochandle *P, const char *operand);

#endif
