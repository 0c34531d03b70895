/* PRIVATE to lib/python: the layout of a CPython, as data.
 *
 *   ≤ 3.12   a const row of py_layout_table.c (py_layout_table32.c for i386); if the target
 *            contradicts it (py_layout_check.c), the debug information of the binary
 *            (py_layout_dwarf.c)
 *   3.13+    the offsets that the target publishes (py_layout_debug.c)
 *
 * To add a version below 3.13, add a row with its source; nothing else if its structures are of the
 * same family (enum py_marking, enum py_lines). To add a later one, add a column in
 * py_layout_debug.c.
 *
 * A field holds the offset plus one: PY_AT(0) is the start of the structure, 0 means that this
 * version has no such member. */
#ifndef PYTHON_PY_LAYOUT_H
#define PYTHON_PY_LAYOUT_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "dwarf/members.h"
#include "elf/image.h"
#include "python/python.h"

typedef uint32_t py_field;
#define PY_AT(offset) ((py_field)(offset) + 1)
#define PY_HEX(major, minor) ((uint32_t)(major) << 24 | (uint32_t)(minor) << 16)
#define PY_MINOR_MASK 0xffff0000u

/* Encoding of a version's line table. */
enum py_lines {
	PY_LINES_LNOTAB,     /* ≤ 3.9, signed line steps (3.6+) */
	PY_LINES_RANGES,     /* 3.10 */
	PY_LINES_LOCATIONS,  /* 3.11+ */
	PY_LINES_LNOTAB_OLD, /* ≤ 3.5, unsigned */
};

/* Objects that are names of code objects. */
enum py_texts {
	PY_TEXT_COMPACT, /* 3.3+: str of 1, 2 or 4 bytes a character (PEP 393) */
	PY_TEXT_UNICODE, /* 3.0 to 3.2: str of Py_UNICODE, which is 2 or 4 bytes by build */
	PY_TEXT_BYTES,   /* 2.x: str is a string of bytes */
};

struct py_layout {
	const char *source; /* of the numbers */
	uint32_t version;   /* major and minor, as in PY_VERSION_HEX */
	enum py_marking marking;
	enum py_lines lines;
	enum py_texts texts;
	uint8_t word;       /* bytes in a pointer of the target */
	uint8_t tag_mask;   /* low bits of an object reference in a frame that are a tag */
	uint8_t kind_shift; /* of `kind` in a string's state word; compact and ascii are 3 and 4 above it */
	uint8_t lasti_unit; /* bytes that f_lasti counts in (≤ 3.10) */
	uint8_t char_width; /* PY_TEXT_UNICODE: bytes in a Py_UNICODE */
	uint8_t size_width; /* bytes in ob_size: 4 in 2.4, else a word */
	uint8_t str_flag;   /* bit of tp_flags that every str type has; 0: none (≤ 2.5), its name decides */
	bool free_threaded;
	bool trace_lineno;    /* f_lineno is valid only if f_trace is set (≤ 3.9); else if it is not 0 */
	py_field code_inline; /* the bytecode inside the code object, 3.11+ */

	/* Groups have py_fields only: py_layout_finish treats them as arrays. */
	struct {
		py_field interpreters_head;
	} runtime;
	struct {
		py_field next, threads_head, id;
	} interp;
	struct {
		py_field next, interp, frame, cframe, root_cframe, base_frame, thread_id, native_id;
		py_field chunk, top; /* 3.11, 3.12: the newest piece of the data stack, its first free byte */
	} tstate;
	struct {
		py_field current_frame, previous;
	} cframe;
	struct { /* PyFrameObject up to 3.10, _PyInterpreterFrame from 3.11 */
		py_field previous, code, instr, owner, tlbc;
		py_field trace, lasti, lineno, state;
		py_field object; /* 3.11+: frame_obj */
		/* 3.9, 3.10: f_gen, and the end of a suspended frame's value stack (f_stacktop;
		 * f_valuestack and f_stackdepth, which is −1 while the loop runs the frame). */
		py_field generator, stack_top, values, depth;
	} frame;
	struct {
		py_field bytecode, filename, name, qualname, firstlineno, table, firsttraceable, tlbc;
	} code;
	struct {
		py_field type, size; /* ob_type, ob_size */
	} object;
	struct {
		py_field name, flags;
	} type;
	/* compact is also the place of the data pointer of a string that is not compact.
	 * PY_TEXT_UNICODE has length and wstr only; PY_TEXT_BYTES uses `bytes`. */
	struct {
		py_field length, state, ascii, compact, wstr, wstr_length;
	} str;
	struct {
		py_field size, data;
	} bytes;

	/* For names and states of threads (threads/). finalizing is of the runtime, as is gil, the
	 * GIL itself; gil_pointer and modules are of an interpreter. collecting is of the structure
	 * at gc of an interpreter, as is gc_frame; without gc, of the runtime. state is of a thread
	 * state of a free-threaded build, cached_keys of a heap type. */
	struct {
		py_field gil, finalizing, gil_pointer, modules, gc, collecting, gc_frame, state, cached_keys;
		py_field slots; /* 3.13+: of a frame: its variables, then its value stack */
	} more;

	/* Size of the part with all members of a group, in bytes. */
	uint32_t tstate_extent, frame_extent, code_extent, cframe_extent;
};

/* Limits of what one structure may span; PY_STRUCT_MAX is the size of read buffers. */
enum { PY_STRUCT_MAX = 2048 };

/* Compute the extents. False: a member lies beyond PY_STRUCT_MAX. */
bool py_layout_finish(struct py_layout *l);

/* Bytes in a pointer of P. */
uint8_t py_layout_word(struct ps_prochandle *P);

/* The row for a version below 3.13 with words of 8 or 4 bytes. RES_NONE: there is no row. */
enum res py_layout_of_version(uint32_t version, uint8_t word, struct py_layout *out);
/* The same for words of 4 (py_layout_table32.c), not finished; NULL: no row. */
const struct py_layout *py_layout_row32(uint32_t version);

/* True if this version has a static pointer to the first interpreter instead of _PyRuntime (≤ 3.6).
 * Its runtime is that pointer. */
bool py_layout_is_bare(const struct py_layout *l);

/* Fill in l->more for this version, with its patch level. */
void py_layout_add_more(struct py_layout *l, uint32_t version);

/* Turn *l into the layout with Py_TRACE_REFS (part of Py_DEBUG up to 3.7): two pointers in front of
 * every object. */
void py_layout_add_refs(struct py_layout *l);

/* Size of the head of an object (PyObject), and of one of varying size (PyVarObject), in bytes. The
 * members of its type follow. */
static inline uint32_t py_head_size(const struct py_layout *l)
{
	return l->object.type - 1 + l->word;
}
static inline uint32_t py_var_head_size(const struct py_layout *l)
{
	return py_head_size(l) + l->word;
}

enum { PY_COOKIE_SIZE = 8 };
/* True if these are the first bytes of a published structure of offsets. */
bool py_layout_is_cookie(const uint8_t bytes[PY_COOKIE_SIZE]);

/* The layout that the runtime at `runtime` publishes (3.13+). Each offset is checked against a
 * limit. RES_NONE: it publishes none. RES_FAIL: unreadable or not plausible; f says why. */
enum res py_layout_from_target(
    struct ps_prochandle *P, uint64_t runtime, uint32_t *version, struct py_layout *out, struct fault *f);

/* How the target's memory contradicts layout l of the interpreter in the binary at path `object`,
 * whose runtime is at `runtime` and has passed py_runtime_validate: a constant phrase, or NULL.
 * by_table: l is of the table, whose versions have objects of known sizes. About twenty short
 * reads. */
const char *py_layout_check(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t runtime, const char *object, bool by_table);

/* The layout by the debug information in `debug`, for a CPython below 3.13. row: its row in the
 * table (without traced references), for what debug information does not say. hints: as for
 * dwarf_members. RES_NONE: none of the members is there. RES_FAIL: the debug information is
 * damaged, contradicts itself or is incomplete; f says which. */
enum res py_layout_of_debug(struct elf_image *debug, struct dwarf_hints hints, const struct py_layout *row,
    struct py_layout *out, struct fault *f);

/* The same for the binary at path `object`, mapped at addr in P: from its file, or its separate
 * debug file. Takes from one to some hundred milliseconds: the caller must not have stopped the
 * target. RES_FAIL as above, without the reason. */
enum res py_layout_from_debug(struct ps_prochandle *P, const char *object, uint64_t addr,
    const struct py_layout *row, struct py_layout *out);

#endif
