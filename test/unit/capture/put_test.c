/* Bytes that were read elsewhere and put into the copy of a process: the first of a place stay. */
#include "capture/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "support/fake_process.h"
#include "support/run_suite.h"

enum { PAGE = 4096, DATA = 0x10000, PAGES = 4, LIVE = '.' };

/* Of this many calls of malloc and realloc the last fails; 0: none does. */
static int fails;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n)
{
	return fails > 0 && --fails == 0 ? NULL : __real_malloc(n);
}

void *__real_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n);
void *__wrap_realloc(void *old, size_t n)
{
	return fails > 0 && --fails == 0 ? NULL : __real_realloc(old, n);
}

static const struct fake_map maps[] = {
	{ DATA, PAGES *PAGE, MA_READ | MA_WRITE, 0, NULL },
	{ 0 },
};
static uint8_t memory[PAGES * PAGE];
static const struct fake_segment segments[] = { { DATA, memory, sizeof(memory) }, { 0 } };
static struct fake_process fake = { .pid = 1, .maps = maps, .segments = segments };
static struct ps_prochandle *live;
static struct snapshot *copy;

static void setup(void)
{
	struct fault f = { 0 };

	memset(memory, LIVE, sizeof(memory));
	live = fake_grab(&fake);
	ck_assert_ptr_nonnull(live);
	ck_assert_int_eq(snapshot_create(live, &copy, &f), RES_OK);
}

static void teardown(void)
{
	snapshot_destroy(copy);
	Prelease(live, 0);
}

/* The bytes are in memory of their own size, so that a read beyond them is noticed; they are not
 * needed after the call. */
static bool put(uint64_t va, size_t n, char c)
{
	uint8_t *bytes = __real_malloc(n);
	bool ok;

	memset(bytes, c, n);
	ok = snapshot_put(copy, va, bytes, n);
	free(bytes);
	return ok;
}

static void expect(uint64_t va, const char *text)
{
	char got[64] = "";
	size_t n = strlen(text);

	ck_assert_int_eq(Pread(snapshot_handle(copy), got, n, va), (ssize_t)n);
	ck_assert_str_eq(got, text);
}

START_TEST(between_live_bytes)
{
	ck_assert(put(DATA + 100, 3, 'a'));
	expect(DATA + 98, "..aaa..");
	ck_assert(put(DATA + PAGE - 2, 4, 'b')); /* across pages */
	expect(DATA + PAGE - 3, ".bbbb.");
	ck_assert(put(DATA, 0, 'c'));
	expect(DATA, "..");
}
END_TEST

START_TEST(first_bytes_stay)
{
	ck_assert(put(DATA + 10, 3, 'a'));
	ck_assert(put(DATA + 8, 7, 'b')); /* around it */
	expect(DATA + 7, ".bbaaabb.");
	ck_assert(put(DATA + 9, 3, 'c')); /* within */
	expect(DATA + 7, ".bbaaabb.");
	ck_assert(put(DATA + 6, 4, 'd'));  /* over its start */
	ck_assert(put(DATA + 13, 4, 'e')); /* over its end */
	expect(DATA + 5, ".ddbbaaabbee.");
	ck_assert(put(DATA + 8, 7, 'f')); /* the same again */
	ck_assert(put(DATA + 20, 2, 'g'));
	ck_assert(put(DATA + 4, 20, 'h')); /* all, and the gap */
	expect(DATA + 3, ".hhddbbaaabbeehhhgghh.");
}
END_TEST

/* Neighbours are one piece for a read; it ends where nothing is. */
START_TEST(after_the_seal)
{
	char bytes[16] = "";

	ck_assert(put(DATA + 4, 4, 'b'));
	ck_assert(put(DATA, 4, 'a'));
	ck_assert(put(DATA + 10, 2, 'c'));
	snapshot_seal(copy);
	memset(memory, '!', sizeof(memory));
	expect(DATA, "aaaabbbb");
	expect(DATA + 3, "ab");
	expect(DATA + 10, "cc");
	ck_assert_int_eq(Pread(snapshot_handle(copy), bytes, sizeof(bytes), DATA + 2), 6);
	ck_assert_str_eq(bytes, "aabbbb");
	ck_assert_int_eq(Pread(snapshot_handle(copy), bytes, 1, DATA + 8), 0);
}
END_TEST

/* Where the process has no memory, or none any more. */
START_TEST(beside_the_memory_of_the_process)
{
	char byte;

	ck_assert(put(DATA - 4, 8, 'a'));
	expect(DATA - 4, "aaaaaaaa..");
	ck_assert(put(0x7f0000000000, 2, 'b'));
	expect(0x7f0000000000, "bb");
	ck_assert_int_eq(Pread(snapshot_handle(copy), &byte, 1, DATA - 5), 0);
	ck_assert_int_eq(Pread(snapshot_handle(copy), &byte, 1, 0x7f0000000002), 0);
	/* Nothing is behind the last address. */
	(void)put(UINT64_MAX - 3, 8, 'c');
	expect(DATA, "aaaa..");
	(void)put(UINT64_MAX, 1, 'c');
	expect(DATA, "aaaa..");
}
END_TEST

START_TEST(with_copies)
{
	ck_assert_uint_eq(snapshot_copy(copy, DATA + 10, DATA + 14), 4);
	memset(memory, '!', sizeof(memory));
	ck_assert(put(DATA + 8, 8, 'a'));
	expect(DATA + 8, "aa....aa");
	/* A copy ends where an older one begins. */
	ck_assert_uint_eq(snapshot_copy(copy, DATA + 4, DATA + 12), 4);
	expect(DATA + 4, "!!!!aa....aa");
	ck_assert(snapshot_whole(copy, DATA + 10));
	snapshot_drop(copy, DATA + 10);
	ck_assert(put(DATA + 8, 8, 'b'));
	expect(DATA + 4, "!!!!aabbbbaa");
}
END_TEST

/* Pieces at random places, compared with bytes of which the first stay. */
START_TEST(many_pieces)
{
	static uint8_t expected[1024], got[1024];
	unsigned seed = (unsigned)_i + 1;

	memset(expected, LIVE, sizeof(expected));
	for (int i = 0; i < 300; i++) {
		size_t at = (size_t)rand_r(&seed) % 1000, n = (size_t)rand_r(&seed) % 24 + 1;
		char c = (char)('A' + i % 50);

		ck_assert(put(DATA + PAGE - 512 + at, n, c));
		for (size_t k = at; k < at + n; k++)
			expected[k] = expected[k] == LIVE ? (uint8_t)c : expected[k];
		at = (size_t)rand_r(&seed) % 1000;
		n = 1024 - at;
		ck_assert_int_eq(Pread(snapshot_handle(copy), got, n, DATA + PAGE - 512 + at), (ssize_t)n);
		ck_assert_mem_eq(got, expected + at, n);
	}
}
END_TEST

/* What was put remains, and is not wrong; the rest can be put later. */
START_TEST(out_of_memory)
{
	bool ok = false;
	int refused = 0;

	for (int n = 1; !ok; n++) {
		teardown();
		setup();
		/* The next behind the middle grows the array of pieces. */
		for (int i = 0; i < 30; i++)
			ck_assert(put(DATA + 3 * (uint64_t)i, 2, 'a'));
		ck_assert(put(DATA + 100, 2, 'a'));
		ck_assert(put(DATA + 110, 2, 'a'));
		fails = n;
		ok = put(DATA + 98, 14, 'b');
		refused += !ok;
		fails = 0;
		expect(DATA + 100, "aa");
		expect(DATA + 110, "aa");
		ck_assert(put(DATA + 98, 14, 'b'));
		expect(DATA + 97, ".bbaabbbbbbbbaa.");
	}
	ck_assert_int_ge(refused, 3); /* two pieces, and the array */
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("put");
	TCase *tcase = tcase_create("put");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, between_live_bytes);
	tcase_add_test(tcase, first_bytes_stay);
	tcase_add_test(tcase, after_the_seal);
	tcase_add_test(tcase, beside_the_memory_of_the_process);
	tcase_add_test(tcase, with_copies);
	tcase_add_loop_test(tcase, many_pieces, 0, 20);
	tcase_add_test(tcase, out_of_memory);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
