/* Growable arrays and the guards of owned.h. */
#include <check.h>
#include <fcntl.h>
#include <stdint.h>

#include "base/owned.h"
#include "base/vec.h"
#include "support/run_suite.h"

START_TEST(pushes_keep_their_order)
{
	VEC(uint32_t) v = VEC_EMPTY;

	for (uint32_t i = 0; i < 1000; i++)
		ck_assert(vec_push(&v, i * 3));
	ck_assert_uint_eq(v.n, 1000);
	ck_assert_uint_ge(v.cap, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(v.at[i], i * 3);
	vec_free(&v);
	ck_assert_ptr_null(v.at);
	ck_assert_uint_eq(v.n + v.cap, 0);
}
END_TEST

START_TEST(growth_that_overflows_changes_nothing)
{
	VEC(uint64_t) v = VEC_EMPTY;
	uint64_t *at;
	size_t cap;

	ck_assert(vec_push(&v, 7));
	at = v.at;
	cap = v.cap;
	ck_assert(!vec_reserve(&v, SIZE_MAX));
	ck_assert(!vec_reserve(&v, SIZE_MAX / 8 + 1));
	ck_assert_ptr_eq(v.at, at);
	ck_assert_uint_eq(v.cap, cap);
	ck_assert_uint_eq(v.at[0], 7);
	vec_free(&v);
}
END_TEST

START_TEST(reserve_makes_room_once)
{
	VEC(struct { char c[24]; }) v = VEC_EMPTY;
	void *at;

	ck_assert(vec_reserve(&v, 100));
	at = v.at;
	v.n = 100;
	ck_assert(vec_reserve(&v, 100));
	ck_assert_ptr_eq(v.at, at);
	memset(v.at, 0, 100 * sizeof(v.at[0]));
	vec_free(&v);
}
END_TEST

START_TEST(guards_release_and_keep_hands_on)
{
	int kept = -1, dropped = -1;
	char *text = NULL;

	{
		OWNED(fd_release) int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
		OWNED(fd_release) int b = open("/dev/null", O_RDONLY | O_CLOEXEC);
		OWNED(mem_release) char *mem = strdup("kept");
		OWNED(mem_release) char *none = NULL;
		OWNED(file_release) FILE *file = NULL;

		ck_assert(a >= 0 && b >= 0);
		dropped = a;
		kept = fd_keep(&b);
		ck_assert_int_eq(b, -1);
		text = mem_keep(&mem);
		ck_assert_ptr_null(mem);
		ck_assert_ptr_null(none);
		ck_assert_ptr_null(file);
	}
	ck_assert_int_eq(fcntl(dropped, F_GETFD), -1);
	ck_assert_int_ge(fcntl(kept, F_GETFD), 0);
	ck_assert_str_eq(text, "kept");
	(void)close(kept);
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/vec");
	TCase *tc = tcase_create("vec");

	tcase_add_test(tc, pushes_keep_their_order);
	tcase_add_test(tc, growth_that_overflows_changes_nothing);
	tcase_add_test(tc, reserve_makes_room_once);
	tcase_add_test(tc, guards_release_and_keep_hands_on);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
