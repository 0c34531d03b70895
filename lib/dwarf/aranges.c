/* One pass over the table. Each number is checked against the size of the section. */
#include "dwarf/aranges.h"

enum { LENGTH_64 = 0xffffffffu };

static bool take_sized(struct span *s, size_t width, uint64_t *out)
{
	*out = 0;
	return width <= sizeof(*out) && span_take(s, out, width);
}

/* The pairs of one unit, and its offset. */
static bool take_set(struct span *section, struct span *pairs, uint64_t *unit, uint8_t *width)
{
	const uint8_t *start = section->at;
	uint64_t length;
	size_t offset_size = 4, head;
	uint16_t version;
	uint8_t segment;

	if (!take_sized(section, 4, &length))
		return false;
	if (length == LENGTH_64) {
		offset_size = 8;
		if (!take_sized(section, 8, &length))
			return false;
	}
	if (length > span_left(section) || !span_cut(section, (size_t)length, pairs))
		return false;
	*width = 0;
	if (!span_u16(pairs, &version) || !take_sized(pairs, offset_size, unit) || !span_u8(pairs, width) ||
	    !span_u8(pairs, &segment) || version != 2 || segment != 0 || (*width != 4 && *width != 8)) {
		*width = 0; /* unknown format: skip this set */
		return true;
	}
	head = (size_t)(pairs->at - start) % (2U * *width);
	if (head != 0 && !span_skip(pairs, 2U * *width - head))
		*width = 0;
	return true;
}

bool aranges_find(struct span section, uint64_t addr, uint64_t *unit)
{
	struct span pairs;
	uint8_t width;
	uint64_t in;

	while (span_left(&section) > 0 && take_set(&section, &pairs, &in, &width)) {
		uint64_t start, size;

		while (width != 0 && take_sized(&pairs, width, &start) && take_sized(&pairs, width, &size)) {
			/* The linker has left out the code at 0. */
			if (start != 0 && addr >= start && addr - start < size) {
				*unit = in;
				return true;
			}
		}
	}
	return false;
}
