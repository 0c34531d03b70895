/* Architectures and thread pointers. */
#include "os/regs.h"
#include "proc/handle.h"

const struct arch *os_arch(struct ps_prochandle *P)
{
	return handle_arch(P);
}

uintptr_t os_thread_pointer(struct ps_prochandle *P, lwpid_t id, const prgregset_t regs)
{
	/* Code segment of 32-bit programs: __USER32_CS of Linux arch/x86/include/asm/segment.h, and
	 * Xen's. */
	enum { CS_32 = 0x23, CS_32_XEN = 0xe023 };
	unsigned cs = (unsigned)regs[PRREG_CS] & 0xffff;

	if (P->illumos)
		return (uintptr_t)id;
	return (uintptr_t)regs[cs == CS_32 || cs == CS_32_XEN ? PRREG_GSBASE : PRREG_FSBASE];
}

bool os_thread_is_address(struct ps_prochandle *P)
{
	return !P->illumos;
}
