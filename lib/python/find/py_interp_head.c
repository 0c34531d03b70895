/* Finding interp_head. PyInterpreterState_Head() only returns its value (CPython 2.4 to 3.6
 * Python/pystate.c): its two or three instructions hold the address, in stripped files and in any
 * build. */
#include "python/find/py_interp_head.h"

#include "os/regs.h"
#include "python/find/py_runtime_check.h"
#include "python/py_memory.h"
#include "python/py_symbol.h"

enum { CODE_MAX = 48 };

static bool read_target(void *P, void *buf, size_t n, uint64_t va)
{
	return py_read(P, buf, n, va);
}

static uint64_t head_by_code(struct ps_prochandle *P, const char *object)
{
	uint8_t code[CODE_MAX];
	uint64_t va = py_symbol_address(P, object, "PyInterpreterState_Head");
	ssize_t got = va == 0 ? 0 : Pread(P, code, sizeof(code), (uintptr_t)va);

	if (got <= 0)
		return 0;
	return os_arch(P)->returned_variable(
	    &(struct arch_memory){ read_target, P }, span_of(code, (size_t)got), va);
}

static uint64_t head_by_running_thread(struct ps_prochandle *P, const char *object, const struct py_layout *l)
{
	uint64_t va = py_symbol_address(P, object, "_PyThreadState_Current"), tstate;

	if (va == 0 || !py_read_word(P, l, va, PY_AT(0), &tstate) || !py_pointer_sane(tstate, l->word))
		return 0;
	return tstate + l->tstate.interp - 1;
}

enum res py_head_find(
    struct ps_prochandle *P, const char *object, const struct py_layout *l, uint64_t *addr, struct fault *f)
{
	const uint64_t ways[] = { py_symbol_address(P, object, "interp_head"), head_by_code(P, object),
		head_by_running_thread(P, object, l) };
	enum res best = fault_set(f, 0, 0, 0, "the list of interpreters of %.100s was not found", object);

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && best != RES_OK; i++) {
		enum res res = ways[i] == 0 ? RES_FAIL : py_runtime_validate(P, l, ways[i], f);

		if (res == RES_FAIL)
			continue;
		*addr = ways[i];
		best = res;
	}
	return best;
}
