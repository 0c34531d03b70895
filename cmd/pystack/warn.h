/* What goes to stderr about an operand. */
#ifndef PYSTACK_WARN_H
#define PYSTACK_WARN_H

#include <stddef.h>

#include "base/fault.h"
#include "report/record.h"

struct json_message;

/* Hand each further warning to kept, too, without "pystack: " and the newline; NULL: no more. The
 * message is valid during the call. */
typedef void warn_kept_fn(const struct json_message *message);
void warn_keep(warn_kept_fn *kept);

/* Print w, after what stdout holds. */
void warn_record(const struct record_warning *w);

/* The same for a code without arguments. */
void warn_code(enum record_warning_code code, const char *operand);

/* Print "pystack: ", the text and a newline. The text may have what somebody typed: its control
 * characters are escaped. */
void warn_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Print why the operand could not be examined or stopped. why->code is a G_ code, or 0 if
 * why->text is complete. The words for the code are followed by what os_explain finds out, else
 * by why->text. why->text replaces the words for G_STRANGE; if it is "", errno must be that of
 * the failure, or 0. */
void warn_fault(enum record_warning_code code, const char *operand, const struct fault *why);

#endif
