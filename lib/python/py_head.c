/* Finding interp_head. PyInterpreterState_Head() returns its value and does nothing else (CPython 2.4 to 3.6
 * Python/pystate.c), so that two or three instructions say where it is, in a stripped file and in any build. */
#include "python/py_head.h"

enum { CODE_MAX = 48 };

static uint64_t symbol(struct ps_prochandle *P, const char *object, const char *name)
{
	GElf_Sym sym;

	if (Plookup_by_name(P, object, name, &sym) != 0 || sym.st_shndx == SHN_UNDEF)
		return 0;
	return sym.st_value;
}

/* Take these bytes if they come next. */
static bool take(struct span *s, const char *bytes, size_t n)
{
	struct span ahead = *s;

	if (span_left(s) < n || memcmp(s->at, bytes, n) != 0)
		return false;
	(void)span_skip(&ahead, n);
	*s = ahead;
	return true;
}

#define TAKE(s, bytes) take(s, bytes, sizeof(bytes) - 1)

/* mov N(%rax),%rax in its three lengths. */
static bool take_load(struct span *s, int64_t *offset)
{
	uint8_t near;
	int32_t far;

	if (TAKE(s, "\x48\x8b\x00")) {
		*offset = 0;
		return true;
	}
	if (TAKE(s, "\x48\x8b\x40")) {
		if (!span_take(s, &near, sizeof(near)))
			return false;
		*offset = (int64_t)near - (near >= 0x80 ? 0x100 : 0);
		return true;
	}
	if (!TAKE(s, "\x48\x8b\x80") || !span_take(s, &far, sizeof(far)))
		return false;
	*offset = far;
	return true;
}

uint64_t py_head_of_code(struct ps_prochandle *P, struct span code, uint64_t va)
{
	const uint8_t *start = code.at;
	int64_t offset = 0;
	int32_t distance;
	uint64_t at;
	bool address, loaded;

	(void)TAKE(&code, "\xf3\x0f\x1e\xfa");
	if (TAKE(&code, "\x55"))
		(void)TAKE(&code, "\x48\x89\xe5");
	address = TAKE(&code, "\x48\x8d\x05");
	if ((!address && !TAKE(&code, "\x48\x8b\x05")) || !span_take(&code, &distance, sizeof(distance)))
		return 0;
	at = va + (uint64_t)(code.at - start) + (uint64_t)(int64_t)distance;
	loaded = take_load(&code, &offset);
	if (!TAKE(&code, "\x5d"))
		(void)TAKE(&code, "\xc9");
	if (!TAKE(&code, "\xc3") || (address && !loaded))
		return 0;
	if (loaded && !address && !py_read(P, &at, sizeof(at), at))
		return 0;
	return at + (uint64_t)offset;
}

static uint64_t by_code(struct ps_prochandle *P, const char *object)
{
	uint8_t code[CODE_MAX];
	uint64_t va = symbol(P, object, "PyInterpreterState_Head");
	ssize_t got = va == 0 ? 0 : Pread(P, code, sizeof(code), (uintptr_t)va);

	return got <= 0 ? 0 : py_head_of_code(P, span_of(code, (size_t)got), va);
}

static uint64_t by_running_thread(struct ps_prochandle *P, const char *object, const struct py_layout *l)
{
	uint64_t va = symbol(P, object, "_PyThreadState_Current"), tstate;

	if (va == 0 || !py_read_word(P, l, va, PY_AT(0), &tstate) || !py_pointer_sane(tstate, l->word))
		return 0;
	return tstate + l->tstate.interp - 1;
}

enum res py_head_find(
    struct ps_prochandle *P, const char *object, const struct py_layout *l, uint64_t *addr, struct fault *f)
{
	const uint64_t ways[] = { symbol(P, object, "interp_head"), by_code(P, object),
		by_running_thread(P, object, l) };
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
