/* See syscalls.h. */
#include "arch/syscalls.h"

#include <string.h>

#include "arch/arch.h"

const struct arch_syscall *arch_syscall_at(const struct arch_syscalls *calls, long number)
{
	for (size_t i = 0; calls != NULL && number >= 0 && i < calls->n; i++) {
		if (calls->numbers[i] == number)
			return &calls->rows[i];
	}
	return NULL;
}

unsigned arch_syscall_argc(const struct arch_syscall *call)
{
	const char *at = call->args;
	unsigned n = 0;

	if (at[0] == '*')
		at += 2;
	if (at[0] == '?')
		return ARCH_ARGS;
	for (; at[0] != '\0' && n < ARCH_ARGS; at += strlen(at) + 1)
		n++;
	return n;
}

const struct arch *arch_of_entry(const struct arch *a, const uint8_t entry[ARCH_ENTRY])
{
	static const uint8_t int_80[ARCH_ENTRY] = { 0xcd, 0x80 };

	return a == &arch_x86_64 && memcmp(entry, int_80, sizeof(int_80)) == 0 ? &arch_i386 : a;
}

bool arch_call_of_code(const struct arch *a, const uint8_t code[ARCH_CALL_CODE], int32_t *number)
{
	static const uint8_t syscall_[ARCH_ENTRY] = { 0x0f, 0x05 }, int_80[ARCH_ENTRY] = { 0xcd, 0x80 };
	enum { MOV_EAX = 0xb8, AT = 1 };
	const uint8_t *entry = code + ARCH_CALL_CODE - ARCH_ENTRY;

	/* mov $number, %eax, unless the byte before it may make it %r8d. */
	if (code[AT] != MOV_EAX || (a == &arch_x86_64 && (code[0] & 0xf1) == 0x41) ||
	    memcmp(entry, a == &arch_x86_64 ? syscall_ : int_80, ARCH_ENTRY) != 0)
		return false;
	memcpy(number, code + AT + 1, sizeof(*number));
	return true;
}
