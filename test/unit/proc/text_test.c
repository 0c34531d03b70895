/* Words for codes, and names made printable. */
#include <libproc.h>
#include <string.h>

#include "support/run_suite.h"

START_TEST(every_code_has_its_text)
{
	ck_assert_str_eq(Pgrab_error(G_STRANGE), "unanticipated system error");
	ck_assert_str_eq(Pgrab_error(G_NOPROC), "no such process");
	ck_assert_str_eq(Pgrab_error(G_NOPROCORCORE), "no such process or core file");
	ck_assert_str_eq(Pgrab_error(G_BADLWPS), "bad lwp specification");
	ck_assert_str_eq(Pgrab_error(G_NOFD), "too many open files");
	for (int code = G_NOPROC; code <= G_NOFD; code++)
		ck_assert_str_ne(Pgrab_error(code), "unknown error");
	ck_assert_str_eq(Pgrab_error(0), "unknown error");
	ck_assert_str_eq(Pgrab_error(G_NOFD + 1), "unknown error");
	ck_assert_str_eq(Pgrab_error(-2), "unknown error");
}
END_TEST

START_TEST(unprintable_bytes_become_blanks)
{
	psinfo_t psinfo = { .pr_fname = "a\033b", .pr_psargs = "x\ty\x7f\xc2\x85z" };

	proc_unctrl_psinfo(&psinfo);
	ck_assert_str_eq(psinfo.pr_fname, "a b");
	ck_assert_str_eq(psinfo.pr_psargs, "x y   z");
}
END_TEST

START_TEST(text_without_end_gets_one)
{
	psinfo_t psinfo;

	memset(&psinfo, '\n', sizeof(psinfo));
	proc_unctrl_psinfo(&psinfo);
	ck_assert_uint_eq(strlen(psinfo.pr_psargs), sizeof(psinfo.pr_psargs) - 1);
	ck_assert_uint_eq(strspn(psinfo.pr_fname, " "), sizeof(psinfo.pr_fname) - 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { every_code_has_its_text, unprintable_bytes_become_blanks,
		text_without_end_gets_one };

	return run_suite("text", tests, sizeof(tests) / sizeof(tests[0]));
}
