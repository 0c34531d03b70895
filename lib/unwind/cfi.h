/* PRIVATE to lib/unwind: finding, and vouching for, the call frame information that libunwind is shown.
 *
 * libunwind believes what it reads: a register number, a missing CFA rule or a division in a damaged or
 * hostile .eh_frame ends or corrupts the process that unwinds. So the entry for a pc is looked up here,
 * and its whole program is checked here, before libunwind is shown that one entry and nothing else. */
#ifndef UNWIND_CFI_H
#define UNWIND_CFI_H

#include <stdbool.h>

#include "base/fault.h"
#include "elf/image.h"
#include "unwind/cfi_read.h"

/* The binary search table of one image, and the segment it lies in with the entries it leads to. All
 * addresses are the image's own. */
struct cfi_table {
	uint64_t hdr;        /* .eh_frame_hdr: its offsets count from here */
	uint64_t table;      /* the first entry */
	struct span entries; /* of 8 bytes */
	uint64_t run_va;     /* where run begins */
	struct span run;     /* the segment's file bytes */
};

/* The table of img; it lives as long as img. RES_NONE: PT_GNU_EH_FRAME is absent, in a writable segment,
 * or not in the one form that x86-64 linkers write (version 1; pcrel sdata4, udata4, datarel sdata4). */
enum res cfi_table_of(struct elf_image *img, struct cfi_table *out);

/* The entry for pc (the image's own address): *va is the address of its 8 bytes in the table. The FDE it
 * leads to, and that one's CIE, were checked and lie inside t->run. RES_NONE: nothing usable covers pc.
 * Whether the FDE's range holds pc is left to libunwind. */
enum res cfi_find(const struct cfi_table *t, uint64_t pc, uint64_t *va);

/* Is a program of call frame instructions one that libunwind survives? (See cfi_check.c.) *cfa: is a CFA
 * rule set, before it (by the CIE's program, for an FDE's) and after it. fde_encoding: of known size. */
bool cfi_program_ok(struct span program, uint8_t fde_encoding, bool *cfa);

#endif
