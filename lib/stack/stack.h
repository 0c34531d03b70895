/* Mixed stacks of a process or core, for cmd and report.
 *
 * stack_target_open captures a live process (and releases it at once) or takes a core as it is;
 * stack_thread_read then unwinds and joins one thread at a time, from the copy. */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <libproc.h>

#include "base/fault.h"
#include "base/memory_piece.h"
#include "capture/stop_policy.h"
#include "capture/thread_state.h"
#include "python/python.h"
#include "stack/join/join.h"
#include "unwind/unwind.h"

struct stack_options {
	const char *lwps; /* set of LWPs (proc_lwp_in_set), NULL all */
	bool python_only; /* no unwinding, unless the order of Python frames needs it */
	enum unwind_engine engine;
	bool holds_still; /* another program holds P: read it without stopping it, like a core */
	enum stop_policy policy;
	int64_t hold_ns; /* longest stop; 0: 100 ms; negative: none, with STOP_NONE */
	bool force;      /* also a process that another program controls, where the system allows it */
	/* The process will be captured repeatedly: threads that have not run since are not read
	 * again. Not with STOP_ALL. */
	bool sampling;
	bool early;   /* take Pythons that have not started yet, too; for stack_target_take */
	bool running; /* with sampling: leave out threads that wait */
	bool about;   /* find out what threads are called and do (struct thread_state) */
	bool tasks;   /* read the tasks of event loops too */
	int locals;   /* read the values of variables (-l); 2: more and longer ones */
};

struct stack_target;

/* P: live (grabbed PGRAB_RDONLY, not held) or a core; it must outlive the result. RES_FAIL: no
 * thread could be captured; f says why. */
enum res stack_target_open(
    struct ps_prochandle *P, const struct stack_options *opt, struct stack_target **out, struct fault *f);
void stack_target_close(struct stack_target *t); /* NULL ok */

/* A thread that was captured elsewhere, at one instant. Borrowed by stack_target_take. */
struct stack_recorded {
	lwpid_t id;
	const uint64_t *regs; /* the first n_regs words of x86-64's NT_PRSTATUS, of i386 too */
	size_t n_regs;
	uint64_t thread_pointer;
	const struct stack_recorded_state {
		uint32_t runtime;
		uint64_t tstate;
	} * states; /* its thread states, n_states of them, newest first */
	size_t n_states;
	const struct memory_piece *pieces; /* its memory, n_pieces of them */
	size_t n_pieces;
	const struct stack_recorded_return { /* return addresses that memory does not have, n_returns */
		uint64_t slot, pc;           /* where on the stack it belongs, and the address */
	} * returns;
	size_t n_returns;
	const struct stack_recorded_range { /* n_replaced ranges of code that P has in place of other code */
		uint64_t lo, hi;
	} * replaced;
	size_t n_replaced;
	bool all_replaced;   /* it is not known what P has in place of other code */
	bool stack_cut;      /* the oldest part of its C stack is missing */
	bool states_unknown; /* its process was not known: it may have thread states */
};

/* As stack_target_open, but nothing is captured: for stack_target_take. */
enum res stack_target_prepare(
    struct ps_prochandle *P, const struct stack_options *opt, struct stack_target **out, struct fault *f);

/* Makes r the only thread of t. P and the options must be those of stack_target_prepare. RES_FAIL:
 * out of memory. */
enum res stack_target_take(
    struct stack_target *t, struct ps_prochandle *P, const struct stack_recorded *r, struct fault *f);

/* Captures the live process of t again, keeping what is known of its files, interpreters and code.
 * P and the options must be those of stack_target_open. RES_FAIL: nothing could be captured, t has
 * no threads; the caller may try again. */
enum res stack_target_recapture(struct stack_target *t, struct ps_prochandle *P, struct fault *f);

/* The handle for looking up symbols: the captured one, or the core. */
struct ps_prochandle *stack_target_handle(const struct stack_target *t);

size_t stack_threads(const struct stack_target *t);     /* those in the set */
size_t stack_threads_all(const struct stack_target *t); /* all threads of the process */

/* Threads of the set that there was no memory for: they are in no list. */
size_t stack_threads_left_out(const struct stack_target *t);

lwpid_t stack_thread_id(const struct stack_target *t, size_t i); /* of thread i of the set */

/* The number of Python interpreters, of all its Pythons. */
size_t stack_interpreters(const struct stack_target *t);

/* RES_OK: t has a readable Python; RES_NONE: none, or only one that is too old to be decoded or has
 * no interpreter (yet, or any more); RES_FAIL: one that cannot be read. *why (text owned by t): the
 * reason, or NULL. */
enum res stack_python(const struct stack_target *t, const char **why);

/* True if Python frames of a thread may be missing because the list of thread states could not be
 * read whole. */
bool stack_states_cut(const struct stack_target *t);

/* True if names that Python has for threads could not be read. */
bool stack_names_cut(const struct stack_target *t);

/* The tasks of event loops: none unless they were asked for, or of a process without Python. */
const struct py_tasks *stack_tasks(const struct stack_target *t);

/* Why no LWP could be stopped, although their Python frames could be read; NULL if some were
 * stopped. */
const struct fault *stack_not_held(const struct stack_target *t);
/* The longest time, in ns, that threads were held at once, so far; 0: none was. A thread may be
 * held when it is read (stack_thread_read). */
int64_t stack_held_ns(const struct stack_target *t);
const struct py_process *stack_python_process(const struct stack_target *t);

/* py_frame_position of a frame of t. */
bool stack_position(const struct stack_target *t, const struct py_frame *frame, struct py_position *out);

/* An interpreter of the process. */
struct stack_interp {
	uint32_t runtime; /* index of its Python (py_version) */
	int64_t id;       /* among the interpreters of that Python */
};

/* With sampling: true if thread i has not run since stack_thread_read read it in an earlier
 * capture. Then the caller must not read it again; it is the same. *id: its number, in any case. */
bool stack_thread_same(const struct stack_target *t, size_t i, lwpid_t *id);

/* One thread, joined. The caller frees it with stack_thread_free. */
struct stack_thread {
	lwpid_t id;
	char name[64];             /* the kernel's; "" when it has none */
	struct thread_state state; /* its strings belong to the target */
	uint64_t thread_pointer;   /* pthread_self() on glibc; 0 unknown */
	bool noted;                /* why says something */
	char why[128];             /* why it has no native stack, or not all of it */
	bool failed;               /* something about it is missing */
	bool all_replaced;         /* names of native frames may be those of other code */
	bool zombie;               /* it has ended, and has no stack */
	struct native_stack native;
	struct py_stack python;
	struct join join; /* the order of printing */
	/* If the process has several interpreters: those that run these frames, youngest first. */
	VEC(struct stack_interp) interps;
};
enum res stack_thread_read(struct stack_target *t, size_t i, struct stack_thread *out, struct fault *f);
/* True if each of these n threads, which were read and found to wait for the next one, the last one
 * for the first, still does so, all at the same moment. False also if that is unknown. */
bool stack_circle_waits(struct stack_target *t, const size_t *threads, size_t n);
/* True if that thread has certainly not gone on since it was captured (capture_is_still). */
bool stack_thread_still(const struct stack_target *t, lwpid_t id);
void stack_thread_free(struct stack_thread *th);

#endif
