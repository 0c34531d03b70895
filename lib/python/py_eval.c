/* Where the evaluation loop's machine code is, for versions whose frames mark no activation.
 *
 * The compiler splits the function: the seldom-run part stands elsewhere, as a local symbol
 * `_PyEval_EvalFrameDefault.cold` that strip removes. */
#include "python/py_process.h"

static bool range_of(struct ps_prochandle *P, const char *object, const char *name, struct py_range *out)
{
	GElf_Sym sym;

	if (Plookup_by_name(P, object, name, &sym) != 0 || sym.st_shndx == SHN_UNDEF || sym.st_size == 0 ||
	    sym.st_value + sym.st_size < sym.st_value)
		return false;
	*out = (struct py_range){ sym.st_value, sym.st_value + sym.st_size };
	return true;
}

size_t py_eval_ranges(struct py_process *py, size_t runtime, struct py_range *out, size_t max)
{
	static const char *const names[] = { "_PyEval_EvalFrameDefault", "_PyEval_EvalFrameDefault.cold" };
	size_t n = 0;

	if (runtime >= py->runtimes.n)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && n < max; i++) {
		if (range_of(py->P, py->runtimes.at[runtime].object, names[i], &out[n]))
			n++;
	}
	return n;
}
