/* The location table of 3.11 and later, an entry for each range of instructions:
 *
 *   1cccc lll   l+1 units of 2 bytes; c says what follows:
 *   0 … 9       a byte: the line of the entry before, columns in c and the byte
 *   10 … 12     two bytes: c-10 lines further, both columns
 *   13          signed varint: lines further; no columns
 *   14          signed varint: lines further; varints: lines to the end, both columns plus 1
 *   15          no line
 *
 * Columns count bytes of UTF-8. Sums are kept in 64 bits: those of a damaged table may be
 * anything. */
#include "python/objects/py_positions.h"

#include "python/objects/py_varint.h"

enum { UNIT = 2 };

struct location {
	int64_t line_step, end_step; /* from the line of the last entry; from the line to its end */
	bool has_line, has_columns;
	int64_t column, end_column;
};

/* A column plus 1; 0: there is none. */
static bool take_column(struct span *s, int64_t *out)
{
	uint32_t raw;

	if (!py_varint(s, &raw))
		return false;
	*out = (int64_t)raw - 1;
	return true;
}

static bool take_long(struct span *s, struct location *out)
{
	uint32_t further;

	if (!py_varint_signed(s, &out->line_step) || !py_varint(s, &further) ||
	    !take_column(s, &out->column) || !take_column(s, &out->end_column))
		return false;
	out->end_step = further;
	out->has_columns = out->column >= 0 && out->end_column >= 0;
	return true;
}

/* One entry after its first byte. */
static bool take_location(struct span *s, unsigned code, struct location *out)
{
	uint8_t one, two;

	*out = (struct location){ .has_line = true };
	if (code == 15) {
		out->has_line = false;
		return true;
	}
	if (code == 14)
		return take_long(s, out);
	if (code == 13)
		return py_varint_signed(s, &out->line_step);
	if (!span_u8(s, &one))
		return false;
	out->has_columns = true;
	if (code >= 10) {
		if (!span_u8(s, &two))
			return false;
		out->line_step = (int64_t)code - 10;
		out->column = one;
		out->end_column = two;
		return true;
	}
	out->column = (int64_t)(code << 3 | (one >> 4 & 7));
	out->end_column = out->column + (one & 15);
	return true;
}

static bool set_position(const struct location *l, int64_t line, struct py_position *out)
{
	int64_t end = line + l->end_step;

	if (!l->has_line || line < 1 || end > INT32_MAX)
		return false;
	*out = (struct py_position){ (int32_t)line, (int32_t)end, -1, -1 };
	if (l->has_columns && l->column <= INT32_MAX && l->end_column <= INT32_MAX &&
	    (l->end_step > 0 || l->end_column >= l->column)) {
		out->column = (int32_t)l->column;
		out->end_column = (int32_t)l->end_column;
	}
	return true;
}

bool py_position_locations(struct span table, int32_t first, uint64_t at, struct py_position *out)
{
	struct location l;
	int64_t line = first;
	uint64_t end = 0;
	uint8_t head;

	while (span_u8(&table, &head)) {
		if ((head & 0x80) == 0 || !take_location(&table, (head >> 3) & 15, &l))
			return false;
		line += l.line_step;
		end += (uint64_t)((head & 7) + 1) * UNIT;
		if (at < end)
			return set_position(&l, line, out);
		while (span_left(&table) != 0 && (*table.at & 0x80) == 0)
			table.at++;
	}
	return false;
}
