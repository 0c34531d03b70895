/* --color: when stacks are printed with colours. */
#ifndef PYSTACK_COLOR_H
#define PYSTACK_COLOR_H

#include <stdbool.h>

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* False: a message was printed. */
bool color_parse(const char *text, enum color *out);

/* COLOR_AUTO as one of the others: colours are for a terminal, unless NO_COLOR is set and not empty
 * (no-color.org), or TERM says that it has none. `text`: text is printed, not another format.
 * Asks for the terminal once at most. */
enum color color_decide(enum color chosen, bool text);

#endif
