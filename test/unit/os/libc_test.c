/* The C library of a program, by the files that it has mapped. */
#include <string.h>

#include "os/regs.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

#define RX (MA_READ | MA_EXEC)

/* The name of the C library of a program that has mapped these two files. */
static const char *library(const char *first, const char *second, bool is_32bit)
{
	const struct fake_map maps[] = { { 0x10000, 0x1000, RX, 0, "/usr/bin/python3" },
		{ 0x20000, 0x1000, RX, 0, first }, { 0x30000, 0x1000, RX, 0, second }, { 0 } };
	struct fake_process fake = { .maps = maps, .is_32bit = is_32bit };
	struct ps_prochandle *P = fake_grab(&fake);
	const struct arch_libc *libc = os_libc(P);

	ck_assert_ptr_eq(os_libc(P), libc); /* found once */
	ck_assert(libc >= os_arch(P)->libc && libc < os_arch(P)->libc + os_arch(P)->n_libc);
	Prelease(P, 0);
	return libc->name;
}

START_TEST(glibc)
{
	ck_assert_str_eq(library("/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib/libm.so.6", false), "glibc");
	ck_assert_str_eq(library("/lib/libm.so.6", "/lib/libc-2.31.so", false), "glibc");
	ck_assert_str_eq(library("/lib64/ld-linux-x86-64.so.2", "/lib/libm.so.6", false), "glibc");
	ck_assert_str_eq(library("/lib/ld-linux.so.2", "/lib/i386-linux-gnu/libc.so.6", true), "glibc");
}
END_TEST

START_TEST(musl)
{
	ck_assert_str_eq(library("/lib/libz.so.1", "/lib/ld-musl-x86_64.so.1", false), "musl");
	ck_assert_str_eq(library("/lib/libc.musl-x86_64.so.1", "/lib/libz.so.1", false), "musl");
	ck_assert_str_eq(library("/usr/lib/x86_64-linux-musl/libc.so", "/lib/libz.so.1", false), "musl");
	ck_assert_str_eq(library("/lib/ld-musl-i386.so.1", "/lib/libz.so.1", true), "musl");
}
END_TEST

/* The usual one: a statically linked program, files of both (a program of glibc that reads the other
 * library's file), names that are only similar, and a handle without mappings. */
START_TEST(unknown)
{
	struct fake_process fake = { .maps = NULL };
	struct ps_prochandle *P;

	ck_assert_str_eq(library("/lib/libz.so.1", "[vdso]", false), "glibc");
	ck_assert_str_eq(library("/lib/ld-musl-x86_64.so.1", "/lib/libc.so.6", false), "glibc");
	ck_assert_str_eq(library("/usr/lib/libc.so.5", "/srv/musl/libcrypt.so", false), "glibc");
	P = fake_grab(&fake);
	ck_assert_ptr_eq(os_libc(P), os_arch(P)->libc);
	Prelease(P, 0);
}
END_TEST

/* The thread pointer is the address of the descriptor in either library. */
START_TEST(descriptors)
{
	for (int i = 0; i < 2; i++) {
		const struct arch *arch = arch_of_host(i == 1);

		ck_assert_ptr_eq(arch_libc_of_file(arch, "libc.so.6"), arch->libc);
		ck_assert_ptr_ne(arch_libc_of_file(arch, "/lib/ld-musl-x86_64.so.1"), NULL);
		ck_assert_ptr_null(arch_libc_of_file(arch, "/lib/libpthread.so.0"));
		for (size_t k = 0; k < arch->n_libc; k++) {
			ck_assert_uint_eq(arch->libc[k].tid % sizeof(int32_t), 0);
			ck_assert_uint_eq(arch->libc[k].robust_head % arch->pointer_size, 0);
			ck_assert_uint_gt(arch->libc[k].robust_head, arch->libc[k].tid);
		}
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { glibc, musl, unknown, descriptors };

	return run_suite("libc", tests, sizeof(tests) / sizeof(tests[0]));
}
