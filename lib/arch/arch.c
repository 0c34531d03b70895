/* Which architecture a file or process is of. */
#include "arch/arch.h"

static const struct arch *const arch_all[] = { &arch_x86_64, &arch_i386 };

const struct arch *arch_of_elf(unsigned machine, unsigned elf_class)
{
	for (size_t i = 0; i < sizeof(arch_all) / sizeof(arch_all[0]); i++) {
		if (arch_all[i]->machine == machine && arch_all[i]->elf_class == elf_class)
			return arch_all[i];
	}
	return NULL;
}

const struct arch *arch_of_host(bool narrow)
{
	return narrow ? &arch_i386 : &arch_x86_64;
}

const struct arch *arch_of_model(char model)
{
	return arch_of_host(model == arch_i386.model);
}
