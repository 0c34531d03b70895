/* The files of a target by their names, each read once. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/addrmap.h"
#include "base/bound.h"
#include "base/hash.h"
#include "base/owned.h"
#include "os/images.h"
#include "os/source.h"
#include "python/source/source.h"

static const int64_t clock_slack = 20000000; /* ns: two clocks of 100 Hz */

struct py_sources {
	struct ps_prochandle *P;
	int64_t moment; /* os_source_moment */
	VEC(struct source_file *) files;
	struct addrmap by_name; /* hash of a name → index in files */
	size_t bytes;           /* of all texts */
};

static void file_free(struct source_file *f)
{
	if (f == NULL)
		return;
	free(f->name);
	strbuf_free(&f->text);
	vec_free(&f->lines);
	free(f);
}

struct py_sources *py_sources_create(struct ps_prochandle *P, const char *core)
{
	struct py_sources *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->P = P;
	s->moment = os_source_moment(P, core);
	return s;
}

void py_sources_destroy(struct py_sources *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->files.n; i++)
		file_free(s->files.at[i]);
	vec_free(&s->files);
	addrmap_free(&s->by_name);
	free(s);
}

/* --- reading --- */

/* `<string>`, `<frozen os>`: the compiler was given no file. */
static bool names_file(const char *name, size_t n)
{
	return n > 0 && n < PATH_MAX && memchr(name, '\0', n) == NULL &&
	       !(name[0] == '<' && name[n - 1] == '>');
}

/* Bytes that Python could not decode are surrogates (U+DC80 to U+DCFF), ed b2 80 to ed b3 bf. */
static void undo_surrogates(const char *name, size_t n, struct strbuf *out)
{
	const unsigned char *at = (const unsigned char *)name;

	for (size_t i = 0; i < n; i++) {
		if (i + 2 < n && at[i] == 0xed && (at[i + 1] == 0xb2 || at[i + 1] == 0xb3) &&
		    at[i + 2] >= 0x80) {
			strbuf_char(out, (char)((at[i + 1] & 1) << 6 | (at[i + 2] & 0x3f) | 0x80));
			i += 2;
		} else {
			strbuf_char(out, name[i]);
		}
	}
}

/* The path of f in the target's root. Returns 0 or an errno. */
static int find_path(struct py_sources *s, struct source_file *f, struct strbuf *path)
{
	char cwd[PATH_MAX];

	f->relative = f->name[0] != '/';
	if (f->relative) {
		if (!os_working_directory(s->P, cwd, sizeof(cwd)))
			return ENOENT;
		strbuf_fmt(path, "%s/", cwd);
	}
	undo_surrogates(f->name, f->name_n, path);
	return path->failed ? ENOMEM : 0;
}

static void read_source(struct py_sources *s, struct source_file *f)
{
	OWNED(strbuf_free) struct strbuf path = STRBUF_EMPTY;
	size_t most = PY_SOURCE_TOTAL - s->bytes < PY_SOURCE_MAX ? PY_SOURCE_TOTAL - s->bytes : PY_SOURCE_MAX;
	size_t took;

	f->tried = true;
	f->error = find_path(s, f, &path);
	if (f->error == 0)
		f->error = source_read(s->P, strbuf_text(&path), most, &f->text, &f->written);
	/* What was unpacked in vain counts as well. */
	took = f->text.n;
	if (f->error == 0 && !source_decode(f))
		f->error = ENOMEM;
	if (f->error == 0 && f->text.n + f->lines.n * sizeof(uint32_t) > took)
		took = f->text.n + f->lines.n * sizeof(uint32_t);
	s->bytes = took < PY_SOURCE_TOTAL - s->bytes ? s->bytes + took : PY_SOURCE_TOTAL;
	if (f->error != 0) {
		strbuf_free(&f->text);
		vec_free(&f->lines);
		return;
	}
	f->doubts =
	    (f->relative ? PY_SOURCE_RELATIVE : 0) |
	    (f->written != 0 && s->moment != 0 && f->written > s->moment + clock_slack ? PY_SOURCE_NEWER : 0);
}

static struct source_file *add_file(struct py_sources *s, uint64_t hash, const struct py_code *code)
{
	struct source_file *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->name = malloc(code->file_len + 1);
	if (f->name != NULL && vec_push(&s->files, f)) {
		memcpy(f->name, code->file, code->file_len);
		f->name[code->file_len] = '\0';
		f->name_n = code->file_len;
		f->hash = hash;
		/* Without memory it is read again. */
		(void)addrmap_put(&s->by_name, hash, (uint32_t)(s->files.n - 1));
		return f;
	}
	file_free(f);
	return NULL;
}

/* NULL: out of memory, or there are too many. */
static struct source_file *file_of(struct py_sources *s, const struct py_code *code)
{
	uint64_t hash = hash_bytes(HASH_START, code->file, code->file_len);
	uint32_t at;

	if (addrmap_get(&s->by_name, hash, &at)) {
		struct source_file *f = s->files.at[at];

		if (f->name_n == code->file_len && memcmp(f->name, code->file, f->name_n) == 0)
			return f;
	}
	return s->files.n < PY_SOURCE_FILES ? add_file(s, hash, code) : NULL;
}

/* Set the lines, and whether there are more. */
static void take_lines(const struct source_file *f, const struct py_position *at, struct py_source *out)
{
	int64_t wanted = (int64_t)at->end_line - at->line + 1;

	while (out->n < PY_SOURCE_LINES && out->n < wanted &&
	       source_line(f, at->line + (int32_t)out->n, &out->at[out->n]))
		out->n++;
	out->more = out->n == PY_SOURCE_LINES && wanted > PY_SOURCE_LINES;
	if (out->n < PY_SOURCE_LINES && out->n < wanted)
		out->doubts |= PY_SOURCE_SHORT;
}

/* Are the columns beyond the lines? */
static bool are_beyond(const struct py_position *at, const struct py_source *lines)
{
	if (lines->raw || lines->n == 0 || at->column < 0)
		return false;
	return (size_t)at->column > lines->at[0].n ||
	       (!lines->more && (size_t)at->end_column > lines->at[lines->n - 1].n);
}

enum res py_source_find(
    struct py_sources *s, const struct py_code *code, const struct py_position *at, struct py_source *out)
{
	struct source_file *f;

	if (at->line < 1 || code == NULL || !names_file(code->file, code->file_len))
		return RES_NONE;
	f = file_of(s, code);
	if (f == NULL)
		return RES_FAIL;
	if (!f->tried && bound_passed(BOUND_LINES))
		return RES_NONE;
	if (!f->tried)
		read_source(s, f);
	if (f->error != 0)
		return RES_NONE;
	*out = (struct py_source){ .raw = f->unknown[0] != '\0',
		.doubts = f->doubts & (PY_SOURCE_NEWER | PY_SOURCE_RELATIVE) };
	take_lines(f, at, out);
	if (source_contradicts(f, code) || are_beyond(at, out))
		out->doubts |= PY_SOURCE_OTHER;
	f->doubts |= out->doubts;
	out->contradicted = (f->doubts & (PY_SOURCE_SHORT | PY_SOURCE_OTHER)) != 0;
	return RES_OK;
}

/* --- remarks --- */

static bool is_told(const struct source_file *f)
{
	return f->error != 0 ? f->told_error
			     : f->doubts == f->told && (f->unknown[0] == '\0' || f->told_unknown);
}

bool py_sources_remark(struct py_sources *s, struct py_source_remark *out)
{
	for (size_t i = 0; i < s->files.n; i++) {
		struct source_file *f = s->files.at[i];

		if (!f->tried || is_told(f))
			continue;
		*out = (struct py_source_remark){ .file = f->name,
			.n = f->name_n,
			.core = os_is_core(s->P),
			.error = f->error,
			.encoding = f->unknown[0] != '\0' && !f->told_unknown ? f->unknown : NULL,
			.doubts = f->doubts & ~f->told };
		f->told = f->doubts;
		f->told_error = f->told_unknown = true;
		return true;
	}
	return false;
}
