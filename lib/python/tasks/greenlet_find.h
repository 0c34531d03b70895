/* PRIVATE to lib/python/tasks: where greenlets are. */
#ifndef PYTHON_GREENLET_FIND_H
#define PYTHON_GREENLET_FIND_H

#include "python/tasks/greenlet_reader.h"

/* Append the addresses of all greenlets of the interpreter to out->greenlets. lists: the first of
 * the collector's lists (up to 3.6; 0: unknown). What could not be searched is noted in
 * out->lack. */
void greenlet_search(struct greenlet_reader *g, struct ps_prochandle *P, uint64_t lists);

/* True if this type inherits from greenlet.greenlet. */
bool greenlet_is_type(struct greenlet_reader *g, uint64_t type);

/* True if a greenlet is at addr. */
bool greenlet_is(struct greenlet_reader *g, uint64_t addr);

#endif
