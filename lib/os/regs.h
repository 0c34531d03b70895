/* Architectures and thread pointers. linux_regs.c, illumos.c. */
#ifndef OS_REGS_H
#define OS_REGS_H

#include <libproc.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"

/* The architecture of P's program. */
const struct arch *os_arch(struct ps_prochandle *P);

/* The C library of P's program, by the files that it has mapped: the usual one if none is known, as
 * in a statically linked program. */
const struct arch_libc *os_libc(struct ps_prochandle *P);

/* The value that pthread_self() returns in LWP `id` of P, whose registers are regs. With glibc and
 * musl it is the address of the thread's descriptor, which the thread pointer leads to; in
 * processes of illumos it is the LWP's number. 0: unknown, as in some cores of 32-bit processes. */
uintptr_t os_thread_pointer(struct ps_prochandle *P, lwpid_t id, const prgregset_t regs);

/* True if that value is the address of the thread's descriptor. False if it is the LWP's number. */
bool os_thread_is_address(struct ps_prochandle *P);

#endif
