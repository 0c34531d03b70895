/* Which code is another one at two moments. */
#include <check.h>

#include "probe/probe_changes.h"
#include "support/run_suite.h"

static struct probe_changes x;

static void begin(void)
{
	x = (struct probe_changes){ .forgotten = 0 };
}

static void end(void)
{
	probe_changes_free(&x);
}

static void take(uint32_t process, uint64_t lo, uint64_t time, uint32_t kind)
{
	const struct probe_code_record r = {
		.process = process, .change = { .lo = lo, .hi = lo + 16, .kind = kind }, .time = time
	};

	probe_changes_take(&x, &r);
}

/* Is the code at an address another one? 2: that of all may be. */
static int is_changed(uint32_t process, uint64_t a, uint64_t b, bool protected, uint64_t address)
{
	struct probe_ranges r = { .all = false };
	int changed;

	probe_changes_between(&x, process, a, b, protected, &r);
	changed = r.all ? 2 : probe_ranges_have(&r, address);
	vec_free(&r.at);
	return changed;
}

START_TEST(only_between)
{
	take(1, 100, 10, PROBE_CODE_UNMAPPED);
	take(2, 200, 10, PROBE_CODE_MAPPED);
	ck_assert_int_eq(is_changed(1, 5, 15, false, 100), 1);
	ck_assert_int_eq(is_changed(1, 15, 5, false, 115), 1);
	ck_assert_int_eq(is_changed(1, 5, 15, false, 99), 0);
	ck_assert_int_eq(is_changed(1, 5, 15, false, 116), 0);
	ck_assert_int_eq(is_changed(1, 11, 15, false, 100), 0);
	ck_assert_int_eq(is_changed(1, 5, 9, false, 100), 0);
	ck_assert_int_eq(is_changed(1, 10, 10, false, 100), 1); /* at that time it may be either */
	ck_assert_int_eq(is_changed(1, 5, 15, false, 200), 0);
	ck_assert_int_eq(is_changed(2, 5, 15, false, 200), 1);
}
END_TEST

START_TEST(protection)
{
	take(1, 100, 10, PROBE_CODE_PROTECTED);
	ck_assert_int_eq(is_changed(1, 5, 15, false, 100), 0);
	ck_assert_int_eq(is_changed(1, 5, 15, true, 100), 1);
}
END_TEST

/* What was forgotten may have changed anything. */
START_TEST(forgotten)
{
	for (uint64_t i = 0; i <= PROBE_CHANGES_MAX; i++)
		take(1, 100, i + 10, PROBE_CODE_MAPPED);
	ck_assert_uint_le(x.at.n, PROBE_CHANGES_MAX);
	ck_assert_int_eq(is_changed(1, 9, 10, false, 0), 2);
	ck_assert_int_eq(is_changed(1, PROBE_CHANGES_MAX, PROBE_CHANGES_MAX + 9, false, 0), 0);
	ck_assert_int_eq(is_changed(1, PROBE_CHANGES_MAX, PROBE_CHANGES_MAX + 9, false, 100), 1);
	probe_changes_forget(&x, PROBE_CHANGES_MAX);
	ck_assert_int_eq(is_changed(2, PROBE_CHANGES_MAX, PROBE_CHANGES_MAX + 9, false, 0), 2);
}
END_TEST

/* However often the same addresses change, that is one range. */
START_TEST(joined)
{
	static const struct probe_addresses given[] = { { 30, 40 }, { 10, 20 }, { 12, 15 }, { 20, 25 },
		{ 30, 35 }, { 10, 20 }, { 50, 60 } };
	struct probe_ranges r = { .all = false };

	probe_ranges_merge(&r);
	ck_assert_uint_eq(r.at.n, 0);
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		ck_assert(vec_push(&r.at, given[i]));
	probe_ranges_merge(&r);
	ck_assert_uint_eq(r.at.n, 3);
	for (uint64_t at = 0; at < 70; at++) {
		bool want = (at >= 10 && at < 25) || (at >= 30 && at < 40) || (at >= 50 && at < 60);

		ck_assert_int_eq(probe_ranges_have(&r, at), want);
	}
	vec_free(&r.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("changes");
	TCase *tcase = tcase_create("changes");

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, only_between);
	tcase_add_test(tcase, protection);
	tcase_add_test(tcase, forgotten);
	tcase_add_test(tcase, joined);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
