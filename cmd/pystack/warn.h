/* What goes to stderr about an operand. */
#ifndef PYSTACK_WARN_H
#define PYSTACK_WARN_H

#include <stddef.h>

#include "base/fault.h"
#include "report/record.h"

/* Print w, after what stdout holds. */
void warn_record(const struct record_warning *w);

/* The same for a code without arguments. */
void warn_code(enum record_warning_code code, const char *operand);

/* Print why the operand could not be examined or stopped. why->code is a G_ code, or 0 if
 * why->text is complete. The words for the code are followed by what os_explain finds out, else
 * by why->text. why->text replaces the words for G_STRANGE; if it is "", errno must be that of
 * the failure, or 0. */
void warn_fault(enum record_warning_code code, const char *operand, const struct fault *why);

#endif
