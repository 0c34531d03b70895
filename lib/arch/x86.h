/* PRIVATE to lib/arch: what x86-64 and i386 have in common, or another file has of them. */
#ifndef ARCH_X86_H
#define ARCH_X86_H

#include "arch/arch.h"

enum { X86_64_REGS = 17, I386_REGS = 9, X86_64_PARTS = 70, I386_PARTS = 26 };

extern const struct arch_part x86_parts_x86_64[X86_64_PARTS], x86_parts_i386[I386_PARTS];
extern const struct arch_system arch_system_x86_64, arch_system_i386;

/* x86_variable.c; see struct arch. */
uint64_t x86_64_returned_variable(const struct arch_memory *mem, struct span code, uint64_t va);
uint64_t i386_returned_variable(const struct arch_memory *mem, struct span code, uint64_t va);

/* linux_syscalls_64.c, linux_syscalls_32.c */
extern const struct arch_syscalls arch_syscalls_x86_64, arch_syscalls_i386;

/* x86_arguments.c */
unsigned x86_64_stored_args(const uint8_t *code, size_t n, struct arch_stored_arg out[ARCH_ARGS]);
unsigned i386_passed_args(const uint8_t code[ARCH_AFTER_CALL_BYTES], unsigned most);

/* x86_bytes.c; see struct arch. */
struct arch_call x86_64_call_before(const uint8_t bytes[ARCH_CALL_BYTES], uint64_t ra);
struct arch_call i386_call_before(const uint8_t bytes[ARCH_CALL_BYTES], uint64_t ra);
bool x86_64_jumps_to(const uint8_t *code, size_t n, uint64_t va, uint64_t target);
bool i386_jumps_to(const uint8_t *code, size_t n, uint64_t va, uint64_t target);
bool x86_64_returns_at(const uint8_t bytes[ARCH_RETURN_BYTES]);
bool i386_returns_at(const uint8_t bytes[ARCH_RETURN_BYTES]);
bool x86_64_frame_sizes(const uint8_t *code, size_t n, struct arch_sizes *out);
bool i386_frame_sizes(const uint8_t *code, size_t n, struct arch_sizes *out);

#endif
