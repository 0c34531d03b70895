/* PRIVATE to lib/symbol: names of code in no file, by the dump that the program writes for perf(1)
 * (Linux tools/perf/Documentation/jitdump-specification.txt). The program has it mapped. */
#ifndef SYMBOL_JIT_DUMP_H
#define SYMBOL_JIT_DUMP_H

#include "base/fault.h"
#include "symbol/perf_map.h"

/* Read the dump of P into m, as perf_map_read does its file. RES_NONE: P has none mapped.
 * RES_FAIL: one that does not count, or is of more than PERF_MAP_MAX bytes or PERF_LINES_MAX
 * records; f says why. */
enum res jit_dump_read(struct perf_map *m, struct ps_prochandle *P, struct fault *f);

/* Add the functions in n bytes of a dump, which must outlive m; pid: whose it must be. The last
 * record may be incomplete. RES_FAIL: it is damaged before that, another's, or has more than
 * PERF_LINES_MAX records; f says why, and m is empty afterwards. */
enum res jit_dump_parse(struct perf_map *m, const char *bytes, size_t n, pid_t pid, struct fault *f);

#endif
