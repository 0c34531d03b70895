/* What goes to stderr about an operand. */
#ifndef PYSTACK_WARN_H
#define PYSTACK_WARN_H

#include <stddef.h>

/* `pystack: BEFOREARG: text` on stderr, after what stdout holds. */
void warn_operand(const char *before, const char *arg, const char *text);

/* libproc's words for a code, then what this system can tell of the cause, or else `otherwise`: into text, which has room
 * for n bytes. For G_STRANGE, which tells nothing, `otherwise` alone; if that is "", errno is to be of the failure, or 0. */
void explain(const char *arg, int code, const char *otherwise, char *text, size_t n);

#endif
