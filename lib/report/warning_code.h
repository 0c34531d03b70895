/* Names of the codes of warnings, for programs. */
#ifndef REPORT_WARNING_CODE_H
#define REPORT_WARNING_CODE_H

#include "report/record.h"

/* A constant such as "no-python" or, for a notice, "core-truncated". Names never change. */
const char *warning_code(const struct record_warning *w);

#endif
