/* The layouts of CPython 2.4 to 3.12 on i386, one row each.
 *
 * Offsets in bytes with words of 4. Those of 2.7 and 3.6 to 3.12 are from the headers of these
 * versions, compiled with gcc -m32. The others follow from the order of members, which is that of
 * the rows for words of 8 (py_layout_table.c names the headers), and from the published offsets of
 * 2.5, 3.0 and 3.3 to 3.5. An int64_t has 8 bytes here too, aligned to 4. */
#include "python/layout/py_layout.h"

#define SMALL .word = 4, .size_width = 4
#define OBJECTS \
	.object = { .type = PY_AT(4), .size = PY_AT(8) }, .type = { .name = PY_AT(12), .flags = PY_AT(84) }
#define BYTES_OBJECT .bytes = { .size = PY_AT(8), .data = PY_AT(16) }
#define STR_WITH_WSTR                 \
	.str = { .length = PY_AT(8),  \
		.state = PY_AT(16),   \
		.ascii = PY_AT(24),   \
		.compact = PY_AT(36), \
		.wstr = PY_AT(20),    \
		.wstr_length = PY_AT(32) }
#define COMMON SMALL, .kind_shift = 2, .str_flag = 28, OBJECTS, BYTES_OBJECT
#define CLASSIC .marking = PY_MARK_NONE, .lasti_unit = 1, .trace_lineno = true
#define BARE_RUNTIME \
	.runtime = { .interpreters_head = PY_AT(0) }, .interp = { .next = PY_AT(0), .threads_head = PY_AT(4) }

#define TSTATE_24(id_) \
	.tstate = { .next = PY_AT(0), .interp = PY_AT(4), .frame = PY_AT(8), .thread_id = PY_AT(id_) }
#define TSTATE_34(id_) \
	.tstate = { .next = PY_AT(4), .interp = PY_AT(8), .frame = PY_AT(12), .thread_id = PY_AT(id_) }
#define FRAME_OBJECT(trace_, lasti_, state_, ...) \
	.frame = { .previous = PY_AT(12),         \
		.code = PY_AT(16),                \
		.trace = PY_AT(trace_),           \
		.lasti = PY_AT(lasti_),           \
		.lineno = PY_AT((lasti_) + 4),    \
		.state = state_,                  \
		__VA_ARGS__ }
#define FRAME_24 FRAME_OBJECT(40, 60, 0, )
#define FRAME_34 FRAME_OBJECT(40, 60, PY_AT(72), )
#define FRAME_37 FRAME_OBJECT(40, 52, PY_AT(64), )
#define FRAME_39 FRAME_OBJECT(40, 52, PY_AT(64), .generator = PY_AT(48), .stack_top = PY_AT(36))
#define FRAME_310 \
	FRAME_OBJECT(36, 52, PY_AT(64), .generator = PY_AT(48), .values = PY_AT(32), .depth = PY_AT(40))
#define CODE_OBJECT(code_, file_, first_, table_) \
	.code = { .bytecode = PY_AT(code_),       \
		.filename = PY_AT(file_),         \
		.name = PY_AT((file_) + 4),       \
		.firstlineno = PY_AT(first_),     \
		.table = PY_AT(table_) }
#define CODE_24 CODE_OBJECT(24, 48, 56, 60)
#define CODE_30 CODE_OBJECT(28, 52, 60, 64)
#define CODE_33 CODE_OBJECT(28, 56, 64, 68)
#define CODE_36 CODE_OBJECT(32, 60, 28, 68)
#define CODE_38 CODE_OBJECT(36, 64, 32, 72)
#define CODE_311(first_, traceable_)          \
	.code = { .filename = PY_AT(80),      \
		.name = PY_AT(84),            \
		.qualname = PY_AT(88),        \
		.firstlineno = PY_AT(first_), \
		.table = PY_AT(92),           \
		.firsttraceable = PY_AT(traceable_) }

/* Py_TPFLAGS_STRING_SUBCLASS: 27, from 2.6 on. */
#define ROW_24(minor_, flag_)                                                                      \
	{                                                                                          \
		.version = PY_HEX(2, minor_), .source = "2." #minor_ " with words of 4",           \
		.lines = PY_LINES_LNOTAB_OLD, CLASSIC, SMALL, OBJECTS, .texts = PY_TEXT_BYTES,     \
		.bytes = { .size = PY_AT(8), .data = PY_AT(20) }, .str_flag = flag_, BARE_RUNTIME, \
		TSTATE_24(80), FRAME_24, CODE_24,                                                  \
	}
#define ROW_30(minor_)                                                                                    \
	{                                                                                                 \
		.version = PY_HEX(3, minor_), .source = "3." #minor_ " with words of 4",                  \
		.lines = PY_LINES_LNOTAB_OLD, CLASSIC, SMALL, OBJECTS, BYTES_OBJECT, .str_flag = 28,      \
		.texts = PY_TEXT_UNICODE, .str = { .length = PY_AT(8), .wstr = PY_AT(12) }, BARE_RUNTIME, \
		TSTATE_24(84), FRAME_24, CODE_30,                                                         \
	}
#define ROW_33(minor_, lines_, tstate_, frame_, code_)                                                    \
	{                                                                                                 \
		.version = PY_HEX(3, minor_), .source = "3." #minor_ " with words of 4", .lines = lines_, \
		CLASSIC, COMMON, STR_WITH_WSTR, BARE_RUNTIME, tstate_(84), frame_, code_,                 \
	}
#define ROW_37(minor_, head_, id_, frame_, code_)                                                          \
	{                                                                                                  \
		.version = PY_HEX(3, minor_), .source = "3." #minor_ " with words of 4",                   \
		.lines = PY_LINES_LNOTAB, CLASSIC, COMMON, STR_WITH_WSTR,                                  \
		.runtime = { .interpreters_head = PY_AT(head_) },                                          \
		.interp = { .next = PY_AT(0), .threads_head = PY_AT(4), .id = PY_AT(id_) }, TSTATE_34(96), \
		frame_, code_,                                                                             \
	}

static const struct py_layout layouts[] = {
	ROW_24(4, 0),
	ROW_24(5, 0),
	ROW_24(6, 27),
	ROW_24(7, 27),
	ROW_30(0),
	ROW_30(1),
	ROW_30(2),
	ROW_33(3, PY_LINES_LNOTAB_OLD, TSTATE_24, FRAME_24, CODE_33),
	ROW_33(4, PY_LINES_LNOTAB_OLD, TSTATE_34, FRAME_34, CODE_33),
	ROW_33(5, PY_LINES_LNOTAB_OLD, TSTATE_34, FRAME_34, CODE_33),
	ROW_33(6, PY_LINES_LNOTAB, TSTATE_34, FRAME_34, CODE_36),
	ROW_37(7, 16, 8, FRAME_37, CODE_36),
	ROW_37(8, 24, 8, FRAME_37, CODE_38),
	ROW_37(9, 24, 12, FRAME_39, CODE_38),
	{
	    .version = PY_HEX(3, 10),
	    .source = "3.10 with words of 4",
	    .marking = PY_MARK_NONE,
	    .lines = PY_LINES_RANGES,
	    .lasti_unit = 2,
	    COMMON,
	    STR_WITH_WSTR,
	    .runtime = { .interpreters_head = PY_AT(24) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(4), .id = PY_AT(12) },
	    .tstate = { .next = PY_AT(4),
		.interp = PY_AT(8),
		.frame = PY_AT(12),
		.cframe = PY_AT(32),
		.root_cframe = PY_AT(148),
		.thread_id = PY_AT(96) },
	    .cframe = { .previous = PY_AT(4) },
	    FRAME_310,
	    CODE_38,
	},
	{
	    .version = PY_HEX(3, 11),
	    .source = "3.11 with words of 4",
	    .marking = PY_MARK_CFRAME,
	    .lines = PY_LINES_LOCATIONS,
	    COMMON,
	    STR_WITH_WSTR,
	    .runtime = { .interpreters_head = PY_AT(28) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(12), .id = PY_AT(28) },
	    .tstate = { .next = PY_AT(4),
		.interp = PY_AT(8),
		.cframe = PY_AT(40),
		.root_cframe = PY_AT(192),
		.thread_id = PY_AT(88),
		.native_id = PY_AT(92),
		.chunk = PY_AT(172),
		.top = PY_AT(176) },
	    .cframe = { .current_frame = PY_AT(4), .previous = PY_AT(8) },
	    .frame = { .previous = PY_AT(24),
		.code = PY_AT(16),
		.instr = PY_AT(28),
		.owner = PY_AT(37),
		.object = PY_AT(20) },
	    CODE_311(48, 108),
	    .code_inline = PY_AT(116),
	},
	{
	    .version = PY_HEX(3, 12),
	    .source = "3.12 with words of 4",
	    .marking = PY_MARK_ENTRY,
	    .lines = PY_LINES_LOCATIONS,
	    COMMON,
	    .str = { .length = PY_AT(8), .state = PY_AT(16), .ascii = PY_AT(20), .compact = PY_AT(28) },
	    .runtime = { .interpreters_head = PY_AT(28) },
	    .interp = { .next = PY_AT(0), .threads_head = PY_AT(60), .id = PY_AT(4) },
	    .tstate = { .next = PY_AT(4),
		.interp = PY_AT(8),
		.cframe = PY_AT(40),
		.thread_id = PY_AT(80),
		.native_id = PY_AT(84),
		.chunk = PY_AT(136),
		.top = PY_AT(140) },
	    .cframe = { .current_frame = PY_AT(0), .previous = PY_AT(4) },
	    .frame = { .previous = PY_AT(4),
		.code = PY_AT(0),
		.instr = PY_AT(28),
		.owner = PY_AT(38),
		.object = PY_AT(24) },
	    CODE_311(44, 116),
	    .code_inline = PY_AT(124),
	},
};

const struct py_layout *py_layout_row32(uint32_t version)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (layouts[i].version == (version & PY_MINOR_MASK))
			return &layouts[i];
	}
	return NULL;
}
