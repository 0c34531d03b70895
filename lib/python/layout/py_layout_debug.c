/* The layout that CPython 3.13 and later publish about themselves: _Py_DebugOffsets, at the very
 * start of _PyRuntime.
 *
 *   +0 cookie "xdebugpy"  +8 version (PY_VERSION_HEX)  +16 free-threaded?  +24 offsets, 64 bits
 *
 * The structure has no count of its members. Their positions depend on the minor version
 * (Include/internal/ pycore_debug_offsets.h of 3.14 and 3.15, pycore_runtime.h of 3.13); they are
 * the same in every patch level, debug build, free-threaded build and word size of a minor version.
 * A version newer than the last column is read by that column, and must prove itself like every
 * candidate (py_runtime.c). */
#include "python/layout/py_layout.h"

#include <string.h>

#include "python/py_memory.h"

enum { COLUMNS = 3, OFFSETS_SIZE = 888, OFFSETS_SIZE_313 = 584 };

/* Position of a member's offset in the structure (bytes; 0: that version has none), the largest
 * plausible offset, and whether the value 0 means that the build has no such member. */
struct position {
	uint16_t at[COLUMNS];
	bool zero_is_absent;
	uint32_t limit;
	size_t field; /* in struct py_layout */
};

enum { IN_STATE = 1 << 24, IN_STRUCT = PY_STRUCT_MAX - 8, IN_OBJECT = 512 };

#define ROW(member, p13, p14, p15, most, optional)                                    \
	{                                                                             \
		{ p13, p14, p15 }, optional, most, offsetof(struct py_layout, member) \
	}

static const struct position positions[] = {
	/*  member                    3.13 3.14 3.15 */
	ROW(runtime.interpreters_head, 40, 40, 40, IN_STATE, true),
	ROW(interp.id, 56, 56, 56, IN_STATE, false),
	ROW(interp.next, 64, 64, 64, IN_STATE, false),
	ROW(interp.threads_head, 72, 72, 72, IN_STATE, true),
	ROW(tstate.next, 168, 192, 192, IN_STRUCT, false),
	ROW(tstate.interp, 176, 200, 200, IN_STRUCT, true),
	ROW(tstate.frame, 184, 208, 208, IN_STRUCT, true),
	ROW(tstate.base_frame, 0, 0, 216, IN_STRUCT, true),
	ROW(tstate.thread_id, 192, 216, 240, IN_STRUCT, true),
	ROW(tstate.native_id, 200, 224, 248, IN_STRUCT, true),
	ROW(more.state, 216, 240, 264, IN_STRUCT, true), /* status, until derive_fields */
	ROW(more.finalizing, 32, 32, 32, IN_STATE, true),
	ROW(more.gil_pointer, 112, 120, 120, IN_STATE, true),
	ROW(more.modules, 88, 96, 96, IN_STATE, true),
	ROW(more.gc, 80, 88, 88, IN_STATE, true),
	ROW(more.collecting, 576, 656, 760, IN_STATE, true),
	ROW(more.gc_frame, 0, 0, 768, IN_STATE, true),
	ROW(more.cached_keys, 0, 0, 536, IN_STRUCT, true),
	ROW(frame.previous, 232, 256, 320, IN_OBJECT, true),
	ROW(frame.code, 240, 264, 328, IN_OBJECT, false),
	ROW(frame.instr, 248, 272, 336, IN_OBJECT, true),
	ROW(more.slots, 256, 280, 344, IN_OBJECT, true),
	ROW(frame.owner, 264, 288, 352, IN_OBJECT, true),
	ROW(frame.tlbc, 0, 304, 368, IN_OBJECT, true),
	ROW(code.filename, 280, 320, 384, IN_OBJECT, true),
	ROW(code.name, 288, 328, 392, IN_OBJECT, true),
	ROW(code.qualname, 296, 336, 400, IN_OBJECT, true),
	ROW(code.table, 304, 344, 408, IN_OBJECT, true),
	ROW(code.firstlineno, 312, 352, 416, IN_OBJECT, true),
	ROW(code.tlbc, 0, 392, 456, IN_OBJECT, true),
	ROW(code_inline, 344, 384, 448, IN_OBJECT, true),
	ROW(object.type, 360, 408, 472, IN_OBJECT, true),
	ROW(type.name, 376, 424, 488, IN_OBJECT, true),
	ROW(type.flags, 392, 440, 504, IN_OBJECT, true),
	ROW(bytes.size, 520, 600, 696, IN_OBJECT, true),
	ROW(bytes.data, 528, 608, 704, IN_OBJECT, true),
	ROW(str.state, 544, 624, 720, IN_OBJECT, true),
	ROW(str.length, 552, 632, 728, IN_OBJECT, true),
	ROW(str.ascii, 560, 640, 736, IN_OBJECT, true),
	ROW(str.compact, 0, 0, 744, IN_OBJECT, true),
};

static uint64_t offset_at(const uint8_t *offsets, size_t at)
{
	uint64_t number;

	memcpy(&number, offsets + at, sizeof(number));
	return number;
}

/* The table grows until the first release of a minor version; it does not say how many members it
 * has. */
static const char *prerelease_note(const uint8_t *offsets)
{
	enum { LEVEL_SHIFT = 4, LEVEL = 0xf, FINAL = 0xf }; /* of PY_VERSION_HEX */

	return (offset_at(offsets, 8) >> LEVEL_SHIFT & LEVEL) == FINAL
		   ? ""
		   : ": this is a pre-release, whose table is not the release's";
}

static enum res fill_fields(
    struct py_layout *l, const uint8_t *offsets, unsigned column, uint64_t runtime, struct fault *f)
{
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		const struct position *p = &positions[i];
		uint64_t value;
		py_field field = 0;

		if (p->at[column] == 0)
			continue;
		value = offset_at(offsets, p->at[column]);
		if (value > p->limit)
			return fault_set(f, 0, 0, runtime + p->at[column],
			    "the offsets that the interpreter publishes make no sense (%#llx at %u)%s",
			    (unsigned long long)value, p->at[column], prerelease_note(offsets));
		if (value != 0 || !p->zero_is_absent)
			field = PY_AT(value);
		memcpy((uint8_t *)l + p->field, &field, sizeof(field));
	}
	return RES_OK;
}

/* Members that the structure does not name, at a fixed distance from those it does. */
static void derive_fields(struct py_layout *l)
{
	/* frame_obj is in front of instr_ptr (Include/internal/pycore_frame.h,
	 * pycore_interpframe_structs.h). */
	if (l->frame.instr > l->word)
		l->frame.object = l->frame.instr - l->word;
	/* The variable-size head follows the object head: after ob_type (GIL: 8+8, free-threaded:
	 * 24+8). */
	if (l->object.type != 0)
		l->object.size = l->object.type + l->word;
	/* PyCompactUnicodeObject adds a length and a pointer to PyASCIIObject. */
	if (l->str.compact == 0 && l->str.ascii != 0)
		l->str.compact = l->str.ascii + 2U * l->word;
	/* The state of a free-threaded build's thread follows its status: two words of 4 later,
	 * from 3.14 on after holds_gil, from 3.15 on after gil_requested
	 * (Include/cpython/pystate.h). */
	if (!l->free_threaded)
		l->more.state = 0;
	else if (l->more.state != 0)
		l->more.state += l->version >= PY_HEX(3, 15) ? 16 : l->version >= PY_HEX(3, 14) ? 12 : 8;
	/* Members of PyHeapTypeObject after tp_flags (Include/cpython/object.h, 3.13 and 3.14). */
	if (l->more.cached_keys == 0 && l->word == 8 && l->version < PY_HEX(3, 15) && l->type.flags != 0)
		l->more.cached_keys = l->type.flags + 712;
	/* _co_firsttraceable, a pointer, [co_tlbc,] co_code_adaptive (Include/cpython/code.h). */
	if (l->code_inline > 3U * l->word)
		l->code.firsttraceable = l->code_inline - (l->code.tlbc != 0 ? 3U : 2U) * l->word;
}

/* Does it have all required members? */
static bool is_complete(const struct py_layout *l)
{
	return l->runtime.interpreters_head != 0 && l->interp.threads_head != 0 && l->tstate.interp != 0 &&
	       l->tstate.frame != 0 && l->frame.previous != 0 && l->frame.instr != 0 && l->frame.owner != 0 &&
	       l->code.filename != 0 && l->code.name != 0 && l->code.table != 0 && l->code.firstlineno != 0 &&
	       l->code_inline != 0 && l->object.type != 0 && l->str.state != 0 && l->str.length != 0 &&
	       l->str.ascii != 0 && l->bytes.size != 0 && l->bytes.data != 0;
}

bool py_version_known(uint32_t version)
{
	return (version & PY_MINOR_MASK) < PY_HEX(3, 13) + (COLUMNS << 16);
}

bool py_layout_is_cookie(const uint8_t bytes[PY_COOKIE_SIZE])
{
	return memcmp(bytes, "xdebugpy", PY_COOKIE_SIZE) == 0;
}

enum res py_layout_from_target(
    struct ps_prochandle *P, uint64_t runtime, uint32_t *version, struct py_layout *out, struct fault *f)
{
	uint8_t offsets[OFFSETS_SIZE] = { 0 };
	uint8_t word = py_layout_word(P);
	struct py_layout l = { .word = word,
		.size_width = word,
		.str_flag = 28,
		.marking = PY_MARK_ENTRY,
		.lines = PY_LINES_LOCATIONS };
	ssize_t got = Pread(P, offsets, sizeof(offsets), (uintptr_t)runtime);
	uint64_t hex;

	if (got < OFFSETS_SIZE_313)
		return RES_NONE;
	if (!py_layout_is_cookie(offsets))
		return RES_NONE;
	hex = offset_at(offsets, 8);
	if (hex > UINT32_MAX || hex < PY_HEX(3, 13))
		return fault_set(f, 0, 0, runtime + 8,
		    "the interpreter publishes no sensible version (%#llx)", (unsigned long long)hex);
	if (hex >= PY_HEX(3, 14) && got < OFFSETS_SIZE)
		return fault_set(f, 0, 0, runtime, "the interpreter's offsets cannot be read completely");
	l.version = (uint32_t)hex & PY_MINOR_MASK;
	l.source = "_Py_DebugOffsets of the target";
	l.free_threaded = offset_at(offsets, 16) != 0;
	l.tag_mask = l.version >= PY_HEX(3, 14) ? 3 : 0;
	/* Free-threaded builds have `interned` in a byte of its own from 3.14 on. */
	l.kind_shift = l.free_threaded && l.version >= PY_HEX(3, 14) ? 8 : 2;
	if (fill_fields(&l, offsets,
		hex < PY_HEX(3, 14)   ? 0
		: hex < PY_HEX(3, 15) ? 1
				      : 2,
		runtime, f) != RES_OK)
		return RES_FAIL;
	derive_fields(&l);
	if (!is_complete(&l) || !py_layout_finish(&l))
		return fault_set(f, 0, 0, runtime,
		    "the offsets that the interpreter publishes lack some member%s",
		    prerelease_note(offsets));
	*version = (uint32_t)hex;
	*out = l;
	return RES_OK;
}
