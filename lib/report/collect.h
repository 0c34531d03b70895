/* From what lib/stack found out to records. */
#ifndef REPORT_COLLECT_H
#define REPORT_COLLECT_H

#include "base/fault.h"
#include "report/record.h"
#include "stack/stack.h"

struct collect_options {
	bool python_only; /* leave out native frames and what is said of them */
	long frames;      /* native frames of a thread at most, with the Python frames under them; 0: all */
};

/* The record of th, a thread of t, into *out, whose strings belong to th, t and s. names: a symbolizer of
 * stack_target_handle(t). RES_FAIL: out of memory; *out
 * has no items. The caller frees *out in any case. */
enum res collect_thread(const struct stack_target *t, const struct stack_thread *th,
    const struct collect_options *opt, struct symbolizer *names, struct record_thread *out, struct fault *f);

/* What P is, into *out, whose strings are in *buffers. core: as typed, NULL for a process. */
struct collect_buffers {
	psinfo_t info;
	char signal[32];
};
void collect_process(
    struct ps_prochandle *P, const char *core, struct collect_buffers *buffers, struct record_process *out);

#endif
