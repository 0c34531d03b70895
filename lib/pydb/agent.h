/* PRIVATE to lib/pydb: an agent's state.
 *
 *   agent.c         the entry points for the agent's life and for frames as text
 *   activations.c   the Python frames of each activation: a table made on first use or when stale
 *   agent_python.c  the process's interpreters
 *   iterators.c     the entry points for lists of addresses */
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
	char *text; /* its lines, without the mark of an uncertain choice; owned; "": it has no frames */
};

/* The Python state of one LWP. */
struct pydb_lwp {
	lwpid_t id;
	uint64_t thread; /* thread pointer, equal to thread_id of its thread states */
	uint64_t chain;  /* hash of its frames when the table was made */
};

enum { PYDB_LOOPS = 64 };

struct pydb_activations {
	VEC(struct pydb_activation) at; /* in the order of pstack's calls */
	VEC(struct pydb_lwp) lwps;
	py_addresses frames; /* addresses of the activations' frames */
	py_threads threads;
	struct addrmap pcs; /* the pcs of `at` */
	struct py_range loops[PYDB_LOOPS];
	size_t n_loops;
	bool known;
	uint64_t registers; /* hash of all LWPs' registers when the table was made */
	size_t next;        /* index after the activation returned last */
	bool unsure;        /* the activation returned last was one of several candidates */
};

struct pydb_agent {
	struct ps_prochandle *P;
	struct py_process *py; /* NULL: no interpreter found so far */
	struct pydb_activations activations;
};

/* The interpreters of the agent's process, owned by the agent. Each call searches for them until
 * some are found. NULL: none. */
struct py_process *agent_python(struct pydb_agent *agent);

/* The activation that a call of pydb_pc_frameinfo with pc and arg means, valid until the next call;
 * NULL: none. *unsure, set if one is returned: it is one of several candidates. */
const struct pydb_activation *activations_find(
    struct pydb_agent *agent, uint64_t pc, uint64_t arg, bool *unsure);
/* Free what `a` owns and make it empty. */
void activations_free(struct pydb_activations *a);

#endif
