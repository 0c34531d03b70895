/* Symbols of one ELF image, found by name or by address.
 *
 * Sources, in the order they are consulted: .symtab and .dynsym of the image itself (by section
 * headers; an image from memory: through PT_DYNAMIC's DT_SYMTAB/DT_STRTAB, count from DT_HASH or
 * DT_GNU_HASH), plus .symtab of a separate debug file when one is attached. Nothing is
 * parsed before the first question; the by-address order is made at the first by-address question. */
#ifndef ELF_SYMBOLS_H
#define ELF_SYMBOLS_H

#include "elf/image.h"

struct elf_symbols;

enum elf_symbol_table { ELF_SYMTAB = 1, ELF_DYNSYM = 2 }; /* same numbers as PR_SYMTAB, PR_DYNSYM */

struct elf_symbol {
	const char *name; /* `@VERSION` is still there if the table has it; owned by the image */
	size_t name_len;  /* without `@VERSION` */
	GElf_Sym sym;     /* st_value is the file's own address */
	enum elf_symbol_table table;
	unsigned id; /* index in that table */
};

/* img must outlive the result. NULL: out of memory. */
struct elf_symbols *elf_symbols_create(struct elf_image *img);
void elf_symbols_destroy(struct elf_symbols *syms); /* NULL ok; closes an attached debug image */

/* Give it the separate debug file (taken over, closed with syms). Only before the first question. */
void elf_symbols_attach_debug(struct elf_symbols *syms, struct elf_image *debug);

/* The best symbol that contains vaddr: STT_FUNC/OBJECT/COMMON/TLS/GNU_IFUNC with st_value <= vaddr <
 * st_value + st_size (a function without a size, as assembler code may define it, matches its first byte if nothing else
 * does; TLS symbols are offsets and never match an address).
 * Ties: highest st_value, then FUNC over others, global/weak over local, no leading '$', fewer leading
 * '_', smaller size, strcmp. RES_NONE: nothing there. */
enum res elf_symbols_by_addr(struct elf_symbols *syms, uint64_t vaddr, struct elf_symbol *out);

/* By exact name (an `@VERSION` in the table is ignored); defined ones before SHN_UNDEF ones;
 * .dynsym is asked first, .symtab only if that has no defined hit. */
enum res elf_symbols_by_name(struct elf_symbols *syms, const char *name, struct elf_symbol *out);

/* Does the image's dynamic symbol table define this name, or want it of another file? Quick: .symtab is not looked at.
 * Of an image without dynamic symbols neither is true. */
bool elf_symbols_exports(struct elf_symbols *syms, const char *name);
bool elf_symbols_imports(struct elf_symbols *syms, const char *name);
bool elf_symbols_dynamic(struct elf_symbols *syms); /* are there any? */

/* Does the image have a .symtab of its own? (If not, a debug file is worth looking for.) */
bool elf_symbols_has_symtab(struct elf_symbols *syms);

#endif
