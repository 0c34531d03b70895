/* Variables of a Python frame as JSON. PRIVATE to lib/report. */
#ifndef REPORT_JSON_LOCALS_H
#define REPORT_JSON_LOCALS_H

#include "base/strbuf.h"
#include "report/record.h"

/* Append the member `locals`, after a comma; nothing if values were not read. False: out of
 * memory. */
bool json_locals(const struct record_thread *t, const struct record_item *item, struct strbuf *out);

#endif
