#include "stack/thread_join.h"

#include "os/regs.h"
#include "stack/join/find_loop.h"
#include "stack/join/greenlet.h"
#include "stack/join/join_loop.h"
#include "stack/thread_walk.h"

static bool read_word(void *data, uint64_t va, uint64_t *out)
{
	return Pread(data, out, sizeof(*out), va) == (ssize_t)sizeof(*out);
}

static bool read_word_32bit(void *data, uint64_t va, uint64_t *out)
{
	uint32_t word;

	if (Pread(data, &word, sizeof(word), va) != (ssize_t)sizeof(word))
		return false;
	*out = word;
	return true;
}

/* Finds a loop without a symbol in the first stack that shows it: this one, or (tried once) another
 * one. */
static enum res find_loop_in_stacks(
    struct stack_target *t, const struct capture_lwp *l, const struct stack_thread *th, struct fault *f)
{
	uint32_t runtime = l->thread.runtime;
	struct eval_loop *loop = &t->loops[runtime];
	enum res res = RES_OK;

	if (l->python_is == PYTHON_UNREAD || py_marking_of(t->py, runtime) != PY_MARK_NONE ||
	    th->python.cframes.n != 0)
		return RES_OK;
	(void)eval_loop_of(t, runtime, EVAL_LOOP_ALWAYS);
	if (loop->n == 0 && th->python.runs.n != 0)
		loop->n = find_loop(t->py, runtime, &th->native, &th->python, loop->at);
	for (size_t i = 0; res == RES_OK && loop->n == 0 && !loop->by_stacks && i < t->capture.lwps.n; i++) {
		const struct capture_lwp *other = &t->capture.lwps.at[i];
		struct stack_thread one = { .python = other->python }; /* borrowed */

		if (other->python_is == PYTHON_UNREAD || other->thread.runtime != runtime ||
		    other->python.runs.n == 0)
			continue;
		res = thread_walk(t, other, &one, f);
		if (res == RES_OK)
			loop->n = find_loop(t->py, runtime, &one.native, &one.python, loop->at);
		native_stack_free(&one.native);
	}
	loop->by_stacks = true;
	return res;
}

static void join_reset(struct join *join)
{
	join_free(join);
	*join = (struct join){ .unsure = false };
}

static enum res join_by(struct stack_target *t, const struct capture_lwp *l, enum eval_loop_code code,
    struct stack_thread *out, struct fault *f)
{
	const struct arch *arch = os_arch(t->capture.P);
	struct join_input in = { .native = &out->native,
		.python = &out->python,
		.word = arch->pointer_size == sizeof(uint32_t) ? read_word_32bit : read_word,
		.function = join_function,
		.switches = greenlet_switches,
		.arch = arch,
		.data = t->capture.P };
	VEC(struct join_loop) loops = VEC_EMPTY;
	enum res res = RES_OK;

	res = find_loop_in_stacks(t, l, out, f);
	for (size_t r = 0; res == RES_OK && r < out->python.runs.n; r++) {
		uint32_t runtime = out->python.runs.at[r].runtime;
		size_t k = 0;

		while (k < loops.n && loops.at[k].runtime != runtime)
			k++;
		if (k == loops.n && !vec_push(&loops, eval_loop_of(t, runtime, code)))
			res = fault_memory(f);
	}
	in.loops = loops.at;
	in.n_loops = loops.n;
	if (res == RES_OK)
		res = stack_join(&in, &out->join, f);
	vec_free(&loops);
	return res;
}

static bool in_any_loop(struct stack_target *t, const struct native_frame *fr)
{
	for (size_t r = 0; r < py_runtimes(t->py); r++) {
		struct join_loop loop = eval_loop_of(t, (uint32_t)r, EVAL_LOOP_ALWAYS);

		if (join_in_loop(loop.eval, loop.n_eval, fr))
			return true;
	}
	return false;
}

/* No Python frame was recorded, since the process was not known: each activation lacks its own. */
static enum res mark_activations(struct stack_target *t, struct stack_thread *out, struct fault *f)
{
	struct join with = { .unsure = false };
	bool ok = true;

	for (size_t i = 0; ok && i < out->join.items.n; i++) {
		struct join_item item = out->join.items.at[i];

		ok = vec_push(&with.items, item);
		if (ok && item.kind == JOIN_NATIVE && in_any_loop(t, &out->native.frames.at[item.index])) {
			item.kind = JOIN_BARE;
			out->failed = true;
			ok = vec_push(&with.items, item);
		}
	}
	join_free(&out->join);
	out->join = with;
	return ok ? RES_OK : fault_memory(f);
}

enum res thread_join(
    struct stack_target *t, const struct capture_lwp *l, struct stack_thread *out, struct fault *f)
{
	enum res res;

	join_reset(&out->join);
	res = join_by(t, l, EVAL_LOOP_UNMARKED, out, f);
	if (res == RES_OK && t->states_unknown && t->py != NULL && out->python.runs.n == 0)
		return mark_activations(t, out, f);
	if (res != RES_OK || !(out->join.start || out->join.apart))
		return res;
	/* Only code identifies activations whose frames are on another greenlet's chain, or
	 * elsewhere. */
	join_reset(&out->join);
	return join_by(t, l, EVAL_LOOP_ALWAYS, out, f);
}
