/* PRIVATE to lib/proc and lib/os: code that a program has made at run time and registered with
 * GDB's interface ("Debugging Information in Custom Formats", GDB manual, "JIT Interface").
 *
 *   __jit_debug_descriptor       version 1, action, entry of the action, first entry ──┐
 *   entry <────────────────────────────────────────────────────────────────────────────┘
 *     next, previous, address of an ELF file, its size (64 bits)
 *
 * LLVM (and so Numba), CPython 3.15 and others have one. All of it is the target's memory, and may
 * be anything. */
#ifndef PROC_MADE_CODE_H
#define PROC_MADE_CODE_H

#include <libproc.h>
#include <stdbool.h>

#include "base/fault.h"
#include "base/vec.h"
#include "elf/image_made.h"

enum {
	MADE_ENTRIES_MAX = 1 << 16,
	MADE_FILE_MAX = 16 << 20, /* bytes of one file */
	MADE_BYTES_MAX = 64 << 20 /* of all files */
};

/* A file that was registered. Both owned. */
struct made_file {
	struct elf_image *image;
	struct elf_symbols *symbols;
};

/* What a process has registered. */
struct made_codes {
	struct ps_prochandle *P;      /* to read from */
	VEC(struct made_file) files;  /* owned */
	VEC(struct made_code) pieces; /* newest registration first */
	size_t bytes, entries;
	bool lacking;
	struct fault why;
};

/* The piece that holds addr, among those that are registered; they are read when this is first
 * called. RES_NONE: there is none; [out->lo, out->hi) is a range around addr where there is none.
 * RES_FAIL: the same, but not all could be read; f says why. out belongs to the handle until it is
 * captured again. */
enum res made_code_at(struct ps_prochandle *P, uint64_t addr, struct made_code *out, struct fault *f);

/* Forget all of it. */
void made_codes_clear(struct made_codes *m);
void made_codes_destroy(struct made_codes *m); /* NULL ok */

#endif
