/* See json_python_source.h. */
#ifdef WITH_JANSSON
#include "report/json_python_source.h"

#include "report/json_members.h"
#include "report/python_source.h"

enum { BYTES_MAX = 4096 }; /* of a line */

/* The bytes of a line that are printed: each of many frames may have a line of megabytes. */
static size_t bytes_shown(const struct py_source_line *line)
{
	size_t n = line->n;

	if (n <= BYTES_MAX)
		return n;
	for (n = BYTES_MAX; n > BYTES_MAX - 3 && (line->text[n] & 0xc0) == 0x80; n--)
		;
	return n;
}

static bool is_cut(const struct py_source *source)
{
	for (unsigned i = 0; i < source->n; i++) {
		if (bytes_shown(&source->at[i]) < source->at[i].n)
			return true;
	}
	return source->more;
}

static json_t *lines_of(const struct py_source *source, struct members *m)
{
	json_t *list = json_array();

	for (unsigned i = 0; list != NULL && i < source->n; i++)
		m->failed |= json_array_append_new(list,
				 members_text_value(m, source->at[i].text, bytes_shown(&source->at[i]))) != 0;
	return list;
}

static json_t *doubts_of(unsigned doubts, struct members *m)
{
	json_t *list = json_array();

	for (unsigned doubt = 1; list != NULL && doubt <= PY_SOURCE_OTHER; doubt <<= 1) {
		if ((doubts & doubt) != 0)
			m->failed |=
			    json_array_append_new(list, json_string(python_source_doubt(doubt))) != 0;
	}
	return list;
}

bool json_python_source(const struct record_thread *t, const struct record_item *item, struct strbuf *out)
{
	struct members m, source;
	struct frame_source f;

	if (!frame_source(t, item, &f))
		return true;
	m = members_begin();
	source = members_begin();
	members_value(&source, "lines", lines_of(&f.source, &source));
	if (is_cut(&f.source))
		members_bool(&source, "cut", true);
	if (f.source.doubts != 0)
		members_value(&source, "doubts", doubts_of(f.source.doubts, &source));
	members_value(&m, "source", members_take(&source, &m));
	if (f.at.column >= 0) {
		members_number(&m, "end_line", f.at.end_line);
		members_number(&m, "column", f.at.column);
		members_number(&m, "end_column", f.at.end_column);
	}
	strbuf_char(out, ',');
	return members_write(&m, out);
}
#endif
