/* Errors as values.
 *
 * A function that can fail returns enum res and takes a struct fault of its caller. "Absent" and
 * "broken" are different answers: no Python in a process is RES_NONE, a Python that cannot be read
 * is RES_FAIL. Only RES_FAIL fills the fault. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include <stdint.h>

enum res {
	RES_OK,   /* found, done */
	RES_NONE, /* nothing there; no error */
	RES_FAIL, /* broken; the fault says what */
};

struct fault {
	int code;       /* a G_* code of <libproc.h> where one fits, else 0 */
	int sys;        /* errno at the time, or 0 */
	uint64_t va;    /* address in the target the fault is about, or 0 */
	char text[256]; /* one line without newline: what went wrong and why */
};

/* Fill *f. The text is cut to fit. Returns RES_FAIL, always, so that `return fault_set(...)` reads
 * as what it is. f may be NULL when the caller does not want to know. */
enum res fault_set(struct fault *f, int code, int sys, uint64_t va, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The fault for a failed allocation. Returns RES_FAIL. */
enum res fault_memory(struct fault *f);

#endif
