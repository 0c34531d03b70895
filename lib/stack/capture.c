/* What every capture method does once an LWP holds still. */
#include "stack/capture.h"

#include <stdio.h>
#include <string.h>

#include "os/target_os.h"

enum {
	RED_ZONE = 128,        /* below sp, still in use (x86-64 ABI) */
	STEP = 1 << 20,        /* copied at once where the end of a stack is unknown */
	OTHER_STACK = 8 << 20, /* most that is copied of a stack that is neither main's nor a thread's */
};
#define STACK_LIMIT ((uint64_t)1 << 30) /* most of a main or thread stack */

/* Where the stack that holds sp ends: its mapping's end, or the thread's control block, which lies on
 * top of its stack (mappings of neighbours may be merged). 0: not known from the maps. */
static uint64_t stack_end(struct capture *c, uint64_t sp, uint64_t fsbase, bool *own)
{
	const prmap_t *map = Paddr_to_map(c->P, sp);
	uint64_t end = map == NULL ? 0 : map->pr_vaddr + map->pr_size;

	*own = false;
	if (map == NULL)
		return fsbase > sp && fsbase - sp < STACK_LIMIT ? fsbase : 0;
	if (fsbase > sp && fsbase <= end) {
		*own = true;
		return fsbase;
	}
	*own = (map->pr_mflags & MA_STACK) != 0;
	return end;
}

/* A stack the maps do not know (they are older than it): as far as it can be read. */
static void copy_unknown(struct capture *c, uint64_t lo)
{
	uint64_t at = lo;

	while (at - lo < OTHER_STACK && snapshot_copy(c->snapshot, at, at + STEP) == STEP)
		at += STEP;
}

/* Copy from lo to its stack's end. */
static bool copy_stack(struct capture *c, struct capture_lwp *l, uint64_t sp, uint64_t fsbase, bool *own)
{
	uint64_t lo = sp - RED_ZONE, end = stack_end(c, sp, fsbase, own);
	uint64_t limit = *own ? STACK_LIMIT : OTHER_STACK;

	if (sp < RED_ZONE)
		return false;
	if (end == 0) {
		copy_unknown(c, lo);
		return true;
	}
	if (end - lo > limit) {
		end = lo + limit;
		if (*own)
			(void)snprintf(l->why, sizeof(l->why),
			    "only the youngest %u MB of its stack were copied", (unsigned)(limit >> 20));
	}
	if (snapshot_copy(c->snapshot, lo, end) == 0)
		return snapshot_copy(c->snapshot, sp, end) != 0; /* the red zone may not be mapped */
	return true;
}

/* Is w the ucontext of a signal frame, found at `here` on the alternate stack that it describes? In words: flags
 * (three bits), link (the kernel writes 0), uc_stack's base, flags and size, then r8 … r15, rdi, rsi, rbp,
 * rbx, rdx, rax, rcx, rsp (Linux arch/x86/include/uapi/asm/ucontext.h, sigcontext.h). Pointers on a debug
 * build's heap look like limits easily, so every word that is known is asked. */
static bool is_context(const uint64_t *w, uint64_t here)
{
	enum { FLAGS, LINK, BASE, STACK_FLAGS, SIZE, RSP = 20 };
	uint32_t flags = (uint32_t)w[STACK_FLAGS] & ~(1U << 31); /* SS_AUTODISARM */

	return w[FLAGS] <= 7 && w[LINK] == 0 && flags <= 2 && w[BASE] <= here && here < w[BASE] + w[SIZE] &&
	       w[SIZE] < STACK_LIMIT && w[SIZE] >= 1024 && w[RSP] - w[BASE] >= w[SIZE];
}

/* An LWP on an alternate signal stack: the kernel's signal frame on it holds the limits of that very stack and
 * the stack pointer that was interrupted. Finds it by that, and copies the other stack. */
static void copy_interrupted(struct capture *c, struct capture_lwp *l, uint64_t fsbase)
{
	enum { WORDS = 512, RSP = 20 };
	uint64_t w[WORDS + RSP + 1];
	uint64_t at = (uint64_t)l->regs[R_SP] & ~7ULL;

	for (uint64_t done = 0; done < OTHER_STACK / 8; done += WORDS, at += WORDS * 8) {
		ssize_t got = Pread(c->P, w, sizeof(w), at);

		for (size_t i = 0; got > 0 && (i + RSP + 1) * 8 <= (size_t)got && i < WORDS; i++) {
			uint64_t here = at + i * 8;
			bool own;

			if (is_context(&w[i], here) && Paddr_to_map(c->P, w[i + RSP]) != NULL) {
				(void)copy_stack(c, l, w[i + RSP], fsbase, &own);
				return;
			}
		}
		if (got < (ssize_t)sizeof(w))
			return;
	}
}

void capture_stack(struct capture *c, struct capture_lwp *l, uint64_t fsbase)
{
	bool own = false;

	if (!copy_stack(c, l, (uint64_t)l->regs[R_SP], fsbase, &own)) {
		(void)snprintf(l->why, sizeof(l->why), "its stack at 0x%lx cannot be read", l->regs[R_SP]);
		l->failed = true;
		return;
	}
	if (!own)
		copy_interrupted(c, l, fsbase);
}

/* The kernel's id of the thread that a state belongs to, in the target's own numbering: from the state
 * (3.11+), else from glibc's struct pthread, which the state's thread_id points to (tid at 720 on x86-64,
 * glibc 2.36 and 2.43 nptl/descr.h). 0: unknown. */
static uint64_t native_id(const struct capture *c, const struct py_thread *t)
{
	enum { PTHREAD_TID = 720 };
	int32_t tid = 0;

	if (t->native_id != 0)
		return t->native_id;
	if (Pread(c->P, &tid, sizeof(tid), t->thread_id + PTHREAD_TID) != sizeof(tid) || tid < 0)
		return 0;
	return (uint64_t)tid;
}

/* Does thread state t run on l? The thread pointer tells (it is what pthread_self() returned when the state was
 * made); without registers the kernel's thread id, `inner`. */
static bool runs_on(
    const struct capture *c, const struct py_thread *t, const struct capture_lwp *l, uint64_t inner)
{
	return l->have_regs ? t->thread_id == os_fsbase(l->regs) : inner != 0 && native_id(c, t) == inner;
}

/* Was there a state of the same interpreter on l before i? Those of threads that a fork left behind keep their
 * number, so the newest wins, which comes first in the list. */
static bool older_state(const struct capture *c, const struct capture_lwp *l, uint64_t inner, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (c->threads.at[k].interp == c->threads.at[i].interp &&
		    runs_on(c, &c->threads.at[k], l, inner))
			return true;
	}
	return false;
}

/* The Python frames of l. A thread that has called into another interpreter has a state of each, and the
 * activations of both lie on its stack. */
static enum res read_states(
    struct ps_prochandle *live, struct capture *c, struct capture_lwp *l, struct fault *f)
{
	uint64_t inner = l->have_regs ? 0 : (uint64_t)os_inner_lwpid(live, l->id);

	for (size_t i = 0; i < c->threads.n; i++) {
		const struct py_thread *t = &c->threads.at[i];
		struct py_stack more = { .broken = false };
		enum res res;

		if (!runs_on(c, t, l, inner) || older_state(c, l, inner, i))
			continue;
		if (l->python.runs.n != 0 && t->runtime != c->threads.at[l->thread].runtime)
			continue;
		res = py_stack_read(c->py, t, &more, f);
		if (res == RES_OK && l->python.runs.n == 0 && !l->python.broken) {
			l->python = more;
			memset(&more, 0, sizeof(more));
		} else if (res == RES_OK)
			res = py_stack_merge(&l->python, &more, f);
		py_stack_free(&more);
		if (res == RES_FAIL)
			return RES_FAIL;
		if (res == RES_OK || !l->have_python)
			l->thread = (uint32_t)i;
		l->have_python = true;
	}
	return RES_OK;
}

void capture_python(struct ps_prochandle *live, struct capture *c)
{
	struct fault f = { 0 };

	if (c->py == NULL)
		return;
	/* A broken list gives the states before the break: take those. */
	(void)py_threads_read(c->py, &c->threads, &f);
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (read_states(live, c, l, &f) != RES_FAIL)
			continue;
		(void)snprintf(l->why, sizeof(l->why), "its Python frames cannot be read: %.80s", f.text);
		l->failed = l->python_failed = true;
	}
}

void capture_finish(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		struct capture_lwp *l = &c->lwps.at[i];

		if (l->have_python)
			py_stack_finish(c->py, &c->threads.at[l->thread], &l->python);
	}
}

void capture_free(struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++)
		py_stack_free(&c->lwps.at[i].python);
	vec_free(&c->lwps);
	vec_free(&c->threads);
	snapshot_destroy(c->snapshot);
	memset(c, 0, sizeof(*c));
}
