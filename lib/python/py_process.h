/* PRIVATE to lib/python: what is known of the interpreters in one process.
 *
 *   py_process ─┬─ runtimes[]  address, version, layout, types learned
 *               └─ codes[]     code objects read so far, by address (py_code.c) */
#ifndef PYTHON_PY_PROCESS_H
#define PYTHON_PY_PROCESS_H

#include "base/addrmap.h"
#include "python/layout/py_layout.h"
#include "python/py_memory.h"
#include "python/python.h"

struct py_code_entry;

struct py_runtime {
	uint64_t addr;    /* of _PyRuntime */
	uint32_t version; /* PY_VERSION_HEX */
	struct py_layout layout;
	char *object;      /* path of the binary it is in, owned */
	const char *doubt; /* what contradicts the layout, and nothing better was to be had; NULL: nothing */
	/* Type objects, 0 while not known: by symbol, or learned from the first object that proves to be
	 * of the type. */
	uint64_t code_type, frame_type, str_type;
};

/* The line table that was read last of those that are read when the target runs again (py_table.c). */
struct py_late_table {
	uint64_t at; /* 0: none */
	size_t len;
	uint32_t generation;
	uint8_t *bytes;
};

struct py_process {
	struct ps_prochandle *P;     /* the caller's */
	struct ps_prochandle *later; /* where what is immutable is read from at the end; the caller's */
	struct py_late_table late;
	VEC(struct py_runtime) runtimes;
	VEC(struct py_code_entry *) codes;
	struct addrmap code_index; /* address → index in codes of the latest one there */
	VEC(uint32_t) replaced;    /* indices of those that others have replaced in this generation */
	VEC(uint32_t) spare;       /* and in earlier ones: free */
	struct addrmap seen;       /* scratch: nodes of the list being walked */
	size_t interps;            /* met by the last py_threads_read */
	uint32_t epoch;            /* counts py_stack_read: what was checked in this one stays good for it */
	uint32_t generation;       /* counts py_process_move: strings and tables are read once in each */
	bool rehearsal;            /* what is read now counts as of an older one */
};

/* Find the runtimes of py->P into py->runtimes (py_runtime.c). Results as py_process_open. */
enum res py_runtime_find(struct py_process *py, struct fault *f);

/* Judge one candidate: does the runtime at addr, with layout l, lead to an interpreter that has a thread
 * state which points back to it? RES_NONE: it has not started (no interpreter, or no thread state yet).
 * RES_FAIL: it leads to something else. */
enum res py_runtime_validate(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, struct fault *f);

/* Take a runtime that has been judged good. path is copied. why: what in memory contradicts the layout (a constant), or
 * NULL. */
enum res py_runtime_add(struct py_process *py, uint64_t addr, uint32_t version, const struct py_layout *l,
    const char *path, const char *why, struct fault *f);

/* Is the type object at `type` called `name`? *known is the address learned so far. */
bool py_type_is(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t type, const char *name, uint64_t *known);

/* The code object of a frame, read now or proven unchanged since it was read: frame->known is set. Also the start of the
 * frame's copy of its bytecode. RES_FAIL: it is no code object that can be decoded. */
enum res py_code_load(struct py_process *py, struct py_runtime *rt, struct py_frame *frame, struct fault *f);
/* Hidden and line of a frame, without memory of the target but for late tables. */
void py_code_resolve(struct py_process *py, const struct py_layout *l, struct py_frame *frame);
/* Nobody asks any more for code objects that others have replaced. */
void py_code_spare(struct py_process *py);
void py_code_free_all(struct py_process *py);

/* The chains of the three families. `tstate` is a view of the thread state at t->tstate. They append
 * to s, and set s->broken; RES_FAIL only without memory. */
enum res py_frames_object(struct py_process *py, struct py_runtime *rt, const struct py_thread *t,
    const struct py_view *tstate, struct py_stack *s, struct fault *f);
/* The links of `at` and what follows, with their runs: frames `found` so. *last: a view of the last one, in the bytes
 * given (PY_STRUCT_MAX of them); n 0 if there was none. */
enum res py_frames_links(struct py_process *py, struct py_runtime *rt, uint64_t at, bool found,
    uint8_t *bytes, struct py_view *last, struct py_stack *s, struct fault *f);

/* Is this the frame of a generator that is suspended, as the state of the generator's frame says and its value stack
 * confirms? For the layouts that tell (3.9, 3.10). *values_end: behind the last value. */
bool py_frame_delegates(const struct py_layout *l, const struct py_view *v, uint64_t *values_end);
enum res py_frames_cframe(struct py_process *py, struct py_runtime *rt, const struct py_thread *t,
    const struct py_view *tstate, struct py_stack *s, struct fault *f);
enum res py_frames_entry(struct py_process *py, struct py_runtime *rt, const struct py_thread *t,
    const struct py_view *tstate, struct py_stack *s, struct fault *f);

/* Limits: far above anything real, low enough to end. */
enum {
	PY_FRAMES_MAX = 16 << 20,
	PY_THREADS_MAX = 1 << 20,
	PY_INTERPS_MAX = 1 << 16,
	PY_BAD_RUN_MAX = 64 /* code objects in a row that make no sense: the chain is garbage */
};

/* Values of `owner` (CPython Include/internal/pycore_frame.h, enum _frameowner). */
enum {
	PY_OWNED_BY_THREAD = 0,
	PY_OWNED_BY_GENERATOR = 1,
	PY_OWNED_BY_OBJECT = 2, /* its PyFrameObject: no frame that the loop runs */
	PY_OWNED_BY_CSTACK = 3, /* 3.12+: an entry frame; 3.14 has both 3 and 4 for such */
	PY_OWNER_LAST = 4
};

/* What a copy of a frame says, but for its address, whatever the version (py_frame.c). Not for entry frames, which
 * have next to nothing in them. `youngest`: no frame was called by it. */
void py_frame_decode(const struct py_layout *l, const struct py_view *v, bool youngest, struct py_frame *out);

/* What the PyFrameObject of this frame adds, if there is one: lineno, object, made. v: as py_frame_decode's. */
void py_frame_look(
    struct py_process *py, struct py_runtime *rt, const struct py_view *v, struct py_frame *out);

/* Common to the families (py_stack.c). The first end of a chain is the one that is told. */
void py_stack_break(struct py_stack *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Forget the frames and runs read so far, which were of an activation being entered. What is read after it, from what
 * seems to be the next one, may leave out some: s->entering and s->broken say so. */
void py_stack_restart(struct py_process *py, struct py_stack *s);

/* A step of a chain: may `addr` be walked to? False: s->broken says why (cycle, limit, not an
 * address) or *res is RES_FAIL (memory). */
bool py_step_ok(struct py_process *py, const struct py_layout *l, uint64_t addr, struct py_stack *s,
    enum res *res, struct fault *f);

/* The same for a frame, whose first l->frame_extent bytes are read. */
bool py_step_to_frame(struct py_process *py, const struct py_layout *l, uint64_t addr, uint8_t *bytes,
    struct py_stack *s, enum res *res, struct fault *f);

/* Read the frame's code object and append it. bad_run counts code objects in a row that failed; false
 * as above. */
bool py_frame_push(struct py_process *py, struct py_runtime *rt, struct py_frame *frame, struct py_stack *s,
    unsigned *bad_run, enum res *res, struct fault *f);

/* 3.11 and 3.12 link an activation's C frame to the thread before they write into it (gcc puts both of its pointers
 * last): for some instructions it says what the stack held there before, often a frame that has returned. Can the
 * frames of s->frames up to `count` be the youngest activation's? `joins`: they lead to the next activation's. */
bool py_entered(struct py_process *py, const struct py_layout *l, const struct py_view *tstate,
    const struct py_stack *s, size_t count, bool joins);

/* How many frames are the youngest activation's and younger than it? All, if none has its own. */
size_t py_youngest(const struct py_stack *s);

/* A run of what was pushed since `first`, with its marker; before it, one each of the frames that are made: what an
 * activation runs has called whoever made them. marker 0: no run of nothing. */
bool py_run_push(struct py_stack *s, uint64_t marker, size_t first, enum res *res, struct fault *f);

#endif
