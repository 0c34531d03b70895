/* x86-64. */
#include <elf.h>
#include <libproc.h>

#include "arch/code.h"
#include "arch/stubs.h"
#include "arch/x86.h"

static const char *const names[X86_64_REGS] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8",
	"r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip" };

/* glibc 2.4 to 2.43, nptl/descr.h: struct pthread; sysdeps/x86_64/nptl/tls.h: tcbhead_t. musl 1.2,
 * src/internal/pthread_impl.h: struct pthread; only process-shared robust mutexes have a list. */
static const struct arch_libc libc[] = {
	{ .name = "glibc", .self = 0, .names_itself = true, .robust_head = 736, .tid = 720 },
	{ .name = "musl", .self = 0, .names_itself = true, .robust_head = 136, .tid = 48 },
};

const struct arch arch_x86_64 = {
	.name = "x86-64",
	.machine = EM_X86_64,
	.elf_class = ELFCLASS64,
	.pointer_size = 8,
	.model = PR_MODEL_LP64,
	.n_regs = X86_64_REGS,
	.pc = 16,
	.sp = 7,
	.fp = 6,
	.n_saved = 6,
	.saved = { 3, 6, 12, 13, 14, 15 },
	.saved_fp = 1,
	.red_zone = 128,
	.kept = { { 1U << 3 | 1U << 6 | 1U << 12 | 1U << 13 | 1U << 14 | 1U << 15 } },
	.names = names,
	.parts = x86_parts_x86_64,
	.n_parts = X86_64_PARTS,
	.args = { 5, 4, 1, 10, 8, 9 }, /* Linux arch/x86/entry/entry_64.S */
	.syscall = { 0x0f, 0x05 },
	.n_syscall = 2,
	.system = &arch_system_x86_64,
	.libc = libc,
	.n_libc = sizeof(libc) / sizeof(libc[0]),
	.call_before = x86_64_call_before,
	.call = { { 0xe8 }, 1 },
	.call_by_word = { { 0xff, 0x15 }, 2 },
	.jump_by_word = { { 0xff, 0x25 }, 2 },
	.jumps_to = x86_64_jumps_to,
	.returns_at = x86_64_returns_at,
	.returned_variable = x86_64_returned_variable,
	.frame_sizes = x86_64_frame_sizes,
	.stored_args = x86_64_stored_args,
	.code = &arch_code_x86_64,
	.stubs = &arch_stubs_x86_64,
	.has_fixed_frames = true,
	.has_libunwind = true,
};
