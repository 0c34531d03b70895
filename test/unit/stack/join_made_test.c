/* The positions of frames that compiled code has put on the chain. */
#include "support/run_suite.h"
#include "unit/stack/join_scene.h"

enum { RBX = 0 };

static void made(struct scene *s, uint64_t object)
{
	struct py_frame *fr;

	run(s, 0, 1);
	fr = &s->python.frames.at[s->python.frames.n - 1];
	fr->made = fr->synthetic = true;
	fr->object = object;
}

static void holds(struct scene *s, size_t native, uint64_t word)
{
	s->native.frames.at[native].saved[RBX] = word;
	s->native.frames.at[native].saved_known |= 1 << RBX;
}

/* Room for one word a native frame. */
static bool word(void *data, uint64_t va, uint64_t *out)
{
	const uint64_t *words = data;

	*out = va % SIZE == 8 ? words[(va - sp_of(0)) / SIZE] : 0;
	return true;
}

START_TEST(beneath_the_function_that_holds_it)
{
	struct scene s = { .loop.marking = _i == 0 ? PY_MARK_CFRAME : PY_MARK_ENTRY };

	native(&s, 8);
	made(&s, 0x5000);
	run(&s, sp_of(3) + 8, 1);
	made(&s, 0x6000);
	made(&s, 0);
	holds(&s, 0, 0x5000); /* its callee has not touched the register */
	holds(&s, 1, 0x5000);
	holds(&s, 4, 0x6000);
	holds(&s, 6, s.python.frames.at[3].addr);
	ck_assert_str_eq(joined(&s), "n0 n1 p0 n2 n3 p1 n4 p2 n5 n6 p3 n7");
	ck_assert(!s.join.unsure);
	done(&s);
}
END_TEST

/* Out of an activation that has nothing to do with it, whatever that has in its registers. */
START_TEST(never_beneath_an_activation)
{
	struct scene s = { .loop.marking = PY_MARK_ENTRY };

	native(&s, 6);
	run(&s, sp_of(1) + 8, 1);
	made(&s, 0x5000);
	run(&s, sp_of(3) + 8, 1);
	for (size_t i = 0; i < 6; i++) {
		if (i != 2)
			holds(&s, i, 0x5000);
	}
	ck_assert_str_eq(joined(&s), "n0 n1 p0 L p1? n2 n3 p2 n4 n5");
	ck_assert(s.join.unsure);
	done(&s);
}
END_TEST

START_TEST(by_a_word_of_its_stack)
{
	uint64_t words[8] = { 0 };
	struct scene s = { .loop.marking = PY_MARK_ENTRY, .in = { .word = word, .data = words } };

	native(&s, 6);
	run(&s, sp_of(0) + 16, 1);
	made(&s, 0x5000);
	run(&s, sp_of(5) + 16, 1);
	words[3] = 0x5000;
	if (_i == 1) /* left behind, or its own: unknown */
		words[2] = 0x5000;
	if (_i == 2) /* a callee has saved the register, and it has not changed since */
		holds(&s, 2, 0x5000);
	ck_assert_str_eq(joined(&s), _i == 2   ? "n0 p0 n1 n2 p1 n3 n4 n5 p2"
				     : _i == 1 ? "n0 p0 n1 n2 n3 p1? n4 n5 p2"
					       : "n0 p0 n1 n2 n3 p1 n4 n5 p2");
	done(&s);
}
END_TEST

/* Up to 3.10, where frames and activations are matched by order. */
START_TEST(does_not_take_part_in_the_order)
{
	static const struct py_range other = { 0x400010, 0x400020 }, older = { 0x400030, 0x400040 };
	const struct py_range loops[] = { other, older };
	struct scene s = { .loop = { .marking = PY_MARK_NONE, .eval = loops, .n_eval = 2 } };

	native(&s, 6);
	made(&s, 0);
	run(&s, 0, 1);
	made(&s, 0);
	run(&s, 0, 1);
	made(&s, 0);
	holds(&s, 0, s.python.frames.at[0].addr);
	holds(&s, 1, s.python.frames.at[1].addr);
	holds(&s, 2, s.python.frames.at[2].addr);
	holds(&s, 3, s.python.frames.at[3].addr);
	holds(&s, 5, s.python.frames.at[4].addr);
	ck_assert_str_eq(joined(&s), "n0 p0 n1 p1 n2 p2 n3 p3 n4 n5 p4");
	ck_assert(!s.join.unsure);
	done(&s);
}
END_TEST

static void holds_in(struct scene *s, size_t native, int reg, uint64_t word)
{
	s->native.frames.at[native].saved[reg] = word;
	s->native.frames.at[native].saved_known |= (uint8_t)(1 << reg);
}

/* A trace function is called before the first instruction of its frame: that frame has not begun,
 * and the loop runs it. No register refers to the frames of all activations. */
START_TEST(not_begun_in_the_loop)
{
	static const struct py_range at[] = { { 0x400000, 0x400010 }, { 0x400020, 0x400030 },
		{ 0x400040, 0x400050 } };
	struct scene s = { .loop = { .marking = PY_MARK_NONE, .eval = at, .n_eval = 3 } };

	native(&s, 6);
	run(&s, 0, 1);
	made(&s, 0);
	run(&s, 0, 1);
	holds_in(&s, 0, 0, s.python.frames.at[0].addr);
	holds_in(&s, 2, 2, s.python.frames.at[1].addr);
	holds_in(&s, 1, 1, s.python.frames.at[1].addr);
	holds_in(&s, 4, 3, s.python.frames.at[2].addr);
	ck_assert_str_eq(joined(&s), "n0 p0 n1 n2 p1 n3 n4 p2 n5");
	ck_assert(!s.join.unsure);
	done(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("join_made");
	TCase *tcase = tcase_create("join_made");

	tcase_add_loop_test(tcase, beneath_the_function_that_holds_it, 0, 2);
	tcase_add_test(tcase, never_beneath_an_activation);
	tcase_add_loop_test(tcase, by_a_word_of_its_stack, 0, 3);
	tcase_add_test(tcase, does_not_take_part_in_the_order);
	tcase_add_test(tcase, not_begun_in_the_loop);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
