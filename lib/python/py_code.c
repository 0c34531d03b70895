/* Code objects, read once and kept.
 *
 *   PyCodeObject ─┬─ co_filename, co_name, co_qualname   str
 *                 ├─ co_linetable / co_lnotab            bytes
 *                 └─ the bytecode: a bytes object (≤ 3.10), inline at the end (3.11+), or one of several
 *                    copies (free-threaded 3.14+: co_tlbc → { n, entries[n] })
 *
 * An address can be used again by another code object between two captures, so what is kept is
 * compared with the structure's own words at the first use in each py_stack_read. */
#include <stdlib.h>

#include "base/owned.h"
#include "python/py_lines.h"
#include "python/py_process.h"
#include "python/py_text.h"

enum { WORDS = 9, UNIT = 2, TLBC_MAX = 1 << 20 };

struct bytecode_copy {
	int32_t index;
	uint64_t start;
};

struct py_code_entry {
	struct py_code pub;
	uint64_t words[WORDS]; /* what the structure held: equal words, equal object */
	uint8_t *table;        /* NULL: could not be read */
	size_t table_len;
	uint64_t start, length; /* the bytecode: address, bytes */
	int32_t first, firsttraceable;
	VEC(struct bytecode_copy) copies;
	uint32_t epoch; /* of the last comparison */
};

static void entry_clear(struct py_code_entry *e)
{
	free(e->pub.file);
	free(e->pub.name);
	free(e->pub.qualname);
	free(e->table);
	vec_free(&e->copies);
	memset(e, 0, sizeof(*e));
}

static void entry_release(struct py_code_entry **e)
{
	if (*e != NULL)
		entry_clear(*e);
	free(*e);
}

void py_code_free_all(struct py_process *py)
{
	for (size_t i = 0; i < py->codes.n; i++)
		entry_release(&py->codes.at[i]);
	vec_free(&py->codes);
	addrmap_free(&py->code_index);
}

static struct py_code_entry *entry_of(const struct py_process *py, uint64_t addr)
{
	uint32_t i;

	return addrmap_get(&py->code_index, addr, &i) ? py->codes.at[i] : NULL;
}

const struct py_code *py_code_get(const struct py_process *py, uint64_t addr)
{
	const struct py_code_entry *e = entry_of(py, addr);

	return e == NULL || e->pub.name == NULL ? NULL : &e->pub;
}

static void fingerprint(const struct py_layout *l, const struct py_view *code, uint64_t words[WORDS])
{
	words[0] = py_view_word(code, l->object.type);
	words[1] = py_view_word(code, l->code.filename);
	words[2] = py_view_word(code, l->code.name);
	words[3] = py_view_word(code, l->code.qualname);
	words[4] = py_view_word(code, l->code.table);
	words[5] = py_view_word(code, l->code.bytecode);
	words[6] = py_view_word(code, l->code.tlbc);
	words[7] = (uint64_t)(uint32_t)py_view_i32(code, l->code.firstlineno) << 32 |
		   (uint32_t)py_view_i32(code, l->code.firsttraceable);
	words[8] = l->code_inline != 0 ? py_view_word(code, l->object.size) : 0;
}

/* Where the bytecode is and how long. */
static void find_bytecode(
    struct ps_prochandle *P, const struct py_layout *l, const struct py_view *code, struct py_code_entry *e)
{
	if (l->code_inline != 0) {
		e->start = e->pub.addr + l->code_inline - 1;
		e->length = py_view_word(code, l->object.size) * UNIT;
	} else if (py_bytes_where(P, l, py_view_word(code, l->code.bytecode), &e->start, &e->length) !=
		   RES_OK) {
		e->start = e->length = 0;
	}
}

static enum res read_entry(struct ps_prochandle *P, struct py_runtime *rt, uint64_t addr,
    const struct py_view *code, struct py_code_entry *e, struct fault *f)
{
	const struct py_layout *l = &rt->layout;

	if (!py_type_is(P, l, py_view_word(code, l->object.type), "code", &rt->code_type))
		return fault_set(f, 0, 0, addr, "a frame's code is no code object");
	e->pub.addr = addr;
	fingerprint(l, code, e->words);
	if (py_text_read(P, rt, e->words[1], &e->pub.file, &e->pub.file_len, f) != RES_OK ||
	    py_text_read(P, rt, e->words[2], &e->pub.name, &e->pub.name_len, f) != RES_OK)
		return RES_FAIL;
	/* The rest may be missing: a frame without a line is better than no frame. */
	if (e->words[3] != 0)
		(void)py_text_read(P, rt, e->words[3], &e->pub.qualname, &e->pub.qualname_len, NULL);
	(void)py_bytes_read(P, l, e->words[4], &e->table, &e->table_len, NULL);
	e->first = py_view_i32(code, l->code.firstlineno);
	e->firsttraceable = py_view_i32(code, l->code.firsttraceable);
	find_bytecode(P, l, code, e);
	return RES_OK;
}

static bool copy_known(const struct py_code_entry *e, int32_t index, uint64_t *start)
{
	for (size_t i = 0; i < e->copies.n; i++) {
		if (e->copies.at[i].index == index) {
			*start = e->copies.at[i].start;
			return true;
		}
	}
	return false;
}

/* Entry 0 is the main copy too, but is taken from the table like the others. */
static enum res learn_copy(struct ps_prochandle *P, const struct py_layout *l, struct py_code_entry *e,
    int32_t index, struct fault *f)
{
	struct bytecode_copy copy = { .index = index };
	uint64_t table = e->words[6], n;

	if (l->code.tlbc == 0 || table == 0 || copy_known(e, index, &copy.start))
		return RES_OK;
	if (!py_read_word(P, l, table, PY_AT(0), &n) || index < 0 || n > TLBC_MAX || (uint64_t)index >= n ||
	    !py_read_word(P, l, table, PY_AT(l->word * ((unsigned)index + 1)), &copy.start))
		return RES_OK; /* no line then */
	return vec_push(&e->copies, copy) ? RES_OK : fault_memory(f);
}

static enum res keep_entry(struct py_process *py, struct py_code_entry **e, struct fault *f)
{
	size_t at = py->codes.n;

	if (at >= UINT32_MAX || !vec_push(&py->codes, *e))
		return fault_memory(f);
	if (!addrmap_put(&py->code_index, (*e)->pub.addr, (uint32_t)at)) {
		py->codes.n--;
		return fault_memory(f);
	}
	*e = NULL;
	return RES_OK;
}

enum res py_code_load(
    struct py_process *py, struct py_runtime *rt, uint64_t addr, int32_t tlbc, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view code = { bytes, l->code_extent, l->word };
	struct py_code_entry *known = entry_of(py, addr);
	OWNED(entry_release) struct py_code_entry *fresh = NULL;
	uint64_t words[WORDS];

	if (known != NULL && known->epoch == py->epoch)
		return known->pub.name == NULL ? fault_set(f, 0, 0, addr, "a frame's code is no code object")
					       : learn_copy(py->P, l, known, tlbc, f);
	if (!py_pointer_sane(addr, l->word) || !py_read(py->P, bytes, code.n, addr))
		return fault_set(f, 0, 0, addr, "a frame's code object cannot be read");
	if (known != NULL) {
		fingerprint(l, &code, words);
		if (known->pub.name != NULL && memcmp(words, known->words, sizeof(words)) == 0) {
			known->epoch = py->epoch;
			known->copies.n = 0;
			return learn_copy(py->P, l, known, tlbc, f);
		}
	}
	fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return fault_memory(f);
	if (read_entry(py->P, rt, addr, &code, fresh, f) != RES_OK)
		return RES_FAIL;
	fresh->epoch = py->epoch;
	if (learn_copy(py->P, l, fresh, tlbc, f) != RES_OK)
		return RES_FAIL;
	if (known == NULL)
		return keep_entry(py, &fresh, f);
	entry_clear(known);
	*known = *fresh;
	memset(fresh, 0, sizeof(*fresh));
	return RES_OK;
}

static int32_t line_at(const struct py_layout *l, const struct py_code_entry *e, uint64_t at)
{
	struct span table = span_of(e->table, e->table_len);

	if (e->table == NULL)
		return 0;
	switch (l->lines) {
	case PY_LINES_LNOTAB:
		return py_line_lnotab(table, e->first, at, true);
	case PY_LINES_LNOTAB_OLD:
		return py_line_lnotab(table, e->first, at, false);
	case PY_LINES_RANGES:
		return py_line_ranges(table, e->first, at);
	case PY_LINES_LOCATIONS:
		return py_line_locations(table, e->first, at);
	}
	return 0;
}

/* Up to 3.10 `instr` is an offset and nothing is ever hidden. */
static void place_by_offset(const struct py_layout *l, const struct py_code_entry *e, struct py_frame *frame)
{
	if (frame->line != 0)
		return; /* a debugger's own line */
	if (frame->instr == UINT64_MAX)
		frame->line = e->first > 0 ? e->first : 0;
	else if (e->start == 0 || frame->instr < e->length)
		frame->line = line_at(l, e, frame->instr);
}

/* From 3.11 on it is an address. Up to the first traceable instruction a frame is still being set up:
 * Python shows it only if a generator owns it. 3.11 and 3.12 point one unit before the start there. */
void py_code_place(const struct py_process *py, const struct py_layout *l, struct py_frame *frame)
{
	const struct py_code_entry *e = entry_of(py, frame->code);
	uint64_t start, at;

	if (frame->bad || e == NULL || e->pub.name == NULL) {
		frame->bad = true;
		return;
	}
	if (l->code_inline == 0) {
		place_by_offset(l, e, frame);
		return;
	}
	start = e->start;
	if (l->code.tlbc != 0 && e->words[6] != 0 && !copy_known(e, frame->tlbc, &start))
		return;
	if (frame->instr + UNIT == start) {
		frame->hidden = frame->owner != PY_OWNED_BY_GENERATOR;
		frame->line = e->first > 0 ? e->first : 0;
		return;
	}
	at = frame->instr - start;
	if (frame->instr < start || at >= e->length)
		return;
	frame->hidden = frame->owner != PY_OWNED_BY_GENERATOR && e->firsttraceable > 0 &&
			at < (uint64_t)e->firsttraceable * UNIT;
	frame->line = line_at(l, e, at);
}
