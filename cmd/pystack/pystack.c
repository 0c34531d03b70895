/* pystack: each operand is grabbed, captured, printed and released in turn. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/owned.h"
#include "options.h"
#include "os/target_os.h"
#include "report.h"

enum outcome {
	DONE,    /* printed, nothing amiss */
	PARTLY,  /* printed, something failed */
	NOTHING, /* not printed */
};

enum { EXIT_DONE = 0, EXIT_PARTLY = 1, EXIT_NOTHING = 2 };

/* `pystack: ARG: text` on stderr, after what stdout holds. */
static void complain(const char *before, const char *arg, const char *text)
{
	struct strbuf line = STRBUF_EMPTY;

	strbuf_fmt(&line, "pystack: %s", before);
	escape_text(&line, arg, strlen(arg), false);
	strbuf_str(&line, ": ");
	escape_text(&line, text, strlen(text), false);
	strbuf_char(&line, '\n');
	(void)fflush(stdout);
	(void)fputs(line.failed ? "pystack: out of memory\n" : strbuf_text(&line), stderr);
	strbuf_free(&line);
}

/* libproc's words for a code, then what this system can tell of the cause, or else `otherwise`. */
static void explain(const char *arg, int code, const char *otherwise, char *text, size_t n)
{
	char more[512];

	os_explain(arg, code, more, sizeof(more));
	if (more[0] == '\0')
		(void)snprintf(more, sizeof(more), "%s", otherwise);
	(void)snprintf(text, n, "%s%s%s", Pgrab_error(code), more[0] != '\0' ? ": " : "", more);
}

static enum outcome refuse(const char *arg, int code)
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

/* What is said of the process as a whole. */
static bool report_python(const struct stack_target *t, const char *arg)
{
	const char *why;

	switch (stack_python(t, &why)) {
	case RES_OK:
		return true;
	case RES_NONE:
		complain("", arg, why[0] != '\0' ? why : "no Python found in it");
		return true;
	case RES_FAIL:
		break;
	}
	complain("", arg, why);
	return false;
}

static enum outcome print_target(struct ps_prochandle *P, struct stack_target *t, const char *arg,
    const char *core, const struct options *opt)
{
	struct report r = { .out = stdout, .opt = opt, .target = t };
	struct told told = { .arg = arg, .all = opt->verbose };
	char text[640];
	bool header = stack_threads_all(t) > 1;

	report_process(&r, P, core);
	for (size_t i = 0; i < stack_threads(t); i++) {
		struct stack_thread th;
		struct fault f = { 0 };

		if (stack_thread_read(t, i, &th, &f) != RES_OK) {
			(void)snprintf(th.why, sizeof(th.why), "%.100s", f.text);
			th.failed = true;
		}
		report_thread(&r, &th, header);
		told.failed |= th.failed || th.python.broken;
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
	told.failed |= !report_python(t, arg);
	os_notices(stack_target_handle(t), tell, &told);
	tell_rest(&told);
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

/* A process or core that was grabbed. name: the operand without its LWPs. */
static enum outcome examine(
    struct ps_prochandle *P, const char *arg, const char *name, const char *lwps, const struct options *opt)
{
	struct stack_options stack = { .lwps = lwps, .python_only = opt->python_only && opt->frames == 0 };
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
	outcome = print_target(P, t, arg, core ? name : NULL, opt);
	stack_target_close(t);
	return outcome;
}

static enum outcome run_operand(const char *operand, const struct options *opt)
{
	OWNED(mem_release) char *arg = strdup(operand);
	OWNED(mem_release) char *name = strdup(operand);
	const char *lwps = NULL;
	struct ps_prochandle *P;
	enum outcome outcome;
	int code = 0;

	if (arg == NULL || name == NULL) {
		complain("", operand, strerror(ENOMEM));
		return NOTHING;
	}
	P = proc_arg_xgrab(arg, opt->exec, PR_ARG_PIDS | PR_ARG_CORES,
	    PGRAB_RDONLY | (opt->force ? PGRAB_FORCE : 0), &code, &lwps);
	if (P == NULL)
		return refuse(operand, code);
	if (lwps != NULL)
		name[lwps - arg - 1] = '\0';
	outcome = examine(P, operand, name, lwps, opt);
	Prelease(P, 0);
	return outcome;
}

/* A standard stream that is closed is kept closed: what is opened or piped later would take its number and
 * get the output. The directory can neither be read nor written. */
static bool streams_guard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/", O_RDONLY | O_DIRECTORY) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options opt;
	size_t printed = 0, failed = 0;

	if (!streams_guard())
		return EXIT_NOTHING;

	switch (options_parse(argc, argv, &opt)) {
	case OPTIONS_DONE:
		return fflush(stdout) == 0 ? EXIT_DONE : EXIT_NOTHING;
	case OPTIONS_USAGE:
		return EXIT_NOTHING;
	case OPTIONS_RUN:
		break;
	}
	for (int i = opt.first; i < argc; i++) {
		enum outcome outcome = run_operand(argv[i], &opt);

		printed += outcome != NOTHING;
		failed += outcome != DONE;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "pystack: cannot write the output: %s\n", strerror(errno));
		return printed > 0 ? EXIT_PARTLY : EXIT_NOTHING;
	}
	if (printed == 0)
		return EXIT_NOTHING;
	return failed > 0 ? EXIT_PARTLY : EXIT_DONE;
}
