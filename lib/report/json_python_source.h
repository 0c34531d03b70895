/* Source lines of a Python frame as JSON. PRIVATE to lib/report. */
#ifndef REPORT_JSON_PYTHON_SOURCE_H
#define REPORT_JSON_PYTHON_SOURCE_H

#include "base/strbuf.h"
#include "report/record.h"

/* Append the member `source` and those of the position, after a comma; nothing if the item has no
 * source. False: out of memory. */
bool json_python_source(const struct record_thread *t, const struct record_item *item, struct strbuf *out);

#endif
