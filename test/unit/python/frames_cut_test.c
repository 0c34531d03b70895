/* 3.9 and 3.10: chains that a throw() through delegating generators has cut, and the frames they
 * lack, out of made-up memory.
 *
 *   chain:    inner → middle (suspended)          outer (suspended) delegates to middle's generator
 *   missing:  outer, thrower → module */
#include <stdio.h>

#include "python/python.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { ROOM = 1 << 16 };

static struct image m;
static struct py_process *py;
static struct py_thread thread;
static struct py_stack stack;
static uint64_t inner, middle, outer, thrower, module;

static uint64_t frame(const char *name, uint64_t previous)
{
	const uint8_t table[] = { 8, 1, 60, 1 };

	return image_frame(
	    &m, image_code(&m, "/srv/app.py", name, 10, table, sizeof(table), 64), 8, previous);
}

static void draw(int spec)
{
	image_init(&m, &specs[spec], ROOM);
	module = frame("<module>", 0);
	thrower = frame("thrower", module);
	outer = frame("outer", 0);
	middle = frame("middle", 0);
	inner = frame("inner", middle);
	(void)image_suspend(&m, outer, image_suspend(&m, middle, image_alloc(&m, 64)));
	image_start(&m, inner);
	put_word(&m, m.tstate, m.is->ts_cframe, m.root);
}

static void read_chain(void)
{
	py_threads threads = VEC_EMPTY;
	struct fault f = { 0 };

	image_grab(&m);
	ck_assert_msg(py_process_create(m.P, &py, &f) == RES_OK, "%s", f.text);
	ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_OK);
	thread = threads.at[0];
	vec_free(&threads);
	ck_assert_int_eq(py_stack_read(py, &thread, &stack, &f), RES_OK);
}

static void mend(const uint64_t *words, size_t n)
{
	struct fault f = { 0 };

	ck_assert_int_eq(py_stack_recover(py, &thread, (struct py_words){ words, n }, &stack, &f), RES_OK);
	ck_assert(!stack.broken);
	ck_assert_uint_eq(stack.runs.n, stack.frames.n);
}

#define MEND(...)                                         \
	do {                                              \
		const uint64_t words[] = { __VA_ARGS__ }; \
		mend(words, sizeof(words) / 8);           \
	} while (0)

/* The stack is these frames, of which the first two are the chain. */
static void expect(const uint64_t *frames, size_t n)
{
	ck_assert_uint_eq(stack.frames.n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_msg(stack.frames.at[i].addr == frames[i], "frame %zu", i);
		ck_assert(stack.frames.at[i].found == (i >= 2));
		ck_assert_uint_eq(stack.runs.at[i].first, i);
	}
}

#define EXPECT(...)                                        \
	do {                                               \
		const uint64_t frames[] = { __VA_ARGS__ }; \
		expect(frames, sizeof(frames) / 8);        \
	} while (0)

static void done(void)
{
	py_stack_free(&stack);
	memset(&stack, 0, sizeof(stack));
	py_process_destroy(py);
	image_free(&m);
}

START_TEST(missing_frames_are_found)
{
	draw(_i);
	read_chain();
	ck_assert(stack.cut);
	EXPECT(inner, middle);
	MEND(0, 1, 0xdead0008, m.tstate, inner, module, outer, ~0ULL, thrower, outer, thrower);
	EXPECT(inner, middle, outer, thrower, module);
	ck_assert(!stack.frames.at[0].synthetic);
	ck_assert(stack.frames.at[1].synthetic);
	ck_assert(stack.frames.at[2].synthetic);
	ck_assert(!stack.frames.at[3].synthetic);
	py_stack_drop_recovered(&stack);
	EXPECT(inner, middle);
	done();
}
END_TEST

/* The throw has just been handed on, or is coming back: the youngest frame is the suspended one. */
START_TEST(suspended_frame_is_the_youngest)
{
	draw(_i);
	image_start(&m, middle);
	read_chain();
	ck_assert(stack.cut);
	MEND(thrower);
	ck_assert_uint_eq(stack.frames.n, 3);
	ck_assert(stack.frames.at[0].synthetic);
	ck_assert_uint_eq(stack.frames.at[1].addr, thrower);
	done();
}
END_TEST

START_TEST(nothing_is_found)
{
	draw(_i);
	read_chain();
	MEND(outer, 0, middle);
	EXPECT(inner, middle);
	done();
}
END_TEST

/* Frames of another thread, for example: it is unknown which of the two threw. */
START_TEST(two_callers_are_none)
{
	uint64_t other;

	draw(_i);
	other = frame("other", 0);
	read_chain();
	MEND(thrower, outer, other);
	EXPECT(inner, middle);
	done();
}
END_TEST

/* A throw within a throw: the middle part of the stack is cut at both its ends. */
START_TEST(throw_within_a_throw)
{
	uint64_t suspended, called, around;

	draw(_i);
	suspended = frame("suspended", 0);
	called = frame("called", suspended);
	around = frame("around", 0);
	(void)image_suspend(&m, around, image_suspend(&m, suspended, image_alloc(&m, 64)));
	read_chain();
	MEND(thrower, around, called, outer);
	EXPECT(inner, middle, outer, called, suspended, around, thrower, module);
	done();
}
END_TEST

/* Generators that delegate to each other, and a chain that ends in nothing. */
START_TEST(what_leads_nowhere_is_left_out)
{
	uint64_t a, b, generator;

	draw(_i);
	a = frame("a", 0);
	b = frame("b", 0);
	generator = image_suspend(&m, a, 0);
	(void)image_suspend(&m, a, image_suspend(&m, b, generator));
	read_chain();
	put_word(&m, module, m.is->f_prev, 0xdead0000);
	MEND(a, b, thrower);
	EXPECT(inner, middle);
	put_word(&m, module, m.is->f_prev, thrower); /* a circle */
	MEND(a, b, thrower);
	EXPECT(inner, middle);
	done();
}
END_TEST

START_TEST(whole_chain_is_left_alone)
{
	draw(_i);
	put_word(&m, middle, m.is->f_prev, thrower);
	read_chain();
	ck_assert(!stack.cut);
	MEND(outer, thrower, module);
	ck_assert_uint_eq(stack.frames.n, 4);
	ck_assert(!stack.frames.at[3].found);
	done();
}
END_TEST

/* 3.10 marks a frame through which a throw passes as executing. The depth of its value stack shows
 * that. */
START_TEST(called_executing)
{
	draw(SPEC_310);
	put8(&m, middle, 108, 0);
	put_word(&m, middle, m.is->f_prev, thrower);
	image_start(&m, middle);
	read_chain();
	ck_assert_uint_eq(stack.frames.n, 3);
	ck_assert(stack.frames.at[0].synthetic && stack.frames.at[0].suspended);
	ck_assert(!stack.frames.at[1].synthetic && !stack.frames.at[1].suspended);
	done();
}
END_TEST

int main(void)
{
	const TTest *const both[] = { missing_frames_are_found, suspended_frame_is_the_youngest,
		nothing_is_found, two_callers_are_none, throw_within_a_throw, what_leads_nowhere_is_left_out,
		whole_chain_is_left_alone };
	Suite *suite = suite_create("cut chains");
	TCase *tcase = tcase_create("cut chains");

	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		tcase_add_loop_test(tcase, both[i], SPEC_39, SPEC_310 + 1);
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		tcase_add_loop_test(tcase, both[i], SPEC_I386_39, SPEC_I386_310 + 1);
	tcase_add_test(tcase, called_executing);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
