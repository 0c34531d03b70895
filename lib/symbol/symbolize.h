/* Names of program counters.
 *
 * Knows files and their symbols, through <libproc.h>, but neither stacks, nor Python, nor the
 * format of names. Source lines and inlined functions can become members of symbol_name. */
#ifndef SYMBOL_SYMBOLIZE_H
#define SYMBOL_SYMBOLIZE_H

#include <libproc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

/* Where a pc is in the file of its code. Strings belong to the symbolizer. */
struct symbol_place {
	const char *path;  /* of the file, as the target names it */
	const uint8_t *id; /* its build-id, id_n bytes; NULL: none, or the file is not available */
	size_t id_n;
	bool has_address; /* else no ELF file is mapped there, or its headers cannot be read */
	uint64_t address; /* the address in the file: pc less the load bias */
	bool has_offset;  /* else the mapping does not show it (the vdso) */
	uint64_t offset;  /* in bytes from the start of the file */
};

/* A place in a source. Strings are as in the debug information, never NULL; "" is unknown. */
struct symbol_line {
	const char *function;  /* the linker's name, if it is C++ or Rust */
	const char *demangled; /* as symbol_name.demangled */
	const char *file;      /* as the compiler was told it */
	const char *directory; /* that `file` is relative to */
	uint32_t line, column; /* 0: unknown */
};

/* Where a frame is in its source, innermost first: functions that the compiler has put into the
 * next one's code, each at the line that it executes, and last the function of the symbol. */
struct symbol_source {
	size_t n; /* 1 or more */
	struct symbol_line at[];
};

/* The name of a pc. Strings are as in the file, not escaped. */
struct symbol_name {
	uint32_t id;        /* index among the symbolizer's names */
	uint64_t pc;        /* run-time address */
	const char *object; /* base name of the file of the code; NULL: none */
	const char *symbol; /* the function; NULL: no symbol covers it */
	uint64_t offset;    /* with symbol: pc less the symbol's address */
	/* Without symbol: the address in the file, pc less its load bias; pc itself if no ELF
	 * file is mapped there, or its headers cannot be read. */
	uint64_t address;
	/* Without symbol: the address in the file at which the function starts, by the unwind
	 * table; 0: unknown, or not wanted. */
	uint64_t function;
	const struct symbol_place *place; /* NULL: no object, or places are not wanted */
	const char *demangled;            /* the name of `symbol` in C++ or Rust; NULL: none, or not wanted */
	const struct symbol_source *source; /* NULL: unknown, or not wanted */
	bool made;                          /* of code in no file: there may be other code at another time */
	unsigned turn;                      /* with made: when it was looked up last (symbolize.c) */
};

/* A pc to name. */
struct symbol_query {
	uint64_t pc;
	bool exact;    /* pc is an instruction of the function; false: a return address, whose
	             * function is that of the call before it */
	bool nameless; /* its name is its address: what P has mapped there is something else */
	bool late;     /* P has gone on since pc was read: if the name is of code in no file, which may
	             * have been replaced, it ends in '?' */
};

struct symbolizer;

/* A symbolizer of P, which must outlive it. NULL: out of memory. */
struct symbolizer *symbolizer_create(struct ps_prochandle *P);
void symbolizer_destroy(struct symbolizer *s); /* NULL ok */

/* What names have in addition to object, symbol and offset. */
struct symbol_wants {
	bool places;
	bool demangled;
	bool functions;
	bool source; /* debug information is read, where there is any, in a child process */
};

/* Give names that are looked up from now on what is wanted. At first that is nothing. */
void symbolizer_want(struct symbolizer *s, struct symbol_wants wants);

/* Let *s look names up in P from now on, another handle of the same process with the same mappings,
 * and keep those that were found, except those of code in no file, which are looked up again; *s
 * NULL: create it. RES_FAIL: out of memory. */
enum res symbolizer_follow(struct symbolizer **s, struct ps_prochandle *P, struct fault *f);

/* Name n pcs: out[i] is the name of queries[i]. Equal queries get the same pointer, valid as
 * long as s. RES_FAIL: out of memory; out is undefined. */
enum res symbolizer_names(struct symbolizer *s, const struct symbol_query *queries, size_t n,
    const struct symbol_name **out, struct fault *f);

enum symbol_lack_code {
	LACK_SOURCE,       /* source lines: debug information of `file` cannot be read */
	LACK_SOURCE_NAMES, /* names of C++ and Rust: the child process failed */
	LACK_MADE_CODE,    /* names of code in no file: what the program registers for debuggers */
	LACK_PERF_MAP,     /* names of code in no file: the program's file is not used */
};

/* Something that names lack for a reason that the user should know. */
struct symbol_lack {
	enum symbol_lack_code code;
	char *file; /* as the target names it; "": none */
	struct fault why;
};

/* The i-th lack of the names so far, valid until symbolizer_names is called; NULL: there are not so
 * many. */
const struct symbol_lack *symbolizer_lack(const struct symbolizer *s, size_t i);

/* The name with this id; NULL: there are not so many. */
const struct symbol_name *symbolizer_name(const struct symbolizer *s, size_t id);

#endif
