/* Joining: pure arrays in, order of lines out. */
#include "support/run_suite.h"
#include "unit/stack/join_scene.h"

START_TEST(marker_names_the_activation)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 5);
	run(&s, sp_of(1) + 8, 2);
	run(&s, sp_of(3) + SIZE - 8, 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 p1 n2 n3 p2 n4");
	ck_assert(!s.join.unsure);
	done(&s);
}
END_TEST

/* Two Pythons on one thread: one with markers, called by one without, which is called by the first
 * again. */
START_TEST(each_loop_by_its_own_rules)
{
	static const struct py_range eval = { 0x400020, 0x400028 };
	const struct join_loop loops[] = {
		{ .runtime = 0, .marking = PY_MARK_NONE, .eval = &eval, .n_eval = 1 },
		{ .runtime = 1, .marking = PY_MARK_ENTRY }
	};
	struct scene s = { .in = { .loops = loops, .n_loops = 2 } };

	native(&s, 6);
	run(&s, 0, 1); /* as py_stack_merge has them: without marker first */
	run(&s, sp_of(1) + 8, 1);
	run(&s, sp_of(4) + 8, 2);
	s.python.runs.at[1].runtime = s.python.runs.at[2].runtime = 1;
	s.native.frames.at[2].saved[0] = s.python.frames.at[0].addr;
	s.native.frames.at[2].saved_known = 1;
	ck_assert_str_eq(joined(&s), "n0 n1 p1 n2 p0 n3 n4 p2 p3 n5");
	ck_assert(!s.join.unsure);
	done(&s);
}
END_TEST

/* An object that its last frame released runs Python code. The youngest activation may be about to
 * begin, and the oldest of 3.11 may be greenlet's. */
START_TEST(activation_whose_frame_has_ended)
{
	struct scene s = { .loop.marking = _i == 0 ? PY_MARK_ENTRY : PY_MARK_CFRAME };

	native(&s, 8);
	run(&s, sp_of(0) + 8, 0);
	run(&s, sp_of(2) + 8, 1);
	run(&s, sp_of(4) + 8, 0);
	run(&s, sp_of(6) + 8, 0);
	ck_assert_str_eq(
	    joined(&s), _i == 0 ? "n0 n1 n2 p0 n3 n4 E2 n5 n6 E3 n7" : "n0 n1 n2 p0 n3 n4 E2 n5 n6 n7");
	ck_assert(!join_is_uncertain(&s.join));
	done(&s);
}
END_TEST

/* Functions of native_scene: 0x400000, 0x400040 and so on, four frames in each. */
static bool function(void *data, uint64_t pc, uint64_t *start)
{
	(void)data;
	*start = pc & ~(uint64_t)0x3f;
	return true;
}

/* The activation's variables are elsewhere: the activation is the next one of its function above
 * the address at which they were allocated. */
START_TEST(variables_on_a_fake_stack)
{
	static const struct {
		uint64_t below, function;
		const char *want;
	} cases[] = { { sizeof(uint64_t) * 5, 0x400040, "n0 n1 n2 n3 n4 p0 n5 n6 n7" },
		{ SIZE + 8, 0x400040, "n0 n1 n2 n3 n4 p0 n5 n6 n7" },
		{ 8, 0x400000, "n0 n1 n2 n3 n4 n5 n6 n7 L p0?" } };
	struct scene s = { .loop.marking = PY_MARK_ENTRY, .in.function = function };

	native(&s, 8);
	run(&s, 0, 1);
	s.python.runs.at[0].fake = 0x100000;
	s.python.runs.at[0].function = cases[_i].function;
	s.python.runs.at[0].taken_at = sp_of(4) - cases[_i].below;
	ck_assert_str_eq(joined(&s), cases[_i].want);
	ck_assert_int_eq(s.join.unsure, _i == 2);
	ck_assert_int_eq(s.join.apart, _i == 2);
	done(&s);
}
END_TEST

/* Nothing shows where they were allocated: frames are placed by order among the loop's activations,
 * from the oldest on, and marked. They are not placed if the stack ends early. */
START_TEST(variables_on_no_stack)
{
	static const struct py_range loop[] = { { 0x400010, 0x400018 }, { 0x400030, 0x400038 },
		{ 0x400060, 0x400068 } };
	static const char *const want[] = { "n0 n1 n2 n3 p0? n4 n5 n6 p1? n7",
		"n0 n1 n2 n3 n4 n5 n6 n7 L p0? p1?", "n0 n1 n2 n3 p0 n4 n5 n6 p1? n7",
		"n0 L p0? n1 p1? n2 n3 p2? n4 n5 n6 p3? n7" };
	struct scene s = { .loop.marking = PY_MARK_ENTRY, .loop.eval = loop, .loop.n_eval = 3 };

	native(&s, 8);
	s.native.end = _i == 1 ? UNWIND_END_LOST : UNWIND_END_DONE;
	for (int k = 0; k < (_i == 3 ? 4 : 2); k++)
		run(&s, _i == 2 && k == 0 ? sp_of(3) + 8 : 0x100000 + 0x100 * (uint64_t)k, 1);
	ck_assert_str_eq(joined(&s), want[_i]);
	ck_assert(s.join.unsure);
	done(&s);
}
END_TEST

START_TEST(marker_limits_are_half_open)
{
	struct scene s = { .loop.marking = PY_MARK_CFRAME };

	native(&s, 4);
	run(&s, sp_of(1), 1); /* sp itself is inside */
	run(&s, sp_of(3), 1); /* the cfa of frame 2 is already frame 3's */
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 p1");
	done(&s);
}
END_TEST

/* The oldest frame's CFA is after the copied part of the stack. */
START_TEST(marker_behind_the_oldest_frame)
{
	struct scene s = { .loop.marking = PY_MARK_CFRAME };

	native(&s, 3);
	run(&s, sp_of(1), 1);
	run(&s, sp_of(3), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 L p1?");
	done(&s);
}
END_TEST

/* Two extents hold it: a step went wrong, so that neither is believed. */
START_TEST(marker_in_two_activations_is_doubted)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 4);
	s.native.frames.at[1].cfa = sp_of(3);
	run(&s, sp_of(2) + 8, 1);
	(void)joined(&s);
	ck_assert(s.join.unsure);
	ck_assert_ptr_nonnull(strstr(strbuf_text(&s.text), "p0?"));
	done(&s);
}
END_TEST

START_TEST(empty_run_prints_nothing)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 3);
	run(&s, sp_of(0), 0);
	run(&s, sp_of(2), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 n2 p0");
	done(&s);
}
END_TEST

START_TEST(unwinding_that_ended_early_loses_no_python)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 2);
	run(&s, sp_of(1), 1);
	run(&s, sp_of(7), 2);
	run(&s, sp_of(9), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 L p1? p2? p3?");
	ck_assert(s.join.unsure);
	done(&s);
}
END_TEST

START_TEST(marker_between_activations_is_placed_by_address)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 4);
	s.native.frames.at[1].cfa -= 0x40; /* a hole of the stack that no activation owns */
	run(&s, sp_of(2) - 0x20, 1);
	run(&s, sp_of(3), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 L p0? n2 n3 p1");
	done(&s);
}
END_TEST

/* Its CFA is a guess by a frame pointer that may be a caller's. */
START_TEST(frame_without_description_owns_no_marker)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 2);
	s.native.frames.at[0].no_cfi = true;
	s.native.frames.at[0].cfa = sp_of(3);
	s.native.frames.at[1].sp = sp_of(3);
	s.native.frames.at[1].cfa = sp_of(4);
	run(&s, sp_of(2), 1);
	run(&s, sp_of(3) + 8, 1);
	ck_assert_str_eq(joined(&s), "n0 L p0? n1 p1");
	done(&s);
}
END_TEST

/* A run without frames has no lines, so the next run needs a line that says that its activation is
 * unknown. */
START_TEST(empty_run_before_a_loose_one)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 1);
	run(&s, sp_of(2), 0);
	run(&s, sp_of(3), 1);
	run(&s, sp_of(4), 0);
	run(&s, sp_of(5), 1);
	ck_assert_str_eq(joined(&s), "n0 L p0? p1?");
	done(&s);
}
END_TEST

START_TEST(signal_trampoline_owns_no_marker)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 4);
	s.native.frames.at[1].signal_frame = true; /* from an alternate stack: its extent means nothing */
	s.native.frames.at[1].cfa = sp_of(9);
	run(&s, sp_of(2), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 n2 p0 n3");
	done(&s);
}
END_TEST

START_TEST(alternate_stack_above_the_main_one)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 4);
	s.native.frames.at[0].sp = 0x20000; /* handler runs at a higher address */
	s.native.frames.at[0].cfa = 0x20100;
	run(&s, 0x20010, 1);
	run(&s, sp_of(2), 1);
	ck_assert_str_eq(joined(&s), "n0 p0 n1 n2 p1 n3");
	done(&s);
}
END_TEST

/* The handler's stack is an array in a frame, so its markers are within that frame too. */
START_TEST(alternate_stack_in_a_frame)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 5);
	s.native.frames.at[0].sp = sp_of(3) + 0x10;
	s.native.frames.at[0].cfa = sp_of(3) + 0x40;
	s.native.frames.at[1].signal_frame = _i == 0; /* else some step was wrong */
	run(&s, sp_of(3) + 0x20, 1);
	run(&s, sp_of(4), 1);
	ck_assert_str_eq(joined(&s), _i == 0 ? "n0 p0 n1 n2 n3 n4 p1" : "n0 n1 n2 n3 L p0? n4 p1");
	done(&s);
}
END_TEST

START_TEST(two_markers_in_one_activation_are_doubted)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 2);
	run(&s, sp_of(1), 1);
	run(&s, sp_of(1) + 8, 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 p1?");
	done(&s);
}
END_TEST

START_TEST(markers_out_of_order_are_doubted)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 4);
	run(&s, sp_of(3), 1);
	run(&s, sp_of(1), 1); /* an older run cannot live in a younger activation */
	ck_assert_str_eq(joined(&s), "n0 n1 n2 n3 p0 L p1?");
	done(&s);
}
END_TEST

/* The frames of a greenlet's parents are on no chain. Their activations continue where other
 * functions call the loop. */
START_TEST(activations_of_greenlet_parents_are_told)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 7);
	run(&s, sp_of(1), 1);
	run(&s, sp_of(2), 1);
	s.native.frames.at[4].pc = s.native.frames.at[2].pc;
	s.native.frames.at[6].pc = s.native.frames.at[2].pc;
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 p1 n3 n4 B4 n5 n6 B6");
	done(&s);
}
END_TEST

/* Frames 3 and 5 are greenlet's. */
static bool switches(void *data, uint64_t pc)
{
	(void)data;
	return pc == 0x400030 || pc == 0x400050;
}

/* The start of a greenlet has one line, after its oldest Python frame. In 3.11 the function that
 * begins greenlets has a marker but is not a loop. An activation is recognised by its code, at
 * which no other continues. */
START_TEST(start_of_a_greenlet)
{
	static const struct py_range eval = { 0x400040, 0x400048 };
	struct scene s = { .loop.marking = PY_MARK_CFRAME };

	s.in.switches = switches;
	s.loop.eval = &eval;
	s.loop.n_eval = 1;
	native(&s, 8);
	run(&s, sp_of(2), 2);
	run(&s, sp_of(3), 0);
	s.native.frames.at[5].pc = s.native.frames.at[3].pc;
	s.native.frames.at[6].pc = s.native.frames.at[2].pc;
	ck_assert_str_eq(joined(&s), "n0 n1 n2 p0 p1 S3 n3 n4 B4 n5 n6 B6 n7");
	ck_assert(s.join.start);
	done(&s);
}
END_TEST

/* A frame called by a Python frame of the greenlet is not its start. */
START_TEST(greenlet_in_the_middle_of_a_stack)
{
	struct scene s = { .loop.marking = PY_MARK_CFRAME };

	s.in.switches = switches;
	native(&s, 8);
	run(&s, sp_of(2), 1);
	run(&s, sp_of(6), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 n2 p0 n3 n4 n5 n6 p1 n7");
	ck_assert(!s.join.start);
	done(&s);
}
END_TEST

START_TEST(no_native_stack_at_all)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	run(&s, 0x7000, 2);
	ck_assert_str_eq(joined(&s), "L p0? p1?");
	done(&s);
}
END_TEST

START_TEST(gap_is_an_item_of_its_own)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 4);
	s.native.frames.at[0].pc = 0; /* a call through a null pointer is none */
	s.native.frames.at[2].gap = true;
	run(&s, sp_of(2), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 G2 p0 n3");
	done(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("join");
	TCase *t = tcase_create("join");

	tcase_add_test(t, marker_names_the_activation);
	tcase_add_test(t, each_loop_by_its_own_rules);
	tcase_add_loop_test(t, activation_whose_frame_has_ended, 0, 2);
	tcase_add_test(t, marker_limits_are_half_open);
	tcase_add_loop_test(t, variables_on_a_fake_stack, 0, 3);
	tcase_add_loop_test(t, variables_on_no_stack, 0, 4);
	tcase_add_test(t, marker_behind_the_oldest_frame);
	tcase_add_test(t, marker_in_two_activations_is_doubted);
	tcase_add_test(t, empty_run_prints_nothing);
	tcase_add_test(t, unwinding_that_ended_early_loses_no_python);
	tcase_add_test(t, marker_between_activations_is_placed_by_address);
	tcase_add_test(t, frame_without_description_owns_no_marker);
	tcase_add_test(t, empty_run_before_a_loose_one);
	tcase_add_test(t, signal_trampoline_owns_no_marker);
	tcase_add_test(t, alternate_stack_above_the_main_one);
	tcase_add_loop_test(t, alternate_stack_in_a_frame, 0, 2);
	tcase_add_test(t, two_markers_in_one_activation_are_doubted);
	tcase_add_test(t, markers_out_of_order_are_doubted);
	tcase_add_test(t, activations_of_greenlet_parents_are_told);
	tcase_add_test(t, start_of_a_greenlet);
	tcase_add_test(t, greenlet_in_the_middle_of_a_stack);
	tcase_add_test(t, no_native_stack_at_all);
	tcase_add_test(t, gap_is_an_item_of_its_own);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
