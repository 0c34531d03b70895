/* Which architecture a file or process is of. */
#include "arch/arch.h"

#include <string.h>

static const struct arch *const arch_all[] = { &arch_x86_64, &arch_i386 };

const struct arch *arch_of_elf(unsigned machine, unsigned elf_class)
{
	for (size_t i = 0; i < sizeof(arch_all) / sizeof(arch_all[0]); i++) {
		if (arch_all[i]->machine == machine && arch_all[i]->elf_class == elf_class)
			return arch_all[i];
	}
	return NULL;
}

const struct arch *arch_of_host(bool is_32bit)
{
	return is_32bit ? &arch_i386 : &arch_x86_64;
}

const struct arch_part *arch_part_named(const struct arch *arch, const char *name, size_t n)
{
	for (size_t i = 0; i < arch->n_parts; i++) {
		const struct arch_part *part = &arch->parts[i];

		if (n == strlen(part->name) && memcmp(name, part->name, n) == 0)
			return part;
	}
	return NULL;
}

const struct arch *arch_of_model(char model)
{
	return arch_of_host(model == arch_i386.model);
}
