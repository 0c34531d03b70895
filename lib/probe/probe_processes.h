/* PRIVATE to lib/probe: the processes that are observed, as far as user space knows. */
#ifndef PROBE_PROBE_PROCESSES_H
#define PROBE_PROBE_PROCESSES_H

#include "base/addrmap.h"
#include "probe/probe.h"

struct probe_processes {
	VEC(struct probe_process) at; /* in the order in which they came */
	struct addrmap by_number;     /* number → index in `at` */
	VEC(uint32_t) living;         /* numbers of those that are not known to have ended */
	uint32_t targets;             /* size of the map of targets */
	uint32_t added;               /* by user space */
};

/* A process has come. False: out of memory. */
bool probe_processes_take(struct probe_processes *x, const struct probe_process *process);

/* The process with this number, or NULL. */
struct probe_process *probe_processes_find(const struct probe_processes *x, uint32_t number);

/* A target that no living process but `mine` has; 0: there is none. */
uint32_t probe_processes_free_target(const struct probe_processes *x, uint32_t mine);

/* True if a living process but `mine` has this target. */
bool probe_processes_shares(const struct probe_processes *x, uint32_t target, uint32_t mine);

/* The process with this number has ended, or executed another program. */
void probe_processes_end(struct probe_processes *x, uint32_t number);
/* Changes of the code of those that there are are watched from this time on. */
void probe_processes_begun(struct probe_processes *x, uint64_t time);

/* Free what *x has. */
void probe_processes_free(struct probe_processes *x);

#endif
