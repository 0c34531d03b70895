/* Contents of a struct fault. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "support/run_suite.h"

START_TEST(all_fields_are_set)
{
	struct fault f;

	ck_assert_int_eq(fault_set(&f, 12, EPERM, 0x1000, "cannot %s %d", "read", 7), RES_FAIL);
	ck_assert_int_eq(f.code, 12);
	ck_assert_int_eq(f.sys, EPERM);
	ck_assert_uint_eq(f.va, 0x1000);
	ck_assert_str_eq(f.text, "cannot read 7");
}
END_TEST

START_TEST(long_text_is_cut_to_fit)
{
	struct fault f;

	ck_assert_int_eq(fault_set(&f, 0, 0, 0, "%*d", 1000, 1), RES_FAIL);
	ck_assert_uint_eq(strlen(f.text), sizeof(f.text) - 1);
}
END_TEST

START_TEST(fault_may_be_null)
{
	ck_assert_int_eq(fault_set(NULL, 1, 2, 3, "x"), RES_FAIL);
	ck_assert_int_eq(fault_memory(NULL), RES_FAIL);
}
END_TEST

START_TEST(memory_has_its_errno)
{
	struct fault f;

	ck_assert_int_eq(fault_memory(&f), RES_FAIL);
	ck_assert_int_eq(f.sys, ENOMEM);
	ck_assert_str_eq(f.text, "out of memory");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/fault");
	TCase *tc = tcase_create("fault");

	tcase_add_test(tc, all_fields_are_set);
	tcase_add_test(tc, long_text_is_cut_to_fit);
	tcase_add_test(tc, fault_may_be_null);
	tcase_add_test(tc, memory_has_its_errno);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
