/* Finding interpreters: what is accepted or refused and with which message, broken lists, and
 * memory with bytes changed at random. */
#include <stdio.h>

#include "python/find/py_scan.h"
#include "support/run_suite.h"
#include "unit/python/py_image_read.h"

enum { ROOM = 1 << 15 };

static void opens_not(struct image *m, enum res expected, const char *words)
{
	struct py_process *py = NULL;
	struct fault f = { 0 };

	image_grab(m);
	ck_assert_int_eq(py_process_create(m->P, &py, &f), expected);
	ck_assert_ptr_null(py);
	ck_assert_msg(strstr(f.text, words) != NULL, "%s", f.text);
	image_free(m);
}

/* One frame and its activation. */
static void draw(struct image *m, const struct spec *is)
{
	image_draw(m, is, ROOM, 1);
}

START_TEST(no_python)
{
	struct image m;

	image_init(&m, &specs[SPEC_38], ROOM);
	memset(m.bytes, 0x55, m.n);
	opens_not(&m, RES_NONE, "");
}
END_TEST

START_TEST(too_old)
{
	struct image m;

	image_init(&m, &specs[SPEC_38], ROOM);
	memset(m.bytes, 0, m.n);
	memcpy(m.bytes + 4000, "2.3.7 (default, Nov  5 2009, 01:02:03) \n[GCC 12.2.0]", 51);
	opens_not(&m, RES_FAIL, "CPython 2.3 found");
}
END_TEST

START_TEST(not_initialised)
{
	struct image m;

	draw(&m, &specs[SPEC_314]);
	put_word(&m, m.interp, m.is->threads, 0);
	opens_not(&m, RES_FAIL, "not initialised");
	draw(&m, &specs[SPEC_313]);
	put_word(&m, m.runtime, m.is->head, 0);
	opens_not(&m, RES_FAIL, "not initialised");
}
END_TEST

START_TEST(back_pointer_must_be_right)
{
	struct image m;

	draw(&m, &specs[SPEC_315]);
	put_word(&m, m.tstate, m.is->ts_interp, m.runtime);
	opens_not(&m, RES_FAIL, "no thread state");
}
END_TEST

START_TEST(senseless_offsets)
{
	struct image m;

	draw(&m, &specs[SPEC_313]);
	put64(&m, m.runtime, 248, UINT64_MAX - 3);
	opens_not(&m, RES_FAIL, "make no sense");
	draw(&m, &specs[SPEC_313]);
	put64(&m, m.runtime, 344, 0);
	opens_not(&m, RES_FAIL, "lack some member");
	draw(&m, &specs[SPEC_315]);
	put64(&m, m.runtime, 8, 0x030f00a5);
	put64(&m, m.runtime, 704, 0);
	opens_not(&m, RES_FAIL, "lack some member: this is a pre-release");
	draw(&m, &specs[SPEC_313]);
	put64(&m, m.runtime, 8, 0x02070000);
	opens_not(&m, RES_FAIL, "no sensible version");
}
END_TEST

START_TEST(newer_than_known)
{
	struct image m;
	struct py_process *py;
	struct fault f = { 0 };

	draw(&m, &specs[SPEC_315]);
	put64(&m, m.runtime, 8, 0x031100a1); /* 3.17.0a1 */
	image_grab(&m);
	ck_assert_msg(py_process_create(m.P, &py, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(py_version(py, 0), 0x031100a1);
	ck_assert(!py_version_known(py_version(py, 0)));
	ck_assert(!py_version_known(0x031000f0));
	ck_assert(py_version_known(0x030fffff));
	ck_assert(py_version_known(0x020406f0));
	py_process_destroy(py);
	image_free(&m);
}
END_TEST

/* Up to 3.6 the pointer to the oldest interpreter looks like the one to the newest, whose list is
 * longer. */
START_TEST(longest_list_of_interpreters)
{
	struct image m;
	struct py_process *py;
	struct fault f = { 0 };
	uint64_t newer, tstate, slot;
	py_threads threads = VEC_EMPTY;

	draw(&m, &specs[_i]);
	newer = image_alloc(&m, 64);
	tstate = image_alloc(&m, 256);
	slot = image_alloc(&m, 16);
	put_word(&m, newer, m.is->next, m.interp);
	put_word(&m, newer, m.is->threads, tstate);
	put_word(&m, tstate, m.is->ts_interp, newer);
	put_word(&m, tstate, m.is->ts_tid, 0x7f0000002000);
	put_word(&m, slot, 0, newer);
	image_grab(&m);
	ck_assert_msg(py_process_create(m.P, &py, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(py_runtimes(py), 1);
	ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_OK);
	ck_assert_uint_eq(threads.n, 2);
	ck_assert_uint_eq(threads.at[0].interp, newer);
	/* Without numbers of their own they are counted from the oldest. */
	ck_assert_int_eq(threads.at[0].interp_id, 1);
	ck_assert_int_eq(threads.at[1].interp_id, 0);
	ck_assert_uint_eq(py_interpreters(py), 2);
	vec_free(&threads);
	py_process_destroy(py);
	image_free(&m);
}
END_TEST

/* From 3.7 on they have numbers; one may have no thread. */
START_TEST(numbered_interpreters)
{
	struct image m;
	struct py_process *py;
	struct py_stack s;
	struct fault f = { 0 };
	uint64_t newer, idle;
	py_threads threads = VEC_EMPTY;

	draw(&m, &specs[_i]);
	newer = image_alloc(&m, 8192);
	idle = image_alloc(&m, 8192);
	put_word(&m, m.runtime, m.is->head, idle);
	put_word(&m, idle, m.is->next, newer);
	put64(&m, idle, m.is->id, 9);
	put_word(&m, newer, m.is->next, m.interp);
	put64(&m, newer, m.is->id, 8);
	put_word(&m, newer, m.is->threads, image_alloc(&m, 1024));
	put_word(&m, IMAGE_BASE + m.used - 1024, m.is->ts_interp, newer);
	image_grab(&m);
	ck_assert_msg(py_process_create(m.P, &py, &f) == RES_OK, "%s", f.text);
	ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_OK);
	ck_assert_uint_eq(py_interpreters(py), 3);
	ck_assert_uint_eq(threads.n, 2);
	ck_assert_int_eq(threads.at[0].interp_id, 8);
	ck_assert_int_eq(threads.at[1].interp_id, 7);
	ck_assert_int_eq(py_stack_read(py, &threads.at[1], &s, &f), RES_OK);
	ck_assert_uint_eq(s.runs.at[0].tstate, m.tstate);
	ck_assert_uint_eq(s.runs.at[0].runtime, 0);
	py_stack_free(&s);
	vec_free(&threads);
	py_process_destroy(py);
	image_free(&m);
}
END_TEST

START_TEST(broken_thread_list_keeps_what_was_read)
{
	static const struct {
		bool circle;
		size_t expected;
	} cases[] = { { true, 1 }, { false, 1 } };

	for (size_t i = 0; i < 2; i++) {
		struct image m;
		struct py_process *py;
		struct fault f = { 0 };
		py_threads threads = VEC_EMPTY;

		draw(&m, &specs[SPEC_312]);
		image_grab(&m);
		ck_assert_int_eq(py_process_create(m.P, &py, &f), RES_OK);
		put_word(&m, m.tstate, m.is->ts_next, cases[i].circle ? m.tstate : 0xdead0000);
		ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_FAIL);
		ck_assert_uint_eq(threads.n, cases[i].expected);
		ck_assert_str_ne(f.text, "");
		vec_free(&threads);
		py_process_destroy(py);
		image_free(&m);
	}
}
END_TEST

/* A new state is the first of its interpreter's list; one that is not yet its thread's may become
 * so anywhere. */
START_TEST(list_read_before)
{
	struct image m;
	struct py_process *py;
	struct fault f = { 0 };
	uint64_t more, idle;
	py_threads threads = VEC_EMPTY;

	draw(&m, &specs[_i]);
	more = image_alloc(&m, 1024);
	idle = image_alloc(&m, 8192);
	image_grab(&m);
	put_word(&m, m.tstate, m.is->ts_tid, 0x7f0000001000);
	ck_assert_int_eq(py_process_create(m.P, &py, &f), RES_OK);
	ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_OK);
	ck_assert(py_threads_same(py, &threads));
	/* Another thread has this state now, */
	put_word(&m, m.tstate, m.is->ts_tid, 0x7f0000002000);
	ck_assert(!py_threads_same(py, &threads));
	put_word(&m, m.tstate, m.is->ts_tid, 0x7f0000001000);
	ck_assert(py_threads_same(py, &threads));
	/* there is one more, */
	put_word(&m, more, m.is->ts_next, m.tstate);
	put_word(&m, more, m.is->ts_interp, m.interp);
	put_word(&m, m.interp, m.is->threads, more);
	ck_assert(!py_threads_same(py, &threads));
	/* which no thread has yet, */
	ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_OK);
	ck_assert_uint_eq(threads.n, 2);
	ck_assert(!py_threads_same(py, &threads));
	put_word(&m, more, m.is->ts_tid, 0x7f0000003000);
	ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_OK);
	ck_assert(py_threads_same(py, &threads));
	/* or an interpreter, which makes no difference until it has a thread. */
	put_word(&m, idle, m.is->next, m.interp);
	put_word(&m, m.runtime, m.is->head, idle);
	ck_assert(py_threads_same(py, &threads));
	put_word(&m, idle, m.is->threads, more);
	ck_assert(!py_threads_same(py, &threads));
	/* A circle ends. */
	put_word(&m, idle, m.is->threads, 0);
	put_word(&m, idle, m.is->next, idle);
	ck_assert(!py_threads_same(py, &threads));
	vec_free(&threads);
	py_process_destroy(py);
	image_free(&m);
}
END_TEST

START_TEST(thread_state_that_went_away)
{
	struct image m;
	struct py_process *py;
	struct fault f = { 0 };
	struct py_thread t;
	struct py_stack s;
	py_threads threads = VEC_EMPTY;

	draw(&m, &specs[SPEC_311]);
	image_grab(&m);
	ck_assert_int_eq(py_process_create(m.P, &py, &f), RES_OK);
	ck_assert_int_eq(py_threads_read(py, &threads, &f), RES_OK);
	t = threads.at[0];
	t.thread_id++; /* as if another thread had it now */
	ck_assert_int_eq(py_stack_read(py, &t, &s, &f), RES_FAIL);
	t.thread_id--;
	put_word(&m, m.tstate, m.is->ts_interp, 0);
	ck_assert_int_eq(py_stack_read(py, &t, &s, &f), RES_FAIL);
	t.tstate = 0xdead0000;
	ck_assert_int_eq(py_stack_read(py, &t, &s, &f), RES_FAIL);
	t.runtime = 9;
	ck_assert_int_eq(py_stack_read(py, &t, &s, &f), RES_FAIL);
	vec_free(&threads);
	py_process_destroy(py);
	image_free(&m);
}
END_TEST

START_TEST(versions_in_texts_and_names)
{
	ck_assert_uint_eq(py_version_of_text("3.11.2 (main, Nov 30 2024"), 0x030b02f0);
	ck_assert_uint_eq(py_version_of_text("3.8.2+ (default, x"), 0x030802f0);
	ck_assert_uint_eq(py_version_of_text("3.12.0rc3 (main, x"), 0x030c00c3);
	ck_assert_uint_eq(py_version_of_text("3.14.0a7 (main, x"), 0x030e00a7);
	ck_assert_uint_eq(py_version_of_text("12.2.0 (Debian"), 0);
	ck_assert_uint_eq(py_version_of_text("3.x (y"), 0);
	ck_assert_uint_eq(py_version_of_text(""), 0);
	ck_assert_uint_eq(py_version_of_name("/usr/lib/libpython3.9.so.1.0") >> 16, 0x0309);
	ck_assert_uint_eq(py_version_of_name("/opt/python/bin/python3.10") >> 16, 0x030a);
	ck_assert_uint_eq(py_version_of_name("/usr/bin/python3"), 0);
	ck_assert_uint_eq(py_version_of_name("/usr/bin/perl5.36"), 0);
}
END_TEST

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

START_TEST(bytes_changed_at_random)
{
	uint32_t state = 1 + (uint32_t)_i;

	for (int round = 0; round < 150; round++) {
		struct image m;

		draw(&m, &specs[_i]);
		for (int i = 0; i < 1 + round % 12; i++) {
			size_t at = next_random(&state) % m.used;

			if (next_random(&state) % 2 != 0)
				m.bytes[at] ^= (uint8_t)(1U << next_random(&state) % 8);
			else
				put_word(&m, IMAGE_BASE + (at & ~(size_t)7), 0,
				    IMAGE_BASE + (next_random(&state) % m.used & ~(size_t)7));
		}
		image_grab(&m);
		image_read(&m);
		image_free(&m);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("py_runtime");
	TCase *tcase = tcase_create("py_runtime");
	const TTest *const tests[] = { no_python, too_old, not_initialised, back_pointer_must_be_right,
		senseless_offsets, newer_than_known, broken_thread_list_keeps_what_was_read,
		thread_state_that_went_away, versions_in_texts_and_names };

	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	tcase_add_loop_test(tcase, longest_list_of_interpreters, SPEC_24, SPEC_36 + 1);
	tcase_add_loop_test(tcase, longest_list_of_interpreters, SPEC_I386, SPEC_I386 + SPEC_36 + 1);
	tcase_add_loop_test(tcase, numbered_interpreters, SPEC_I386 + SPEC_37, SPEC_I386 + SPEC_314 + 1);
	tcase_add_loop_test(tcase, numbered_interpreters, SPEC_37, SPEC_314T + 1);
	tcase_add_loop_test(tcase, list_read_before, SPEC_37, SPEC_314T + 1);
	tcase_add_loop_test(tcase, bytes_changed_at_random, 0, SPECS);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
