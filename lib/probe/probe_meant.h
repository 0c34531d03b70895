/* Probes that a text which names none may mean: names that perf, bpftrace and the kernel have for
 * them. */
#ifndef PROBE_PROBE_MEANT_H
#define PROBE_PROBE_MEANT_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "probe/probe_spec.h"
#include "probe/probe_tracefs.h"

/* Set *out to the system call that `text` means, as in `rmdir`, `rmdir:return`, `sys_enter_rmdir`,
 * `syscalls:sys_exit_rmdir` and `__x64_sys_rmdir`. False: it means none, or memory ran out. */
bool probe_meant_call(const char *text, struct probe_spec *out);

/* Append a question for the system call, or else the tracepoints, that `text` means: these by their
 * event, `block_rq_issue`, or with its category. tracefs NULL: system calls only. False: it means
 * none, and nothing is appended. */
bool probe_meant_ask(const char *text, const struct probe_tracefs *tracefs, struct strbuf *b);

#endif
