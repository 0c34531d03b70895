/* A process or core, captured; its threads, unwound and joined one at a time. */
#include "stack/stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/owned.h"
#include "os/target_os.h"
#include "stack/capture.h"
#include "stack/walk.h"

enum { EVAL_RANGES = 16 };

struct stack_target {
	struct stack_options opt;
	struct py_process *py;
	enum res py_found;
	struct fault py_fault;
	struct capture capture;
	size_t matches;            /* LWPs in opt.lwps, when there is a set */
	struct unwinder *unwinder; /* made for the first thread that is unwound */
	struct walk_model *models; /* one per runtime of py */
	bool eval_known;
	struct py_range eval[EVAL_RANGES];
	size_t n_eval;
};

static int count_match(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct stack_target *t = data;

	t->capture.all++;
	if (proc_lwp_in_set(t->opt.lwps, status != NULL ? status->pr_lwpid : info->pr_lwpid))
		t->matches++;
	return 0;
}

static enum res capture_once(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum res res = snapshot_create(P, &t->capture.snapshot, f);

	if (res != RES_OK)
		return res;
	t->capture.P = snapshot_handle(t->capture.snapshot);
	if (t->py != NULL)
		py_process_move(t->py, t->capture.P);
	if (t->opt.lwps != NULL) {
		(void)Plwp_iter_all(P, count_match, t);
		if (t->matches == 0)
			return RES_OK; /* nothing to hold anything for */
	}
	res = capture_seized(P, t->opt.lwps, &t->capture, f);
	if (t->opt.lwps == NULL)
		t->capture.all = t->capture.lwps.n;
	return res;
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

/* Such a moment is some ten instructions long: a second look a little later sees it over, unless the target does not
 * run. */
static enum res capture_live(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	enum { LOOKS = 4, PAUSE_NS = 1000000 };
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	enum res res = capture_once(t, P, f);

	for (int i = 1; i < LOOKS && res == RES_OK && entering(&t->capture); i++) {
		(void)nanosleep(&pause, NULL);
		capture_free(&t->capture);
		t->capture.py = t->py;
		t->matches = 0;
		py_process_move(t->py, P);
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
	struct capture_lwp l = { 0 };

	c->all++;
	l.id = status != NULL ? status->pr_lwpid : info->pr_lwpid;
	if (!proc_lwp_in_set(core->t->opt.lwps, l.id))
		return 0;
	if (status != NULL) {
		memcpy(l.regs, status->pr_reg, sizeof(l.regs));
		l.have_regs = true;
	}
	if (Plwp_getname(core->P, l.id, l.name, sizeof(l.name)) != 0)
		l.name[0] = '\0';
	return vec_push(&c->lwps, l) ? 0 : -1;
}

static enum res take_core(struct stack_target *t, struct ps_prochandle *P, struct fault *f)
{
	struct core_lwps core = { t, P };

	t->capture.P = P;
	if (Plwp_iter_all(P, add_core_lwp, &core) != 0)
		return fault_memory(f);
	capture_python(P, &t->capture);
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
	t->py_found = py_process_open(P, &t->py, &t->py_fault);
	if (t->py_found != RES_OK)
		t->py = NULL;
	t->capture.py = t->py;
	t->models = calloc(t->py == NULL ? 1 : py_runtimes(t->py) + 1, sizeof(*t->models));
	if (t->models == NULL) {
		stack_target_close(t);
		return fault_memory(f);
	}
	res = Pstate(P) == PS_DEAD ? take_core(t, P, f) : capture_live(t, P, f);
	if (res != RES_OK) {
		stack_target_close(t);
		return res;
	}
	capture_finish(&t->capture);
	*out = t;
	return RES_OK;
}

void stack_target_close(struct stack_target *t)
{
	if (t == NULL)
		return;
	unwinder_destroy(t->unwinder);
	py_process_close(t->py);
	capture_free(&t->capture);
	free(t->models);
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

enum res stack_python(const struct stack_target *t, const char **why)
{
	*why = t->py_found == RES_FAIL ? t->py_fault.text : "";
	return t->py_found == RES_FAIL && t->py_fault.code == PY_FAULT_TOO_OLD ? RES_NONE : t->py_found;
}

const struct fault *stack_not_held(const struct stack_target *t)
{
	return &t->capture.not_held;
}

const struct py_process *stack_python_process(const struct stack_target *t)
{
	return t->py;
}

static bool read_word(void *data, uint64_t va, uint64_t *out)
{
	return Pread(data, out, sizeof(*out), va) == (ssize_t)sizeof(*out);
}

/* Where the loop's code lies, looked up once, and only for the versions that need it. */
static void find_eval(struct stack_target *t, const struct capture_lwp *l)
{
	if (t->eval_known)
		return;
	t->eval_known = true;
	t->n_eval = py_eval_ranges(t->py, t->capture.threads.at[l->thread].runtime, t->eval, EVAL_RANGES);
}

/* Python frames alone, in their order: nothing to place, so nothing unsure. */
static enum res list_python(struct stack_thread *th, struct fault *f)
{
	for (size_t i = 0; i < th->python.frames.n; i++) {
		struct join_item item = { (uint32_t)i, JOIN_PYTHON, false };

		if (!vec_push(&th->join.items, item))
			return fault_memory(f);
	}
	return RES_OK;
}

static enum res unwind(struct stack_target *t, const struct capture_lwp *l, enum py_marking marking,
    struct stack_thread *th, struct fault *f)
{
	enum res res = RES_OK;
	uint32_t runtime;
	struct walk walk;

	if (!l->have_regs && !l->have_place)
		return RES_OK;
	if (t->unwinder == NULL)
		res = unwinder_create(t->capture.P, UNWIND_ENGINE_LIBUNWIND, &t->unwinder, f);
	if (res != RES_OK)
		return res;
	runtime = l->have_python ? t->capture.threads.at[l->thread].runtime : 0;
	walk = (struct walk){ t->capture.P, t->unwinder, &th->python, &t->models[runtime], &th->native, f,
		l->have_place };
	return walk_thread(&walk, l->regs, marking);
}

enum res stack_thread_read(struct stack_target *t, size_t i, struct stack_thread *out, struct fault *f)
{
	struct capture_lwp *l = &t->capture.lwps.at[i];
	struct join_input in = { .native = &out->native,
		.python = &out->python,
		.marking = PY_MARK_ENTRY,
		.word = read_word,
		.data = t->capture.P };
	enum res res;

	memset(out, 0, sizeof(*out));
	out->id = l->id;
	memcpy(out->name, l->name, sizeof(out->name));
	memcpy(out->why, l->why, sizeof(out->why));
	out->failed = l->failed;
	out->python = l->python;
	memset(&l->python, 0, sizeof(l->python)); /* handed on */
	if (t->opt.python_only)
		return list_python(out, f);
	if (l->have_python)
		in.marking = py_marking_of(t->py, t->capture.threads.at[l->thread].runtime);
	res = unwind(t, l, in.marking, out, f);
	if (res != RES_OK)
		return res;
	if (l->have_python && in.marking == PY_MARK_NONE) {
		find_eval(t, l);
		in.eval = t->eval;
		in.n_eval = t->n_eval;
	}
	return stack_join(&in, &out->join, f);
}

void stack_thread_free(struct stack_thread *th)
{
	native_stack_free(&th->native);
	py_stack_free(&th->python);
	join_free(&th->join);
}
