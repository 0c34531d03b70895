/* See callsite.h. What is read of code here is bytes, not instructions. */
#include "unwind/callsite.h"

#include <string.h>

#include "unwind/cfi_read.h"
#include "unwind/unwind.h"

/* The longest call before a return address; a direct one (e8 rel32) begins at DIRECT_AT. */
enum { CALL_BYTES = 7, DIRECT_AT = 2 };

static bool calls_directly(const uint8_t b[CALL_BYTES])
{
	return b[DIRECT_AT] == 0xe8;
}

/* Do the bytes before a return address end in a call through a register or memory (ff /2: 2 to 7 bytes, none of 5)? */
static bool calls_anything(const uint8_t b[CALL_BYTES])
{
	for (size_t i = 0; i < CALL_BYTES - 1; i++) {
		if (i != DIRECT_AT && b[i] == 0xff && (b[i + 1] >> 3 & 7) == 2)
			return true;
	}
	return false;
}

struct call call_before(struct memory *mem, uint64_t ra, unsigned width)
{
	struct call call = { .direct = false };
	uint64_t word;
	uint8_t b[8];
	int32_t number;

	if (ra < sizeof(b) || !memory_word(mem, ra - sizeof(b), &word))
		return call;
	memcpy(b, &word, sizeof(b));
	memcpy(&number, b + 4, sizeof(number));
	word = cfi_cut(ra + (uint64_t)(int64_t)number, width);
	call.direct = calls_directly(b + 1);
	call.target = call.direct ? word : 0;
	call.anywhere = calls_anything(b + 1);
	call.word = width == 8 && b[2] == 0xff && b[3] == 0x15 ? word : 0;
	return call;
}

bool call_is_code(struct ps_prochandle *P, uint64_t va)
{
	const prmap_t *map = Paddr_to_map(P, va);

	return map != NULL && (map->pr_mflags & MA_EXEC) != 0;
}

bool call_is_before(struct memory *mem, uint64_t ra)
{
	struct call call = call_before(mem, ra, sizeof(uint64_t));

	return call.direct || call.anywhere;
}

bool unwind_follows_call(struct ps_prochandle *P, uint64_t addr)
{
	uint8_t b[CALL_BYTES];

	return call_is_code(P, addr) && Pread(P, b, sizeof(b), addr - sizeof(b)) == (ssize_t)sizeof(b) &&
	       (calls_directly(b) || calls_anything(b));
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
