/* interpreters.head → interpreter → thread state → back to the interpreter. */
#include "python/find/py_runtime_check.h"

#include "python/py_memory.h"
#include "python/py_process.h"

enum res py_runtime_validate(
    struct ps_prochandle *P, const struct py_layout *l, uint64_t addr, struct fault *f)
{
	uint64_t interp, tstate, back;
	int started = 0;

	if (!py_read_word(P, l, addr, l->runtime.interpreters_head, &interp))
		return fault_set(f, 0, 0, addr, "the state of the interpreter cannot be read");
	for (int i = 0; interp != 0 && i < PY_INTERPS_MAX && started == 0; i++) {
		if (!py_pointer_sane(interp, l->word) ||
		    !py_read_word(P, l, interp, l->interp.threads_head, &tstate))
			return fault_set(f, 0, 0, interp, "the list of interpreters is damaged");
		if (tstate != 0) {
			if (!py_pointer_sane(tstate, l->word) ||
			    !py_read_word(P, l, tstate, l->tstate.interp, &back) || back != interp)
				return fault_set(f, 0, 0, tstate,
				    "no thread state at the expected offset of an interpreter (damaged, or "
				    "an unknown "
				    "build)");
			started++;
		}
		if (!py_read_word(P, l, interp, l->interp.next, &interp))
			return fault_set(f, 0, 0, addr, "the list of interpreters is damaged");
	}
	return started != 0 ? RES_OK : RES_NONE;
}
