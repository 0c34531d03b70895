/* Functions that only return the value of a variable: the variable's address, from their code. */
#include <string.h>

#include "arch/x86.h"

static bool read_whole(const struct arch_memory *mem, void *buf, size_t n, uint64_t va)
{
	return mem->read(mem->data, buf, n, va);
}

/* Skip these bytes if they come next. */
static bool take_bytes(struct span *s, const char *bytes, size_t n)
{
	struct span ahead = *s;

	if (span_left(s) < n || memcmp(s->at, bytes, n) != 0)
		return false;
	(void)span_skip(&ahead, n);
	*s = ahead;
	return true;
}

#define TAKE(s, bytes) take_bytes(s, bytes, sizeof(bytes) - 1)

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

/*   [endbr64] [push %rbp; mov %rsp,%rbp]
 *   mov X(%rip),%rax                           X
 *   mov X(%rip),%rax; mov N(%rax),%rax         *X + N   (position-independent code)
 *   lea X(%rip),%rax; mov [N](%rax),%rax       X + N
 *   [pop %rbp | leave] ret */
uint64_t x86_64_returned_variable(const struct arch_memory *mem, struct span code, uint64_t va)
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
	if (loaded && !address && !read_whole(mem, &at, sizeof(at), at))
		return 0;
	return at + (uint64_t)offset;
}

/* --- i386 --- */

/* Does the function at va only copy its return address to a register? *reg: which. */
static bool is_thunk(const struct arch_memory *mem, uint32_t va, uint8_t *reg)
{
	uint8_t b[4]; /* mov (%esp),REG; ret */

	if (!read_whole(mem, b, sizeof(b), va) || b[0] != 0x8b || (b[1] & 0xc7) != 0x04 || b[2] != 0x24 ||
	    b[3] != 0xc3)
		return false;
	*reg = b[1] >> 3;
	return true;
}

/* OP N(REG),%eax in its three lengths; REG is not esp. */
static bool take_op(struct span *s, uint8_t op, uint8_t reg, uint32_t *offset)
{
	struct span ahead = *s;
	uint8_t code[2], near;

	if (!span_take(&ahead, code, sizeof(code)) || code[0] != op || (code[1] & 0x3f) != reg)
		return false;
	*offset = 0;
	if (code[1] >> 6 == 1) {
		if (!span_u8(&ahead, &near))
			return false;
		*offset = (uint32_t)(int32_t)(int8_t)near;
	} else if (code[1] >> 6 == 3 || (code[1] >> 6 == 2 && !span_u32(&ahead, offset))) {
		return false;
	}
	*s = ahead;
	return true;
}

/* call THUNK; add $N,REG. *base: the value of REG then. */
static bool take_base(const struct arch_memory *mem, struct span *s, const uint8_t *start, uint64_t va,
    uint32_t *base, uint8_t *reg)
{
	uint32_t distance, here, add;
	uint8_t code[2];

	if (!TAKE(s, "\xe8") || !span_u32(s, &distance))
		return false;
	here = (uint32_t)va + (uint32_t)(s->at - start);
	if (!is_thunk(mem, here + distance, reg))
		return false;
	if (*reg != 0 || !TAKE(s, "\x05")) {
		if (!span_take(s, code, sizeof(code)) || code[0] != 0x81 || code[1] != (0xc0 | *reg))
			return false;
	}
	if (!span_u32(s, &add))
		return false;
	*base = here + add;
	return true;
}

/* Position-independent code gets its own address from a call:
 *
 *   [endbr32] [push %ebp; mov %esp,%ebp] [push %ebx]
 *   mov X,%eax                                                      X
 *   call THUNK; add $A,REG; mov B(REG),%eax                         A + B past the call
 *   call THUNK; add $A,REG; mov B(REG),%eax; mov [N](%eax),%eax     *(the same) + N
 *   call THUNK; add $A,REG; lea B(REG),%eax; mov [N](%eax),%eax     the same + N
 *   [pop %ebx] [pop %ebp | leave] ret                               THUNK: mov (%esp),REG; ret */
uint64_t i386_returned_variable(const struct arch_memory *mem, struct span code, uint64_t va)
{
	enum { MOV = 0x8b, LEA = 0x8d, IN_EAX = 0, IN_EBX = 3 };
	const uint8_t *start = code.at;
	uint32_t at = 0, offset = 0;
	uint8_t reg = IN_EAX;
	bool address = false, loaded, saves;

	(void)TAKE(&code, "\xf3\x0f\x1e\xfb");
	if (TAKE(&code, "\x55"))
		(void)TAKE(&code, "\x89\xe5");
	saves = TAKE(&code, "\x53");
	if (TAKE(&code, "\xa1")) {
		if (!span_u32(&code, &at))
			return 0;
	} else {
		if (!take_base(mem, &code, start, va, &at, &reg))
			return 0;
		address = take_op(&code, LEA, reg, &offset);
		if (!address && !take_op(&code, MOV, reg, &offset))
			return 0;
		at += offset;
	}
	loaded = take_op(&code, MOV, IN_EAX, &offset);
	if (saves && !TAKE(&code, "\x5b"))
		return 0;
	if (!TAKE(&code, "\x5d"))
		(void)TAKE(&code, "\xc9");
	if (!TAKE(&code, "\xc3") || (address && !loaded))
		return 0;
	if (loaded && !address && !read_whole(mem, &at, sizeof(at), at))
		return 0;
	return loaded ? at + offset : at;
}
