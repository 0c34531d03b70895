/* See callsite.h. */
#include "unwind/callsite.h"

#include <string.h>

#include "os/regs.h"
#include "unwind/unwind.h"

struct arch_call call_before(const struct arch *arch, struct memory *mem, uint64_t ra)
{
	uint8_t b[8];
	uint64_t word;

	if (ra < sizeof(b) || !memory_word(mem, ra - sizeof(b), &word))
		return (struct arch_call){ .direct = false };
	memcpy(b, &word, sizeof(b));
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
	uint8_t b[ARCH_CALL_BYTES];
	struct arch_call call;

	if (!call_is_code(P, addr) || Pread(P, b, sizeof(b), addr - sizeof(b)) != (ssize_t)sizeof(b))
		return false;
	call = os_arch(P)->call_before(b, addr);
	return call.direct || call.anywhere;
}

enum unwind_perf_trampoline unwind_perf_trampoline(const uint8_t code[UNWIND_PERF_BYTES])
{
	static const uint8_t drops[UNWIND_PERF_BYTES] = { 0x48, 0x83, 0xc4, 0x08, 0xc3 },
			     pops[] = { 0x5d, 0xc3 };

	if (memcmp(code, pops, sizeof(pops)) == 0)
		return UNWIND_PERF_POPS;
	return memcmp(code, drops, sizeof(drops)) == 0 ? UNWIND_PERF_DROPS : UNWIND_PERF_NONE;
}

struct unwind_perf_caller unwind_perf_caller(
    enum unwind_perf_trampoline kind, uint64_t sp, const uint64_t words[2])
{
	return (struct unwind_perf_caller){ .pc = words[1],
		.sp = sp + 2 * sizeof(*words),
		.fp = words[0],
		.fp_known = kind == UNWIND_PERF_POPS };
}
