/* Registers from the kernel's order to that of prgregset_t. */
#include "proc/live/hold_regs.h"

#include <string.h>

#include "arch/arch.h"

void hold_regs_from_user(prgregset_t regs, const struct user_regs_struct *u)
{
	const struct arch_system *system = arch_of_host(false)->system;
	prgreg_t words[sizeof(*u) / sizeof(prgreg_t)];

	memcpy(words, u, sizeof(words));
	memset(regs, 0, sizeof(prgregset_t));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && i < system->n_user_regs; i++) {
		if (system->user_regs[i] >= 0)
			regs[system->user_regs[i]] = words[i];
	}
}

long hold_regs_syscall(const struct user_regs_struct *u)
{
	long number;

	memcpy(&number, (const char *)u + arch_of_host(false)->system->user_syscall * sizeof(number),
	    sizeof(number));
	return number;
}
