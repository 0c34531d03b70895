/* --source: the files of a target, and what is said of them. */
#ifndef PYSTACK_SOURCE_H
#define PYSTACK_SOURCE_H

#include "options.h"
#include "report/python_source.h"
#include "report/record.h"

/* Those of P, a process or the core of this name, if opt asks for source lines: else NULL. Without
 * memory there are none, which the caller of refusals_warn reports. */
struct py_sources *source_open(struct ps_prochandle *P, const char *core, const struct options *opt);

/* Let t, a thread of target, have its lines from files (NULL: none). counted: t is counted by its
 * text. */
void source_give(
    struct record_thread *t, struct py_sources *files, const struct stack_target *target, bool counted);

/* Print what was found out about files since the last call. *n: how many messages there were;
 * without `all` they are few. */
void source_warn(struct py_sources *files, const char *operand, bool all, unsigned *n);

#endif
