/* Code of x86-64 and i386, read as bytes: a pattern may be where no instruction begins. */
#include <string.h>

#include "arch/x86.h"

static int32_t number_at(const uint8_t *at)
{
	int32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* --- calls and jumps --- */

/* A direct call (e8 rel32) of ARCH_CALL_BYTES, or one through a word (ff 15 rel32) begins there. */
enum { DIRECT_AT = 2, WORD_AT = 1 };

/* Do the bytes end in a call through a register or memory (ff /2: 2 to 7 bytes, none of 5)? */
static bool calls_anything(const uint8_t b[ARCH_CALL_BYTES])
{
	for (size_t i = 0; i < ARCH_CALL_BYTES - 1; i++) {
		if (i != DIRECT_AT && b[i] == 0xff && (b[i + 1] >> 3 & 7) == 2)
			return true;
	}
	return false;
}

struct arch_call x86_64_call_before(const uint8_t b[ARCH_CALL_BYTES], uint64_t ra)
{
	struct arch_call call = { .direct = b[DIRECT_AT] == 0xe8, .anywhere = calls_anything(b) };
	uint64_t place = ra + (uint64_t)(int64_t)number_at(b + DIRECT_AT + 1);

	call.target = call.direct ? place : 0;
	call.word = b[WORD_AT] == 0xff && b[WORD_AT + 1] == 0x15 ? place : 0;
	return call;
}

struct arch_call i386_call_before(const uint8_t b[ARCH_CALL_BYTES], uint64_t ra)
{
	struct arch_call call = x86_64_call_before(b, ra);

	call.target = (uint32_t)call.target;
	call.word = 0; /* that is the address itself */
	return call;
}

/* jmp, or the last bytes of a conditional one. */
static bool jumps_to(const uint8_t *code, size_t n, uint64_t va, uint64_t target, uint64_t mask)
{
	enum { BYTES = 5 };

	for (size_t i = 0; i + BYTES <= n; i++) {
		if ((code[i] == 0xe9 || (code[i] & 0xf0) == 0x80) &&
		    ((va + i + BYTES + (uint64_t)(int64_t)number_at(code + i + 1)) & mask) == target)
			return true;
	}
	return false;
}

bool x86_64_jumps_to(const uint8_t *code, size_t n, uint64_t va, uint64_t target)
{
	return jumps_to(code, n, va, target, UINT64_MAX);
}

bool i386_jumps_to(const uint8_t *code, size_t n, uint64_t va, uint64_t target)
{
	return jumps_to(code, n, va, target, UINT32_MAX);
}

/* ret; rep ret */
bool x86_64_returns_at(const uint8_t b[ARCH_RETURN_BYTES])
{
	return b[0] == 0xc3 || (b[0] == 0xf3 && b[1] == 0xc3);
}

/* The same, and thunks that tell where they were called from: mov (%esp),%REG; ret */
bool i386_returns_at(const uint8_t b[ARCH_RETURN_BYTES])
{
	return x86_64_returns_at(b) ||
	       (b[0] == 0x8b && (b[1] & 0xc7) == 0x04 && b[2] == 0x24 && b[3] == 0xc3);
}

/* --- sizes of frames --- */

enum { REX = 0x48, REX_R = 4, REX_B = 1 };

/* Does the instruction at b (its operation, after the prefix rex) set the stack pointer to
 * something that is not a constant away from where it was? sub, and: reg to rsp, alignment; mov,
 * lea: from a register that is not the frame pointer. With a bit of the prefix set, what looks like
 * rsp is r12. */
static bool moves_sp(const uint8_t *b, uint8_t rex)
{
	bool to_rm = (b[1] & 0xc7) == 0xc4 && (rex & REX_B) == 0;
	bool to_reg = (b[1] & 0xf8) == 0xe0 && (rex & REX_R) == 0;

	switch (b[0]) {
	case 0x29: /* sub reg, rsp */
		return to_rm;
	case 0x2b:
		return to_reg;
	case 0x89: /* mov reg, rsp; from rbp it is the end of the function */
		return to_rm && ((b[1] >> 3 & 7) != 5 || (rex & REX_R) != 0);
	case 0x8b:
		return to_reg && ((b[1] & 7) != 5 || (rex & REX_B) != 0);
	case 0x81: /* and $, rsp */
	case 0x83:
		return b[1] == 0xe4 && (rex & REX_B) == 0;
	case 0x8d: /* lea, rsp: from the frame pointer it is the end, from itself a constant */
		return (b[1] & 0x38) == 0x20 && (rex & REX_R) == 0 && (b[1] & 0xc0) != 0xc0 &&
		       (b[1] & 7) != 4 && ((b[1] & 7) != 5 || (rex & REX_B) != 0);
	default:
		return false;
	}
}

/* lea -N(%rsp), %rsp at b, as gcc -Og makes room: N; 0: it is something else. */
static int32_t room_by_lea(const uint8_t *b, const uint8_t *end)
{
	enum { LEA = 0x8d, SP_TO_SP_8 = 0x64, SP_TO_SP_32 = 0xa4, BASE_SP = 0x24 };
	int32_t offset = 0;

	if (b[0] != LEA || b[2] != BASE_SP)
		return 0;
	if (b[1] == SP_TO_SP_8)
		offset = (int32_t)(b[3] ^ 0x80U) - 0x80;
	else if (b[1] == SP_TO_SP_32 && end - b >= 7)
		offset = number_at(b + 3);
	return offset < 0 && offset > INT32_MIN ? -offset : 0;
}

/* prefix: instructions on the stack pointer have one. */
static bool frame_sizes(const uint8_t *code, size_t n, bool prefix, struct arch_sizes *out)
{
	const uint8_t *end = code + n, *b;

	for (b = code + prefix; b + 6 <= end; b++) {
		uint8_t rex = prefix ? b[-1] : REX;
		int32_t room;

		if ((rex & 0xf8) != REX)
			continue;
		if (moves_sp(b, rex))
			return false;
		if ((rex & REX_B) != 0)
			continue; /* r12's */
		room = (rex & REX_R) != 0 ? 0 : room_by_lea(b, end);
		if (room > 0 && !arch_sizes_add(out, room))
			return false;
		if (b[0] == 0x83 && b[1] == 0xec && b[2] < 0x80 && !arch_sizes_add(out, b[2]))
			return false;
		if (b[0] == 0x81 && b[1] == 0xec && number_at(b + 2) > 0 &&
		    !arch_sizes_add(out, number_at(b + 2)))
			return false;
	}
	return true;
}

bool x86_64_frame_sizes(const uint8_t *code, size_t n, struct arch_sizes *out)
{
	return frame_sizes(code, n, true, out);
}

bool i386_frame_sizes(const uint8_t *code, size_t n, struct arch_sizes *out)
{
	return frame_sizes(code, n, false, out);
}
