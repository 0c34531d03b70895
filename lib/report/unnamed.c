/* See unnamed.h. */
#include "report/unnamed.h"

#include <string.h>

static void put_module(const struct symbol_place *place, const char *object, struct strbuf *out)
{
	if (out->n > 0)
		strbuf_str(out, ", ");
	if (place->id_n < 2) {
		strbuf_str(out, object);
		return;
	}
	strbuf_fmt(out, "/usr/lib/debug/.build-id/%02x/", place->id[0]);
	for (size_t i = 1; i < place->id_n; i++)
		strbuf_fmt(out, "%02x", place->id[i]);
	strbuf_fmt(out, ".debug (%s)", object);
}

size_t unnamed_files(const struct symbolizer *names, struct strbuf *out)
{
	const char *named[UNNAMED_FILES];
	size_t n = 0, modules = 0;
	const struct symbol_name *name;

	for (size_t i = 0; (name = symbolizer_name(names, i)) != NULL; i++) {
		bool known = false;

		if (name->object == NULL || name->symbol != NULL || name->place == NULL)
			continue;
		n++;
		for (size_t k = 0; k < modules; k++)
			known |= strcmp(named[k], name->place->path) == 0;
		if (known || modules == UNNAMED_FILES)
			continue;
		named[modules++] = name->place->path;
		put_module(name->place, name->object, out);
	}
	return n;
}
