/* Threads and frames of every version, in made-up memory: found by content, walked, split into
 * activations, with lines. Then chains that must not be believed. */
#include <stdio.h>

#include "python/python.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { ROOM = 1 << 16, AT = 8, LENGTH = 64 };

/* "line 12 at offset 8" as each version writes it, for a function that starts at line 10. */
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

struct opened {
	struct py_process *py;
	struct py_thread thread;
	struct py_stack stack;
};

static void open_only(struct image *m, struct opened *o)
{
	struct fault f = { 0 };
	py_threads threads = VEC_EMPTY;

	memset(o, 0, sizeof(*o));
	if (m->P == NULL)
		image_grab(m);
	ck_assert_msg(py_process_create(m->P, &o->py, &f) == RES_OK, "%s: %s", m->is->what, f.text);
	ck_assert_uint_eq(py_runtimes(o->py), 1);
	ck_assert_uint_eq(py_version(o->py, 0), m->is->hex);
	ck_assert_msg(py_threads_read(o->py, &threads, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(threads.n, 1);
	o->thread = threads.at[0];
	vec_free(&threads);
}

static void open_and_read(struct image *m, struct opened *o)
{
	struct fault f = { 0 };

	open_only(m, o);
	ck_assert_msg(py_stack_read(o->py, &o->thread, &o->stack, &f) == RES_OK, "%s", f.text);
	py_stack_finish(o->py, &o->stack);
}

static void close_all(struct image *m, struct opened *o)
{
	py_stack_free(&o->stack);
	py_process_destroy(o->py);
	image_free(m);
}

static void expect_frame(const struct opened *o, size_t i, const char *name, int line)
{
	const struct py_frame *frame = &o->stack.frames.at[i];
	const struct py_code *code = py_code_get(o->py, frame);

	ck_assert_ptr_nonnull(code);
	ck_assert_str_eq(code->name, name);
	ck_assert_str_eq(code->file, "/srv/app.py");
	ck_assert_int_eq(frame->line, line);
	ck_assert(!frame->bad);
}

static void expect_run(const struct opened *o, size_t i, uint64_t marker, uint32_t first, uint32_t count)
{
	ck_assert_uint_lt(i, o->stack.runs.n);
	ck_assert_uint_eq(o->stack.runs.at[i].marker, marker);
	ck_assert_uint_eq(o->stack.runs.at[i].first, first);
	ck_assert_uint_eq(o->stack.runs.at[i].count, count);
}

struct drawn {
	uint64_t markers[2];
	uint64_t frames[3]; /* youngest first: leaf and middle in one activation, module in the other */
};

/* leaf <- middle | module, two activations from 3.11 on. */
static void draw(struct image *m, const struct spec *is, struct drawn *d)
{
	uint64_t module, middle, leaf, below;

	image_init(m, is, ROOM);
	module = code_named(m, "<module>");
	middle = code_named(m, "middle");
	leaf = code_named(m, "leaf");
	below = is->ts_base >= 0 ? m->base_frame : 0;
	if (is->hex >= 0x030c0000)
		below = d->markers[1] = image_entry(m, below);
	d->frames[2] = below = image_frame(m, module, AT, below);
	if (is->hex >= 0x030c0000)
		below = d->markers[0] = image_entry(m, below);
	d->frames[1] = image_frame(m, middle, AT, below);
	d->frames[0] = image_frame(m, leaf, AT, d->frames[1]);
	image_start(m, d->frames[0]);
	if (is->cf_prev >= 0 && is->ts_root >= 0) { /* 3.10, 3.11: C frames on the C stack */
		d->markers[1] = image_alloc(m, 24);
		d->markers[0] = image_alloc(m, 24);
		put_word(m, m->tstate, is->ts_cframe, d->markers[0]);
		put_word(m, d->markers[0], is->cf_prev, d->markers[1]);
		put_word(m, d->markers[1], is->cf_prev, m->root);
		put_word(m, d->markers[0], is->cf_frame, d->frames[0]);
		put_word(m, d->markers[1], is->cf_frame, d->frames[2]);
		if (is->cf_frame >= 0)
			put_word(m, m->root, is->cf_frame, 0);
		else
			put_word(m, m->root, is->cf_prev, 0x7369206e6f69736e); /* as seen: garbage */
	}
}

START_TEST(stack_of_every_version)
{
	const struct spec *is = &specs[_i];
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, is, &d);
	open_and_read(&m, &o);
	ck_assert_uint_eq(o.thread.thread_id, image_thread_id(is));
	ck_assert_uint_eq(o.thread.native_id, is->ts_native >= 0 ? 4711 : 0);
	ck_assert_int_eq(o.thread.interp_id, is->id >= 0 ? 7 : 0);
	ck_assert_msg(!o.stack.broken, "%s: %s", is->what, o.stack.why);
	ck_assert_uint_eq(o.stack.frames.n, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(o.stack.frames.at[i].addr, d.frames[i]);
	expect_frame(&o, 0, "leaf", 12);
	expect_frame(&o, 1, "middle", 12);
	expect_frame(&o, 2, "<module>", 12);
	if (is->hex >= 0x030b0000) {
		ck_assert_uint_eq(o.stack.runs.n, 2);
		expect_run(&o, 0, d.markers[0], 0, 2);
		expect_run(&o, 1, d.markers[1], 2, 1);
		ck_assert_str_eq(py_code_get(o.py, &o.stack.frames.at[0])->qualname, "leaf");
	} else {
		ck_assert_uint_eq(o.stack.runs.n, 3);
		expect_run(&o, 2, 0, 2, 1);
		ck_assert(py_is_frame_object(o.py, 0, d.frames[1]));
		ck_assert(!py_is_frame_object(o.py, 0, m.tstate));
	}
	ck_assert_uint_eq(o.stack.cframes.n, is->hex >> 16 == 0x030a ? 2 : 0);
	close_all(&m, &o);
}
END_TEST

START_TEST(chain_in_a_circle)
{
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, &specs[_i], &d);
	image_grab(&m);
	open_only(&m, &o);
	put_word(&m, d.frames[2], m.is->f_prev, d.frames[1]);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	ck_assert(o.stack.broken);
	ck_assert_uint_eq(o.stack.frames.n, 3);
	ck_assert_ptr_nonnull(strstr(o.stack.why, "circular"));
	close_all(&m, &o);
}
END_TEST

START_TEST(chain_into_nowhere)
{
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, &specs[_i], &d);
	image_grab(&m);
	open_only(&m, &o);
	put_word(&m, d.frames[1], m.is->f_prev, 0xdead0000);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	ck_assert(o.stack.broken);
	ck_assert_uint_eq(o.stack.frames.n, 2);
	py_stack_finish(o.py, &o.stack);
	expect_frame(&o, 1, "middle", 12);
	close_all(&m, &o);
}
END_TEST

START_TEST(frame_without_code_is_kept)
{
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, &specs[_i], &d);
	image_grab(&m);
	open_only(&m, &o);
	put_word(&m, d.frames[1], m.is->f_code, m.t_str);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	py_stack_finish(o.py, &o.stack);
	ck_assert(!o.stack.broken);
	ck_assert_uint_eq(o.stack.frames.n, 3);
	ck_assert(o.stack.frames.at[1].bad);
	ck_assert_ptr_null(py_code_get(o.py, &o.stack.frames.at[1]));
	expect_frame(&o, 2, "<module>", 12);
	close_all(&m, &o);
}
END_TEST

/* The newest name is in the memory of the previous one, because equal allocations get the same
 * memory. */
START_TEST(code_object_replaced_at_the_same_address)
{
	struct image m;
	struct opened o;
	struct drawn d;
	uint64_t other, newest, code;
	size_t n;

	draw(&m, &specs[_i], &d);
	other = image_str(&m, "newer");
	newest = image_str(&m, "newst");
	n = (size_t)(image_alloc(&m, 0) - newest);
	image_grab(&m);
	open_and_read(&m, &o);
	expect_frame(&o, 0, "leaf", 12);
	code = o.stack.frames.at[0].code;
	for (int i = 0; i < 2; i++) {
		py_stack_free(&o.stack);
		memset(&o.stack, 0, sizeof(o.stack));
		if (i == 0)
			put_word(&m, code, m.is->c_name, other);
		else
			memcpy(image_at(&m, other, n), image_at(&m, newest, n), n);
		if (i == 1)
			py_process_move(o.py, m.P);
		ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
		py_stack_finish(o.py, &o.stack);
		expect_frame(&o, 0, i == 0 ? "newer" : "newst", 12);
	}
	close_all(&m, &o);
}
END_TEST

/* 3.12, an instruction after the C frame was linked: neither of its pointers is written yet. */
START_TEST(c_frame_without_any_pointer_yet)
{
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, &specs[SPEC_312], &d);
	image_grab(&m);
	open_only(&m, &o);
	put64(&m, m.root, m.is->cf_frame, 4);
	put64(&m, m.root, m.is->cf_prev, 0x11);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	ck_assert(o.stack.broken);
	ck_assert(o.stack.entering);
	ck_assert_uint_eq(o.stack.frames.n, 0);
	close_all(&m, &o);
}
END_TEST

START_TEST(thread_that_runs_no_python)
{
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, &specs[_i], &d);
	image_grab(&m);
	open_only(&m, &o); /* with frames: the content scan wants some */
	image_start(&m, m.is->ts_base >= 0 ? m.base_frame : 0);
	put_word(&m, m.tstate, m.is->ts_cframe, m.root);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_NONE);
	close_all(&m, &o);
}
END_TEST

START_TEST(tagged_code_and_prologue)
{
	struct image m;
	struct opened o;
	struct drawn d;

	if (specs[_i].hex < 0x030b0000)
		return;
	draw(&m, &specs[_i], &d);
	image_grab(&m);
	open_only(&m, &o);
	if (specs[_i].hex >= 0x030e0000) {
		uint64_t code;

		code = get_word(&m, d.frames[1], m.is->f_code);
		put_word(&m, d.frames[1], m.is->f_code, code | 1);
	}
	/* Before the first traceable instruction: not shown, but for generators. */
	for (size_t i = 0; i < 3; i += 2) {
		uint64_t instr;

		instr = get_word(&m, d.frames[i], m.is->f_instr);
		put_word(&m, d.frames[i], m.is->f_instr, instr - AT);
	}
	put8(&m, d.frames[2], m.is->f_owner, 1);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	py_stack_finish(o.py, &o.stack);
	ck_assert(o.stack.frames.at[0].hidden);
	expect_frame(&o, 1, "middle", 12);
	ck_assert(!o.stack.frames.at[1].hidden);
	ck_assert(!o.stack.frames.at[2].hidden);
	close_all(&m, &o);
}
END_TEST

START_TEST(position_outside_the_code)
{
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, &specs[_i], &d);
	image_grab(&m);
	open_only(&m, &o);
	put_word(&m, d.frames[0], m.is->f_instr, m.interp);
	put32(&m, d.frames[0], m.is->f_lasti, 4000);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	py_stack_finish(o.py, &o.stack);
	expect_frame(&o, 0, "leaf", 0);
	expect_frame(&o, 1, "middle", 12);
	close_all(&m, &o);
}
END_TEST

START_TEST(frames_that_no_activation_runs)
{
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, &specs[_i], &d);
	put32(&m, d.frames[1], m.is->f_lasti, UINT32_MAX); /* put on the chain by hand */
	put8(&m, d.frames[2], m.is->f_state, m.is->hex < 0x030a0000 ? 0 : 0xff); /* suspended */
	open_and_read(&m, &o);
	ck_assert(!o.stack.frames.at[0].synthetic);
	ck_assert(o.stack.frames.at[1].synthetic);
	ck_assert(o.stack.frames.at[2].synthetic == (m.is->f_state >= 0)); /* unknown up to 3.3 */
	expect_frame(&o, 1, "middle", 10);
	close_all(&m, &o);
}
END_TEST

START_TEST(line_of_a_debugger)
{
	struct image m;
	struct opened o;
	struct drawn d;

	draw(&m, &specs[_i], &d);
	put32(&m, d.frames[0], m.is->f_lineno, 77);
	put_word(&m, d.frames[0], m.is->f_trace, m.t_str);
	if (m.is->hex < 0x030a0000)
		put32(&m, d.frames[1], m.is->f_lineno, 10); /* no f_trace: it means nothing */
	open_and_read(&m, &o);
	expect_frame(&o, 0, "leaf", 77);
	expect_frame(&o, 1, "middle", 12);
	close_all(&m, &o);
}
END_TEST

START_TEST(activation_that_has_just_been_entered)
{
	const struct spec *is = &specs[_i];
	struct image m;
	struct opened o;
	struct drawn d;
	uint64_t fresh;

	if (is->hex < 0x030b0000)
		return;
	draw(&m, is, &d);
	if (is->hex < 0x030c0000) {
		fresh = image_alloc(&m, 24);
		put_word(&m, fresh, is->cf_prev, d.markers[0]);
		put_word(&m, fresh, is->cf_frame, d.frames[0]);
		put_word(&m, m.tstate, is->ts_cframe, fresh);
	} else {
		fresh = image_entry(&m, d.frames[0]);
		image_start(&m, fresh);
	}
	/* The content scan wants a frame at the top: found before, looked at after. */
	if (is->hex >= 0x030c0000)
		image_start(&m, d.frames[0]);
	image_grab(&m);
	open_only(&m, &o);
	if (is->hex >= 0x030c0000)
		image_start(&m, fresh);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	ck_assert_uint_eq(o.stack.runs.n, 3);
	expect_run(&o, 0, fresh, 0, 0);
	expect_run(&o, 1, d.markers[0], 0, 2);
	expect_run(&o, 2, d.markers[1], 2, 1);
	close_all(&m, &o);
}
END_TEST

/* The C frame of a new activation is linked before it is written: it still has the bytes that were
 * there before, here `stale`. The only piece of the data stack starts at `piece`, and nothing in it
 * is in use. */
static void link_unwritten(struct image *m, const struct drawn *d, uint64_t stale, uint64_t piece)
{
	const struct spec *is = m->is;
	uint64_t fresh = image_alloc(m, 24), older = image_alloc(m, 24);
	int chunk = is->hex >= 0x030c0000 ? (is->is_32bit ? 136 : 232) : is->is_32bit ? 172 : 296;

	if (is->hex >= 0x030c0000)
		put_word(m, older, is->cf_frame, d->frames[0]);
	else
		older = d->markers[0];
	put_word(m, fresh, is->cf_prev, older);
	put_word(m, fresh, is->cf_frame, stale);
	put_word(m, m->tstate, is->ts_cframe, fresh);
	put_word(m, piece, image_word(m), 4096);
	put_word(m, m->tstate, chunk, piece);
	put_word(m, m->tstate, chunk + image_word(m), piece + 3U * (unsigned)image_word(m));
}

/* A thread that has called into a second interpreter, which has called back: two chains, one
 * stack. */
START_TEST(states_of_one_thread_interleave)
{
	static const uint64_t markers[] = { 0x1000, 0x3000, 0x2000 }; /* markers of a, a, b */
	struct py_stack a = { .broken = false }, b = { .broken = false };

	for (uint32_t i = 0; i < 3; i++) {
		struct py_stack *s = i < 2 ? &a : &b;
		struct py_run run = { .marker = markers[i], .first = (uint32_t)s->frames.n, .count = 1 };
		struct py_frame frame = { .addr = markers[i] + 1 };

		ck_assert(vec_push(&s->frames, frame) && vec_push(&s->runs, run));
	}
	ck_assert_int_eq(py_stack_merge(&a, &b, NULL), RES_OK);
	ck_assert_uint_eq(a.runs.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(a.runs.at[i].marker, 0x1000 * (i + 1));
		ck_assert_uint_eq(a.runs.at[i].first, i);
		ck_assert_uint_eq(a.frames.at[i].addr, 0x1000 * (i + 1) + 1);
	}
	py_stack_free(&a);
	py_stack_free(&b);
}
END_TEST

START_TEST(activation_that_does_not_know_its_frame_yet)
{
	enum { SMALL, OLDER, RETURNED, CASES };
	static const int which[] = { SPEC_311, SPEC_312, SPEC_I386_311, SPEC_I386_312 };
	const struct spec *is = &specs[which[_i / CASES]];
	struct image m;
	struct opened o;
	struct drawn d;
	uint64_t stale, piece, below;
	size_t n;

	draw(&m, is, &d);
	piece = image_alloc(&m, 24);
	below = is->hex >= 0x030c0000 ? image_entry(&m, d.frames[0]) : d.frames[0];
	stale = image_frame(&m, code_named(&m, "returned"), AT, below);
	open_only(&m, &o);
	link_unwritten(&m, &d, _i % CASES == SMALL ? 1 : _i % CASES == OLDER ? d.frames[2] : stale, piece);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	py_stack_finish(o.py, &o.stack);
	ck_assert(o.stack.entering);
	ck_assert_uint_eq(o.stack.frames.n, 3);
	expect_frame(&o, 0, "leaf", 12);
	n = o.stack.runs.n;
	expect_run(&o, n - 2, d.markers[0], 0, 2);
	expect_run(&o, n - 1, d.markers[1], 2, 1);
	close_all(&m, &o);
}
END_TEST

START_TEST(copy_of_the_bytecode_per_thread)
{
	struct image m;
	struct opened o;
	struct drawn d;
	uint64_t code, table, copy;

	draw(&m, &specs[SPEC_314T], &d);
	memcpy(&code, image_at(&m, d.frames[0], 8), 8);
	copy = image_alloc(&m, LENGTH);
	table = image_alloc(&m, 24);
	put_word(&m, table, 0, 2);
	put_word(&m, table, 8, code + (uint64_t)m.is->c_start);
	put_word(&m, table, 16, copy);
	put_word(&m, code, m.is->c_tlbc, table);
	put32(&m, d.frames[0], m.is->f_tlbc, 1);
	put_word(&m, d.frames[0], m.is->f_instr, copy + AT);
	open_and_read(&m, &o);
	ck_assert_int_eq(o.stack.frames.at[0].tlbc, 1);
	expect_frame(&o, 0, "leaf", 12);
	py_stack_free(&o.stack);
	memset(&o.stack, 0, sizeof(o.stack));
	put32(&m, d.frames[0], m.is->f_tlbc, 900); /* no such copy */
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	py_stack_finish(o.py, &o.stack);
	expect_frame(&o, 0, "leaf", 0);
	close_all(&m, &o);
}
END_TEST

START_TEST(recursion_of_100000)
{
	enum { DEEP = 100000 };
	static const int families[] = { SPEC_27, SPEC_39, SPEC_311, SPEC_315 };
	const struct spec *is = &specs[families[_i]];
	struct image m;
	struct opened o;
	uint64_t code, at;

	image_init(&m, is, (size_t)DEEP * 416 + ROOM);
	code = code_named(&m, "again");
	at = is->ts_base >= 0 ? m.base_frame : 0;
	if (is->hex >= 0x030c0000)
		at = image_entry(&m, at);
	for (int i = 0; i < DEEP; i++)
		at = image_frame(&m, code, AT, at);
	image_start(&m, at);
	image_grab(&m);
	open_and_read(&m, &o);
	ck_assert(!o.stack.broken);
	ck_assert_uint_eq(o.stack.frames.n, DEEP);
	expect_frame(&o, DEEP - 1, "again", 12);
	close_all(&m, &o);
}
END_TEST

START_TEST(garbage_is_given_up)
{
	enum { FRAMES = 200 };
	struct image m;
	struct opened o;
	struct drawn d;
	uint64_t at = 0;

	draw(&m, &specs[_i], &d);
	m.n = m.used;
	free(m.bytes);
	draw(&m, &specs[_i], &d);
	for (int i = 0; i < FRAMES && m.used + 400 < m.n; i++)
		at = image_frame(&m, m.t_str, AT, at);
	image_grab(&m);
	open_only(&m, &o);
	put_word(&m, d.frames[1], m.is->f_prev, at);
	ck_assert_int_eq(py_stack_read(o.py, &o.thread, &o.stack, NULL), RES_OK);
	ck_assert(o.stack.broken);
	ck_assert_uint_lt(o.stack.frames.n, 100);
	close_all(&m, &o);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("py_frames");
	TCase *tcase = tcase_create("py_frames");
	const TTest *const each[] = { stack_of_every_version, chain_in_a_circle, chain_into_nowhere,
		frame_without_code_is_kept, code_object_replaced_at_the_same_address,
		thread_that_runs_no_python, tagged_code_and_prologue, position_outside_the_code,
		activation_that_has_just_been_entered, garbage_is_given_up };

	tcase_set_timeout(tcase, 60);
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		tcase_add_loop_test(tcase, each[i], 0, SPECS);
	tcase_add_loop_test(tcase, frames_that_no_activation_runs, SPEC_24, SPEC_310 + 1);
	tcase_add_loop_test(tcase, line_of_a_debugger, SPEC_24, SPEC_310 + 1);
	tcase_add_loop_test(tcase, frames_that_no_activation_runs, SPEC_I386, SPEC_I386 + SPEC_310 + 1);
	tcase_add_loop_test(tcase, line_of_a_debugger, SPEC_I386, SPEC_I386 + SPEC_310 + 1);
	tcase_add_loop_test(tcase, activation_that_does_not_know_its_frame_yet, 0, 12);
	tcase_add_loop_test(tcase, recursion_of_100000, 0, 4);
	tcase_add_test(tcase, c_frame_without_any_pointer_yet);
	tcase_add_test(tcase, copy_of_the_bytecode_per_thread);
	tcase_add_test(tcase, states_of_one_thread_interleave);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
