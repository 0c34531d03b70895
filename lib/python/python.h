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

/* fault.code of py_process_create for a CPython that is older than the oldest row of the tables, and for one that has no
 * interpreter: nothing of it is missing. */
enum { PY_FAULT_TOO_OLD = 1000, PY_FAULT_NOT_STARTED };

/* Find every CPython in P (2.4 and later). RES_NONE: there is none. RES_FAIL: there is one and it cannot
 * be used: f says why (too old: names the version; damaged; not initialised). */
enum res py_process_create(struct ps_prochandle *P, struct py_process **out, struct fault *f);
void py_process_destroy(struct py_process *py); /* NULL ok */

/* Everything found out so far (addresses, layouts) is kept; reads go to `P` from now on. For a capture: found out over
 * the live handle, then moved to the captured one. Code objects are read again: frames that were read before are
 * not to be asked for their text any more. */
void py_process_move(struct py_process *py, struct ps_prochandle *P);

/* What is immutable and long (line tables) is read by py_stack_finish, not before, and from `live`: the process that is captured,
 * which runs by then. What has changed since is found out, and is as if it could not be read. Without this call, and after
 * py_process_move, it is read from where all else is. */
void py_process_later(struct py_process *py, struct ps_prochandle *live);

/* While `on`, what is read is not believed any later: code objects that are new are read again when they are met after
 * it. For a look at a thread that runs. */
void py_process_rehearse(struct py_process *py, bool on);

size_t py_runtimes(const struct py_process *py);                  /* how many interpreters binaries */
uint32_t py_version(const struct py_process *py, size_t runtime); /* PY_VERSION_HEX */

/* Is it a minor version that the tables were made for? A newer one is read as the newest of those. */
bool py_version_known(uint32_t version);

/* Why this runtime is not laid out as CPython of its version is (a phrase: "frames have an unexpected size"), if no debug
 * information told how it is: its frames may be missing or wrong. NULL: it is, or is known. */
const char *py_layout_mismatch(const struct py_process *py, size_t runtime);

struct py_thread {
	uint32_t runtime;   /* index of its runtime */
	uint64_t tstate;    /* address of the PyThreadState */
	uint64_t interp;    /* address of its PyInterpreterState */
	int64_t interp_id;  /* before 3.7 they have no number: counted from the oldest, 0 */
	uint64_t thread_id; /* pthread_self(): the FS base of its LWP on glibc */
	uint64_t native_id; /* TID in the target's own pid namespace, 3.11+, else 0; may be stale */
	uint64_t near;      /* its youngest frames lie there, or did when the list was read; 0 unknown */
};
typedef VEC(struct py_thread) py_threads;

/* All thread states of all interpreters, main interpreter's main thread last (list order). Lists are
 * bounded and cycle-checked. RES_FAIL: a list was broken; *out has what could be read (f says). */
enum res py_threads_read(struct py_process *py, py_threads *out, struct fault *f);

/* How many interpreters py_threads_read met when it was last called, with thread states or without. */
size_t py_interpreters(const struct py_process *py);

/* Does it look as if py_threads_read would give `list` again? A new state comes first in its interpreter's list, so that
 * only the newest ones are looked at: what was removed behind them is not noticed. */
bool py_threads_same(struct py_process *py, const py_threads *list);

/* How the frames of a version tell their activations. */
enum py_marking {
	PY_MARK_NONE,   /* ≤ 3.10: one activation each, in order; frame addresses to verify with */
	PY_MARK_CFRAME, /* 3.11: the address of the _PyCFrame */
	PY_MARK_ENTRY   /* 3.12+: the address of the entry frame */
};
enum py_marking py_marking_of(const struct py_process *py, size_t runtime);

struct py_frame {
	uint64_t addr;   /* PyFrameObject (≤ 3.10) or _PyInterpreterFrame */
	uint64_t code;   /* PyCodeObject, untagged */
	uint32_t known;  /* which of the code objects read: py_code_get */
	uint64_t instr;  /* ≤ 3.10: byte offset of f_lasti (all ones before the start); else address of the
	                 * instruction (prev_instr, instr_ptr) */
	uint64_t object; /* 3.11+: its PyFrameObject, if it has one that is its own; else 0 */
	int32_t tlbc;    /* free-threaded 3.14+: index of the bytecode copy, else 0 */
	int32_t line;    /* filled by py_stack_finish: 0 unknown */
	int32_t lineno;  /* 3.11+: what that object says, which Python believes first; 0 nothing */
	uint8_t owner;
	bool bad;       /* its code object cannot be decoded: printed as a mark, never dropped */
	bool hidden;    /* Python itself never shows it (prologue, shims): not printed */
	bool synthetic; /* ≤ 3.10: not started or suspended, so in no activation of its own */
	/* Put on the chain by code that is not the evaluation loop (compiled by Nuitka; pyexpat's
	 * callbacks up to 3.3): no activation of the loop runs it. */
	bool made;
	bool
	    suspended; /* 3.9, 3.10: a generator's, not running though it may be the youngest (or about to leave) */
	bool found; /* not on the chain; found by py_stack_recover, and to be proved */
};

/* One activation's worth of frames: frames[first … first+count). marker 0: none known (≤ 3.10, or the
 * chain broke before its entry frame), or there is none: a frame that is `made` is a run by itself. Runs are innermost
 * first like the frames. count may be 0 (an activation that has just been entered). */
struct py_run {
	uint64_t marker;
	uint32_t first, count;
	/* Set by lib/capture; 0 elsewhere. AddressSanitizer has moved the activation's variables off its stack: fake is where marker was,
	 * which is 0, function where its code begins, and taken_at an address on the stack, little below its stack pointer. */
	uint64_t fake, function, taken_at;
	uint32_t runtime; /* index of the runtime that they are of */
	uint64_t tstate;  /* and their thread state: py_stack_merge puts those of several together */
};

struct py_stack {
	VEC(struct py_frame) frames; /* innermost first; entry frames are not among them */
	VEC(struct py_run) runs;     /* for PY_MARK_NONE: one run per frame, marker 0 */
	VEC(uint64_t) cframes;       /* 3.10: CFrame addresses on the C stack, youngest first */
	bool broken;                 /* the chain ended in garbage, a cycle or a limit: `why` says */
	bool entering;               /* and that because it was read in a moment when it is not linked:
	                              * some instructions later it is */
	bool cut;                    /* the chain ends at a suspended generator, which cannot be its end */
	char why[128];
};

/* The frames of t, and the code objects they name (read into the cache now, so that while a target is
 * held everything about a frame is read). RES_OK also when the chain is broken (out->broken).
 * RES_NONE: no Python running on t. RES_FAIL: t is not there any more, or another thread's by now, or no memory.
 * Iterative; bounded by memory; cycle-checked. */
enum res py_stack_read(
    struct py_process *py, const struct py_thread *t, struct py_stack *out, struct fault *f);
/* 3.9, and 3.10 for some moments: gen.throw() through a generator that delegates (`yield from`, await) puts that one's
 * frame on the chain without a link to its caller (CPython 3.9 genobject.c, _gen_throw), and keeps the caller's in a variable. For a chain that
 * is cut so, look for the missing frames among the words of the thread (registers, then its stack from sp on): outer
 * generators, each delegating to the inner one, and then the chain of the frame that threw, to its end. What is found
 * is appended, frames[i].found, if there is only one order for it. RES_FAIL: out of memory. */
enum res py_stack_recover(struct py_process *py, const struct py_thread *t, const uint64_t *words, size_t n,
    struct py_stack *s, struct fault *f);
/* An activation of 3.13 may link its first frame, and by that its entry frame, before it has said in the latter whose it
 * is (Debian's 3.13.5: two instructions before). What the stack held there decides then whether it is taken for a
 * frame, the second of the youngest run. The caller has found that one to lie on the thread's C stack, where nothing else
 * of a chain can: s->runs.at[0].count is 2 at least. It becomes the marker of its run, and since it need not lead to its
 * caller yet, the frames behind it are dropped: s->entering and s->broken say so. */
void py_stack_unowned(struct py_stack *s);
/* Without what py_stack_recover found. */
void py_stack_drop_recovered(struct py_stack *s);
/* Add the frames of another thread state of the same thread: runs in the order of their markers, without markers behind
 * those of s. RES_FAIL: out of memory, s is as it was. */
enum res py_stack_merge(struct py_stack *s, const struct py_stack *other, struct fault *f);
/* Decode lines and hidden flags from what was read; touches the cache only. */
void py_stack_finish(struct py_process *py, struct py_stack *s);
void py_stack_free(struct py_stack *s);

/* The frame at addr alone, its line filled; whether it is on some thread's chain is not asked. RES_NONE: what lies
 * there is no frame of any of the interpreters, or an entry frame, which runs nothing. */
enum res py_frame_at(struct py_process *py, uint64_t addr, struct py_frame *out);

/* For going through a process by hand: addresses of PyInterpreterStates, from that of a pointer to the first (0: each
 * interpreter binary's own), and the thread states of one. As py_threads_read for broken lists; for an interpreter that
 * no runtime knows RES_FAIL. */
typedef VEC(uint64_t) py_addresses;
enum res py_interpreters_read(struct py_process *py, uint64_t first, py_addresses *out, struct fault *f);
enum res py_interpreter_threads(struct py_process *py, uint64_t interp, py_threads *out, struct fault *f);

struct py_code {
	uint64_t addr;
	char *file, *name, *qualname; /* UTF-8 (surrogates as WTF-8), owned; qualname NULL before 3.11 */
	size_t file_len, name_len, qualname_len;
};
/* The code object that a frame had when py_stack_read read it, or NULL. (Another may be at its address by now.) */
const struct py_code *py_code_get(const struct py_process *py, const struct py_frame *frame);

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

/* The function of the runtime's own file that pc is in, by the file's unwind table, symbols or not: out[0], and its .cold
 * part out[1]. Returns how many were stored; 0: there is none. */
size_t py_function_ranges(struct py_process *py, size_t runtime, uint64_t pc, struct py_range out[2]);

#endif
