/* See color.h. */
#include "color.h"
#include "warn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool color_parse(const char *text, enum color *out)
{
	static const char *const names[] = {
		[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum color)i;
			return true;
		}
	}
	warn_line("--color takes auto, always or never, not '%s'", text);
	return false;
}

enum color color_decide(enum color chosen, bool text)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (!text || chosen == COLOR_NEVER)
		return COLOR_NEVER;
	if (chosen == COLOR_ALWAYS)
		return COLOR_ALWAYS;
	if ((no != NULL && no[0] != '\0') || terminal == NULL || terminal[0] == '\0' ||
	    strcmp(terminal, "dumb") == 0)
		return COLOR_NEVER;
	return isatty(STDOUT_FILENO) ? COLOR_ALWAYS : COLOR_NEVER;
}
