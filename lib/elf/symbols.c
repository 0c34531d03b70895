/* Symbol tables and the search by name. */
#include "elf/symbols.h"

#include <stdlib.h>
#include <string.h>

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
	for (size_t i = 0; i < syms->group_n; i++)
		free(syms->groups[i].places);
	free(syms->groups);
	free(syms->older);
	free(syms);
}

void elf_symbols_attach_debug(struct elf_symbols *syms, struct elf_image *debug)
{
	elf_image_close(syms->debug);
	syms->debug = debug;
	syms->loaded = false;
}

/* --- tables --- */

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

	/* Without symbols_load, because a debug file may be attached later. Index 0 is not a
	 * symbol. */
	return elf_image_shdr_of_type(syms->img, SHT_SYMTAB, &sh, NULL) &&
	       sh.sh_size > elf_image_class(syms->img)->sym;
}

/* --- by name --- */

/* True if the key is the symbol's name, without its version. */
static bool has_name(const struct symbol_table *t, const GElf_Sym *sym, const struct symbol_key *key)
{
	const char *own = symbol_name(t, sym);

	return own != NULL && own[0] == key->name[0] && strncmp(own, key->name, key->n) == 0 &&
	       (own[key->n] == '\0' || own[key->n] == '@');
}

/* The first symbol of that name in [from, to); a defined one is preferred to an undefined one.
 * Names of files and sections do not count. */
static enum res scan_table(const struct symbol_table *t, size_t from, size_t to, const struct symbol_key *key,
    struct elf_symbol *out)
{
	enum res res = RES_NONE;
	GElf_Sym sym;

	for (size_t i = from; i < to && symbol_read(t, i, &sym); i++) {
		unsigned type = GELF_ST_TYPE(sym.st_info);
		bool defined = sym.st_shndx != SHN_UNDEF;

		if ((!defined && res == RES_OK) || type == STT_FILE || type == STT_SECTION ||
		    !has_name(t, &sym, key))
			continue;
		symbol_fill(t, i, &sym, out);
		res = RES_OK;
		if (defined)
			break;
	}
	return res;
}

static bool is_defined(const struct elf_symbol *found)
{
	return found->sym.st_shndx != SHN_UNDEF;
}

/* A search in .dynsym. Undefined symbols precede those in the hash table. */
static enum res scan_dynamic(struct elf_symbols *syms, const struct symbol_key *key, struct elf_symbol *out)
{
	const struct symbol_table *t = &syms->tables[TABLE_DYNSYM];

	return scan_table(t, 1, syms->hash.there ? syms->hash.first : t->n, key, out);
}

static bool defined_dynamic(struct elf_symbols *syms, const struct symbol_key *key, struct elf_symbol *out)
{
	const struct symbol_table *t = &syms->tables[TABLE_DYNSYM];
	size_t index;
	GElf_Sym sym;

	if (!syms->hash.there)
		return scan_dynamic(syms, key, out) == RES_OK && is_defined(out);
	if (!symbol_hash_find(syms, key, &index) || !symbol_read(t, index, &sym))
		return false;
	symbol_fill(t, index, &sym, out);
	return true;
}

enum res elf_symbols_by_name(struct elf_symbols *syms, const char *name, struct elf_symbol *out)
{
	static const uint8_t others[] = { TABLE_SYMTAB, TABLE_DEBUG };
	const struct symbol_key key = { name, strlen(name) };
	struct elf_symbol undefined;
	bool wanted = false;

	if (key.n == 0)
		return RES_NONE;
	symbols_load(syms);
	if (defined_dynamic(syms, &key, out))
		return RES_OK;
	for (size_t i = 0; i < sizeof(others); i++) {
		const struct symbol_table *t = &syms->tables[others[i]];
		struct elf_symbol found;

		if (scan_table(t, 1, t->n, &key, &found) != RES_OK)
			continue;
		if (is_defined(&found)) {
			*out = found;
			return RES_OK;
		}
		if (others[i] == TABLE_SYMTAB) {
			undefined = found;
			wanted = true;
		}
	}
	if (scan_dynamic(syms, &key, out) == RES_OK)
		return RES_OK;
	if (wanted)
		*out = undefined;
	return wanted ? RES_OK : RES_NONE;
}

void elf_symbols_each(
    struct elf_symbols *syms, bool (*fn)(void *data, const struct elf_symbol *symbol), void *data)
{
	symbols_load(syms);
	for (size_t k = 0; k < SYMBOL_TABLES; k++) {
		const struct symbol_table *t = &syms->tables[k];
		struct elf_symbol symbol;
		GElf_Sym sym;

		for (size_t i = 1; i < t->n && symbol_read(t, i, &sym); i++) {
			const char *name = symbol_name(t, &sym);

			if (name == NULL || name[0] == '\0')
				continue;
			symbol_fill(t, i, &sym, &symbol);
			if (!fn(data, &symbol))
				return;
		}
	}
}

bool elf_symbols_exports(struct elf_symbols *syms, const char *name)
{
	const struct symbol_key key = { name, strlen(name) };
	struct elf_symbol found;

	symbols_load(syms);
	return key.n != 0 && defined_dynamic(syms, &key, &found);
}

bool elf_symbols_imports(struct elf_symbols *syms, const char *name)
{
	const struct symbol_key key = { name, strlen(name) };
	struct elf_symbol found;

	symbols_load(syms);
	return key.n != 0 && scan_dynamic(syms, &key, &found) == RES_OK && !is_defined(&found);
}

bool elf_symbols_dynamic(struct elf_symbols *syms)
{
	symbols_load(syms);
	return syms->tables[TABLE_DYNSYM].n > 1;
}
