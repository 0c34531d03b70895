/* Code objects, read once and kept.
 *
 *   PyCodeObject ─┬─ co_filename, co_name, co_qualname   str
 *                 ├─ co_linetable / co_lnotab            bytes
 *                 └─ the bytecode: a bytes object (≤ 3.10), inline at the end (3.11+), or one of
 *                    several copies (free-threaded 3.14+: co_tlbc → { n, entries[n] })
 *
 * Another code object may reuse an address. So the cached one is compared with the structure's
 * words at its first use in each py_stack_read. If they differ, the new one is added and the old
 * one kept, since frames read before refer to it: their thread may have run since. From one capture
 * to the next this comparison is not enough: the allocator may give a new code object the same
 * addresses for its strings and tables too (two of 20,000 code objects made by exec). So the first
 * use in each capture reads them again. */
#include "python/objects/py_code.h"

#include <stdlib.h>

#include "base/bound.h"
#include "base/owned.h"
#include "python/frames/py_frame.h"
#include "python/objects/py_lines.h"
#include "python/objects/py_positions.h"
#include "python/objects/py_table.h"
#include "python/objects/py_text.h"
#include "python/objects/py_type.h"
#include "python/py_memory.h"

enum { WORDS = 9, LAST = 2, UNIT = 2, TLBC_MAX = 1 << 20 };

struct bytecode_copy {
	uint32_t epoch; /* when its start was read */
	uint64_t start;
};

struct py_code_entry {
	struct py_code pub;
	uint64_t words[WORDS]; /* of the structure: equal words, equal object */
	struct py_table table;
	bool table_known;       /* a late table: proved to be still its own, … */
	bool table_lost;        /* or not */
	uint64_t start, length; /* the bytecode: address, bytes */
	int32_t first, firsttraceable;
	VEC(struct bytecode_copy) copies;
	struct addrmap copy_at; /* a copy's number → index in copies */
	uint32_t epoch;         /* of the last comparison */
	uint32_t generation;    /* the capture that its strings are of */
	uint32_t runtime;       /* index of its runtime */
	/* The last lines looked up: many threads, and recursions, are at the same places. */
	struct {
		bool known;
		int32_t line;
		uint64_t at;
	} last[LAST];
	unsigned next; /* of last: the one to replace next */
	/* The last position looked up. */
	struct {
		bool known, found;
		uint64_t at;
		struct py_position is;
	} position;
};

static void entry_clear(struct py_code_entry *e)
{
	free(e->pub.file);
	free(e->pub.name);
	free(e->pub.qualname);
	py_table_free(&e->table);
	vec_free(&e->copies);
	addrmap_free(&e->copy_at);
	memset(e, 0, sizeof(*e));
}

static void entry_release(struct py_code_entry **e)
{
	if (*e != NULL)
		entry_clear(*e);
	free(*e);
}

void py_codes_free(struct py_process *py)
{
	for (size_t i = 0; i < py->codes.n; i++)
		entry_release(&py->codes.at[i]);
	vec_free(&py->codes);
	vec_free(&py->replaced);
	vec_free(&py->spare);
	addrmap_free(&py->code_index);
}

void py_codes_recycle(struct py_process *py)
{
	for (size_t i = 0; i < py->replaced.n; i++) {
		entry_clear(py->codes.at[py->replaced.at[i]]);
		(void)vec_push(&py->spare, py->replaced.at[i]); /* else it stays unused */
	}
	py->replaced.n = 0;
}

/* The latest entry for addr, or NULL. *at: its index. */
static struct py_code_entry *entry_at(const struct py_process *py, uint64_t addr, uint32_t *at)
{
	return addrmap_get(&py->code_index, addr, at) ? py->codes.at[*at] : NULL;
}

/* The entry of a frame, or NULL. */
static struct py_code_entry *cached_entry(const struct py_process *py, const struct py_frame *frame)
{
	struct py_code_entry *e = frame->known < py->codes.n ? py->codes.at[frame->known] : NULL;

	return e == NULL || e->pub.addr != frame->code || e->pub.name == NULL ? NULL : e;
}

const struct py_code *py_code_get(const struct py_process *py, const struct py_frame *frame)
{
	const struct py_code_entry *e = cached_entry(py, frame);

	return e == NULL ? NULL : &e->pub;
}

static void code_fingerprint(const struct py_layout *l, const struct py_view *code, uint64_t words[WORDS])
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

/* Set start and length of the bytecode. */
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

/* Read file and names. RES_FAIL: file or name is unreadable. */
static enum res read_names(
    struct ps_prochandle *P, struct py_runtime *rt, struct py_code_entry *e, struct fault *f)
{
	struct py_string file = { .n = 0 }, name = { .n = 0 }, qualname = { .n = 0 };
	enum res res = py_text_read(P, rt, e->words[1], &file, f);

	if (res == RES_OK)
		res = py_text_read(P, rt, e->words[2], &name, f);
	/* The rest is optional: a frame without a line is better than none. */
	if (res == RES_OK && e->words[3] != 0)
		(void)py_text_read(P, rt, e->words[3], &qualname, NULL);
	e->pub.file = file.text;
	e->pub.file_len = file.n;
	e->pub.name = name.text;
	e->pub.name_len = name.n;
	e->pub.qualname = qualname.text;
	e->pub.qualname_len = qualname.n;
	return res;
}

/* Fill in e, whose address is set, from `code`, a copy of its code object. */
static enum res read_entry(struct ps_prochandle *P, struct py_runtime *rt, const struct py_view *code,
    struct py_code_entry *e, struct fault *f)
{
	const struct py_layout *l = &rt->layout;

	if (!py_type_is(P, l, py_view_word(code, l->object.type), "code", &rt->code_type))
		return fault_set(f, 0, 0, e->pub.addr, "a frame's code is not a code object");
	code_fingerprint(l, code, e->words);
	if (read_names(P, rt, e, f) != RES_OK)
		return RES_FAIL;
	e->table = py_table_read(P, l, e->words[4]);
	e->first = e->pub.first_line = py_view_i32(code, l->code.firstlineno);
	e->firsttraceable = py_view_i32(code, l->code.firsttraceable);
	find_bytecode(P, l, code, e);
	return RES_OK;
}

static struct bytecode_copy *copy_of(const struct py_code_entry *e, int32_t index)
{
	uint32_t i;

	return addrmap_get(&e->copy_at, (uint32_t)index, &i) ? &e->copies.at[i] : NULL;
}

/* Read the start of bytecode copy `index`, once in each epoch; copies of other threads stay. Copy
 * 0, the main one, is in the table like the others. */
static enum res learn_copy(struct ps_prochandle *P, const struct py_layout *l, struct py_code_entry *e,
    int32_t index, struct fault *f)
{
	struct bytecode_copy copy = { .epoch = e->epoch };
	uint64_t table = e->words[6], n;
	struct bytecode_copy *known;

	if (l->code.tlbc == 0 || table == 0)
		return RES_OK;
	known = copy_of(e, index);
	if (known != NULL && known->epoch == e->epoch)
		return RES_OK;
	if (!py_read_word(P, l, table, PY_AT(0), &n) || index < 0 || n > TLBC_MAX || (uint64_t)index >= n ||
	    !py_read_word(P, l, table, PY_AT(l->word * ((unsigned)index + 1)), &copy.start))
		return RES_OK; /* no line then */
	if (known != NULL) {
		*known = copy;
		return RES_OK;
	}
	if (!vec_push(&e->copies, copy))
		return fault_memory(f);
	if (addrmap_put(&e->copy_at, (uint32_t)index, (uint32_t)(e->copies.n - 1)))
		return RES_OK;
	e->copies.n--;
	return fault_memory(f);
}

/* Find a free index for one more entry. */
static enum res codes_make_room(struct py_process *py, uint32_t *at, struct fault *f)
{
	if (py->spare.n > 0) {
		*at = py->spare.at[--py->spare.n];
		return RES_OK;
	}
	*at = (uint32_t)py->codes.n;
	return py->codes.n < UINT32_MAX && vec_push(&py->codes, NULL) ? RES_OK : fault_memory(f);
}

/* Add *e, just read, and take it. known: the previous entry for its address, at index *at, to which
 * frames of this generation may refer; or NULL. *at: the new index. */
static enum res codes_add(struct py_process *py, struct py_code_entry **e, struct py_code_entry *known,
    uint32_t *at, struct fault *f)
{
	bool in_use = known != NULL && known->generation == py->generation;
	uint32_t room = *at;

	if (known == NULL || in_use) {
		if ((in_use && !vec_reserve(&py->replaced, py->replaced.n + 1)) ||
		    codes_make_room(py, &room, f) != RES_OK)
			return fault_memory(f);
		if (!addrmap_put(&py->code_index, (*e)->pub.addr, room)) {
			(void)vec_push(&py->spare, room);
			return fault_memory(f);
		}
		if (in_use)
			(void)vec_push(&py->replaced, *at);
	}
	entry_release(&py->codes.at[room]);
	py->codes.at[room] = *e;
	*e = NULL;
	*at = room;
	return RES_OK;
}

/* Is the entry still that of the code object in memory? */
static bool is_unchanged(
    struct py_process *py, const struct py_layout *l, const struct py_view *code, struct py_code_entry *known)
{
	uint64_t words[WORDS];

	code_fingerprint(l, code, words);
	if (known->pub.name == NULL || known->generation != py->generation ||
	    memcmp(words, known->words, sizeof(words)) != 0)
		return false;
	known->epoch = py->epoch;
	return true;
}

enum res py_code_load(
    struct py_process *py, struct py_runtime *rt, struct py_frame *frame, bool running, struct fault *f)
{
	const struct py_layout *l = &rt->layout;
	uint64_t addr = frame->code;
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view code = { bytes, l->code_extent, l->word };
	uint32_t at = 0;
	struct py_code_entry *known = entry_at(py, addr, &at);
	OWNED(entry_release) struct py_code_entry *fresh = NULL;

	frame->known = at;
	if (known != NULL && known->epoch == py->epoch)
		return known->pub.name == NULL
			   ? fault_set(f, 0, 0, addr, "a frame's code is not a code object")
			   : learn_copy(py->P, l, known, frame->tlbc, f);
	if (!py_pointer_sane(addr, l->word) || !py_read(py->P, bytes, code.n, addr))
		return fault_set(f, 0, 0, addr, "a frame's code object cannot be read");
	if (known != NULL && is_unchanged(py, l, &code, known))
		return learn_copy(py->P, l, known, frame->tlbc, f);
	fresh = calloc(1, sizeof(*fresh));
	if (fresh == NULL)
		return fault_memory(f);
	fresh->pub.addr = addr;
	fresh->runtime = (uint32_t)(rt - py->runtimes.at);
	if (read_entry(py->P, rt, &code, fresh, f) != RES_OK)
		return RES_FAIL;
	fresh->epoch = py->epoch;
	fresh->generation = py->generation - running;
	if (learn_copy(py->P, l, fresh, frame->tlbc, f) != RES_OK)
		return RES_FAIL;
	return codes_add(py, &fresh, known, &frame->known, f);
}

/* Is e's late table, just read, still that of its code object? Decided once. */
static bool still_its_own(struct py_process *py, const struct py_layout *l, struct py_code_entry *e)
{
	uint8_t bytes[PY_STRUCT_MAX];
	struct py_view code = { bytes, l->code_extent, l->word };
	uint64_t words[WORDS];

	if (e->table.late == 0 || e->table_known || e->table_lost)
		return !e->table_lost;
	e->table_lost = !py_read(py->later, bytes, code.n, e->pub.addr);
	if (!e->table_lost) {
		code_fingerprint(l, &code, words);
		e->table_lost = memcmp(words, e->words, sizeof(words)) != 0;
	}
	e->table_known = !e->table_lost;
	return e->table_known;
}

enum { LINE_UNREAD = -1 };

static int32_t decode_line(
    struct py_process *py, const struct py_layout *l, struct py_code_entry *e, uint64_t at)
{
	struct span table = py_table_bytes(py, &e->table);

	if (table.at == NULL || !still_its_own(py, l, e) || bound_passed(BOUND_LINES))
		return LINE_UNREAD;
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

static int32_t line_at(struct py_process *py, const struct py_layout *l, struct py_code_entry *e, uint64_t at)
{
	unsigned i;

	for (i = 0; i < LAST; i++) {
		if (e->last[i].known && e->last[i].at == at)
			return e->last[i].line;
	}
	i = e->next++ % LAST;
	e->last[i].line = decode_line(py, l, e, at);
	e->last[i].at = at;
	e->last[i].known = true;
	return e->last[i].line;
}

/* Up to 3.10 `instr` is an offset and nothing is ever hidden. */
static void place_by_offset(
    struct py_process *py, const struct py_layout *l, struct py_code_entry *e, struct py_frame *frame)
{
	if (frame->line != LINE_UNREAD)
		return; /* set by a debugger */
	if (frame->instr == UINT64_MAX)
		frame->line = e->first > 0 ? e->first : 0;
	else if (e->start == 0 || frame->instr < e->length)
		frame->line = line_at(py, l, e, frame->instr);
}

/* Set *out to the address of the bytecode that the frame runs. False: unknown. */
static bool bytecode_of(
    const struct py_layout *l, const struct py_code_entry *e, const struct py_frame *frame, uint64_t *out)
{
	const struct bytecode_copy *copy;

	*out = e->start;
	if (l->code.tlbc == 0 || e->words[6] == 0)
		return true;
	copy = copy_of(e, frame->tlbc);
	if (copy == NULL)
		return false;
	*out = copy->start;
	return true;
}

/* From 3.11 on it is an address. Before the first traceable instruction a frame is being set up:
 * Python shows it only if a generator owns it. 3.11 and 3.12 then point one unit before the
 * start. */
static void place_by_address(
    struct py_process *py, const struct py_layout *l, struct py_code_entry *e, struct py_frame *frame)
{
	uint64_t start, at;

	if (!bytecode_of(l, e, frame, &start))
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
	frame->line = line_at(py, l, e, at);
}

void py_code_resolve(struct py_process *py, const struct py_layout *l, struct py_frame *frame)
{
	struct py_code_entry *e = cached_entry(py, frame);

	if (frame->bad || e == NULL) {
		frame->bad = true;
		return;
	}
	/* 0 is the line of a module's first instructions. */
	if (frame->line == 0)
		frame->line = LINE_UNREAD;
	if (l->code_inline == 0)
		place_by_offset(py, l, e, frame);
	else
		place_by_address(py, l, e, frame);
	if (frame->lineno != 0)
		frame->line = frame->lineno;
	frame->line_unread = frame->line == LINE_UNREAD;
	if (frame->line_unread)
		frame->line = 0;
}

static bool find_position(struct py_process *py, const struct py_layout *l, struct py_code_entry *e,
    uint64_t at, struct py_position *out)
{
	struct span table;

	if (e->position.known && e->position.at == at) {
		*out = e->position.is;
		return e->position.found;
	}
	table = py_table_bytes(py, &e->table);
	e->position.known = true;
	e->position.at = at;
	e->position.found = table.at != NULL && still_its_own(py, l, e) &&
			    py_position_locations(table, e->first, at, &e->position.is);
	*out = e->position.is;
	return e->position.found;
}

bool py_frame_position(struct py_process *py, const struct py_frame *frame, struct py_position *out)
{
	struct py_code_entry *e = frame->bad ? NULL : cached_entry(py, frame);
	const struct py_layout *l;
	struct py_position is;
	uint64_t start;

	if (e == NULL || e->runtime >= py->runtimes.n)
		return false;
	l = &py->runtimes.at[e->runtime].layout;
	if (l->lines != PY_LINES_LOCATIONS || !bytecode_of(l, e, frame, &start) || frame->instr < start ||
	    frame->instr - start >= e->length || !find_position(py, l, e, frame->instr - start, &is))
		return false;
	/* A debugger may have set another line. */
	if (is.line != frame->line)
		return false;
	*out = is;
	return true;
}
