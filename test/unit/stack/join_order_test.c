/* Joining up to 3.10, where activations are identified by their order and their registers. */
#include "support/run_suite.h"
#include "support/x86_64_regs.h"
#include "unit/stack/join_scene.h"

/* Frames `at` run the loop. */
static void eval_at(struct scene *s, struct py_range *ranges, const size_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ranges[i] = (struct py_range){ 0x400000 + 0x10 * at[i], 0x400000 + 0x10 * at[i] + 4 };
	s->loop.eval = ranges;
	s->loop.n_eval = n;
	s->loop.marking = PY_MARK_NONE;
}

static void hold(struct scene *s, size_t frame, size_t py)
{
	s->native.frames.at[frame].saved[X86_64_SAVED_RBX] = 0x9000 + 0x100 * py;
	s->native.frames.at[frame].saved_known |= 1U << X86_64_SAVED_RBX;
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

/* The youngest of several, when all others are anchored: no other activation remains for it, if it
 * has begun at all. */
START_TEST(order_leaves_one_pair)
{
	for (int i = 0; i < 4; i++) {
		struct scene s = { 0 };
		struct py_range ranges[3];

		native(&s, 7);
		eval_at(&s, ranges, (size_t[]){ 1, 3, 5 }, 3);
		for (int r = 0; r < 3; r++)
			run(&s, 0, 1);
		if (i == 1)
			s.python.frames.at[0].instr = UINT64_MAX;
		if (i == 2)
			s.python.frames.at[0].suspended = true;
		if (i != 3)
			hold(&s, 3, 1);
		hold(&s, 5, 2);
		ck_assert_str_eq(joined(&s), i == 0   ? "n0 n1 p0 n2 n3 p1 n4 n5 p2 n6"
					     : i == 3 ? "n0 n1 p0? n2 n3 p1? n4 n5 p2 n6"
						      : "n0 n1 p0? n2 n3 p1 n4 n5 p2 n6");
		done(&s);
	}
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

/* Slots contain the callers' frames as well. The register that has the own frame in each activation
 * decides. */
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
	eval_at(&s, ranges, (size_t[]){ 1, 5 }, 2); /* frame 3 runs the loop too, but nothing shows it */
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
	struct scene s = { .loop.marking = PY_MARK_NONE };

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

/* i386: words above the CFA, the arguments. */
static bool argument(void *data, uint64_t va, uint64_t *out)
{
	const struct scene *s = data;
	uint64_t off = va - s->native.frames.at[1].cfa, older = va - s->native.frames.at[3].cfa;

	*out = off == s->words[0]     ? s->python.frames.at[0].addr
	       : older == s->words[0] ? s->python.frames.at[1].addr
				      : 0;
	return true;
}

START_TEST(order_by_arguments_of_i386)
{
	struct scene s = { .in.arch = &arch_i386, .in.word = argument };
	struct py_range ranges[2];

	native(&s, 5);
	s.words[0] = (uint64_t)_i * 4; /* the first or the second */
	s.in.data = &s;
	eval_at(&s, ranges, (size_t[]){ 1, 3 }, 2);
	run(&s, 0, 1);
	run(&s, 0, 1);
	/* The register names the frame of the callee, in every activation that has one. */
	hold(&s, 2, 0);
	hold(&s, 3, 0);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 p1 n4");
	ck_assert(!s.join.unsure);
	done(&s);
}
END_TEST

/* 3.10: the youngest activation has unlinked its C frame but not yet its frame. Only its code shows
 * that. */
START_TEST(order_by_cframes_of_one_that_leaves)
{
	struct scene s = { 0 };
	struct py_range ranges[2];

	native(&s, 4);
	eval_at(&s, ranges, (size_t[]){ 0, 2 }, 2);
	run(&s, 0, 1);
	run(&s, 0, 1);
	ck_assert(vec_push(&s.python.cframes, sp_of(2) + 16));
	hold(&s, 0, 0);
	hold(&s, 2, 1);
	ck_assert_str_eq(joined(&s), "n0 p0 n1 n2 p1 n3");
	ck_assert(!join_is_uncertain(&s.join));
	done(&s);
}
END_TEST

/* 3.10: greenlet's oldest C frame is in the function that begins a greenlet, which is not a loop.
 * After it are loops without a C frame. */
START_TEST(order_by_cframes_of_a_greenlet)
{
	struct scene s = { 0 };
	struct py_range ranges[3];

	native(&s, 7);
	eval_at(&s, ranges, (size_t[]){ 0, 2, 5 }, 3);
	run(&s, 0, 1);
	run(&s, 0, 1);
	ck_assert(vec_push(&s.python.cframes, sp_of(0) + 16));
	ck_assert(vec_push(&s.python.cframes, sp_of(2) + 16));
	ck_assert(vec_push(&s.python.cframes, sp_of(3) + 16));
	hold(&s, 0, 0);
	hold(&s, 2, 1);
	ck_assert_str_eq(joined(&s), "n0 p0 n1 n2 p1 n3 n4 n5 B5 n6");
	done(&s);
}
END_TEST

/* 3.10: a throw() has come back to the generator it went through, which is not running. */
START_TEST(order_suspended_youngest_goes_to_its_caller)
{
	struct scene s = { 0 };
	struct py_range ranges[2];

	native(&s, 5);
	eval_at(&s, ranges, (size_t[]){ 1, 3 }, 2);
	for (int i = 0; i < 3; i++)
		run(&s, 0, 1);
	s.python.frames.at[0].suspended = true;
	ck_assert(vec_push(&s.python.cframes, sp_of(1) + 16));
	ck_assert(vec_push(&s.python.cframes, sp_of(3) + 16));
	hold(&s, 1, 1);
	hold(&s, 3, 2);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 p1 n2 n3 p2 n4");
	done(&s);
}
END_TEST

/* The same if the loop's code is unknown: the frame could belong to an activation that is about to
 * return. */
START_TEST(order_suspended_youngest_is_doubted_without_code)
{
	struct scene s = { .loop.marking = PY_MARK_NONE };

	native(&s, 3);
	run(&s, 0, 1);
	run(&s, 0, 1);
	s.python.frames.at[0].suspended = true;
	ck_assert(vec_push(&s.python.cframes, sp_of(1) + 16));
	hold(&s, 1, 1);
	ck_assert_str_eq(joined(&s), "n0 L p0? n1 p1 n2");
	ck_assert(join_is_uncertain(&s.join));
	done(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("join by order");
	TCase *t = tcase_create("join by order");

	tcase_add_loop_test(t, order_by_arguments_of_i386, 0, 2);
	tcase_add_test(t, order_verified_by_register);
	tcase_add_test(t, order_verified_by_slot);
	tcase_add_test(t, order_unverified_is_doubted);
	tcase_add_test(t, order_leaves_one_pair);
	tcase_add_test(t, order_activation_just_entered_has_no_frame);
	tcase_add_test(t, order_suspended_frame_goes_to_its_caller);
	tcase_add_test(t, order_register_outweighs_slots);
	tcase_add_test(t, order_youngest_frame_alone_is_odd);
	tcase_add_test(t, order_activation_without_symbol_in_the_middle);
	tcase_add_test(t, order_chain_that_was_cut_is_told);
	tcase_add_test(t, order_by_cframes_needs_no_code_ranges);
	tcase_add_test(t, order_by_cframes_of_one_that_leaves);
	tcase_add_test(t, order_by_cframes_of_a_greenlet);
	tcase_add_test(t, order_suspended_youngest_goes_to_its_caller);
	tcase_add_test(t, order_suspended_youngest_is_doubted_without_code);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
