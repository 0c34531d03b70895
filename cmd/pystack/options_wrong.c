/* See options_wrong.h. The C library's own messages would print what was typed as it is. */
#include "options_wrong.h"

#include <ctype.h>
#include <getopt.h>
#include <string.h>

#include "warn.h"

void options_warn_wrong(int c, char **argv)
{
	const char *typed = argv[optind - 1];
	char name[] = { '-', isprint(optopt) ? (char)optopt : '?', '\0' };
	bool is_long = strncmp(typed, "--", 2) == 0;

	if (c == ':')
		warn_line("option %s needs a value", is_long ? typed : name);
	else if (is_long && optopt != 0)
		warn_line("option %s takes no value", typed);
	else if (is_long)
		warn_line("option %s is unknown, or ambiguous", typed);
	else
		warn_line("option %s is unknown", name);
}
