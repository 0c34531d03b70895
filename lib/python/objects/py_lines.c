/* The three line tables of CPython, each a list of steps that add up:
 *
 *   ≤ 3.9   (addr +u8, line +i8) …                 the step's line holds from its address on
 *   3.10    (length u8, line +i8) …                the line holds for the length; −128: no line
 *   3.11+   1cccc lll [varints] …                  l+1 units of 2 bytes; c: encoding of the line
 *
 * Sums are kept in 64 bits: a damaged table may add up to anything. */
#include "python/objects/py_lines.h"

#include "python/objects/py_varint.h"

enum { NO_LINE = -128, UNIT = 2 };

static int32_t line_or_none(int64_t line)
{
	return line > 0 && line <= INT32_MAX ? (int32_t)line : 0;
}

int32_t py_line_lnotab(struct span table, int32_t first, uint64_t at, bool is_signed)
{
	int64_t line = first;
	uint64_t addr = 0;
	uint8_t step, delta;

	while (span_u8(&table, &step) && span_u8(&table, &delta)) {
		addr += step;
		if (addr > at)
			break;
		line += is_signed ? (int64_t)(int8_t)delta : (int64_t)delta;
	}
	return line_or_none(line);
}

int32_t py_line_ranges(struct span table, int32_t first, uint64_t at)
{
	int64_t line = first;
	uint64_t end = 0;
	uint8_t length, delta;

	while (span_u8(&table, &length) && span_u8(&table, &delta)) {
		bool lineless = (int8_t)delta == NO_LINE;

		if (!lineless)
			line += (int8_t)delta;
		end += length;
		if (at < end)
			return line_or_none(lineless ? first : line);
	}
	return 0;
}

/* One entry after its first byte: the step of the line. The caller skips the columns. */
static bool take_delta(struct span *s, unsigned code, int64_t *delta, bool *lineless)
{
	*delta = 0;
	*lineless = false;
	if (code == 15) {
		*lineless = true;
		return true;
	}
	if (code >= 13)
		return py_varint_signed(s, delta);
	if (code >= 10)
		*delta = (int64_t)code - 10;
	return true;
}

int32_t py_line_locations(struct span table, int32_t first, uint64_t at)
{
	int64_t line = first, delta;
	uint64_t end = 0;
	bool lineless;
	uint8_t head;

	while (span_u8(&table, &head)) {
		if ((head & 0x80) == 0)
			return 0; /* not the start of an entry */
		if (!take_delta(&table, (head >> 3) & 15, &delta, &lineless))
			return 0;
		line += delta;
		end += (uint64_t)((head & 7) + 1) * UNIT;
		if (at < end)
			return line_or_none(lineless ? first : line);
		while (span_left(&table) != 0 && (*table.at & 0x80) == 0)
			table.at++;
	}
	return 0;
}
