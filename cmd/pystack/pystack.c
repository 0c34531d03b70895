/* pystack: each operand is grabbed, captured, printed and released in turn. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/owned.h"
#include "os/images.h"
#include "warn.h"
#include "sigbus.h"
#include "print_json.h"
#include "print_target.h"
#include "at.h"
#include "bounds.h"
#include "bounds_memory.h"
#include "at_operands.h"
#include "at_sample.h"
#include "core_open.h"
#include "core_progress.h"
#include "core_storage.h"
#include "interrupts.h"
#include "options.h"
#include "refusals.h"
#include "report/parse.h"
#include "rights.h"
#include "sample.h"

enum { EXIT_DONE = 0, EXIT_PARTLY = 1, EXIT_NOTHING = 2 };

/* Say why an operand could not be grabbed (code: Pgrab's). */
static void warn_grab(const struct operand *o, int code)
{
	warn_fault(WARN_CANNOT_EXAMINE, o->typed, &(struct fault){ .code = code });
	/* Users of another program of this name type these. */
	if ((strcmp(o->typed, "remote") == 0 || strcmp(o->typed, "core") == 0) && access(o->typed, F_OK) != 0)
		warn_code(WARN_NO_SUBCOMMANDS, o->typed);
}

/* In the kernel where that is possible and wanted: then nothing is stopped. */
static enum outcome run_sampling(
    struct ps_prochandle *P, const struct operand *o, const struct options *opt, struct counts *counts)
{
#ifdef WITH_PROBES
	enum outcome outcome;
	struct fault why;

	if (!opt->no_bpf && !opt->idle && opt->policy != STOP_ALL && !os_is_core(P) &&
	    Pstatus(P)->pr_pid != getpid()) {
		if (at_sample(o, opt, counts, &outcome, &why))
			return outcome;
		warn_line("sampling from outside: %s", why.text);
	}
#endif
	return sample_process(P, o, opt, counts);
}

#ifdef WITH_PROBES
static void show_fetching(void *data, bool over, uint64_t done, uint64_t all)
{
	struct progress *p = data;

	if (over)
		progress_end(p);
	else
		progress_show(p, done, done, all);
}
#endif

/* Fetch files of P from servers. `shown` must live as long as P. */
static void fetch_begin(struct ps_prochandle *P, struct progress *shown)
{
#ifdef WITH_PROBES
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct fault f = { .text = "the environment variable DEBUGINFOD_URLS names no server" };

	progress_begin(shown, "--debuginfod");
	if (urls == NULL || urls[strspn(urls, " ")] == '\0' ||
	    os_fetch(P, show_fetching, shown, &f) != RES_OK)
		warn_line("--debuginfod: nothing is fetched: %s", f.text);
#else
	(void)P;
	(void)shown;
#endif
}

static void warn_fetch_end(struct ps_prochandle *P)
{
#ifdef WITH_PROBES
	int error;

	if (os_fetch_stopped(P, &error))
		warn_line("--debuginfod: no more files are fetched: %s",
		    error == ETIME ? "it has taken a minute" : strerror(error));
#else
	(void)P;
#endif
}

/* Where else files of P are looked for. A message says which of the directories do not exist. */
static void add_directories(struct ps_prochandle *P, const struct options *opt)
{
#ifdef WITH_PROBES
	if (opt->sysroot != NULL && os_is_core(P))
		(void)os_search(P, opt->sysroot, true);
	for (size_t i = 0; opt->dirs[i] != NULL; i++) {
		OWNED(mem_release) char *dirs = strdup(opt->dirs[i]);
		char *rest = dirs, *dir;

		while ((dir = strsep(&rest, ":")) != NULL) {
			if (dir[0] != '\0' && os_search(P, dir, false) == RES_NONE)
				warn_line("-L: %s: no such directory", dir);
		}
	}
#else
	(void)P;
	(void)opt;
#endif
}

static enum outcome examine_grabbed(
    struct ps_prochandle *P, const struct operand *o, const struct options *opt, struct counts *counts)
{
	struct progress shown;
	enum outcome outcome;

	/* What it took to unpack or to receive a core does not count. */
	bounds_begin(opt, false);
	add_directories(P, opt);
	if (opt->debuginfod)
		fetch_begin(P, &shown);
	outcome = opt->interval_ns != 0 ? run_sampling(P, o, opt, counts) : print_operand(P, o, opt, counts);

	if (bounds_warn(o->typed) && outcome == DONE)
		outcome = PARTLY;
	if (opt->debuginfod)
		warn_fetch_end(P);
	os_release_images(P);
	Prelease(P, 0);
	return outcome;
}

static const char *aout_of(const struct options *opt)
{
	return opt->exec != NULL ? opt->exec : opt->sysroot;
}

static enum outcome count_stdin(struct counts *counts);

/* Examine what is neither a process nor a plain core. code: that of the grab that has failed, 0:
 * none was tried. */
static enum outcome examine_other(
    const char *typed, const struct options *opt, struct counts *counts, int code)
{
	const struct operand plain = { typed, typed, NULL };
	enum outcome outcome = NOTHING;
#ifdef WITH_PROBES
	bool text = counts != NULL && opt->interval_ns == 0;
	struct core_open core;

	if (code == 0 || code == G_FORMAT) {
		enum core_opened opened = core_grab(typed, aout_of(opt), text, &core);
		const char *name = core_is_stdin(typed) ? CORE_STDIN : core.name;
		const struct operand o = { core_is_stdin(typed) ? name : typed, name, core.lwps };

		if (opened == CORE_OPENED) {
			outcome = examine_grabbed(core.P, &o, opt, counts);
			outcome = outcome == DONE && core.partly ? PARTLY : outcome;
		} else if (opened == CORE_TEXT && dup2(core.text, STDIN_FILENO) >= 0) {
			outcome = count_stdin(counts);
		} else if (opened != CORE_OTHER) {
			warn_fault(WARN_CANNOT_EXAMINE, o.typed, &core.why);
		}
		fd_release(&core.text);
		free(core.name);
		if (opened != CORE_OTHER)
			return outcome;
	}
#endif
	(void)opt;
	(void)counts;
	warn_grab(&plain, code);
	return outcome;
}

/* A core on standard input is not looked for in the file system. */
static bool is_stdin(const char *typed)
{
#ifdef WITH_PROBES
	return core_is_stdin(typed);
#else
	(void)typed;
	return false;
#endif
}

/* counts: where its stacks are counted; NULL: they are printed. */
static enum outcome examine_operand(const char *typed, const struct options *opt, struct counts *counts)
{
	OWNED(mem_release) char *arg = strdup(typed);
	OWNED(mem_release) char *name = strdup(typed);
	struct operand o = { typed, name, NULL };
	struct ps_prochandle *P = NULL;
	enum outcome outcome;
	int code = 0;

	if (arg == NULL || name == NULL) {
		(void)refusals_warn(typed, false);
		return NOTHING;
	}
	if (!is_stdin(typed))
		P = proc_arg_xgrab(arg, aout_of(opt), PR_ARG_PIDS | PR_ARG_CORES,
		    PGRAB_RDONLY | (opt->force ? PGRAB_FORCE : 0), &code, &o.lwps);
	if (o.lwps != NULL)
		name[o.lwps - arg - 1] = '\0';
	outcome = P != NULL ? examine_grabbed(P, &o, opt, counts) : examine_other(typed, opt, counts, code);
	if (refusals_warn(typed, outcome != NOTHING) && outcome == DONE)
		outcome = PARTLY;
	return outcome;
}

static enum outcome end_json(const char *typed, enum outcome outcome)
{
	bool whole = print_json_end(outcome == DONE);

	if ((refusals_warn(typed, true) || !whole) && outcome == DONE)
		return PARTLY;
	return outcome;
}

static enum outcome run_operand(const char *typed, const struct options *opt, struct counts *counts)
{
	enum outcome outcome;

	if (opt->output != COUNTS_JSON)
		return examine_operand(typed, opt, counts);
	print_json_begin(typed);
	outcome = examine_operand(typed, opt, counts);
	return end_json(typed, outcome);
}

/* Keep closed standard streams closed: a file or pipe opened later would take the number and get
 * the output. A directory can neither be read nor written. */
static bool streams_guard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/", O_RDONLY | O_DIRECTORY) != fd) {
			(void)fprintf(
			    stderr, "pystack: a standard stream is closed, and cannot be replaced\n");
			return false;
		}
	}
	return true;
}

static void count_parsed(void *data, const struct record_thread *stack, uint64_t count)
{
	struct counts *counts = data;
	struct text_cache none = { VEC_EMPTY, ADDRMAP_EMPTY, VEC_EMPTY, 0 }; /* caches no quotations */
	char *text = counts_text(counts, stack, &none);

	if (text != NULL)
		counts_add(counts, text, count);
	free(text);
}

static enum outcome count_stdin(struct counts *counts)
{
	struct parse text = { .take = count_parsed, .data = counts };
	OWNED(mem_release) char *line = NULL;
	size_t room = 0;
	ssize_t n;

	errno = 0;
	while ((n = getline(&line, &room, stdin)) > 0)
		parse_line(&text, line, (size_t)n - (line[n - 1] == '\n'));
	parse_finish(&text);
	counts->failed |= text.failed;
	/* If memory for a line ran out, the stream has no error. */
	if (!feof(stdin)) {
		warn_record(&(struct record_warning){
		    .code = WARN_INPUT, .operand = "standard input", .detail = strerror(errno) });
		return counts->at.n > 0 ? PARTLY : NOTHING;
	}
	if (counts->at.n == 0)
		warn_code(WARN_NO_STACKS, "standard input");
	return counts->at.n > 0 ? DONE : NOTHING;
}

static enum outcome run_stdin(const struct options *opt, struct counts *counts)
{
	enum outcome outcome;

	if (opt->output != COUNTS_JSON)
		return count_stdin(counts);
	print_json_begin("standard input");
	outcome = count_stdin(counts);
	return end_json("standard input", outcome);
}

struct totals {
	size_t printed, failed;
};

static void totals_add(struct totals *t, enum outcome outcome)
{
	t->printed += outcome != NOTHING;
	t->failed += outcome != DONE;
}

static void run_counting(int argc, char **argv, const struct options *opt, struct totals *totals)
{
	struct counts counts = { .format = opt->output, .style = text_style_of(opt) };

	if (opt->first == argc)
		totals_add(totals, run_stdin(opt, &counts));
	for (int i = opt->first; i < argc; i++)
		totals_add(totals, run_operand(argv[i], opt, &counts));
	counts_print(&counts, (size_t)opt->top, stdout);
	if (counts.failed) {
		(void)fputs("pystack: out of memory, some stacks were not counted\n", stderr);
		totals->failed++;
	}
	counts_free(&counts);
}

static void run_printing(int argc, char **argv, const struct options *opt, struct totals *totals)
{
	for (int i = opt->first; i < argc; i++)
		totals_add(totals, run_operand(argv[i], opt, NULL));
}

/* The processes that opt describes, or the operands with their descendants. */
static void run_found(int argc, char **argv, const struct options *opt, struct totals *totals)
{
#ifdef WITH_PROBES
	struct options each = *opt;
	struct operands found;

	operands_find(opt, argc, argv, &found);
	each.first = 0;
	each.found = opt->children ? &found : NULL;
	if (found.at.n == 0)
		(void)fputs("pystack: there is no such process\n", stderr);
	else if (opt->counting)
		run_counting((int)found.at.n, found.at.at, &each, totals);
	else
		run_printing((int)found.at.n, found.at.at, &each, totals);
	if (found.refused != 0)
		warn_line("%s: %zu process%s may not be examined: permission denied",
		    opt->exe != NULL ? "--exe" : "--all", found.refused, found.refused == 1 ? "" : "es");
	totals->failed += found.refused + found.failed;
	operands_free(&found);
#else
	(void)argc;
	(void)argv;
	(void)opt;
	(void)fputs("pystack: processes are searched for on Linux only\n", stderr);
	totals->failed++;
#endif
}

static enum outcome run_probes(int argc, char **argv, const struct options *opt)
{
#ifdef WITH_PROBES
	return opt->list != NULL ? at_list(argc, argv, opt) : at_run(argc, argv, opt);
#else
	(void)argc;
	(void)argv;
	(void)opt;
	(void)fputs("pystack: --at needs Linux; here dtrace(8) has jstack()\n", stderr);
	return NOTHING;
#endif
}

/* The stored core that --coredump asks for, which the caller frees; NULL: a message was printed. */
static char *find_stored(const struct options *opt)
{
#ifdef WITH_PROBES
	return core_storage_find(opt->sysroot, opt->coredump);
#else
	(void)opt;
	(void)fputs("pystack: --coredump: systemd stores cores on Linux only\n", stderr);
	return NULL;
#endif
}

/* A pipe takes 64 kB at once; the C library would write 4 kB at a time. Terminals get whole
 * lines. */
static void buffer_output(void)
{
	static char bytes[1 << 16];

	if (!isatty(STDOUT_FILENO))
		(void)setvbuf(stdout, bytes, _IOFBF, sizeof(bytes));
}

int main(int argc, char **argv)
{
	struct options opt;
	struct totals totals = { 0, 0 };
	char *stored = NULL;

	if (!streams_guard())
		return EXIT_NOTHING;
	sigbus_watch();
	interrupts_fail_writes();
	buffer_output();

	switch (options_parse(argc, argv, &opt)) {
	case OPTIONS_DONE:
		return fflush(stdout) == 0 ? EXIT_DONE : EXIT_NOTHING;
	case OPTIONS_USAGE:
		return EXIT_NOTHING;
	case OPTIONS_RUN:
		break;
	}
	if (opt.at[0] == NULL)
		bounds_memory_begin(opt.memory);
	if (!opt.command)
		rights_drop(&opt, argc, argv);
	if (opt.coredump != NULL) {
		stored = find_stored(&opt);
		if (stored == NULL)
			return EXIT_NOTHING;
		argc = 1;
		argv = &stored;
		opt.first = 0;
	}
	if (opt.list == NULL && opt.at[0] == NULL && (opt.exe != NULL || opt.all || opt.children))
		run_found(argc, argv, &opt, &totals);
	else if (opt.list != NULL || opt.at[0] != NULL)
		totals_add(&totals, run_probes(argc, argv, &opt));
	else if (opt.counting)
		run_counting(argc, argv, &opt, &totals);
	else
		run_printing(argc, argv, &opt, &totals);
	free(stored);
	if (interrupts_by_limit()) {
		(void)fputs("pystack: ended early: its processor time is over (ulimit -t)\n", stderr);
		totals.failed++;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		warn_line("cannot write the output: %s", strerror(errno));
		return totals.printed > 0 ? EXIT_PARTLY : EXIT_NOTHING;
	}
	if (totals.printed == 0)
		return EXIT_NOTHING;
	return totals.failed > 0 ? EXIT_PARTLY : EXIT_DONE;
}
