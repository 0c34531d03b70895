/* Linux on x86-64: register sets and signal frames of x86-64 and i386. */
#include <libproc.h>
#include <linux/audit.h>

#include "arch/x86.h"

static const uint8_t prgreg[X86_64_REGS] = {
	PRREG_RAX,
	PRREG_RDX,
	PRREG_RCX,
	PRREG_RBX,
	PRREG_RSI,
	PRREG_RDI,
	PRREG_RBP,
	PRREG_RSP,
	PRREG_R8,
	PRREG_R9,
	PRREG_R10,
	PRREG_R11,
	PRREG_R12,
	PRREG_R13,
	PRREG_R14,
	PRREG_R15,
	PRREG_RIP,
};

/* Values lie in the registers of x86-64 that hold them. */
static const uint8_t prgreg32[I386_REGS] = { PRREG_RAX, PRREG_RCX, PRREG_RDX, PRREG_RBX, PRREG_RSP, PRREG_RBP,
	PRREG_RSI, PRREG_RDI, PRREG_RIP };

enum { ORIG_RAX = 15, ORIG_EAX = 11 };

/* struct user_regs_struct (uapi/asm/ptrace-abi.h, sys/user.h). */
static const int8_t user_regs[] = {
	PRREG_R15,
	PRREG_R14,
	PRREG_R13,
	PRREG_R12,
	PRREG_RBP,
	PRREG_RBX,
	PRREG_R11,
	PRREG_R10,
	PRREG_R9,
	PRREG_R8,
	PRREG_RAX,
	PRREG_RCX,
	PRREG_RDX,
	PRREG_RSI,
	PRREG_RDI,
	[ORIG_RAX] = -1,
	PRREG_RIP,
	PRREG_CS,
	PRREG_RFL,
	PRREG_RSP,
	PRREG_SS,
	PRREG_FSBASE,
	PRREG_GSBASE,
	PRREG_DS,
	PRREG_ES,
	PRREG_FS,
	PRREG_GS,
};

/* struct user_regs_struct32 (Linux arch/x86/include/asm/user32.h). */
static const int8_t user_regs32[] = {
	PRREG_RBX,
	PRREG_RCX,
	PRREG_RDX,
	PRREG_RSI,
	PRREG_RDI,
	PRREG_RBP,
	PRREG_RAX,
	PRREG_DS,
	PRREG_ES,
	PRREG_FS,
	PRREG_GS,
	[ORIG_EAX] = -1,
	PRREG_RIP,
	PRREG_CS,
	PRREG_RFL,
	PRREG_RSP,
	PRREG_SS,
};

/* illumos <sys/regset.h> of i386: GS … SS. The stack pointer is user mode's (UESP). */
static const int8_t illumos_regs32[] = { PRREG_GS, PRREG_FS, PRREG_ES, PRREG_DS, PRREG_RDI, PRREG_RSI,
	PRREG_RBP, -1, PRREG_RBX, PRREG_RDX, PRREG_RCX, PRREG_RAX, PRREG_TRAPNO, PRREG_ERR, PRREG_RIP,
	PRREG_CS, PRREG_RFL, PRREG_RSP, PRREG_SS };

/* r8 to r15 */
enum { NOT_IN_I386 = (1 << (PRREG_R8 + 1)) - 1 };

/* Linux arch/x86/include/asm/sigframe.h: struct rt_sigframe. */
static const struct arch_sigreturn sigreturns[] = {
	/* mov $15 (rt_sigreturn), %rax; syscall */
	{ { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 }, 9, 40, 0, 0 },
};

/* The same: struct rt_sigframe_ia32, struct sigframe_ia32. */
static const struct arch_sigreturn sigreturns32[] = {
	/* mov $173 (rt_sigreturn), %eax; int $0x80: sp is at the handler's arguments, the third of
	 * which points to the context */
	{ { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80 }, 7, 8, 20, 0 },
	/* pop %eax; mov $119 (sigreturn), %eax; int $0x80: the context follows the argument */
	{ { 0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80 }, 8, 4, 0, 724 },
};

/* Flags of a program: interrupts enabled, and a bit that is always set. Its code segment: 32-bit,
 * 64-bit, 64-bit under Xen (Linux arch/x86/include/asm/segment.h). */
enum { USER_FLAGS = 0x202, USER_CS_32 = 0x23, USER_CS_64 = 0x33, USER_CS_XEN = 0xe033 };

/* A 64-bit program can make i386's system calls too. The kernel has them, or there would be no such
 * thread. */
enum { GET_ROBUST_LIST = 312 }; /* arch/x86/entry/syscalls/syscall_32.tbl */

static uint64_t robust_head_i386(int32_t id, volatile uint32_t low[2])
{
	long result = GET_ROBUST_LIST;

	__asm__ volatile("int $0x80"
			 : "+a"(result)
			 : "b"((long)id), "c"(low), "d"(low + 1)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result == 0 ? low[0] : 0;
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

const struct arch_system arch_system_x86_64 = {
	.prgreg = prgreg,
	.user_regs = user_regs,
	.n_user_regs = COUNT(user_regs),
	.user_syscall = ORIG_RAX,
	.thread_pointer = PRREG_FSBASE,
	.tls_selector = ARCH_NO_REG,
	.calls = &arch_syscalls_x86_64,
	.audit = AUDIT_ARCH_X86_64,
	.n_illumos_regs = NPRGREG,
	.context = { .regs = { 8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16 },
	    .n_regs = 17,
	    .n_words = 19,
	    .user_cs = { USER_CS_32, USER_CS_64, USER_CS_XEN },
	    .n_user_cs = 3,
	    .user_flags = USER_FLAGS,
	    .sp = 15,
	    .flags = 17,
	    .cs = 18 },
	.sigreturns = sigreturns,
	.n_sigreturns = COUNT(sigreturns),
	.uprobe_page = 0x7fffffffe000, /* TASK_SIZE - PAGE_SIZE: xol_add_vma, kernel/events/uprobes.c */
};

const struct arch_system arch_system_i386 = {
	.prgreg = prgreg32,
	.user_regs = user_regs32,
	.n_user_regs = COUNT(user_regs32),
	.user_syscall = ORIG_EAX,
	.calls = &arch_syscalls_i386,
	.audit = AUDIT_ARCH_I386,
	.robust_head = robust_head_i386,
	.robust_call = GET_ROBUST_LIST,
	.absent = NOT_IN_I386,
	.thread_pointer = PRREG_GSBASE,
	.tls_selector = PRREG_GS,
	.illumos_regs = illumos_regs32,
	.n_illumos_regs = COUNT(illumos_regs32),
	.context = { .regs = { ARCH_NO_REG, ARCH_NO_REG, ARCH_NO_REG, ARCH_NO_REG, 7, 6, 5, 4, 3, 2, 1, 0,
			 ARCH_NO_REG, ARCH_NO_REG, 8 },
	    .n_regs = 15,
	    .n_words = 19,
	    .sp_again = 17,
	    .user_cs = { USER_CS_32 },
	    .n_user_cs = 1,
	    .user_flags = USER_FLAGS,
	    .sp = 7,
	    .flags = 16,
	    .cs = 15 },
	.sigreturns = sigreturns32,
	.n_sigreturns = COUNT(sigreturns32),
	.has_plain_frames = true,
};
