/* From a handle to the text of its stacks. */
#include "print_target.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "at_operands.h"
#include "os/images.h"
#include "os/lwps.h"
#include "print_json.h"
#include "print_tasks.h"
#include "report/collect.h"
#include "report/deadlock.h"
#include "report/text.h"
#include "report/text_color.h"
#include "report/text_state.h"
#include "sigbus.h"
#include "source.h"
#include "warn.h"
#include "warn_target.h"

struct collect_options collect_options_of(const struct options *opt)
{
	return (struct collect_options){
		.python_only = opt->python_only, .frames = opt->frames, .locals = opt->locals != 0
	};
}

struct text_style text_style_of(const struct options *opt)
{
	return (struct text_style){ .qualified = opt->verbose, .color = opt->color == COLOR_ALWAYS };
}

struct symbol_wants symbol_wants_of(const struct options *opt)
{
	return (struct symbol_wants){ .places = opt->output == COUNTS_JSON || opt->native_source,
		.functions = opt->output == COUNTS_FOLDED,
		.demangled = !opt->no_demangle,
		.source = opt->native_source && !opt->python_only };
}

/* The state of printing one target. */
struct printing {
	const struct options *opt;
	struct stack_target *target;
	struct symbolizer *names;
	struct text_cache cache;
	struct strbuf text;    /* to be printed */
	size_t unread;         /* Python frames whose code or line could not be read */
	struct counts *counts; /* NULL: print the stacks, do not count them */
	deadlock_waits waits;  /* of threads printed */
	struct py_sources *sources;
	bool json; /* as JSON */
};

static void print_text(struct printing *p)
{
	text_write(strbuf_text(&p->text), p->text.n, p->opt->color == COLOR_ALWAYS, stdout);
	strbuf_reset(&p->text);
	p->text.failed = false;
}

/* Without this line the stacks would seem to be those of the operand before, so print it even if
 * memory runs out. */
static void print_process(struct printing *p, struct ps_prochandle *P, const char *core)
{
	struct collect_buffers buffers;
	struct record_process process;

	if (p->counts != NULL && !p->json)
		return;
	collect_process(P, core, p->json || p->opt->verbose, &buffers, &process);
	process.found = p->opt->found != NULL && process.parent > 0 &&
			!operands_typed(p->opt->found, (uint32_t)process.pid);
	if (p->json) {
		print_json_target(P, p->target, &process, p->counts != NULL);
		return;
	}
	text_process(&process, &p->text);
	if (p->text.failed)
		(void)printf("%d:\n", (int)process.pid);
	print_text(p);
}

static void print_header(struct printing *p, const struct record_thread *record)
{
	text_header(record, &p->text);
	if (p->text.failed)
		(void)printf("-------- thread# %d / lwp# %d --------\n", (int)record->id, (int)record->id);
	print_text(p);
}

static void print_state(struct printing *p, const struct record_thread *record)
{
	bool missing;

	text_state(&record->state, &p->text);
	missing = p->text.failed;
	print_text(p);
	if (missing)
		(void)fputs(TEXT_INDENT "(a line is missing: out of memory)\n", stdout);
}

static void print_stack(struct printing *p, const struct record_thread *record)
{
	const struct text_style style = text_style_of(p->opt);

	for (size_t i = 0; i < record->items.n;) {
		bool missing;

		i = text_stack(record, i, &style, &p->cache, &p->text);
		missing = p->text.failed;
		print_text(p);
		if (missing)
			(void)fputs(TEXT_INDENT "(a line is missing: out of memory)\n", stdout);
	}
}

static void count_stack(struct printing *p, const struct record_thread *record)
{
	char *text = counts_text(p->counts, record, &p->cache);

	if (text != NULL)
		counts_add(p->counts, text, 1);
	free(text);
}

/* read: the record has its items. */
static void print_text_thread(struct printing *p, const struct record_thread *record, bool read, bool header)
{
	if (header)
		print_header(p, record);
	print_state(p, record);
	if (read)
		print_stack(p, record);
	else
		(void)fputs(TEXT_INDENT "(its stack is missing: out of memory)\n", stdout);
}

/* False: something of the thread is missing. */
static bool print_thread(struct printing *p, size_t i, bool header)
{
	const struct collect_options opt = collect_options_of(p->opt);
	struct stack_thread th;
	struct record_thread record;
	struct fault f = { 0 };
	bool ok;

	if (stack_thread_read(p->target, i, &th, &f) != RES_OK) {
		(void)snprintf(th.why, sizeof(th.why), "%.100s", f.text);
		th.noted = th.failed = true;
	}
	ok = collect_thread(p->target, &th, &opt, p->names, &record, &f) == RES_OK;
	source_give(&record, p->sources, p->target, p->counts != NULL);
	if (p->counts == NULL && p->json)
		print_json_thread(&record, ok, th.failed, th.zombie, &p->cache);
	else if (p->counts == NULL)
		print_text_thread(p, &record, ok, header);
	else if (ok && !th.zombie)
		count_stack(p, &record);
	/* Without memory a deadlock is not told. */
	if (p->counts == NULL)
		(void)deadlock_add(&p->waits, i, record.id, &record.state);
	p->unread += record.unread;
	ok = ok && !record.incomplete && !th.failed;
	record_thread_free(&record);
	stack_thread_free(&th);
	return ok;
}

/* Print a circle of threads that wait for each other, if they all do so at one moment. */
static void print_circle(struct printing *p, const deadlock_waits *circle)
{
	size_t *threads = calloc(circle->n, sizeof(*threads));

	for (size_t i = 0; threads != NULL && i < circle->n; i++)
		threads[i] = circle->at[i].thread;
	if (threads != NULL && stack_circle_waits(p->target, threads, circle->n)) {
		if (p->json)
			print_json_deadlock(circle);
		else
			deadlock_text(circle, &p->text);
		print_text(p);
	}
	free(threads);
}

static void print_deadlocks(struct printing *p)
{
	deadlock_waits circle = VEC_EMPTY;

	while (deadlock_next(&p->waits, &circle))
		print_circle(p, &circle);
	vec_free(&circle);
	vec_free(&p->waits);
}

/* False: something of the threads is missing. */
static bool print_threads(struct printing *p, struct ps_prochandle *P, const struct operand *o)
{
	const struct stack_target *t = p->target;
	size_t n = stack_threads(t);
	/* The only thread may not be the first one of the process. */
	bool header = stack_threads_all(t) > 1 || stack_interpreters(t) > 1 ||
		      (n == 1 && stack_thread_id(t, 0) != os_first_lwp(P));
	bool ok = n > 0;

	for (size_t i = 0; i < n; i++)
		ok &= print_thread(p, i, header);
	print_deadlocks(p);
	if (n == 0)
		warn_code(WARN_NO_LWPS, o->typed);
	if (p->opt->tasks) {
		struct print_tasks tasks = { .target = t,
			.opt = p->opt,
			.cache = &p->cache,
			.counts = p->counts,
			.sources = p->sources,
			.operand = o->typed };

		ok &= print_tasks(&tasks);
		p->unread += tasks.unread;
	}
	return ok && p->unread == 0;
}

static enum outcome print_target(struct ps_prochandle *P, struct stack_target *t, const struct operand *o,
    const struct options *opt, struct counts *counts)
{
	struct printing p = { .opt = opt, .target = t, .counts = counts, .json = opt->output == COUNTS_JSON };
	bool ok;
	unsigned remarks = 0;

	p.names = symbolizer_create(stack_target_handle(t));
	if (p.names == NULL)
		return NOTHING; /* the caller reports refused memory */
	symbolizer_want(p.names, symbol_wants_of(opt));
	p.sources = source_open(P, os_is_core(P) ? o->name : NULL, opt);
	sigbus_printing();
	print_process(&p, P, os_is_core(P) ? o->name : NULL);
	ok = print_threads(&p, P, o);
	if (p.json)
		print_json_captured(t, os_is_core(P));
	ok &= warn_target(P, t, o, opt->verbose);
	ok &= warn_lacks(p.names, o->typed);
	if (symbol_wants_of(opt).source)
		warn_unnamed(p.names, P, o->typed);
	/* A core's missing end has been reported; this follows from it. */
	if (p.unread != 0 && !os_core_cut(P))
		warn_record(&(struct record_warning){
		    .code = WARN_FRAMES_UNREAD, .operand = o->typed, .count = { p.unread } });
	source_warn(p.sources, o->typed, opt->verbose, &remarks);
	py_sources_destroy(p.sources);
	text_cache_free(&p.cache);
	strbuf_free(&p.text);
	symbolizer_destroy(p.names);
	return ok ? DONE : PARTLY;
}

static void notice_failed(void *data, const struct notice *notice)
{
	bool *any = data;

	*any |= notice->failed;
}

/* A truncated or damaged core is printed as far as it goes; a notice says what it lacks. */
static bool content_suffices(struct ps_prochandle *P)
{
	const core_content_t need = CC_CONTENT_STACK | CC_CONTENT_DATA | CC_CONTENT_ANON;
	bool damaged = false;

	os_notices(P, notice_failed, &damaged);
	return damaged || (Pcontent(P) & need) == need;
}

struct stack_options stack_options_of(const struct options *opt, const struct operand *o)
{
	return (struct stack_options){ .lwps = o->lwps,
		.python_only = opt->python_only && opt->frames == 0,
		.engine = opt->engine,
		.policy = opt->policy,
		.hold_ns = opt->max_hold_ns,
		.force = opt->force,
		.locals = opt->locals };
}

enum outcome print_operand(
    struct ps_prochandle *P, const struct operand *o, const struct options *opt, struct counts *counts)
{
	struct stack_options stack = stack_options_of(opt, o);
	struct stack_target *t = NULL;
	struct fault f = { 0 };
	bool core = os_is_core(P);
	enum outcome outcome;

	stack.about = counts == NULL;
	stack.tasks = opt->tasks;

	if (core && !opt->force && !content_suffices(P)) {
		warn_code(WARN_CORE_CONTENT, o->name);
		return NOTHING;
	}
	if (!core && Pstatus(P)->pr_pid == getpid())
		f.code = G_SELF;
	if (f.code != 0 || stack_target_open(P, &stack, &t, &f) != RES_OK) {
		warn_fault(WARN_CANNOT_EXAMINE, o->typed, &f);
		return NOTHING;
	}
	outcome = print_target(P, t, o, opt, counts);
	stack_target_close(t);
	return outcome;
}
