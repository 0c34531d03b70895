/* The command line. */
#ifndef PYSTACK_OPTIONS_H
#define PYSTACK_OPTIONS_H

#include <stdbool.h>

struct options {
	bool force;       /* -F */
	bool verbose;     /* -v: co_qualname */
	bool python_only; /* -p */
	long frames;      /* -n: native frames a thread, 0 all */
	const char *exec; /* -e: executable of the cores, or NULL */
	int first;        /* index of the first operand */
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_USAGE };

/* Parse argv. OPTIONS_DONE: --help or --version was answered on stdout. OPTIONS_USAGE: told on stderr. */
enum options_result options_parse(int argc, char **argv, struct options *out);

#endif
