/* i386. */
#include <elf.h>
#include <libproc.h>

#include "arch/x86.h"

static const char *const names[I386_REGS] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip" };

/* robust_head: glibc 2.31, where no robust_prev precedes it; tid: 2.36 and 2.43, nptl/descr.h.
 * musl: as on x86-64. */
static const struct arch_libc libc[] = {
	{ .name = "glibc", .self = 0, .names_itself = true, .robust_head = 112, .tid = 104 },
	{ .name = "musl", .self = 0, .names_itself = true, .robust_head = 76, .tid = 24 },
};

const struct arch arch_i386 = {
	.name = "i386",
	.machine = EM_386,
	.elf_class = ELFCLASS32,
	.pointer_size = 4,
	.model = PR_MODEL_ILP32,
	.n_regs = I386_REGS,
	.pc = 8,
	.sp = 4,
	.fp = 5,
	.n_saved = 4,
	.saved = { 3, 5, 6, 7 },
	.saved_fp = 1,
	.kept = { { 1U << 3 | 1U << 5 | 1U << 6 | 1U << 7 } },
	.names = names,
	.parts = x86_parts_i386,
	.n_parts = I386_PARTS,
	.args = { 3, 1, 2, 6, 7, 5 }, /* Linux arch/x86/entry/entry_32.S */
	.system = &arch_system_i386,
	.libc = libc,
	.n_libc = sizeof(libc) / sizeof(libc[0]),
	.call_before = i386_call_before,
	.call = { { 0xe8 }, 1 },
	.jumps_to = i386_jumps_to,
	.returns_at = i386_returns_at,
	.returned_variable = i386_returned_variable,
	.frame_sizes = i386_frame_sizes,
	.passed_args = i386_passed_args,
	.cfi_is_doubted = true,
};
