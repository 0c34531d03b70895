/* Records of threads and processes. */
#ifndef REPORT_COLLECT_H
#define REPORT_COLLECT_H

#include "base/fault.h"
#include "report/record.h"
#include "stack/stack.h"

struct collect_options {
	bool locals;      /* values of variables were asked for */
	bool python_only; /* leave out native frames and remarks about them */
	long frames;      /* most native frames per thread, with their Python frames; 0: all */
};

/* Make the record of th, a thread of t. Its strings belong to th, t and names, a symbolizer of
 * stack_target_handle(t). RES_FAIL: out of memory; *out has no items. The caller must free *out
 * in any case. */
enum res collect_thread(const struct stack_target *t, const struct stack_thread *th,
    const struct collect_options *opt, struct symbolizer *names, struct record_thread *out, struct fault *f);

/* Make the record of P. Its strings are in *buffers. core: the operand's name, NULL for a
 * process. all: also what costs another read (os_container). */
struct collect_buffers {
	psinfo_t info;
	char signal[32];
	struct os_container container;
};
void collect_process(struct ps_prochandle *P, const char *core, bool all, struct collect_buffers *buffers,
    struct record_process *out);

#endif
