/* The coroutines of a task: from the outermost, which the task runs, along what each awaits.
 *
 *   task.coro ──> coroutine ──frame, value stack──> coroutine ──> … ──> an iterator of a future
 *
 *   up to 3.10   gi_frame: an object. It awaits what is on top of its stack if the next
 *                instruction is YIELD_FROM
 *   3.11, 3.12   the frame is in the coroutine. The next instruction is RESUME, whose argument
 *                says what it resumes from
 *   3.13+        the same, and gi_frame_state tells (3.15: renumbered)
 *
 * Objects/genobject.c (_PyGen_yf), Include/cpython/genobject.h, Include/internal/pycore_frame.h. */
#include "python/tasks/task_chain.h"

#include "python/frames/py_frame.h"
#include "python/objects/py_code.h"
#include "python/objects/py_text.h"
#include "python/tasks/task_reader.h"
#include "python/tasks/task_objects.h"

/* What a generator does. */
enum gen_state { GEN_CREATED, GEN_SUSPENDED, GEN_AWAITS, GEN_RUNS, GEN_ENDED, GEN_UNKNOWN };

struct generator {
	uint64_t addr;
	enum gen_state state;
	uint64_t frame;
	uint64_t awaited; /* with GEN_AWAITS */
	struct py_frame decoded;
};

static uint64_t untag_object(const struct task_reader *r, uint64_t object)
{
	return object & ~(uint64_t)r->rt->layout.tag_mask;
}

/* --- up to 3.10 --- */

/* Is the instruction after f_lasti YIELD_FROM? Up to 3.5 one has a byte, or three. GEN_UNKNOWN: it
 * cannot be read. */
static enum gen_state yields_from(struct task_reader *r, const struct py_frame *fr)
{
	enum { YIELD_FROM = 72 };
	const struct py_layout *l = &r->rt->layout;
	uint64_t bytecode, start, n, next = fr->instr + (l->version >= PY_HEX(3, 6) ? 2U : 1U);
	uint8_t opcode;

	if (!py_read_word(r->P, l, fr->code, l->code.bytecode, &bytecode) ||
	    py_bytes_where(r->P, l, bytecode, &start, &n) != RES_OK || next >= n ||
	    !py_read(r->P, &opcode, 1, start + next))
		return GEN_UNKNOWN;
	return opcode == YIELD_FROM ? GEN_AWAITS : GEN_SUSPENDED;
}

/* f_back, f_code, f_builtins, f_globals, f_locals, f_valuestack, f_stacktop; 3.10: f_stackdepth
 * (Include/cpython/frameobject.h). */
static uint64_t value_stack_end(const struct py_layout *l, const struct py_view *v)
{
	if (l->frame.depth != 0) {
		int32_t depth = py_view_i32(v, l->frame.depth);

		return depth <= 0 ? 0 : py_view_word(v, l->frame.values) + (uint64_t)depth * l->word;
	}
	return py_view_word(v, l->frame.code + 5U * l->word);
}

static void look_at_object(struct task_reader *r, const struct py_view *v, struct generator *g)
{
	const struct py_layout *l = &r->rt->layout;
	int8_t state = (int8_t)py_view_u8(v, l->frame.state);
	uint64_t end = value_stack_end(l, v);

	/* f_executing up to 3.9, in 3.10 a state of which 0 is executing. */
	if (l->trace_lineno ? state != 0 : state == 0) {
		g->state = GEN_RUNS;
	} else if (g->decoded.instr == UINT64_MAX) {
		g->state = GEN_CREATED;
	} else if (end == 0) {
		g->state = GEN_SUSPENDED;
	} else {
		g->state = yields_from(r, &g->decoded);
		if (g->state == GEN_AWAITS && !task_at(r, end - l->word, 0, &g->awaited))
			g->state = GEN_UNKNOWN;
	}
}

/* --- from 3.11 on --- */

/* By RESUME's argument: 1 from a yield, 2 from `yield from`, 3 from an await; the bits above say
 * more (Python/bytecodes.c). */
static enum gen_state state_at_resume(struct task_reader *r, const struct py_frame *fr)
{
	uint8_t argument;

	if (!py_read(r->P, &argument, 1, fr->instr + 3))
		return GEN_UNKNOWN;
	return (argument & 3) >= 2 ? GEN_AWAITS : GEN_SUSPENDED;
}

static enum gen_state state_of(struct task_reader *r, int8_t state, const struct py_frame *fr)
{
	uint32_t version = r->rt->layout.version;

	if (version >= PY_HEX(3, 15)) {
		static const enum gen_state states[] = { GEN_CREATED, GEN_SUSPENDED, GEN_AWAITS, GEN_AWAITS,
			GEN_RUNS, GEN_ENDED };

		return state >= 0 && state < (int8_t)(sizeof(states) / sizeof(states[0])) ? states[state]
											  : GEN_UNKNOWN;
	}
	if (state >= 0)
		return state == 0 ? GEN_RUNS : GEN_ENDED;
	if (version >= PY_HEX(3, 13))
		return state == -1 ? GEN_AWAITS : state == -2 ? GEN_SUSPENDED : GEN_CREATED;
	if (state != -1)
		return GEN_CREATED;
	return state_at_resume(r, fr);
}

/* The top of the value stack: its index among localsplus up to 3.13, its end after that. In 3.15
 * NULL lies on top of what is awaited. */
static bool read_top(struct task_reader *r, uint64_t frame, uint64_t *out)
{
	enum { DEEPEST = 1 << 20 };
	const struct py_layout *l = &r->rt->layout;
	uint64_t at = frame + l->frame.instr - 1 + l->word, end;
	int32_t depth;

	if (l->version >= PY_HEX(3, 14)) {
		if (!task_at(r, at, 0, &end) || !task_at(r, end - l->word, 0, out))
			return false;
		if (untag_object(r, *out) == 0 && !task_at(r, end - 2U * l->word, 0, out))
			return false;
		*out = untag_object(r, *out);
		return *out != 0;
	}
	if (!py_read(r->P, &depth, sizeof(depth), at) || depth <= 0 || depth > DEEPEST)
		return false;
	return task_at(r, at + 8 + (uint64_t)(depth - 1) * l->word, 0, out);
}

/* --- both --- */

/* The frame of the generator: an object of its own, or six words (3.11: seven) and four bytes into
 * it, of which the last is its state. */
static bool find_frame(struct task_reader *r, struct generator *g, int8_t *state)
{
	const struct py_layout *l = &r->rt->layout;
	uint32_t words = l->version < PY_HEX(3, 12) ? 7 : 6, at = py_head_size(l) + words * l->word;

	if (l->marking == PY_MARK_NONE)
		return task_word(r, g->addr, 0, &g->frame);
	g->frame = g->addr + (at + 4 + l->word - 1U) / l->word * l->word;
	return py_read(r->P, state, 1, g->addr + at + 3);
}

static bool decode_frame(struct task_reader *r, struct generator *g, int8_t state)
{
	const struct py_layout *l = &r->rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view v = { bytes, l->frame_extent, l->word };

	if (!py_pointer_sane(g->frame, l->word) || !py_read(r->P, bytes, v.n, g->frame))
		return false;
	g->decoded = (struct py_frame){ .addr = g->frame };
	py_frame_decode(l, &v, true, &g->decoded);
	if (l->marking == PY_MARK_NONE)
		look_at_object(r, &v, g);
	else
		g->state = state_of(r, state, &g->decoded);
	if (g->state == GEN_RUNS)
		return true;
	if (g->state == GEN_UNKNOWN ||
	    (l->marking != PY_MARK_NONE && g->decoded.owner != PY_OWNED_BY_GENERATOR))
		return false;
	(void)py_frame_read_object(r->py, r->rt, &v, &g->decoded);
	g->decoded.bad = py_code_load(r->py, r->rt, &g->decoded, false, NULL) != RES_OK;
	if (g->state == GEN_AWAITS && l->marking != PY_MARK_NONE && !read_top(r, g->frame, &g->awaited))
		return false;
	return true;
}

/* False: it cannot be read. */
static bool read_generator(struct task_reader *r, uint64_t addr, struct generator *g)
{
	int8_t state = 0;

	*g = (struct generator){ .addr = addr, .state = GEN_UNKNOWN };
	if (!find_frame(r, g, &state))
		return false;
	if (r->rt->layout.marking == PY_MARK_NONE) {
		if (g->frame == 0)
			g->state = GEN_ENDED;
	} else {
		/* Its frame is not initialised any more. */
		enum gen_state known = r->rt->layout.version >= PY_HEX(3, 15)
					   ? (state == 5 ? GEN_ENDED : GEN_UNKNOWN)
					   : (state > 0 ? GEN_ENDED : GEN_UNKNOWN);

		g->state = known;
	}
	return g->state == GEN_ENDED || decode_frame(r, g, state);
}

/* Go through objects that only wrap what is awaited. 0: it is no generator. */
static uint64_t unwrap_awaited(struct task_reader *r, uint64_t addr)
{
	enum { WRAPPERS_MAX = 8 };

	for (int i = 0; i < WRAPPERS_MAX; i++) {
		enum task_kind kind = task_kind_of(r, addr);

		if (kind == TASK_KIND_GENERATOR)
			return addr;
		if (kind != TASK_KIND_WRAPPER || !task_word(r, addr, 0, &addr))
			return 0;
	}
	return 0;
}

bool task_push_frame(struct task_reader *r, struct py_task *t, const struct py_frame *fr)
{
	struct py_stack *s = &r->out->stack;

	if (t->n_frames >= PY_TASK_FRAMES_MAX || s->frames.n >= PY_TASKS_FRAMES_MAX) {
		t->cut = true;
		return false;
	}
	if (!vec_push(&s->frames, *fr))
		return task_no_memory(r);
	t->n_frames++;
	return true;
}

/* Innermost first, as in the stack of a thread. */
static void turn_frames(struct py_frame *at, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct py_frame other = at[i];

		at[i] = at[n - 1 - i];
		at[n - 1 - i] = other;
	}
}

/* Follow the chain from the outermost generator, g. */
static void follow_generators(struct task_reader *r, struct py_task *t, struct generator *g)
{
	while (task_push_frame(r, t, &g->decoded) && g->state == GEN_AWAITS) {
		uint64_t next = unwrap_awaited(r, g->awaited);

		if (next == 0) {
			t->cut = task_kind_of(r, g->awaited) == TASK_KIND_NONE;
			return;
		}
		if (!read_generator(r, next, g) || g->state == GEN_RUNS || g->state == GEN_ENDED) {
			t->cut = true;
			return;
		}
	}
}

bool task_chain(struct task_reader *r, struct py_task *t)
{
	struct py_stack *s = &r->out->stack;
	struct py_run run = { .runtime = r->runtime, .first = (uint32_t)s->frames.n };
	uint64_t coro = unwrap_awaited(r, t->coro);
	struct generator g;

	t->first_frame = run.first;
	t->state = PY_TASK_UNKNOWN;
	if (coro == 0)
		return true;
	if (!read_generator(r, coro, &g)) {
		t->cut = true;
		return true;
	}
	if (g.state == GEN_ENDED)
		return false;
	t->frame = g.frame;
	t->code = g.decoded.code;
	t->state = g.state == GEN_RUNS      ? PY_TASK_RUNNING
		   : g.state == GEN_CREATED ? PY_TASK_CREATED
					    : PY_TASK_SUSPENDED;
	if (g.state != GEN_RUNS)
		follow_generators(r, t, &g);
	turn_frames(s->frames.at + run.first, t->n_frames);
	run.count = t->n_frames;
	if (!vec_push(&s->runs, run))
		(void)task_no_memory(r);
	return true;
}
