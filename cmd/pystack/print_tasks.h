/* The tasks of event loops (-a). */
#ifndef PYSTACK_PRINT_TASKS_H
#define PYSTACK_PRINT_TASKS_H

#include "options.h"
#include "report/counts.h"
#include "report/text_cache.h"
#include "stack/stack.h"

struct print_tasks {
	const struct stack_target *target;
	const struct options *opt;
	struct text_cache *cache;   /* of the target, as its threads were printed with */
	struct counts *counts;      /* NULL: print the tasks, do not count their stacks */
	struct py_sources *sources; /* NULL: no source lines */
	const char *operand;        /* for messages */
	size_t unread;              /* frames whose code or line could not be read: added to */
};

/* Print the tasks of the target: for each loop its tree, then a block for each task that no thread
 * runs; or add these stacks to the counts. False: something of them is missing, and a message says
 * so. */
bool print_tasks(struct print_tasks *p);

#endif
