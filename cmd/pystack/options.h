/* The command line. */
#ifndef PYSTACK_OPTIONS_H
#define PYSTACK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "color.h"
#include "report/counts.h"
#include "stack/stack.h"

enum { OPTIONS_AT_MAX = 16, OPTIONS_DIRS_MAX = 16 };

struct operands;

struct options {
	bool force;                /* -F */
	bool verbose;              /* -v: co_qualname */
	bool python_only;          /* -p */
	int locals;                /* -l: how often it was given, 2 at most */
	long frames;               /* -n: native frames per thread, 0 all */
	enum unwind_engine engine; /* -m */
	enum stop_policy policy;   /* --stop, --no-stop */
	uint64_t memory;           /* --memory: bytes, 0 the default */
	int64_t timeout_ns;        /* --timeout: 0 the default, negative none */
	int64_t max_hold_ns;       /* --max-hold: 0 the default, negative no stop */
	const char *exec;          /* -e: executable of the cores, or NULL */
	const char *sysroot;       /* --sysroot: directory with their files, or NULL; not with exec */
	const char *dirs[OPTIONS_DIRS_MAX + 1]; /* -L: each DIR[:DIR...], NULL after the last */
	const char *coredump;                   /* --coredump: which of the stored cores; NULL: not given */
	bool counting;                          /* -c, or an option that implies it */
	enum counts_format output;              /* -o */
	long top;                               /* -t: number of stacks to print, 0 all */
	int64_t interval_ns;                    /* -i: 0 no sampling */
	int64_t duration_ns;                    /* -d: 0 no end */
	long samples;                           /* -N: 0 no end */
	const char *at[OPTIONS_AT_MAX + 1];     /* --at: probes, NULL after the last */
	const char *list;   /* --list: pattern of the probes to print, "" all; NULL: not given */
	const char *when;   /* --when: the condition on events, or NULL */
	int64_t every_ns;   /* --every: how often counts are printed, 0: at the end */
	const char *sum;    /* --sum: what is summed instead of counted, or NULL */
	uint64_t buffer;    /* --buffer: bytes between kernel and pystack, 0: as usual */
	int64_t min_ns;     /* --min: shortest time off the CPU */
	bool no_bpf;        /* --no-bpf: with -i, sample from outside */
	bool native_source; /* -g: lines and inlined functions of native frames */
	bool source;        /* --source: source lines of Python frames */
	bool no_demangle;   /* --no-demangle: names as the linker has them */
	bool idle;          /* --idle: with -i, waiting threads too */
	const char *exe;    /* --exe: processes that execute a file of this name; NULL: not given */
	bool all;           /* --all: each Python */
	bool tasks;         /* -a: the tasks of event loops, too */
	bool children;      /* -r: children of the processes are observed, too */
	bool command;       /* the operands are a program to start, with its arguments */
	int first;          /* index of the first operand */

	bool debuginfod;  /* --debuginfod */
	enum color color; /* --color; not COLOR_AUTO any more */
	/* With -r: the operands and their descendants; else NULL. */
	const struct operands *found;
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_USAGE };

/* Parse argv. OPTIONS_DONE: --help or --version was answered on stdout. OPTIONS_USAGE: an
 * error was printed on stderr. */
enum options_result options_parse(int argc, char **argv, struct options *out);

#endif
