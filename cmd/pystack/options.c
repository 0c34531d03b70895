/* getopt_long and the texts that go with it. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options_agree.h"
#include "options_wrong.h"
#include "warn.h"
#include "os/explain.h"
#include "report/json.h"

static const char usage_line[] =
    "usage: pystack [-aFglpv] [--stop | --no-stop] [--max-hold time] [--timeout time]\n"
    "               [--memory size] [-m mode] [-n frames] [-o format]\n"
    "               [-e exec | --sysroot dir] [-L dir[:dir]]\n"
    "               { { pid | core }[/lwps] ... | --coredump which }\n"
    "       pystack [-acFlpv] [-t top] [-o format] { --exe name | --all | -r pid ... }\n"
    "       pystack -c [-a] [-t top] [-o format] [{ pid | core }[/lwps] ...]\n"
    "       pystack --at probe ... [-c] [-prv] [-n frames] [-d duration] [-N events] [--min time]\n"
    "               [--when expr] [--every time] [--sum value] [--buffer size] [-t top] [-o format]\n"
    "               { pid[/lwps] ... | --exe name | --all | -- command [arg ...] }\n"
    "       pystack --list[=pattern] [pid ...]\n"
    "       pystack -i interval [-d duration] [-N samples] [--idle] [--no-bpf] [-t top]\n"
    "               [-o format] pid[/lwps]\n";

static const char help_text[] =
    "Print the stack of every thread of a process or core file: native frames, with the Python\n"
    "frames under each call of CPython's evaluation loop, innermost first.\n"
    "\n"
    "  -a, --tasks         tasks of asyncio and Trio, and greenlets, too: their stacks, who awaits whom\n"
    "      --all           every Python that one may look at; with --at, those to come as well\n"
    "      --at PROBE      print the stack at each event of PROBE, captured in the kernel without stopping "
    "the\n"
    "                      process; with -c, count them: syscall:NAME[:return], profile:HZ, off-cpu,\n"
    "                      tracepoint:CATEGORY:EVENT, uprobe:FILE:FUNCTION[+OFFSET], "
    "uretprobe:FILE:FUNCTION,\n"
    "                      usdt:FILE:PROVIDER:NAME, python:NAME (a static probe of the interpreter)\n"
    "      --buffer SIZE   with --at: bytes between the kernel and pystack (64M)\n"
    "  -c, --count         print each distinct stack once, with its count; without operands, read stacks\n"
    "                      from stdin\n"
    "      --color WHEN    colours: 'auto' (on a terminal, without NO_COLOR), 'always', 'never'\n"
    "      --coredump WHICH\n"
    "                      the last core that systemd-coredump has stored ('last'), or the last of a pid or\n"
    "                      of a program's name\n"
    "      --debuginfod    fetch files that are missing from the servers of DEBUGINFOD_URLS\n"
    "  -d, --duration T    with -i or --at: stop after T\n"
    "  -e, --exec FILE     executable for the core files\n"
    "      --every T       with --at: count, and print the counts of the last T, again and again\n"
    "      --exe NAME      every process of this executable (python3: python3.11, too)\n"
    "  -F, --force         accept a core file that lacks stacks or data\n"
    "      --idle          with -i: include waiting threads\n"
    "  -g, --native-source source lines of native frames, and inlined functions, by debug information\n"
    "  -i, --interval T    sample a process every T (10ms, 1s, 100hz, ...); print the counts at the end, or\n"
    "                      on ^C\n"
    "  -L, --library-path DIR[:DIR...]\n"
    "                      directories with files that are missing or others here: by build-id (.build-id\n"
    "                      trees), or by name\n"
    "  -l, --locals        the arguments and variables of each Python frame, with their values, which may "
    "be\n"
    "                      secret; -ll: more of each, and the globals of modules that are run\n"
    "      --list[=PATTERN]\n"
    "                      print the names of probes; with pids, those of their Pythons too\n"
    "      --min T         with --at off-cpu: leave out times shorter than T\n"
    "      --max-hold T    stop threads for T at most (100ms); 0: not at all\n"
    "      --memory SIZE   take SIZE of memory at most (1G, or a quarter of the machine's)\n"
    "  -m, --mode MODE     unwinder: auto, cfi, libunwind, fp (no call frame information)\n"
    "  -n, --frames N      at most N native frames per thread, then '...'\n"
    "  -N, --samples N     with -i: stop after N samples; with --at: after N events\n"
    "      --no-bpf        with -i: sample from outside, even where the kernel could\n"
    "      --no-demangle   names of C++ and Rust functions as the linker has them\n"
    "      --no-stop       never stop the target\n"
    "  -o, --output FORMAT 'text'; 'json' for programs; of counts (these imply -c) 'count', or 'folded' for\n"
    "                      flame graphs\n"
    "  -p, --python        only the Python frames\n"
    "  -r, --children      descendants as well; with --at, those to come as well\n"
    "      --source        the source lines of each Python frame, with a mark below what is executed (3.11 "
    "and\n"
    "                      later); '?' before lines that the code may not have come from\n"
    "      --stop          stop all threads together, even blocked ones\n"
    "      --sum VALUE     with --at: count, and sum VALUE: an argument, retval or duration (microseconds)\n"
    "      --sysroot DIR   directory with the files named in the core, instead of /\n"
    "  -t, --top N         with -c or -i: only the N most frequent stacks\n"
    "      --timeout T     take T at most for each operand or sample (10s); 0: any time\n"
    "  -v, --verbose       qualified function names, where available; all messages about files\n"
    "      --when EXPR     with --at: only events for which EXPR is true, as 'fd == 11 && size > 4096' or\n"
    "                      'path ~ \"*.pyc\"'\n"
    "      --help          print this text\n"
    "      --version       print version and build options\n"
    "\n"
    "With --at, '-- COMMAND [ARG ...]' starts a program and observes it from its first instruction.\n"
    "Operands: 4711, /proc/4711, core, dir/core.4711.zst, - (a core from stdin); /lwps selects threads: "
    "4711/4712,4715-4720,4800-\n"
    "Exit status: 0, everything printed; 1, part of it failed; 2, usage error, or nothing printed.\n";

/* The optional libraries, and what is not read without them. */
static const char built_with[] =
#ifdef WITH_ZLIB
    "with zlib"
#else
    "without zlib (sections and cores packed by it, debug files without build-id)"
#endif
#ifdef WITH_MINIZIP
    ", with minizip"
#else
    ", without minizip (--source of modules in zips)"
#endif
#ifdef WITH_LIBZSTD
    ", with libzstd"
#else
    ", without libzstd (sections and cores packed by zstd)"
#endif
#ifdef WITH_LIBLZMA
    ", with liblzma"
#else
    ", without liblzma (.gnu_debugdata, cores packed by xz)"
#endif
#ifdef WITH_LIBLZ4
    ", with liblz4"
#else
    ", without liblz4 (cores packed by lz4)"
#endif
#ifdef WITH_LIBUNWIND_GENERIC
    ", with libunwind"
#else
    ", without libunwind (-m libunwind)"
#endif
#ifdef WITH_LIBBPF
    ", with libbpf"
#else
    ", without libbpf (--at)"
#endif
#ifdef WITH_JANSSON
    ", with jansson"
#else
    ", without jansson (-o json)"
#endif
#ifdef WITH_LIBIBERTY
    ", with libiberty"
#else
    ", without libiberty (names of C++ and Rust)"
#endif
#ifdef WITH_LIBDWARF
    ", with libdwarf"
#else
    ", without libdwarf (-g, patched interpreters before 3.13)"
#endif
    ;

static enum options_result usage_error(void)
{
	(void)fputs(usage_line, stderr);
	(void)fputs("Try 'pystack --help'.\n", stderr);
	return OPTIONS_USAGE;
}

static bool parse_count(const char *text, char option, const char *what, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *out >= 1)
		return true;
	warn_line("-%c needs a positive number of %s, not '%s'", option, what, text);
	return false;
}

/* A time in DTrace's format: an integer with ns, us, ms, s, m, h, or a rate with hz. */
static bool parse_time(const char *text, const char *option, int64_t *out)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
		{ "m", 60000000000 }, { "h", 3600000000000 } };
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno == 0 && end != text && n >= 1) {
		if (strcmp(end, "hz") == 0 && n <= 1000000000) {
			*out = 1000000000 / n;
			return true;
		}
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (strcmp(end, units[i].name) == 0 && n <= INT64_MAX / units[i].ns) {
				*out = n * units[i].ns;
				return true;
			}
		}
	}
	warn_line("%s takes a time like 10ms, 30s or 5m%s, not '%s'", option,
	    strcmp(option, "-i") == 0 ? ", or a rate like 100hz" : "", text);
	return false;
}

/* A time, or "0", which *out has as -1. */
static bool parse_limit(const char *text, const char *option, int64_t *out)
{
	if (strcmp(text, "0") != 0)
		return parse_time(text, option, out);
	*out = -1;
	return true;
}

struct sizes {
	uint64_t least, most;
	const char *words;
};
static const struct sizes buffers = { 256 << 10, 1 << 30, "from 256K to 1G, like 64M" };
static const struct sizes memories = { 16 << 20, (uint64_t)1 << 50, "from 16M on, like 512M or 4G" };

/* Bytes: an integer with K, M or G. */
static bool parse_size(const char *text, const char *option, const struct sizes *sizes, uint64_t *out)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	unit = *end == '\0' ? units : strchr(units, *end);
	if (errno == 0 && end != text && n >= 1 && n <= 1 << 20 && unit != NULL && *end != '\0' &&
	    end[1] == '\0') {
		*out = (uint64_t)n << 10 * (unit - units + 1);
		if (*out >= sizes->least && *out <= sizes->most)
			return true;
	}
	warn_line("%s takes a size %s, not '%s'", option, sizes->words, text);
	return false;
}

static bool parse_output(const char *text, struct options *out)
{
	static const struct {
		const char *name;
		enum counts_format format;
		bool counting; /* it implies -c */
	} outputs[] = { { "text", COUNTS_TEXT, false }, { "json", COUNTS_JSON, false },
		{ "folded", COUNTS_FOLDED, true }, { "count", COUNTS_TEXT, true } };

	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		if (strcmp(text, outputs[i].name) != 0)
			continue;
		if (outputs[i].format == COUNTS_JSON && !json_is_built()) {
			(void)fputs("pystack: -o json: not built in (it needs jansson)\n", stderr);
			return false;
		}
		out->output = outputs[i].format;
		out->counting |= outputs[i].counting;
		return true;
	}
	warn_line("-o takes text, json, folded or count, not '%s'", text);
	return false;
}

static bool parse_mode(const char *text, enum unwind_engine *out)
{
	static const struct {
		const char *name;
		enum unwind_engine engine;
	} modes[] = { { "auto", UNWIND_ENGINE_AUTO }, { "cfi", UNWIND_ENGINE_CFI },
		{ "libunwind", UNWIND_ENGINE_LIBUNWIND }, { "fp", UNWIND_ENGINE_FP } };

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(text, modes[i].name) != 0)
			continue;
		if (unwind_engine_built(modes[i].engine)) {
			*out = modes[i].engine;
			return true;
		}
		warn_line("-m %s: not built in; -m cfi does the same", text);
		return false;
	}
	warn_line("-m takes auto, cfi, libunwind or fp, not '%s'", text);
	return false;
}

enum { EXE_MAX = 63 };

enum {
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_STOP,
	OPT_NO_STOP,
	OPT_IDLE,
	OPT_NO_BPF,
	OPT_NO_DEMANGLE,
	OPT_SOURCE,
	OPT_SYSROOT,
	OPT_ALL,
	OPT_AT,
	OPT_COLOR,
	OPT_COREDUMP,
	OPT_DEBUGINFOD,
	OPT_EXE,
	OPT_MIN,
	OPT_MAX_HOLD,
	OPT_MEMORY,
	OPT_TIMEOUT,
	OPT_LIST,
	OPT_WHEN,
	OPT_EVERY,
	OPT_SUM,
	OPT_BUFFER
};

static bool parse_directory(const char *text, const char **out)
{
	char why[160];

	if (!os_is_directory(text, why, sizeof(why))) {
		warn_line("--sysroot: %s: %s", text, why);
		return false;
	}
	*out = text;
	return true;
}

static bool add_directories(const char *text, struct options *out)
{
	for (size_t i = 0; i < OPTIONS_DIRS_MAX; i++) {
		if (out->dirs[i] == NULL) {
			out->dirs[i] = text;
			return true;
		}
	}
	(void)fprintf(stderr, "pystack: -L can be given %d times at most\n", OPTIONS_DIRS_MAX);
	return false;
}

static bool add_probe(const char *text, struct options *out)
{
	for (size_t i = 0; i < OPTIONS_AT_MAX; i++) {
		if (out->at[i] == NULL) {
			out->at[i] = text;
			return true;
		}
	}
	(void)fprintf(stderr, "pystack: --at can be given %d times at most\n", OPTIONS_AT_MAX);
	return false;
}

static bool parse_exe(const char *text, struct options *out)
{
	if (text[0] == '\0' || strchr(text, '/') != NULL || strlen(text) > EXE_MAX) {
		warn_line("--exe takes a file name without directory, not '%s'", text);
		return false;
	}
	out->exe = text;
	return true;
}

/* The options that take a value. False: the value is invalid; a message was printed. */
static bool parse_value(int c, const char *value, struct options *out)
{
	switch (c) {
	case 'd':
		return parse_time(value, "-d", &out->duration_ns);
	case 'e':
		out->exec = value;
		return true;
	case 'i':
		out->counting = true;
		return parse_time(value, "-i", &out->interval_ns);
	case 'L':
		return add_directories(value, out);
	case 'm':
		return parse_mode(value, &out->engine);
	case 'N':
		return parse_count(value, 'N', "samples", &out->samples);
	case 'n':
		return parse_count(value, 'n', "frames", &out->frames);
	case 'o':
		return parse_output(value, out);
	case OPT_AT:
		return add_probe(value, out);
	case OPT_COLOR:
		return color_parse(value, &out->color);
	case OPT_COREDUMP:
		out->coredump = value;
		return true;
	case OPT_EXE:
		return parse_exe(value, out);
	case OPT_WHEN:
		out->when = value;
		return true;
	case OPT_SUM:
		out->counting = true;
		out->sum = value;
		return true;
	case OPT_BUFFER:
		return parse_size(value, "--buffer", &buffers, &out->buffer);
	case OPT_MEMORY:
		return parse_size(value, "--memory", &memories, &out->memory);
	case OPT_EVERY:
		out->counting = true;
		return parse_time(value, "--every", &out->every_ns);
	case OPT_MAX_HOLD:
		return parse_limit(value, "--max-hold", &out->max_hold_ns);
	case OPT_TIMEOUT:
		return parse_limit(value, "--timeout", &out->timeout_ns);
	case OPT_MIN:
		return parse_time(value, "--min", &out->min_ns);
	case OPT_SYSROOT:
		return parse_directory(value, &out->sysroot);
	default:
		return parse_count(value, 't', "stacks", &out->top);
	}
}

static const struct option longs[] = {
	{ "all", no_argument, NULL, OPT_ALL },
	{ "at", required_argument, NULL, OPT_AT },
	{ "buffer", required_argument, NULL, OPT_BUFFER },
	{ "children", no_argument, NULL, 'r' },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "coredump", required_argument, NULL, OPT_COREDUMP },
	{ "count", no_argument, NULL, 'c' },
	{ "debuginfod", no_argument, NULL, OPT_DEBUGINFOD },
	{ "duration", required_argument, NULL, 'd' },
	{ "every", required_argument, NULL, OPT_EVERY },
	{ "exec", required_argument, NULL, 'e' },
	{ "exe", required_argument, NULL, OPT_EXE },
	{ "force", no_argument, NULL, 'F' },
	{ "frames", required_argument, NULL, 'n' },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "idle", no_argument, NULL, OPT_IDLE },
	{ "interval", required_argument, NULL, 'i' },
	{ "library-path", required_argument, NULL, 'L' },
	{ "list", optional_argument, NULL, OPT_LIST },
	{ "locals", no_argument, NULL, 'l' },
	{ "max-hold", required_argument, NULL, OPT_MAX_HOLD },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "min", required_argument, NULL, OPT_MIN },
	{ "mode", required_argument, NULL, 'm' },
	{ "native-source", no_argument, NULL, 'g' },
	{ "no-bpf", no_argument, NULL, OPT_NO_BPF },
	{ "no-demangle", no_argument, NULL, OPT_NO_DEMANGLE },
	{ "no-stop", no_argument, NULL, OPT_NO_STOP },
	{ "output", required_argument, NULL, 'o' },
	{ "python", no_argument, NULL, 'p' },
	{ "samples", required_argument, NULL, 'N' },
	{ "source", no_argument, NULL, OPT_SOURCE },
	{ "stop", no_argument, NULL, OPT_STOP },
	{ "sum", required_argument, NULL, OPT_SUM },
	{ "sysroot", required_argument, NULL, OPT_SYSROOT },
	{ "tasks", no_argument, NULL, 'a' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "top", required_argument, NULL, 't' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "when", required_argument, NULL, OPT_WHEN },
	{ NULL, 0, NULL, 0 },
};

/* What follows the first `--`, or NULL. getopt moves operands that precede it to after it. */
static char *after_dashes(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return argv[i + 1];
	}
	return NULL;
}

/* The options without a value. False: it is another. */
static bool set_flag(int c, struct options *out)
{
	switch (c) {
	case 'c':
		out->counting = true;
		return true;
	case 'F':
		out->force = true;
		return true;
	case 'g':
		out->native_source = true;
		return true;
	case 'l':
		out->locals += out->locals < 2;
		return true;
	case 'p':
		out->python_only = true;
		return true;
	case 'r':
		out->children = true;
		return true;
	case 'v':
		out->verbose = true;
		return true;
	case OPT_ALL:
		out->all = true;
		return true;
	case 'a':
		out->tasks = true;
		return true;
	case OPT_DEBUGINFOD:
		out->debuginfod = true;
		return true;
	case OPT_IDLE:
		out->idle = true;
		return true;
	case OPT_NO_BPF:
		out->no_bpf = true;
		return true;
	case OPT_NO_DEMANGLE:
		out->no_demangle = true;
		return true;
	case OPT_SOURCE:
		out->source = true;
		return true;
	default:
		return false;
	}
}

static enum options_result check_conflicts(const struct options *o, int operands)
{
	const char *conflict = options_conflict(o, operands);

	if (conflict == NULL)
		return OPTIONS_RUN;
	if (conflict[0] == '\0')
		return usage_error();
	(void)fprintf(stderr, "pystack: %s\nTry 'pystack --help'.\n", conflict);
	return OPTIONS_USAGE;
}

enum options_result options_parse(int argc, char **argv, struct options *out)
{
	static const char shorts[] = ":acd:e:Fgi:L:lm:N:n:o:prt:v";
	const char *after = after_dashes(argc, argv);
	int c;

	*out = (struct options){ 0 };
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (c) {
		case OPT_LIST:
			out->list = optarg != NULL ? optarg : "";
			break;
		case OPT_STOP:
		case OPT_NO_STOP:
			out->policy = c == OPT_STOP ? STOP_ALL : STOP_NONE;
			break;
		case OPT_HELP:
			(void)fputs(usage_line, stdout);
			(void)fputs(help_text, stdout);
			return OPTIONS_DONE;
		case OPT_VERSION:
			(void)puts("pystack " PYSTACK_VERSION);
			(void)puts(built_with);
			return OPTIONS_DONE;
		case '?':
		case ':':
			options_warn_wrong(c, argv, shorts);
			return usage_error();
		default:
			if (!set_flag(c, out) && (optarg == NULL || !parse_value(c, optarg, out)))
				return OPTIONS_USAGE;
			break;
		}
	}
	if (out->max_hold_ns < 0 && out->policy == STOP_RUNNING)
		out->policy = STOP_NONE;
	out->color = color_decide(out->color, out->output == COUNTS_TEXT && out->list == NULL);
	out->first = optind;
	out->command = out->at[0] != NULL && strcmp(argv[optind - 1], "--") == 0 && optind < argc;
	if (out->command && argv[optind] != after) {
		(void)fputs("pystack: processes and a command cannot be observed at the same time\n", stderr);
		return OPTIONS_USAGE;
	}
	return check_conflicts(out, argc - optind);
}
