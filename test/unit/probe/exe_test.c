/* Which executables a name means. */
#include <check.h>
#include <stdio.h>

#include "probe/probe_exe.h"
#include "support/run_suite.h"

static int is(const char *name, const char *wanted)
{
	char a[PROBE_EXE_MAX] = "", b[PROBE_EXE_MAX] = "";

	(void)snprintf(a, sizeof(a), "%s", name);
	(void)snprintf(b, sizeof(b), "%s", wanted);
	return probe_exe_is(a, b);
}

START_TEST(names_and_versions)
{
	ck_assert(is("python3", "python3"));
	ck_assert(is("python3.11", "python3"));
	ck_assert(is("python3.11", "python"));
	ck_assert(is("python3.13t", "python3"));
	ck_assert(is("python3.11-dbg", "python3.11") == 0);
	ck_assert(is("python3.11", "python3.1") == 0);
	ck_assert(is("python3", "python3.11") == 0);
	ck_assert(is("pythonic", "python") == 0);
	ck_assert(is("python-config", "python") == 0);
	ck_assert(is("ipython3", "python3") == 0);
	ck_assert(is("", "python") == 0);
	ck_assert(is("uwsgi", "uwsgi"));
}
END_TEST

/* Names that fill their room do not end. */
START_TEST(long_names)
{
	char a[PROBE_EXE_MAX], b[PROBE_EXE_MAX];

	for (int i = 0; i < PROBE_EXE_MAX; i++)
		a[i] = b[i] = 'x';
	ck_assert_int_eq(probe_exe_is(a, b), 0);
	b[PROBE_EXE_MAX - 1] = '\0';
	ck_assert_int_eq(probe_exe_is(a, b), 0);
	a[PROBE_EXE_MAX - 1] = '\0';
	ck_assert_int_eq(probe_exe_is(a, b), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("exe");
	TCase *tcase = tcase_create("exe");

	tcase_add_test(tcase, names_and_versions);
	tcase_add_test(tcase, long_names);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
