/* See jit_dump.h.
 *
 *   header    magic, version, size, machine, pid, time, flags
 *   record    kind, size, time, …        of one function
 *   …
 *
 * A function is loaded (with its name and its code), and may be moved. */
#include "symbol/jit_dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/addrmap.h"
#include "base/fileio.h"
#include "base/owned.h"
#include "base/span.h"
#include "os/perf_map.h"

enum { MAGIC = 0x4a695444, VERSION = 1, LOAD = 0, MOVE = 1 };
enum { HEADER = 40, HEADER_MAX = 4096, RECORD = 16 };

static enum res refuse_dump(struct perf_map *m, const char *what, struct fault *f)
{
	vec_free(&m->lines);
	return fault_set(f, 0, 0, 0, "the dump for perf %s", what);
}

/* What follows the head of a record of a function that is loaded: pid, thread, address, address of
 * the code, size, number, name. */
static bool take_load(struct perf_map *m, struct span *s, struct addrmap *numbers)
{
	struct perf_line line;
	uint64_t number;

	if (!span_skip(s, 2 * sizeof(uint32_t) + sizeof(uint64_t)) || !span_u64(s, &line.start) ||
	    !span_u64(s, &line.size) || !span_u64(s, &number) || !span_cstr(s, &line.name))
		return false;
	line.name_n = strlen(line.name);
	if (line.name_n > 0 && line.name_n <= PERF_NAME_MAX && vec_push(&m->lines, line))
		(void)addrmap_put(numbers, number, (uint32_t)(m->lines.n - 1));
	return true;
}

/* The same of one that is moved: pid, thread, address, old and new address of the code, size,
 * number. */
static bool take_move(struct perf_map *m, struct span *s, const struct addrmap *numbers)
{
	struct perf_line line;
	uint64_t number;
	uint32_t i;

	if (!span_skip(s, 2 * sizeof(uint32_t) + 2 * sizeof(uint64_t)) || !span_u64(s, &line.start) ||
	    !span_u64(s, &line.size) || !span_u64(s, &number))
		return false;
	if (addrmap_get(numbers, number, &i)) {
		line.name = m->lines.at[i].name;
		line.name_n = m->lines.at[i].name_n;
		(void)vec_push(&m->lines, line);
	}
	return true;
}

static enum res take_records(struct perf_map *m, struct span s, struct addrmap *numbers, struct fault *f)
{
	uint32_t kind, size;
	struct span record;

	for (size_t n = 0; span_left(&s) >= RECORD; n++) {
		if (n == PERF_LINES_MAX)
			return refuse_dump(m, "has too many records", f);
		record = s;
		if (!span_u32(&record, &kind) || !span_u32(&record, &size) || size < RECORD)
			return refuse_dump(m, "has a damaged record", f);
		if (size > span_left(&s))
			break; /* one that is being written */
		if (!span_cut(&s, size, &record) || !span_skip(&record, RECORD) ||
		    (kind == LOAD && !take_load(m, &record, numbers)) ||
		    (kind == MOVE && !take_move(m, &record, numbers)))
			return refuse_dump(m, "has a damaged record", f);
	}
	return RES_OK;
}

enum res jit_dump_parse(struct perf_map *m, const char *bytes, size_t n, pid_t pid, struct fault *f)
{
	OWNED(addrmap_free) struct addrmap numbers = ADDRMAP_EMPTY;
	struct span s = span_of(bytes, n), start = s;
	uint32_t magic, version, size, its;

	if (!span_u32(&start, &magic) || !span_u32(&start, &version) || !span_u32(&start, &size) ||
	    !span_skip(&start, 2 * sizeof(uint32_t)) /* machine, padding */ || !span_u32(&start, &its) ||
	    n < HEADER)
		return RES_OK; /* nothing is written yet */
	if (magic != MAGIC || version != VERSION || size < HEADER || size > HEADER_MAX)
		return refuse_dump(m, "has an unknown format", f);
	if (its != (uint32_t)pid)
		return refuse_dump(m, "is another process's", f);
	return span_skip(&s, size) ? take_records(m, s, &numbers, f) : RES_OK;
}

enum res jit_dump_read(struct perf_map *m, struct ps_prochandle *P, struct fault *f)
{
	OWNED(fd_release) int fd = -1;
	pid_t pid = 0;
	enum res res;
	size_t n = 0;

	if (m->tried)
		return RES_NONE;
	m->tried = m->certain = true;
	res = os_open_jit_dump(P, &fd, &pid, f);
	if (res == RES_OK)
		res = perf_map_load(m, fd, &n, f);
	else
		perf_map_clear(m);
	return res == RES_OK ? jit_dump_parse(m, m->text, n, pid, f) : res;
}
