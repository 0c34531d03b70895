/* Which threads that were read asleep are held for their registers, and how often. */
#include "stack/rehold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/run_suite.h"
#include "support/x86_64_regs.h"

static struct rehold rehold;
static struct capture_lwp l;
static struct stack_thread th;

/* A thread asleep in a system call: three frames, of which the middle one is the loop's, with its
 * Python frame. */
static void setup(void)
{
	rehold = (struct rehold){ .arch = &arch_x86_64 };
	memset(&th, 0, sizeof(th));
	l = (struct capture_lwp){ .id = 1, .known_regs = REGS_PC_SP, .blocked = { .in_call = true } };
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert(vec_push(&th.native.frames,
		    ((struct native_frame){
			.pc = i, .how = UNWIND_CFI, .saved_known = 1 << X86_64_SAVED_RBP })));
	for (uint32_t i = 0; i < 3; i++)
		ck_assert(vec_push(&th.join.items, ((struct join_item){ i, JOIN_NATIVE, false })));
	ck_assert(vec_push(&th.join.items, ((struct join_item){ 0, JOIN_PYTHON, false })));
}

static void teardown(void)
{
	rehold_free(&rehold);
	vec_free(&th.native.frames);
	vec_free(&th.join.items);
}

static bool wanted(void)
{
	uint64_t stack;

	return rehold_wanted(&rehold, &l, &th, &stack);
}

START_TEST(nothing_unsure)
{
	ck_assert(!wanted());
	l.blocked.in_call = false;
	ck_assert(!wanted());
}
END_TEST

/* Whatever the version: it is marked. */
START_TEST(python_frame_by_order_alone)
{
	th.join.items.at[3].unsure = true;
	ck_assert(wanted());
	l.known_regs = REGS_ALL; /* its registers are known */
	ck_assert(!wanted());
}
END_TEST

/* By the reason, not by the words for it. */
START_TEST(walk_that_lacks_a_register)
{
	th.native.end = UNWIND_END_LOST;
	(void)snprintf(th.native.why, sizeof(th.native.why), "needs rbp, which is not known");
	th.native.reason = UNWIND_NO_MEMORY;
	ck_assert(!wanted());
	th.native.why[0] = '\0';
	th.native.reason = UNWIND_NO_REGISTER;
	ck_assert(wanted());
}
END_TEST

/* Registers do not help in a JIT's code, unless the thread was stopped anyway, which costs nothing.
 * It may lack all of them. */
START_TEST(behind_undescribed_code)
{
	th.native.frames.at[0].no_cfi = true;
	th.native.frames.at[0].saved_known = 0;
	if (_i == 0)
		th.join.items.at[1].kind = JOIN_GAP;
	else if (_i == 1)
		th.native.frames.at[1].how = UNWIND_FP;
	else
		th.native.end = UNWIND_END_LOST;
	ck_assert(!wanted());
	l.blocked.in_call = false;
	ck_assert(wanted());
}
END_TEST

START_TEST(behind_described_code)
{
	if (_i == 0)
		th.join.items.at[1].kind = JOIN_GAP;
	else
		th.native.frames.at[1].how = UNWIND_FP;
	ck_assert(wanted());
}
END_TEST

/* If a hold did not help, the same stack is not held again, but others are, a few times. */
START_TEST(no_help)
{
	uint64_t stack;
	int held = 0;

	th.join.items.at[3].unsure = true;
	ck_assert(rehold_wanted(&rehold, &l, &th, &stack));
	rehold_tried(&rehold, stack, &th);
	ck_assert(!wanted());
	for (uint64_t i = 0; i < 1000; i++) {
		th.native.frames.at[1].pc = 100 + i;
		if (rehold_wanted(&rehold, &l, &th, &stack)) {
			rehold_tried(&rehold, stack, &th);
			held++;
		}
	}
	ck_assert_int_eq(held, 15);
}
END_TEST

START_TEST(help)
{
	uint64_t stack;

	th.join.items.at[3].unsure = true;
	for (int i = 0; i < 1000; i++) {
		th.join.items.at[3].unsure = true;
		ck_assert(rehold_wanted(&rehold, &l, &th, &stack));
		th.join.items.at[3].unsure = false;
		rehold_tried(&rehold, stack, &th);
	}
}
END_TEST

/* A thread that cannot be held gets a remark. One failure does not end the attempts for other
 * threads; many do. */
START_TEST(failures)
{
	for (int i = 0; i < 10; i++) {
		ck_assert(rehold_may(&rehold));
		th.noted = false;
		th.failed = false;
		rehold_failed(&rehold, "it did not stop", &th);
		ck_assert(th.failed);
		ck_assert_str_eq(th.why, "its registers are not known: it did not stop");
	}
	ck_assert(!rehold_may(&rehold));
	th.noted = false;
	rehold_failed(&rehold, NULL, &th);
	ck_assert_ptr_nonnull(strstr(th.why, "10 other threads"));
	(void)snprintf(th.why, sizeof(th.why), "something else");
	rehold_failed(&rehold, NULL, &th);
	ck_assert_str_eq(th.why, "something else");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rehold");
	TCase *t = tcase_create("rehold");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_unsure);
	tcase_add_test(t, python_frame_by_order_alone);
	tcase_add_test(t, walk_that_lacks_a_register);
	tcase_add_loop_test(t, behind_undescribed_code, 0, 3);
	tcase_add_loop_test(t, behind_described_code, 0, 2);
	tcase_add_test(t, no_help);
	tcase_add_test(t, help);
	tcase_add_test(t, failures);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
