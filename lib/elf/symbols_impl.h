/* PRIVATE to lib/elf: symbol tables as they lie in the file, and the order by address over them.
 *
 *   tables[] { .symtab, .dynsym, .symtab of the debug file }    symbols of the image's class, read out one by one
 *   places[] { start, which symbol, reach }                     ascending by start, made on demand
 *
 * Nothing is allocated per symbol; names stay in their string tables. */
#ifndef ELF_SYMBOLS_IMPL_H
#define ELF_SYMBOLS_IMPL_H

#include "elf/symbols.h"

enum { SYMBOL_TABLES = 3, SYMBOL_ID_BITS = 30 };

/* Of one table; a file with holes can claim any number. Browsers with debug information have 2 million. */
enum { SYMBOLS_MAX = 1 << 25 };

struct symbol_table {
	const struct elf_class *cls;
	struct span syms;  /* whole symbols */
	struct span names; /* cut behind its last NUL: every offset inside it starts a string */
	size_t n;
	enum elf_symbol_table kind;
};

/* The DT_GNU_HASH of .dynsym, checked: buckets and chains are arrays of 32-bit words. */
struct symbol_hash {
	struct span buckets, chains, bloom; /* bloom: words of the class */
	uint32_t first;                     /* index of the first symbol it covers */
	uint32_t shift;
	bool there;
};

struct symbol_place {
	uint64_t start; /* st_value */
	uint32_t id;    /* table index in the upper bits, symbol index below */
	uint32_t reach; /* end of the farthest-reaching symbol up to this one, minus start, saturated */
};

struct elf_symbols {
	struct elf_image *img;
	struct elf_image *debug; /* owned */
	bool loaded;             /* tables and hash are filled in */
	struct symbol_table tables[SYMBOL_TABLES];
	struct symbol_hash hash;
	bool ordered;
	struct symbol_place *places;
	size_t place_n;
};

/* tables[] in the order of preference for addresses. */
enum { TABLE_SYMTAB, TABLE_DYNSYM, TABLE_DEBUG };

/* Find the tables, once. */
void symbols_load(struct elf_symbols *syms);
/* .dynsym by section headers or, failing these, by PT_DYNAMIC; and its hash. */
void symbols_load_dynamic(struct elf_symbols *syms);

/* A table out of raw parts: cut to whole symbols of that class and whole names. */
void symbol_table_set(struct symbol_table *t, const struct elf_class *cls, enum elf_symbol_table kind,
    struct span syms, struct span names);

bool symbol_read(const struct symbol_table *t, size_t index, GElf_Sym *out);
/* The name as it is in the table; NULL when it is not inside, or empty. */
const char *symbol_name(const struct symbol_table *t, const GElf_Sym *sym);
/* Its length without `@VERSION`. */
size_t symbol_name_len(const char *name);
void symbol_fill(const struct symbol_table *t, size_t index, const GElf_Sym *sym, struct elf_symbol *out);

/* The name that is looked up: n bytes, without a version. */
struct symbol_key {
	const char *name;
	size_t n;
};

/* Find a defined symbol of that name in .dynsym by its hash table. False: there is none. */
bool symbol_hash_find(const struct elf_symbols *syms, const struct symbol_key *key, size_t *index);

#endif
