/* From a handle to what is printed of it, and what is said beside. */
#include "print_target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/images.h"
#include "os/lwps.h"
#include "warn.h"
#include "sigbus.h"
#include "refusals.h"
#include "report/collect.h"
#include "report/text.h"

enum outcome refuse(const char *arg, int code)
{
	char text[640];

	explain(arg, code, "", text, sizeof(text));
	warn_operand("cannot examine ", arg, text);
	/* Habit of another program of this name. */
	if ((strcmp(arg, "remote") == 0 || strcmp(arg, "core") == 0) && access(arg, F_OK) != 0)
		warn_operand("", arg,
		    "this pystack has no subcommands: `pystack 4711` prints a process, "
		    "`pystack ./core` a core file");
	return NOTHING;
}

struct told {
	const char *arg;
	bool all; /* -v */
	bool failed;
	unsigned n;
};

enum { NOTICES = 4 }; /* told without -v */

/* A core from another machine can miss a hundred files for one reason: the first few say it. */
static void tell_notice(void *data, const char *text, bool failed)
{
	struct told *told = data;

	told->failed |= failed;
	if (told->n++ < NOTICES || told->all)
		warn_operand("", told->arg, text);
}

static void tell_rest(const struct told *told)
{
	char text[80];

	if (told->n <= NOTICES || told->all)
		return;
	(void)snprintf(text, sizeof(text), "%u more such messages (-v prints them)", told->n - NOTICES);
	warn_operand("", told->arg, text);
}

/* Interpreters that are not as the table has them, nor known otherwise. */
static void report_doubts(const struct py_process *py, const char *arg)
{
	char text[320];

	for (size_t i = 0; i < py_runtimes(py); i++) {
		const char *why = py_layout_mismatch(py, i);
		uint32_t version = py_version(py, i);

		if (why == NULL)
			continue;
		(void)snprintf(text, sizeof(text),
		    "CPython %u.%u has a non-standard layout (%s): frames may be missing or wrong; install "
		    "its "
		    "debug information",
		    version >> 24, version >> 16 & 0xff, why);
		warn_operand("", arg, text);
	}
}

/* What is said of the process as a whole. cut, refused: it is a core that lacks its end, or memory or files were refused; both
 * are told, and what follows from them is not said of the interpreter. */
static bool report_python(const struct stack_target *t, const char *arg, bool cut, bool refused)
{
	const char *why;

	switch (stack_python(t, &why)) {
	case RES_OK:
		if (stack_states_cut(t)) {
			warn_operand("", arg,
			    "its list of Python threads cannot be read whole: Python frames of some threads "
			    "are "
			    "missing");
			return false;
		}
		if (why[0] != '\0')
			warn_operand("", arg, why);
		if (!refused) /* (a core's end is no evidence to them) */
			report_doubts(stack_python_process(t), arg);
		return true;
	case RES_NONE:
		if (why[0] == '\0')
			why = cut || refused ? "no Python interpreter found in what could be read"
					     : "no Python interpreter found";
		warn_operand("", arg, why);
		return true;
	case RES_FAIL:
		break;
	}
	if (cut)
		why = "no Python frames: the data of its interpreter are in what the core lacks";
	else if (refused)
		why = "no Python frames: the data of its interpreter could not be read";
	warn_operand("", arg, why);
	return false;
}

struct collect_options collect_options_of(const struct options *opt)
{
	return (struct collect_options){ .python_only = opt->python_only, .frames = opt->frames };
}

/* What printing one target needs. */
struct printing {
	const struct options *opt;
	struct stack_target *target;
	struct symbolizer *names;
	struct text_cache cache;
	struct strbuf text;    /* to be printed */
	size_t unread;         /* Python frames whose code or line could not be read */
	struct counts *counts; /* NULL: print the stacks, do not count them */
};

static void print_text(struct printing *p)
{
	(void)fwrite(strbuf_text(&p->text), 1, p->text.n, stdout);
	strbuf_reset(&p->text);
	p->text.failed = false;
}

/* Without memory for the line the stacks that follow would be those of the operand before. */
static void print_process(struct printing *p, struct ps_prochandle *P, const char *core)
{
	struct collect_buffers buffers;
	struct record_process process;

	if (p->counts != NULL)
		return;
	collect_process(P, core, &buffers, &process);
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

static void print_stack(struct printing *p, const struct record_thread *record)
{
	const struct text_style style = { .qualified = p->opt->verbose };

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

/* False: something about it could not be had. */
static bool print_thread(struct printing *p, size_t i, bool header)
{
	const struct collect_options opt = collect_options_of(p->opt);
	struct stack_thread th;
	struct record_thread record;
	struct fault f = { 0 };
	bool ok;

	if (stack_thread_read(p->target, i, &th, &f) != RES_OK) {
		(void)snprintf(th.why, sizeof(th.why), "%.100s", f.text);
		th.failed = true;
	}
	ok = collect_thread(p->target, &th, &opt, p->names, &record, &f) == RES_OK;
	if (p->counts == NULL && header)
		print_header(p, &record);
	if (ok && p->counts != NULL && !th.zombie)
		count_stack(p, &record);
	else if (ok && p->counts == NULL)
		print_stack(p, &record);
	else if (p->counts == NULL)
		(void)fputs(TEXT_INDENT "(its stack is missing: out of memory)\n", stdout);
	p->unread += record.unread;
	ok = ok && !record.incomplete && !th.failed;
	record_thread_free(&record);
	stack_thread_free(&th);
	return ok;
}

static void print_threads(struct printing *p, struct ps_prochandle *P, struct told *told)
{
	const struct stack_target *t = p->target;
	size_t n = stack_threads(t);
	char text[128];
	/* The only one may be another than the process began with. */
	bool header = stack_threads_all(t) > 1 || stack_interpreters(t) > 1 ||
		      (n == 1 && stack_thread_id(t, 0) != os_first_lwp(P));

	for (size_t i = 0; i < n; i++)
		told->failed |= !print_thread(p, i, header);
	if (p->unread != 0) {
		(void)snprintf(text, sizeof(text),
		    "the code or the line of %zu Python frames could not be read; they are marked '?'",
		    p->unread);
		warn_operand("", told->arg, text);
		told->failed = true;
	}
	if (n == 0) {
		warn_operand("", told->arg, "no matching LWPs found");
		told->failed = true;
	}
}

static enum outcome print_target(struct ps_prochandle *P, struct stack_target *t, const char *arg,
    const char *core, const struct options *opt, struct counts *counts)
{
	struct printing p = { .opt = opt, .target = t, .counts = counts };
	struct told told = { .arg = arg, .all = opt->verbose };
	char text[640];
	bool refused;

	p.names = symbolizer_create(stack_target_handle(t));
	if (p.names == NULL) {
		warn_operand("", arg, strerror(ENOMEM));
		return NOTHING;
	}
	sigbus_printing();
	print_process(&p, P, core);
	print_threads(&p, P, &told);
	if (stack_not_held(t) != NULL) {
		explain(arg, stack_not_held(t)->code, stack_not_held(t)->text, text, sizeof(text));
		warn_operand("cannot stop ", arg, text);
	}
	os_notices(stack_target_handle(t), tell_notice, &told);
	tell_rest(&told);
	refused = refusals_tell(arg, true);
	told.failed |= !report_python(t, arg, os_core_cut(P), refused) || refused;
	text_cache_free(&p.cache);
	strbuf_free(&p.text);
	symbolizer_destroy(p.names);
	return told.failed ? PARTLY : DONE;
}

static void any_failed(void *data, const char *text, bool failed)
{
	bool *any = data;

	(void)text;
	*any |= failed;
}

/* A core that is cut short or damaged is printed as far as it goes; a notice says what it lacks. */
static bool enough(struct ps_prochandle *P)
{
	bool damaged = false;

	const core_content_t need = CC_CONTENT_STACK | CC_CONTENT_DATA | CC_CONTENT_ANON;

	os_notices(P, any_failed, &damaged);
	return damaged || (Pcontent(P) & need) == need;
}

struct stack_options stack_options_of(const struct options *opt, const char *lwps)
{
	return (struct stack_options){ .lwps = lwps,
		.python_only = opt->python_only && opt->frames == 0,
		.engine = opt->engine,
		.policy = opt->policy,
		.force = opt->force };
}

enum outcome examine(struct ps_prochandle *P, const char *arg, const char *name, const char *lwps,
    const struct options *opt, struct counts *counts)
{
	const struct stack_options stack = stack_options_of(opt, lwps);
	struct stack_target *t = NULL;
	struct fault f = { 0 };
	bool core = Pstate(P) == PS_DEAD;
	enum outcome outcome;
	char text[640];

	if (core && !opt->force && !enough(P)) {
		warn_operand("core ", name,
		    "has insufficient content (no stacks or no data were saved); use -F to print it anyway");
		return NOTHING;
	}
	if (!core && Pstatus(P)->pr_pid == getpid())
		return refuse(arg, G_SELF);
	if (stack_target_open(P, &stack, &t, &f) != RES_OK) {
		if (f.code != 0)
			explain(arg, f.code, f.text, text, sizeof(text));
		else
			(void)snprintf(text, sizeof(text), "%s", f.text);
		warn_operand("cannot examine ", arg, text);
		return NOTHING;
	}
	outcome = print_target(P, t, arg, core ? name : NULL, opt, counts);
	stack_target_close(t);
	return outcome;
}
