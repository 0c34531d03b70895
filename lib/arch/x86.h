/* PRIVATE to lib/arch: what the system's file has of x86. */
#ifndef ARCH_X86_H
#define ARCH_X86_H

#include "arch/arch.h"

enum { X86_64_REGS = 17, I386_REGS = 9 };

extern const struct arch_system arch_system_x86_64, arch_system_i386;

#endif
