/* See perf_map.h. */
#include "symbol/perf_map.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "os/perf_map.h"

/* A hexadecimal number and the space after it. */
static bool take_hex(const char **at, const char *end, uint64_t *out)
{
	const char *p = *at;
	unsigned digits = 0;

	if (end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	*out = 0;
	for (; p < end && digits <= 16; p++, digits++) {
		char c = *p;
		unsigned value = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: 16;

		if (value == 16)
			break;
		*out = *out << 4 | value;
	}
	if (digits == 0 || digits > 16 || p == end || *p != ' ')
		return false;
	*at = p + 1;
	return true;
}

static void take_entry(struct perf_map *m, const char *at, const char *end)
{
	struct perf_line line;

	if (!take_hex(&at, end, &line.start) || !take_hex(&at, end, &line.size) || at == end ||
	    end - at > PERF_NAME_MAX || memchr(at, '\0', (size_t)(end - at)) != NULL)
		return;
	line.name = at;
	line.name_n = (size_t)(end - at);
	(void)vec_push(&m->lines, line);
}

bool perf_map_parse(struct perf_map *m, const char *text, size_t n)
{
	const char *end = text + n;

	for (const char *at = text, *line; at < end; at = line + 1) {
		line = memchr(at, '\n', (size_t)(end - at));
		if (line == NULL)
			break; /* a line that is being written */
		if (m->lines.n == PERF_LINES_MAX) {
			/* Those that are left out may be of the same code, and count more. */
			vec_free(&m->lines);
			return false;
		}
		take_entry(m, at, line);
	}
	return true;
}

const struct perf_line *perf_map_at(const struct perf_map *m, uint64_t at)
{
	for (size_t i = m->lines.n; i-- > 0;) {
		const struct perf_line *line = &m->lines.at[i];

		if (at >= line->start && at - line->start < line->size)
			return line;
	}
	return NULL;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

enum res perf_map_load(struct perf_map *m, int fd, size_t *n, struct fault *f)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) != 0) {
		perf_map_clear(m);
		return fault_set(f, 0, errno, 0, "the file for perf cannot be read: %s", strerror(errno));
	}
	if (m->text != NULL && is_unchanged(&st, &m->file))
		return RES_NONE;
	perf_map_clear(m);
	if (st.st_size <= 0)
		return RES_NONE;
	if (st.st_size > PERF_MAP_MAX)
		return fault_set(f, 0, 0, 0, "the file for perf is larger than %d MiB", PERF_MAP_MAX >> 20);
	m->text = malloc((size_t)st.st_size);
	if (m->text == NULL)
		return fault_memory(f);
	got = fileio_pread(fd, m->text, (size_t)st.st_size, 0);
	if (got < 0)
		return fault_set(f, 0, errno, 0, "the file for perf cannot be read: %s", strerror(errno));
	*n = (size_t)got;
	m->file = st;
	return RES_OK;
}

enum res perf_map_read(struct perf_map *m, struct ps_prochandle *P, struct fault *f)
{
	OWNED(fd_release) int fd = -1;
	enum res res;
	size_t n = 0;

	if (m->tried)
		return RES_NONE;
	m->tried = true;
	res = os_open_perf_map(P, &fd, &m->certain, f);
	if (res == RES_OK)
		res = perf_map_load(m, fd, &n, f);
	else
		perf_map_clear(m);
	if (res != RES_OK)
		return res;
	if (!perf_map_parse(m, m->text, n))
		return fault_set(f, 0, 0, 0, "the file for perf has more than %d lines", PERF_LINES_MAX);
	return RES_OK;
}

void perf_map_clear(struct perf_map *m)
{
	free(m->text);
	m->text = NULL;
	vec_free(&m->lines);
}

void perf_map_free(struct perf_map *m)
{
	perf_map_clear(m);
	*m = (struct perf_map){ .tried = false };
}
