/* Frames that compiled code puts on the chain: whose they are not, and their lines. */
#include "python/python.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { ROOM = 1 << 16, AT = 8, LENGTH = 64, COMPILED_LINE = 77 };

static uint64_t code_named(struct image *m, const char *name)
{
	const uint8_t lnotab[] = { 0, 1, 8, 1 }, ranges[] = { 8, 1, 60, 1 };
	const uint8_t locations[] = { 0xdb, 0, 0, 0xdf, 0, 0, 0xdf, 0, 0, 0xdf, 0, 0, 0xdf, 0, 0 };

	if (m->is->hex < 0x030a0000)
		return image_code(m, "/srv/app.py", name, 10, lnotab, sizeof(lnotab), LENGTH);
	if (m->is->hex < 0x030b0000)
		return image_code(m, "/srv/app.py", name, 10, ranges, sizeof(ranges), LENGTH);
	return image_code(m, "/srv/app.py", name, 10, locations, sizeof(locations), LENGTH);
}

/* Youngest first. The loop runs LOOP and OUTER, in an activation each; compiled code called the
 * first, and was called by both. */
enum { YOUNG, LOOP, MIDDLE, OUTER, OLD, FRAMES };

struct scene {
	struct image m;
	struct py_process *py;
	struct py_stack stack;
	uint64_t frames[FRAMES], markers[2], objects[FRAMES];
	uint64_t t_compiled;
};

/* From 3.11 on: a PyFrameObject of this type for the frame, with a line of its own. */
static uint64_t object_of(struct image *m, uint64_t frame, uint64_t type)
{
	int word = image_word(m), at = m->is->hex < 0x030c0000 ? m->is->f_prev : m->is->f_instr;
	uint64_t o = image_alloc(m, 96);

	put_word(m, o, m->is->type, type);
	put_word(m, o, m->is->size + word, frame);
	put32(m, o, m->is->size + 3 * word, COMPILED_LINE);
	put_word(m, frame, at - word, o);
	return o;
}

/* A frame of compiled code, which says so, and its address. */
static void compile(struct scene *s, int i)
{
	struct image *m = &s->m;

	if (m->is->hex < 0x030b0000) {
		put_word(m, s->frames[i], m->is->type, s->t_compiled);
		put32(m, s->frames[i], m->is->f_lasti, UINT32_MAX);
		put_word(m, s->frames[i], m->is->f_trace, m->t_str);
		put32(m, s->frames[i], m->is->f_lineno, COMPILED_LINE);
		return;
	}
	put8(m, s->frames[i], m->is->f_owner, 1);
	s->objects[i] = object_of(m, s->frames[i], s->t_compiled);
}

static void link_cframes(struct scene *s)
{
	struct image *m = &s->m;

	for (int i = 1; i >= 0; i--)
		s->markers[i] = image_alloc(m, 24);
	put_word(m, m->tstate, m->is->ts_cframe, s->markers[0]);
	put_word(m, s->markers[0], m->is->cf_prev, s->markers[1]);
	put_word(m, s->markers[1], m->is->cf_prev, m->root);
	put_word(m, s->markers[0], m->is->cf_frame, s->frames[YOUNG]);
	put_word(m, s->markers[1], m->is->cf_frame, s->frames[MIDDLE]);
	put_word(m, m->root, m->is->cf_frame, s->frames[OLD]);
}

static void draw(struct scene *s, const struct spec *is)
{
	struct image *m = &s->m;
	uint64_t below;

	memset(s, 0, sizeof(*s));
	image_init(m, is, ROOM);
	s->t_compiled = image_type(m, "compiled_frame", 0);
	below = is->ts_base >= 0 ? m->base_frame : 0;
	for (int i = FRAMES - 1; i >= 0; i--) {
		bool loop = i == LOOP || i == OUTER;

		if (loop && is->hex >= 0x030c0000)
			below = s->markers[i == OUTER] = image_entry(m, below);
		below = s->frames[i] = image_frame(m, code_named(m, loop ? "loop" : "compiled"), AT, below);
	}
	image_start(m, s->frames[YOUNG]);
	if (is->cf_prev >= 0 && is->ts_root >= 0)
		link_cframes(s);
}

static void take(struct scene *s)
{
	struct fault f = { 0 };
	py_threads threads = VEC_EMPTY;

	image_grab(&s->m);
	ck_assert_msg(py_process_create(s->m.P, &s->py, &f) == RES_OK, "%s: %s", s->m.is->what, f.text);
	ck_assert_msg(py_threads_read(s->py, &threads, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(threads.n, 1);
	ck_assert_msg(py_stack_read(s->py, &threads.at[0], &s->stack, &f) == RES_OK, "%s", f.text);
	py_stack_finish(s->py, &s->stack);
	vec_free(&threads);
}

static void done(struct scene *s)
{
	py_stack_free(&s->stack);
	py_process_destroy(s->py);
	image_free(&s->m);
}

static void expect_runs(const struct scene *s)
{
	bool marked = s->m.is->hex >= 0x030b0000;

	ck_assert_msg(!s->stack.broken, "%s: %s", s->m.is->what, s->stack.why);
	ck_assert_uint_eq(s->stack.frames.n, FRAMES);
	ck_assert_uint_eq(s->stack.runs.n, FRAMES);
	for (uint32_t i = 0; i < FRAMES; i++) {
		const struct py_run *run = &s->stack.runs.at[i];

		ck_assert_uint_eq(run->first, i);
		ck_assert_uint_eq(run->count, 1);
		ck_assert_uint_eq(
		    run->marker, marked && (i == LOOP || i == OUTER) ? s->markers[i == OUTER] : 0);
	}
}

START_TEST(lines_and_runs)
{
	struct scene s;

	draw(&s, &specs[_i]);
	for (int i = 0; i < FRAMES; i += 2)
		compile(&s, i);
	take(&s);
	expect_runs(&s);
	for (int i = 0; i < FRAMES; i++) {
		const struct py_frame *fr = &s.stack.frames.at[i];
		bool compiled = i % 2 == 0;

		ck_assert_uint_eq(fr->addr, s.frames[i]);
		ck_assert_int_eq(fr->made, compiled);
		ck_assert_int_eq(fr->line, compiled ? COMPILED_LINE : 12);
		ck_assert_uint_eq(fr->object, s.objects[i]);
		ck_assert_str_eq(py_code_get(s.py, fr)->name, compiled ? "compiled" : "loop");
		if (s.m.is->hex < 0x030b0000)
			ck_assert_int_eq(fr->synthetic, compiled);
	}
	done(&s);
}
END_TEST

/* A frame made by PyFrame_New and linked by other code: its object owns it. It cannot be read. */
START_TEST(owned_by_its_object)
{
	struct scene s;

	draw(&s, &specs[_i]);
	for (int i = 0; i < FRAMES; i += 2)
		put8(&s.m, s.frames[i], s.m.is->f_owner, 2);
	take(&s);
	expect_runs(&s);
	for (int i = 0; i < FRAMES; i++) {
		ck_assert_int_eq(s.stack.frames.at[i].made, i % 2 == 0);
		ck_assert_int_eq(s.stack.frames.at[i].line, 12);
	}
	done(&s);
}
END_TEST

/* A trace function gets the line from the frame object. The loop still runs this frame of Python's.
 * An object of another frame shows nothing. */
START_TEST(object_of_a_frame_that_the_loop_runs)
{
	struct scene s;

	draw(&s, &specs[_i]);
	for (int i = 0; i < FRAMES; i += 2)
		compile(&s, i);
	(void)object_of(&s.m, s.frames[LOOP], s.m.t_frame);
	put_word(&s.m, object_of(&s.m, s.frames[OUTER], s.t_compiled), s.m.is->size + image_word(&s.m),
	    s.frames[LOOP]);
	take(&s);
	expect_runs(&s);
	ck_assert_int_eq(s.stack.frames.at[LOOP].line, COMPILED_LINE);
	ck_assert_int_eq(s.stack.frames.at[OUTER].line, 12);
	ck_assert(!s.stack.frames.at[LOOP].made && !s.stack.frames.at[OUTER].made);
	done(&s);
}
END_TEST

/* The name of its type is in memory that cannot be read. The loop runs the frame, most probably, and
 * its stack is not said to be whole. */
START_TEST(object_whose_type_has_no_name)
{
	struct scene s;
	uint64_t type;

	draw(&s, &specs[_i]);
	type = image_type(&s.m, "frame", 0);
	put_word(&s.m, type, s.m.is->tp_name, 0x7000);
	for (int i = 0; i < FRAMES; i += 2)
		compile(&s, i);
	s.objects[LOOP] = object_of(&s.m, s.frames[LOOP], type);
	take(&s);
	ck_assert(s.stack.unread && !s.stack.broken);
	ck_assert_str_ne(s.stack.why, "");
	ck_assert_uint_eq(s.stack.frames.n, FRAMES);
	ck_assert_uint_eq(s.stack.runs.n, FRAMES);
	ck_assert(!s.stack.frames.at[LOOP].made && !s.stack.frames.at[OUTER].made);
	ck_assert(s.stack.frames.at[YOUNG].made);
	done(&s);
}
END_TEST

/* Frames of the loop without an entry frame, after compiled ones: some are missing. */
START_TEST(chain_that_ends_in_the_loop)
{
	struct scene s;

	draw(&s, &specs[_i]);
	compile(&s, YOUNG);
	take(&s);
	ck_assert(s.stack.broken);
	ck_assert_uint_eq(s.stack.frames.n, FRAMES);
	done(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("py_frames_made");
	TCase *tcase = tcase_create("py_frames_made");

	tcase_add_loop_test(tcase, lines_and_runs, 0, SPECS);
	for (int i = 0; i < SPECS; i++) {
		if (specs[i].hex < 0x030b0000)
			continue;
		tcase_add_loop_test(tcase, owned_by_its_object, i, i + 1);
		tcase_add_loop_test(tcase, object_of_a_frame_that_the_loop_runs, i, i + 1);
		tcase_add_loop_test(tcase, object_whose_type_has_no_name, i, i + 1);
		if (specs[i].hex >= 0x030d0000) /* 3.12 is looked for by content, which wants a sound chain */
			tcase_add_loop_test(tcase, chain_that_ends_in_the_loop, i, i + 1);
	}
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
