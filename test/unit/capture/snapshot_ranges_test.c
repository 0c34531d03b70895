/* Ranges in order, inserted and removed at any place, compared with a plain array. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "capture/snapshot_ranges.h"
#include "support/run_suite.h"

enum { MOST = 600, STEPS = 6000 };

/* The starts of the ranges. */
static uint64_t model[MOST];
static size_t n;

static void insert(struct ranges *r, size_t i, uint64_t lo)
{
	memmove(model + i + 1, model + i, (n - i) * sizeof(*model));
	model[i] = lo;
	n++;
	ck_assert(ranges_insert(r, i, (struct range){ .lo = lo, .hi = lo + 1, .bytes = malloc(1) }));
}

static void drop(struct ranges *r, size_t i)
{
	n--;
	memmove(model + i, model + i + 1, (n - i) * sizeof(*model));
	free(r->at[i].bytes);
	ranges_remove(r, i);
}

static void compare(const struct ranges *r)
{
	ck_assert_uint_eq(r->n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(r->at[i].lo, model[i]);
		ck_assert_ptr_nonnull(r->at[i].bytes);
	}
	ck_assert(n == 0 || (r->at >= r->room && r->at + n <= r->room + r->cap));
}

/* At the front, at the end, anywhere. */
START_TEST(as_an_array)
{
	struct ranges r = { .n = 0 };
	uint64_t seed = (uint64_t)_i + 1;

	n = 0;
	for (size_t step = 0; step < STEPS; step++) {
		size_t i;

		seed = seed * 6364136223846793005 + 1442695040888963407;
		i = _i == 0 ? 0 : _i == 1 ? n : (size_t)(seed >> 40) % (n + 1);
		if (n == MOST || (n > 0 && (seed >> 33) % 3 == 0))
			drop(&r, i < n ? i : n - 1);
		else
			insert(&r, i, step);
		if (step % 64 == 0)
			compare(&r);
	}
	ranges_free(&r);
	ck_assert_uint_eq(r.n, 0);
	ck_assert_ptr_null(r.room);
}
END_TEST

/* What is inserted at an end moves nothing: with many ranges, their places stay the same. */
START_TEST(ends_move_nothing)
{
	struct ranges r = { .n = 0 };
	size_t moved = 0;

	n = 0;
	for (size_t i = 0; i < MOST - 1; i++) {
		const struct range *last = r.n == 0 ? NULL : r.at + r.n - 1;

		insert(&r, 0, MOST - i);
		moved += last != NULL && r.at + r.n - 1 != last;
	}
	ck_assert_uint_lt(moved, 10); /* when there was no more room */
	compare(&r);
	ranges_free(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("capture/snapshot_ranges");
	TCase *c = tcase_create("ranges");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, as_an_array, 0, 6);
	tcase_add_test(c, ends_move_nothing);
	suite_add_tcase(s, c);
	return run_made_suite(s);
}
