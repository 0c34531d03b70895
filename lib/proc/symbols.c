/* Symbols of a process: by address, through the object mapped there; by name, through all
 * objects. */
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "proc/handle.h"

/* The symbol with target addresses. Offsets in TLS, absolute values and undefined symbols stay as
 * they are, because they are not addresses in this object. */
static GElf_Sym relocate_symbol(const struct proc_object *obj, const struct elf_symbol *found)
{
	GElf_Sym sym = found->sym;

	if (GELF_ST_TYPE(sym.st_info) != STT_TLS && sym.st_shndx != SHN_ABS && sym.st_shndx != SHN_UNDEF)
		sym.st_value += obj->bias;
	return sym;
}

int Pxlookup_by_addr(
    struct ps_prochandle *P, uintptr_t addr, char *buf, size_t n, GElf_Sym *sym, prsyminfo_t *info)
{
	struct proc_objects *o = handle_objects(P);
	struct proc_object *obj = o == NULL ? NULL : objects_at(o, addr);
	struct elf_symbols *syms = obj == NULL ? NULL : objects_symbols(o, obj);
	struct elf_symbol found;

	if (syms == NULL || elf_symbols_by_addr(syms, addr - obj->bias, &found) != RES_OK)
		return -1;
	*sym = relocate_symbol(obj, &found);
	if (n > 0) {
		size_t len = found.name_len < n - 1 ? found.name_len : n - 1;

		if (len > 0)
			memcpy(buf, found.name, len);
		buf[len] = '\0';
	}
	if (info != NULL)
		*info = (prsyminfo_t){ .prs_object = path_base(obj->path),
			.prs_name = n > 0 ? buf : NULL,
			.prs_id = found.id,
			.prs_table = found.table == ELF_SYMTAB ? PR_SYMTAB : PR_DYNSYM };
	return 0;
}

int Plookup_by_addr(struct ps_prochandle *P, uintptr_t addr, char *buf, size_t n, GElf_Sym *sym)
{
	return Pxlookup_by_addr(P, addr, buf, n, sym, NULL);
}

enum match { MATCH_PATH, MATCH_BASENAME, MATCH_PREFIX, MATCHES };

static bool object_matches(const char *path, const char *name, enum match how)
{
	const char *base = path_base(path);
	size_t n = strlen(name);

	switch (how) {
	case MATCH_PATH:
		return strcmp(path, name) == 0;
	case MATCH_BASENAME:
		return strcmp(base, name) == 0;
	default: /* "libc.so" matches "libc.so.6" */
		return n > 0 && strncmp(base, name, n) == 0 && base[n] == '.';
	}
}

/* Is the start of the file mapped there? A program may map a part of a file again elsewhere. */
static bool has_start(const struct proc_objects *o, const struct proc_object *obj)
{
	const struct proc_map *m = objects_map(o, obj->base);

	return m != NULL && m->pr.pr_offset == 0;
}

/* The object with this name: the best kind of match, whatever the order of the mappings. */
static struct proc_object *object_named(struct ps_prochandle *P, struct proc_objects *o, const char *name)
{
	struct proc_object *found = NULL;

	if (name == PR_OBJ_EXEC || (name != PR_OBJ_LDSO && strcmp(name, "a.out") == 0))
		return handle_executable(P);
	if (name == PR_OBJ_LDSO) {
		long base = Pgetauxval(P, AT_BASE);

		return base == -1 ? NULL : objects_at(o, (uintptr_t)base);
	}
	for (int how = MATCH_PATH; how < MATCHES && found == NULL; how++) {
		for (size_t i = 0; i < o->objects.n && (found == NULL || !has_start(o, found)); i++) {
			struct proc_object *obj = &o->objects.at[i];

			if (obj->loaded && (found == NULL || has_start(o, obj)) &&
			    object_matches(obj->path, name, (enum match)how))
				found = obj;
		}
	}
	return found;
}

/* RES_OK: a definition; RES_NONE: none or, if *undefined is set, only a reference in *sym. */
static enum res by_name(
    struct proc_object *obj, struct elf_symbols *syms, const char *name, GElf_Sym *sym, bool *undefined)
{
	struct elf_symbol found;

	if (syms == NULL || elf_symbols_by_name(syms, name, &found) != RES_OK)
		return RES_NONE;
	if (found.sym.st_shndx != SHN_UNDEF) {
		*sym = relocate_symbol(obj, &found);
		return RES_OK;
	}
	if (!*undefined)
		*sym = relocate_symbol(obj, &found);
	*undefined = true;
	return RES_NONE;
}

/* Search all objects, the executable first. Debug files are not opened, because there may be
 * hundreds. */
static int lookup_everywhere(struct ps_prochandle *P, struct proc_objects *o, const char *name, GElf_Sym *out)
{
	struct proc_object *exec = handle_executable(P);
	bool undefined = false;
	GElf_Sym sym;

	if (exec != NULL && by_name(exec, objects_names(o, exec), name, &sym, &undefined) == RES_OK) {
		*out = sym;
		return 0;
	}
	for (size_t i = 0; i < o->objects.n; i++) {
		struct proc_object *obj = &o->objects.at[i];

		if (obj == exec || !obj->loaded)
			continue;
		if (by_name(obj, objects_names(o, obj), name, &sym, &undefined) == RES_OK) {
			*out = sym;
			return 0;
		}
	}
	if (undefined)
		*out = sym;
	return undefined ? 0 : -1;
}

int Plookup_by_name(struct ps_prochandle *P, const char *objname, const char *name, GElf_Sym *out)
{
	struct proc_objects *o = handle_objects(P);
	struct proc_object *obj;
	struct elf_symbols *names, *all;
	bool undefined = false;
	GElf_Sym sym;

	if (o == NULL)
		return -1;
	if (objname == PR_OBJ_EVERY)
		return lookup_everywhere(P, o, name, out);
	obj = object_named(P, o, objname);
	if (obj == NULL)
		return -1;
	/* Only symbols that a library does not export need its debug file. */
	names = objects_names(o, obj);
	if (by_name(obj, names, name, &sym, &undefined) != RES_OK) {
		all = objects_symbols(o, obj);
		if ((all == names || by_name(obj, all, name, &sym, &undefined) != RES_OK) && !undefined)
			return -1;
	}
	*out = sym;
	return 0;
}
