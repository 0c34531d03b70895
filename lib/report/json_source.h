/* PRIVATE to lib/report: source places of native frames as JSON. */
#ifndef REPORT_JSON_SOURCE_H
#define REPORT_JSON_SOURCE_H

#include "report/json_members.h"
#include "symbol/symbolize.h"

/* Add the members `source` and `inlined`, as far as they are known. */
void json_source_add(const struct symbol_source *source, struct members *m);

#endif
