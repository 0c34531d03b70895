/* One look-up. An undefined symbol is an import: its address belongs to another object. */
#include "python/py_symbol.h"

uint64_t py_symbol_address(struct ps_prochandle *P, const char *object, const char *name)
{
	GElf_Sym sym;

	if (Plookup_by_name(P, object, name, &sym) != 0 || sym.st_shndx == SHN_UNDEF)
		return 0;
	return sym.st_value;
}
