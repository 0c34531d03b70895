/* Walking on by guesses, and which of their frames are believed. */
#include "support/run_suite.h"
#include "unit/stack/walk_scene.h"

/* Only pc and sp are known. The first word that looks like a saved rbp leads nowhere; the next one
 * leads through the marker to the end. */
START_TEST(frame_pointer_is_guessed_and_verified)
{
	stack[3] = va(30);
	stack[4] = at(LEAF);
	stack[30] = va(60);
	stack[31] = at(LOOP);
	loop(60, at(CALLER), va(80));
	stack[64] = at(MAIN);
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "LlCM"); /* a return address was skipped, which is marked */
	ck_assert(!model.known);           /* and nothing is learned from it */
	ck_assert_uint_eq(out.frames.at[0].cfa, va(32));
	ck_assert(out.frames.at[0].exact);
}
END_TEST

/* The first return address is above a word that fits. Without a marker in the frame the word may
 * belong to the caller. */
START_TEST(frame_pointer_that_is_the_first)
{
	stack[30] = va(60);
	stack[31] = at(LOOP);
	loop(60, at(CALLER), va(80));
	stack[64] = at(MAIN);
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "LlCM");
}
END_TEST

/* With one, the other activation's confirms it. */
START_TEST(frame_pointer_that_a_marker_measures)
{
	loop(30, at(LOOP), va(60));
	loop(60, at(CALLER), va(80));
	stack[64] = at(MAIN);
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "LLCM");
}
END_TEST

/* A word from an earlier call leads to the end of the frame through another function, which would
 * contain the marker at the loop's offset. */
START_TEST(frame_pointer_of_an_earlier_call)
{
	stack[20] = va(60);
	stack[21] = at(FRAMED);
	loop(60, at(CALLER), va(80));
	stack[64] = stack[81] = at(MAIN);
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "LcM");
	ck_assert_uint_eq(out.frames.at[0].cfa, va(62));
}
END_TEST

/* The same after code that nothing describes. */
START_TEST(guess_that_no_loop_confirms)
{
	loop(40, at(LOOP), 0);
	loop(90, at(CALLER), 0);
	stack[94] = at(MAIN);
	model = (struct walk_model){ .known = true,
		.pc = at(LOOP),
		.cfa_above_marker = MARKER_BELOW,
		.sp_below_cfa = 31 * 8,
		.fp_below_cfa = 16,
		.fp_known = true };
	stack[10] = va(40);
	stack[11] = at(FRAMED);
	stack[40] = va(90);
	walk(at(ALIEN), 1, va(10), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGLCM");
	ck_assert_uint_eq(out.frames.at[1].cfa, va(42));
}
END_TEST

/* No word looks like one. */
START_TEST(frame_pointer_that_nothing_verifies)
{
	stack[3] = va(30); /* no return address over it */
	stack[30] = va(60);
	stack[40] = va(30); /* leads down */
	stack[41] = at(CALLER);
	marker(va(20));
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "L");
	ck_assert_int_eq(out.reason, UNWIND_NO_REGISTER);
}
END_TEST

/* A failed guess does not change the reason why the walk ended. */
START_TEST(guess_that_ends_elsewhere)
{
	stack[3] = va(30);
	stack[4] = at(ALIEN);
	stack[30] = va(60);
	stack[31] = at(CALLER);
	marker(va(20));
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "L");
	ck_assert_int_gt(walks, 1);
	ck_assert_int_eq(out.end, UNWIND_END_LOST);
	ck_assert_int_eq(out.reason, UNWIND_NO_REGISTER);
}
END_TEST

START_TEST(resumed_by_the_model)
{
	/* The first activation is seen whole; then code that nothing describes. */
	stack[1] = at(LOOP);
	loop(30, at(ALIEN), NOWHERE);
	loop(90, at(CALLER), 0);
	stack[94] = at(MAIN);
	walk(at(LEAF), 1, va(30), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "FLAGCM");
	ck_assert_uint_eq(out.frames.at[3].cfa, va(92));
}
END_TEST

START_TEST(resumed_by_trial)
{
	loop(30, at(CALLER), 0);
	stack[34] = at(MAIN);
	walk(at(ALIEN), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGcM"); /* nothing confirms it: marked */
	ck_assert_uint_eq(out.frames.at[1].cfa, va(32));
}
END_TEST

/* A second marker at the same distance below its CFA makes it certain. */
START_TEST(trial_confirmed_by_a_second_marker)
{
	loop(30, at(FIXED), 0);
	loop(52, at(CALLER), 0);
	stack[56] = at(MAIN);
	walk(at(ALIEN), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGXCM");
	ck_assert_uint_eq(out.frames.at[1].cfa, va(32));
}
END_TEST

/* The frame pointer of code that nothing describes gives the distance, which nothing confirms. */
START_TEST(trial_by_frame_pointer)
{
	loop(30, at(CALLER), 0);
	stack[34] = at(MAIN);
	walk(at(ALIEN), 1, va(30), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGcM");
	ck_assert_uint_eq(out.frames.at[1].cfa, va(32));
}
END_TEST

/* A word of an earlier call seems to lead to the end of the stack, below the second marker. The
 * distance that leads past both is another one. */
START_TEST(trial_that_ends_below_a_marker)
{
	loop(30, at(FIXED), 0);
	loop(52, at(CALLER), 0);
	stack[56] = at(MAIN);
	stack[29] = at(LEAF);
	stack[30] = at(MAIN);
	stack[51] = at(LEAF);
	walk(at(ALIEN), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGXCM");
	ck_assert_uint_eq(out.frames.at[1].cfa, va(32));
	ck_assert_int_lt(walks, 100);
}
END_TEST

/* The same by the frame pointer, and no other distance fits: what remains is its mere guess. */
START_TEST(trial_by_a_stale_frame_pointer)
{
	loop(30, at(MAIN), 0);
	loop(60, at(LOOP), NOWHERE);
	walk(at(ALIEN), 1, va(30), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "Am");
	ck_assert_int_lt(walks, 100);
}
END_TEST

/* The second marker lies in a frame that nothing describes, so it confirms nothing: the guess for
 * the first is tried once, and stays marked. */
START_TEST(trial_that_no_marker_confirms)
{
	loop(30, at(SIGNAL), 0);
	stack[32] = at(ALIEN);
	stack[33] = va(36);
	stack[34] = va(60);
	loop(60, at(CALLER), 0);
	stack[64] = at(MAIN);
	walk(at(ALIEN), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGsAcM");
	ck_assert_int_lt(walks, 100);
}
END_TEST

/* No distance leads to the end of the stack: better a short stack than a made-up one. */
START_TEST(trial_that_fails)
{
	loop(30, at(ALIEN), 0);
	walk(at(ALIEN), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "A");
}
END_TEST

/* A guess by frame pointer that reaches the marker at the model's offset is kept, unmarked. */
START_TEST(guess_confirmed_by_a_marker)
{
	stack[20] = va(60);
	stack[21] = at(LOOP);
	loop(60, at(CALLER), 0);
	stack[64] = at(MAIN);
	walk(at(ALIEN), 1, va(20), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "ALCM");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk guess");
	TCase *t = tcase_create("walk guess");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, frame_pointer_is_guessed_and_verified);
	tcase_add_test(t, frame_pointer_that_is_the_first);
	tcase_add_test(t, frame_pointer_that_a_marker_measures);
	tcase_add_test(t, frame_pointer_of_an_earlier_call);
	tcase_add_test(t, guess_that_no_loop_confirms);
	tcase_add_test(t, frame_pointer_that_nothing_verifies);
	tcase_add_test(t, guess_that_ends_elsewhere);
	tcase_add_test(t, resumed_by_the_model);
	tcase_add_test(t, resumed_by_trial);
	tcase_add_test(t, trial_confirmed_by_a_second_marker);
	tcase_add_test(t, trial_by_frame_pointer);
	tcase_add_test(t, trial_that_ends_below_a_marker);
	tcase_add_test(t, trial_by_a_stale_frame_pointer);
	tcase_add_test(t, trial_that_no_marker_confirms);
	tcase_add_test(t, trial_that_fails);
	tcase_add_test(t, guess_confirmed_by_a_marker);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
