/* Mixed stacks: what cmd asks for.
 *
 * stack_target_open captures a live process (and lets it go at once) or takes a core as it is;
 * stack_thread_read then unwinds and joins one thread at a time, from the copy. */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <libproc.h>

#include "base/fault.h"
#include "capture/stop_policy.h"
#include "python/python.h"
#include "stack/join/join.h"
#include "unwind/unwind.h"

struct stack_options {
	const char *lwps; /* set of LWPs (proc_lwp_in_set), NULL all */
	bool python_only; /* native frames are not asked for: no unwinding */
	enum unwind_engine engine;
	bool holds_still; /* somebody else holds P: read it as it lies, like a core */
	enum stop_policy policy;
	bool force; /* also what another program controls, where the system allows it */
	/* The process is captured again and again: threads that have not run since then are not read anew. Not with STOP_ALL. */
	bool sampling;
	bool running; /* with sampling: without the threads that wait */
};

struct stack_target;

/* P: live (grabbed PGRAB_RDONLY, not held) or a core; it must outlive the result. RES_FAIL: not one thread could
 * be captured; f says why. */
enum res stack_target_open(
    struct ps_prochandle *P, const struct stack_options *opt, struct stack_target **out, struct fault *f);
void stack_target_close(struct stack_target *t); /* NULL ok */

/* Capture the live process of t once more, with what is known of its files, interpreters and code. P and the options are
 * those of stack_target_open. RES_FAIL: nothing could be captured, t has no threads; it may be tried again. */
enum res stack_target_recapture(struct stack_target *t, struct ps_prochandle *P, struct fault *f);

/* The handle to look symbols up in: the captured one, or the core. */
struct ps_prochandle *stack_target_handle(const struct stack_target *t);

size_t stack_threads(const struct stack_target *t);     /* those in the set */
size_t stack_threads_all(const struct stack_target *t); /* all the process has */

lwpid_t stack_thread_id(const struct stack_target *t, size_t i); /* of thread i of the set */

/* How many Python interpreters it has, of all its Pythons. */
size_t stack_interpreters(const struct stack_target *t);

/* What Python it holds. RES_OK: some; RES_NONE: none, or only one that is too old to be decoded or has no
 * interpreter (yet, or any more); RES_FAIL: one that cannot be read. *why (text of the target): the reason, or
 * NULL. */
enum res stack_python(const struct stack_target *t, const char **why);

/* True if Python frames of some thread may be missing because the list of thread states could not be read whole. */
bool stack_states_cut(const struct stack_target *t);

/* Why no LWP at all could be held, although their Python frames could be read; NULL when some were. */
const struct fault *stack_not_held(const struct stack_target *t);
const struct py_process *stack_python_process(const struct stack_target *t);

/* An interpreter of the process. */
struct stack_interp {
	uint32_t runtime; /* index of its Python (py_version) */
	int64_t id;       /* among those of that Python */
};

/* With sampling: has thread i not run since it was read by stack_thread_read in an earlier capture? Then it is not to be read
 * now: it would be the same. *id: its number, in any case. */
bool stack_thread_same(const struct stack_target *t, size_t i, lwpid_t *id);

/* One thread, joined. */
struct stack_thread {
	lwpid_t id;
	char name[64]; /* "" when it has none */
	char why[128]; /* why it has no native stack, or not all of it; "" */
	bool failed;   /* something about it could not be had */
	bool zombie;   /* it has ended, and has no stack */
	struct native_stack native;
	struct py_stack python;
	struct join join; /* the order to print in */
	/* Where the process has more than one interpreter: those whose frames these are, youngest first. */
	VEC(struct stack_interp) interps;
};
enum res stack_thread_read(struct stack_target *t, size_t i, struct stack_thread *out, struct fault *f);
void stack_thread_free(struct stack_thread *th);

#endif
