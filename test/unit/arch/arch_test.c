/* Rules that every architecture's constant must keep. */
#include "arch/arch.h"

#include <check.h>
#include <elf.h>
#include <libproc.h>
#include <string.h>
#include <sys/user.h>

#include "arch/syscalls.h"
#include "support/run_suite.h"

static const struct arch *const all[] = { &arch_x86_64, &arch_i386 };

START_TEST(chosen_by_machine_and_class)
{
	ck_assert_ptr_eq(arch_of_elf(EM_X86_64, ELFCLASS64), &arch_x86_64);
	ck_assert_ptr_eq(arch_of_elf(EM_386, ELFCLASS32), &arch_i386);
	/* x32, and other machines with the class of a known one. */
	ck_assert_ptr_null(arch_of_elf(EM_X86_64, ELFCLASS32));
	ck_assert_ptr_null(arch_of_elf(EM_386, ELFCLASS64));
	ck_assert_ptr_null(arch_of_elf(EM_AARCH64, ELFCLASS64));
	ck_assert_ptr_null(arch_of_elf(EM_ARM, ELFCLASS32));
	ck_assert_ptr_null(arch_of_elf(EM_NONE, ELFCLASSNONE));
}
END_TEST

START_TEST(machines_have_names)
{
	ck_assert_str_eq(arch_machine_name(EM_X86_64, ELFCLASS64), "x86-64");
	ck_assert_str_eq(arch_machine_name(EM_X86_64, ELFCLASS32), "x32");
	ck_assert_str_eq(arch_machine_name(EM_AARCH64, ELFCLASS64), "aarch64");
	ck_assert_ptr_null(arch_machine_name(0xffff, ELFCLASS64));
	for (size_t a = 0; a < sizeof(all) / sizeof(all[0]); a++) {
		ck_assert_str_eq(arch_machine_name(all[a]->machine, all[a]->elf_class), all[a]->name);
		ck_assert_ptr_nonnull(strstr(ARCH_SUPPORTED, all[a]->name));
	}
}
END_TEST

START_TEST(registers_are_complete)
{
	for (size_t a = 0; a < sizeof(all) / sizeof(all[0]); a++) {
		const struct arch *arch = all[a];
		arch_set kept = { { 0 } };

		ck_assert_uint_le(arch->n_regs, ARCH_REGS_MAX);
		ck_assert(arch->pc < arch->n_regs && arch->sp < arch->n_regs && arch->fp < arch->n_regs);
		ck_assert(arch->n_saved > 0 && arch->n_saved <= ARCH_SAVED_MAX);
		for (unsigned i = 0; i < arch->n_saved; i++)
			arch_set_add(&kept, arch->saved[i]);
		ck_assert(arch_set_equal(kept, arch->kept));
		ck_assert_uint_lt(arch->saved_fp, arch->n_saved);
		ck_assert_uint_eq(arch->saved[arch->saved_fp], arch->fp);
		for (unsigned i = 0; i < arch->n_regs; i++) {
			ck_assert_ptr_nonnull(arch->names[i]);
			ck_assert_uint_lt(arch->system->prgreg[i], NPRGREG);
			for (unsigned k = 0; k < i; k++)
				ck_assert_uint_ne(arch->system->prgreg[i], arch->system->prgreg[k]);
		}
		ck_assert_int_eq(arch->system->prgreg[arch->pc], R_PC);
		ck_assert_int_eq(arch->system->prgreg[arch->sp], R_SP);
		ck_assert_int_eq(arch->system->prgreg[arch->fp], R_FP);
		ck_assert_uint_ne(arch->n_libc, 0);
	}
}
END_TEST

START_TEST(sets_of_registers)
{
	arch_set set = { { 0 } }, other = { { 0 } };

	ck_assert_uint_eq(arch_set_next(set, 0), ARCH_REGS_MAX);
	for (unsigned i = 0; i < ARCH_REGS_MAX; i++) {
		ck_assert(!arch_set_has(set, i));
		arch_set_add(&set, i);
		ck_assert(arch_set_has(set, i));
		ck_assert_uint_eq(arch_set_next(set, i), i);
		ck_assert_uint_eq(arch_set_next(set, i + 1), ARCH_REGS_MAX);
	}
	arch_set_add(&other, 0);
	arch_set_add(&other, ARCH_REGS_MAX - 1);
	arch_set_subtract(&set, other);
	ck_assert_uint_eq(arch_set_next(set, 0), 1);
	ck_assert(!arch_set_has(set, ARCH_REGS_MAX - 1));
	arch_set_add(&set, 0);
	arch_set_intersect(&set, other);
	ck_assert_uint_eq(arch_set_next(set, 1), ARCH_REGS_MAX);
	arch_set_remove(&other, ARCH_REGS_MAX - 1);
	ck_assert(arch_set_equal(set, other));
}
END_TEST

static void check_part(
    const struct arch *arch, const char *name, const char *whole, unsigned shift, unsigned bits)
{
	const struct arch_part *part = arch_part_named(arch, name, strlen(name));

	ck_assert_msg(part != NULL, "%s", name);
	ck_assert_str_eq(arch->names[part->reg], whole);
	ck_assert_uint_eq(part->shift, shift);
	ck_assert_uint_eq(part->bits, bits);
}

START_TEST(parts_of_registers)
{
	check_part(&arch_x86_64, "rax", "rax", 0, 64);
	check_part(&arch_x86_64, "edx", "rdx", 0, 32);
	check_part(&arch_x86_64, "cx", "rcx", 0, 16);
	check_part(&arch_x86_64, "bl", "rbx", 0, 8);
	check_part(&arch_x86_64, "dh", "rdx", 8, 8);
	check_part(&arch_x86_64, "sil", "rsi", 0, 8);
	check_part(&arch_x86_64, "r8", "r8", 0, 64);
	check_part(&arch_x86_64, "r15d", "r15", 0, 32);
	check_part(&arch_x86_64, "r10b", "r10", 0, 8);
	check_part(&arch_x86_64, "rip", "rip", 0, 64);
	check_part(&arch_i386, "eax", "eax", 0, 32);
	check_part(&arch_i386, "dx", "edx", 0, 16);
	check_part(&arch_i386, "ch", "ecx", 8, 8);
	check_part(&arch_i386, "eip", "eip", 0, 32);
	ck_assert_ptr_null(arch_part_named(&arch_i386, "rax", 3));
	ck_assert_ptr_null(arch_part_named(&arch_i386, "sil", 3));
	ck_assert_ptr_null(arch_part_named(&arch_x86_64, "", 0));
	ck_assert_ptr_null(arch_part_named(&arch_x86_64, "r", 1));
	ck_assert_ptr_null(arch_part_named(&arch_x86_64, "r16", 3));
	ck_assert_ptr_null(arch_part_named(&arch_x86_64, "raxx", 4));
	for (size_t a = 0; a < sizeof(all) / sizeof(all[0]); a++) {
		for (unsigned i = 0; i < all[a]->n_regs; i++)
			check_part(all[a], all[a]->names[i], all[a]->names[i], 0, all[a]->pointer_size * 8U);
		for (size_t i = 0; i < all[a]->n_parts; i++) {
			const struct arch_part *part = &all[a]->parts[i];

			ck_assert_ptr_eq(arch_part_named(all[a], part->name, strlen(part->name)), part);
			ck_assert_uint_lt(part->reg, all[a]->n_regs);
		}
	}
}
END_TEST

/* The compiler's own structure says where the kernel puts what. */
START_TEST(register_set_is_the_kernels)
{
	static const struct {
		size_t at;
		int prgreg;
	} rows[] = {
		{ offsetof(struct user_regs_struct, rip), PRREG_RIP },
		{ offsetof(struct user_regs_struct, rsp), PRREG_RSP },
		{ offsetof(struct user_regs_struct, rbp), PRREG_RBP },
		{ offsetof(struct user_regs_struct, rax), PRREG_RAX },
		{ offsetof(struct user_regs_struct, r8), PRREG_R8 },
		{ offsetof(struct user_regs_struct, r15), PRREG_R15 },
		{ offsetof(struct user_regs_struct, cs), PRREG_CS },
		{ offsetof(struct user_regs_struct, eflags), PRREG_RFL },
		{ offsetof(struct user_regs_struct, fs_base), PRREG_FSBASE },
		{ offsetof(struct user_regs_struct, gs_base), PRREG_GSBASE },
		{ offsetof(struct user_regs_struct, gs), PRREG_GS },
		{ offsetof(struct user_regs_struct, orig_rax), -1 },
	};
	const struct arch_system *system = arch_x86_64.system;

	ck_assert_uint_eq(system->n_user_regs * sizeof(long), sizeof(struct user_regs_struct));
	ck_assert_uint_eq(system->user_syscall * sizeof(long), offsetof(struct user_regs_struct, orig_rax));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_int_eq(system->user_regs[rows[i].at / sizeof(long)], rows[i].prgreg);
}
END_TEST

/* The instruction that loads a call's number, right in front of the one that enters the kernel. */
START_TEST(calls_of_code)
{
	static const struct {
		const struct arch *arch;
		uint8_t code[ARCH_CALL_CODE];
		int32_t number;
	} rows[] = {
		{ &arch_x86_64, { 0x90, 0xb8, 0xca, 0, 0, 0, 0x0f, 0x05 }, 202 },
		{ &arch_x86_64, { 0x40, 0xb8, 0xca, 0, 0, 0, 0x0f, 0x05 }, 202 },
		{ &arch_x86_64, { 0x41, 0xb8, 0xca, 0, 0, 0, 0x0f, 0x05 }, -1 }, /* %r8d */
		{ &arch_x86_64, { 0x49, 0xb8, 0xca, 0, 0, 0, 0x0f, 0x05 }, -1 },
		{ &arch_x86_64, { 0x90, 0xb9, 0xca, 0, 0, 0, 0x0f, 0x05 }, -1 }, /* %ecx */
		{ &arch_x86_64, { 0x90, 0xb8, 0xca, 0, 0, 0, 0xcd, 0x80 }, -1 },
		{ &arch_i386, { 0x41, 0xb8, 0xf0, 0, 0, 0, 0xcd, 0x80 }, 240 },
		{ &arch_i386, { 0x41, 0xb8, 0xf0, 0, 0, 0, 0x0f, 0x05 }, -1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int32_t number = -1;

		ck_assert_msg(arch_call_of_code(rows[i].arch, rows[i].code, &number) == (rows[i].number >= 0),
		    "row %zu", i);
		ck_assert_int_eq(number, rows[i].number);
	}
}
END_TEST

START_TEST(addresses_are_cut)
{
	ck_assert_uint_eq(arch_cut(&arch_x86_64, 0x1234567890), 0x1234567890);
	ck_assert_uint_eq(arch_cut(&arch_i386, 0x1234567890), 0x34567890);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arch/arch");
	TCase *tc = tcase_create("arch");

	tcase_add_test(tc, chosen_by_machine_and_class);
	tcase_add_test(tc, machines_have_names);
	tcase_add_test(tc, registers_are_complete);
	tcase_add_test(tc, sets_of_registers);
	tcase_add_test(tc, parts_of_registers);
	tcase_add_test(tc, register_set_is_the_kernels);
	tcase_add_test(tc, calls_of_code);
	tcase_add_test(tc, addresses_are_cut);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
