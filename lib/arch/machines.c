/* Names of machines. */
#include <elf.h>

#include "arch/arch.h"

/* Not every <elf.h> has these (System V ABI). */
#ifndef EM_MIPS
#define EM_MIPS 8
#endif
#ifndef EM_PPC64
#define EM_PPC64 21
#endif
#ifndef EM_S390
#define EM_S390 22
#endif
#ifndef EM_ARM
#define EM_ARM 40
#endif
#ifndef EM_AARCH64
#define EM_AARCH64 183
#endif
#ifndef EM_RISCV
#define EM_RISCV 243
#endif

const char *arch_machine_name(unsigned machine, unsigned elf_class)
{
	static const struct {
		unsigned machine;
		const char *name;
	} known[] = {
		{ EM_386, "i386" },
		{ EM_X86_64, "x86-64" },
		{ EM_ARM, "arm" },
		{ EM_AARCH64, "aarch64" },
		{ EM_PPC64, "ppc64" },
		{ EM_S390, "s390" },
		{ EM_RISCV, "riscv" },
		{ EM_MIPS, "mips" },
	};

	if (machine == EM_X86_64 && elf_class == ELFCLASS32)
		return "x32";
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].machine == machine)
			return known[i].name;
	}
	return NULL;
}
