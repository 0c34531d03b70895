/* The walk over one stack: it asks an engine for one caller after another.
 *
 * A walk over any stack ends, even if the stack is damaged or hostile:
 *  - sp must grow with each step. Exceptions: a signal frame, whose caller may be on another stack;
 *    a return address in a register, which may leave sp unchanged; a stack pointer in a register,
 *    which may be another stack's.
 *  - The number of frames is limited to what the stack has room for at two words each (a return
 *    address and alignment), and to FRAMES_MAX: a mapping may have any size, and call frame
 *    information can yield callers without reading the stack.
 *  - A (pc, sp) that occurs again is found by comparison with one remembered pair, which is
 *    replaced at each power of two (Brent's algorithm). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bound.h"
#include "os/regs.h"
#include "unwind/engine.h"

enum {
	FRAME_WORDS_MIN = 2,
	CAP_UNKNOWN = 1 << 16,
	STACKS_MAX = 16,
	FRAMES_MAX = 1 << 22,
	FRAMES_FIRST = 64,
	TIME_EVERY = 256
};

struct unwinder {
	struct ps_prochandle *P;
	const struct arch *arch;
	const struct engine_ops *ops;
	void *engine;
};

static const struct engine_ops *ops_of(enum unwind_engine engine)
{
	switch (engine) {
	case UNWIND_ENGINE_LIBUNWIND:
		return engine_libunwind;
	case UNWIND_ENGINE_FP:
		return &engine_fp;
	case UNWIND_ENGINE_AUTO:
	case UNWIND_ENGINE_CFI:
		break;
	}
	return &engine_cfi;
}

bool unwind_engine_built(enum unwind_engine engine)
{
	return engine != UNWIND_ENGINE_LIBUNWIND || engine_libunwind != NULL;
}

enum res unwinder_create(
    struct ps_prochandle *P, enum unwind_engine engine, struct unwinder **out, struct fault *f)
{
	const struct engine_ops *ops = ops_of(engine);
	struct unwinder *u;

	if (ops == NULL)
		return fault_set(f, 0, 0, 0, "libunwind is not built in");
	if (ops == engine_libunwind && !os_arch(P)->has_libunwind)
		return fault_set(f, 0, 0, 0, "libunwind reads no 32-bit program here; -m cfi does");
	u = calloc(1, sizeof(*u));
	if (u == NULL)
		return fault_memory(f);
	u->P = P;
	u->arch = os_arch(P);
	u->ops = ops;
	if (u->ops->create(P, &u->engine, f) != RES_OK) {
		free(u);
		return RES_FAIL;
	}
	*out = u;
	return RES_OK;
}

void unwinder_destroy(struct unwinder *u)
{
	if (u == NULL)
		return;
	u->ops->destroy(u->engine);
	free(u);
}

void native_stack_free(struct native_stack *s)
{
	vec_free(&s->frames);
}

/* The number of frames for which the stack has room above sp. */
static size_t stack_cap(const struct unwinder *u, uint64_t sp)
{
	const prmap_t *map = Paddr_to_map(u->P, sp);
	uint64_t off;

	if (map == NULL || (off = sp - map->pr_vaddr) >= map->pr_size)
		return CAP_UNKNOWN;
	return (size_t)((map->pr_size - off) / (FRAME_WORDS_MIN * u->arch->pointer_size)) + 2;
}

static struct native_frame frame_of(const struct arch *arch, const struct activation *a, enum unwind_how how)
{
	struct native_frame frame = {
		.pc = a->regs.reg[arch->pc],
		.sp = a->regs.reg[arch->sp],
		.how = (uint8_t)how,
		.exact = a->exact,
	};

	for (unsigned i = 0; i < arch->n_saved; i++) {
		if (!regs_known(&a->regs, arch->saved[i]))
			continue;
		frame.saved[i] = a->regs.reg[arch->saved[i]];
		frame.saved_known |= (arch_saved_set)(1U << i);
	}
	return frame;
}

/* A walk. */
struct walk {
	struct unwinder *u;
	struct activation a;     /* where it is now */
	struct engine_note note; /* about the last step */
	struct native_stack *out;
	/* The guards: */
	size_t steps, cap;
	bool cap_given;
	unsigned stacks;         /* changes of stack so far */
	uint64_t old_pc, old_sp; /* the remembered pair */
	size_t old_at;           /* number of steps at which it is replaced */
};

static void end_loop(struct native_stack *s, enum unwind_reason reason, const char *what, uint64_t va)
{
	s->end = UNWIND_END_LOOP;
	s->reason = reason;
	(void)snprintf(s->why, sizeof(s->why), "%s 0x%llx", what, (unsigned long long)va);
}

/* True if the walk may go on to w->a, the caller of `from`. False: w->out has the reason. */
static bool guard_pass(struct walk *w, struct native_frame *from)
{
	const struct arch *arch = w->u->arch;
	uint64_t pc = w->a.regs.reg[arch->pc], sp = w->a.regs.reg[arch->sp];
	bool changes = from->signal_frame || w->note.other_stack;

	if ((sp < from->sp && !changes) || (sp == from->sp && !changes && !w->note.in_register)) {
		end_loop(w->out, UNWIND_DOES_NOT_GROW, "the stack pointer did not advance at", from->sp);
		from->cfa = 0;
		return false;
	}
	if (pc == w->old_pc && sp == w->old_sp) {
		end_loop(w->out, UNWIND_LEADS_BACK, "unwinding loops back to", sp);
		return false;
	}
	if (++w->steps == w->old_at) {
		w->old_at *= 2;
		w->old_pc = pc;
		w->old_sp = sp;
	}
	if (changes && !w->cap_given && w->stacks++ < STACKS_MAX)
		w->cap += stack_cap(w->u, sp);
	if (w->steps >= w->cap || w->steps >= FRAMES_MAX) {
		w->out->end = UNWIND_END_CAP;
		w->out->reason = UNWIND_TOO_MANY;
		(void)snprintf(w->out->why, sizeof(w->out->why), "stopped after %zu frames", w->steps);
		return false;
	}
	if (w->steps % TIME_EVERY == 0 && bound_passed(BOUND_STACKS)) {
		w->out->end = UNWIND_END_CAP;
		w->out->reason = UNWIND_TOO_MANY;
		(void)snprintf(
		    w->out->why, sizeof(w->out->why), "the time was over after %zu frames", w->steps);
		return false;
	}
	return true;
}

static enum unwind_how how_reached(const struct engine_note *note)
{
	return note->signal ? UNWIND_SIGNAL : note->guessed ? UNWIND_FP : UNWIND_CFI;
}

/* how: the way in which w->a was reached. */
static enum res walk_frames(struct walk *w, enum unwind_how how, struct fault *f)
{
	const struct unwinder *u = w->u;
	struct native_stack *out = w->out;
	uint8_t probed = UNWIND_NOT_PROBED;

	/* Most stacks have fewer. */
	if (!vec_reserve(&out->frames, out->frames.n + FRAMES_FIRST))
		return fault_memory(f);
	for (;;) {
		struct native_frame *frame;
		enum engine_end end;

		engine_note_clear(&w->note);
		if (!vec_push(&out->frames, frame_of(u->arch, &w->a, how)))
			return fault_memory(f);
		end = u->ops->step(u->engine, &w->a, &w->note);
		frame = &out->frames.at[out->frames.n - 1];
		frame->probed = probed;
		frame->signal_frame = w->note.signal;
		/* A handler returns to the trampoline's first instruction: no call led there. */
		frame->exact = frame->exact || w->note.exact || w->note.signal;
		frame->no_cfi = w->note.no_cfi;
		frame->trampoline = w->note.trampoline;
		how = how_reached(&w->note);
		probed = w->note.probed;
		if (end == ENGINE_OLDEST) {
			out->end = UNWIND_END_DONE;
			return RES_OK;
		}
		if (end == ENGINE_LOST) {
			out->end = UNWIND_END_LOST;
			out->reason = w->note.reason;
			memcpy(out->why, w->note.why, sizeof(out->why));
			return RES_OK;
		}
		frame->cfa = w->a.regs.reg[u->arch->sp];
		if (!guard_pass(w, frame))
			return RES_OK;
	}
}

enum res native_stack_walk(
    struct unwinder *u, const struct unwind_regs *regs, size_t cap, struct native_stack *out, struct fault *f)
{
	bool resumed = out->frames.n != 0;
	struct walk w = { .u = u,
		.a = { *regs, !resumed },
		.out = out,
		.cap = cap,
		.cap_given = cap != 0,
		.old_pc = regs->reg[u->arch->pc],
		.old_sp = regs->reg[u->arch->sp],
		.old_at = 1 };

	if (!regs_known(regs, u->arch->pc) || !regs_known(regs, u->arch->sp))
		return fault_set(f, 0, 0, 0, "program counter or stack pointer is not known");
	if (cap == 0)
		w.cap = stack_cap(u, w.old_sp);
	out->end = UNWIND_END_DONE;
	out->reason = UNWIND_NO_REASON;
	out->why[0] = '\0';
	u->ops->start(u->engine, &w.a, resumed);
	return walk_frames(&w, resumed ? UNWIND_RESUMED : UNWIND_FIRST, f);
}
