/* Code objects that come and go between two readings of one capture. A frame has the code object
 * that it had when it was read. */
#include <stdio.h>

#include "python/py_process.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { ROOM = 1 << 16, AT = 8, LENGTH = 64, FIRST = 10, LINE = 12 };

/* One frame at line 12, of a function that begins at line 10. */
struct scene {
	struct image m;
	struct py_process *py;
	struct py_thread thread;
	uint64_t code, frame, names[2], copies[2];
};

static uint64_t draw_code(struct image *m)
{
	const uint8_t lnotab[] = { 0, 1, 8, 1 }, ranges[] = { 8, 1, 60, 1 };
	const uint8_t locations[] = { 0xdb, 0, 0, 0xdf, 0, 0, 0xdf, 0, 0, 0xdf, 0, 0, 0xdf, 0, 0 };

	if (m->is->hex < 0x030a0000)
		return image_code(m, "/srv/app.py", "first", FIRST, lnotab, sizeof(lnotab), LENGTH);
	if (m->is->hex < 0x030b0000)
		return image_code(m, "/srv/app.py", "first", FIRST, ranges, sizeof(ranges), LENGTH);
	return image_code(m, "/srv/app.py", "first", FIRST, locations, sizeof(locations), LENGTH);
}

static void open_scene(struct scene *s, const struct spec *is)
{
	py_threads threads = VEC_EMPTY;
	struct fault f = { 0 };
	uint64_t below = 0, table;

	memset(s, 0, sizeof(*s));
	image_init(&s->m, is, ROOM);
	s->code = draw_code(&s->m);
	s->names[0] = image_str(&s->m, "newer");
	s->names[1] = image_str(&s->m, "newest");
	if (is->c_tlbc >= 0) {
		s->copies[0] = image_alloc(&s->m, LENGTH);
		s->copies[1] = image_alloc(&s->m, LENGTH);
		table = image_alloc(&s->m, 32);
		put_word(&s->m, table, 0, 3);
		put_word(&s->m, table, 16, s->copies[0]);
		put_word(&s->m, table, 24, s->copies[1]);
		put_word(&s->m, s->code, is->c_tlbc, table);
	}
	if (is->hex >= 0x030c0000)
		below = image_entry(&s->m, is->ts_base >= 0 ? s->m.base_frame : 0);
	s->frame = image_frame(&s->m, s->code, AT, below);
	image_start(&s->m, s->frame);
	image_grab(&s->m);
	ck_assert_msg(py_process_create(s->m.P, &s->py, &f) == RES_OK, "%s: %s", is->what, f.text);
	ck_assert_int_eq(py_threads_read(s->py, &threads, &f), RES_OK);
	ck_assert_uint_eq(threads.n, 1);
	s->thread = threads.at[0];
	vec_free(&threads);
}

static void close_scene(struct scene *s)
{
	py_process_destroy(s->py);
	image_free(&s->m);
}

static void read_stack(struct scene *s, struct py_stack *out)
{
	ck_assert_int_eq(py_stack_read(s->py, &s->thread, out, NULL), RES_OK);
	ck_assert_uint_eq(out->frames.n, 1);
}

/* Finishes it, as a capture does once everything is read. */
static void expect(struct scene *s, struct py_stack *stack, const char *name, int line)
{
	const struct py_code *code;

	py_stack_finish(s->py, stack);
	code = py_code_get(s->py, &stack->frames.at[0]);
	ck_assert_ptr_nonnull(code);
	ck_assert_str_eq(code->name, name);
	ck_assert_int_eq(stack->frames.at[0].line, line);
}

/* Freed, and another one made at its address. */
static void replace(struct scene *s, size_t name, uint32_t first)
{
	put_word(&s->m, s->code, s->m.is->c_name, s->names[name]);
	put32(&s->m, s->code, s->m.is->c_first, first);
}

START_TEST(earlier_frames_keep_theirs)
{
	struct scene s;
	struct py_stack stacks[3] = { { .broken = false } };

	open_scene(&s, &specs[_i]);
	read_stack(&s, &stacks[0]);
	replace(&s, 0, FIRST + 100);
	read_stack(&s, &stacks[1]);
	replace(&s, 1, FIRST + 200);
	read_stack(&s, &stacks[2]);
	expect(&s, &stacks[0], "first", LINE);
	expect(&s, &stacks[1], "newer", LINE + 100);
	expect(&s, &stacks[2], "newest", LINE + 200);
	/* At the same address, but not the same code. */
	ck_assert_uint_eq(stacks[0].frames.at[0].code, stacks[1].frames.at[0].code);
	ck_assert_uint_ne(stacks[0].frames.at[0].known, stacks[1].frames.at[0].known);
	for (int i = 0; i < 3; i++)
		py_stack_free(&stacks[i]);
	close_scene(&s);
}
END_TEST

START_TEST(unchanged_code_is_one)
{
	struct scene s;
	struct py_stack stacks[2] = { { .broken = false } };

	open_scene(&s, &specs[_i]);
	read_stack(&s, &stacks[0]);
	read_stack(&s, &stacks[1]);
	ck_assert_uint_eq(stacks[0].frames.at[0].known, stacks[1].frames.at[0].known);
	expect(&s, &stacks[1], "first", LINE);
	py_stack_free(&stacks[0]);
	py_stack_free(&stacks[1]);
	close_scene(&s);
}
END_TEST

/* A code object is first read while its thread runs, to prefetch it. When the thread is held, other
 * strings are at the same addresses. */
START_TEST(a_prefetch_is_not_believed)
{
	struct scene s;
	struct py_stack stack = { .broken = false };
	char *text;

	open_scene(&s, &specs[_i]);
	py_stack_prefetch(s.py, &s.thread, NULL);
	ck_assert_uint_ne(s.py->codes.n, 0);
	text = memmem(image_at(&s.m, get_word(&s.m, s.code, s.m.is->c_name), 96), 96, "first", 5);
	ck_assert_ptr_nonnull(text);
	memcpy(text, "fresh", 5);
	read_stack(&s, &stack);
	expect(&s, &stack, "fresh", LINE);
	py_stack_free(&stack);
	close_scene(&s);
}
END_TEST

/* A program that makes and drops code all the time costs no more from one capture to the next. */
START_TEST(room_is_used_again)
{
	struct scene s;
	struct py_stack stacks[2] = { { .broken = false } };
	size_t most = 0;

	open_scene(&s, &specs[_i]);
	for (uint32_t i = 0; i < 20; i++) {
		replace(&s, 0, FIRST + 1);
		read_stack(&s, &stacks[0]);
		replace(&s, 1, FIRST + i);
		read_stack(&s, &stacks[1]);
		expect(&s, &stacks[0], "newer", LINE + 1);
		expect(&s, &stacks[1], "newest", LINE + (int)i);
		if (i == 1)
			most = s.py->codes.n;
		ck_assert(i < 1 || s.py->codes.n == most);
		py_stack_free(&stacks[0]);
		py_stack_free(&stacks[1]);
		py_process_move(s.py, s.m.P);
	}
	close_scene(&s);
}
END_TEST

/* Free-threaded: each thread runs its own copy of the code. The line of the first thread is read
 * after the second thread. */
START_TEST(copies_of_two_threads)
{
	struct scene s;
	struct py_stack stacks[2] = { { .broken = false } };

	open_scene(&s, &specs[SPEC_314T]);
	for (uint32_t i = 0; i < 2; i++) {
		put32(&s.m, s.frame, s.m.is->f_tlbc, i + 1);
		put_word(&s.m, s.frame, s.m.is->f_instr, s.copies[i] + AT);
		read_stack(&s, &stacks[i]);
	}
	expect(&s, &stacks[0], "first", LINE);
	expect(&s, &stacks[1], "first", LINE);
	py_stack_free(&stacks[0]);
	py_stack_free(&stacks[1]);
	close_scene(&s);
}
END_TEST

/* The copy of a thread that has ended belongs to another thread now. */
START_TEST(copy_that_moved)
{
	struct scene s;
	struct py_stack stack = { .broken = false };
	uint64_t table;

	open_scene(&s, &specs[SPEC_314T]);
	for (size_t i = 0; i < 2; i++) {
		table = get_word(&s.m, s.code, s.m.is->c_tlbc);
		put_word(&s.m, table, 16, s.copies[i]);
		put32(&s.m, s.frame, s.m.is->f_tlbc, 1);
		put_word(&s.m, s.frame, s.m.is->f_instr, s.copies[i] + AT);
		read_stack(&s, &stack);
		expect(&s, &stack, "first", LINE);
		py_stack_free(&stack);
	}
	close_scene(&s);
}
END_TEST

enum { LONG = 20000 }; /* bytes of a table that is read late */

/* A long table with the same meaning. */
static uint64_t long_table(struct scene *s)
{
	static uint8_t bytes[LONG];
	uint64_t table = get_word(&s->m, s->code, s->m.is->c_table);
	size_t n = (size_t)get_word(&s->m, table, s->m.is->size);

	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i + 3 < LONG && s->m.is->hex >= 0x030b0000; i += 3)
		bytes[i] = 0xdf;
	memcpy(bytes, image_at(&s->m, table + (uint64_t)s->m.is->b_data, n), n);
	table = image_bytes(&s->m, bytes, LONG);
	put_word(&s->m, s->code, s->m.is->c_table, table);
	return table;
}

/* It is read at the end, and once for all frames that share it. */
START_TEST(a_long_table_is_read_late)
{
	struct scene s;
	struct py_stack stacks[2] = { { .broken = false } };
	size_t before;

	open_scene(&s, &specs[_i]);
	(void)long_table(&s);
	before = s.m.fake.bytes_read;
	read_stack(&s, &stacks[0]);
	replace(&s, 0, FIRST);
	read_stack(&s, &stacks[1]);
	ck_assert_uint_ne(stacks[0].frames.at[0].known, stacks[1].frames.at[0].known);
	ck_assert_uint_lt(s.m.fake.bytes_read - before, LONG);
	before = s.m.fake.bytes_read;
	expect(&s, &stacks[1], "newer", LINE);
	/* The code of the first has gone. */
	expect(&s, &stacks[0], "first", 0);
	ck_assert_uint_lt(s.m.fake.bytes_read - before, 2 * LONG);
	py_stack_free(&stacks[0]);
	py_stack_free(&stacks[1]);
	close_scene(&s);
}
END_TEST

/* Another one in its place. */
START_TEST(a_long_table_that_changes)
{
	struct scene s;
	struct py_stack stack = { .broken = false };
	uint64_t table;

	open_scene(&s, &specs[_i]);
	table = long_table(&s);
	read_stack(&s, &stack);
	put8(&s.m, table, s.m.is->b_data + 1, 0x7f);
	expect(&s, &stack, "first", 0);
	py_stack_free(&stack);
	close_scene(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("code objects");
	TCase *t = tcase_create("code objects");

	tcase_add_loop_test(t, earlier_frames_keep_theirs, 0, SPEC_314T);
	tcase_add_loop_test(t, unchanged_code_is_one, 0, SPEC_314T);
	tcase_add_loop_test(t, a_prefetch_is_not_believed, SPEC_39, SPEC_314T);
	tcase_add_loop_test(t, room_is_used_again, SPEC_39, SPEC_313);
	tcase_add_loop_test(t, a_long_table_is_read_late, SPEC_39, SPEC_313);
	tcase_add_loop_test(t, a_long_table_that_changes, SPEC_39, SPEC_313);
	tcase_add_test(t, copies_of_two_threads);
	tcase_add_test(t, copy_that_moved);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
