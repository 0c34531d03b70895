/* Names of pcs, each looked up once. */
#include "symbol/symbolize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bound.h"
#include "base/addrmap.h"
#include "base/path.h"
#include "base/vec.h"
#include "os/images.h"
#include "os/made_code.h"
#include "symbol/cython_lines.h"
#include "symbol/jit_dump.h"
#include "symbol/lacks.h"
#include "symbol/perf_map.h"
#include "symbol/source_lines.h"
#include "symbol/source_names.h"
#include "unwind/unwind_functions.h"

enum { NAME_MAX_BYTES = 4096 };

struct symbolizer {
	struct ps_prochandle *P;
	struct symbol_wants wants;
	struct addrmap index;            /* key of a query → index in names */
	VEC(struct symbol_name *) names; /* each owned, with its strings after it */
	struct perf_map jit, dump;       /* as the files were when names were looked up last */
	unsigned turn;                   /* number of handles that were followed */
	struct source_names source;      /* demangled names */
	struct cython_tables cython;     /* what places of Cython's functions are by */
	struct symbol_lacks lacks;
	struct unwind_functions *functions; /* of P; NULL: not asked yet */
};

static uint64_t key_of(const struct symbol_query *q)
{
	return (q->pc * 2 + q->exact) ^ (uint64_t)q->nameless << 63 ^ (uint64_t)q->late << 62;
}

/* An address in the code of the frame: a return address may be in the next function, or line. */
static uint64_t at_of(const struct symbol_query *q)
{
	return q->exact ? q->pc : q->pc - 1;
}

/* A name and its strings, in one block; object and symbol may be NULL. NULL: out of memory. */
static struct symbol_name *name_create(uint64_t pc, const char *object, const char *symbol, uint64_t offset)
{
	size_t object_n = object == NULL ? 0 : strlen(object) + 1;
	size_t symbol_n = symbol == NULL ? 0 : strlen(symbol) + 1;
	struct symbol_name *name = malloc(sizeof(*name) + object_n + symbol_n);
	char *strings = (char *)(name + 1);

	if (name == NULL)
		return NULL;
	*name = (struct symbol_name){ .pc = pc, .address = pc, .offset = offset };
	if (object != NULL)
		name->object = memcpy(strings, object, object_n);
	if (symbol != NULL)
		name->symbol = memcpy(strings + object_n, symbol, symbol_n);
	return name;
}

/* Where the function at the address starts, in its file; 0: unknown. */
static uint64_t function_at(struct symbolizer *s, uint64_t at)
{
	uint64_t start = 0;

	if (s->functions == NULL)
		s->functions = unwind_functions_create(s->P);
	if (s->functions == NULL || !unwind_function_start(s->functions, at, &start))
		return 0;
	return start;
}

/* A name without a symbol, the same in every process that has the file mapped. */
static struct symbol_name *name_without_symbol(
    struct symbolizer *s, const struct symbol_query *q, const char *object)
{
	struct symbol_name *name = name_create(q->pc, object, NULL, 0);
	uint64_t bias;

	if (name != NULL && os_object_bias(s->P, at_of(q), &bias) == RES_OK) {
		name->address = q->pc - bias;
		if (s->wants.functions)
			name->function = function_at(s, at_of(q));
	}
	return name;
}

/* What stands for the file of code that is in none. */
static const char jit_object[] = "JIT";

/* The name of code in no file, by what the program has written for perf: a dump, or else a map. A
 * '?' says that another program may have written it. */
static struct symbol_name *name_for_perf(struct symbolizer *s, const struct symbol_query *q)
{
	const struct perf_map *map = &s->dump;
	const struct perf_line *line;
	struct fault why;
	char symbol[PERF_NAME_MAX + 2];
	size_t n;

	if (jit_dump_read(&s->dump, s->P, &why) == RES_FAIL)
		symbol_lacks_add(&s->lacks, LACK_PERF_MAP, "", &why);
	line = perf_map_at(map, at_of(q));
	if (line == NULL) {
		map = &s->jit;
		if (perf_map_read(&s->jit, s->P, &why) == RES_FAIL)
			symbol_lacks_add(&s->lacks, LACK_PERF_MAP, "", &why);
		line = perf_map_at(map, at_of(q));
	}
	if (line == NULL)
		return name_create(q->pc, NULL, NULL, 0);
	memcpy(symbol, line->name, line->name_n);
	n = line->name_n;
	if (!map->certain || q->late)
		symbol[n++] = '?';
	symbol[n] = '\0';
	return name_create(q->pc, jit_object, symbol, q->pc - line->start);
}

/* The name of code in no file, which the program may have registered for debuggers, or have named
 * for perf. */
static struct symbol_name *name_of_made_code(struct symbolizer *s, const struct symbol_query *q)
{
	const prmap_t *map = Paddr_to_map(s->P, at_of(q));
	struct made_code piece;
	struct elf_symbol found;
	struct symbol_name *name;
	struct fault why;
	enum res res;
	char *symbol;

	if (map == NULL || (map->pr_mflags & MA_EXEC) == 0 || bound_passed(BOUND_NAMES))
		return name_create(q->pc, NULL, NULL, 0);
	res = os_made_code(s->P, at_of(q), &piece, &why);
	if (res == RES_FAIL)
		symbol_lacks_add(&s->lacks, LACK_MADE_CODE, "", &why);
	if (res != RES_OK || piece.symbols == NULL ||
	    elf_symbols_by_addr(piece.symbols, at_of(q), &found) != RES_OK ||
	    found.name_len >= NAME_MAX_BYTES)
		return name_for_perf(s, q);
	if (asprintf(&symbol, "%.*s%s", (int)found.name_len, found.name, q->late ? "?" : "") < 0)
		return NULL;
	name = name_create(q->pc, jit_object, symbol, q->pc - found.sym.st_value);
	free(symbol);
	return name;
}

static struct symbol_name *name_made(struct symbolizer *s, const struct symbol_query *q)
{
	struct symbol_name *name = name_of_made_code(s, q);

	if (name != NULL) {
		name->made = true;
		name->turn = s->turn;
	}
	return name;
}

static struct symbol_name *name_look_up(struct symbolizer *s, const struct symbol_query *q)
{
	char path[NAME_MAX_BYTES], symbol[NAME_MAX_BYTES];
	uint64_t at = at_of(q);
	GElf_Sym sym;

	if (q->nameless)
		return name_create(q->pc, NULL, NULL, 0);
	if (Pobjname(s->P, at, path, sizeof(path)) == NULL)
		return name_made(s, q);
	if (bound_passed(BOUND_NAMES))
		return name_create(q->pc, path_base(path), NULL, 0);
	if (Plookup_by_addr(s->P, at, symbol, sizeof(symbol), &sym) != 0)
		return name_without_symbol(s, q, path_base(path));
	return name_create(q->pc, path_base(path), symbol, q->pc - sym.st_value);
}

/* The build-id of the file mapped at `at`. */
static struct span build_id_at(struct ps_prochandle *P, uint64_t at)
{
	struct span id = { NULL, NULL };
	struct elf_image *img;
	uint64_t bias;

	if (os_object_image(P, at, &img, &bias) != RES_OK || elf_image_build_id(img, &id) != RES_OK)
		return (struct span){ NULL, NULL };
	return id;
}

/* The place of a pc in the file at path, in one block. NULL: out of memory. */
static struct symbol_place *place_create(struct ps_prochandle *P, uint64_t at, uint64_t pc, const char *path)
{
	struct span id = build_id_at(P, at);
	size_t id_n = id.at == NULL ? 0 : (size_t)(id.end - id.at), path_n = strlen(path) + 1;
	struct symbol_place *place = malloc(sizeof(*place) + path_n + id_n);
	const prmap_t *map = Paddr_to_map(P, at);
	uint64_t bias;

	if (place == NULL)
		return NULL;
	*place = (struct symbol_place){ .id_n = id_n };
	place->path = memcpy(place + 1, path, path_n);
	if (id_n > 0)
		place->id = memcpy((char *)(place + 1) + path_n, id.at, id_n);
	place->has_address = os_object_bias(P, at, &bias) == RES_OK;
	if (place->has_address)
		place->address = pc - bias;
	place->has_offset = map != NULL && path[0] == '/';
	if (place->has_offset)
		place->offset = pc - map->pr_vaddr + (uint64_t)map->pr_offset;
	return place;
}

/* Looks up the name of a query, and its place if places are wanted. NULL: out of memory. */
static struct symbol_name *name_with_place(struct symbolizer *s, const struct symbol_query *q)
{
	struct symbol_name *name = name_look_up(s, q);
	uint64_t at = at_of(q);
	char path[NAME_MAX_BYTES];

	if (name == NULL || !s->wants.places || name->object == NULL ||
	    Pobjname(s->P, at, path, sizeof(path)) == NULL)
		return name;
	name->place = place_create(s->P, at, q->pc, path);
	if (name->place == NULL) {
		free(name);
		return NULL;
	}
	return name;
}

static void name_free(struct symbol_name *name)
{
	if (name != NULL) {
		free((struct symbol_place *)name->place);
		source_lines_free(name->source);
	}
	free(name);
}

void symbolizer_want(struct symbolizer *s, struct symbol_wants wants)
{
	s->wants = wants;
}

struct symbolizer *symbolizer_create(struct ps_prochandle *P)
{
	struct symbolizer *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->P = P;
	return s;
}

void symbolizer_destroy(struct symbolizer *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->names.n; i++)
		name_free(s->names.at[i]);
	vec_free(&s->names);
	addrmap_free(&s->index);
	perf_map_free(&s->jit);
	perf_map_free(&s->dump);
	source_names_free(&s->source);
	cython_tables_free(&s->cython);
	symbol_lacks_free(&s->lacks);
	unwind_functions_destroy(s->functions);
	free(s);
}

enum res symbolizer_follow(struct symbolizer **s, struct ps_prochandle *P, struct fault *f)
{
	if (*s == NULL)
		*s = symbolizer_create(P);
	if (*s == NULL)
		return fault_memory(f);
	/* An earlier handle may have had the same address. */
	unwind_functions_destroy((*s)->functions);
	(*s)->functions = NULL;
	(*s)->P = P;
	(*s)->turn++;
	(*s)->jit.tried = (*s)->dump.tried = false;
	return RES_OK;
}

/* Give the names from index `first` on the lines of Cython's sources. */
static void names_set_cython_lines(struct symbolizer *s, size_t first)
{
	char path[NAME_MAX_BYTES];

	for (size_t i = first; i < s->names.n; i++) {
		struct symbol_source *source = (struct symbol_source *)(uintptr_t)s->names.at[i]->source;

		if (source != NULL && Pobjname(s->P, s->names.at[i]->pc - 1, path, sizeof(path)) != NULL)
			cython_lines_set(&s->cython, s->P, path, source);
	}
}

/* Call use(s, mangled, place) for each mangled name from index `first` on. */
static void each_mangled(struct symbolizer *s, size_t first,
    void (*use)(struct symbolizer *s, const char *mangled, const char **demangled))
{
	for (size_t i = first; i < s->names.n; i++) {
		struct symbol_name *name = s->names.at[i];
		struct symbol_source *source = (struct symbol_source *)(uintptr_t)name->source;

		if (name->symbol != NULL && source_names_wanted(name->symbol))
			use(s, name->symbol, &name->demangled);
		for (size_t k = 0; source != NULL && k < source->n; k++) {
			if (source_names_wanted(source->at[k].function))
				use(s, source->at[k].function, &source->at[k].demangled);
		}
	}
}

static void note_mangled(struct symbolizer *s, const char *mangled, const char **demangled)
{
	(void)demangled;
	source_names_add(&s->source, mangled);
}

static void set_demangled(struct symbolizer *s, const char *mangled, const char **demangled)
{
	*demangled = source_name_of(&s->source, mangled);
}

/* Give the names from index `first` on their source names. They are kept without, if that fails. */
static void names_demangle(struct symbolizer *s, size_t first)
{
	struct fault why;

	each_mangled(s, first, note_mangled);
	if (source_names_find(&s->source, &why) == RES_FAIL)
		symbol_lacks_add(&s->lacks, LACK_SOURCE_NAMES, "", &why);
	each_mangled(s, first, set_demangled);
}

static bool is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Is the code at a pc still what it was? */
static bool is_same(const struct symbol_name *old, const struct symbol_name *name)
{
	return name->made && old->offset == name->offset && is_same_text(old->object, name->object) &&
	       is_same_text(old->symbol, name->symbol);
}

enum res symbolizer_names(struct symbolizer *s, const struct symbol_query *queries, size_t n,
    const struct symbol_name **out, struct fault *f)
{
	size_t known = s->names.n;
	struct source_queries places = VEC_EMPTY;

	for (size_t i = 0; i < n; i++) {
		struct symbol_name *name, *old = NULL;
		uint32_t at;

		if (addrmap_get(&s->index, key_of(&queries[i]), &at))
			old = s->names.at[at];
		if (old != NULL && (!old->made || old->turn == s->turn)) {
			out[i] = old;
			continue;
		}
		name = name_with_place(s, &queries[i]);
		if (name != NULL && old != NULL && is_same(old, name)) {
			old->turn = s->turn;
			out[i] = old;
			name_free(name);
			continue;
		}
		if (name != NULL)
			name->id = (uint32_t)s->names.n;
		if (name == NULL || !vec_push(&s->names, name)) {
			name_free(name);
			vec_free(&places);
			return fault_memory(f);
		}
		/* Without memory its source stays unknown. */
		if (s->wants.source && name->object != NULL)
			(void)vec_push(&places, ((struct source_query){ name, at_of(&queries[i]) }));
		if (!addrmap_put(&s->index, key_of(&queries[i]), (uint32_t)(s->names.n - 1))) {
			vec_free(&places);
			return fault_memory(f);
		}
		out[i] = name;
	}
	if (places.n > 0 && !bound_passed(BOUND_NAMES)) {
		source_lines_find(s->P, &places, &s->lacks);
		names_set_cython_lines(s, known);
	}
	vec_free(&places);
	if (s->wants.demangled && !bound_passed(BOUND_NAMES))
		names_demangle(s, known);
	return RES_OK;
}

const struct symbol_name *symbolizer_name(const struct symbolizer *s, size_t id)
{
	return id < s->names.n ? s->names.at[id] : NULL;
}

const struct symbol_lack *symbolizer_lack(const struct symbolizer *s, size_t i)
{
	return i < s->lacks.n ? &s->lacks.at[i] : NULL;
}
