/* See unnamed.h. */
#include "report/unnamed.h"

#include <string.h>

#include "os/package.h"

/* The package that has the debug file, or else the file itself. */
static void put_package(struct ps_prochandle *P, const char *path, struct strbuf *out)
{
	char package[256];
	bool known = P != NULL && os_debug_package(P, path, package, sizeof(package));

	if (known)
		strbuf_fmt(out, " in package %s", package);
	else if (P != NULL && package[0] != '\0')
		strbuf_fmt(out, " of package %s", package);
}

static void put_module(
    struct ps_prochandle *P, const struct symbol_place *place, const char *object, struct strbuf *out)
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
	strbuf_fmt(out, ".debug (%s", object);
	put_package(P, place->path, out);
	strbuf_char(out, ')');
}

size_t unnamed_files(const struct symbolizer *names, struct ps_prochandle *P, struct strbuf *out)
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
		if (out != NULL)
			put_module(P, name->place, name->object, out);
	}
	return n;
}
