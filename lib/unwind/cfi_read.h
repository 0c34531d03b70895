/* PRIVATE to lib/unwind: numbers and pointers of call frame information. */
#ifndef UNWIND_CFI_READ_H
#define UNWIND_CFI_READ_H

#include <stdbool.h>

#include "base/span.h"

/* Take a LEB128 number. False: it is cut short, or longer than 10 bytes. */
bool cfi_uleb(struct span *s, uint64_t *out);
bool cfi_sleb(struct span *s, int64_t *out);

/* The size in bytes of a pointer in a DW_EH_PE_ encoding: 2, 4 or 8; 0 if it is variable or
 * unknown. word: the size of an address, 4 or 8. */
size_t cfi_pointer_size(uint8_t encoding, unsigned word);

/* Bytes of a table, and their place. Addresses are the image's own. */
struct cfi_place {
	struct span bytes;
	uint64_t va;   /* of bytes.at */
	uint64_t data; /* base of data-relative pointers: the address of .eh_frame_hdr, else 0 */
	uint8_t word;  /* size of an address: 4 or 8 */
};

/* The address of a cursor in p->bytes. */
static inline uint64_t cfi_va(const struct cfi_place *p, const struct span *at)
{
	return p->va + (uint64_t)(at->at - p->bytes.at);
}

/* An address truncated to `word` bytes. */
static inline uint64_t cfi_cut(uint64_t value, unsigned word)
{
	return word == 4 ? (uint32_t)value : value;
}

/* Take a pointer in a DW_EH_PE_ encoding (LSB, "DWARF Exception Header Encoding") from s, a cursor
 * in p->bytes. It may be absolute, relative to its own address, or relative to p->data. False: it
 * is cut short or of another kind (relative to text or to a function, aligned, indirect), and the
 * place of s is undefined. */
bool cfi_pointer(const struct cfi_place *p, struct span *s, uint8_t encoding, uint64_t *out);

/* Take a number. format: the low four bits of an encoding; signed ones are sign-extended. False: as
 * above. */
bool cfi_number(struct span *s, uint8_t format, unsigned word, uint64_t *out);

#endif
