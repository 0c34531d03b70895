/* PRIVATE to lib/unwind: entries of .eh_frame and .debug_frame, and finding the one that describes a pc. */
#ifndef UNWIND_CFI_ENTRY_H
#define UNWIND_CFI_ENTRY_H

#include "base/fault.h"
#include "elf/image.h"
#include "unwind/cfi_read.h"

/* A table of entries. */
struct cfi_table_bytes {
	struct cfi_place place;
	bool debug; /* .debug_frame: CIEs are known by another id, and found from the table's start */
};

/* What a function's entry (FDE) says, its CIE's part included. Programs point into the table. */
struct cfi_entry {
	const struct cfi_table_bytes *table; /* where it is */
	uint64_t lo, hi;                     /* the code it describes: the image's own addresses */
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra;        /* column of the return address */
	uint8_t encoding;   /* of addresses in programs */
	bool signal;        /* its activations are frames that the kernel made for a signal */
	bool sized;         /* entries have augmentation data */
	struct span common; /* the CIE's program: the initial row */
	struct span own;    /* the FDE's */
};

/* Read the record at s, a cursor within t->place.bytes, and move s behind it. RES_OK: an FDE, with a CIE that is
 * understood. RES_NONE: something else (a CIE, a terminator, an FDE of a kind that is not known): go on behind it.
 * RES_FAIL: the record is cut short; where the next one begins is not known, s is unchanged. */
enum res cfi_entry_read(const struct cfi_table_bytes *t, struct span *s, struct cfi_entry *out);

struct cfi_finder;

/* Finds entries of img, which must outlive it; word: bytes of an address. NULL: out of memory. Nothing is
 * read before it is asked for. */
struct cfi_finder *cfi_finder_create(struct elf_image *img, unsigned word);
void cfi_finder_destroy(struct cfi_finder *f); /* NULL ok */

/* The entry that describes pc (the image's own address); its table lives as long as f. Looked up
 * in the binary search table that PT_GNU_EH_FRAME leads to; without a usable one, in an index of .eh_frame, which is
 * found by its section header or by PT_GNU_EH_FRAME; then in one of .debug_frame. An index is made once, when it is
 * needed first. RES_NONE: nothing describes pc. */
enum res cfi_find_entry(struct cfi_finder *f, uint64_t pc, struct cfi_entry *out);

#endif
