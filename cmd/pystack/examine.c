/* From a handle to what is printed of it, and what is said beside. */
#include "examine.h"

#include <string.h>
#include <unistd.h>

#include "complain.h"
#include "cut_short.h"
#include "os/target_os.h"
#include "refusals.h"
#include "report.h"

enum outcome refuse(const char *arg, int code)
{
	char text[640];

	explain(arg, code, "", text, sizeof(text));
	complain("cannot examine ", arg, text);
	/* Habit of another program of this name. */
	if ((strcmp(arg, "remote") == 0 || strcmp(arg, "core") == 0) && access(arg, F_OK) != 0)
		complain("", arg,
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
static void tell(void *data, const char *text, bool failed)
{
	struct told *told = data;

	told->failed |= failed;
	if (told->n++ < NOTICES || told->all)
		complain("", told->arg, text);
}

static void tell_rest(const struct told *told)
{
	char text[80];

	if (told->n <= NOTICES || told->all)
		return;
	(void)snprintf(text, sizeof(text), "%u more files like these; -v names them all", told->n - NOTICES);
	complain("", told->arg, text);
}

/* Interpreters that are not as the table has them, nor known otherwise. */
static void report_doubts(const struct py_process *py, const char *arg)
{
	char text[320];

	for (size_t i = 0; i < py_runtimes(py); i++) {
		const char *why = py_doubt(py, i);
		uint32_t version = py_version(py, i);

		if (why == NULL)
			continue;
		(void)snprintf(text, sizeof(text),
		    "its CPython %u.%u is not as released (%s): frames may be missing or wrong; with its "
		    "debug information "
		    "they would be right",
		    version >> 24, version >> 16 & 0xff, why);
		complain("", arg, text);
	}
}

/* What is said of the process as a whole. explained: what was said before explains what it would be guessed from. */
static bool report_python(const struct stack_target *t, const char *arg, bool explained)
{
	const char *why;

	switch (stack_python(t, &why)) {
	case RES_OK:
		if (why[0] != '\0')
			complain("", arg, why);
		if (!explained)
			report_doubts(stack_python_process(t), arg);
		return true;
	case RES_NONE:
		if (explained && why[0] == '\0')
			return true;
		complain("", arg, why[0] != '\0' ? why : "no Python found in it");
		return true;
	case RES_FAIL:
		break;
	}
	complain("", arg, why);
	return false;
}

static enum outcome print_target(struct ps_prochandle *P, struct stack_target *t, const char *arg,
    const char *core, const struct options *opt, FILE *out)
{
	struct report r = { .out = out, .opt = opt, .target = t };
	struct told told = { .arg = arg, .all = opt->verbose };
	char text[640];
	bool header = stack_threads_all(t) > 1 || stack_interpreters(t) > 1, refused;

	cut_short_printing();
	report_process(&r, P, core);
	for (size_t i = 0; i < stack_threads(t); i++) {
		struct stack_thread th;
		struct fault f = { 0 };

		if (stack_thread_read(t, i, &th, &f) != RES_OK) {
			(void)snprintf(th.why, sizeof(th.why), "%.100s", f.text);
			th.failed = true;
		}
		told.failed |= !report_thread(&r, &th, header);
		stack_thread_free(&th);
	}
	if (stack_threads(t) == 0) {
		complain("", arg, "no matching LWPs found");
		told.failed = true;
	}
	if (stack_not_held(t)->text[0] != '\0') {
		explain(arg, stack_not_held(t)->code, stack_not_held(t)->text, text, sizeof(text));
		complain("cannot stop ", arg, text);
	}
	os_notices(stack_target_handle(t), tell, &told);
	tell_rest(&told);
	refused = refusals_tell(arg, true);
	told.failed |= !report_python(t, arg, refused) || refused;
	if (r.lost && ferror(out) == 0) {
		complain("", arg, "out of memory: the stacks are not whole");
		told.failed = true;
	}
	report_end(&r);
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
		.manner = opt->manner,
		.force = opt->force };
}

enum outcome examine(struct ps_prochandle *P, const char *arg, const char *name, const char *lwps,
    const struct options *opt, FILE *out)
{
	const struct stack_options stack = stack_options_of(opt, lwps);
	struct stack_target *t = NULL;
	struct fault f = { 0 };
	bool core = Pstate(P) == PS_DEAD;
	enum outcome outcome;
	char text[640];

	if (core && !opt->force && !enough(P)) {
		complain("core ", name,
		    "has insufficient content (no stacks or no data were saved); -F takes it anyway");
		return NOTHING;
	}
	if (!core && Pstatus(P)->pr_pid == getpid())
		return refuse(arg, G_SELF);
	if (stack_target_open(P, &stack, &t, &f) != RES_OK) {
		if (f.code != 0)
			explain(arg, f.code, f.text, text, sizeof(text));
		else
			(void)snprintf(text, sizeof(text), "%s", f.text);
		complain("cannot examine ", arg, text);
		return NOTHING;
	}
	outcome = print_target(P, t, arg, core ? name : NULL, opt, out);
	stack_target_close(t);
	return outcome;
}
