#include "support/engines.h"

#include <inttypes.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "os/images.h"
#include "os/regs.h"
#include "stack/walk/walk.h"

enum { TOLD_MAX = 12 };

/* One of the two. */
struct side {
	const char *name;
	struct unwinder *u;
	struct walk_model *models; /* one per Python of the target */
	struct native_stack s;
};

/* A target that holds still, and both engines over it. */
struct pair {
	struct engines *e;
	struct ps_prochandle *P;
	struct py_process *py; /* NULL: no Python */
	struct capture c;
	struct side ours, theirs;
};

static enum res side_open(struct pair *p, struct side *s, enum unwind_engine engine, struct fault *f)
{
	s->models = calloc(p->py == NULL ? 1 : py_runtimes(p->py) + 1, sizeof(*s->models));
	return s->models == NULL ? fault_memory(f) : unwinder_create(p->c.P, engine, &s->u, f);
}

static void side_close(struct side *s)
{
	native_stack_free(&s->s);
	unwinder_destroy(s->u);
	free(s->models);
}

/* Does the other engine read such a target? */
static bool comparable(const struct pair *p, struct fault *f)
{
	if (!unwind_engine_built(p->e->against))
		(void)fault_set(f, 0, 0, 0, "libunwind is not built in");
	else if (p->e->against == UNWIND_ENGINE_LIBUNWIND && Pstatus(p->P)->pr_dmodel == PR_MODEL_ILP32)
		(void)fault_set(f, 0, 0, 0, "libunwind reads no 32-bit program here");
	else
		return true;
	return false;
}

static enum res take_live(struct pair *p, struct fault *f)
{
	enum res res = snapshot_create(p->P, &p->c.snapshot, f);

	if (res != RES_OK)
		return res;
	p->c.request.live = p->P;
	p->c.P = snapshot_handle(p->c.snapshot);
	if (p->py != NULL)
		py_process_move(p->py, p->c.P);
	p->c.request.policy = STOP_ALL;
	return capture_process(&p->c, f);
}

static int take_core_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	struct pair *p = data;
	struct capture_lwp *l;
	int64_t i;

	(void)info;
	if (status == NULL)
		return 0; /* it has exited */
	i = capture_add(&p->c, (lwpid_t)status->pr_lwpid, 0);
	if (i < 0)
		return -1;
	l = &p->c.lwps.at[i];
	memcpy(l->regs, status->pr_reg, sizeof(l->regs));
	l->known_regs = REGS_ALL;
	l->thread_pointer = os_thread_pointer(p->P, l->id, l->regs);
	return 0;
}

static enum res take_core(struct pair *p, struct fault *f)
{
	p->c.P = p->P;
	if (Plwp_iter_all(p->P, take_core_lwp, p) != 0)
		return fault_memory(f);
	capture_states_read(&p->c);
	for (size_t i = 0; i < p->c.lwps.n; i++)
		(void)capture_frames(&p->c, &p->c.lwps.at[i]);
	return RES_OK;
}

/* RES_OK: the pair must be closed. Python that cannot be read counts as none, because native stacks
 * are compared. */
static enum res pair_open(struct pair *p, struct fault *f)
{
	struct fault ignored;
	enum res res;

	if (py_process_create(p->P, &p->py, &ignored) != RES_OK)
		p->py = NULL;
	p->c.py = p->py;
	res = Pstate(p->P) == PS_DEAD ? take_core(p, f) : take_live(p, f);
	if (res == RES_OK)
		res = side_open(p, &p->ours, UNWIND_ENGINE_CFI, f);
	if (res == RES_OK)
		res = side_open(p, &p->theirs, p->e->against, f);
	return res;
}

static void pair_close(struct pair *p)
{
	side_close(&p->ours);
	side_close(&p->theirs);
	py_process_destroy(p->py);
	capture_free(&p->c);
}

static void walk_from(struct side *w, const struct unwind_regs *regs)
{
	struct fault f;

	native_stack_free(&w->s);
	if (native_stack_walk(w->u, regs, 0, &w->s, &f) != RES_OK)
		abort();
}

/* The walk that pystack prints, which continues where the engine alone is lost. */
static void walk_past(struct pair *p, struct side *w, const struct capture_lwp *l)
{
	uint32_t runtime = l->python_is != PYTHON_UNREAD ? l->thread.runtime : 0;
	struct walk walk = { .P = p->c.P, .u = w->u, .python = &l->python, .out = &w->s };
	struct fault f;

	for (size_t r = 0; r < l->python.runs.n; r++) {
		runtime = l->python.runs.at[r].runtime;
		if (l->python.runs.at[r].marker != 0)
			break;
	}
	walk.model = &w->models[runtime];
	walk.f = &f;
	native_stack_free(&w->s);
	if (walk_thread(&walk, l->regs, p->py == NULL ? PY_MARK_ENTRY : py_marking_of(p->py, runtime)) !=
	    RES_OK)
		abort();
}

/* The part of frame i that differs; NULL: none. */
static const char *frame_differs(const struct native_frame *a, const struct native_frame *b)
{
	if (a->pc != b->pc || a->sp != b->sp)
		return "pc or sp";
	if (a->cfa != b->cfa)
		return "CFA";
	if (a->how != b->how || a->exact != b->exact || a->signal_frame != b->signal_frame ||
	    a->no_cfi != b->no_cfi)
		return "how it was reached";
	for (unsigned r = 0; r < ARCH_SAVED_MAX; r++) {
		if ((a->saved_known >> r & 1) != (b->saved_known >> r & 1))
			return "known registers";
		if ((a->saved_known >> r & 1) != 0 && a->saved[r] != b->saved[r])
			return "registers";
	}
	return NULL;
}

static const char *stack_differs(const struct native_stack *a, const struct native_stack *b, size_t *at)
{
	size_t n = a->frames.n < b->frames.n ? a->frames.n : b->frames.n;
	const char *what = NULL;

	for (*at = 0; *at < n && what == NULL; (*at)++)
		what = frame_differs(&a->frames.at[*at], &b->frames.at[*at]);
	if (what != NULL)
		(*at)--;
	else if (a->frames.n != b->frames.n)
		what = "length";
	else if (a->end != b->end)
		what = "end";
	return what;
}

static void tell_stack(struct strbuf *out, struct ps_prochandle *P, const struct side *w, size_t at)
{
	for (size_t i = at < 3 ? 0 : at - 3; i < w->s.frames.n && i < at + 3; i++) {
		const struct native_frame *f = &w->s.frames.at[i];
		char name[64] = "?";
		GElf_Sym sym = { 0 };

		(void)Plookup_by_addr(P, f->pc - !f->exact, name, sizeof(name), &sym);
		strbuf_fmt(out,
		    "  %-9s #%zu pc %" PRIx64 " %s+%" PRIx64 " sp %" PRIx64 " cfa %" PRIx64
		    " how %d%s%s known %x",
		    w->name, i, f->pc, name, f->pc - sym.st_value, f->sp, f->cfa, f->how,
		    f->exact ? " exact" : "", f->no_cfi ? " no-cfi" : "", f->saved_known);
		for (unsigned r = 0; r < ARCH_SAVED_MAX; r++)
			strbuf_fmt(out, " %" PRIx64, f->saved[r]);
		strbuf_fmt(out, "\n");
	}
	strbuf_fmt(out, "  %-9s %zu frames, end %d %s\n", w->name, w->s.frames.n, w->s.end, w->s.why);
}

static void tell(struct engines *e, struct ps_prochandle *P, const char *what, const struct side *a,
    const struct side *b, size_t at)
{
	if (e->differ + e->place_wrong > TOLD_MAX)
		return;
	strbuf_fmt(&e->told, "stack %zu, frame %zu: %s\n", e->stacks, at, what);
	tell_stack(&e->told, P, a, at);
	tell_stack(&e->told, P, b, at);
}

/* Walk from pc and sp alone. The result may be shorter than ours.s, which is right, but not
 * different. */
static void compare_place(struct pair *p, const struct unwind_regs *regs)
{
	struct side place = { .name = "place", .u = p->ours.u };
	const struct native_stack *truth = &p->ours.s;
	struct unwind_regs less = *regs;
	struct engines *e = p->e;
	size_t i;

	if (truth->end != UNWIND_END_DONE)
		return;
	unwind_regs_place(p->c.P, &less);
	walk_from(&place, &less);
	e->place++;
	for (i = 0; i < place.s.frames.n && i < truth->frames.n; i++) {
		if (place.s.frames.at[i].pc != truth->frames.at[i].pc ||
		    place.s.frames.at[i].sp != truth->frames.at[i].sp)
			break;
	}
	e->place_whole += i == truth->frames.n;
	if (i != place.s.frames.n) {
		e->place_wrong++;
		tell(e, p->c.P, "from pc and sp alone", &p->ours, &place, i);
	}
	native_stack_free(&place.s);
}

/* Does call frame information end before frame `at`? The engine guesses the frames after that. */
static bool is_beyond(const struct native_stack *s, size_t at)
{
	for (size_t i = 0; i <= at && i < s->frames.n; i++) {
		if (s->frames.at[i].no_cfi)
			return true;
	}
	return false;
}

/* Does the frame-pointer stack equal that by call frame information, up to the first mark? */
static bool same_to_mark(const struct native_stack *a, const struct native_stack *b)
{
	size_t i = 0;

	while (i < b->frames.n && b->frames.at[i].how != UNWIND_FP)
		i++;
	if (i == b->frames.n && b->end == UNWIND_END_DONE)
		return false;
	for (size_t k = 0; k < i; k++) {
		const struct native_frame *x, *y = &b->frames.at[k];
		struct native_frame last;

		if (k == a->frames.n)
			return false;
		x = &a->frames.at[k];
		last = *x;
		if (k + 1 == i) { /* its caller is uncertain */
			last.cfa = y->cfa;
			last.no_cfi = y->no_cfi;
		}
		if (frame_differs(&last, y) != NULL)
			return false;
	}
	return true;
}

/* The frame-pointer engine does not know from call frame information what the pc of a signal frame
 * is, and it may know fewer registers. Adopt these from a, because they do not make another frame.
 * True: a register had a wrong value. */
static bool even_out(const struct native_stack *a, struct native_stack *b)
{
	bool wrong = false;

	for (size_t i = 0; i < a->frames.n && i < b->frames.n; i++) {
		const struct native_frame *x = &a->frames.at[i];
		struct native_frame *y = &b->frames.at[i];

		if (y->signal_frame)
			y->exact = x->exact;
		for (unsigned r = 0; r < ARCH_SAVED_MAX; r++) {
			wrong |= (x->saved_known & y->saved_known) >> r & 1 && y->saved[r] != x->saved[r] &&
				 y->how != UNWIND_FP;
			if (x->saved_known >> r & 1)
				y->saved[r] = x->saved[r];
		}
		y->saved_known |= x->saved_known;
	}
	return wrong;
}

/* True: both engines walked the same stack. */
static bool compare_sides(struct pair *p)
{
	size_t at;
	const char *what;

	if (p->e->against == UNWIND_ENGINE_FP && !p->e->spoil)
		p->e->registers += even_out(&p->ours.s, &p->theirs.s);
	what = stack_differs(&p->ours.s, &p->theirs.s, &at);
	if (what == NULL)
		return true;
	if (p->e->against == UNWIND_ENGINE_FP && is_beyond(&p->ours.s, at)) {
		p->e->excused++;
		return false;
	}
	if (p->e->against == UNWIND_ENGINE_FP && !p->e->spoil && same_to_mark(&p->ours.s, &p->theirs.s)) {
		p->e->marked++;
		return false;
	}
	p->e->differ++;
	tell(p->e, p->c.P, what, &p->ours, &p->theirs, at);
	return false;
}

/* Does this stack have parts that no engine finds by itself? */
static bool needs_help(const struct native_stack *s)
{
	for (size_t i = 0; i < s->frames.n; i++) {
		if (s->frames.at[i].how == UNWIND_FP)
			return true;
	}
	return s->end != UNWIND_END_DONE;
}

static void compare(struct pair *p, const struct capture_lwp *l)
{
	struct unwind_regs regs, others;
	struct engines *e = p->e;
	size_t frames;

	unwind_regs_from_prgregs(p->c.P, l->regs, &regs);
	others = regs;
	if (e->spoil)
		unwind_regs_place(p->c.P, &others);
	walk_from(&p->ours, &regs);
	walk_from(&p->theirs, &others);
	e->stacks++;
	frames = p->ours.s.frames.n;
	if (compare_sides(p)) {
		bool help = needs_help(&p->ours.s);

		compare_place(p, &regs);
		/* The model is learned from the stacks that need no help, so it takes all
		 * stacks. */
		walk_past(p, &p->ours, l);
		walk_past(p, &p->theirs, l);
		if (compare_sides(p) && help) {
			e->resumed += p->ours.s.frames.n != frames;
			frames = p->ours.s.frames.n;
		}
	}
	e->frames += frames;
}

enum res engines_compare(struct engines *e, const char *operand, const char *sysroot, struct fault *f)
{
	struct pair p = { .e = e, .ours.name = "cfi" };
	enum res res = RES_NONE;
	int code;

	p.P = proc_arg_xgrab(operand, sysroot, PR_ARG_PIDS | PR_ARG_CORES, PGRAB_RDONLY, &code, NULL);
	if (p.P == NULL)
		return fault_set(f, 0, 0, 0, "cannot be grabbed: %s", Pgrab_error(code));
	p.theirs.name = e->against == UNWIND_ENGINE_FP ? "fp" : "libunwind";
	if (comparable(&p, f)) {
		res = pair_open(&p, f);
		for (size_t i = 0; res == RES_OK && i < p.c.lwps.n; i++) {
			if (p.c.lwps.at[i].known_regs == REGS_ALL)
				compare(&p, &p.c.lwps.at[i]);
			else
				e->without++;
		}
		pair_close(&p);
		e->stops += res == RES_OK;
	}
	Prelease(p.P, 0);
	return res;
}

void engines_free(struct engines *e)
{
	strbuf_free(&e->told);
}
