/* Symbols of one ELF image, found by name or by address.
 *
 * Sources: .symtab and .dynsym of the image itself, and .symtab of a separate debug file if one is
 * attached. They are found by section headers; in an image from memory .dynsym is found by
 * PT_DYNAMIC's DT_SYMTAB and DT_STRTAB, and its size by DT_HASH or DT_GNU_HASH. Nothing is parsed
 * before the first query, and the order by address is made at the first query by address. */
#ifndef ELF_SYMBOLS_H
#define ELF_SYMBOLS_H

#include "elf/image.h"

struct elf_symbols;

enum elf_symbol_table { ELF_SYMTAB = 1, ELF_DYNSYM = 2 }; /* same numbers as PR_SYMTAB, PR_DYNSYM */

struct elf_symbol {
	const char *name; /* with `@VERSION` if the table has it; owned by the image */
	size_t name_len;  /* without `@VERSION` */
	GElf_Sym sym;     /* st_value is a link-time address */
	enum elf_symbol_table table;
	unsigned id; /* index in that table */
};

/* img must outlive the result. Returns NULL if memory is exhausted. */
struct elf_symbols *elf_symbols_create(struct elf_image *img);
void elf_symbols_destroy(struct elf_symbols *syms); /* NULL ok; closes an attached debug image */

/* Attach the separate debug file, which is closed with syms. Must be called before the first
 * query. */
void elf_symbols_attach_debug(struct elf_symbols *syms, struct elf_image *debug);

/* The best symbol that contains vaddr: STT_FUNC, OBJECT, COMMON or GNU_IFUNC with st_value <= vaddr
 * < st_value + st_size. A function of size 0, as assembler code may define it, matches its first
 * byte if no other symbol does. TLS symbols are offsets and never match. Order of preference:
 * highest st_value, FUNC, global or weak, no leading '$', fewer leading '_', smaller size, strcmp.
 * RES_NONE: no symbol. */
enum res elf_symbols_by_addr(struct elf_symbols *syms, uint64_t vaddr, struct elf_symbol *out);

/* The symbol with this exact name; an `@VERSION` in the table is ignored. Defined symbols are
 * preferred to SHN_UNDEF ones. .dynsym is searched first, .symtab only if .dynsym does not define
 * the name. */
enum res elf_symbols_by_name(struct elf_symbols *syms, const char *name, struct elf_symbol *out);

/* Call fn for each symbol of .symtab, .dynsym and the debug file that has a name, until it returns
 * false. */
void elf_symbols_each(
    struct elf_symbols *syms, bool (*fn)(void *data, const struct elf_symbol *symbol), void *data);

/* True if the dynamic symbol table defines this name (exports), or needs it from another file
 * (imports). Quick, because .symtab is not searched. Without dynamic symbols both are false. */
bool elf_symbols_exports(struct elf_symbols *syms, const char *name);
bool elf_symbols_imports(struct elf_symbols *syms, const char *name);

/* True if the image has dynamic symbols. */
bool elf_symbols_dynamic(struct elf_symbols *syms);

/* True if the image itself has a .symtab. If not, a debug file may have one. */
bool elf_symbols_has_symtab(struct elf_symbols *syms);

#endif
