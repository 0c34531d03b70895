/* Reading one thread of a target: walk, join, and a second reading with its registers where that
 * helps. */
#include <stdio.h>
#include <string.h>

#include "base/bound.h"
#include "os/regs.h"
#include "stack/target.h"
#include "stack/thread_interps.h"
#include "stack/thread_join.h"
#include "stack/thread_walk.h"

/* Lists Python frames alone, in order. Only frames that were read while the thread ran are
 * unsure. */
static enum res list_python(struct stack_thread *th, bool unsure, struct fault *f)
{
	for (size_t i = 0; i < th->python.frames.n; i++) {
		struct join_item item = { (uint32_t)i, JOIN_PYTHON, unsure };

		if (!vec_push(&th->join.items, item))
			return fault_memory(f);
	}
	return RES_OK;
}

static bool has_found(const struct py_stack *s)
{
	return s->frames.n > 0 && s->frames.at[s->frames.n - 1].found;
}

/* Do only native frames show the order of several Pythons' frames? */
static bool needs_places(const struct stack_target *t, const struct py_stack *s)
{
	for (size_t r = 1; py_runtimes(t->py) > 1 && r < s->runs.n; r++) {
		if (s->runs.at[r].runtime != s->runs.at[0].runtime && s->runs.at[0].marker == 0)
			return true;
	}
	return false;
}

/* Marks a stack that lacks older frames, although no activation shows it. */
static void mark_cut(struct py_stack *s)
{
	if (!s->cut || s->broken || has_found(s))
		return;
	s->broken = true;
	(void)snprintf(s->why, sizeof(s->why), "the chain ends at a suspended generator");
}

/* The time is over: the frames of C are left out. */
static void note_time(const struct capture_lwp *l, struct stack_thread *th)
{
	th->failed |= l->state != CAPTURE_ENDED;
	if (th->noted || !th->failed)
		return;
	th->noted = true;
	(void)snprintf(th->why, sizeof(th->why), "its native frames were left out: the time was over");
}

static enum res thread_place_frames(
    struct stack_target *t, const struct capture_lwp *l, struct stack_thread *th, struct fault *f)
{
	enum res res;

	if (bound_passed(BOUND_STACKS)) {
		note_time(l, th);
		return list_python(th, l->python_is == PYTHON_READ_RUNNING, f);
	}
	if (t->opt.python_only && !t->states_unknown &&
	    (l->python_is == PYTHON_UNREAD || !(has_found(&th->python) || needs_places(t, &th->python)))) {
		mark_cut(&th->python);
		return list_python(th, l->python_is == PYTHON_READ_RUNNING, f);
	}
	res = thread_walk(t, l, th, f);
	if (res == RES_OK)
		res = thread_join(t, l, th, f);
	if (l->python_is != PYTHON_UNREAD && t->loops[l->thread.runtime].n == 0)
		mark_cut(&th->python);
	if (res != RES_OK || !has_found(&th->python) || !join_is_uncertain(&th->join))
		return res;
	/* Frames that were found by searching are accepted only if each has its activation, and
	 * each activation its frame. */
	py_stack_drop_recovered(&th->python);
	return thread_join(t, l, th, f);
}

static enum res thread_read_captured(
    struct stack_target *t, struct capture_lwp *l, struct stack_thread *out, struct fault *f)
{
	memset(out, 0, sizeof(*out));
	out->id = l->id;
	out->thread_pointer = l->thread_pointer;
	memcpy(out->name, l->name, sizeof(out->name));
	if (t->opt.about)
		capture_about(&t->capture, l);
	out->state = l->about;
	out->noted = l->note.missing != MISSING_NOTHING;
	memcpy(out->why, l->note.text, sizeof(out->why));
	out->failed = capture_is_incomplete(l);
	out->zombie = l->state == CAPTURE_ENDED;
	out->python = l->python;
	memset(&l->python, 0, sizeof(l->python)); /* now owned by out */
	return thread_place_frames(t, l, out, f);
}

/* Reads thread i, which was read blocked, again with its registers, if these may make *out more
 * certain. */
static enum res thread_read_again(struct stack_target *t, size_t i, struct stack_thread *out, struct fault *f)
{
	struct capture_lwp *l = &t->capture.lwps.at[i];
	char reason[sizeof(out->why)];
	uint64_t stack;
	enum res res;

	t->rehold.arch = os_arch(t->capture.P);
	if (t->opt.policy != STOP_RUNNING || !rehold_wanted(&t->rehold, l, out, &stack))
		return RES_OK;
	if (!rehold_may(&t->rehold)) {
		rehold_failed(&t->rehold, NULL, out);
		return RES_OK;
	}
	if (!capture_with_registers(&t->capture, i, reason, sizeof(reason))) {
		rehold_failed(&t->rehold, reason, out);
		return RES_OK;
	}
	stack_thread_free(out);
	res = thread_read_captured(t, l, out, f);
	if (res == RES_OK)
		rehold_tried(&t->rehold, stack, out);
	return res;
}

/* Does a recorded thread have a state of an interpreter that is not the first one? The process may
 * have made it since its interpreters were counted. */
static bool has_second(const struct capture *c)
{
	for (size_t i = 0; c->request.recorded && i < c->states.list.n; i++) {
		if (c->states.list.at[i].interp_id != 0)
			return true;
	}
	return false;
}

static bool is_replaced(const struct stack_target *t, const struct native_frame *fr)
{
	uint64_t at = fr->exact ? fr->pc : fr->pc - 1;

	for (size_t i = 0; !fr->gap && i < t->replaced.n; i++) {
		if (t->replaced.at[i].lo <= at && at < t->replaced.at[i].hi)
			return true;
	}
	return false;
}

/* Marks frames in code that was another one when the thread was recorded. They were unwound by what
 * is there now, so all that is older is uncertain. */
static void mark_replaced(const struct stack_target *t, struct stack_thread *th)
{
	bool unsure = t->all_replaced;

	th->all_replaced = t->all_replaced;
	for (size_t i = 0; i < th->native.frames.n; i++)
		th->native.frames.at[i].replaced = is_replaced(t, &th->native.frames.at[i]);
	for (size_t i = 0; i < th->join.items.n; i++) {
		struct join_item *item = &th->join.items.at[i];

		item->unsure |= unsure && item->kind == JOIN_PYTHON;
		unsure |= item->kind == JOIN_NATIVE && th->native.frames.at[item->index].replaced;
	}
	th->failed |= unsure;
	th->join.unsure |= unsure;
}

enum res stack_thread_read(struct stack_target *t, size_t i, struct stack_thread *out, struct fault *f)
{
	struct capture_lwp *l = &t->capture.lwps.at[i];
	enum res res = thread_read_captured(t, l, out, f);

	if (res == RES_OK && !bound_passed(BOUND_STACKS))
		res = thread_read_again(t, i, out, f);
	if (res == RES_OK && (t->all_replaced || t->replaced.n != 0))
		mark_replaced(t, out);
	if (res == RES_OK && (stack_interpreters(t) > 1 || has_second(&t->capture)))
		res = thread_interps_list(&t->capture, l, out, f);
	if (res == RES_OK)
		lwp_history_reported(&t->history, l->id);
	return res;
}

bool stack_circle_waits(struct stack_target *t, const size_t *threads, size_t n)
{
	return capture_circle_waits(&t->capture, threads, n);
}

bool stack_thread_still(const struct stack_target *t, lwpid_t id)
{
	return capture_is_still(&t->capture, id);
}

void stack_thread_free(struct stack_thread *th)
{
	native_stack_free(&th->native);
	py_stack_free(&th->python);
	join_free(&th->join);
	vec_free(&th->interps);
}
