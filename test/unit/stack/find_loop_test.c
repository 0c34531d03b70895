/* The loop of a binary without names, found in made-up stacks. The functions of the file are the
 * test's: they are 64 KB apart, and `bytes` has their sizes. */
#include "stack/join/find_loop.h"
#include "support/run_suite.h"

#include <check.h>
#include <stdlib.h>

enum { FUNCTIONS = 5, APART = 0x10000, LOOP = 4, HELPER = 2, OTHER = 1, RBX = 0, R12 = 1 };

static uint64_t bytes[FUNCTIONS];
static uint64_t
    cold[FUNCTIONS]; /* the function whose code has a second part, in the next place; bytes of that part */

static uint64_t code(size_t function)
{
	return 0x400000 + APART * function;
}

/* Replaces lib/python's function, which would read a file's unwind table. */
size_t py_function_ranges(struct py_process *py, size_t runtime, uint64_t pc, struct py_range out[2])
{
	ck_assert_ptr_null(py);
	ck_assert_uint_eq(runtime, 0);
	for (size_t i = 0; i < FUNCTIONS; i++) {
		uint64_t apart = code(i) + APART / 2;
		bool is_hot = pc >= code(i) && pc < code(i) + bytes[i];

		if (!is_hot && (pc < apart || pc >= apart + cold[i]))
			continue;
		out[0] = (struct py_range){ code(i), code(i) + bytes[i] };
		out[1] = (struct py_range){ apart, apart + cold[i] };
		return cold[i] != 0 ? 2 : 1;
	}
	return 0;
}

struct scene {
	struct native_stack native;
	struct py_stack python;
};

static uint64_t frame(size_t i)
{
	return 0x9000 + 0x100 * i;
}

static void frames(struct scene *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert(vec_push(&s->python.frames, ((struct py_frame){ .addr = frame(i) })));
}

/* Add an older activation: of a function, at an offset in it. The next younger one saved `value` in
 * a register. */
static void activation(struct scene *s, size_t function, uint64_t offset, int reg, uint64_t value)
{
	struct native_frame fr = { .pc = code(function) + offset, .saved_known = (uint8_t)(1 << reg) };

	fr.saved[reg] = value;
	ck_assert(vec_push(&s->native.frames, fr));
}

/* An older one of which no register is known. */
static void silent(struct scene *s, size_t function)
{
	ck_assert(vec_push(&s->native.frames, ((struct native_frame){ .pc = code(function) + 0x20 })));
}

/* The function that is found; -1: none. Ends the scene. */
static int found(struct scene *s)
{
	struct py_range out[2] = { { 0, 0 }, { 0, 0 } };
	size_t n = find_loop(NULL, 0, &s->native, &s->python, out);
	int function = -1;

	if (n != 0) {
		function = (int)((out[0].lo - code(0)) / APART);
		ck_assert_uint_eq(out[0].lo, code((size_t)function));
		ck_assert_uint_eq(out[0].hi, code((size_t)function) + bytes[function]);
		ck_assert_uint_eq(n, cold[function] != 0 ? 2 : 1);
		ck_assert(n == 1 || out[1].hi - out[1].lo == cold[function]);
	}
	native_stack_free(&s->native);
	vec_free(&s->python.frames);
	return function;
}

static void setup(void)
{
	static const uint64_t sizes[FUNCTIONS] = { [OTHER] = 0x4000, [HELPER] = 0xc00, [LOOP] = 0x9000 };

	for (size_t i = 0; i < FUNCTIONS; i++) {
		bytes[i] = sizes[i];
		cold[i] = 0;
	}
}

/* A helper between the activations keeps the loop's register, as it does not use it. */
static void three_activations(struct scene *s)
{
	frames(s, 3);
	for (size_t i = 0; i < 3; i++) {
		activation(s, HELPER, 0x20, RBX, frame(i));
		activation(s, LOOP, 0x100 * (i + 1), RBX, frame(i));
	}
}

START_TEST(an_activation_for_each_frame)
{
	struct scene s = { 0 };

	three_activations(&s);
	ck_assert_int_eq(found(&s), LOOP);
}
END_TEST

START_TEST(not_what_is_small)
{
	struct scene s = { 0 };

	bytes[LOOP] = (8 << 10) - 1;
	three_activations(&s);
	ck_assert_int_eq(found(&s), -1);
	bytes[LOOP]++;
	three_activations(&s);
	ck_assert_int_eq(found(&s), LOOP);
}
END_TEST

START_TEST(not_one_of_two)
{
	struct scene s = { 0 };

	bytes[HELPER] = 0x5000;
	three_activations(&s);
	ck_assert_int_eq(found(&s), -1);
}
END_TEST

START_TEST(in_the_order_of_the_chain)
{
	static const uint8_t orders[][3] = { { 1, 0, 2 }, { 0, 0, 2 }, { 0, 2, 2 } };

	for (size_t k = 0; k < sizeof(orders) / sizeof(orders[0]); k++) {
		struct scene s = { 0 };

		frames(&s, 3);
		for (size_t i = 0; i < 3; i++)
			activation(&s, LOOP, 0x100, RBX, frame(orders[k][i]));
		ck_assert_msg(found(&s) == (orders[k][1] == 1 ? LOOP : -1), "order %zu", k);
	}
}
END_TEST

START_TEST(in_one_register)
{
	struct scene s = { 0 };

	frames(&s, 4);
	for (size_t i = 0; i < 4; i++)
		activation(&s, LOOP, 0x100, i == 2 ? R12 : RBX, frame(i));
	ck_assert_int_eq(found(&s), -1);
}
END_TEST

START_TEST(the_youngest_may_be_silent)
{
	struct scene s = { 0 };

	frames(&s, 3);
	silent(&s, LOOP);
	activation(&s, LOOP, 0x100, RBX, frame(1));
	activation(&s, LOOP, 0x200, RBX, frame(2));
	ck_assert_int_eq(found(&s), LOOP);
	/* One that has just begun has no frame. Two have not. */
	for (size_t bare = 1; bare <= 2; bare++) {
		for (size_t i = 0; i < bare; i++)
			silent(&s, LOOP);
		frames(&s, 2);
		activation(&s, LOOP, 0x100, RBX, frame(0));
		activation(&s, LOOP, 0x200, RBX, frame(1));
		ck_assert_int_eq(found(&s), bare == 1 ? LOOP : -1);
	}
}
END_TEST

START_TEST(a_frame_without_its_activation)
{
	struct scene s = { 0 };

	frames(&s, 4);
	for (size_t i = 1; i < 4; i++)
		activation(&s, LOOP, 0x100, RBX, frame(i));
	ck_assert_int_eq(found(&s), -1);
	/* The caller of the oldest activation is in another function. */
	frames(&s, 3);
	for (size_t i = 0; i < 2; i++)
		activation(&s, LOOP, 0x100, RBX, frame(i));
	activation(&s, OTHER, 0x100, RBX, frame(2));
	ck_assert_int_eq(found(&s), -1);
}
END_TEST

START_TEST(one_is_no_proof)
{
	struct scene s = { 0 };

	frames(&s, 1);
	activation(&s, LOOP, 0x100, RBX, frame(0));
	ck_assert_int_eq(found(&s), -1);
	ck_assert_int_eq(found(&s), -1); /* no frames, no activations */
}
END_TEST

START_TEST(its_other_part_counts)
{
	struct scene s = { 0 };

	cold[LOOP] = 0x800;
	frames(&s, 3);
	activation(&s, LOOP, 0x100, RBX, frame(0));
	activation(&s, LOOP, APART / 2 + 0x7ff, RBX, frame(1));
	activation(&s, LOOP, 0x200, RBX, frame(2));
	ck_assert_int_eq(found(&s), LOOP);
	/* Directly after a call that is the function's last instruction. */
	frames(&s, 2);
	activation(&s, LOOP, APART / 2 + 0x800, RBX, frame(0));
	activation(&s, LOOP, bytes[LOOP], RBX, frame(1));
	ck_assert_int_eq(found(&s), LOOP);
}
END_TEST

START_TEST(fake_frames_have_none)
{
	struct scene s = { 0 };

	three_activations(&s);
	s.python.frames.at[1].synthetic = true;
	ck_assert_int_eq(found(&s), -1);
	frames(&s, 4);
	s.python.frames.at[0].synthetic = true;
	s.python.frames.at[2].synthetic = true;
	s.python.frames.at[3].addr = frame(9);
	activation(&s, LOOP, 0x100, R12, frame(1));
	activation(&s, LOOP, 0x100, R12, frame(9));
	ck_assert_int_eq(found(&s), LOOP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("find_loop");
	TCase *t = tcase_create("find_loop");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, an_activation_for_each_frame);
	tcase_add_test(t, not_what_is_small);
	tcase_add_test(t, not_one_of_two);
	tcase_add_test(t, in_the_order_of_the_chain);
	tcase_add_test(t, in_one_register);
	tcase_add_test(t, the_youngest_may_be_silent);
	tcase_add_test(t, a_frame_without_its_activation);
	tcase_add_test(t, one_is_no_proof);
	tcase_add_test(t, its_other_part_counts);
	tcase_add_test(t, fake_frames_have_none);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
