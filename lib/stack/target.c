/* A process or core, captured; its threads, unwound and joined one at a time. */
#include "stack/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/owned.h"
#include "capture/capture.h"
#include "os/regs.h"
#include "stack/join/find_loop.h"
#include "stack/join/greenlet.h"
#include "stack/join/join_loop.h"
#include "stack/rehold.h"
#include "stack/walk/walk.h"
#include "capture/lwp_history.h"

enum { EVAL_RANGES = 16 };

/* Where the loop of a runtime lies. */
struct eval {
	bool known, looked; /* by name; in all stacks */
	struct py_range at[EVAL_RANGES];
	size_t n;
};

struct stack_target {
	struct stack_options opt;
	struct py_process *py;
	enum res py_found;
	struct fault py_fault;
	struct capture capture;
	struct lwp_history history; /* with sampling */
	struct unwinder *unwinder;  /* made for the first thread that is unwound */
	struct walk_model *models;  /* one per runtime of py */
	struct eval *evals;         /* one per runtime */
	struct rehold rehold;
};

static enum res capture_once(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum res res = snapshot_create(P, &t->capture.snapshot, f);

	if (res != RES_OK)
		return res;
	t->capture.request.live = P;
	t->capture.P = snapshot_handle(t->capture.snapshot);
	if (t->py != NULL) {
		py_process_move(t->py, t->capture.P);
		py_process_later(t->py, P);
	}
	return capture_process(&t->capture, f);
}

/* Was some thread caught in a moment when its Python frames are not linked? */
static bool entering(const struct capture *c)
{
	for (size_t i = 0; i < c->lwps.n; i++) {
		if (c->lwps.at[i].python.entering)
			return true;
	}
	return false;
}

static void prepare(struct stack_target *t)
{
	t->capture.py = t->py;
	t->capture.request.history = t->opt.sampling && t->opt.policy != STOP_ALL ? &t->history : NULL;
	t->capture.request.running_only = t->opt.running && t->capture.request.history != NULL;
	t->capture.request.force = t->opt.force;
	t->capture.request.set = t->opt.lwps;
	t->capture.request.policy = t->opt.policy;
}

/* As before the first capture. */
static void capture_drop(struct stack_target *t, struct ps_prochandle *P)
{
	capture_free(&t->capture);
	prepare(t);
	if (t->py != NULL)
		py_process_move(t->py, P);
}

/* Such a moment is some ten instructions long: a second look a little later sees it over, unless the target does not
 * run. */
static enum res capture_live(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum { LOOKS = 4, PAUSE_NS = 1000000 };
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	enum res res = capture_once(t, P, f);

	for (int i = 1; i < LOOKS && res == RES_OK && entering(&t->capture); i++) {
		(void)nanosleep(&pause, NULL);
		capture_drop(t, P);
		res = capture_once(t, P, f);
	}
	return res;
}

struct core_lwps {
	struct stack_target *t;
	struct ps_prochandle *P;
};

static int add_core_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct core_lwps *core = data;
	struct capture *c = &core->t->capture;
	struct capture_lwp *l;
	lwpid_t id = (lwpid_t)(status != NULL ? status->pr_lwpid : info->pr_lwpid);
	int64_t i;

	c->all++;
	if (!proc_lwp_in_set(core->t->opt.lwps, id))
		return 0;
	i = capture_add(c, id, 0);
	if (i < 0)
		return -1;
	l = &c->lwps.at[i];
	if (status != NULL) {
		memcpy(l->regs, status->pr_reg, sizeof(l->regs));
		l->known_regs = REGS_ALL;
		l->thread_pointer = os_thread_pointer(core->P, l->id, l->regs);
	} else {
		capture_mark_zombie(l);
	}
	if (Plwp_getname(core->P, l->id, l->name, sizeof(l->name)) != 0)
		l->name[0] = '\0';
	return 0;
}

static enum res take_core(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	struct core_lwps core = { t, P };

	t->capture.P = P;
	if (Plwp_iter_all(P, add_core_lwp, &core) != 0)
		return fault_memory(f);
	capture_states_read(&t->capture);
	for (size_t i = 0; i < t->capture.lwps.n; i++) {
		if (t->capture.lwps.at[i].state != CAPTURE_ENDED)
			(void)capture_frames(&t->capture, &t->capture.lwps.at[i]);
	}
	return RES_OK;
}

enum res stack_target_open(
    struct ps_prochandle *P, const struct stack_options *opt, struct stack_target **out, struct fault *f)
{
	struct stack_target *t = calloc(1, sizeof(*t));
	enum res res;

	if (t == NULL)
		return fault_memory(f);
	t->opt = *opt;
	/* Everything that needs symbols is found out before anything is held. */
	t->py_found = py_process_create(P, &t->py, &t->py_fault);
	if (t->py_found != RES_OK)
		t->py = NULL;
	prepare(t);
	t->models = calloc(t->py == NULL ? 1 : py_runtimes(t->py) + 1, sizeof(*t->models));
	t->evals = calloc(t->py == NULL ? 1 : py_runtimes(t->py) + 1, sizeof(*t->evals));
	if (t->models == NULL || t->evals == NULL) {
		stack_target_close(t);
		return fault_memory(f);
	}
	res = Pstate(P) == PS_DEAD || opt->holds_still ? take_core(t, P, f) : capture_live(t, P, f);
	if (res != RES_OK) {
		stack_target_close(t);
		return res;
	}
	capture_finish(&t->capture);
	*out = t;
	return RES_OK;
}

enum res stack_target_recapture(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum res res;

	unwinder_destroy(t->unwinder);
	t->unwinder = NULL;
	capture_drop(t, P);
	res = capture_live(t, P, f);
	if (res == RES_OK)
		capture_finish(&t->capture);
	else
		capture_drop(t, P);
	return res;
}

void stack_target_close(struct stack_target *t)
{
	if (t == NULL)
		return;
	unwinder_destroy(t->unwinder);
	py_process_destroy(t->py);
	capture_free(&t->capture);
	lwp_history_free(&t->history);
	rehold_free(&t->rehold);
	free(t->models);
	free(t->evals);
	free(t);
}

struct ps_prochandle *stack_target_handle(const struct stack_target *t)
{
	return t->capture.P;
}

size_t stack_threads(const struct stack_target *t)
{
	return t->capture.lwps.n;
}

size_t stack_threads_all(const struct stack_target *t)
{
	return t->capture.all;
}

lwpid_t stack_thread_id(const struct stack_target *t, size_t i)
{
	return t->capture.lwps.at[i].id;
}

size_t stack_interpreters(const struct stack_target *t)
{
	return t->py == NULL ? 0 : py_interpreters(t->py);
}

enum res stack_python(const struct stack_target *t, const char **why)
{
	*why = t->py_found == RES_FAIL ? t->py_fault.text : NULL;
	if (t->py_found == RES_FAIL &&
	    (t->py_fault.code == PY_FAULT_TOO_OLD || t->py_fault.code == PY_FAULT_NOT_STARTED))
		return RES_NONE;
	return t->py_found;
}

bool stack_states_cut(const struct stack_target *t)
{
	return capture_states_lack(&t->capture);
}

const struct fault *stack_not_held(const struct stack_target *t)
{
	return t->capture.none_held ? &t->capture.not_held : NULL;
}

const struct py_process *stack_python_process(const struct stack_target *t)
{
	return t->py;
}

static bool read_word(void *data, uint64_t va, uint64_t *out)
{
	return Pread(data, out, sizeof(*out), va) == (ssize_t)sizeof(*out);
}

static bool read_narrow_word(void *data, uint64_t va, uint64_t *out)
{
	uint32_t word;

	if (Pread(data, &word, sizeof(word), va) != (ssize_t)sizeof(word))
		return false;
	*out = word;
	return true;
}

/* What is to be known of a runtime's loop: where its code lies is looked up once, and only where it is needed. */
static struct join_loop loop_of(struct stack_target *t, uint32_t runtime, bool code)
{
	struct eval *eval = &t->evals[runtime];
	struct join_loop loop = { .runtime = runtime,
		.marking = py_marking_of(t->py, runtime),
		.cframes = py_version(t->py, runtime) >> 16 == 0x030a };

	if ((code || loop.marking == PY_MARK_NONE) && !eval->known) {
		eval->known = true;
		eval->n = py_eval_ranges(t->py, runtime, eval->at, EVAL_RANGES);
	}
	/* What others have asked for changes nothing. */
	if (code || loop.marking == PY_MARK_NONE) {
		loop.eval = eval->at;
		loop.n_eval = eval->n;
	}
	return loop;
}

/* A runtime of a target. */
struct loop_place {
	struct stack_target *t;
	uint32_t runtime;
};

/* (loop_of knows no code of one that has no name) */
static bool in_loop(void *data, const struct native_frame *fr)
{
	const struct loop_place *p = data;
	struct join_loop loop = loop_of(p->t, p->runtime, true);

	return loop.n_eval == 0 || join_in_loop(loop.eval, loop.n_eval, fr);
}

static enum res unwind(
    struct stack_target *t, const struct capture_lwp *l, struct stack_thread *th, struct fault *f)
{
	enum res res = RES_OK;
	struct loop_place place = { t, l->python_is != PYTHON_UNREAD ? l->thread.runtime : 0 };
	struct walk walk;

	if (l->known_regs == REGS_NONE)
		return RES_OK;
	if (t->unwinder == NULL)
		res = unwinder_create(t->capture.P, t->opt.engine, &t->unwinder, f);
	if (res != RES_OK)
		return res;
	/* Of several, the one whose markers come first helps past what the unwinder cannot pass. */
	for (size_t r = 0; r < th->python.runs.n; r++) {
		place.runtime = th->python.runs.at[r].runtime;
		if (th->python.runs.at[r].marker != 0)
			break;
	}
	walk = (struct walk){ .P = t->capture.P,
		.u = t->unwinder,
		.python = &th->python,
		.model = &t->models[place.runtime],
		.out = &th->native,
		.f = f,
		.place_only = l->known_regs == REGS_PC_SP,
		.in_loop = t->py == NULL ? NULL : in_loop,
		.data = &place,
		.args = l->known_regs == REGS_PC_SP && l->asleep.in_call ? l->asleep.args : NULL };
	return walk_thread(
	    &walk, l->regs, t->py == NULL ? PY_MARK_ENTRY : py_marking_of(t->py, place.runtime));
}

/* A loop without a name is known from the first stack that shows it: this one, or once one of those that come later. */
static enum res look_for_loop(
    struct stack_target *t, const struct capture_lwp *l, const struct stack_thread *th, struct fault *f)
{
	uint32_t runtime = l->thread.runtime;
	struct eval *eval = &t->evals[runtime];
	enum res res = RES_OK;

	if (l->python_is == PYTHON_UNREAD || py_marking_of(t->py, runtime) != PY_MARK_NONE ||
	    th->python.cframes.n != 0)
		return RES_OK;
	(void)loop_of(t, runtime, true);
	if (eval->n == 0 && th->python.runs.n != 0)
		eval->n = find_loop(t->py, runtime, &th->native, &th->python, eval->at);
	for (size_t i = 0; res == RES_OK && eval->n == 0 && !eval->looked && i < t->capture.lwps.n; i++) {
		const struct capture_lwp *other = &t->capture.lwps.at[i];
		struct stack_thread one = { .python = other->python }; /* borrowed */

		if (other->python_is == PYTHON_UNREAD || other->thread.runtime != runtime ||
		    other->python.runs.n == 0)
			continue;
		res = unwind(t, other, &one, f);
		if (res == RES_OK)
			eval->n = find_loop(t->py, runtime, &one.native, &one.python, eval->at);
		native_stack_free(&one.native);
	}
	eval->looked = true;
	return res;
}

/* code: tell each runtime's loop by its code too. */
static enum res join_by(
    struct stack_target *t, const struct capture_lwp *l, bool code, struct stack_thread *out, struct fault *f)
{
	bool narrow = Pstatus(t->capture.P)->pr_dmodel == PR_MODEL_ILP32;
	struct join_input in = { .native = &out->native,
		.python = &out->python,
		.word = narrow ? read_narrow_word : read_word,
		.function = join_function,
		.switches = greenlet_switches,
		.narrow = narrow,
		.data = t->capture.P };
	VEC(struct join_loop) loops = VEC_EMPTY;
	enum res res = RES_OK;

	res = look_for_loop(t, l, out, f);
	for (size_t r = 0; res == RES_OK && r < out->python.runs.n; r++) {
		uint32_t runtime = out->python.runs.at[r].runtime;
		size_t k = 0;

		while (k < loops.n && loops.at[k].runtime != runtime)
			k++;
		if (k == loops.n && !vec_push(&loops, loop_of(t, runtime, code)))
			res = fault_memory(f);
	}
	in.loops = loops.at;
	in.n_loops = loops.n;
	if (res == RES_OK)
		res = stack_join(&in, &out->join, f);
	vec_free(&loops);
	return res;
}

static enum res join(
    struct stack_target *t, const struct capture_lwp *l, struct stack_thread *out, struct fault *f)
{
	enum res res = join_by(t, l, false, out, f);

	if (res != RES_OK || !(out->join.start || out->join.apart))
		return res;
	/* Activations whose frames hang on another greenlet, or lie elsewhere, are told by their code alone. */
	join_free(&out->join);
	memset(&out->join, 0, sizeof(out->join));
	return join_by(t, l, true, out, f);
}

/* Python frames alone, in their order: nothing to place, so nothing unsure but what was read as it ran. */
static enum res list_python(struct stack_thread *th, bool unsure, struct fault *f)
{
	for (size_t i = 0; i < th->python.frames.n; i++) {
		struct join_item item = { (uint32_t)i, JOIN_PYTHON, unsure };

		if (!vec_push(&th->join.items, item))
			return fault_memory(f);
	}
	return RES_OK;
}

static const struct py_thread *thread_at(
    const struct capture *c, const struct py_thread *likely, uint64_t tstate)
{
	if (likely->tstate == tstate)
		return likely;
	for (size_t i = 0; i < c->states.list.n; i++) {
		if (c->states.list.at[i].tstate == tstate)
			return &c->states.list.at[i];
	}
	return NULL;
}

/* Whose frames are these? In the order in which they are printed. */
static enum res name_interps(
    const struct capture *c, const struct capture_lwp *l, struct stack_thread *th, struct fault *f)
{
	OWNED(mem_release) uint64_t *of_frame = calloc(th->python.frames.n + 1, sizeof(*of_frame));
	uint64_t last = 0;

	if (of_frame == NULL)
		return fault_memory(f);
	for (size_t r = 0; r < th->python.runs.n; r++) {
		const struct py_run *run = &th->python.runs.at[r];

		for (uint32_t k = 0; k < run->count; k++)
			of_frame[run->first + k] = run->tstate;
	}
	for (size_t i = 0; i < th->join.items.n; i++) {
		const struct join_item *item = &th->join.items.at[i];
		const struct py_thread *of;
		size_t k = 0;

		if (item->kind != JOIN_PYTHON || of_frame[item->index] == last)
			continue;
		last = of_frame[item->index];
		of = thread_at(c, &l->thread, last);
		while (of != NULL && k < th->interps.n &&
		       (th->interps.at[k].id != of->interp_id || th->interps.at[k].runtime != of->runtime))
			k++;
		if (of != NULL && k == th->interps.n &&
		    !vec_push(&th->interps, ((struct stack_interp){ of->runtime, of->interp_id })))
			return fault_memory(f);
	}
	return RES_OK;
}

static bool has_found(const struct py_stack *s)
{
	return s->frames.n > 0 && s->frames.at[s->frames.n - 1].found;
}

/* Are there frames of several Pythons whose order only the native frames tell? */
static bool needs_places(const struct stack_target *t, const struct py_stack *s)
{
	for (size_t r = 1; py_runtimes(t->py) > 1 && r < s->runs.n; r++) {
		if (s->runs.at[r].runtime != s->runs.at[0].runtime && s->runs.at[0].marker == 0)
			return true;
	}
	return false;
}

/* Frames behind those that are known are missing, and no activation shows it. */
static void say_cut(struct py_stack *s)
{
	if (!s->cut || s->broken || has_found(s))
		return;
	s->broken = true;
	(void)snprintf(s->why, sizeof(s->why), "the chain ends at a suspended generator");
}

static enum res place_frames(
    struct stack_target *t, const struct capture_lwp *l, struct stack_thread *th, struct fault *f)
{
	enum res res;

	if (t->opt.python_only &&
	    (l->python_is == PYTHON_UNREAD || !(has_found(&th->python) || needs_places(t, &th->python)))) {
		say_cut(&th->python);
		return list_python(th, l->python_is == PYTHON_READ_RUNNING, f);
	}
	res = unwind(t, l, th, f);
	if (res == RES_OK)
		res = join(t, l, th, f);
	if (l->python_is != PYTHON_UNREAD && t->evals[l->thread.runtime].n == 0)
		say_cut(&th->python);
	if (res != RES_OK || !has_found(&th->python) || !join_is_uncertain(&th->join))
		return res;
	/* Frames that were looked for, not led to, are only believed if each has its activation, and each
	 * activation its frame. */
	py_stack_drop_recovered(&th->python);
	join_free(&th->join);
	memset(&th->join, 0, sizeof(th->join));
	return join(t, l, th, f);
}

static enum res read_captured(
    struct stack_target *t, struct capture_lwp *l, struct stack_thread *out, struct fault *f)
{
	memset(out, 0, sizeof(*out));
	out->id = l->id;
	memcpy(out->name, l->name, sizeof(out->name));
	memcpy(out->why, l->note.text, sizeof(out->why));
	out->failed = capture_is_incomplete(l);
	out->zombie = l->state == CAPTURE_ENDED;
	out->python = l->python;
	memset(&l->python, 0, sizeof(l->python)); /* handed on */
	return place_frames(t, l, out, f);
}

/* Thread i, which was read asleep, once more with its registers, if that may make something about *out surer. */
static enum res read_again(struct stack_target *t, size_t i, struct stack_thread *out, struct fault *f)
{
	struct capture_lwp *l = &t->capture.lwps.at[i];
	char reason[sizeof(out->why)];
	uint64_t stack;
	enum res res;

	if (t->opt.policy != STOP_RUNNING || !rehold_wanted(&t->rehold, l, out, &stack))
		return RES_OK;
	reason[0] = '\0';
	if (!rehold_may(&t->rehold) || !capture_with_registers(&t->capture, i, reason, sizeof(reason))) {
		rehold_failed(&t->rehold, reason, out);
		return RES_OK;
	}
	stack_thread_free(out);
	res = read_captured(t, l, out, f);
	if (res == RES_OK)
		rehold_tried(&t->rehold, stack, out);
	return res;
}

enum res stack_thread_read(struct stack_target *t, size_t i, struct stack_thread *out, struct fault *f)
{
	struct capture_lwp *l = &t->capture.lwps.at[i];
	enum res res = read_captured(t, l, out, f);

	if (res == RES_OK)
		res = read_again(t, i, out, f);
	if (res == RES_OK && stack_interpreters(t) > 1)
		res = name_interps(&t->capture, l, out, f);
	if (res == RES_OK)
		lwp_history_reported(&t->history, l->id);
	return res;
}

bool stack_thread_same(const struct stack_target *t, size_t i, lwpid_t *id)
{
	*id = t->capture.lwps.at[i].id;
	return t->capture.lwps.at[i].state == CAPTURE_SAME;
}

void stack_thread_free(struct stack_thread *th)
{
	native_stack_free(&th->native);
	py_stack_free(&th->python);
	join_free(&th->join);
	vec_free(&th->interps);
}
