/* Errors as values.
 *
 * A function that can fail returns enum res and takes its caller's struct fault. "Absent" and
 * "broken" are different answers: a process without Python is RES_NONE, a Python that cannot be
 * read is RES_FAIL. Only RES_FAIL fills the fault. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdint.h>

enum res {
	RES_OK,   /* found, done */
	RES_NONE, /* absent; not an error */
	RES_FAIL, /* broken; see the fault */
};

struct fault {
	int code;       /* a G_* code of <libproc.h> where one fits, else 0 */
	int sys;        /* errno at the time, or 0 */
	uint64_t va;    /* address in the target that the fault concerns, or 0 */
	char text[256]; /* one line without newline: what went wrong and why */
};

/* Fill *f; the text is truncated to fit. f may be NULL if the caller does not need the reason.
 * Always returns RES_FAIL, so that callers can write `return fault_set(...)`. */
enum res fault_set(struct fault *f, int code, int sys, uint64_t va, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Fill *f for a failed allocation. Returns RES_FAIL. */
enum res fault_memory(struct fault *f);

#endif
