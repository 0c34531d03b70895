/* The probes of --at, looked up. */
#ifndef PYSTACK_AT_PROBES_H
#define PYSTACK_AT_PROBES_H

#include <libproc.h>

#include "base/vec.h"
#include "options.h"
#include "os/same_file.h"
#include "probe/probe.h"
#include "probe/probe_spec.h"
#include "probe/probe_syscalls.h"
#include "probe/probe_tracefs.h"

struct at_probe {
	struct probe_spec spec;
	struct probe_syscall call[2];        /* of SYSCALL; [1]: of i386. name NULL: there is none */
	struct probe_tracepoint *tracepoint; /* of TRACEPOINT; owned */
	char *name;                          /* canonical and escaped; owned */
	bool mapped;                         /* of code: a process was seen to have mapped its file */
};

struct at_probes {
	struct at_probe *at; /* n of them, owned */
	struct probe_spec_abi *abi;
	struct probe_when **conditions; /* two of each, as probe_config has them; owned; NULL: none */
	size_t n;
	VEC(struct probe_place) places;
	VEC(struct placed_file {
		uint32_t spec;
		struct os_file_id file;
	})
	placed;                               /* files that were searched for probes */
	VEC(char *) files;                    /* names in places, owned */
	VEC(struct probe_value_list *) lists; /* of places, owned */
};

/* Parse and look up the probes of opt. False: a message was printed. The caller frees *out in any
 * case. */
bool at_probes_find(const struct options *opt, struct at_probes *out);

/* Find those that are in the kernel. False: a message was printed. */
bool at_probes_place_kernel(struct at_probes *p);

/* Find where the probes are in the code of P, whose path from here is that of its root. False: a
 * message was printed. */
bool at_probes_place(
    const struct options *opt, struct at_probes *p, struct ps_prochandle *P, const struct py_process *py);

/* The same for all processes that map what P has mapped. Files that were looked at before, and
 * those that are not there, are left out. */
bool at_probes_place_everywhere(
    const struct options *opt, struct at_probes *p, struct ps_prochandle *P, const struct py_process *py);

/* Have the files of all probes in code been mapped? False: messages about the others were
 * printed. */
bool at_probes_are_mapped(const struct at_probes *p);

/* Free what *p has. */
void at_probes_free(struct at_probes *p);

#endif
