/* See python_source.h. */
#include "report/python_source.h"

#include <errno.h>

#include "base/fileio.h"
#include "stack/stack.h"

bool frame_source(const struct record_thread *t, const struct record_item *item, struct frame_source *out)
{
	const struct record_source *from = &t->source;

	if (from->files == NULL || item->kind != RECORD_PYTHON || item->code == NULL)
		return false;
	if (from->places || !stack_position(from->target, &from->frames[item->index], &out->at))
		out->at = (struct py_position){ item->line, item->line, -1, -1 };
	if (py_source_find(from->files, item->code, &out->at, &out->source) != RES_OK)
		return false;
	/* One contradiction is enough. Equal stacks that are counted must stay equal. */
	if (out->source.contradicted && !from->places && (out->source.doubts & PY_SOURCE_SHORT) == 0)
		out->source.doubts |= PY_SOURCE_OTHER;
	if (out->source.raw || (out->source.doubts & (PY_SOURCE_SHORT | PY_SOURCE_OTHER)) != 0)
		out->at.column = out->at.end_column = -1;
	return true;
}

const char *python_source_doubt(unsigned doubt)
{
	switch (doubt) {
	case PY_SOURCE_NEWER:
		return "newer";
	case PY_SOURCE_RELATIVE:
		return "relative";
	case PY_SOURCE_SHORT:
		return "short";
	case PY_SOURCE_OTHER:
		return "other";
	default:
		return NULL;
	}
}

static const char *error_words(int error)
{
	switch (error) {
	case ENOTSUP:
		return py_source_reads_zips() ? fileio_open_error(error)
					      : "this pystack reads no zips (it needs minizip)";
	case EILSEQ:
		return "the zip is damaged";
	case EFBIG:
		return "it is too large";
	default:
		return fileio_open_error(error);
	}
}

static const char *doubt_words(unsigned doubt, bool core)
{
	switch (doubt) {
	case PY_SOURCE_NEWER:
		return core ? "the file is newer than the core" : "the file is newer than the process";
	case PY_SOURCE_RELATIVE:
		return "its name is relative, to the process's directory of now";
	case PY_SOURCE_SHORT:
		return "the file has no such line";
	default:
		return "a function begins elsewhere, or its line is another";
	}
}

void python_source_words(const struct py_source_remark *remark, struct strbuf *out)
{
	size_t begin;

	if (remark->error != 0) {
		strbuf_str(out, "no source lines of ");
		strbuf_add(out, remark->file, remark->n);
		strbuf_fmt(out, ": %s", error_words(remark->error));
		return;
	}
	if (remark->doubts != 0)
		strbuf_str(out, "the code may have come from other lines than those of ");
	strbuf_add(out, remark->file, remark->n);
	begin = out->n;
	for (unsigned doubt = 1; doubt <= PY_SOURCE_OTHER; doubt <<= 1) {
		if ((remark->doubts & doubt) != 0)
			strbuf_fmt(
			    out, "%s%s", out->n == begin ? ": " : "; ", doubt_words(doubt, remark->core));
	}
	if (remark->doubts != 0)
		strbuf_str(out, " (marked '?')");
	if (remark->encoding != NULL)
		strbuf_fmt(out, "%sits encoding is unknown: %s", remark->doubts == 0 ? ": " : "; ",
		    remark->encoding);
}
