/* The address map: every key has the value that was stored for it. */
#include <check.h>
#include <stdlib.h>

#include "base/addrmap.h"
#include "support/run_suite.h"

START_TEST(empty_has_nothing)
{
	struct addrmap m = ADDRMAP_EMPTY;
	uint32_t value = 5;

	ck_assert(!addrmap_get(&m, 0, &value));
	ck_assert_uint_eq(value, 5);
	addrmap_clear(&m);
	addrmap_free(&m);
}
END_TEST

START_TEST(zero_and_all_ones_are_keys)
{
	struct addrmap m = ADDRMAP_EMPTY;
	uint32_t value;

	ck_assert(addrmap_put(&m, 0, 1));
	ck_assert(addrmap_put(&m, UINT64_MAX, 0));
	ck_assert(addrmap_get(&m, 0, &value) && value == 1);
	ck_assert(addrmap_get(&m, UINT64_MAX, &value) && value == 0);
	ck_assert(!addrmap_get(&m, 1, &value));
	addrmap_free(&m);
}
END_TEST

START_TEST(last_value_stays)
{
	struct addrmap m = ADDRMAP_EMPTY;
	uint32_t value;

	ck_assert(addrmap_put(&m, 4096, 1));
	ck_assert(addrmap_put(&m, 4096, 2));
	ck_assert_uint_eq(m.n, 1);
	ck_assert(addrmap_get(&m, 4096, &value) && value == 2);
	addrmap_free(&m);
}
END_TEST

START_TEST(many_aligned_keys)
{
	struct addrmap m = ADDRMAP_EMPTY;
	uint32_t value;

	for (uint32_t i = 0; i < 20000; i++)
		ck_assert(addrmap_put(&m, 0x7f0000000000 + (uint64_t)i * 4096, i));
	ck_assert_uint_eq(m.n, 20000);
	ck_assert_uint_lt(m.n, m.size);
	for (uint32_t i = 0; i < 20000; i++) {
		ck_assert(addrmap_get(&m, 0x7f0000000000 + (uint64_t)i * 4096, &value));
		ck_assert_uint_eq(value, i);
		ck_assert(!addrmap_get(&m, 0x7f0000000001 + (uint64_t)i * 4096, &value));
	}
	addrmap_free(&m);
}
END_TEST

START_TEST(cleared_it_can_be_used_again)
{
	struct addrmap m = ADDRMAP_EMPTY;
	uint32_t value;
	size_t size;

	for (uint64_t i = 0; i < 100; i++)
		ck_assert(addrmap_put(&m, i, 1));
	size = m.size;
	addrmap_clear(&m);
	ck_assert_uint_eq(m.n, 0);
	for (uint64_t i = 0; i < 100; i++)
		ck_assert(!addrmap_get(&m, i, &value));
	for (uint64_t i = 0; i < 100; i++)
		ck_assert(addrmap_put(&m, i, 2));
	ck_assert_uint_eq(m.size, size);
	ck_assert(addrmap_get(&m, 99, &value) && value == 2);
	addrmap_free(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("base/addrmap");
	TCase *tc = tcase_create("addrmap");

	tcase_add_test(tc, empty_has_nothing);
	tcase_add_test(tc, zero_and_all_ones_are_keys);
	tcase_add_test(tc, last_value_stays);
	tcase_add_test(tc, many_aligned_keys);
	tcase_add_test(tc, cleared_it_can_be_used_again);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
