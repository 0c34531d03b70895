/* See json_source.h. */
#ifdef WITH_JANSSON
#include "report/json_source.h"

#include <string.h>

static void add_text(struct members *m, const char *key, const char *text)
{
	if (text != NULL && text[0] != '\0')
		members_text(m, key, text, strlen(text));
}

static void add_place(const struct symbol_line *line, struct members *m)
{
	struct members place = members_begin();

	if (line->line == 0 || line->file[0] == '\0') {
		members_free(&place);
		return;
	}
	add_text(&place, "file", line->file);
	add_text(&place, "directory", line->directory);
	members_number(&place, "line", line->line);
	if (line->column != 0)
		members_number(&place, "column", line->column);
	members_value(m, "source", members_take(&place, m));
}

void json_source_add(const struct symbol_source *source, struct members *m)
{
	json_t *list = source->n < 2 ? NULL : json_array();

	for (size_t i = 0; list != NULL && i + 1 < source->n; i++) {
		struct members one = members_begin();

		add_text(&one, "function", source->at[i].function);
		add_text(&one, "demangled", source->at[i].demangled);
		add_place(&source->at[i], &one);
		m->failed |= json_array_append_new(list, members_take(&one, m)) != 0;
	}
	add_place(&source->at[source->n - 1], m);
	if (source->n >= 2)
		members_value(m, "inlined", list);
}
#endif
