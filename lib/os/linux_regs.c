/* Architectures and thread pointers. */
#include "os/regs.h"
#include "proc/handle.h"

const struct arch *os_arch(struct ps_prochandle *P)
{
	return handle_arch(P);
}

const struct arch_libc *os_libc(struct ps_prochandle *P)
{
	return handle_libc(P);
}

uintptr_t os_thread_pointer(struct ps_prochandle *P, lwpid_t id, const prgregset_t regs)
{
	prgreg_t pointer = regs[handle_arch(P)->system->thread_pointer];

	if (P->illumos)
		return (uintptr_t)id;
	return pointer == 0 ? 0 : (uintptr_t)(pointer + os_libc(P)->self);
}

bool os_thread_is_address(struct ps_prochandle *P)
{
	return !P->illumos;
}
