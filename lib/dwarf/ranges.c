/* See ranges.h. */
#include "dwarf/ranges.h"

enum { ENTRIES_MAX = 65536, SHIFT_MAX = 63 };

/* DW_RLE_…: the kinds of entries of .debug_rnglists. */
enum {
	END_OF_LIST,
	BASE_ADDRESSX,
	STARTX_ENDX,
	STARTX_LENGTH,
	OFFSET_PAIR,
	BASE_ADDRESS,
	START_END,
	START_LENGTH
};

struct walk {
	const struct ranges_context *c;
	struct span at;
	uint64_t base;
	uint64_t low, high; /* of the entry that was read; low ≥ high: none */
};

static bool take_address(struct walk *w, uint64_t *out)
{
	uint32_t word32;

	if (w->c->word == 8)
		return span_u64(&w->at, out);
	if (!span_u32(&w->at, &word32))
		return false;
	*out = word32;
	return true;
}

static bool take_uleb(struct walk *w, uint64_t *out)
{
	uint8_t byte;

	*out = 0;
	for (unsigned shift = 0; shift <= SHIFT_MAX && span_u8(&w->at, &byte); shift += 7) {
		*out |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

bool ranges_address(const struct ranges_context *c, uint64_t index, uint64_t *out)
{
	struct walk w = { .c = c, .at = c->addresses };

	return index < UINT32_MAX && c->addr_base <= span_left(&w.at) &&
	       span_skip(&w.at, (size_t)c->addr_base) && index * c->word <= span_left(&w.at) &&
	       span_skip(&w.at, (size_t)(index * c->word)) && take_address(&w, out);
}

static bool take_indexed(struct walk *w, uint64_t *out)
{
	uint64_t index;

	return take_uleb(w, &index) && ranges_address(w->c, index, out);
}

/* The next entry of .debug_ranges. False: the list ends. */
static bool next_pair(struct walk *w)
{
	uint64_t none = w->c->word == 8 ? UINT64_MAX : UINT32_MAX, low, high;

	w->low = w->high = 0;
	if (!take_address(w, &low) || !take_address(w, &high) || (low == 0 && high == 0))
		return false;
	if (low == none) {
		w->base = high;
		return true;
	}
	w->low = w->base + low;
	w->high = w->base + high;
	return true;
}

/* The operands of an entry of this kind. */
static bool take_operands(struct walk *w, uint8_t kind)
{
	uint64_t low = 0, high = 0;
	bool ok = false;

	switch (kind) {
	case BASE_ADDRESSX:
		return take_indexed(w, &w->base);
	case BASE_ADDRESS:
		return take_address(w, &w->base);
	case STARTX_ENDX:
		ok = take_indexed(w, &low) && take_indexed(w, &high);
		break;
	case STARTX_LENGTH:
		ok = take_indexed(w, &low) && take_uleb(w, &high);
		high += low;
		break;
	case OFFSET_PAIR:
		ok = take_uleb(w, &low) && take_uleb(w, &high);
		low += w->base;
		high += w->base;
		break;
	case START_END:
		ok = take_address(w, &low) && take_address(w, &high);
		break;
	case START_LENGTH:
		ok = take_address(w, &low) && take_uleb(w, &high);
		high += low;
		break;
	default:
		break;
	}
	w->low = low;
	w->high = high;
	return ok;
}

/* The next entry of .debug_rnglists. False: the list ends. */
static bool next_entry(struct walk *w)
{
	uint8_t kind;

	w->low = w->high = 0;
	return span_u8(&w->at, &kind) && kind != END_OF_LIST && take_operands(w, kind);
}

bool ranges_contain(const struct ranges_context *c, uint64_t offset, uint64_t address)
{
	struct walk w = { .c = c, .at = c->section, .base = c->base };

	if (offset > span_left(&w.at) || !span_skip(&w.at, (size_t)offset))
		return false;
	for (unsigned i = 0; i < ENTRIES_MAX && (c->lists ? next_entry(&w) : next_pair(&w)); i++) {
		/* The linker has left out the code at 0. */
		if (w.low != 0 && address >= w.low && address < w.high)
			return true;
	}
	return false;
}
