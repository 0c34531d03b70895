/* See options_wrong.h. The C library's own messages would print what was typed as it is. */
#include "options_wrong.h"

#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "warn.h"

/* Is optopt a letter that no short option has? getopt_long sets it for long options, too: to the
 * value of one that has an argument too many, which is a short option's letter or beyond all of
 * them, or to 0. */
static bool is_letter(const char *shorts)
{
	return optopt != 0 && optopt <= UCHAR_MAX &&
	       (optopt < 0 || optopt == ':' || strchr(shorts, optopt) == NULL);
}

void options_warn_wrong(int c, char **argv, const char *shorts)
{
	/* Of letters behind one another this is the argument before, as long as some are left. */
	const char *typed = argv[optind - 1];
	bool is_short = c == ':' ? strncmp(typed, "--", 2) != 0 : is_letter(shorts);
	bool is_printed = optopt > 0 && optopt <= UCHAR_MAX && isprint(optopt);
	char name[] = { '-', is_printed ? (char)optopt : '?', '\0' };

	if (c == ':')
		warn_line("option %s needs a value", is_short ? name : typed);
	else if (is_short)
		warn_line("option %s is unknown", name);
	else if (optopt != 0)
		warn_line("option %s takes no value", typed);
	else
		warn_line("option %s is unknown, or ambiguous", typed);
}
