/* Symbol tables and the search by name. */
#include "elf/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "elf/symbols_impl.h"

struct elf_symbols *elf_symbols_create(struct elf_image *img)
{
	struct elf_symbols *syms = calloc(1, sizeof(*syms));

	if (syms != NULL)
		syms->img = img;
	return syms;
}

void elf_symbols_destroy(struct elf_symbols *syms)
{
	if (syms == NULL)
		return;
	elf_image_close(syms->debug);
	free(syms->places);
	free(syms);
}

void elf_symbols_attach_debug(struct elf_symbols *syms, struct elf_image *debug)
{
	elf_image_close(syms->debug);
	syms->debug = debug;
	syms->loaded = false;
}

/* --- tables --- */

void symbol_table_set(struct symbol_table *t, const struct elf_class *cls, enum elf_symbol_table kind,
    struct span syms, struct span names)
{
	size_t left = span_left(&names) < UINT32_MAX ? span_left(&names) : UINT32_MAX; /* as st_name */
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

static void load_symtab(struct elf_image *img, struct symbol_table *t)
{
	GElf_Shdr sh;
	size_t index;
	struct span syms, names;

	if (elf_image_shdr_of_type(img, SHT_SYMTAB, &sh, &index) &&
	    elf_image_section_bytes(img, index, &syms) == RES_OK &&
	    elf_image_section_bytes(img, sh.sh_link, &names) == RES_OK)
		symbol_table_set(t, elf_image_class(img), ELF_SYMTAB, syms, names);
}

void symbols_load(struct elf_symbols *syms)
{
	if (syms->loaded)
		return;
	syms->loaded = true;
	load_symtab(syms->img, &syms->tables[TABLE_SYMTAB]);
	if (syms->debug != NULL)
		load_symtab(syms->debug, &syms->tables[TABLE_DEBUG]);
	symbols_load_dynamic(syms);
}

bool elf_symbols_has_symtab(struct elf_symbols *syms)
{
	GElf_Shdr sh;

	/* Not through symbols_load: a debug file may still be attached after this. Index 0 is no symbol. */
	return elf_image_shdr_of_type(syms->img, SHT_SYMTAB, &sh, NULL) &&
	       sh.sh_size > elf_image_class(syms->img)->sym;
}

/* --- symbols --- */

bool symbol_read(const struct symbol_table *t, size_t index, GElf_Sym *out)
{
	if (index >= t->n)
		return false;
	elf_class_sym(t->cls, t->syms.at + index * t->cls->sym, out);
	return true;
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

/* --- by name --- */

/* Is name[0 … n) the symbol's name, up to its version? */
static bool has_name(const struct symbol_table *t, const GElf_Sym *sym, const char *name, size_t n)
{
	const char *own = symbol_name(t, sym);

	return own != NULL && own[0] == name[0] && strncmp(own, name, n) == 0 &&
	       (own[n] == '\0' || own[n] == '@');
}

/* First symbol of that name in [from, to) that is (un)defined. File and section names are no symbols. */
static bool scan(const struct symbol_table *t, size_t from, size_t to, const char *name, size_t n,
    bool defined, struct elf_symbol *out)
{
	GElf_Sym sym;

	for (size_t i = from; i < to && symbol_read(t, i, &sym); i++) {
		unsigned type = GELF_ST_TYPE(sym.st_info);

		if ((sym.st_shndx != SHN_UNDEF) == defined && type != STT_FILE && type != STT_SECTION &&
		    has_name(t, &sym, name, n)) {
			symbol_fill(t, i, &sym, out);
			return true;
		}
	}
	return false;
}

static bool defined_dynamic(struct elf_symbols *syms, const char *name, size_t n, struct elf_symbol *out)
{
	const struct symbol_table *t = &syms->tables[TABLE_DYNSYM];
	size_t index;
	GElf_Sym sym;

	if (!syms->hash.there)
		return scan(t, 1, t->n, name, n, true, out);
	if (!symbol_hash_find(syms, name, n, &index) || !symbol_read(t, index, &sym))
		return false;
	symbol_fill(t, index, &sym, out);
	return true;
}

enum res elf_symbols_by_name(struct elf_symbols *syms, const char *name, struct elf_symbol *out)
{
	static const uint8_t others[] = { TABLE_SYMTAB, TABLE_DEBUG };
	size_t n = strlen(name);
	const struct symbol_table *t;

	if (n == 0)
		return RES_NONE;
	symbols_load(syms);
	if (defined_dynamic(syms, name, n, out))
		return RES_OK;
	for (size_t i = 0; i < sizeof(others); i++) {
		t = &syms->tables[others[i]];
		if (scan(t, 1, t->n, name, n, true, out))
			return RES_OK;
	}
	/* Undefined symbols come before those that the hash covers. */
	t = &syms->tables[TABLE_DYNSYM];
	if (scan(t, 1, syms->hash.there ? syms->hash.first : t->n, name, n, false, out))
		return RES_OK;
	t = &syms->tables[TABLE_SYMTAB];
	return scan(t, 1, t->n, name, n, false, out) ? RES_OK : RES_NONE;
}
