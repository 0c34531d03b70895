/* The layout of a CPython below 3.13 by the debug information of its binary, which also shows
 * vendor patches and the configuration. The family of a version and the encoding of its tables come
 * from the row of py_layout_table.c; only members that the row has are looked for.
 *
 * Everything must fit. A member that is not found keeps the row's value only if all others are
 * where the row (or the row with traced references) has them. A member of an unexpected width makes
 * the whole unusable. */
#include <string.h>

#include "dwarf/members.h"
#include "os/images.h"
#include "python/layout/py_layout.h"
#include "python/py_memory.h"
#include "python/py_symbol.h"

/* Bytes of a member. WORD: a pointer or Py_ssize_t; COUNT: ob_size; WHOLE: the end of the type is
 * asked. */
enum width { ANY = 0, BYTE = 1, INT = 4, WIDE = 8, WORD = 100, COUNT, WHOLE };

struct member {
	size_t field; /* in struct py_layout */
	const char *type, *member;
	enum width width;
};

#define ROW(field_, type_, member_, width_)                                \
	{                                                                  \
		offsetof(struct py_layout, field_), type_, member_, width_ \
	}

#define RUNTIME "_PyRuntimeState|pyruntimestate"
#define INTERP "PyInterpreterState|_is"
#define TSTATE "PyThreadState|_ts"
#define CFRAME "_PyCFrame|CFrame|_cframe"
#define FRAME "PyFrameObject|_frame"
#define ENTRY "_PyInterpreterFrame"
#define CODE "PyCodeObject"
#define ASCII "PyASCIIObject"
#define COMPACT "PyCompactUnicodeObject"
#define UNICODE "PyUnicodeObject"

/* Names: CPython 2.4 to 3.12, the files named in py_layout_table.c. */
static const struct member states[] = {
	ROW(runtime.interpreters_head, RUNTIME, "interpreters.head", WORD),
	ROW(interp.next, INTERP, "next", WORD),
	ROW(interp.threads_head, INTERP, "threads.head|tstate_head", WORD),
	ROW(interp.id, INTERP, "id", WIDE),
	ROW(tstate.next, TSTATE, "next", WORD),
	ROW(tstate.interp, TSTATE, "interp", WORD),
	ROW(tstate.frame, TSTATE, "frame", WORD),
	ROW(tstate.cframe, TSTATE, "cframe", WORD),
	ROW(tstate.root_cframe, TSTATE, "root_cframe", ANY),
	ROW(tstate.thread_id, TSTATE, "thread_id", WORD),
	ROW(tstate.native_id, TSTATE, "native_thread_id", WORD),
	ROW(tstate.chunk, TSTATE, "datastack_chunk", WORD),
	ROW(tstate.top, TSTATE, "datastack_top", WORD),
	ROW(cframe.current_frame, CFRAME, "current_frame", WORD),
	ROW(cframe.previous, CFRAME, "previous", WORD),
};

static const struct member frames_310[] = {
	ROW(frame.previous, FRAME, "f_back", WORD),
	ROW(frame.code, FRAME, "f_code", WORD),
	ROW(frame.trace, FRAME, "f_trace", WORD),
	ROW(frame.lasti, FRAME, "f_lasti", INT),
	ROW(frame.lineno, FRAME, "f_lineno", INT),
	ROW(frame.state, FRAME, "f_state|f_executing", BYTE),
};

static const struct member frames_311[] = {
	ROW(frame.previous, ENTRY, "previous", WORD),
	ROW(frame.code, ENTRY, "f_code", WORD),
	ROW(frame.instr, ENTRY, "prev_instr", WORD),
	ROW(frame.owner, ENTRY, "owner", BYTE),
	ROW(frame.object, ENTRY, "frame_obj", WORD),
};

static const struct member objects[] = {
	ROW(code.bytecode, CODE, "co_code", WORD),
	ROW(code.filename, CODE, "co_filename", WORD),
	ROW(code.name, CODE, "co_name", WORD),
	ROW(code.qualname, CODE, "co_qualname", WORD),
	ROW(code.firstlineno, CODE, "co_firstlineno", INT),
	ROW(code.table, CODE, "co_linetable|co_lnotab", WORD),
	ROW(code.firsttraceable, CODE, "_co_firsttraceable", INT),
	ROW(code_inline, CODE, "co_code_adaptive", ANY),
	ROW(object.type, "PyObject|_object", "ob_type", WORD),
	ROW(object.size, "PyVarObject", "ob_size", COUNT),
	ROW(type.name, "PyTypeObject|_typeobject", "tp_name", WORD),
	ROW(type.flags, "PyTypeObject|_typeobject", "tp_flags", WORD),
};

static const struct member text_2[] = {
	ROW(bytes.size, "PyStringObject", "ob_size", COUNT),
	ROW(bytes.data, "PyStringObject", "ob_sval", ANY),
};

static const struct member text_30[] = {
	ROW(bytes.size, "PyBytesObject", "ob_base.ob_size|ob_size", COUNT),
	ROW(bytes.data, "PyBytesObject", "ob_sval", ANY),
	ROW(str.length, UNICODE, "length", WORD),
	ROW(str.wstr, UNICODE, "str", WORD),
};

static const struct member text_33[] = {
	ROW(bytes.size, "PyBytesObject", "ob_base.ob_size|ob_size", COUNT),
	ROW(bytes.data, "PyBytesObject", "ob_sval", ANY),
	ROW(str.length, ASCII, "length", WORD),
	ROW(str.state, ASCII, "state", INT),
	ROW(str.wstr, ASCII, "wstr", WORD),
	ROW(str.wstr_length, COMPACT, "wstr_length", WORD),
	ROW(str.ascii, ASCII, "", WHOLE),
	ROW(str.compact, COMPACT, "", WHOLE),
};

/* Bit-fields of PyASCIIObject.state, and how far each is above the first. */
static const struct {
	const char *member;
	uint32_t above, bits;
} state_bits[] = { { "state.kind", 0, 3 }, { "state.compact", 3, 1 }, { "state.ascii", 4, 1 } };

enum { STATE_BITS = sizeof(state_bits) / sizeof(state_bits[0]) };

struct query {
	const struct member *members[DWARF_QUESTIONS];
	struct dwarf_question questions[DWARF_QUESTIONS];
	struct dwarf_answer answers[DWARF_QUESTIONS];
	size_t n;     /* questions about members */
	size_t total; /* all questions */
};

static py_field field_of(const struct py_layout *l, const struct member *m)
{
	py_field field;

	memcpy(&field, (const uint8_t *)l + m->field, sizeof(field));
	return field;
}

static void ask_member(struct query *q, const char *type, const char *member)
{
	q->questions[q->total++] = (struct dwarf_question){ type, member };
}

static void ask_members(struct query *q, const struct py_layout *row, const struct member *members, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (field_of(row, &members[i]) == 0)
			continue;
		q->members[q->n++] = &members[i];
		ask_member(q, members[i].type, members[i].member);
	}
}

#define ASK(q, row, members) ask_members(q, row, members, sizeof(members) / sizeof((members)[0]))

static void ask_all(struct query *q, const struct py_layout *row)
{
	/* Up to 3.6 the runtime is a pointer: there is nothing to find. */
	if (py_layout_is_bare(row))
		ask_members(q, row, states + 1, sizeof(states) / sizeof(states[0]) - 1);
	else
		ASK(q, row, states);
	if (row->marking == PY_MARK_NONE)
		ASK(q, row, frames_310);
	else
		ASK(q, row, frames_311);
	ASK(q, row, objects);
	if (row->texts == PY_TEXT_BYTES) {
		ASK(q, row, text_2);
	} else if (row->texts == PY_TEXT_UNICODE) {
		ASK(q, row, text_30);
		ask_member(q, "Py_UNICODE", "");
	} else {
		ASK(q, row, text_33);
		for (size_t i = 0; i < STATE_BITS; i++)
			ask_member(q, ASCII, state_bits[i].member);
	}
}

/* --- answers --- */

/* Does the member have the width that it is read with? */
static bool width_fits(const struct member *m, const struct dwarf_answer *a, const struct py_layout *row)
{
	if (a->bits != 0)
		return false;
	switch (m->width) {
	case ANY:
	case WHOLE:
		return true;
	case WORD:
		return a->size == row->word;
	case COUNT:
		return a->size == row->size_width;
	default:
		return a->size == (uint64_t)m->width;
	}
}

/* Do two members of one type overlap? Then one of them is wrong. */
static bool members_overlap(const struct query *q, size_t i, size_t k)
{
	const struct dwarf_answer *a = &q->answers[i], *b = &q->answers[k];

	if (a->finding != DWARF_FOUND || b->finding != DWARF_FOUND || q->members[i]->width == WHOLE ||
	    q->members[k]->width == WHOLE || strcmp(q->members[i]->type, q->members[k]->type) != 0)
		return false;
	return a->offset < b->offset + (b->size == 0 ? 1 : b->size) &&
	       b->offset < a->offset + (a->size == 0 ? 1 : a->size);
}

static bool is_consistent(const struct query *q, const struct py_layout *row)
{
	for (size_t i = 0; i < q->total; i++) {
		if (q->answers[i].finding == DWARF_CONTRADICTION)
			return false;
	}
	for (size_t i = 0; i < q->n; i++) {
		if (q->answers[i].finding != DWARF_FOUND)
			continue;
		if (!width_fits(q->members[i], &q->answers[i], row))
			return false;
		for (size_t k = 0; k < i; k++) {
			if (members_overlap(q, i, k))
				return false;
		}
	}
	return true;
}

static uint64_t member_value(const struct member *m, const struct dwarf_answer *a)
{
	return m->width == WHOLE ? a->whole : a->offset;
}

/* Put the members that were found into *l. Returns how many differ from it. *missing: how many were
 * not found. */
static size_t merge_members(const struct query *q, struct py_layout *l, size_t *missing)
{
	size_t differ = 0;

	*missing = 0;
	for (size_t i = 0; i < q->n; i++) {
		py_field field;

		if (q->answers[i].finding != DWARF_FOUND) {
			(*missing)++;
			continue;
		}
		field = PY_AT(member_value(q->members[i], &q->answers[i]));
		differ += field != field_of(l, q->members[i]);
		memcpy((uint8_t *)l + q->members[i]->field, &field, sizeof(field));
	}
	return differ;
}

/* The rest: properties of types. False: they make no sense. */
static bool merge_texts(const struct query *q, struct py_layout *l)
{
	const struct dwarf_answer *a = &q->answers[q->n];
	uint32_t first;

	if (l->texts == PY_TEXT_UNICODE) {
		if (a->finding == DWARF_FOUND && (a->size == 2 || a->size == 4))
			l->char_width = (uint8_t)a->size;
		return a->finding != DWARF_FOUND || a->size == l->char_width;
	}
	if (l->texts != PY_TEXT_COMPACT || a->finding != DWARF_FOUND)
		return true;
	first = (uint32_t)(a->offset - (l->str.state - 1)) * 8 + a->bit;
	for (size_t i = 0; i < STATE_BITS; i++, a++) {
		uint32_t at = (uint32_t)(a->offset - (l->str.state - 1)) * 8 + a->bit;

		if (a->finding != DWARF_FOUND || a->bits != state_bits[i].bits ||
		    at != first + state_bits[i].above)
			return false;
	}
	l->kind_shift = (uint8_t)first;
	return first <= 24;
}

enum res py_layout_of_debug(struct elf_image *debug, struct dwarf_hints hints, const struct py_layout *row,
    struct py_layout *out, struct fault *f)
{
	struct query q = { .n = 0 };
	struct py_layout l = *row, refs = *row;
	size_t missing;
	enum res res;

	ask_all(&q, row);
	res = dwarf_members(debug, &(struct dwarf_request){ hints, q.questions, q.total }, q.answers, f);
	if (res != RES_OK)
		return res;
	if (!is_consistent(&q, row))
		return fault_set(f, 0, 0, 0, "its debug information contradicts itself");
	py_layout_add_refs(&refs);
	if (merge_members(&q, &l, &missing) != 0 && missing != 0) {
		l = refs;
		if (merge_members(&q, &l, &missing) != 0)
			return fault_set(f, 0, 0, 0, "its debug information lacks %zu members", missing);
	}
	if (missing == q.n)
		return RES_NONE;
	if (!merge_texts(&q, &l) || !py_layout_finish(&l))
		return fault_set(f, 0, 0, 0, "its debug information makes no sense");
	l.source = "debug information of the binary";
	/* Where these are, nothing was asked of it, and the row is not to be believed. */
	memset(&l.more, 0, sizeof(l.more));
	*out = l;
	return RES_OK;
}

enum res py_layout_from_debug(struct ps_prochandle *P, const char *object, uint64_t addr,
    const struct py_layout *row, struct py_layout *out)
{
	/* Functions whose sources together use all of the structures. */
	static const char *const functions[] = { "PyInterpreterState_Head", "_PyEval_EvalFrameDefault",
		"PyEval_EvalFrameEx", "PyEval_EvalFrame", "PyCode_New", "PyUnicode_AsUTF8String",
		"PyBytes_Size", "PyString_Size" };
	uint64_t hints[sizeof(functions) / sizeof(functions[0])], bias;
	struct elf_image *img, *debug;
	size_t n = 0;

	if (!dwarf_can_read() || os_object_image(P, (uintptr_t)addr, &img, &bias) != RES_OK ||
	    os_debug_image(P, (uintptr_t)addr, &debug) != RES_OK)
		return RES_NONE;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		uint64_t va = py_symbol_address(P, object, functions[i]);

		if (va != 0)
			hints[n++] = va - bias;
	}
	return py_layout_of_debug(debug, (struct dwarf_hints){ hints, n }, row, out, NULL);
}
