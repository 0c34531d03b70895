/* The copy of a process: data read before the seal stays readable and the same, and after it
 * nothing that can change is read. */
#include "capture/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "os/mappings.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

enum { PAGE = 4096, DATA = 0x10000, TEXT = 0x40000, PAGES = 8 };

/* A process of PAGES writable pages and two of text; byte i of page p is p ^ i, plus `era`. */
struct target {
	struct fake_process fake;
	uint8_t era;
	size_t hole; /* this page cannot be read; PAGES: none */
};

static ssize_t target_read(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	struct target *t = (struct target *)fake;
	size_t done = 0;

	for (; done < n; done++) {
		uintptr_t at = va + done;
		bool data = at >= DATA && at < DATA + PAGES * PAGE && (at - DATA) / PAGE != t->hole;
		bool text = at >= TEXT && at < TEXT + 2 * PAGE;

		if (!data && !text)
			break;
		((uint8_t *)buf)[done] = (uint8_t)((at / PAGE ^ at) + t->era);
	}
	return (ssize_t)done;
}

static const struct fake_map maps[] = {
	{ DATA, PAGES *PAGE, MA_READ | MA_WRITE, 0, NULL },
	{ TEXT, 2 * PAGE, MA_READ | MA_EXEC, 0, NULL },
	{ 0 },
};

static struct ps_prochandle *live;
static struct snapshot *copy;
static struct target target;

static void setup(size_t hole)
{
	struct fault f = { 0 };

	target = (struct target){ .fake = { .pid = 1, .maps = maps, .read = target_read }, .hole = hole };
	live = fake_grab(&target.fake);
	ck_assert_ptr_nonnull(live);
	ck_assert_int_eq(snapshot_create(live, &copy, &f), RES_OK);
}

static void teardown(void)
{
	snapshot_destroy(copy);
	Prelease(live, 0);
}

static uint8_t byte_at(uintptr_t va, ssize_t expected)
{
	uint8_t byte = 0;

	ck_assert_int_eq(Pread(snapshot_handle(copy), &byte, 1, va), expected);
	return byte;
}

static uint8_t truth(uintptr_t va, uint8_t era)
{
	return (uint8_t)((va / PAGE ^ va) + era);
}

START_TEST(what_was_read_stays_the_same)
{
	setup(PAGES);
	ck_assert_uint_eq(byte_at(DATA + 5, 1), truth(DATA + 5, 0));
	snapshot_seal(copy);
	target.era = 7;
	ck_assert_uint_eq(byte_at(DATA + 5, 1), truth(DATA + 5, 0));
	ck_assert_uint_eq(byte_at(DATA + 100, 1), truth(DATA + 100, 0)); /* in the same page */
	teardown();
}
END_TEST

START_TEST(sealed_reads_nothing_that_can_change)
{
	setup(PAGES);
	(void)byte_at(DATA, 1);
	snapshot_seal(copy);
	(void)byte_at(DATA + 7 * PAGE, 0);
	teardown();
}
END_TEST

START_TEST(sealed_still_reads_text)
{
	setup(PAGES);
	snapshot_seal(copy);
	ck_assert_uint_eq(byte_at(TEXT + 9, 1), truth(TEXT + 9, 0));
	teardown();
}
END_TEST

START_TEST(a_range_is_one_piece_and_wins_over_later_bytes)
{
	uint8_t bytes[3 * PAGE];

	setup(PAGES);
	ck_assert_uint_eq(snapshot_copy(copy, DATA + 100, DATA + 100 + sizeof(bytes)), sizeof(bytes));
	target.era = 3; /* as if it ran: the range must not be read again */
	ck_assert_int_eq(Pread(snapshot_handle(copy), bytes, sizeof(bytes), DATA + 100), sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], truth(DATA + 100 + i, 0));
	teardown();
}
END_TEST

START_TEST(a_read_crosses_from_range_to_page)
{
	uint8_t bytes[64];

	setup(PAGES);
	ck_assert_uint_eq(snapshot_copy(copy, DATA, DATA + 2 * PAGE), 2 * PAGE);
	ck_assert_int_eq(
	    Pread(snapshot_handle(copy), bytes, sizeof(bytes), DATA + 2 * PAGE - 32), sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		ck_assert_uint_eq(bytes[i], truth(DATA + 2 * PAGE - 32 + i, 0));
	teardown();
}
END_TEST

START_TEST(a_hole_ends_a_read_and_costs_its_neighbours_nothing)
{
	uint8_t bytes[2 * PAGE];

	setup(2);
	ck_assert_int_eq(Pread(snapshot_handle(copy), bytes, sizeof(bytes), DATA + PAGE), PAGE);
	(void)byte_at(DATA + 2 * PAGE, 0);
	ck_assert_uint_eq(byte_at(DATA + 3 * PAGE, 1), truth(DATA + 3 * PAGE, 0));
	ck_assert_uint_eq(snapshot_copy(copy, DATA, DATA + 4 * PAGE), 2 * PAGE);
	teardown();
}
END_TEST

START_TEST(ranges_do_not_overlap)
{
	setup(PAGES);
	ck_assert_uint_eq(snapshot_copy(copy, DATA + 4 * PAGE, DATA + 6 * PAGE), 2 * PAGE);
	target.era = 1;
	/* From below into a piece that exists: only the new part is copied … */
	ck_assert_uint_eq(snapshot_copy(copy, DATA + 3 * PAGE, DATA + 5 * PAGE), PAGE);
	ck_assert_uint_eq(byte_at(DATA + 3 * PAGE, 1), truth(DATA + 3 * PAGE, 1));
	ck_assert_uint_eq(byte_at(DATA + 4 * PAGE, 1), truth(DATA + 4 * PAGE, 0));
	ck_assert(snapshot_whole(copy, DATA + 3 * PAGE));
	ck_assert(snapshot_whole(copy, DATA + 4 * PAGE));
	/* … and a piece that starts inside it replaces it from there on. */
	target.era = 2;
	ck_assert_uint_eq(snapshot_copy(copy, DATA + 4 * PAGE + 8, DATA + 5 * PAGE), PAGE - 8);
	ck_assert_uint_eq(byte_at(DATA + 4 * PAGE + 7, 1), truth(DATA + 4 * PAGE + 7, 0));
	ck_assert_uint_eq(byte_at(DATA + 4 * PAGE + 8, 1), truth(DATA + 4 * PAGE + 8, 2));
	ck_assert(!snapshot_whole(copy, DATA + 4 * PAGE));
	ck_assert(snapshot_whole(copy, DATA + 4 * PAGE + 8));
	teardown();
}
END_TEST

START_TEST(many_ranges_at_once)
{
	struct snapshot_piece pieces[] = {
		{ DATA + 6 * PAGE, DATA + 7 * PAGE, 0, false },
		{ DATA + PAGE, DATA + 2 * PAGE + 5, 0, false },
		{ DATA + 3 * PAGE - 5, DATA + 5 * PAGE, 0, false }, /* runs into the hole at 3 */
	};

	setup(3);
	snapshot_copy_pieces(copy, pieces, 3);
	ck_assert_uint_eq(pieces[0].got, PAGE);
	ck_assert_uint_eq(pieces[1].got, PAGE + 5);
	ck_assert_uint_eq(pieces[2].got, 5);
	target.era = 1;
	ck_assert_uint_eq(byte_at(DATA + 2 * PAGE + 4, 1), truth(DATA + 2 * PAGE + 4, 0));
	ck_assert_uint_eq(byte_at(DATA + 2 * PAGE + 5, 1), truth(DATA + 2 * PAGE + 5, 1));
	/* The pieces overlap: the later starts inside the earlier. */
	pieces[0] = (struct snapshot_piece){ DATA + 4 * PAGE, DATA + 6 * PAGE, 0, false };
	pieces[1] = (struct snapshot_piece){ DATA + 5 * PAGE, DATA + 6 * PAGE, 0, false };
	snapshot_copy_pieces(copy, pieces, 2);
	ck_assert_uint_eq(pieces[0].got, 2 * PAGE);
	ck_assert_uint_eq(pieces[1].got, PAGE);
	ck_assert(!snapshot_whole(copy, DATA + 4 * PAGE));
	teardown();
}
END_TEST

START_TEST(forgotten_is_read_anew)
{
	setup(PAGES);
	(void)byte_at(DATA, 1);
	ck_assert_uint_eq(snapshot_copy(copy, DATA + 2 * PAGE, DATA + 3 * PAGE), PAGE);
	target.era = 1;
	ck_assert_uint_eq(byte_at(DATA, 1), truth(DATA, 0));
	snapshot_forget(copy);
	ck_assert_uint_eq(byte_at(DATA, 1), truth(DATA, 1));
	ck_assert_uint_eq(byte_at(DATA + 2 * PAGE, 1), truth(DATA + 2 * PAGE, 0)); /* other bytes
	                                                                            * than those
	                                                                            * copied */
	snapshot_drop(copy, DATA + 2 * PAGE + 8);                                  /* nothing begins there */
	ck_assert_uint_eq(byte_at(DATA + 2 * PAGE, 1), truth(DATA + 2 * PAGE, 0));
	snapshot_drop(copy, DATA + 2 * PAGE);
	ck_assert(!snapshot_whole(copy, DATA + 2 * PAGE));
	ck_assert_uint_eq(byte_at(DATA + 2 * PAGE, 1), truth(DATA + 2 * PAGE, 1));
	teardown();
}
END_TEST

/* Two pieces in one page, one of which continues in the next page, which is unreadable. */
static bool is_same_again(struct snapshot *s)
{
	return snapshot_copy_again(s) && snapshot_again_same(s);
}

/* Pages that were read one by one, and those of a list; what was copied is not asked for. */
START_TEST(pages_are_the_same_again)
{
	struct snapshot_prefetch list = VEC_EMPTY;
	struct snapshot_piece piece = { .lo = DATA + 3 * PAGE, .hi = DATA + 4 * PAGE };

	setup(5);
	ck_assert(is_same_again(copy));
	snapshot_prefetch_add(&list, DATA, 2 * PAGE);
	snapshot_pages_ready(copy, &list);
	snapshot_copy_with_pages(copy, &list, &piece, 1);
	(void)byte_at(DATA + 2 * PAGE, 1);
	ck_assert(is_same_again(copy));
	ck_assert(is_same_again(copy));
	ck_assert_uint_eq(byte_at(DATA + 5, 1), truth(DATA + 5, 0));
	target.era = 7;
	ck_assert(!is_same_again(copy));
	ck_assert_uint_eq(byte_at(DATA + 5, 1), truth(DATA + 5, 0));
	snapshot_forget(copy);
	(void)byte_at(DATA, 1);
	ck_assert(is_same_again(copy));
	/* What cannot be read may have been there in between. */
	(void)byte_at(DATA + 5 * PAGE, 0);
	ck_assert(!is_same_again(copy));
	snapshot_forget(copy);
	(void)byte_at(DATA, 1);
	ck_assert(snapshot_copy_again(copy));
	target.era = 8; /* later than both copies */
	ck_assert(snapshot_again_same(copy));
	ck_assert_uint_eq(byte_at(DATA + PAGE, 1), truth(DATA + PAGE, 8)); /* was copied once */
	ck_assert(!snapshot_again_same(copy));
	target.hole = 0;
	ck_assert(!is_same_again(copy));
	vec_free(&list);
	teardown();
}
END_TEST

START_TEST(kept_is_there_at_the_end)
{
	uintptr_t first = DATA + 100, second = DATA + PAGE - 8;
	uint8_t bytes[64];

	setup(1);
	snapshot_keep(copy, first, 64);
	target.era = 1;
	snapshot_keep(copy, second, 64);
	snapshot_keep(copy, first + 32, 16); /* read from the page, which is as old */
	snapshot_forget(copy);
	ck_assert_uint_eq(byte_at(first, 1), truth(first, 1)); /* not yet the end */
	snapshot_forget(copy);
	snapshot_seal(copy);
	ck_assert_uint_eq(byte_at(first, 1), truth(first, 0));
	ck_assert_uint_eq(byte_at(first + 63, 1), truth(first + 63, 0));
	ck_assert_uint_eq(byte_at(second + 7, 1), truth(second + 7, 0));
	(void)byte_at(first - 1, 0);
	(void)byte_at(first + 64, 0);
	(void)byte_at(second + 8, 0);
	ck_assert_int_eq(Pread(snapshot_handle(copy), bytes, 64, first + 10), 54);
	teardown();
}
END_TEST

START_TEST(kept_is_the_latest_of_a_place)
{
	uintptr_t va = DATA + 100;

	setup(PAGES);
	snapshot_keep(copy, va, 64);
	snapshot_keep(copy, va + 200, 64);
	snapshot_forget(copy);
	target.era = 1;
	snapshot_keep(copy, va, 64);
	snapshot_forget(copy);
	target.era = 2;
	snapshot_keep(copy, va + 16, 16);
	snapshot_forget(copy);
	snapshot_seal(copy);
	ck_assert_uint_eq(byte_at(va, 1), truth(va, 1));
	ck_assert_uint_eq(byte_at(va + 16, 1), truth(va + 16, 2));
	ck_assert_uint_eq(byte_at(va + 32, 1), truth(va + 32, 1));
	ck_assert_uint_eq(byte_at(va + 200, 1), truth(va + 200, 0));
	teardown();
}
END_TEST

START_TEST(many_pages_find_their_bytes)
{
	setup(PAGES);
	for (uintptr_t va = DATA; va < DATA + PAGES * PAGE; va += 997)
		ck_assert_uint_eq(byte_at(va, 1), truth(va, 0));
	/* Neighbours were read as well. One more read finds whose text the executable memory is. */
	ck_assert_uint_le(target.fake.reads, PAGES + 1);
	teardown();
}
END_TEST

static void read_two_pages(void *data)
{
	(void)data;
	(void)byte_at(DATA + PAGE, 1);
	snapshot_forget(copy);
	(void)byte_at(DATA + PAGE, 1); /* twice */
	(void)byte_at(DATA + 2 * PAGE, 1);
}

/* Recorded pages are read with the copies, and are as old as they. */
START_TEST(recorded_pages_come_with_the_copies)
{
	struct snapshot_piece piece = { DATA + 4 * PAGE, DATA + 5 * PAGE, 0, false };
	struct snapshot_prefetch list = VEC_EMPTY;

	setup(6);
	(void)byte_at(DATA, 1); /* before */
	snapshot_prefetch_by(copy, &list, read_two_pages, NULL);
	(void)byte_at(DATA + 3 * PAGE, 1); /* after */
	snapshot_forget(copy);
	target.era = 2;
	target.hole = 2;
	snapshot_copy_with_pages(copy, &list, &piece, 1);
	ck_assert_uint_eq(piece.got, PAGE);
	target.era = 3;
	target.hole = PAGES;
	ck_assert_uint_eq(byte_at(DATA + PAGE, 1), truth(DATA + PAGE, 2));
	ck_assert_uint_eq(byte_at(DATA + 4 * PAGE, 1), truth(DATA + 4 * PAGE, 2));
	(void)byte_at(DATA + 2 * PAGE, 0);
	ck_assert_uint_eq(byte_at(DATA, 1), truth(DATA, 3));
	ck_assert_uint_eq(byte_at(DATA + 3 * PAGE, 1), truth(DATA + 3 * PAGE, 3));
	/* Once. */
	snapshot_forget(copy);
	snapshot_copy_with_pages(copy, &list, &piece, 0);
	target.era = 4;
	ck_assert_uint_eq(byte_at(DATA + PAGE, 1), truth(DATA + PAGE, 4));
	vec_free(&list);
	teardown();
}
END_TEST

static void read_with_a_full_list(void *data)
{
	(void)data;
	ck_assert_uint_eq(byte_at(DATA + PAGE, 1), truth(DATA + PAGE, 0));
	target.fake.reads = 0;
	(void)byte_at(DATA + 7 * PAGE + 8, 1);
	(void)byte_at(TEXT, 0);
	ck_assert_uint_eq(target.fake.reads, 0);
}

START_TEST(listed_pages_are_those_of_the_bytes)
{
	struct snapshot_prefetch list = VEC_EMPTY;
	struct snapshot_piece none;

	setup(PAGES);
	snapshot_prefetch_add(&list, DATA + PAGE - 8, 16);
	snapshot_prefetch_add(&list, DATA + 3 * PAGE, PAGE);
	snapshot_prefetch_add(&list, DATA + 5 * PAGE, 0);
	snapshot_prefetch_add(&list, UINT64_MAX - 8, 64);
	snapshot_prefetch_add(&list, 0, 8); /* unreadable */
	ck_assert_uint_eq(list.n, 4);
	snapshot_copy_with_pages(copy, &list, &none, 0);
	ck_assert_uint_eq(list.n, 0);
	target.era = 1;
	for (unsigned page = 0; page < PAGES; page++) {
		uintptr_t va = DATA + page * PAGE;

		ck_assert_uint_eq(byte_at(va, 1), truth(va, page == 0 || page == 1 || page == 3 ? 0 : 1));
	}
	for (unsigned i = 0; i < 2000; i++)
		snapshot_prefetch_add(&list, DATA + i * PAGE, 1);
	ck_assert_uint_lt(list.n, 2000); /* a held target would wait for them */
	/* After that nothing more is read, except from the cache. */
	ck_assert(snapshot_prefetch_full(&list));
	snapshot_prefetch_by(copy, &list, read_with_a_full_list, NULL);
	(void)byte_at(TEXT, 1);
	snapshot_copy_with_pages(copy, &list, &none, 0);
	vec_free(&list);
	teardown();
}
END_TEST

enum { LARGE = 0x10000000, LARGE_SIZE = 64 << 20 };

/* Only the first page, the last one, and one in between have been touched. */
static const uint64_t touched[] = { LARGE, LARGE + (32 << 20), LARGE + LARGE_SIZE - PAGE };

size_t os_touched(
    struct ps_prochandle *P, uint64_t lo, uint64_t hi, struct os_range *out, size_t room, uint64_t *upto)
{
	size_t n = 0;

	(void)P;
	/* Two at a time: the last comes with another question. */
	room = room < 2 ? room : 2;
	*upto = hi;
	for (size_t i = 0; i < sizeof(touched) / sizeof(touched[0]); i++) {
		if (touched[i] < lo || touched[i] >= hi)
			continue;
		if (n == room) {
			*upto = touched[i];
			break;
		}
		out[n++] = (struct os_range){ touched[i], touched[i] + PAGE, true };
	}
	return n;
}

static ssize_t large_read(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	if (va < LARGE || va >= LARGE + LARGE_SIZE)
		return 0;
	n = n < LARGE + LARGE_SIZE - va ? n : LARGE + LARGE_SIZE - va;
	memset(buf, 0x5a, n);
	fake->bytes_read += n;
	return (ssize_t)n;
}

static void setup_large(void)
{
	setup(PAGES);
	target.fake.read = large_read;
}

START_TEST(what_was_never_touched_is_not_copied)
{
	struct snapshot_piece piece = { LARGE, LARGE + LARGE_SIZE, 0, true };

	setup_large();
	snapshot_copy_pieces(copy, &piece, 1);
	ck_assert_uint_eq(piece.got, LARGE_SIZE);
	ck_assert_uint_eq(target.fake.bytes_read, 3 * PAGE);
	ck_assert(snapshot_whole(copy, LARGE));
	snapshot_seal(copy);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(byte_at(touched[i] + PAGE - 1, 1), 0x5a);
	(void)byte_at(LARGE + PAGE, 0);
	snapshot_drop(copy, LARGE);
	for (size_t i = 0; i < 3; i++)
		(void)byte_at(touched[i], 0);
	teardown();
}
END_TEST

/* Another copy in its midst, and one that takes its end. */
START_TEST(a_large_copy_among_others)
{
	struct snapshot_piece piece = { LARGE, LARGE + LARGE_SIZE, 0, true };

	setup_large();
	ck_assert_uint_eq(snapshot_copy(copy, LARGE + (16 << 20), LARGE + (16 << 20) + PAGE), PAGE);
	snapshot_copy_pieces(copy, &piece, 1);
	ck_assert_uint_eq(piece.got, 16 << 20); /* this piece ends where an older one starts */
	snapshot_drop(copy, LARGE + (16 << 20));
	snapshot_drop(copy, LARGE);
	snapshot_copy_pieces(copy, &piece, 1);
	ck_assert_uint_eq(snapshot_copy(copy, LARGE + 8 * PAGE, LARGE + 9 * PAGE), PAGE);
	ck_assert(snapshot_whole(copy, LARGE));
	snapshot_drop(copy, LARGE);
	ck_assert_uint_eq(byte_at(LARGE + 8 * PAGE, 1), 0x5a);
	snapshot_seal(copy);
	(void)byte_at(touched[2], 0);
	ck_assert_uint_eq(byte_at(LARGE + 8 * PAGE, 1), 0x5a);
	teardown();
}
END_TEST

/* What is dropped makes room for others: as often as an LWP is captured again. */
START_TEST(large_copies_one_after_the_other)
{
	enum { BYTES = 16 << 20, TIMES = 70 }; /* more than 1 GB in all */

	setup_large();
	for (int i = 0; i < TIMES; i++) {
		ck_assert_uint_eq(snapshot_copy(copy, LARGE, LARGE + BYTES), BYTES);
		snapshot_drop(copy, LARGE);
	}
	teardown();
}
END_TEST

/* The deadline has passed: a large copy ends at once, and cached data remains. */
START_TEST(nothing_is_fetched_any_more)
{
	struct snapshot_piece piece = { LARGE, LARGE + LARGE_SIZE, 0, true };

	setup_large();
	(void)byte_at(LARGE + PAGE, 1);
	ck_assert(!snapshot_until(copy, 1));
	target.fake.reads = 0;
	(void)byte_at(LARGE + 5 * PAGE, 0);
	ck_assert_uint_eq(byte_at(LARGE + PAGE, 1), 0x5a);
	snapshot_copy_pieces(copy, &piece, 1);
	ck_assert_uint_eq(piece.got, 0);
	ck_assert_uint_eq(target.fake.reads, 0);
	ck_assert(snapshot_until(copy, 0));
	ck_assert(!snapshot_until(copy, 0));
	ck_assert_uint_eq(byte_at(LARGE + 5 * PAGE, 1), 0x5a);
	teardown();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { what_was_read_stays_the_same, sealed_reads_nothing_that_can_change,
		sealed_still_reads_text, a_range_is_one_piece_and_wins_over_later_bytes,
		a_read_crosses_from_range_to_page, a_hole_ends_a_read_and_costs_its_neighbours_nothing,
		ranges_do_not_overlap, many_ranges_at_once, recorded_pages_come_with_the_copies,
		listed_pages_are_those_of_the_bytes, forgotten_is_read_anew, many_pages_find_their_bytes,
		pages_are_the_same_again, kept_is_there_at_the_end, kept_is_the_latest_of_a_place,
		what_was_never_touched_is_not_copied, a_large_copy_among_others,
		nothing_is_fetched_any_more };
	Suite *s = suite_create("snapshot");
	TCase *all = tcase_create("snapshot"), *large = tcase_create("large");

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(all, tests[i]);
	/* Copies a gigabyte, which takes a while on a busy machine. */
	tcase_set_timeout(large, 120);
	tcase_add_test(large, large_copies_one_after_the_other);
	suite_add_tcase(s, all);
	suite_add_tcase(s, large);
	return run_made_suite(s);
}
