/* ELF constants and the header of a compressed section, for systems whose <elf.h> lacks these
 * additions of GNU and newer specifications. Source: System V ABI; LSB and GNU additions to it. */
#ifndef ELF_ELF_COMPAT_H
#define ELF_ELF_COMPAT_H

#include <elf.h>
#include <stdint.h>

/* Same layout as GElf_Chdr. */
struct elf_chdr {
	uint32_t ch_type;
	uint32_t ch_reserved;
	uint64_t ch_size;
	uint64_t ch_addralign;
};

/* The header in an ELF-32 file. */
struct elf32_chdr {
	uint32_t ch_type;
	uint32_t ch_size;
	uint32_t ch_addralign;
};

#ifndef PT_GNU_EH_FRAME
#define PT_GNU_EH_FRAME 0x6474e550
#endif
#ifndef SHT_GNU_HASH
#define SHT_GNU_HASH 0x6ffffff6
#endif
#ifndef SHF_COMPRESSED
#define SHF_COMPRESSED 0x800
#endif
#ifndef STT_GNU_IFUNC
#define STT_GNU_IFUNC 10
#endif
#ifndef DT_GNU_HASH
#define DT_GNU_HASH 0x6ffffef5
#endif
#ifndef NT_GNU_BUILD_ID
#define NT_GNU_BUILD_ID 3
#endif

#endif
