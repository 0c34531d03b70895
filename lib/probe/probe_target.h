/* PRIVATE to lib/probe: what the BPF program is told about a process. */
#ifndef PROBE_PROBE_TARGET_H
#define PROBE_PROBE_TARGET_H

#include "probe/probe.h"
#include "python/python.h"

/* Fill *out, which the caller has zeroed, for P and its interpreters py (NULL: none).
 * RES_FAIL: a layout that the program cannot walk; f says which. */
enum res probe_target_fill(
    struct ps_prochandle *P, const struct py_process *py, struct probe_target *out, struct fault *f);

/* Fill its windows again from P's mappings. False: out of memory. */
bool probe_target_fill_code(struct ps_prochandle *P, struct probe_target *out);

#endif
