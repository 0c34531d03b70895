/* Records of .eh_frame (LSB; psABI of x86-64 and i386) and .debug_frame (DWARF 5 section 6.4.1):
 *
 *   CIE  length, id, version, augmentation, alignments, return address column,
 *        augmentation data, program
 *   FDE  length, CIE pointer, first address, size, augmentation data, program
 *
 * The tables differ in two things: a CIE's id is 0 in .eh_frame, and all ones in .debug_frame; the
 * CIE pointer is an offset back from itself in .eh_frame, and an offset from the table's start in
 * .debug_frame. */
#include "unwind/cfi_entry.h"

enum { RECORD_MAX = 1 << 20, LENGTH_LONG = -1, OMIT = 0xff, LETTERS_MAX = 7 };

/* Take the record at s: *body is what follows the length. An empty record is a terminator.
 * RES_NONE: it was skipped, because it has the 64-bit form, which no toolchain writes for these
 * targets, or is too long. */
static enum res record_cut(struct span *s, struct span *body)
{
	struct span at = *s;
	uint32_t n;
	uint64_t size;
	enum res res = RES_OK;

	if (!span_u32(&at, &n))
		return RES_FAIL;
	size = n;
	if (n == (uint32_t)LENGTH_LONG) {
		res = RES_NONE;
		if (!span_u64(&at, &size))
			return RES_FAIL;
	}
	if (size > span_left(&at) || !span_cut(&at, (size_t)size, body))
		return RES_FAIL;
	if (size > RECORD_MAX)
		res = RES_NONE;
	*s = at;
	return res;
}

/* Read the data of one letter of an augmentation string. False: the letter is unknown. It may have
 * data, so what follows cannot be read. */
static bool augmentation_letter(
    const struct cfi_table_bytes *t, char letter, struct span *data, struct cfi_entry *out)
{
	uint64_t ignored;
	uint8_t encoding;

	switch (letter) {
	case 'L': /* encoding of the pointer to data for exceptions */
		return span_u8(data, &encoding);
	case 'R':
		return span_u8(data, &out->encoding);
	case 'P': /* personality routine */
		return span_u8(data, &encoding) &&
		       (encoding == OMIT || cfi_number(data, encoding & 0x0f, t->place.word, &ignored));
	case 'S':
		out->signal = true;
		return true;
	case 'B': /* arm64: the key that signs return addresses; no data */
		return true;
	default:
		return false;
	}
}

static bool augmentation_read(
    const struct cfi_table_bytes *t, struct span *s, const char *letters, struct cfi_entry *out)
{
	struct span data;
	uint64_t n;

	if (*letters == '\0')
		return true;
	if (*letters++ != 'z' || !cfi_uleb(s, &n) || n > span_left(s) || !span_cut(s, (size_t)n, &data))
		return false;
	out->sized = true;
	for (; *letters != '\0'; letters++) {
		if (!augmentation_letter(t, *letters, &data, out))
			return false;
	}
	return true;
}

/* Read an augmentation string. False: it is longer than LETTERS_MAX. */
static bool letters_read(struct span *s, char out[LETTERS_MAX + 1])
{
	uint8_t byte;

	for (size_t i = 0; i <= LETTERS_MAX && span_u8(s, &byte); i++) {
		out[i] = (char)byte;
		if (byte == 0)
			return true;
	}
	return false;
}

/* Fill in the members that a CIE sets. s: its bytes after the id. */
static bool cie_read(const struct cfi_table_bytes *t, struct span s, struct cfi_entry *out)
{
	char letters[LETTERS_MAX + 1];
	uint8_t version, byte;

	out->encoding = 0;
	out->signal = out->sized = false;
	if (!span_u8(&s, &version) || (version != 1 && version != 3 && version != 4) ||
	    !letters_read(&s, letters))
		return false;
	/* The size of an address, and of a segment selector. */
	if (version == 4 &&
	    (!span_u8(&s, &byte) || byte != t->place.word || !span_u8(&s, &byte) || byte != 0))
		return false;
	if (!cfi_uleb(&s, &out->code_align) || !cfi_sleb(&s, &out->data_align))
		return false;
	if (version == 1) {
		if (!span_u8(&s, &byte))
			return false;
		out->ra = byte;
	} else if (!cfi_uleb(&s, &out->ra)) {
		return false;
	}
	if (!augmentation_read(t, &s, letters, out))
		return false;
	out->common = s;
	return true;
}

static bool is_cie(const struct cfi_table_bytes *t, uint32_t id)
{
	return id == (t->debug ? UINT32_MAX : 0);
}

/* Read the CIE of an FDE whose CIE pointer, at `field`, is id. */
static bool cie_of(const struct cfi_table_bytes *t, const uint8_t *field, uint32_t id, struct cfi_entry *out)
{
	size_t at = (size_t)(field - t->place.bytes.at);
	struct span s = t->place.bytes, body;
	uint32_t its_id;
	int32_t back;

	memcpy(&back, &id, sizeof(back));
	if (t->debug)
		at = id;
	else
		at -= (size_t)(int64_t)back; /* wraps if it is damaged, and is too large then */
	return at < span_left(&s) && span_skip(&s, at) && record_cut(&s, &body) == RES_OK &&
	       span_u32(&body, &its_id) && is_cie(t, its_id) && cie_read(t, body, out);
}

enum res cfi_entry_read(const struct cfi_table_bytes *t, struct span *s, struct cfi_entry *out)
{
	struct cfi_entry e;
	struct span body;
	const uint8_t *field;
	uint64_t n;
	uint32_t id;
	enum res res = record_cut(s, &body);

	if (res != RES_OK)
		return res;
	field = body.at;
	if (!span_u32(&body, &id) || is_cie(t, id) || !cie_of(t, field, id, &e))
		return RES_NONE;
	if (!cfi_pointer(&t->place, &body, e.encoding, &e.lo) ||
	    !cfi_number(&body, e.encoding & 0x07, t->place.word, &n))
		return RES_NONE;
	e.hi = cfi_cut(e.lo + n, t->place.word);
	if (e.sized && (!cfi_uleb(&body, &n) || n > span_left(&body) || !span_skip(&body, (size_t)n)))
		return RES_NONE;
	e.own = body;
	e.table = t;
	*out = e;
	return RES_OK;
}
