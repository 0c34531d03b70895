/* See source_lines.h.
 *
 * A file's debug information may be spread over several: its separate debug file, which
 * os_debug_image finds; what dwz has moved out of that; and the units of -gsplit-dwarf. All are
 * looked for in the target's root, and believed if their ids are those that the debug information
 * names. */
#include "symbol/source_lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/owned.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "dwarf/source.h"
#include "os/images.h"

enum { PATH_BYTES = 4096, BUILD_ID_MAX = 64 };

#define BUILD_ID_ROOT "/usr/lib/debug/.build-id/"

/* --- other files --- */

/* The file at path, which is relative to `directory` unless it is absolute. NULL: there is none. */
static struct elf_image *open_at(
    struct ps_prochandle *P, const char *directory, size_t directory_n, const char *path)
{
	OWNED(strbuf_free) struct strbuf whole = STRBUF_EMPTY;
	struct elf_image *img;

	if (path[0] != '/') {
		strbuf_add(&whole, directory, directory_n);
		strbuf_char(&whole, '/');
	}
	strbuf_str(&whole, path);
	if (whole.failed || strbuf_text(&whole)[0] != '/' ||
	    os_open_image(P, strbuf_text(&whole), &img) != RES_OK)
		return NULL;
	return img;
}

static bool has_build_id(struct elf_image *img, struct span id)
{
	struct span its;

	return elf_image_build_id(img, &its) == RES_OK && span_left(&its) == span_left(&id) &&
	       memcmp(its.at, id.at, span_left(&id)) == 0;
}

/* The file that .gnu_debugaltlink names: a path and a build-id. NULL: none. */
static struct elf_image *open_common(struct ps_prochandle *P, struct elf_image *img, const char *module)
{
	OWNED(strbuf_free) struct strbuf by_id = STRBUF_EMPTY;
	struct elf_image *common;
	const char *name;
	struct span link;

	if (elf_image_section(img, ".gnu_debugaltlink", NULL, &link) != RES_OK || !span_cstr(&link, &name) ||
	    span_left(&link) < 2 || span_left(&link) > BUILD_ID_MAX)
		return NULL;
	strbuf_fmt(&by_id, BUILD_ID_ROOT "%02x/", link.at[0]);
	for (const uint8_t *at = link.at + 1; at < link.end; at++)
		strbuf_fmt(&by_id, "%02x", *at);
	strbuf_str(&by_id, ".debug");
	for (int i = 0; i < 2; i++) {
		common = open_at(
		    P, module, (size_t)(path_base(module) - module), i == 0 ? strbuf_text(&by_id) : name);
		if (common != NULL && has_build_id(common, link))
			return common;
		elf_image_close(common);
	}
	return NULL;
}

static void add_split(struct source_files *files, struct elf_image *img)
{
	if (img != NULL && files->split_n < SOURCE_SPLIT_MAX)
		files->split[files->split_n++] = img;
	else
		elf_image_close(img);
}

/* Open the split files that a reply wants: the package beside the module, and the files where they
 * were compiled or, by their last name, beside the module. */
static void open_split(
    struct ps_prochandle *P, const struct source_reply *reply, const char *module, struct source_files *files)
{
	OWNED(strbuf_free) struct strbuf package = STRBUF_EMPTY;
	size_t folder_n = (size_t)(path_base(module) - module);

	strbuf_fmt(&package, "%s.dwp", module);
	add_split(files, open_at(P, "", 0, strbuf_text(&package)));
	for (size_t i = 0; i < reply->wanted_n; i++) {
		const struct source_wanted *w = &reply->wanted[i];
		struct elf_image *img = open_at(P, w->directory, strlen(w->directory), w->name);

		add_split(files, img != NULL ? img : open_at(P, module, folder_n, path_base(w->name)));
	}
}

static void files_close(struct source_files *files)
{
	elf_image_close(files->common);
	for (size_t i = 0; i < files->split_n; i++)
		elf_image_close(files->split[i]);
}

/* --- places --- */

static char *keep_text(char **at, const char *text)
{
	size_t n = strlen(text) + 1;
	char *kept = memcpy(*at, text, n);

	*at += n;
	return kept;
}

/* A copy of an answer, in one block. NULL: nothing is known, or there is no memory. */
static struct symbol_source *source_create(const struct source_answer *a)
{
	size_t bytes = sizeof(struct symbol_source) + a->n * sizeof(struct symbol_line);
	struct symbol_source *s;
	char *strings;

	for (size_t i = 0; i < a->n; i++)
		bytes += strlen(a->places[i].function) + strlen(a->places[i].file) +
			 strlen(a->places[i].directory) + 3;
	s = a->n == 0 ? NULL : malloc(bytes);
	if (s == NULL)
		return NULL;
	s->n = a->n;
	strings = (char *)(s->at + a->n);
	for (size_t i = 0; i < a->n; i++) {
		const struct source_place *p = &a->places[i];

		s->at[i] = (struct symbol_line){ .function = keep_text(&strings, p->function),
			.file = keep_text(&strings, p->file),
			.directory = keep_text(&strings, p->directory),
			.line = p->line,
			.column = p->column };
	}
	return s;
}

void source_lines_free(const struct symbol_source *source)
{
	free((struct symbol_source *)(uintptr_t)source);
}

/* Names, and the addresses in their file. */
struct found_names {
	uint64_t addresses[SOURCE_ADDRESSES];
	struct symbol_name *names[SOURCE_ADDRESSES];
	size_t n;
};

/* Find the places of n addresses in a module's file. RES_FAIL: some could not be read. */
static enum res find_in_file(struct ps_prochandle *P, struct source_files *files, const char *module,
    const struct found_names *of, struct fault *f)
{
	struct source_reply reply;
	enum res res = source_find(files, of->addresses, of->n, &reply, f), second = RES_OK;

	if (res == RES_OK && reply.wanted_n > 0) {
		open_split(P, &reply, module, files);
		if (files->split_n > 0) {
			struct source_reply more;

			/* The first reply is not worse than none. */
			second = source_find(files, of->addresses, of->n, &more, f);
			if (second == RES_OK) {
				source_reply_free(&reply);
				reply = more;
			} else {
				source_reply_free(&more);
			}
		}
	}
	for (size_t i = 0; res == RES_OK && i < of->n; i++)
		of->names[i]->source = source_create(&reply.answers[i]);
	source_reply_free(&reply);
	return second == RES_FAIL ? second : res;
}

/* Find the places of the query `first`, and of the ones after it in the same file, and mark them
 * done. */
static void find_beside(struct ps_prochandle *P, const struct source_queries *queries, size_t first,
    bool *done, struct symbol_lacks *lacks)
{
	struct source_files files = { .main = NULL };
	struct found_names of = { .n = 0 };
	uint64_t bias;
	char module[PATH_BYTES];
	struct elf_image *img;
	struct fault f = { 0 };

	done[first] = true;
	if (os_debug_image(P, queries->at[first].at, &files.main) != RES_OK ||
	    Pobjname(P, queries->at[first].at, module, sizeof(module)) == NULL)
		return;
	for (size_t i = first; i < queries->n && of.n < SOURCE_ADDRESSES; i++) {
		uint64_t at = queries->at[i].at;

		if ((done[i] && i != first) || os_debug_image(P, at, &img) != RES_OK || img != files.main ||
		    os_object_bias(P, at, &bias) != RES_OK)
			continue;
		done[i] = true;
		of.names[of.n] = queries->at[i].name;
		of.addresses[of.n++] = at - bias;
	}
	if (symbol_lacks_has(lacks, LACK_SOURCE, module))
		return;
	files.common = open_common(P, files.main, module);
	if (find_in_file(P, &files, module, &of, &f) == RES_FAIL)
		symbol_lacks_add(lacks, LACK_SOURCE, module, &f);
	files_close(&files);
}

void source_lines_find(
    struct ps_prochandle *P, const struct source_queries *queries, struct symbol_lacks *lacks)
{
	OWNED(mem_release) bool *done = calloc(queries->n + 1, sizeof(*done));

	for (size_t i = 0; done != NULL && i < queries->n; i++) {
		if (!done[i])
			find_beside(P, queries, i, done, lacks);
	}
}
