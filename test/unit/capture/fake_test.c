/* Frames of AddressSanitizer's fake stack: their starts and their contents. */
#include <string.h>

#include "capture/capture.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

enum { FAKE = 0x100000, SIZE = 0x20000, CODE = 0x400000, STACK = 0x700000 };

static uint64_t fake[SIZE / 8];
static struct ps_prochandle *P;

static void setup(void)
{
	static const struct fake_segment segments[] = { { FAKE, fake, SIZE }, { 0 } };
	static const struct fake_map maps[] = { { FAKE, SIZE, MA_READ | MA_WRITE, 0, NULL },
		{ CODE, 0x1000, MA_READ | MA_EXEC, 0, NULL }, { 0 } };
	static struct fake_process process = { .pid = 1, .segments = segments, .maps = maps };

	P = fake_grab(&process);
	ck_assert_ptr_nonnull(P);
	memset(fake, 0x5a, sizeof(fake));
}

static void teardown(void)
{
	Prelease(P, 0);
}

/* A frame at FAKE + at. */
static void header(size_t at, uint64_t magic, uint64_t function, uint64_t taken_at)
{
	const uint64_t words[] = { magic, CODE + 0x800, function, taken_at };

	memcpy((uint8_t *)fake + at, words, sizeof(words));
}

START_TEST(which_frame)
{
	static const struct {
		size_t at, variable;
		uint64_t magic, function, taken_at;
		bool is;
	} cases[] = {
		{ 0x8000, 0x8040, 0x41b58ab3, CODE + 0x40, STACK, true },
		{ 0x8000, 0x8018, 0x41b58ab3, CODE + 0x40, STACK, true },
		{ 0x8fc0, 0x8ff8, 0x41b58ab3, CODE + 0x40, STACK, true },
		{ 0x8000, 0x17fc0, 0x41b58ab3, CODE + 0x40, STACK, true },  /* the largest size */
		{ 0x8000, 0x18000, 0x41b58ab3, CODE + 0x40, STACK, false }, /* larger */
		{ 0x8020, 0x8080, 0x41b58ab3, CODE + 0x40, STACK, false },  /* where no frame starts */
		{ 0x8000, 0x8040, 0x45e0360e, CODE + 0x40, STACK, false },  /* the function has returned */
		{ 0x8000, 0x8040, 0x41b58ab3, FAKE, STACK, false },
		{ 0x8000, 0x8040, 0x41b58ab3, CODE + 0x40, 0, false },
		{ 0, 0x80, 0x45e0360e, CODE + 0x40, STACK, false }, /* memory ends below */
		{ 0, SIZE, 0x41b58ab3, CODE + 0x40, STACK, false }, /* and above */
	};
	struct py_run run = { .marker = 0 };

	header(cases[_i].at, cases[_i].magic, cases[_i].function, cases[_i].taken_at);
	ck_assert_int_eq(capture_fake_frame(P, FAKE + cases[_i].variable, &run), cases[_i].is);
	if (cases[_i].is)
		ck_assert(run.function == CODE + 0x40 && run.taken_at == STACK);
}
END_TEST

/* The nearer of two. */
START_TEST(the_next_one_below)
{
	struct py_run run = { .marker = 0 };

	header(0x8000, 0x41b58ab3, CODE + 0x40, STACK);
	header(0x8200, 0x41b58ab3, CODE + 0x80, STACK + 8);
	ck_assert(capture_fake_frame(P, FAKE + 0x8240, &run));
	ck_assert(run.function == CODE + 0x80 && run.taken_at == STACK + 8);
	ck_assert(capture_fake_frame(P, FAKE + 0x81f8, &run));
	ck_assert(run.function == CODE + 0x40 && run.taken_at == STACK);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fake stack");
	TCase *t = tcase_create("fake stack");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, which_frame, 0, 11);
	tcase_add_test(t, the_next_one_below);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
