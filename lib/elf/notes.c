/* The note format (System V ABI; the 8-byte variant is the Linux gABI extension's):
 *
 *     0       4       8      12
 *     +-------+-------+------+----------------+-----+-----------------+-----+
 *     |namesz |descsz | type | name with NUL  | pad | descriptor      | pad |
 *     +-------+-------+------+----------------+-----+-----------------+-----+
 *     each pad rounds the offset from the start of the note up to a multiple of the alignment */
#include "elf/notes.h"

static uint64_t round_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

static const char *note_name(const struct span *note, uint32_t namesz)
{
	struct span rest = *note, name;
	const char *text;

	if (!span_skip(&rest, 12) || !span_cut(&rest, namesz, &name) || !span_cstr(&name, &text))
		return "";
	return text;
}

enum res elf_note_next(struct span *s, size_t align, struct elf_note *out)
{
	struct span note = *s;
	uint32_t namesz, descsz, type;
	uint64_t unit = align == 8 ? 8 : 4;
	uint64_t desc, end, left = span_left(s);

	/* The sizes have 32 bits and the sums 64: no overflow. */
	if (!span_u32(&note, &namesz) || !span_u32(&note, &descsz) || !span_u32(&note, &type))
		return RES_NONE;
	note = *s;
	desc = round_up(12 + (uint64_t)namesz, unit);
	end = desc + descsz;
	out->type = type;
	out->name = note_name(&note, namesz);
	if (end > left) {
		*s = (struct span){ note.end, note.end };
		out->desc = desc > left ? *s : (struct span){ note.at + desc, note.end };
		return RES_FAIL;
	}
	out->desc = (struct span){ note.at + desc, note.at + end };
	/* The last note need not be padded. */
	end = round_up(end, unit);
	s->at = note.at + (end > left ? left : end);
	return RES_OK;
}
