/* A thread that was captured elsewhere: its stack is what was recorded, whatever the process has
 * done since, and what is missing of it is said. */
#include "stack/stack.h"

#include <stdlib.h>
#include <string.h>

#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { CODE = IMAGE_BASE - 4096, WORDS = 128, WORD_FP = 4, WORD_PC = 16, WORD_SP = 19, REGS = 21 };
static const uint64_t STACK = 0x7f0000100000, NOWHERE = 0x7f0000700000;

/* The words of the stack: the frame pointer of each function, and the marker of the loop, which is
 * in the frame of the second one. */
enum { FP_LEAF = 8, MARKER = 12, FP_LOOP = 40, FP_MAIN = 60 };

static struct image m;
static uint8_t text[4096];
static uint64_t stack[WORDS];
static uint64_t frames[2];
static struct fake_segment segments[4];
static struct fake_map maps[4];
static struct stack_target *target;

/* The record: pieces that are copies. */
static struct memory_piece pieces[8];
static struct stack_recorded_state states[2];
static uint64_t regs[REGS];
static struct stack_recorded recorded;
static struct stack_thread th;

static void draw_stack(void)
{
	static const struct {
		int fp, next, caller;
	} functions[] = { { FP_LEAF, FP_LOOP, 0x110 }, { FP_LOOP, FP_MAIN, 0x210 } };
	uint8_t *marker = (uint8_t *)&stack[MARKER];

	memset(text, 0x90, sizeof(text));
	memset(stack, 0, sizeof(stack));
	for (size_t i = 0; i < 2; i++) {
		stack[functions[i].fp] = STACK + 8 * (uint64_t)functions[i].next;
		stack[functions[i].fp + 1] = CODE + (uint64_t)functions[i].caller;
		text[functions[i].caller - 5] = 0xe8; /* a call */
	}
	memset(marker, 0xee, 96);
	memset(marker + m.is->f_prev, 0, 8);
	marker[m.is->f_owner] = 3;
	regs[WORD_PC] = CODE + 0x10;
	regs[WORD_SP] = STACK;
	regs[WORD_FP] = STACK + 8 * FP_LEAF;
}

static void draw_python(void)
{
	static const char *const names[] = { "inner", "outer" };
	uint64_t below = STACK + 8 * MARKER;

	for (int i = 1; i >= 0; i--) {
		uint64_t code = image_code(&m, "/srv/app.py", names[i], 10, "", 0, 64);

		below = frames[i] = image_frame(&m, code, 8, below);
	}
	image_start(&m, frames[0]);
}

static void record(uint64_t va, const void *bytes, size_t n)
{
	uint8_t *own = malloc(n);

	ck_assert_ptr_nonnull(own);
	memcpy(own, bytes, n);
	pieces[recorded.n_pieces++] = (struct memory_piece){ va, own, n };
	ck_assert_uint_lt(recorded.n_pieces, 8);
}

static void record_image(uint64_t va, size_t n)
{
	record(va, image_at(&m, va, n), n);
}

/* Record the first `words` of the stack and the Python frames, then let the process go on. */
static void record_all(size_t words)
{
	states[0] = (struct stack_recorded_state){ 0, m.tstate };
	recorded = (struct stack_recorded){ .id = 7,
		.regs = regs,
		.n_regs = REGS,
		.thread_pointer = image_thread_id(m.is),
		.states = states,
		.n_states = 1,
		.pieces = pieces };
	record_image(m.tstate, 1024);
	record_image(frames[0], 96);
	record_image(frames[1], 96);
	record(STACK, stack, 8 * words);
	memset(stack, 0x11, sizeof(stack));
	memset(image_at(&m, m.tstate, 1024), 0x11, 1024);
	for (int i = 0; i < 2; i++)
		memset(image_at(&m, frames[i], 96), 0x11, 96);
}

static void setup(void)
{
	const struct stack_options opt = { .engine = UNWIND_ENGINE_FP };
	struct fault f = { 0 };

	image_init(&m, &specs[SPEC_313], 1 << 15);
	draw_python();
	draw_stack();
	image_grab(&m);
	segments[0] = m.segments[0];
	segments[1] = (struct fake_segment){ CODE, text, sizeof(text) };
	segments[2] = (struct fake_segment){ STACK, stack, sizeof(stack) };
	maps[0] = m.maps[0];
	maps[1] = m.maps[1];
	maps[2] = (struct fake_map){ STACK, sizeof(stack), MA_READ | MA_WRITE, 0, NULL };
	Prelease(m.P, 0);
	m.fake.segments = segments;
	m.fake.maps = maps;
	m.P = fake_grab(&m.fake);
	ck_assert_ptr_nonnull(m.P);
	ck_assert_msg(stack_target_prepare(m.P, &opt, &target, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(stack_threads(target), 0);
}

static void teardown(void)
{
	stack_target_close(target);
	for (size_t i = 0; i < recorded.n_pieces; i++)
		free((void *)(uintptr_t)pieces[i].bytes);
	image_free(&m);
}

static void take(void)
{
	struct fault f = { 0 };

	ck_assert_msg(stack_target_take(target, m.P, &recorded, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(stack_threads(target), 1);
	ck_assert_int_eq(stack_thread_id(target, 0), 7);
	ck_assert_msg(stack_thread_read(target, 0, &th, &f) == RES_OK, "%s", f.text);
	ck_assert_int_eq(th.id, 7);
}

/* A letter for each line: the function, or that of the Python frame. */
static const char *drawn(void)
{
	static char line[64];
	size_t n = 0;

	for (size_t i = 0; i < th.join.items.n; i++) {
		const struct join_item *item = &th.join.items.at[i];
		uint64_t pc;

		if (item->kind == JOIN_PYTHON) {
			const struct py_frame *fr = &th.python.frames.at[item->index];

			line[n++] = fr->addr == frames[0] ? 'i' : fr->addr == frames[1] ? 'o' : '?';
		} else if (item->kind == JOIN_NATIVE) {
			pc = th.native.frames.at[item->index].pc - CODE;
			line[n++] = pc == 0x10 ? 'F' : pc == 0x110 ? 'L' : pc == 0x210 ? 'M' : '!';
		} else {
			line[n++] = '-';
		}
		ck_assert_uint_lt(n, sizeof(line));
	}
	line[n] = '\0';
	return line;
}

static void expect_names(void)
{
	struct py_process *py = (struct py_process *)(uintptr_t)stack_python_process(target);

	ck_assert_uint_eq(th.python.frames.n, 2);
	ck_assert_str_eq(py_code_get(py, &th.python.frames.at[0])->qualname, "inner");
	ck_assert_str_eq(py_code_get(py, &th.python.frames.at[1])->qualname, "outer");
}

START_TEST(as_it_was_recorded)
{
	record_all(WORDS);
	take();
	ck_assert_msg(!th.failed && !th.noted, "%s", th.why);
	ck_assert_msg(!th.python.broken, "%s", th.python.why);
	ck_assert_str_eq(drawn(), "FLioM");
	ck_assert_int_eq(th.native.end, UNWIND_END_DONE);
	expect_names();
	stack_thread_free(&th);
}
END_TEST

/* A return probe has replaced return addresses on the stack; they were recorded apart. */
START_TEST(with_replaced_addresses)
{
	static const int slots[] = { FP_LEAF + 1, FP_LOOP + 1 };
	struct stack_recorded_return returns[2];

	for (size_t i = 0; i < 2; i++) {
		returns[i] =
		    (struct stack_recorded_return){ STACK + 8 * (uint64_t)slots[i], stack[slots[i]] };
		stack[slots[i]] = NOWHERE;
	}
	record_all(WORDS);
	recorded.returns = returns;
	recorded.n_returns = 2;
	take();
	ck_assert_str_eq(drawn(), "FLioM");
	ck_assert_int_eq(th.native.end, UNWIND_END_DONE);
	stack_thread_free(&th);
}
END_TEST

/* The stack as far as it was recorded. Its rest is not taken from the process. */
START_TEST(the_oldest_part_is_missing)
{
	uint64_t words[WORDS];

	memcpy(words, stack, sizeof(words));
	record_all(_i == 0 ? FP_LOOP : FP_LOOP + 1);
	memcpy(stack, words, sizeof(stack)); /* as it was: it would fit */
	recorded.stack_cut = _i == 0;
	take();
	ck_assert_str_eq(drawn(), "FL-io"); /* a gap */
	ck_assert_int_eq(th.native.end, UNWIND_END_LOST);
	ck_assert_str_ne(th.native.why, "");
	ck_assert_int_eq(th.noted, _i == 0);
	ck_assert_int_eq(th.why[0] != '\0', _i == 0);
	expect_names();
	stack_thread_free(&th);
}
END_TEST

START_TEST(all_of_the_stack_is_missing)
{
	record_all(1);
	recorded.n_pieces--;
	free((void *)(uintptr_t)pieces[recorded.n_pieces].bytes);
	take();
	ck_assert_int_eq(drawn()[0], 'F');
	ck_assert_ptr_null(strchr(drawn(), 'L'));
	ck_assert_int_eq(th.native.end, UNWIND_END_LOST);
	ck_assert_str_ne(th.native.why, "");
	stack_thread_free(&th);
}
END_TEST

/* Its thread state: not recorded, in no memory, or of an interpreter that does not exist. */
START_TEST(the_thread_state_is_missing)
{
	record_all(WORDS);
	if (_i == 0) {
		/* The process runs another function now. */
		free((void *)(uintptr_t)pieces[0].bytes);
		pieces[0] = pieces[--recorded.n_pieces];
		image_start(&m, frames[1]);
		put_word(&m, m.tstate, m.is->ts_tid, image_thread_id(m.is));
	} else if (_i == 1) {
		states[0].tstate = NOWHERE;
	} else {
		states[0].runtime = 1;
	}
	take();
	ck_assert_str_eq(drawn(), "FLM");
	ck_assert(th.failed && th.noted);
	ck_assert_str_ne(th.why, "");
	stack_thread_free(&th);
}
END_TEST

/* The same, beside one that can be read. */
START_TEST(one_of_two_thread_states_is_missing)
{
	record_all(WORDS);
	states[1] = (struct stack_recorded_state){ 0, NOWHERE };
	recorded.n_states = 2;
	recorded.stack_cut = true; /* the lesser of two evils */
	take();
	ck_assert_str_eq(drawn(), "FLioM");
	ck_assert(th.failed && th.noted);
	ck_assert_ptr_nonnull(strstr(th.why, "0x7f0000700000"));
	stack_thread_free(&th);
}
END_TEST

/* No thread state: a thread without Python is no failure. */
START_TEST(native_only)
{
	record_all(WORDS);
	recorded.n_states = 0;
	take();
	ck_assert_str_eq(drawn(), "FLM");
	ck_assert(!th.failed && !th.noted);
	stack_thread_free(&th);
}
END_TEST

/* A record takes the place of the one before. */
START_TEST(one_after_the_other)
{
	record_all(WORDS);
	for (int i = 0; i < 3; i++) {
		take();
		ck_assert_str_eq(drawn(), "FLioM");
		stack_thread_free(&th);
		/* In the loop, without the leaf; without the younger Python frame. */
		regs[WORD_PC] = CODE + 0x110;
		regs[WORD_FP] = STACK + 8 * FP_LOOP;
		memcpy((uint8_t *)(uintptr_t)pieces[0].bytes + m.is->ts_frame, &frames[1], 8);
		take();
		ck_assert_str_eq(drawn(), "LoM");
		stack_thread_free(&th);
		regs[WORD_PC] = CODE + 0x10;
		regs[WORD_FP] = STACK + 8 * FP_LEAF;
		memcpy((uint8_t *)(uintptr_t)pieces[0].bytes + m.is->ts_frame, &frames[0], 8);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recorded");
	TCase *tcase = tcase_create("recorded");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, as_it_was_recorded);
	tcase_add_test(tcase, with_replaced_addresses);
	tcase_add_loop_test(tcase, the_oldest_part_is_missing, 0, 2);
	tcase_add_test(tcase, all_of_the_stack_is_missing);
	tcase_add_loop_test(tcase, the_thread_state_is_missing, 0, 3);
	tcase_add_test(tcase, one_of_two_thread_states_is_missing);
	tcase_add_test(tcase, native_only);
	tcase_add_test(tcase, one_after_the_other);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
