/* Names of variables.
 *
 *   up to 3.10   co_varnames, co_cellvars, co_freevars: tuples; slots in the order nlocals, cells,
 *                free variables. An argument in a cell has a slot of both kinds (3.3+: the first is
 *                emptied when the call begins, before: it keeps the argument as it was)
 *   3.11+        co_localsplusnames: a tuple, a slot each; co_localspluskinds: bytes
 *
 * Members that no table has are at fixed distances from others, in all versions: Include/code.h up
 * to 3.7, Include/cpython/code.h. */
#include "python/locals/py_variables.h"

#include "base/owned.h"
#include "python/objects/py_text.h"
#include "python/py_memory.h"

enum {
	SLOTS_MAX = 1 << 16,
	CO_OPTIMIZED = 1,
	/* Bits of co_localspluskinds (Include/internal/pycore_code.h). */
	KIND_HIDDEN = 0x10,
	KIND_LOCAL = 0x20,
	KIND_CELL = 0x40,
	KIND_FREE = 0x80,
};

void py_variables_free(struct py_variables *v)
{
	strbuf_free(&v->names);
	vec_free(&v->list);
	vec_free(&v->lists);
	addrmap_free(&v->of);
}

/* The code object whose variables are added. */
struct adding {
	struct py_variables *v;
	struct ps_prochandle *P;
	struct py_runtime *rt;
	uint64_t code;
	size_t most;
	struct py_variable_list *out;
};

/* Is the limit reached? Then out->cut says so. */
static bool list_is_full(const struct adding *a)
{
	if (a->v->list.n - a->out->first < a->most)
		return false;
	a->out->cut = true;
	return true;
}

/* A tuple's items, SLOTS_MAX at most. */
struct items {
	uint64_t at;
	uint64_t n;
};

/* From 3.14 on a tuple has its hash in front of them (Include/cpython/tupleobject.h). */
static bool open_tuple(struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, struct items *out)
{
	uint64_t n = 0;

	if (!py_pointer_sane(addr, l->word) || !py_read(P, &n, l->size_width, addr + l->object.size - 1) ||
	    n > SLOTS_MAX)
		return false;
	out->n = n;
	out->at = addr + py_var_head_size(l) + (l->version >= PY_HEX(3, 14) ? l->word : 0U);
	return true;
}

static bool add_variable(
    const struct adding *a, const struct items *names, uint64_t i, struct py_variable model)
{
	const struct py_layout *l = &a->rt->layout;
	struct py_string text;
	uint64_t name;

	if (!py_read_word(a->P, l, names->at + i * l->word, PY_AT(0), &name) ||
	    py_text_read(a->P, a->rt, name, &text, NULL) != RES_OK)
		return false;
	model.name = a->v->names.n;
	model.name_n = text.n;
	strbuf_add(&a->v->names, text.text, text.n);
	free(text.text);
	return !a->v->names.failed && vec_push(&a->v->list, model);
}

/* --- 3.11 and later --- */

static bool read_localsplus(const struct adding *a)
{
	const struct py_layout *l = &a->rt->layout;
	struct py_variable_list *out = a->out;
	struct ps_prochandle *P = a->P;
	OWNED(mem_release) uint8_t *owned = NULL;
	struct py_bytes kinds;
	uint64_t names, kinds_at;
	struct items items;
	uint32_t flags;

	/* The two are in front of co_filename; co_flags follows three pointers (pycore code.h of
	 * 3.11 to 3.15). */
	if (!py_read_word(P, l, a->code, l->code.filename - 2U * l->word, &names) ||
	    !py_read_word(P, l, a->code, l->code.filename - l->word, &kinds_at) ||
	    !py_read(P, &flags, sizeof(flags), a->code + py_var_head_size(l) + 3U * l->word) ||
	    !open_tuple(P, l, names, &items) || py_bytes_read(P, l, kinds_at, SLOTS_MAX, &kinds) != RES_OK)
		return false;
	owned = kinds.at;
	if (kinds.n != items.n)
		return false;
	out->optimized = (flags & CO_OPTIMIZED) != 0;
	out->slots = (uint32_t)kinds.n;
	for (size_t i = 0; i < kinds.n; i++) {
		struct py_variable one = { .slot = (uint32_t)i,
			.moved = PY_NO_SLOT,
			.cell = (owned[i] & (KIND_CELL | KIND_FREE)) != 0,
			.hidden = (owned[i] & KIND_HIDDEN) != 0 };

		if (!out->optimized && !one.hidden)
			continue;
		if (list_is_full(a))
			break;
		if (!add_variable(a, &items, i, one))
			return false;
	}
	return true;
}

/* --- up to 3.10 --- */

/* The names of a code object. */
struct code_tuples {
	struct items names, free, cells;
	uint32_t nlocals, flags;
};

static bool read_tuples(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t code, struct code_tuples *out)
{
	/* co_flags follows co_argcount, (3.8+) co_posonlyargcount, (3.0+) co_kwonlyargcount,
	 * co_nlocals and co_stacksize: ints. */
	uint32_t before = l->version >= PY_HEX(3, 8) ? 5 : l->version >= PY_HEX(3, 0) ? 4 : 3;
	uint64_t flags = code + py_head_size(l) + before * sizeof(uint32_t), names, cells, frees;

	/* co_code, co_consts, co_names, co_varnames, co_freevars, co_cellvars. */
	return py_read(P, &out->flags, sizeof(out->flags), flags) &&
	       py_read(P, &out->nlocals, sizeof(out->nlocals), flags - 2 * sizeof(uint32_t)) &&
	       py_read_word(P, l, code, l->code.bytecode + 3U * l->word, &names) &&
	       py_read_word(P, l, code, l->code.bytecode + 4U * l->word, &frees) &&
	       py_read_word(P, l, code, l->code.bytecode + 5U * l->word, &cells) &&
	       open_tuple(P, l, names, &out->names) && open_tuple(P, l, frees, &out->free) &&
	       open_tuple(P, l, cells, &out->cells) && out->nlocals == out->names.n;
}

static bool same_name(const struct py_variables *v, const struct py_variable *a, const struct py_variable *b)
{
	const char *names = strbuf_text(&v->names);

	return a->name_n == b->name_n && memcmp(names + a->name, names + b->name, a->name_n) == 0;
}

/* If the last variable, a cell, is an argument, make that refer to it instead. */
static void merge_argument(struct py_variables *v, const struct py_variable_list *list)
{
	struct py_variable *cell = &v->list.at[v->list.n - 1];

	for (size_t i = list->first; i + 1 < v->list.n; i++) {
		struct py_variable *arg = &v->list.at[i];

		if (!arg->cell && same_name(v, arg, cell)) {
			arg->moved = cell->slot;
			v->list.n--;
			return;
		}
	}
}

/* False also at the limit. */
static bool add_some(const struct adding *a, const struct items *names, struct py_variable model)
{
	uint32_t first = model.slot;

	for (uint64_t i = 0; i < names->n; i++) {
		model.slot = first + (uint32_t)i;
		if (list_is_full(a) || !add_variable(a, names, i, model))
			return false;
		if (model.cell)
			merge_argument(a->v, a->out);
	}
	return true;
}

static bool read_classic(const struct adding *a)
{
	struct py_variable model = { .moved = PY_NO_SLOT };
	struct code_tuples t;

	if (!read_tuples(a->P, &a->rt->layout, a->code, &t))
		return false;
	a->out->optimized = (t.flags & CO_OPTIMIZED) != 0;
	a->out->slots = (uint32_t)(t.names.n + t.cells.n + t.free.n);
	if (!a->out->optimized)
		return true;
	if (!add_some(a, &t.names, model))
		return a->out->cut;
	model.cell = true;
	model.slot = (uint32_t)t.names.n;
	if (!add_some(a, &t.cells, model))
		return a->out->cut;
	model.slot += (uint32_t)t.cells.n;
	return add_some(a, &t.free, model) || a->out->cut;
}

const struct py_variable_list *py_variables_of(struct py_variables *v, struct ps_prochandle *P,
    struct py_runtime *rt, const struct py_frame *frame, size_t most)
{
	struct py_variable_list list = { .first = v->list.n };
	const struct adding a = { v, P, rt, frame->code, most, &list };
	size_t names = v->names.n;
	uint32_t at;

	if (addrmap_get(&v->of, frame->known, &at))
		return &v->lists.at[at];
	list.known = rt->layout.code_inline != 0 ? read_localsplus(&a) : read_classic(&a);
	if (!list.known) {
		v->list.n = list.first;
		v->names.n = names;
		v->names.failed = false;
	}
	list.count = v->list.n - list.first;
	if (!vec_push(&v->lists, list))
		return NULL;
	if (addrmap_put(&v->of, frame->known, (uint32_t)(v->lists.n - 1)))
		return &v->lists.at[v->lists.n - 1];
	v->lists.n--;
	return NULL;
}
