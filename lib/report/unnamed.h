/* Native frames without a symbol, and the files that would have one. */
#ifndef REPORT_UNNAMED_H
#define REPORT_UNNAMED_H

#include "base/strbuf.h"
#include "symbol/symbolize.h"

/* Append to out, not escaped, the debug files of the modules that have addresses without a symbol
 * among the names (which must have places): `/usr/lib/debug/.build-id/ab/cd.debug (libx.so)`, of a
 * module without build-id its name, separated by commas, UNNAMED_FILES at most. In the parentheses
 * `in package` is before the name of the debug file's package, `of package` before the module's,
 * where os_debug_package knows it of P, whose names they are; P NULL: it is not asked. out NULL:
 * nothing is appended. Returns the number of these addresses. */
size_t unnamed_files(const struct symbolizer *names, struct ps_prochandle *P, struct strbuf *out);

enum { UNNAMED_FILES = 4 };

#endif
