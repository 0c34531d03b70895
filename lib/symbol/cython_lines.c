/* See cython_lines.h.
 *
 * Before the code of each line of its source Cython (0.29 to 3.1) writes a comment of several lines
 * that begins with the source's name in quotation marks, a colon and the line's number.
 *
 * The first lines of a function have the place of the function itself. Helpers that are called have
 * none, but come after functions that do, so only names of Cython's functions are looked up. */
#include "symbol/cython_lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bound.h"
#include "base/fileio.h"
#include "base/owned.h"
#include "base/strbuf.h"
#include "os/source.h"
#include "symbol/cython_name.h"

enum { C_BYTES_MAX = 64 << 20, TABLES_MAX = 256, LINES_MAX = 1 << 22 };

/* The name of the source, owned by the table. NULL: out of memory. */
static const char *source_name(struct cython_table *t, const char *name, size_t n)
{
	char *copy;

	for (size_t i = t->sources.n; i-- > 0;) {
		if (strncmp(t->sources.at[i], name, n) == 0 && t->sources.at[i][n] == '\0')
			return t->sources.at[i];
	}
	copy = strndup(name, n);
	if (copy == NULL || !vec_push(&t->sources, copy)) {
		free(copy);
		return NULL;
	}
	return copy;
}

/* A line of the C file: does it begin such a comment? */
static void take_comment(struct cython_table *t, const char *at, const char *end, uint32_t number)
{
	static const char start[] = "/* \"";
	struct cython_line line = { .at = number };
	const char *name, *quote;

	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	if ((size_t)(end - at) < sizeof(start) || memcmp(at, start, sizeof(start) - 1) != 0)
		return;
	name = at + sizeof(start) - 1;
	quote = memchr(name, '"', (size_t)(end - name));
	if (quote == NULL || quote == name || end - quote < 3 || quote[1] != ':')
		return;
	for (at = quote + 2; at < end && *at >= '0' && *at <= '9' && line.line < UINT32_MAX / 16; at++)
		line.line = line.line * 10 + (uint32_t)(*at - '0');
	if (at != end || line.line == 0 || t->lines.n == LINES_MAX)
		return;
	line.source = source_name(t, name, (size_t)(quote - name));
	if (line.source != NULL)
		(void)vec_push(&t->lines, line);
}

void cython_table_parse(struct cython_table *t, const char *text, size_t n)
{
	const char *end = text + n;
	uint32_t number = 1;

	for (const char *at = text, *next; at < end; at = next + 1, number++) {
		next = memchr(at, '\n', (size_t)(end - at));
		if (next == NULL)
			break;
		take_comment(t, at, next, number);
	}
}

const struct cython_line *cython_table_at(const struct cython_table *t, uint32_t line)
{
	size_t lo = 0, hi = t->lines.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->lines.at[mid].at <= line)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == 0 ? NULL : &t->lines.at[lo - 1];
}

/* Is the C file, open as fd, older than the file that was made from it? */
static bool is_older(struct ps_prochandle *P, int fd, const char *module)
{
	OWNED(fd_release) int made = os_open_source(P, module);
	int64_t written = os_source_written(fd), built = os_source_written(made);

	return written != 0 && built != 0 && written <= built;
}

static void read_table(struct cython_table *t, struct ps_prochandle *P, const char *module)
{
	OWNED(fd_release) int fd = os_open_source(P, t->path);
	OWNED(mem_release) char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > C_BYTES_MAX ||
	    !is_older(P, fd, module))
		return;
	text = malloc((size_t)st.st_size);
	n = text == NULL ? -1 : fileio_pread(fd, text, (size_t)st.st_size, 0);
	if (n > 0)
		cython_table_parse(t, text, (size_t)n);
}

/* The table of a C file. NULL: out of memory, or there are too many. */
static const struct cython_table *table_of(
    struct cython_tables *tables, struct ps_prochandle *P, const char *module, const char *path)
{
	struct cython_table t = { .path = NULL };

	for (size_t i = 0; i < tables->n; i++) {
		if (strcmp(tables->at[i].path, path) == 0)
			return &tables->at[i];
	}
	if (tables->n == TABLES_MAX || bound_passed(BOUND_NAMES) || (t.path = strdup(path)) == NULL)
		return NULL;
	if (!vec_push(tables, t)) {
		free(t.path);
		return NULL;
	}
	read_table(&tables->at[tables->n - 1], P, module);
	return &tables->at[tables->n - 1];
}

/* Is it the name of a file of C or C++? */
static bool is_c(const char *file)
{
	static const char *const ends[] = { ".c", ".cpp", ".cc", ".cxx" };
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(dot, ends[i]) == 0)
			return true;
	}
	return false;
}

void cython_lines_set(
    struct cython_tables *tables, struct ps_prochandle *P, const char *module, struct symbol_source *source)
{
	for (size_t i = 0; i < source->n; i++) {
		OWNED(strbuf_free) struct strbuf path = STRBUF_EMPTY;
		struct symbol_line *place = &source->at[i];
		const struct cython_table *t;
		const struct cython_line *found;

		if (place->line == 0 || !cython_is_function(place->function) || !is_c(place->file))
			continue;
		if (place->file[0] != '/')
			strbuf_fmt(&path, "%s/", place->directory);
		strbuf_str(&path, place->file);
		if (path.failed || strbuf_text(&path)[0] != '/')
			continue;
		t = table_of(tables, P, module, strbuf_text(&path));
		found = t == NULL ? NULL : cython_table_at(t, place->line);
		if (found != NULL) {
			place->file = found->source;
			place->line = found->line;
			place->column = 0;
		}
	}
}

void cython_tables_free(struct cython_tables *tables)
{
	for (size_t i = 0; i < tables->n; i++) {
		free(tables->at[i].path);
		for (size_t k = 0; k < tables->at[i].sources.n; k++)
			free(tables->at[i].sources.at[k]);
		vec_free(&tables->at[i].sources);
		vec_free(&tables->at[i].lines);
	}
	vec_free(tables);
}
