/* Numbers (DWARF 5 section 7.6) and pointers (LSB, "DWARF Exception Header Encoding") of call frame
 * information. */
#include "unwind/cfi_read.h"

enum { LEB_MAX = 10 };

enum {
	FORMAT_ABSPTR = 0x00,
	FORMAT_ULEB = 0x01,
	FORMAT_UDATA2 = 0x02,
	FORMAT_UDATA4 = 0x03,
	FORMAT_UDATA8 = 0x04,
	FORMAT_SIGNED = 0x08,
	FORMAT_SLEB = 0x09,
	FORMAT_SDATA2 = 0x0a,
	FORMAT_SDATA4 = 0x0b,
	FORMAT_SDATA8 = 0x0c,

	APPLY_ABSOLUTE = 0x00,
	APPLY_PCREL = 0x10,
	APPLY_DATAREL = 0x30,
	APPLY_ALIGNED = 0x50,
	APPLY_MASK = 0xf0, /* includes the bit for "indirect" */
};

bool cfi_uleb(struct span *s, uint64_t *out)
{
	uint64_t value = 0;
	uint8_t byte;

	for (unsigned i = 0; i < LEB_MAX && span_u8(s, &byte); i++) {
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if ((byte & 0x80) == 0) {
			*out = value;
			return true;
		}
	}
	return false;
}

bool cfi_sleb(struct span *s, int64_t *out)
{
	uint64_t value = 0;
	uint8_t byte;

	for (unsigned i = 0; i < LEB_MAX && span_u8(s, &byte); i++) {
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if ((byte & 0x80) == 0) {
			if ((byte & 0x40) != 0 && i < LEB_MAX - 1)
				value |= ~(uint64_t)0 << (7 * (i + 1));
			memcpy(out, &value, sizeof(value));
			return true;
		}
	}
	return false;
}

size_t cfi_pointer_size(uint8_t encoding, unsigned word)
{
	if ((encoding & 0x70) == APPLY_ALIGNED) /* depends on its address */
		return 0;
	switch (encoding & 0x0f) {
	case FORMAT_ABSPTR:
		return word;
	case FORMAT_UDATA8:
	case FORMAT_SDATA8:
		return 8;
	case FORMAT_UDATA4:
	case FORMAT_SDATA4:
		return 4;
	case FORMAT_UDATA2:
	case FORMAT_SDATA2:
		return 2;
	default:
		return 0;
	}
}

bool cfi_number(struct span *s, uint8_t format, unsigned word, uint64_t *out)
{
	size_t size = cfi_pointer_size(format, word);
	uint64_t value = 0, sign;
	int64_t number;

	if (format == FORMAT_ULEB)
		return cfi_uleb(s, out);
	if (format == FORMAT_SLEB) {
		if (!cfi_sleb(s, &number))
			return false;
		*out = (uint64_t)number;
		return true;
	}
	if (size == 0 || !span_take(s, &value, size))
		return false;
	if ((format & FORMAT_SIGNED) != 0 && size < sizeof(value)) {
		sign = (uint64_t)1 << (8 * size - 1);
		value = (value ^ sign) - sign;
	}
	*out = value;
	return true;
}

bool cfi_pointer(const struct cfi_place *p, struct span *s, uint8_t encoding, uint64_t *out)
{
	uint64_t va = cfi_va(p, s), value;

	if (!cfi_number(s, encoding & 0x0f, p->word, &value))
		return false;
	switch (encoding & APPLY_MASK) {
	case APPLY_ABSOLUTE:
		break;
	case APPLY_PCREL:
		value += va;
		break;
	case APPLY_DATAREL:
		value += p->data;
		break;
	default:
		return false;
	}
	*out = cfi_cut(value, p->word);
	return true;
}
