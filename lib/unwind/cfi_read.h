/* PRIVATE to lib/unwind: the numbers and pointers that call frame information is made of. */
#ifndef UNWIND_CFI_READ_H
#define UNWIND_CFI_READ_H

#include <stdbool.h>

#include "base/span.h"

/* LEB128 numbers; false when they are unfinished or longer than 10 bytes. */
bool cfi_uleb(struct span *s, uint64_t *out);
bool cfi_sleb(struct span *s, int64_t *out);

/* Bytes of a pointer in a DW_EH_PE_ encoding, where an address has `word` (4 or 8) of them: 2, 4, 8; 0: of variable
 * or unknown length. */
size_t cfi_pointer_size(uint8_t encoding, unsigned word);

/* Bytes of a table, and what is needed to know where they lie: all addresses are the image's own. */
struct cfi_place {
	struct span bytes;
	uint64_t va;   /* of bytes.at */
	uint64_t data; /* what "relative to data" counts from: .eh_frame_hdr's own address, else 0 */
	uint8_t word;  /* bytes of an address: 4 or 8 */
};

/* The address of a cursor within p->bytes. */
static inline uint64_t cfi_va(const struct cfi_place *p, const struct span *at)
{
	return p->va + (uint64_t)(at->at - p->bytes.at);
}

/* An address cut to the width of the target's. */
static inline uint64_t cfi_cut(uint64_t value, unsigned word)
{
	return word == 4 ? (uint32_t)value : value;
}

/* A pointer in a DW_EH_PE_ encoding (LSB, "DWARF Exception Header Encoding"): absolute, or relative to its own place
 * or to p->data; s is a cursor within p->bytes. False: cut short, or of a kind that needs more than the table (text,
 * function, aligned, indirect); then nothing is said of s. */
bool cfi_pointer(const struct cfi_place *p, struct span *s, uint8_t encoding, uint64_t *out);

/* A number of `format` (the low four bits of an encoding), sign extended if it is a signed one. */
bool cfi_number(struct span *s, uint8_t format, unsigned word, uint64_t *out);

#endif
