/* The arguments of a probe under the names that conditions use (probe_when.h). */
#ifndef PROBE_PROBE_ARGUMENTS_H
#define PROBE_PROBE_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "probe/probe_syscalls.h"
#include "probe/probe_tracefs.h"
#include "probe/probe_usdt.h"
#include "probe/probe_when.h"

/* A probe, by the one of the pointers that is not NULL; all of them NULL: a function, whose
 * arguments have no names. The caller keeps what they point to. */
struct probe_arguments {
	const struct probe_syscall *call;
	const struct probe_tracepoint *tracepoint;
	const struct probe_usdt *usdt;
	bool on_return;               /* the value returned is known, too */
	struct probe_when_arg retval; /* set by probe_arguments_names */
};

/* Fill in *out, which is valid as long as *a. Argument i is, of a system call, the i-th one; of a
 * tracepoint, the field that probe_arguments_field gives; of a static probe, args[i]; of a
 * function, the i-th integer argument in a register. */
void probe_arguments_names(struct probe_arguments *a, struct probe_when_names *out);

/* The i-th field of a tracepoint without those that all of them have; NULL: there are no more. */
const struct probe_field *probe_arguments_field(const struct probe_tracepoint *tracepoint, uint32_t i);

/* The name of an argument of a probe of CPython ("filename"); NULL: none is known. *is_text: it is
 * the address of a string. */
const char *probe_arguments_python(const struct probe_usdt *usdt, uint32_t i, bool *is_text);

#endif
