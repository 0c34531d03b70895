/* What a report for programs says of a target besides its stacks. */
#ifndef REPORT_DETAILS_H
#define REPORT_DETAILS_H

#include <sys/types.h>

#include "base/strbuf.h"
#include "base/vec.h"
#include "report/record.h"
#include "stack/stack.h"

enum { DETAILS_PATH = 4096, DETAILS_ID = 64 };

struct details_id {
	uint8_t bytes[DETAILS_ID];
	size_t n; /* 0: none, or unknown */
};

struct details_python {
	uint32_t version; /* PY_VERSION_HEX */
	const char *file; /* of its binary; the stack_target's */
	struct details_id id;
	uint64_t address; /* py_runtime_address */
	enum py_found found;
	bool free_threaded;
};

struct record_details {
	struct record_process process; /* the caller's */
	bool has_uid;
	uid_t uid;
	struct strbuf args;     /* the whole command line, a NUL after each argument; "": unknown */
	const char *psargs;     /* its start, joined by spaces, not escaped; the handle's */
	const char *executable; /* in path, or NULL */
	char path[DETAILS_PATH];
	struct details_id id; /* of the executable */
	VEC(struct details_python) pythons;
};

/* Collect the details of t, the target of P, whose record is `process`. RES_FAIL: out of memory.
 * The caller must free *out in any case. */
enum res details_collect(struct ps_prochandle *P, const struct stack_target *t,
    const struct record_process *process, struct record_details *out, struct fault *f);
void details_free(struct record_details *d);

#endif
