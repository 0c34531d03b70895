/* Events and counts of --at as JSON. Messages are lines, too, as soon as they are printed. */
#ifndef PYSTACK_AT_JSON_H
#define PYSTACK_AT_JSON_H

#include "at_arguments.h"

/* Print warnings as lines from now on. */
void at_json_begin(void);

/* An event of process pid (0: unknown), `time` ns after 1970. stack: what counts_text made of
 * its stack; NULL: it is missing. */
void at_json_event(
    const struct at_probes *p, const struct probe_hit *e, unsigned pid, int64_t time, const char *stack);

/* The text of a stack that is counted, or whose `sum` is taken, at probe `spec`: its members with
 * `text`, malloc'd; with those of its process, unless name is NULL. NULL: out of memory. */
char *at_json_counted(const struct at_probes *p, uint32_t spec, const char *sum, const char *name,
    int64_t pid, const char *text);

/* An interval of --every has ended at `time`; its stacks follow. */
void at_json_interval(int64_t time, uint64_t events);

/* The last line: the number of events, and whether nothing was lost or failed. */
void at_json_end(uint64_t events, bool complete);

#endif
