/* The memory of a made-up CPython, built member by member from the published layouts.
 *
 * The numbers here are written down a second time on purpose: they check the tables of lib/python,
 * so they are not taken from them. Sources as in lib/python/layout/py_layout_table.c and
 * py_layout_debug.c. */
#ifndef UNIT_PYTHON_PY_IMAGE_H
#define UNIT_PYTHON_PY_IMAGE_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fake_process.h"

enum { NOT = -1, IMAGE_BASE = 0x10000000, IMAGE_MODULE = 1 << 16 };

struct spec {
	const char *what;
	uint64_t hex;
	int head, next, threads, id;                          /* runtime, interpreter */
	int ts_next, ts_interp, ts_frame, ts_cframe, ts_root; /* thread state */
	int ts_base, ts_tid, ts_native;
	int cf_frame, cf_prev;
	int f_prev, f_code, f_instr, f_owner, f_tlbc, f_lasti, f_lineno, f_state, f_trace;
	int c_bytes, c_start, c_file, c_name, c_qual, c_first, c_table, c_trace, c_tlbc;
	int type, size, tp_name, tp_flags;
	int s_len, s_state, s_ascii, s_compact, s_shift, b_data;
	int free_threaded;
	int text;     /* type of names */
	int is_32bit; /* words of 4 bytes */
};

enum { TEXT_COMPACT, TEXT_BYTES, TEXT_UCS2, TEXT_UCS4 };

#define OBJECTS_24 8, 16, 24, 160, NOT, NOT, NOT, NOT, 0, 36, 0, TEXT_BYTES, 0
#define OBJECTS_25 8, 16, 24, 168, NOT, NOT, NOT, NOT, 0, 36, 0, TEXT_BYTES, 0
#define OBJECTS_30(text) 8, 16, 24, 168, 16, NOT, NOT, 24, 0, 32, 0, text, 0
#define OBJECTS_38 8, 16, 24, 168, 16, 32, 48, 72, 2, 32, 0, TEXT_COMPACT, 0
#define OBJECTS_312 8, 16, 24, 168, 16, 32, 40, 56, 2, 32, 0, TEXT_COMPACT, 0
#define OBJECTS_FT13 24, 32, 40, 184, 32, 48, 56, 72, 2, 48, 1, TEXT_COMPACT, 0
#define OBJECTS_FT14 24, 32, 40, 184, 32, 48, 56, 72, 8, 48, 1, TEXT_COMPACT, 0
/* Two pointers more in every head: Py_DEBUG up to 3.7, later Py_TRACE_REFS alone. */
#define OBJECTS_26D 24, 32, 40, 184, NOT, NOT, NOT, NOT, 0, 52, 0, TEXT_BYTES, 0
#define OBJECTS_31D 24, 32, 40, 184, 32, NOT, NOT, 40, 0, 48, 0, TEXT_UCS2, 0
#define OBJECTS_35D 24, 32, 40, 184, 32, 48, 64, 88, 2, 48, 0, TEXT_COMPACT, 0
#define OBJECTS_312R 24, 32, 40, 184, 32, 48, 56, 72, 2, 48, 0, TEXT_COMPACT, 0
/* Interpreters of 2.4 to 3.6 have no number, and the "runtime" is the pointer to the first. */
#define STATE_24 0, 0, 8, NOT, 0, 8, 16, NOT, NOT, NOT, 144, NOT, NOT, NOT
#define STATE_34 0, 0, 8, NOT, 8, 16, 24, NOT, NOT, NOT, 152, NOT, NOT, NOT
#define STATE_37 24, 0, 8, 16, 8, 16, 24, NOT, NOT, NOT, 176, NOT, NOT, NOT
#define FRAME_24 24, 32, NOT, NOT, NOT, 120, 124, NOT, 80
#define FRAME_34 24, 32, NOT, NOT, NOT, 120, 124, 132, 80
#define CODE_24 32, NOT, 80, 88, NOT, 96, 104, NOT, NOT
#define CODE_30 40, NOT, 88, 96, NOT, 104, 112, NOT, NOT
#define CODE_33 40, NOT, 96, 104, NOT, 112, 120, NOT, NOT
#define CODE_36 40, NOT, 96, 104, NOT, 36, 112, NOT, NOT
#define FRAME_26D 40, 48, NOT, NOT, NOT, 136, 140, NOT, 96
#define FRAME_35D 40, 48, NOT, NOT, NOT, 136, 140, 148, 96
#define FRAME_37D 40, 48, NOT, NOT, NOT, 120, 124, 132, 96
#define CODE_26D 48, NOT, 96, 104, NOT, 112, 120, NOT, NOT
#define CODE_31D 56, NOT, 104, 112, NOT, 120, 128, NOT, NOT
#define CODE_35D 56, NOT, 112, 120, NOT, 128, 136, NOT, NOT
#define CODE_37D 56, NOT, 112, 120, NOT, 52, 128, NOT, NOT
#define FRAME_38 24, 32, NOT, NOT, NOT, 104, 108, 116, 80
#define CODE_38 48, NOT, 104, 112, NOT, 40, 120, NOT, NOT

/* The same on i386. */
#define SOBJECTS_2 4, 8, 12, 84, NOT, NOT, NOT, NOT, 0, 20, 0, TEXT_BYTES, 1
#define SOBJECTS_30(text) 4, 8, 12, 84, 8, NOT, NOT, 12, 0, 16, 0, text, 1
#define SOBJECTS_33 4, 8, 12, 84, 8, 16, 24, 36, 2, 16, 0, TEXT_COMPACT, 1
#define SOBJECTS_312 4, 8, 12, 84, 8, 16, 20, 28, 2, 16, 0, TEXT_COMPACT, 1
#define SMALL_24(id) 0, 0, 4, NOT, 0, 4, 8, NOT, NOT, NOT, id, NOT, NOT, NOT
#define SMALL_34 0, 0, 4, NOT, 4, 8, 12, NOT, NOT, NOT, 84, NOT, NOT, NOT
#define SMALL_37(head, number) head, 0, 4, number, 4, 8, 12, NOT, NOT, NOT, 96, NOT, NOT, NOT
#define SFRAME_24 12, 16, NOT, NOT, NOT, 60, 64, NOT, 40
#define SFRAME_34 12, 16, NOT, NOT, NOT, 60, 64, 72, 40
#define SFRAME_37 12, 16, NOT, NOT, NOT, 52, 56, 64, 40
#define SCODE_24 24, NOT, 48, 52, NOT, 56, 60, NOT, NOT
#define SCODE_30 28, NOT, 52, 56, NOT, 60, 64, NOT, NOT
#define SCODE_33 28, NOT, 56, 60, NOT, 64, 68, NOT, NOT
#define SCODE_36 32, NOT, 60, 64, NOT, 28, 68, NOT, NOT
#define SCODE_38 36, NOT, 64, 68, NOT, 32, 72, NOT, NOT

/* clang-format off */
static const struct spec specs[] = {
	{ "2.4", 0x020406f0, STATE_24, FRAME_24, CODE_24, OBJECTS_24 },
	{ "2.5", 0x020506f0, STATE_24, FRAME_24, CODE_24, OBJECTS_25 },
	{ "2.6", 0x020609f0, STATE_24, FRAME_24, CODE_24, OBJECTS_25 },
	{ "2.7", 0x020712f0, STATE_24, FRAME_24, CODE_24, OBJECTS_25 },
	{ "3.0", 0x030001f0, STATE_24, FRAME_24, CODE_30, OBJECTS_30(TEXT_UCS2) },
	{ "3.1", 0x030105f0, STATE_24, FRAME_24, CODE_30, OBJECTS_30(TEXT_UCS4) },
	{ "3.2", 0x030206f0, STATE_24, FRAME_24, CODE_30, OBJECTS_30(TEXT_UCS2) },
	{ "3.3", 0x030306f0, STATE_24, FRAME_24, CODE_33, OBJECTS_38 },
	{ "3.4", 0x03040af0, STATE_34, FRAME_34, CODE_33, OBJECTS_38 },
	{ "3.5", 0x030503f0, STATE_34, FRAME_34, CODE_33, OBJECTS_38 },
	{ "3.6", 0x03060ff0, STATE_34, FRAME_34, CODE_36, OBJECTS_38 },
	{ "3.7", 0x030710f0, STATE_37, FRAME_38, CODE_36, OBJECTS_38 },
	{ "3.8", 0x030812f0, 32, 0, 8, 16, 8, 16, 24, NOT, NOT, NOT, 176, NOT, NOT, NOT,
	  FRAME_38, CODE_38, OBJECTS_38 },
	{ "3.9", 0x030912f0, 32, 0, 8, 24, 8, 16, 24, NOT, NOT, NOT, 176, NOT, NOT, NOT,
	  FRAME_38, CODE_38, OBJECTS_38 },
	{ "3.10", 0x030a0df0, 32, 0, 8, 24, 8, 16, 24, 48, 264, NOT, 176, NOT, NOT, 8,
	  24, 32, NOT, NOT, NOT, 96, 100, 108, 72, CODE_38, OBJECTS_38 },
	{ "3.11", 0x030b07f0, 40, 0, 16, 48, 8, 16, NOT, 56, 336, NOT, 152, 160, 8, 16,
	  48, 32, 56, 69, NOT, NOT, NOT, NOT, NOT,
	  NOT, 184, 112, 120, 128, 72, 136, 168, NOT, OBJECTS_38 },
	{ "3.12", 0x030c01f0, 40, 0, 72, 8, 8, 16, NOT, 56, NOT, NOT, 136, 144, 0, 8,
	  8, 0, 56, 70, NOT, NOT, NOT, NOT, NOT,
	  NOT, 192, 112, 120, 128, 68, 136, 176, NOT, OBJECTS_312 },
	{ "3.13", 0x030d00f0, 632, 7264, 7344, 7272, 8, 16, 72, NOT, NOT, NOT, 152, 160, NOT, NOT,
	  8, 0, 56, 70, NOT, NOT, NOT, NOT, NOT,
	  NOT, 200, 112, 120, 128, 68, 136, 184, NOT, OBJECTS_312 },
	{ "3.14", 0x030e0af0, 808, 7272, 7344, 7280, 8, 16, 72, NOT, NOT, NOT, 152, 160, NOT, NOT,
	  8, 0, 56, 74, NOT, NOT, NOT, NOT, NOT,
	  NOT, 208, 112, 120, 128, 68, 136, 192, NOT, OBJECTS_312 },
	{ "3.15", 0x030f02f0, 936, 7264, 7336, 7272, 8, 16, 72, NOT, NOT, 80, 176, 184, NOT, NOT,
	  8, 0, 56, 74, NOT, NOT, NOT, NOT, NOT,
	  NOT, 208, 112, 120, 128, 68, 136, 192, NOT, OBJECTS_312 },
	{ "3.13t", 0x030d07f0, 632, 7264, 7344, 7272, 8, 16, 72, NOT, NOT, NOT, 152, 160, NOT, NOT,
	  8, 0, 56, 70, NOT, NOT, NOT, NOT, NOT,
	  NOT, 216, 128, 136, 144, 84, 152, 200, NOT, OBJECTS_FT13 },
	{ "3.14t", 0x030e04f0, 808, 7272, 7344, 7280, 8, 16, 72, NOT, NOT, NOT, 152, 160, NOT, NOT,
	  8, 0, 56, 78, 72, NOT, NOT, NOT, NOT,
	  NOT, 232, 128, 136, 144, 84, 152, 208, 224, OBJECTS_FT14 },
	{ "2.6d", 0x020609f0, STATE_24, FRAME_26D, CODE_26D, OBJECTS_26D },
	{ "3.1d", 0x030105f0, STATE_24, FRAME_26D, CODE_31D, OBJECTS_31D },
	{ "3.5d", 0x030503f0, STATE_34, FRAME_35D, CODE_35D, OBJECTS_35D },
	{ "3.7d", 0x030710f0, STATE_37, FRAME_37D, CODE_37D, OBJECTS_35D },
	{ "3.12 with references traced", 0x030c01f0, 40, 0, 72, 8, 8, 16, NOT, 56, NOT, NOT, 136, 144, 0, 8,
	  8, 0, 56, 70, NOT, NOT, NOT, NOT, NOT,
	  NOT, 208, 128, 136, 144, 84, 152, 192, NOT, OBJECTS_312R },
	{ "i386 2.4", 0x020406f0, SMALL_24(80), SFRAME_24, SCODE_24, SOBJECTS_2 },
	{ "i386 2.5", 0x020506f0, SMALL_24(80), SFRAME_24, SCODE_24, SOBJECTS_2 },
	{ "i386 2.6", 0x020609f0, SMALL_24(80), SFRAME_24, SCODE_24, SOBJECTS_2 },
	{ "i386 2.7", 0x020712f0, SMALL_24(80), SFRAME_24, SCODE_24, SOBJECTS_2 },
	{ "i386 3.0", 0x030001f0, SMALL_24(84), SFRAME_24, SCODE_30, SOBJECTS_30(TEXT_UCS2) },
	{ "i386 3.1", 0x030105f0, SMALL_24(84), SFRAME_24, SCODE_30, SOBJECTS_30(TEXT_UCS4) },
	{ "i386 3.2", 0x030206f0, SMALL_24(84), SFRAME_24, SCODE_30, SOBJECTS_30(TEXT_UCS2) },
	{ "i386 3.3", 0x030306f0, SMALL_24(84), SFRAME_24, SCODE_33, SOBJECTS_33 },
	{ "i386 3.4", 0x03040af0, SMALL_34, SFRAME_34, SCODE_33, SOBJECTS_33 },
	{ "i386 3.5", 0x030503f0, SMALL_34, SFRAME_34, SCODE_33, SOBJECTS_33 },
	{ "i386 3.6", 0x03060ff0, SMALL_34, SFRAME_34, SCODE_36, SOBJECTS_33 },
	{ "i386 3.7", 0x030710f0, SMALL_37(16, 8), SFRAME_37, SCODE_36, SOBJECTS_33 },
	{ "i386 3.8", 0x030812f0, SMALL_37(24, 8), SFRAME_37, SCODE_38, SOBJECTS_33 },
	{ "i386 3.9", 0x030912f0, SMALL_37(24, 12), SFRAME_37, SCODE_38, SOBJECTS_33 },
	{ "i386 3.10", 0x030a0df0, 24, 0, 4, 12, 4, 8, 12, 32, 148, NOT, 96, NOT, NOT, 4,
	  12, 16, NOT, NOT, NOT, 52, 56, 64, 36, SCODE_38, SOBJECTS_33 },
	{ "i386 3.11", 0x030b07f0, 28, 0, 12, 28, 4, 8, NOT, 40, 192, NOT, 88, 92, 4, 8,
	  24, 16, 28, 37, NOT, NOT, NOT, NOT, NOT,
	  NOT, 116, 80, 84, 88, 48, 92, 108, NOT, SOBJECTS_33 },
	{ "i386 3.12", 0x030c01f0, 28, 0, 60, 4, 4, 8, NOT, 40, NOT, NOT, 80, 84, 0, 4,
	  4, 0, 28, 38, NOT, NOT, NOT, NOT, NOT,
	  NOT, 124, 80, 84, 88, 44, 92, 116, NOT, SOBJECTS_312 },
	{ "i386 3.13", 0x030d00f0, 616, 3644, 3700, 3648, 4, 8, 52, NOT, NOT, NOT, 92, 96, NOT, NOT,
	  4, 0, 28, 38, NOT, NOT, NOT, NOT, NOT,
	  NOT, 124, 80, 84, 88, 44, 92, 116, NOT, SOBJECTS_312 },
	{ "i386 3.14", 0x030e0af0, 792, 3648, 3696, 3652, 4, 8, 52, NOT, NOT, NOT, 92, 96, NOT, NOT,
	  4, 0, 28, 38, NOT, NOT, NOT, NOT, NOT,
	  NOT, 128, 80, 84, 88, 44, 92, 120, NOT, SOBJECTS_312 },
	{ "i386 2.6d", 0x020609f0, SMALL_24(80), 20, 24, NOT, NOT, NOT, 68, 72, NOT, 48,
	  32, NOT, 56, 60, NOT, 64, 68, NOT, NOT,
	  12, 16, 20, 92, NOT, NOT, NOT, NOT, 0, 28, 0, TEXT_BYTES, 1 },
};
/* clang-format on */
enum {
	SPEC_24,
	SPEC_25,
	SPEC_26,
	SPEC_27,
	SPEC_30,
	SPEC_31,
	SPEC_32,
	SPEC_33,
	SPEC_34,
	SPEC_35,
	SPEC_36,
	SPEC_37
};
enum {
	SPEC_38 = SPEC_37 + 1,
	SPEC_39,
	SPEC_310,
	SPEC_311,
	SPEC_312,
	SPEC_313,
	SPEC_314,
	SPEC_315,
	SPEC_313T,
	SPEC_314T
};
/* i386: the address of 2.4; the other versions are at the same distance from it as above, up to
 * 3.14. */
enum {
	SPEC_I386 = SPEC_314T + 6,
	SPEC_I386_39 = SPEC_I386 + SPEC_39,
	SPEC_I386_310 = SPEC_I386 + SPEC_310,
	SPEC_I386_311 = SPEC_I386 + SPEC_311,
	SPEC_I386_312 = SPEC_I386 + SPEC_312
};
enum { SPECS = sizeof(specs) / sizeof(specs[0]) };

struct image {
	const struct spec *is;
	uint8_t *bytes;
	size_t n, used;
	uint64_t runtime, interp, tstate, base_frame, root;
	uint64_t t_code, t_str, t_frame, t_bytes;
	struct fake_segment segments[2];
	struct fake_map maps[3];
	struct fake_process fake;
	struct ps_prochandle *P;
};

static inline uint8_t *image_at(struct image *m, uint64_t va, size_t n)
{
	ck_assert(va >= IMAGE_BASE && va - IMAGE_BASE + n <= m->n);
	return m->bytes + (va - IMAGE_BASE);
}

/* Members that a version does not have are not written. */
static inline void put64(struct image *m, uint64_t va, int off, uint64_t value)
{
	if (off >= 0)
		memcpy(image_at(m, va + (uint64_t)off, 8), &value, 8);
}

/* A word of the process. */
static inline void put_word(struct image *m, uint64_t va, int off, uint64_t value)
{
	size_t n = m->is->is_32bit ? 4 : 8;

	if (off >= 0)
		memcpy(image_at(m, va + (uint64_t)off, n), &value, n);
}

static inline int image_word(const struct image *m)
{
	return m->is->is_32bit ? 4 : 8;
}

static inline uint64_t get_word(struct image *m, uint64_t va, int off)
{
	uint64_t value = 0;

	memcpy(&value, image_at(m, va + (uint64_t)off, (size_t)image_word(m)), (size_t)image_word(m));
	return value;
}

static inline uint64_t image_thread_id(const struct spec *is)
{
	return is->is_32bit ? 0xf7001000 : 0x7f0000001000;
}

static inline void put32(struct image *m, uint64_t va, int off, uint32_t value)
{
	if (off >= 0)
		memcpy(image_at(m, va + (uint64_t)off, 4), &value, 4);
}

static inline void put8(struct image *m, uint64_t va, int off, unsigned value)
{
	if (off >= 0)
		*image_at(m, va + (uint64_t)off, 1) = (uint8_t)value;
}

static inline uint64_t image_alloc(struct image *m, size_t n)
{
	uint64_t va = IMAGE_BASE + m->used;

	m->used += (n + 15) & ~(size_t)15;
	ck_assert_uint_le(m->used, m->n);
	return va;
}

static inline uint64_t image_bytes_at(struct image *m, const void *bytes, size_t n)
{
	uint64_t va = image_alloc(m, n + 1);

	if (n != 0)
		memcpy(image_at(m, va, n), bytes, n);
	return va;
}

static inline uint64_t image_type(struct image *m, const char *name, uint64_t flags)
{
	uint64_t type = image_alloc(m, 432);

	put_word(m, type, m->is->tp_name, image_bytes_at(m, name, strlen(name)));
	put_word(m, type, m->is->tp_flags, flags);
	return type;
}

static inline uint64_t image_bytes(struct image *m, const void *bytes, size_t n)
{
	uint64_t b = image_alloc(m, (size_t)m->is->b_data + n + 1);

	put_word(m, b, m->is->type, m->is->text == TEXT_BYTES ? m->t_str : m->t_bytes);
	if (m->is->hex < 0x02050000)
		put32(m, b, m->is->size + 4, 0xeeeeeeee); /* a size has 32 bits; the following bytes
		                                         * may be anything */
	put32(m, b, m->is->size, (uint32_t)n);
	if (n != 0)
		memcpy(image_at(m, b + (uint64_t)m->is->b_data, n), bytes, n);
	return b;
}

/* A string of Py_UNICODE, out of characters of `width` bytes. */
static inline uint64_t image_unicode(struct image *m, const uint8_t *chars, size_t n, unsigned width)
{
	unsigned to = m->is->text == TEXT_UCS2 ? 2 : 4;
	uint64_t s = image_alloc(m, 64), data = image_alloc(m, (n + 1) * to);

	ck_assert_uint_le(width, to);
	put_word(m, s, m->is->type, m->t_str);
	put_word(m, s, m->is->s_len, n);
	put_word(m, s, m->is->s_compact, data);
	for (size_t i = 0; i < n; i++)
		memcpy(image_at(m, data + i * to, to), chars + i * width, width);
	return s;
}

/* A compact string of `width`-byte characters. */
static inline uint64_t image_str_of(struct image *m, const void *chars, size_t n, unsigned width, bool ascii)
{
	const struct spec *is = m->is;
	size_t head = (size_t)(ascii ? is->s_ascii : is->s_compact);
	uint64_t s;

	if (is->text == TEXT_BYTES)
		return image_bytes(m, chars, n);
	if (is->text != TEXT_COMPACT)
		return image_unicode(m, chars, n, width);
	s = image_alloc(m, head + n * width + width);
	put_word(m, s, is->type, m->t_str);
	put_word(m, s, is->s_len, n);
	put32(m, s, is->s_state, (width | 8U | (ascii ? 16U : 0U)) << is->s_shift);
	memcpy(image_at(m, s + head, n * width), chars, n * width);
	return s;
}

static inline uint64_t image_str(struct image *m, const char *ascii)
{
	return image_str_of(m, ascii, strlen(ascii), 1, true);
}

/* A code object of `length` bytes of bytecode. */
static inline uint64_t image_code(struct image *m, const char *file, const char *name, uint32_t first,
    const void *table, size_t table_n, size_t length)
{
	static const uint8_t zeros[256];
	const struct spec *is = m->is;
	uint64_t c = image_alloc(m, 256 + length);

	ck_assert_uint_le(length, sizeof(zeros));

	put_word(m, c, is->type, m->t_code);
	put_word(m, c, is->c_file, image_str(m, file));
	put_word(m, c, is->c_name, image_str(m, name));
	put_word(m, c, is->c_qual, image_str(m, name));
	put32(m, c, is->c_first, first);
	put_word(m, c, is->c_table, image_bytes(m, table, table_n));
	put32(m, c, is->c_trace, 1); /* the first unit is the prologue */
	if (is->c_bytes >= 0)
		put_word(m, c, is->c_bytes, image_bytes(m, zeros, length));
	else
		put_word(m, c, is->size, length / 2);
	return c;
}

/* A frame stopped at byte offset `at` of its code. */
static inline uint64_t image_frame(struct image *m, uint64_t code, unsigned at, uint64_t previous)
{
	const struct spec *is = m->is;
	uint64_t f = image_alloc(m, 400);

	put_word(m, f, is->type, m->t_frame);
	put_word(m, f, is->f_prev, previous);
	put_word(m, f, is->f_code, code);
	if (is->c_start >= 0)
		put_word(m, f, is->f_instr, code + (uint64_t)is->c_start + at);
	put32(m, f, is->f_lasti, is->hex >> 16 == 0x030a ? at / 2 : at);
	put8(m, f, is->f_state, is->hex >> 16 == 0x030a ? 0 : 1);
	return f;
}

/* 3.9 and 3.10: make f the frame of a generator that is suspended, with `top` on its value stack.
 * Returns the generator. */
static inline uint64_t image_suspend(struct image *m, uint64_t f, uint64_t top)
{
	const bool small = m->is->is_32bit != 0;
	uint64_t generator = image_alloc(m, 64), values = image_alloc(m, 32);

	put_word(m, values, image_word(m), top);
	if (m->is->hex >> 16 == 0x0309) {
		put_word(m, f, small ? 48 : 96, generator);
		put_word(m, f, small ? 36 : 72, values + 2U * (unsigned)image_word(m));
		put8(m, f, m->is->f_state, 0);
	} else {
		put_word(m, f, small ? 48 : 88, generator);
		put_word(m, f, small ? 32 : 64, values);
		put32(m, f, small ? 40 : 80, 2);
		put8(m, f, m->is->f_state, 0xff);
	}
	return generator;
}

/* An entry frame: only code, previous and owner are valid. */
static inline uint64_t image_entry(struct image *m, uint64_t previous)
{
	uint64_t f = image_alloc(m, 96);

	memset(image_at(m, f, 96), 0xee, 96);
	put_word(m, f, m->is->f_prev, previous);
	put8(m, f, m->is->f_owner, 3);
	return f;
}

/* The youngest frame of the thread (3.11, 3.12: of its root C frame). */
static inline void image_start(struct image *m, uint64_t frame)
{
	put_word(m, m->tstate, m->is->ts_frame, frame);
	if (m->is->cf_frame >= 0 && m->is->f_owner >= 0)
		put_word(m, m->root, m->is->cf_frame, frame);
}

struct published {
	int at;
	uint64_t value;
};

/* _Py_DebugOffsets at the start of the runtime. */
static inline void image_publish(struct image *m)
{
	const struct spec *is = m->is;
	unsigned column = (unsigned)(is->hex >> 16) - 0x030d;
	const struct {
		int at[3];
		int value;
	} rows[] = {
		{ { 40, 40, 40 }, is->head },
		{ { 56, 56, 56 }, is->id },
		{ { 64, 64, 64 }, is->next },
		{ { 72, 72, 72 }, is->threads },
		{ { 168, 192, 192 }, is->ts_next },
		{ { 176, 200, 200 }, is->ts_interp },
		{ { 184, 208, 208 }, is->ts_frame },
		{ { NOT, NOT, 216 }, is->ts_base },
		{ { 192, 216, 240 }, is->ts_tid },
		{ { 200, 224, 248 }, is->ts_native },
		{ { 232, 256, 320 }, is->f_prev },
		{ { 240, 264, 328 }, is->f_code },
		{ { 248, 272, 336 }, is->f_instr },
		{ { 264, 288, 352 }, is->f_owner },
		{ { NOT, 304, 368 }, is->f_tlbc },
		{ { 280, 320, 384 }, is->c_file },
		{ { 288, 328, 392 }, is->c_name },
		{ { 296, 336, 400 }, is->c_qual },
		{ { 304, 344, 408 }, is->c_table },
		{ { 312, 352, 416 }, is->c_first },
		{ { 344, 384, 448 }, is->c_start },
		{ { NOT, 392, 456 }, is->c_tlbc },
		{ { 360, 408, 472 }, is->type },
		{ { 376, 424, 488 }, is->tp_name },
		{ { 392, 440, 504 }, is->tp_flags },
		{ { 520, 600, 696 }, is->size },
		{ { 528, 608, 704 }, is->b_data },
		{ { 544, 624, 720 }, is->s_state },
		{ { 552, 632, 728 }, is->s_len },
		{ { 560, 640, 736 }, is->s_ascii },
		{ { NOT, NOT, 744 }, is->s_compact },
	};

	memcpy(image_at(m, m->runtime, 8), "xdebugpy", 8);
	put64(m, m->runtime, 8, is->hex);
	put64(m, m->runtime, 16, (uint64_t)is->free_threaded);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put64(m, m->runtime, rows[i].at[column], rows[i].value < 0 ? 0 : (uint64_t)rows[i].value);
}

/* An interpreter with one thread, no frames yet. `room` bytes of memory in all. */
static inline void image_init(struct image *m, const struct spec *is, size_t room)
{
	static const char text[] = "%u.%u.%u (main, Jan  1 2024, 00:00:00) %s[GCC 12.2.0]";

	memset(m, 0, sizeof(*m));
	m->is = is;
	m->n = room;
	m->bytes = calloc(1, room);
	ck_assert_ptr_nonnull(m->bytes);
	m->runtime = image_alloc(m, 1024);
	m->interp = image_alloc(m, 8192);
	m->tstate = image_alloc(m, 1024);
	m->base_frame = m->tstate + 888;
	m->root = m->tstate + (uint64_t)(is->ts_root >= 0 ? is->ts_root : 512);
	m->t_code = image_type(m, "code", 0);
	/* A bit of its own since 2.6. */
	m->t_str = image_type(m, "str",
	    is->hex < 0x02060000     ? 0
	    : is->text == TEXT_BYTES ? 1U << 27
				     : 1U << 28);
	m->t_frame = image_type(m, "frame", 0);
	m->t_bytes = image_type(m, "bytes", 1U << 27);
	put_word(m, m->runtime, is->head, m->interp);
	put_word(m, m->runtime, is->head + image_word(m), m->interp);
	put_word(m, m->interp, is->threads, m->tstate);
	put64(m, m->interp, is->id, 7);
	put_word(m, m->tstate, is->ts_interp, m->interp);
	put_word(m, m->tstate, is->ts_tid, image_thread_id(is));
	put_word(m, m->tstate, is->ts_native, 4711);
	put_word(m, m->tstate, is->ts_cframe, m->root);
	if (is->ts_base >= 0) {
		put_word(m, m->tstate, is->ts_base, m->base_frame);
		put_word(m, m->tstate, is->ts_frame, m->base_frame);
		put8(m, m->base_frame, is->f_owner, 3);
	}
	if (is->hex >= 0x030d0000) {
		image_publish(m);
	} else {
		uint64_t version = image_alloc(m, 128);

		(void)snprintf((char *)image_at(m, version, 128), 128, text, (unsigned)(is->hex >> 24),
		    (unsigned)(is->hex >> 16 & 0xff), (unsigned)(is->hex >> 8 & 0xff),
		    is->hex < 0x030a0000 ? "\n" : "");
	}
}

/* Nothing may be allocated after this; contents may still change. The module's code is mapped below
 * its data; of a large image the rest is heap. */
static inline void image_grab(struct image *m)
{
	const char *name = "/nowhere/embedding";
	size_t module = m->n < IMAGE_MODULE ? m->n : IMAGE_MODULE;

	m->segments[0] = (struct fake_segment){ IMAGE_BASE, m->bytes, m->n };
	m->maps[0] = (struct fake_map){ IMAGE_BASE - 4096, 4096, MA_READ | MA_EXEC, 0, name };
	m->maps[1] = (struct fake_map){ IMAGE_BASE, module, MA_READ | MA_WRITE, 4096, name };
	m->fake = (struct fake_process){
		.pid = 4711, .is_32bit = m->is->is_32bit != 0, .segments = m->segments, .maps = m->maps
	};
	m->P = fake_grab(&m->fake);
	ck_assert_ptr_nonnull(m->P);
}

static inline void image_free(struct image *m)
{
	Prelease(m->P, 0);
	free(m->bytes);
}

#endif
