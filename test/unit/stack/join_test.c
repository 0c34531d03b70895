/* Joining: pure arrays in, order of lines out. Each case draws its stack as text: the native frames
 * youngest first and which runs belong where. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "stack/join.h"

enum { SIZE = 0x100 }; /* bytes of stack per native frame */

struct scene {
	struct native_stack native;
	struct py_stack python;
	struct join_input in;
	struct join join;
	struct strbuf text;
	uint64_t words[64]; /* for slot verification: va / 8 % 64 */
};

/* n native frames from address base up, SIZE bytes each; code at 0x400000 + 0x10 * i. */
static void native(struct scene *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct native_frame fr = { .pc = 0x400000 + 0x10 * i + 1,
			.sp = 0x7000 + SIZE * i,
			.cfa = 0x7000 + SIZE * (i + 1),
			.how = i == 0 ? UNWIND_FIRST : UNWIND_CFI };

		ck_assert(vec_push(&s->native.frames, fr));
	}
}

static void run(struct scene *s, uint64_t marker, uint32_t count)
{
	struct py_run r = { marker, (uint32_t)s->python.frames.n, count };

	for (uint32_t i = 0; i < count; i++) {
		struct py_frame fr = { .addr = 0x9000 + 0x100 * s->python.frames.n };

		ck_assert(vec_push(&s->python.frames, fr));
	}
	ck_assert(vec_push(&s->python.runs, r));
}

/* "n0 n1 p0 p1? G2 L": n native, p python (? unsure), G gap, L loose. */
static const char *joined(struct scene *s)
{
	struct fault f = { 0 };

	s->in.native = &s->native;
	s->in.python = &s->python;
	ck_assert_int_eq(stack_join(&s->in, &s->join, &f), RES_OK);
	for (size_t i = 0; i < s->join.items.n; i++) {
		const struct join_item *item = &s->join.items.at[i];
		static const char letters[] = { [JOIN_NATIVE] = 'n',
			[JOIN_PYTHON] = 'p',
			[JOIN_GAP] = 'G',
			[JOIN_LOOSE] = 'L',
			[JOIN_BARE] = 'B' };

		strbuf_fmt(&s->text, "%s%c", i > 0 ? " " : "", letters[item->kind]);
		if (item->kind != JOIN_LOOSE)
			strbuf_fmt(&s->text, "%u%s", item->index, item->unsure ? "?" : "");
	}
	return strbuf_text(&s->text);
}

static void done(struct scene *s)
{
	native_stack_free(&s->native);
	vec_free(&s->python.frames);
	vec_free(&s->python.runs);
	vec_free(&s->python.cframes);
	join_free(&s->join);
	strbuf_free(&s->text);
}

static uint64_t sp_of(size_t frame)
{
	return 0x7000 + SIZE * frame;
}

START_TEST(marker_names_the_activation)
{
	struct scene s = { .in.marking = PY_MARK_ENTRY };

	native(&s, 5);
	run(&s, sp_of(1) + 8, 2);
	run(&s, sp_of(3) + SIZE - 8, 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 p1 n2 n3 p2 n4");
	ck_assert(!s.join.unsure);
	done(&s);
}
END_TEST

START_TEST(marker_limits_are_half_open)
{
	struct scene s = { .in.marking = PY_MARK_CFRAME };

	native(&s, 4);
	run(&s, sp_of(1), 1); /* sp itself is inside */
	run(&s, sp_of(3), 1); /* the cfa of frame 2 is already frame 3's */
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 p1");
	done(&s);
}
END_TEST

/* The oldest frame's CFA is behind the stack that was seen. */
START_TEST(marker_behind_the_oldest_frame)
{
	struct scene s = { .in.marking = PY_MARK_CFRAME };

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
	struct scene s = { .in.marking = PY_MARK_ENTRY };

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
	struct scene s = { .in.marking = PY_MARK_ENTRY };

	native(&s, 3);
	run(&s, sp_of(0), 0);
	run(&s, sp_of(2), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 n2 p0");
	done(&s);
}
END_TEST

START_TEST(unwinding_that_ended_early_loses_no_python)
{
	struct scene s = { .in.marking = PY_MARK_ENTRY };

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
	struct scene s = { .in.marking = PY_MARK_ENTRY };

	native(&s, 4);
	s.native.frames.at[1].cfa -= 0x40; /* a hole of the stack that no activation owns */
	run(&s, sp_of(2) - 0x20, 1);
	run(&s, sp_of(3), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 L p0? n2 n3 p1");
	done(&s);
}
END_TEST

START_TEST(signal_trampoline_owns_no_marker)
{
	struct scene s = { .in.marking = PY_MARK_ENTRY };

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
	struct scene s = { .in.marking = PY_MARK_ENTRY };

	native(&s, 4);
	s.native.frames.at[0].sp = 0x20000; /* handler runs at a higher address */
	s.native.frames.at[0].cfa = 0x20100;
	run(&s, 0x20010, 1);
	run(&s, sp_of(2), 1);
	ck_assert_str_eq(joined(&s), "n0 p0 n1 n2 p1 n3");
	done(&s);
}
END_TEST

START_TEST(two_markers_in_one_activation_are_doubted)
{
	struct scene s = { .in.marking = PY_MARK_ENTRY };

	native(&s, 2);
	run(&s, sp_of(1), 1);
	run(&s, sp_of(1) + 8, 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 p1?");
	done(&s);
}
END_TEST

START_TEST(markers_out_of_order_are_doubted)
{
	struct scene s = { .in.marking = PY_MARK_ENTRY };

	native(&s, 4);
	run(&s, sp_of(3), 1);
	run(&s, sp_of(1), 1); /* an older run cannot live in a younger activation */
	ck_assert_str_eq(joined(&s), "n0 n1 n2 n3 p0 L p1?");
	done(&s);
}
END_TEST

START_TEST(no_native_stack_at_all)
{
	struct scene s = { .in.marking = PY_MARK_ENTRY };

	run(&s, 0x7000, 2);
	ck_assert_str_eq(joined(&s), "L p0? p1?");
	done(&s);
}
END_TEST

START_TEST(gap_is_an_item_of_its_own)
{
	struct scene s = { .in.marking = PY_MARK_ENTRY };

	native(&s, 4);
	s.native.frames.at[2].pc = 0;
	run(&s, sp_of(2), 1);
	ck_assert_str_eq(joined(&s), "n0 n1 G2 p0 n3");
	done(&s);
}
END_TEST

/* --- up to 3.10 --- */

/* Frames `at` run the loop. */
static void eval_at(struct scene *s, struct py_range *ranges, const size_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ranges[i] = (struct py_range){ 0x400000 + 0x10 * at[i], 0x400000 + 0x10 * at[i] + 4 };
	s->in.eval = ranges;
	s->in.n_eval = n;
	s->in.marking = PY_MARK_NONE;
}

static void hold(struct scene *s, size_t frame, size_t py)
{
	s->native.frames.at[frame].saved[UNWIND_RBX] = 0x9000 + 0x100 * py;
	s->native.frames.at[frame].saved_known |= 1U << UNWIND_RBX;
}

static bool word(void *data, uint64_t va, uint64_t *out)
{
	struct scene *s = data;

	*out = s->words[va / 8 % 64];
	return true;
}

START_TEST(order_verified_by_register)
{
	struct scene s = { 0 };
	struct py_range ranges[2];

	native(&s, 5);
	eval_at(&s, ranges, (size_t[]){ 1, 3 }, 2);
	run(&s, 0, 1);
	run(&s, 0, 1);
	hold(&s, 1, 0);
	hold(&s, 3, 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 p1 n4");
	ck_assert(!s.join.unsure);
	done(&s);
}
END_TEST

START_TEST(order_verified_by_slot)
{
	struct scene s = { 0 };
	struct py_range ranges[1];

	native(&s, 2);
	eval_at(&s, ranges, (size_t[]){ 1 }, 1);
	run(&s, 0, 1);
	s.in.word = word;
	s.in.data = &s;
	s.words[(sp_of(1) + 0x18) / 8 % 64] = 0x9000;
	ck_assert_str_eq(joined(&s), "n0 n1 p0");
	done(&s);
}
END_TEST

START_TEST(order_unverified_is_doubted)
{
	struct scene s = { 0 };
	struct py_range ranges[1];

	native(&s, 3);
	eval_at(&s, ranges, (size_t[]){ 1 }, 1);
	run(&s, 0, 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0? n2");
	done(&s);
}
END_TEST

START_TEST(order_activation_just_entered_has_no_frame)
{
	struct scene s = { 0 };
	struct py_range ranges[3];

	native(&s, 4);
	eval_at(&s, ranges, (size_t[]){ 0, 1, 3 }, 3);
	run(&s, 0, 1);
	run(&s, 0, 1);
	hold(&s, 1, 0);
	hold(&s, 3, 1);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 p1");
	done(&s);
}
END_TEST

START_TEST(order_suspended_frame_goes_to_its_caller)
{
	struct scene s = { 0 };
	struct py_range ranges[2];

	native(&s, 4);
	eval_at(&s, ranges, (size_t[]){ 1, 3 }, 2);
	run(&s, 0, 1);
	run(&s, 0, 1); /* the generator a throw() went through */
	run(&s, 0, 1);
	s.python.frames.at[1].synthetic = true;
	hold(&s, 1, 0);
	hold(&s, 3, 2);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 p1 p2");
	done(&s);
}
END_TEST

/* Slots show the callers' frames as well; the register that has its own frame in each activation decides. */
START_TEST(order_register_outweighs_slots)
{
	struct scene s = { 0 };
	struct py_range ranges[3];

	native(&s, 6);
	eval_at(&s, ranges, (size_t[]){ 1, 3, 5 }, 3);
	for (int i = 0; i < 4; i++)
		run(&s, 0, 1);
	for (size_t i = 0; i < 64; i++)
		s.words[i] = 0x9100; /* frame 1, which no activation runs */
	s.in.word = word;
	s.in.data = &s;
	hold(&s, 1, 0);
	hold(&s, 3, 2);
	hold(&s, 5, 3);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 p1? p2 n4 n5 p3");
	done(&s);
}
END_TEST

START_TEST(order_youngest_frame_alone_is_odd)
{
	struct scene s = { 0 };
	struct py_range ranges[2];

	native(&s, 5);
	eval_at(&s, ranges, (size_t[]){ 1, 3 }, 2);
	for (int i = 0; i < 3; i++)
		run(&s, 0, 1);
	hold(&s, 1, 1);
	hold(&s, 3, 2);
	ck_assert_str_eq(joined(&s), "n0 L p0? n1 p1 n2 n3 p2 n4");
	done(&s);
}
END_TEST

START_TEST(order_activation_without_symbol_in_the_middle)
{
	struct scene s = { 0 };
	struct py_range ranges[2];

	native(&s, 6);
	eval_at(&s, ranges, (size_t[]){ 1, 5 }, 2); /* frame 3 runs the loop too, but nothing says so */
	run(&s, 0, 1);
	run(&s, 0, 1);
	run(&s, 0, 1);
	hold(&s, 1, 0);
	hold(&s, 3, 1);
	hold(&s, 5, 2);
	/* The others keep their places; the odd one is there, and doubted. */
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 n4 n5 p1? p2");
	done(&s);
}
END_TEST

START_TEST(order_chain_that_was_cut_is_told)
{
	struct scene s = { 0 };
	struct py_range ranges[3];

	native(&s, 6);
	eval_at(&s, ranges, (size_t[]){ 1, 3, 5 }, 3);
	run(&s, 0, 1); /* the frames of 3 and 5 cannot be reached from here */
	hold(&s, 1, 0);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 B3 n4 n5 B5");
	done(&s);
}
END_TEST

START_TEST(order_by_cframes_needs_no_code_ranges)
{
	struct scene s = { .in.marking = PY_MARK_NONE };

	native(&s, 4);
	run(&s, 0, 1);
	run(&s, 0, 1);
	ck_assert(vec_push(&s.python.cframes, sp_of(0) + 16));
	ck_assert(vec_push(&s.python.cframes, sp_of(2) + 16));
	hold(&s, 0, 0);
	hold(&s, 2, 1);
	ck_assert_str_eq(joined(&s), "n0 p0 n1 n2 p1 n3");
	done(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("join");
	TCase *t = tcase_create("join");
	SRunner *runner;
	int failed;

	tcase_add_test(t, marker_names_the_activation);
	tcase_add_test(t, marker_limits_are_half_open);
	tcase_add_test(t, marker_behind_the_oldest_frame);
	tcase_add_test(t, marker_in_two_activations_is_doubted);
	tcase_add_test(t, empty_run_prints_nothing);
	tcase_add_test(t, unwinding_that_ended_early_loses_no_python);
	tcase_add_test(t, marker_between_activations_is_placed_by_address);
	tcase_add_test(t, signal_trampoline_owns_no_marker);
	tcase_add_test(t, alternate_stack_above_the_main_one);
	tcase_add_test(t, two_markers_in_one_activation_are_doubted);
	tcase_add_test(t, markers_out_of_order_are_doubted);
	tcase_add_test(t, no_native_stack_at_all);
	tcase_add_test(t, gap_is_an_item_of_its_own);
	tcase_add_test(t, order_verified_by_register);
	tcase_add_test(t, order_verified_by_slot);
	tcase_add_test(t, order_unverified_is_doubted);
	tcase_add_test(t, order_activation_just_entered_has_no_frame);
	tcase_add_test(t, order_suspended_frame_goes_to_its_caller);
	tcase_add_test(t, order_register_outweighs_slots);
	tcase_add_test(t, order_youngest_frame_alone_is_odd);
	tcase_add_test(t, order_activation_without_symbol_in_the_middle);
	tcase_add_test(t, order_chain_that_was_cut_is_told);
	tcase_add_test(t, order_by_cframes_needs_no_code_ranges);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
