/* One symbol table and the symbols in it. */
#include "elf/symbols_impl.h"

#include <string.h>

#include "base/bytes.h"

void symbol_table_set(struct symbol_table *t, const struct elf_class *cls, enum elf_symbol_table kind,
    struct span syms, struct span names)
{
	/* st_name has 32 bits. */
	size_t left = span_left(&names) < UINT32_MAX ? span_left(&names) : UINT32_MAX;
	const uint8_t *nul = left == 0 ? NULL : bytes_last(names.at, 0, left);

	t->cls = cls;
	t->kind = kind;
	t->syms = syms;
	t->n = span_left(&syms) / t->cls->sym;
	if (t->n > SYMBOLS_MAX)
		t->n = SYMBOLS_MAX;
	t->names = names;
	t->names.end = nul == NULL ? names.at : nul + 1;
}

const char *symbol_name(const struct symbol_table *t, const GElf_Sym *sym)
{
	if (sym->st_name == 0 || sym->st_name >= span_left(&t->names) || t->names.at[sym->st_name] == 0)
		return NULL;
	return (const char *)t->names.at + sym->st_name;
}

size_t symbol_name_len(const char *name)
{
	size_t n = strlen(name);
	const char *version = n < 2 ? NULL : memchr(name + 1, '@', n - 1);

	return version == NULL ? n : (size_t)(version - name);
}

void symbol_fill(const struct symbol_table *t, size_t index, const GElf_Sym *sym, struct elf_symbol *out)
{
	const char *name = symbol_name(t, sym);

	out->name = name == NULL ? "" : name;
	out->name_len = symbol_name_len(out->name);
	out->sym = *sym;
	out->table = t->kind;
	out->id = (unsigned)index;
}
