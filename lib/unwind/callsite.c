/* See callsite.h. What is read of code here is bytes, not instructions. */
#include "unwind/callsite.h"

#include <string.h>

#include "unwind/cfi_read.h"
#include "unwind/unwind.h"

/* Do the bytes before a return address end in a call through a register or memory? */
static bool calls_anything(const uint8_t b[8])
{
	for (size_t i = 1; i < 7; i++) {
		if (b[i] == 0xff && (b[i + 1] >> 3 & 7) == 2)
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
	call.direct = b[3] == 0xe8;
	call.target = call.direct ? word : 0;
	call.anywhere = calls_anything(b);
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

enum unwind_trampoline unwind_trampoline_end(const uint8_t code[UNWIND_TRAMPOLINE_BYTES])
{
	static const uint8_t drops[UNWIND_TRAMPOLINE_BYTES] = { 0x48, 0x83, 0xc4, 0x08, 0xc3 },
			     pops[] = { 0x5d, 0xc3 };

	if (memcmp(code, pops, sizeof(pops)) == 0)
		return UNWIND_TRAMPOLINE_POPS;
	return memcmp(code, drops, sizeof(drops)) == 0 ? UNWIND_TRAMPOLINE_DROPS : UNWIND_TRAMPOLINE_NONE;
}
