/* Source lines of Python frames (--source), and what is said of their files. */
#ifndef REPORT_PYTHON_SOURCE_H
#define REPORT_PYTHON_SOURCE_H

#include "base/strbuf.h"
#include "python/source/py_source.h"
#include "report/record.h"

struct frame_source {
	struct py_source source;
	struct py_position at; /* without columns where they are unknown, or not to be marked */
};

/* The source of an item. False: it has none, or it was not asked for. */
bool frame_source(const struct record_thread *t, const struct record_item *item, struct frame_source *out);

/* The words for a remark, not escaped. */
void python_source_words(const struct py_source_remark *remark, struct strbuf *out);

/* The code of a single doubt; NULL: there is no such doubt. */
const char *python_source_doubt(unsigned doubt);

#endif
