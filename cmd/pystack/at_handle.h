/* Handles of observed processes: what was mapped when they were grabbed. */
#ifndef PYSTACK_AT_HANDLE_H
#define PYSTACK_AT_HANDLE_H

#include <libproc.h>

#include "base/vec.h"
#include "report/text.h"
#include "stack/stack.h"
#include "symbol/symbolize.h"

struct handle {
	struct ps_prochandle *P; /* NULL: there is none */
	struct stack_target *target;
	struct symbolizer *names; /* NULL before the first stack */
	struct text_cache lines;
	struct py_sources *sources; /* NULL: not needed yet */
	uint64_t from, upto;        /* its mappings are of a moment between these (CLOCK_MONOTONIC, ns) */
};

/* Those that a process had before, for stacks that were captured then and are not read yet. */
struct older_handles {
	VEC(struct handle) at; /* oldest first */
	bool spared;           /* by older_handles_sweep */
};

/* Release all that *h has. */
void handle_close(struct handle *h);

/* Keep *h, which is moved. There are few, and the oldest gives way. */
void older_handles_keep(struct older_handles *x, struct handle *h);

/* No stack waits to be read. One may be on its way: they are closed when that is so twice. */
void older_handles_sweep(struct older_handles *x);

/* Close them all. */
void older_handles_free(struct older_handles *x);

#endif
