/* CPython in the memory of another process.
 *
 *   py_process   the interpreters of one libproc handle: runtime(s), version, layout
 *     py_thread    a thread state
 *       py_stack     its Python frames, innermost first, cut into runs by activation markers
 *         py_code      a code object, read once and cached: names, line table
 *
 * Knows nothing of native stacks. Works over any handle. Reads memory by Pread only, so a capture
 * in progress keeps every page that is read. Trusts no byte of the target. */
#ifndef PYTHON_PYTHON_H
#define PYTHON_PYTHON_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "base/vec.h"

struct py_process;

/* fault.code of py_process_create for a CPython older than the oldest row of the tables, and for
 * one that has no interpreter, of which nothing is missing. */
enum { PY_FAULT_TOO_OLD = 1000, PY_FAULT_NOT_STARTED };

/* Find every CPython in P (2.4 and later). P must outlive *out. RES_NONE: there is none. RES_FAIL:
 * there is one, but it cannot be decoded; f says why (too old, with its version; damaged; not
 * initialised). */
enum res py_process_create(struct ps_prochandle *P, struct py_process **out, struct fault *f);
/* The same, but those that have not started yet are taken as well. */
enum res py_process_create_early(struct ps_prochandle *P, struct py_process **out, struct fault *f);
void py_process_destroy(struct py_process *py); /* NULL ok */

/* Read from P from now on; keep addresses and layouts. For a capture: the interpreters are found
 * over the live handle, their frames read over the captured one. Code objects are read again:
 * frames that were read before lose their names and lines. */
void py_process_move(struct py_process *py, struct ps_prochandle *P);

/* Let py_stack_finish read long immutable data (line tables) from `live`, the captured process,
 * which may run by then. Data that has changed since is detected, and counts as unreadable. Without
 * this call, and after py_process_move, it is read from the same handle as everything else. */
void py_process_later(struct py_process *py, struct ps_prochandle *live);

size_t py_runtimes(const struct py_process *py);                  /* number of interpreter binaries */
uint32_t py_version(const struct py_process *py, size_t runtime); /* PY_VERSION_HEX */

/* Path of the binary of this runtime, as the process sees it. Owned by py. */
const char *py_runtime_file(const struct py_process *py, size_t runtime);

/* How an interpreter was found. */
enum py_found {
	PY_FOUND_SYMBOL,  /* by a symbol: _PyRuntime, or PyInterpreterState_Head up to 3.6 */
	PY_FOUND_SECTION, /* by the section .PyRuntime of its file */
	PY_FOUND_MEMORY,  /* by the contents of writable memory */
};
/* Of a runtime: how it was found; whether it is a free-threaded build (3.13+); the address of its
 * _PyRuntime, up to 3.6 that of the pointer to its first interpreter. runtime < py_runtimes(py). */
enum py_found py_found_by(const struct py_process *py, size_t runtime);
bool py_free_threaded(const struct py_process *py, size_t runtime);
uint64_t py_runtime_address(const struct py_process *py, size_t runtime);

/* True if the tables have this minor version. A newer one is decoded like the newest in them. */
bool py_version_known(uint32_t version);

/* How memory contradicts the layout of this runtime, as a phrase ("frame objects have an unexpected
 * size"): its frames may be missing or wrong. NULL: it does not, or debug information gave the
 * right layout. */
const char *py_layout_mismatch(const struct py_process *py, size_t runtime);

struct py_thread {
	uint32_t runtime;   /* index of its runtime */
	uint64_t tstate;    /* address of the PyThreadState */
	uint64_t interp;    /* address of its PyInterpreterState */
	int64_t interp_id;  /* before 3.7, without ids: its number from the oldest, 0 */
	uint64_t thread_id; /* pthread_self(): os_thread_pointer of its LWP */
	uint64_t native_id; /* TID in the target's own pid namespace, 3.11+, else 0; may be stale */
	uint64_t near;      /* where its youngest frames were when the list was read; 0 unknown */
};
typedef VEC(struct py_thread) py_threads;

/* All thread states of all interpreters, in list order: the main interpreter's main thread last.
 * Lists are bounded and cycle-checked. RES_FAIL: a list is broken, f says how; *out has what could
 * be read. */
enum res py_threads_read(struct py_process *py, py_threads *out, struct fault *f);

/* The thread state at `tstate`, which is of that runtime. RES_NONE: there is none. An interpreter
 * without ids has 0. */
enum res py_thread_at(struct py_process *py, uint32_t runtime, uint64_t tstate, struct py_thread *out);

/* Number of interpreters that the last py_threads_read found, with thread states or without. */
size_t py_interpreters(const struct py_process *py);

/* True if py_threads_read would probably return `list` again. A new state comes first in its
 * interpreter's list, so only the first ones are read: the removal of a later one goes
 * unnoticed. */
bool py_threads_same(struct py_process *py, const py_threads *list);

/* How the frames of a version identify their activations. */
enum py_marking {
	PY_MARK_NONE,   /* ≤ 3.10: an activation each, in order; the frame's address verifies it */
	PY_MARK_CFRAME, /* 3.11: the address of the _PyCFrame */
	PY_MARK_ENTRY   /* 3.12+: the address of the entry frame */
};
enum py_marking py_marking_of(const struct py_process *py, size_t runtime);

struct py_frame {
	uint64_t addr;   /* PyFrameObject (≤ 3.10) or _PyInterpreterFrame */
	uint64_t code;   /* PyCodeObject, untagged */
	uint32_t known;  /* index of its cached code object, for py_code_get */
	uint64_t instr;  /* ≤ 3.10: byte offset of f_lasti (all ones before the start); else that of the
	                 * instruction (prev_instr, instr_ptr) */
	uint64_t object; /* 3.11+: its own PyFrameObject, or 0 */
	int32_t tlbc;    /* free-threaded 3.14+: index of the bytecode copy, else 0 */
	int32_t line;    /* filled by py_stack_finish; 0 also with line_unread */
	int32_t lineno;  /* 3.11+: line of that object, which Python prefers; 0 none */
	uint8_t owner;
	bool bad;         /* its code object cannot be decoded: printed as a mark, never dropped */
	bool line_unread; /* its line table could not be read, or has no such instruction */
	bool hidden;      /* never shown by Python itself (prologue, shims): not printed */
	bool synthetic;   /* ≤ 3.10: not started or suspended, so without an activation of its own */
	/* Put on the chain by code that is not the evaluation loop (compiled by Nuitka; pyexpat's
	 * callbacks up to 3.3): no activation of the loop runs it. */
	bool made;
	/* 3.9, 3.10: a generator's frame that is not running, though it may be the youngest (or
	 * about to leave). */
	bool suspended;
	bool found; /* not on the chain: found by py_stack_recover, not yet proved */
};

/* The frames of one activation, frames[first … first+count), innermost first like the runs. marker
 * 0: not known (≤ 3.10, or the chain breaks before the entry frame), or there is none: a frame that
 * is `made` is a run of its own. count may be 0: an activation that has just been entered. */
struct py_run {
	uint64_t marker;
	uint32_t first, count;
	/* Set by lib/capture, else 0: AddressSanitizer has moved the activation's variables off its
	 * stack. fake: where the marker was (marker is 0 then). function: start of the activation's
	 * code. taken_at: an address on the stack, slightly below its stack pointer. */
	uint64_t fake, function, taken_at;
	uint32_t runtime; /* index of their runtime */
	uint64_t tstate;  /* their thread state: py_stack_merge joins the runs of several */
};

struct py_locals;

struct py_stack {
	VEC(struct py_frame) frames; /* innermost first; entry frames are not among them */
	VEC(struct py_run) runs;     /* for PY_MARK_NONE: one run per frame, marker 0 */
	VEC(uint64_t) cframes;       /* 3.10: CFrame addresses on the C stack, youngest first */
	bool broken;                 /* the chain ends in garbage, a cycle or a limit: see why */
	bool unread;                 /* the chain is whole, but an object or a type of one of its frames
	                              * cannot be read: see why, unless it is broken, too */
	bool entering;               /* with broken: the chain was read some instructions before
	                              * it is linked */
	bool cut;                    /* the chain ends at a suspended generator: frames are missing */
	char why[128];
	struct py_locals *locals; /* of its frames, owned (locals/py_locals.h); NULL: not read */
};

/* Read the frames of t, and their code objects into the cache: everything that must be read while a
 * target is stopped. Iterative, bounded, cycle-checked. RES_OK also if the chain is broken
 * (out->broken). RES_NONE: t runs no Python. RES_FAIL: t does not exist any more or belongs to
 * another thread, or out of memory. The caller frees *out after RES_OK. */
enum res py_stack_read(
    struct py_process *py, const struct py_thread *t, struct py_stack *out, struct fault *f);

/* Make the reads that py_stack_read will probably make for t, whose thread may run: they show which
 * pages its frames occupy. py_stack_read reads code objects again that were new to the cache.
 * *out: frames that were found, which may be wrong; the caller frees them. NULL: unneeded. */
void py_stack_prefetch(struct py_process *py, const struct py_thread *t, struct py_stack *out);

/* Words of a thread: its registers, then its stack from sp on. */
struct py_words {
	const uint64_t *at;
	size_t n;
};

/* Add the frames that a chain lacks which a throw() has cut. In 3.9, and in 3.10 for some moments,
 * gen.throw() through a generator that delegates (`yield from`, await) puts that generator's frame
 * on the chain without a link to its caller, which is kept in a variable (CPython 3.9 genobject.c,
 * _gen_throw). The missing frames are searched for among the thread's words: outer generators, each
 * delegating to the inner one, then the chain of the frame that threw, to its end. They are
 * appended with `found` set, if only one order is possible. RES_FAIL: out of memory. */
enum res py_stack_recover(struct py_process *py, const struct py_thread *t, struct py_words words,
    struct py_stack *s, struct fault *f);

/* Correct a stack whose second frame is an entry frame. An activation of 3.13 may link its first
 * frame, and so its entry frame, before it sets the entry frame's owner (two instructions before,
 * in Debian's 3.13.5): old stack contents may make it look like a frame. The caller must have found
 * that frames[1] lies on the thread's C stack, where only entry frames do, and s->runs.at[0].count
 * must be 2 at least. frames[1] becomes the marker of its run. Its link may not be set yet, so the
 * frames after it are dropped: entering and broken say so. */
void py_stack_unowned(struct py_stack *s);

/* Drop the frames that py_stack_recover has found. */
void py_stack_drop_recovered(struct py_stack *s);

/* Add the frames of another thread state of the same thread: runs in the order of their markers,
 * those without a marker after the runs of s. RES_FAIL: out of memory; s is unchanged. */
enum res py_stack_merge(struct py_stack *s, const struct py_stack *other, struct fault *f);

/* Set line and hidden of all frames. Reads no memory of the target but late line tables
 * (py_process_later). */
void py_stack_finish(struct py_process *py, struct py_stack *s);
void py_stack_free(struct py_stack *s);

/* The frame at addr, with its line, whether or not it is on a thread's chain. RES_NONE: there is no
 * frame of any interpreter, or an entry frame, which runs nothing. */
enum res py_frame_at(struct py_process *py, uint64_t addr, struct py_frame *out);

/* For exploring a process by hand. py_interpreters_read: the PyInterpreterStates from the one that
 * the pointer at `first` leads to (0: those of every runtime). py_interpreter_threads: the thread
 * states of one. Broken lists as for py_threads_read. RES_FAIL also for an interpreter of no
 * runtime. */
typedef VEC(uint64_t) py_addresses;
enum res py_interpreters_read(struct py_process *py, uint64_t first, py_addresses *out, struct fault *f);
enum res py_interpreter_threads(struct py_process *py, uint64_t interp, py_threads *out, struct fault *f);

struct py_code {
	uint64_t addr;
	int32_t first_line;           /* 0 unknown */
	char *file, *name, *qualname; /* UTF-8 (or WTF-8), owned; qualname is NULL up to 3.10 */
	size_t file_len, name_len, qualname_len;
};
/* The code object that the frame had when py_stack_read read it, or NULL. Valid until
 * py_process_move. */
const struct py_code *py_code_get(const struct py_process *py, const struct py_frame *frame);

/* What a frame executes. Columns count bytes of the line in UTF-8, from 0; -1: unknown. */
struct py_position {
	int32_t line, end_line, column, end_column;
};

/* The position of a frame that py_stack_finish has given a line, of 3.11 and later. May read a late
 * line table (py_process_later). False: only its line is known; *out is unchanged. */
bool py_frame_position(struct py_process *py, const struct py_frame *frame, struct py_position *out);

/* True if a PyFrameObject (≤ 3.10) is at addr: its ob_type is PyFrame_Type. Verifies a pointer that
 * was found in a register. */
bool py_is_frame_object(struct py_process *py, size_t runtime, uint64_t addr);

/* Address range [lo, hi). */
struct py_range {
	uint64_t lo, hi;
};

/* Ranges of the evaluation loop by symbol (≤ 3.10, where frames do not mark activations), with its
 * .cold part if it has one. Returns how many were stored, at most max. Reads symbol tables: call it
 * after the release. */
size_t py_eval_ranges(struct py_process *py, size_t runtime, struct py_range *out, size_t max);

/* Ranges of the function at pc in the runtime's own file, by the file's unwind table, with or
 * without symbols: out[0], and its .cold part out[1]. Returns how many were stored; 0: there is no
 * such function. */
size_t py_function_ranges(struct py_process *py, size_t runtime, uint64_t pc, struct py_range out[2]);

#endif
