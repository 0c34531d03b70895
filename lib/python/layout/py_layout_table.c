/* The layouts of CPython 2.4 to 3.12, one row each.
 *
 * Offsets in bytes on LP64. They were taken from the DWARF of builds of each version, or from its
 * compiled headers, and hold for all its patch levels. A debug build (Py_DEBUG) moves them only by
 * Py_TRACE_REFS, which it implies up to 3.7: py_layout_add_refs. 3.7.4 moved members of _PyRuntime,
 * but none that is used here. Words of 4: py_layout_table32.c. */
#include "os/regs.h"
#include "python/layout/py_layout.h"

#include <string.h>

#define OBJECT_HEAD .object = { .type = PY_AT(8), .size = PY_AT(16) }
#define TYPE_MEMBERS .type = { .name = PY_AT(24), .flags = PY_AT(168) }
#define BYTES_OBJECT .bytes = { .size = PY_AT(16), .data = PY_AT(32) }
/* PyASCIIObject ends with wstr, PyCompactUnicodeObject with wstr_length: both gone in 3.12. */
#define STR_WITH_WSTR                 \
	.str = { .length = PY_AT(16), \
		.state = PY_AT(32),   \
		.ascii = PY_AT(48),   \
		.compact = PY_AT(72), \
		.wstr = PY_AT(40),    \
		.wstr_length = PY_AT(64) }
#define COMMON \
	.word = 8, .size_width = 8, .kind_shift = 2, .str_flag = 28, OBJECT_HEAD, TYPE_MEMBERS, BYTES_OBJECT

/* Up to 3.10 an activation runs one frame; up to 3.9 with these line tables. */
#define CLASSIC .marking = PY_MARK_NONE, .lasti_unit = 1, .trace_lineno = true, .word = 8, OBJECT_HEAD
/* str of 2.x: a hash and a state are in front of the bytes. */
#define STR_2 .texts = PY_TEXT_BYTES, .bytes = { .size = PY_AT(16), .data = PY_AT(36) }
#define UNICODE_30 .texts = PY_TEXT_UNICODE, .str = { .length = PY_AT(16), .wstr = PY_AT(24) }

/* interp_head is a pointer of its own. */
#define BARE_RUNTIME \
	.runtime = { .interpreters_head = PY_AT(0) }, .interp = { .next = PY_AT(0), .threads_head = PY_AT(8) }
#define TSTATE_24 \
	.tstate = { .next = PY_AT(0), .interp = PY_AT(8), .frame = PY_AT(16), .thread_id = PY_AT(144) }
#define TSTATE_34 \
	.tstate = { .next = PY_AT(8), .interp = PY_AT(16), .frame = PY_AT(24), .thread_id = PY_AT(152) }
#define FRAME_24                          \
	.frame = { .previous = PY_AT(24), \
		.code = PY_AT(32),        \
		.trace = PY_AT(80),       \
		.lasti = PY_AT(120),      \
		.lineno = PY_AT(124) }
#define FRAME_34                          \
	.frame = { .previous = PY_AT(24), \
		.code = PY_AT(32),        \
		.trace = PY_AT(80),       \
		.lasti = PY_AT(120),      \
		.lineno = PY_AT(124),     \
		.state = PY_AT(132) }
#define CODE_OBJECT(code_, file_, first_, table_) \
	.code = { .bytecode = PY_AT(code_),       \
		.filename = PY_AT(file_),         \
		.name = PY_AT((file_) + 8),       \
		.firstlineno = PY_AT(first_),     \
		.table = PY_AT(table_) }
#define CODE_24 CODE_OBJECT(32, 80, 96, 104)
#define CODE_30 CODE_OBJECT(40, 88, 104, 112)
#define CODE_33 CODE_OBJECT(40, 96, 112, 120)
#define CODE_36 CODE_OBJECT(40, 96, 36, 112)

#define HEADERS_OLD "Include/{pystate,frameobject,code,stringobject,object}.h, Python/pystate.c"
#define HEADERS_3 "Include/{pystate,frameobject,code,unicodeobject,object}.h, Python/pystate.c"

#define ROW_26(minor_)                                                                                \
	{                                                                                             \
		.version = PY_HEX(2, minor_), .source = "2." #minor_ ": " HEADERS_OLD,                \
		.lines = PY_LINES_LNOTAB_OLD, CLASSIC, TYPE_MEMBERS, STR_2,                           \
		.str_flag = (minor_) >= 6 ? STR_FLAG_2 : 0, .size_width = 8, BARE_RUNTIME, TSTATE_24, \
		FRAME_24, CODE_24,                                                                    \
	}
#define ROW_30(minor_)                                                                         \
	{                                                                                      \
		.version = PY_HEX(3, minor_), .source = "3." #minor_ ": " HEADERS_3,           \
		.lines = PY_LINES_LNOTAB_OLD, CLASSIC, TYPE_MEMBERS, BYTES_OBJECT, UNICODE_30, \
		.str_flag = 28, .size_width = 8, BARE_RUNTIME, TSTATE_24, FRAME_24, CODE_30,   \
	}
#define ROW_33(minor_, lines_, tstate_, frame_, code_)                                                   \
	{                                                                                                \
		.version = PY_HEX(3, minor_), .source = "3." #minor_ ": " HEADERS_3,                     \
		.marking = PY_MARK_NONE, .lines = lines_, .lasti_unit = 1, .trace_lineno = true, COMMON, \
		STR_WITH_WSTR, BARE_RUNTIME, tstate_, frame_, code_,                                     \
	}

/* Py_TPFLAGS_STRING_SUBCLASS; like Py_TPFLAGS_UNICODE_SUBCLASS (28) from 2.6 on
 * (Include/object.h). */
enum { STR_FLAG_2 = 27 };

#define FRAME_38                          \
	.frame = { .previous = PY_AT(24), \
		.code = PY_AT(32),        \
		.trace = PY_AT(80),       \
		.lasti = PY_AT(104),      \
		.lineno = PY_AT(108),     \
		.state = PY_AT(116) }
#define FRAME_39                          \
	.frame = { .previous = PY_AT(24), \
		.code = PY_AT(32),        \
		.trace = PY_AT(80),       \
		.lasti = PY_AT(104),      \
		.lineno = PY_AT(108),     \
		.state = PY_AT(116),      \
		.generator = PY_AT(96),   \
		.stack_top = PY_AT(72) }
#define CODE_38                           \
	.code = { .bytecode = PY_AT(48),  \
		.filename = PY_AT(104),   \
		.name = PY_AT(112),       \
		.firstlineno = PY_AT(40), \
		.table = PY_AT(120) }

static const struct py_layout layouts[] = {
	{
	    .version = PY_HEX(2, 4),
	    .source = "2.4: " HEADERS_OLD,
	    .lines = PY_LINES_LNOTAB_OLD,
	    CLASSIC,
	    .type = { .name = PY_AT(24), .flags = PY_AT(160) },
	    STR_2,
	    .size_width = 4,
	    BARE_RUNTIME,
	    TSTATE_24,
	    FRAME_24,
	    CODE_24,
	},
	ROW_26(5),
	ROW_26(6),
	ROW_26(7),
	ROW_30(0),
	ROW_30(1),
	ROW_30(2),
	ROW_33(3, PY_LINES_LNOTAB_OLD, TSTATE_24, FRAME_24, CODE_33),
	ROW_33(4, PY_LINES_LNOTAB_OLD, TSTATE_34, FRAME_34, CODE_33),
	ROW_33(5, PY_LINES_LNOTAB_OLD, TSTATE_34, FRAME_34, CODE_33),
	ROW_33(6, PY_LINES_LNOTAB, TSTATE_34, FRAME_34, CODE_36),
	{
	    .version = PY_HEX(3, 7),
	    .source = "3.7: Include/internal/pystate.h, Include/{pystate,frameobject,code}.h",
	    .marking = PY_MARK_NONE,
	    .lines = PY_LINES_LNOTAB,
	    .lasti_unit = 1,
	    .trace_lineno = true,
	    COMMON,
	    STR_WITH_WSTR,
	    .runtime = { .interpreters_head = PY_AT(24) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(8), .id = PY_AT(16) },
	    .tstate = { .next = PY_AT(8), .interp = PY_AT(16), .frame = PY_AT(24), .thread_id = PY_AT(176) },
	    FRAME_38,
	    CODE_36,
	},
	{
	    .version = PY_HEX(3, 8),
	    .source = "3.8: Include/internal/pycore_pystate.h, Include/frameobject.h, Include/code.h",
	    .marking = PY_MARK_NONE,
	    .lines = PY_LINES_LNOTAB,
	    .lasti_unit = 1,
	    .trace_lineno = true,
	    COMMON,
	    STR_WITH_WSTR,
	    .runtime = { .interpreters_head = PY_AT(32) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(8), .id = PY_AT(16) },
	    .tstate = { .next = PY_AT(8), .interp = PY_AT(16), .frame = PY_AT(24), .thread_id = PY_AT(176) },
	    FRAME_38,
	    CODE_38,
	},
	{
	    .version = PY_HEX(3, 9),
	    .source = "3.9: Include/internal/pycore_interp.h, Include/cpython/{frameobject,code}.h",
	    .marking = PY_MARK_NONE,
	    .lines = PY_LINES_LNOTAB,
	    .lasti_unit = 1,
	    .trace_lineno = true,
	    COMMON,
	    STR_WITH_WSTR,
	    .runtime = { .interpreters_head = PY_AT(32) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(8), .id = PY_AT(24) },
	    .tstate = { .next = PY_AT(8), .interp = PY_AT(16), .frame = PY_AT(24), .thread_id = PY_AT(176) },
	    FRAME_39,
	    CODE_38,
	},
	{
	    .version = PY_HEX(3, 10),
	    .source = "3.10: Include/cpython/{pystate,frameobject,code}.h, pycore_interp.h",
	    .marking = PY_MARK_NONE,
	    .lines = PY_LINES_RANGES,
	    .lasti_unit = 2,
	    COMMON,
	    STR_WITH_WSTR,
	    .runtime = { .interpreters_head = PY_AT(32) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(8), .id = PY_AT(24) },
	    .tstate = { .next = PY_AT(8),
		.interp = PY_AT(16),
		.frame = PY_AT(24),
		.cframe = PY_AT(48),
		.root_cframe = PY_AT(264),
		.thread_id = PY_AT(176) },
	    .cframe = { .previous = PY_AT(8) },
	    .frame = { .previous = PY_AT(24),
		.code = PY_AT(32),
		.trace = PY_AT(72),
		.lasti = PY_AT(96),
		.lineno = PY_AT(100),
		.state = PY_AT(108),
		.generator = PY_AT(88),
		.values = PY_AT(64),
		.depth = PY_AT(80) },
	    CODE_38,
	},
	{
	    .version = PY_HEX(3, 11),
	    .source = "3.11: Include/cpython/{pystate,code}.h, pycore_{interp,frame,runtime}.h",
	    .marking = PY_MARK_CFRAME,
	    .lines = PY_LINES_LOCATIONS,
	    COMMON,
	    STR_WITH_WSTR,
	    .runtime = { .interpreters_head = PY_AT(40) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(16), .id = PY_AT(48) },
	    .tstate = { .next = PY_AT(8),
		.interp = PY_AT(16),
		.cframe = PY_AT(56),
		.root_cframe = PY_AT(336),
		.thread_id = PY_AT(152),
		.native_id = PY_AT(160),
		.chunk = PY_AT(296),
		.top = PY_AT(304) },
	    .cframe = { .current_frame = PY_AT(8), .previous = PY_AT(16) },
	    .frame = { .previous = PY_AT(48),
		.code = PY_AT(32),
		.instr = PY_AT(56),
		.owner = PY_AT(69),
		.object = PY_AT(40) },
	    .code = { .filename = PY_AT(112),
		.name = PY_AT(120),
		.qualname = PY_AT(128),
		.firstlineno = PY_AT(72),
		.table = PY_AT(136),
		.firsttraceable = PY_AT(168) },
	    .code_inline = PY_AT(184),
	},
	{
	    .version = PY_HEX(3, 12),
	    .source = "3.12: Include/cpython/{pystate,code}.h, pycore_{interp,frame,runtime}.h",
	    .marking = PY_MARK_ENTRY,
	    .lines = PY_LINES_LOCATIONS,
	    COMMON,
	    .str = { .length = PY_AT(16), .state = PY_AT(32), .ascii = PY_AT(40), .compact = PY_AT(56) },
	    .runtime = { .interpreters_head = PY_AT(40) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(72), .id = PY_AT(8) },
	    .tstate = { .next = PY_AT(8),
		.interp = PY_AT(16),
		.cframe = PY_AT(56),
		.thread_id = PY_AT(136),
		.native_id = PY_AT(144),
		.chunk = PY_AT(232),
		.top = PY_AT(240) },
	    .cframe = { .current_frame = PY_AT(0), .previous = PY_AT(8) },
	    .frame = { .previous = PY_AT(8),
		.code = PY_AT(0),
		.instr = PY_AT(56),
		.owner = PY_AT(70),
		.object = PY_AT(48) },
	    .code = { .filename = PY_AT(112),
		.name = PY_AT(120),
		.qualname = PY_AT(128),
		.firstlineno = PY_AT(68),
		.table = PY_AT(136),
		.firsttraceable = PY_AT(176) },
	    .code_inline = PY_AT(192),
	},
};

/* Bytes up to the end of the last member of a group of `size` bytes; 0 if it has none. */
static uint32_t group_extent(const void *group, size_t size, uint8_t word)
{
	uint32_t furthest = 0;

	for (size_t i = 0; i + sizeof(py_field) <= size; i += sizeof(py_field)) {
		py_field field;

		memcpy(&field, (const uint8_t *)group + i, sizeof(field));
		if (field > furthest)
			furthest = field;
	}
	return furthest == 0 ? 0 : furthest - 1 + word;
}

bool py_layout_finish(struct py_layout *l)
{
	l->tstate_extent = group_extent(&l->tstate, sizeof(l->tstate), l->word);
	l->frame_extent = group_extent(&l->frame, sizeof(l->frame), l->word);
	l->code_extent = group_extent(&l->code, sizeof(l->code), l->word);
	l->cframe_extent = group_extent(&l->cframe, sizeof(l->cframe), l->word);
	return l->tstate_extent <= PY_STRUCT_MAX && l->frame_extent <= PY_STRUCT_MAX &&
	       l->code_extent <= PY_STRUCT_MAX && l->cframe_extent <= PY_STRUCT_MAX;
}

uint8_t py_layout_word(struct ps_prochandle *P)
{
	return os_arch(P)->pointer_size;
}

enum res py_layout_of_version(uint32_t version, uint8_t word, struct py_layout *out)
{
	const struct py_layout *small = word == 4 ? py_layout_row32(version) : NULL;

	if (small != NULL) {
		*out = *small;
		py_layout_add_more(out, version);
	}
	if (word == 4)
		return small != NULL && py_layout_finish(out) ? RES_OK : RES_NONE;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (layouts[i].version == (version & PY_MINOR_MASK)) {
			*out = layouts[i];
			py_layout_add_more(out, version);
			return py_layout_finish(out) ? RES_OK : RES_NONE;
		}
	}
	return RES_NONE;
}

bool py_layout_is_bare(const struct py_layout *l)
{
	return l->version < PY_HEX(3, 7);
}

static void group_move(void *group, size_t size, uint32_t by)
{
	for (size_t i = 0; i + sizeof(py_field) <= size; i += sizeof(py_field)) {
		py_field field;

		memcpy(&field, (uint8_t *)group + i, sizeof(field));
		if (field != 0)
			field += by;
		memcpy((uint8_t *)group + i, &field, sizeof(field));
	}
}

void py_layout_add_refs(struct py_layout *l)
{
	uint32_t by = 2U * l->word;

	if (l->code_inline == 0)
		group_move(&l->frame, sizeof(l->frame), by); /* from 3.11 on it is not an object */
	group_move(&l->code_inline, sizeof(l->code_inline), by);
	group_move(&l->code, sizeof(l->code), by);
	group_move(&l->object, sizeof(l->object), by);
	group_move(&l->type, sizeof(l->type), by);
	group_move(&l->str, sizeof(l->str), by);
	group_move(&l->bytes, sizeof(l->bytes), by);
	group_move(&l->more.cached_keys, sizeof(l->more.cached_keys), by);
	(void)py_layout_finish(l);
}
