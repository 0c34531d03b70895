/* PRIVATE to lib/elf: symbol tables, used in place in the file, and their order by address.
 *
 *   tables[] { .symtab, .dynsym, .symtab of the debug file }   symbols of the image's class
 *   groups[] { newest symbol, number, carry, places }          of neighbours, made on demand
 *   older[]                                                    the symbol before in its group
 *   places[] { start, symbol, reach }                          of one group, by start
 *
 * Nothing is allocated per symbol; names stay in their string tables. */
#ifndef ELF_SYMBOLS_IMPL_H
#define ELF_SYMBOLS_IMPL_H

#include <string.h>

#include "elf/symbols.h"

enum { SYMBOL_TABLES = 3, SYMBOL_ID_BITS = 30 };

/* Most symbols of one table: a file with holes can claim any number. Browsers with debug
 * information have 2 million. */
enum { SYMBOLS_MAX = 1 << 25 };

struct symbol_table {
	const struct elf_class *cls;
	struct span syms;  /* whole symbols */
	struct span names; /* ends after its last NUL, so that every offset in it starts a string */
	size_t n;
	enum elf_symbol_table kind;
};

/* The validated DT_GNU_HASH of .dynsym. Buckets and chains are arrays of 32-bit words. */
struct symbol_hash {
	struct span buckets, chains, bloom; /* bloom: words of the class */
	uint32_t first;                     /* index of the first symbol it covers */
	uint32_t shift;
	bool there;
};

struct symbol_place {
	uint64_t start; /* st_value */
	uint32_t id;    /* table index in the upper bits, symbol index in the lower ones */
	uint32_t reach; /* highest end of the symbols up to this one, minus start; saturated */
};

/* Group i begins at lowest + (i << bits). */
struct symbol_grouping {
	uint64_t lowest;
	uint64_t last; /* number of the last group */
	unsigned bits;
};

/* Symbols whose starts have the same upper bits. Symbols are numbered through all tables; 0 is
 * none, because the first of a table is empty. */
struct symbol_group {
	uint64_t carry;              /* highest end of the symbols of all groups before */
	struct symbol_place *places; /* n of them in order; NULL: not sorted yet */
	uint32_t newest;             /* the one with the highest number; older[] leads to the others */
	uint32_t n;
};

struct elf_symbols {
	struct elf_image *img;
	struct elf_image *debug; /* owned */
	bool loaded;             /* tables and hash are filled in */
	struct symbol_table tables[SYMBOL_TABLES];
	struct symbol_hash hash;
	bool ordered;
	uint32_t *older;
	struct symbol_group *groups; /* group_n of them */
	size_t group_n;
	struct symbol_grouping by;
};

/* Indices of tables[], in the order of preference for addresses. */
enum { TABLE_SYMTAB, TABLE_DYNSYM, TABLE_DEBUG };

/* Find the tables at the first call; later calls do nothing. */
void symbols_load(struct elf_symbols *syms);

/* Find .dynsym by section headers or, without these, by PT_DYNAMIC; and its hash table. */
void symbols_load_dynamic(struct elf_symbols *syms);

/* Set a table from its raw parts, limited to whole symbols of that class and whole names. */
void symbol_table_set(struct symbol_table *t, const struct elf_class *cls, enum elf_symbol_table kind,
    struct span syms, struct span names);

/* Read one symbol. False: the index is out of range. Inline, because every symbol of a file is read
 * when the first address is looked up. */
static inline bool symbol_read(const struct symbol_table *t, size_t index, GElf_Sym *out)
{
	if (index >= t->n)
		return false;
	if (t->cls->sym == sizeof(*out))
		memcpy(out, t->syms.at + index * sizeof(*out), sizeof(*out));
	else
		elf_class_sym(t->cls, t->syms.at + index * t->cls->sym, out);
	return true;
}

/* The name in the table; NULL: it is empty or outside of the table. */
const char *symbol_name(const struct symbol_table *t, const GElf_Sym *sym);

/* The length of a name without `@VERSION`. */
size_t symbol_name_len(const char *name);

/* Set *out to the symbol, whose index in the table is `index`. */
void symbol_fill(const struct symbol_table *t, size_t index, const GElf_Sym *sym, struct elf_symbol *out);

/* The name that is looked up: n bytes, without a version. */
struct symbol_key {
	const char *name;
	size_t n;
};

/* Find a defined symbol of that name in .dynsym by its hash table. False: there is none. */
bool symbol_hash_find(const struct elf_symbols *syms, const struct symbol_key *key, size_t *index);

#endif
