/* Source lines of code, and the functions that the compiler has put into others, by the debug
 * information (DWARF 2 to 5) of a file.
 *
 *   source.c       the request, and the check of its answer
 *   source_find.c  the units with the code, and the functions at an address; in the child process
 *   unit.c, ranges.c, lines.c  addresses and line tables of a unit */
#ifndef DWARF_SOURCE_H
#define DWARF_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "elf/image.h"

enum { SOURCE_SPLIT_MAX = 16, SOURCE_DEPTH_MAX = 32, SOURCE_ADDRESSES = 256 };

/* The files that may be needed. */
struct source_files {
	struct elf_image *main;                    /* with the line tables */
	struct elf_image *common;                  /* what dwz has moved out of it; NULL: none */
	struct elf_image *split[SOURCE_SPLIT_MAX]; /* .dwo or .dwp files */
	size_t split_n;
};

/* A place in a source. Strings are never NULL; "" is unknown. */
struct source_place {
	const char *function;  /* the linker's name, if it is C++ or Rust, else that of the source */
	const char *file;      /* as the compiler was told it */
	const char *directory; /* that `file` is relative to */
	uint32_t line, column; /* 0: unknown */
};

/* The places of an address, innermost first: each function that was put into the next one's code,
 * and last the function that has the address in its code. The line of a caller is that of the
 * call. */
struct source_answer {
	struct source_place places[SOURCE_DEPTH_MAX];
	size_t n; /* 0: nothing is known */
};

/* A file with the rest of a unit. */
struct source_wanted {
	const char *name, *directory;
};

struct source_reply {
	struct source_answer *answers; /* one for each address */
	struct source_wanted wanted[SOURCE_SPLIT_MAX];
	size_t wanted_n; /* files that would tell more about these addresses */
	char *strings;   /* what the pointers point into */
};

/* Free what *reply has. */
void source_reply_free(struct source_reply *reply);

/* Find the places of n addresses of the file, at most SOURCE_ADDRESSES. The caller frees *reply, in
 * any case. RES_NONE: there is no line table, or this was built without libdwarf. RES_FAIL: it
 * cannot be read, or takes too long; f says why. Runs a child process: the caller must not have
 * stopped the target. */
enum res source_find(const struct source_files *files, const uint64_t *addresses, size_t n,
    struct source_reply *reply, struct fault *f);

#endif
