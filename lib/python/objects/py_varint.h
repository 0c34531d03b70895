/* PRIVATE to lib/python: numbers in the location tables of 3.11 and later. */
#ifndef PYTHON_PY_VARINT_H
#define PYTHON_PY_VARINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum { PY_VARINT_MAX_SHIFT = 30, PY_VARINT_LAST = 3 /* the most at that shift */ };

/* Six bits a byte, least significant first; bit 6: more bytes follow. False: damaged. */
static inline bool py_varint(struct span *s, uint32_t *out)
{
	uint32_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		if (shift > PY_VARINT_MAX_SHIFT || !span_u8(s, &byte))
			return false;
		if (shift == PY_VARINT_MAX_SHIFT && (byte & 0x3f) > PY_VARINT_LAST)
			return false;
		value |= (uint32_t)(byte & 0x3f) << shift;
		shift += 6;
	} while (byte & 0x40);
	*out = value;
	return true;
}

/* The same with the sign in the lowest bit. */
static inline bool py_varint_signed(struct span *s, int64_t *out)
{
	uint32_t raw;

	if (!py_varint(s, &raw))
		return false;
	*out = raw & 1 ? -(int64_t)(raw >> 1) : (int64_t)(raw >> 1);
	return true;
}

#endif
