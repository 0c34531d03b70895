/* Which thread greenlets belong to, and which one it runs.
 *
 * The stack of each greenlet that has started begins in the middle of its thread's stack: that
 * names the thread of all that have the same main greenlet. The one that runs has no frames of its
 * own. It is certain if the thread has not run since it was captured: the greenlets were read
 * after that. */
#include "capture/capture.h"

/* The part of the mapping of l's stack up to the thread's control block. hi 0: unknown. */
static struct os_range stack_of(struct capture *c, const struct capture_lwp *l)
{
	struct os_range range = { .hi = 0 };
	const prmap_t *map;
	uint64_t sp = (uint64_t)l->regs[R_SP];

	if (l->known_regs == REGS_NONE)
		return range;
	if (capture_range_has(&l->stack, sp)) {
		range = l->stack;
	} else {
		map = Paddr_to_map(c->P, (uintptr_t)sp);
		if (map == NULL)
			return range;
		range.lo = map->pr_vaddr;
		range.hi = map->pr_vaddr + map->pr_size;
	}
	if (capture_range_has(&range, l->thread_pointer))
		range.hi = l->thread_pointer;
	return range;
}

/* The LWP whose stack has this address: of neighbours whose mappings are merged, the lower one.
 * NULL: none. */
static struct capture_lwp *lwp_of_stack(struct capture *c, uint64_t va)
{
	struct capture_lwp *found = NULL;
	uint64_t end = UINT64_MAX;

	for (size_t i = 0; i < c->lwps.n; i++) {
		struct os_range stack = stack_of(c, &c->lwps.at[i]);

		if (c->lwps.at[i].state == CAPTURE_ENDED || !capture_range_has(&stack, va) || stack.hi >= end)
			continue;
		found = &c->lwps.at[i];
		end = stack.hi;
	}
	return found;
}

static struct capture_lwp *lwp_of_loop(struct capture *c, uint32_t loop)
{
	for (size_t i = 0; i < c->tasks.at.n; i++) {
		const struct py_task *t = &c->tasks.at.at[i];

		if (t->library == PY_TASK_OF_GREENLET && t->in_loop == loop && t->stack_end != 0) {
			struct capture_lwp *l = lwp_of_stack(c, t->stack_end);

			if (l != NULL)
				return l;
		}
	}
	return NULL;
}

/* The only greenlet of the loop that runs. NULL: none, or several. */
static struct py_task *running_of(struct capture *c, uint32_t loop)
{
	struct py_task *found = NULL;

	for (size_t i = 0; i < c->tasks.at.n; i++) {
		struct py_task *t = &c->tasks.at.at[i];

		if (t->library != PY_TASK_OF_GREENLET || t->in_loop != loop || t->state != PY_TASK_RUNNING)
			continue;
		if (found != NULL)
			return NULL;
		found = t;
	}
	return found;
}

static bool has_not_run(const struct capture *c, const struct capture_lwp *l)
{
	return c->request.live == NULL ||
	       (l->blocked.fd >= 0 && os_lwp_still_blocked(c->request.live, l->id, &l->blocked));
}

void capture_greenlets(struct capture *c)
{
	for (uint32_t i = 0; i < c->tasks.loops.n; i++) {
		struct py_loop *loop = &c->tasks.loops.at[i];
		struct capture_lwp *l;
		struct py_task *t;

		if (loop->library != PY_TASK_OF_GREENLET)
			continue;
		l = lwp_of_loop(c, i);
		if (l == NULL)
			continue;
		loop->thread = l->id;
		t = running_of(c, i);
		/* Its frames may be those of a greenlet that does not run any more. */
		if (t == NULL || l->python_is == PYTHON_UNREAD ||
		    (l->about.task != NULL && l->about.task->library == PY_TASK_OF_GREENLET))
			continue;
		t->thread = l->id;
		t->other = !has_not_run(c, l);
		/* A task of asyncio that it runs says more. */
		if (l->about.task == NULL)
			l->about.task = t;
	}
}
