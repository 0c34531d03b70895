/* PRIVATE to lib/unwind: entries of .eh_frame and .debug_frame, and the search for that of a pc. */
#ifndef UNWIND_CFI_ENTRY_H
#define UNWIND_CFI_ENTRY_H

#include "base/fault.h"
#include "elf/image.h"
#include "unwind/cfi_read.h"

/* A table of entries, or bytes that contain one. */
struct cfi_table_bytes {
	struct cfi_place place;
	bool debug; /* it is .debug_frame: see cfi_entry.c for the differences */
};

/* A function's entry (FDE) with what its CIE says. The programs point into the table. */
struct cfi_entry {
	const struct cfi_table_bytes *table;
	uint64_t lo, hi; /* the code that it describes: addresses of the image */
	uint64_t code_align;
	int64_t data_align;
	uint64_t ra;        /* DWARF number of the return address's column */
	uint8_t encoding;   /* of addresses in the FDE */
	bool signal;        /* its activations are signal frames */
	bool sized;         /* FDEs have augmentation data */
	struct span common; /* the CIE's program: the initial row */
	struct span own;    /* the FDE's program */
};

/* Read the record at s, a cursor in t->place.bytes, and move s past it. t must live as long as
 * *out. RES_OK: it is an FDE, and its CIE is understood. RES_NONE: it is something else (a CIE, a
 * terminator, an FDE of an unknown kind). RES_FAIL: it is cut short; s is unchanged, since the
 * start of the next one is not known. */
enum res cfi_entry_read(const struct cfi_table_bytes *t, struct span *s, struct cfi_entry *out);

struct cfi_finder;

/* Create a finder of the entries of img, which must outlive it. word: the size of an address.
 * Nothing is read before the first search. NULL: out of memory. */
struct cfi_finder *cfi_finder_create(struct elf_image *img, unsigned word);
void cfi_finder_destroy(struct cfi_finder *f); /* NULL ok */

/* Find the entry that describes pc (an address of the image). Its table lives as long as f. The
 * search uses the binary search table to which PT_GNU_EH_FRAME leads; if there is no usable one, an
 * index of .eh_frame, which is located by its section header or by PT_GNU_EH_FRAME; and at last an
 * index of .debug_frame. An index is made once, when it is first needed. RES_NONE: nothing
 * describes pc. */
enum res cfi_find_entry(struct cfi_finder *f, uint64_t pc, struct cfi_entry *out);

#endif
