/* Mixed stacks: what cmd asks for.
 *
 * stack_target_open captures a live process (and lets it go at once) or takes a core as it is;
 * stack_thread_read then unwinds and joins one thread at a time, from the copy. */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <libproc.h>

#include "base/fault.h"
#include "python/python.h"
#include "stack/join.h"
#include "unwind/unwind.h"

struct stack_options {
	const char *lwps; /* set of LWPs (proc_lwp_in_set), NULL all */
	bool python_only; /* native frames are not asked for: no unwinding */
};

struct stack_target;

/* P: live (grabbed PGRAB_RDONLY, not held) or a core; it must outlive the result. RES_FAIL: not one thread could
 * be captured; f says why. */
enum res stack_target_open(
    struct ps_prochandle *P, const struct stack_options *opt, struct stack_target **out, struct fault *f);
void stack_target_close(struct stack_target *t); /* NULL ok */

/* The handle to look symbols up in: the captured one, or the core. */
struct ps_prochandle *stack_target_handle(const struct stack_target *t);

size_t stack_threads(const struct stack_target *t);     /* those in the set */
size_t stack_threads_all(const struct stack_target *t); /* all the process has */

/* What Python it holds. RES_OK: some; RES_NONE: none, or only one that is too old to be decoded; RES_FAIL:
 * one that cannot be read. *why (text of the target): the reason; "" for none at all. */
enum res stack_python(const struct stack_target *t, const char **why);

/* Why no LWP at all could be held, although their Python frames could be read; text "" when some were. */
const struct fault *stack_not_held(const struct stack_target *t);
const struct py_process *stack_python_process(const struct stack_target *t);

/* One thread, joined. */
struct stack_thread {
	lwpid_t id;
	char name[64]; /* "" when it has none */
	char why[128]; /* why it has no native stack, or not all of it; "" */
	bool failed;   /* something about it could not be had */
	struct native_stack native;
	struct py_stack python;
	struct join join; /* the order to print in */
};
enum res stack_thread_read(struct stack_target *t, size_t i, struct stack_thread *out, struct fault *f);
void stack_thread_free(struct stack_thread *th);

#endif
