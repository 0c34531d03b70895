/* getopt_long and the texts that go with it. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage_line[] = "usage: pystack [-Fpv] [-n frames] [-e exec] { pid | core }[/lwps] ...\n";

static const char help_text[] =
    "Print the stack of every thread of a process or core file: native frames, and beneath each\n"
    "activation of CPython's evaluation loop the Python frames that it runs, innermost first.\n"
    "\n"
    "  -e, --exec FILE   executable of the core files given\n"
    "  -F, --force       take a core file whose content is not enough for a full stack\n"
    "  -n, --frames N    at most N native frames a thread, then a line '...'\n"
    "  -p, --python      only the Python frames\n"
    "  -v, --verbose     qualified names of functions, where the version has them\n"
    "      --help        this text\n"
    "      --version     the version of pystack\n"
    "\n"
    "Operands: 4711, /proc/4711, core, dir/core.4711; /lwps picks threads: 4711/4712,4715-4720,4800-\n"
    "Exit status: 0 all was printed; 1 something failed, the rest was printed; 2 usage, or nothing "
    "printed.\n";

static enum options_result refuse(void)
{
	(void)fputs(usage_line, stderr);
	(void)fputs("Try 'pystack --help'.\n", stderr);
	return OPTIONS_USAGE;
}

static bool parse_frames(const char *text, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *out >= 1)
		return true;
	(void)fprintf(stderr, "pystack: -n takes a number of frames, 1 or more, not '%s'\n", text);
	return false;
}

enum options_result options_parse(int argc, char **argv, struct options *out)
{
	enum { OPT_HELP = 256, OPT_VERSION };
	static const struct option longs[] = {
		{ "exec", required_argument, NULL, 'e' },
		{ "force", no_argument, NULL, 'F' },
		{ "frames", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "python", no_argument, NULL, 'p' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*out = (struct options){ 0 };
	while ((c = getopt_long(argc, argv, "e:Fn:pv", longs, NULL)) != -1) {
		switch (c) {
		case 'e':
			out->exec = optarg;
			break;
		case 'F':
			out->force = true;
			break;
		case 'n':
			if (!parse_frames(optarg, &out->frames))
				return OPTIONS_USAGE;
			break;
		case 'p':
			out->python_only = true;
			break;
		case 'v':
			out->verbose = true;
			break;
		case OPT_HELP:
			(void)fputs(usage_line, stdout);
			(void)fputs(help_text, stdout);
			return OPTIONS_DONE;
		case OPT_VERSION:
			(void)puts("pystack " PYSTACK_VERSION);
			return OPTIONS_DONE;
		default:
			return refuse();
		}
	}
	out->first = optind;
	if (optind == argc)
		return refuse();
	return OPTIONS_RUN;
}
