/* CPython in someone else's memory: what the rest of pystack may ask.
 *
 *   py_process   the interpreters of one libproc handle: runtime(s), version, layout
 *     py_thread    a thread state
 *       py_stack     its Python frames, innermost first, cut into runs by activation markers
 *         py_code      a code object, read once and cached: names, line table
 *
 * Knows nothing of native stacks. Works over any handle; reads memory by Pread only, so that over a
 * capture in progress every page it touches is captured. Nothing here trusts a byte of the target. */
#ifndef PYTHON_PYTHON_H
#define PYTHON_PYTHON_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "base/vec.h"

struct py_process;

/* fault.code of py_process_open for a CPython that is older than the oldest row of the tables. */
enum { PY_FAULT_TOO_OLD = 1000 };

/* Find every CPython in P (2.4 and later). RES_NONE: there is none. RES_FAIL: there is one and it cannot
 * be used: f says why (too old: names the version; damaged; not initialised). */
enum res py_process_open(struct ps_prochandle *P, struct py_process **out, struct fault *f);
void py_process_close(struct py_process *py); /* NULL ok */

/* Everything found out so far (addresses, layouts, caches of code objects) is kept; reads go to
 * `P` from now on. For a capture: found out over the live handle, then moved to the captured one. */
void py_process_move(struct py_process *py, struct ps_prochandle *P);

size_t py_runtimes(const struct py_process *py);                  /* how many interpreters binaries */
uint32_t py_version(const struct py_process *py, size_t runtime); /* PY_VERSION_HEX */

struct py_thread {
	uint32_t runtime;   /* index of its runtime */
	uint64_t tstate;    /* address of the PyThreadState */
	uint64_t interp;    /* address of its PyInterpreterState */
	int64_t interp_id;  /* 0 before 3.7: they had none */
	uint64_t thread_id; /* pthread_self(): the FS base of its LWP on glibc */
	uint64_t native_id; /* TID in the target's own pid namespace, 3.11+, else 0; may be stale */
};
typedef VEC(struct py_thread) py_threads;

/* All thread states of all interpreters, main interpreter's main thread last (list order). Lists are
 * bounded and cycle-checked. RES_FAIL: a list was broken; *out has what could be read (f says). */
enum res py_threads_read(struct py_process *py, py_threads *out, struct fault *f);

/* How the frames of a version tell their activations. */
enum py_marking {
	PY_MARK_NONE,   /* ≤ 3.10: one activation each, in order; frame addresses to verify with */
	PY_MARK_CFRAME, /* 3.11: the address of the _PyCFrame */
	PY_MARK_ENTRY   /* 3.12+: the address of the entry frame */
};
enum py_marking py_marking_of(const struct py_process *py, size_t runtime);

struct py_frame {
	uint64_t addr;  /* PyFrameObject (≤ 3.10) or _PyInterpreterFrame */
	uint64_t code;  /* PyCodeObject, untagged */
	uint64_t instr; /* ≤ 3.10: byte offset of f_lasti (all ones before the start); else address of the
	                 * instruction (prev_instr, instr_ptr) */
	int32_t tlbc;   /* free-threaded 3.14+: index of the bytecode copy, else 0 */
	int32_t line;   /* filled by py_stack_finish: 0 unknown */
	uint8_t owner;
	bool bad;       /* its code object cannot be decoded: printed as a mark, never dropped */
	bool hidden;    /* Python itself never shows it (prologue, shims): not printed */
	bool synthetic; /* ≤ 3.10: not started or suspended, so in no activation of its own */
};

/* One activation's worth of frames: frames[first … first+count). marker 0: none known (≤ 3.10, or the
 * chain broke before its entry frame). Runs are innermost first like the frames. count may be 0 (an
 * activation that has just been entered). */
struct py_run {
	uint64_t marker;
	uint32_t first, count;
};

struct py_stack {
	VEC(struct py_frame) frames; /* innermost first; entry frames are not among them */
	VEC(struct py_run) runs;     /* for PY_MARK_NONE: one run per frame, marker 0 */
	VEC(uint64_t) cframes;       /* 3.10: CFrame addresses on the C stack, youngest first */
	bool broken;                 /* the chain ended in garbage, a cycle or a limit: `why` says */
	bool entering;               /* and that because it was read in a moment when it is not linked:
	                              * some instructions later it is */
	char why[128];
};

/* The frames of t, and the code objects they name (read into the cache now, so that while a target is
 * held everything about a frame is read). RES_OK also when the chain is broken (out->broken).
 * RES_NONE: no Python running on t. Iterative; bounded by memory; cycle-checked. */
enum res py_stack_read(
    struct py_process *py, const struct py_thread *t, struct py_stack *out, struct fault *f);
/* Add the frames of another thread state of the same thread: runs in the order of their markers, without markers behind
 * those of s. RES_FAIL: out of memory, s is as it was. */
enum res py_stack_merge(struct py_stack *s, const struct py_stack *other, struct fault *f);
/* Decode lines and hidden flags from what was read; touches the cache only. */
void py_stack_finish(struct py_process *py, const struct py_thread *t, struct py_stack *s);
void py_stack_free(struct py_stack *s);

struct py_code {
	uint64_t addr;
	char *file, *name, *qualname; /* UTF-8 (surrogates as WTF-8), owned; qualname NULL before 3.11 */
	size_t file_len, name_len, qualname_len;
};
/* A code object read before by py_stack_read, or NULL. */
const struct py_code *py_code_get(const struct py_process *py, uint64_t addr);

/* Is there a PyFrameObject (≤ 3.10) at addr, i.e. ob_type == PyFrame_Type? For verifying a pointer found
 * in a register. */
bool py_is_frame_object(struct py_process *py, size_t runtime, uint64_t addr);

/* Address ranges [lo, hi) of the evaluation loop by symbol (with its .cold part if that has one), for
 * ≤ 3.10 where nothing marks an activation. Returns how many were stored (at most max); resolve after
 * the release: it reads symbol tables. */
struct py_range {
	uint64_t lo, hi;
};
size_t py_eval_ranges(struct py_process *py, size_t runtime, struct py_range *out, size_t max);

#endif
