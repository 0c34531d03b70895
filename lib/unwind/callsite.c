/* See callsite.h. */
#include "unwind/callsite.h"

#include <string.h>

#include "os/regs.h"
#include "unwind/unwind.h"

enum { WORD = 8, LEAST = 2 /* bytes of the shortest call */ };

/* Get the bytes before ra. Made code may begin a mapping: before its start they are zeros, which
 * are part of no call. */
static bool bytes_before(struct memory *mem, uint64_t ra, uint8_t b[WORD])
{
	uint64_t word;

	for (size_t n = WORD; n >= LEAST && ra >= n; n--) {
		if (memory_number(mem, ra - n, n, &word)) {
			memset(b, 0, WORD);
			memcpy(b + WORD - n, &word, n);
			return true;
		}
	}
	return false;
}

struct arch_call call_before(const struct arch *arch, struct memory *mem, uint64_t ra)
{
	uint8_t b[WORD];

	if (!bytes_before(mem, ra, b))
		return (struct arch_call){ .direct = false };
	return arch->call_before(b + sizeof(b) - ARCH_CALL_BYTES, ra);
}

bool call_is_code(struct ps_prochandle *P, uint64_t va)
{
	const prmap_t *map = Paddr_to_map(P, va);

	return map != NULL && (map->pr_mflags & MA_EXEC) != 0;
}

bool call_is_before(const struct arch *arch, struct memory *mem, uint64_t ra)
{
	struct arch_call call = call_before(arch, mem, ra);

	return call.direct || call.anywhere;
}

bool unwind_follows_call(struct ps_prochandle *P, uint64_t addr)
{
	const prmap_t *map = Paddr_to_map(P, addr);
	uint8_t b[ARCH_CALL_BYTES] = { 0 };
	struct arch_call call;
	size_t n;

	if (map == NULL || (map->pr_mflags & MA_EXEC) == 0)
		return false;
	n = addr - map->pr_vaddr < sizeof(b) ? (size_t)(addr - map->pr_vaddr) : sizeof(b);
	if (n < LEAST || Pread(P, b + sizeof(b) - n, n, addr - n) != (ssize_t)n)
		return false;
	call = os_arch(P)->call_before(b, addr);
	return call.direct || call.anywhere;
}

const struct arch_perf *unwind_perf_trampoline(const struct arch *arch, const uint8_t code[ARCH_PERF_END])
{
	for (size_t i = 0; arch->stubs != NULL && i < arch->stubs->n_perf; i++) {
		const struct arch_perf *perf = &arch->stubs->perf[i];

		if (memcmp(code, perf->code + perf->end, (size_t)perf->n - perf->end) == 0)
			return perf;
	}
	return NULL;
}

struct unwind_perf_caller unwind_perf_caller(
    const struct arch_perf *perf, uint64_t sp, const uint64_t words[2])
{
	return (struct unwind_perf_caller){ .pc = words[1],
		.sp = sp + 2 * sizeof(*words),
		.fp = words[0],
		.fp_known = perf->places[perf->end] == ARCH_PERF_FP };
}
