/* Features of i386 cores only (core_test.c and core_args_test.c test the rest with both word
 * sizes), and cores of many threads. */
#include <check.h>
#include <elf.h>
#include <libproc.h>
#include <signal.h>
#include <string.h>

#include "support/core_builder.h"
#include "support/run_suite.h"

static struct ps_prochandle *grab(struct core_builder *b)
{
	int err = 0;
	struct ps_prochandle *P = Pfgrab_core(core_builder_fd(b), NULL, &err);

	core_builder_destroy(b);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	return P;
}

START_TEST(thread_pointers_of_i386)
{
	uint64_t regs[CB_REGS] = { [CB_GS] = 0x63 };
	struct core_builder *b;
	struct ps_prochandle *P;
	prgregset_t first, second;

	core_builder_word = 4;
	b = core_builder_create();
	core_builder_prstatus(b, 5, SIGABRT, regs);
	core_builder_tls(b, 13, 0xf7000000);
	core_builder_tls(b, 12, 0xf7f00740);
	core_builder_prstatus(b, 6, 0, regs);
	core_builder_tls(b, 12, 0xf7600740);
	core_builder_note(
	    b, "CORE", NT_PRSTATUS, regs, 32); /* too short: the following notes belong to no thread */
	core_builder_tls(b, 12, 0xf7a00740);
	P = grab(b);
	ck_assert_int_eq(Plwp_getregs(P, 5, first), 0);
	ck_assert_int_eq(Plwp_getregs(P, 6, second), 0);
	ck_assert_int_eq(first[PRREG_GSBASE], 0xf7f00740);
	ck_assert_int_eq(second[PRREG_GSBASE], 0xf7600740);
	ck_assert_int_eq(Pstatus(P)->pr_lwp.pr_reg[PRREG_GSBASE], 0xf7f00740);
	Prelease(P, 0);
}
END_TEST

/* As written by debuggers that give user ids 32 bits. */
START_TEST(longer_psinfo)
{
	const uint64_t regs[CB_REGS] = { 0 };
	const int32_t numbers[] = { 'R' << 8, 0, 70000, 70001, 4711, 1 };
	char desc[128] = "";
	struct core_builder *b;
	struct ps_prochandle *P;

	core_builder_word = 4;
	b = core_builder_create();
	memcpy(desc, numbers, sizeof(numbers));
	memcpy(desc + 32, "prog", 5);
	memcpy(desc + 48, "prog -v", 8);
	core_builder_prstatus(b, 5, 0, regs);
	core_builder_note(b, "CORE", NT_PRPSINFO, desc, sizeof(desc));
	P = grab(b);
	ck_assert_int_eq(Ppsinfo(P)->pr_pid, 4711);
	ck_assert_int_eq(Ppsinfo(P)->pr_ppid, 1);
	ck_assert_uint_eq(Ppsinfo(P)->pr_uid, 70000);
	ck_assert_str_eq(Ppsinfo(P)->pr_fname, "prog");
	ck_assert_str_eq(Ppsinfo(P)->pr_psargs, "prog -v");
	Prelease(P, 0);
}
END_TEST

/* Questions about each LWP must not search all of them. */
START_TEST(names_of_many_lwps)
{
	enum { MANY = 8000 };
	const uint64_t regs[CB_REGS] = { 0 };
	struct core_builder *b = core_builder_create();
	struct ps_prochandle *P;
	char name[32];

	for (int i = 1; i <= MANY; i++)
		core_builder_prstatus(b, i, SIGSEGV, regs);
	P = grab(b);
	for (int i = 1; i <= MANY; i++)
		ck_assert_int_eq(Plwp_getname(P, i, name, sizeof(name)), -1);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("core32");
	TCase *tcase = tcase_create("core32");

	tcase_add_test(tcase, thread_pointers_of_i386);
	tcase_add_test(tcase, longer_psinfo);
	tcase_add_test(tcase, names_of_many_lwps);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
