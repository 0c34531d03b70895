/* PRIVATE to lib/pydb: an agent's state.
 *
 *   agent.c         the nine entry points' frames and texts
 *   activations.c   which Python frames which activation runs: made when first asked for, made anew when stale
 *   agent_python.c  the process's interpreters
 *   iterators.c     lists of addresses */
#ifndef PYDB_AGENT_H
#define PYDB_AGENT_H

#include <libproc.h>
#include <stdbool.h>

#include "base/addrmap.h"
#include "base/vec.h"
#include "libpython_db.h"
#include "python/python.h"

/* An activation of an evaluation loop that runs Python frames. */
struct pydb_activation {
	uint64_t pc;
	uint32_t lwp;          /* in lwps */
	uint32_t first, count; /* in frames */
	char *text; /* its lines, without the mark of a doubtful choice; owned; "": it has no frames */
};

/* What is known of one LWP's Python. */
struct pydb_lwp {
	lwpid_t id;
	uint64_t thread; /* its thread pointer: thread_id of its thread states */
	uint64_t chain;  /* hash of its frames when the table was made */
};

enum { PYDB_LOOPS = 64 };

struct pydb_activations {
	VEC(struct pydb_activation) at; /* in the order in which pstack meets them */
	VEC(struct pydb_lwp) lwps;
	py_addresses frames; /* their addresses */
	py_threads threads;
	struct addrmap pcs; /* those of `at` */
	struct py_range loops[PYDB_LOOPS];
	size_t n_loops;
	bool known;
	uint64_t registers; /* hash of all LWPs' registers when it was made */
	size_t next;        /* after the one that was told last */
	bool unsure;        /* and that was one of several it could have been */
};

struct pydb_agent {
	struct ps_prochandle *P;
	struct py_process *py; /* NULL: none found so far */
	struct pydb_activations activations;
};

/* The interpreters of the agent's process, looked for again as long as there are none. NULL: none. */
struct py_process *agent_python(struct pydb_agent *agent);

/* The activation that a call of pydb_pc_frameinfo is about; NULL: none. *unsure: there are others it could be. */
const struct pydb_activation *activations_find(
    struct pydb_agent *agent, uint64_t pc, uint64_t arg, bool *unsure);
void activations_free(struct pydb_activations *a);

#endif
