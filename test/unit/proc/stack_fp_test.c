/* The frame-pointer walk over drawn stacks. */
#include <libproc.h>
#include <string.h>

#include "support/fake_process.h"
#include "support/run_suite.h"

struct walked {
	long pc[64], fp[64];
	size_t n, stop_at;
};

static int see(void *cd, prgregset_t regs, uint_t argc, const long *argv)
{
	struct walked *walked = cd;

	ck_assert_uint_eq(argc, 0);
	ck_assert_ptr_nonnull(argv);
	ck_assert_uint_lt(walked->n, 64);
	walked->pc[walked->n] = regs[R_PC];
	walked->fp[walked->n++] = regs[R_FP];
	return walked->n == walked->stop_at ? 9 : 0;
}

static int walk(const long *stack, size_t words, long fp, struct walked *walked)
{
	const struct fake_segment segments[] = { { 0x7000, stack, words * sizeof(long) }, { 0 } };
	struct fake_process fake = { .segments = segments };
	struct ps_prochandle *P = fake_grab(&fake);
	const prgregset_t regs = { [R_PC] = 0x100, [R_FP] = fp, [R_SP] = 0x6ff0 };
	int result = Pstack_iter(P, regs, see, walked);

	Prelease(P, 0);
	return result;
}

START_TEST(records_are_followed_to_the_null_one)
{
	const long stack[] = { 0x7010, 0x200, 0, 0 };
	struct walked walked = { .n = 0 };

	ck_assert_int_eq(walk(stack, 4, 0x7000, &walked), 0);
	ck_assert_uint_eq(walked.n, 2);
	ck_assert_int_eq(walked.pc[0], 0x100);
	ck_assert_int_eq(walked.pc[1], 0x200);
	ck_assert_int_eq(walked.fp[1], 0x7010);
}
END_TEST

START_TEST(an_unreadable_record_ends_after_its_frame)
{
	const long stack[] = { 0x9000, 0x200 };
	struct walked walked = { .n = 0 };

	ck_assert_int_eq(walk(stack, 2, 0x7000, &walked), 0);
	ck_assert_uint_eq(walked.n, 2);
}
END_TEST

START_TEST(a_cycle_ends)
{
	const long stack[] = { 0x7010, 0x200, 0x7000, 0x300 };
	struct walked walked = { .n = 0 };

	ck_assert_int_eq(walk(stack, 4, 0x7000, &walked), 0);
	/* A frame whose record was seen is not shown again. */
	ck_assert_uint_eq(walked.n, 2);
	ck_assert_int_eq(walked.pc[1], 0x200);
}
END_TEST

START_TEST(the_callback_stops_it)
{
	const long stack[] = { 0x7010, 0x200, 0, 0 };
	struct walked walked = { .stop_at = 1 };

	ck_assert_int_eq(walk(stack, 4, 0x7000, &walked), 9);
	ck_assert_uint_eq(walked.n, 1);
}
END_TEST

START_TEST(an_address_at_the_end_of_memory_is_unreadable)
{
	const long stack[] = { -8, 0x200 };
	struct walked walked = { .n = 0 };

	ck_assert_int_eq(walk(stack, 2, 0x7000, &walked), 0);
	ck_assert_uint_eq(walked.n, 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { records_are_followed_to_the_null_one,
		an_unreadable_record_ends_after_its_frame, a_cycle_ends, the_callback_stops_it,
		an_address_at_the_end_of_memory_is_unreadable };

	return run_suite("stack_fp", tests, sizeof(tests) / sizeof(tests[0]));
}
