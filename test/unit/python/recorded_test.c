/* What is needed of an interpreter whose threads are captured elsewhere: the offsets for walking its
 * frames, and a thread state by its address. */
#include "python/py_offsets.h"
#include "python/py_process.h"
#include "python/python.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { ROOM = 1 << 15, BIG_ROOM = 1 << 18 };

static struct image m;
static struct py_process *py;
static struct py_offsets got;

static void start(const struct spec *is, size_t room)
{
	struct fault f = { 0 };
	uint64_t code, oldest;

	image_init(&m, is, room);
	code = image_code(&m, "/srv/app.py", "main", 10, "", 0, 64);
	oldest = is->ts_base >= 0 ? m.base_frame : 0;
	oldest = is->hex >= 0x030c0000 ? image_entry(&m, oldest) : oldest;
	image_start(&m, image_frame(&m, code, 8, oldest));
	image_grab(&m);
	ck_assert_msg(py_process_create(m.P, &py, &f) == RES_OK, "%s: %s", is->what, f.text);
}

static void done(void)
{
	py_process_destroy(py);
	image_free(&m);
}

static unsigned field(int offset)
{
	return offset < 0 ? 0 : (unsigned)offset + 1;
}

/* The members are those of the version, and inside what is read of their structure. */
static void expect(const char *name, unsigned value, int offset, unsigned bytes, unsigned size)
{
	ck_assert_msg(value == field(offset), "%s: %s: %u", m.is->what, name, value);
	ck_assert_msg(value == 0 || value - 1 + bytes <= size, "%s: %s: size %u", m.is->what, name, size);
}

#define EXPECT(member, offset, bytes, size) expect(#member, got.member, (offset), (bytes), got.size)

static void expect_states(const struct spec *is)
{
	unsigned word = (unsigned)image_word(&m);

	ck_assert_uint_eq(get_word(&m, got.interpreters, 0), m.interp);
	ck_assert_uint_eq(got.word, word);
	ck_assert_uint_eq(got.word_mask, is->is_32bit ? 0xffffffff : 0xffffffffffffffff);
	ck_assert_uint_eq(got.interp_next, field(is->next));
	ck_assert_uint_eq(got.interp_threads, field(is->threads));
	EXPECT(tstate_next, is->ts_next, word, tstate_size);
	EXPECT(tstate_frame, is->ts_frame, word, tstate_size);
	EXPECT(tstate_cframe, is->ts_cframe, word, tstate_size);
	EXPECT(tstate_root_cframe, is->ts_root, word, tstate_size);
	EXPECT(tstate_base_frame, is->ts_base, word, tstate_size);
	EXPECT(tstate_thread_id, is->ts_tid, word, tstate_size);
	if (is->ts_cframe >= 0) {
		EXPECT(cframe_frame, is->cf_frame, word, cframe_size);
		EXPECT(cframe_previous, is->cf_prev, word, cframe_size);
	} else {
		ck_assert_uint_eq(got.cframe_size, 0);
	}
}

static void expect_frames(const struct spec *is)
{
	unsigned word = (unsigned)image_word(&m);

	EXPECT(frame_previous, is->f_prev, word, frame_size);
	EXPECT(frame_code, is->f_code, word, frame_size);
	EXPECT(frame_instr, is->f_instr, word, frame_size);
	EXPECT(frame_owner, is->f_owner, 1, frame_size);
	EXPECT(frame_tlbc, is->f_tlbc, 4, frame_size);
	EXPECT(frame_lasti, is->f_lasti, 4, frame_size);
	EXPECT(frame_lineno, is->f_lineno, 4, frame_size);
	EXPECT(frame_state, is->f_state, 1, frame_size);
	EXPECT(frame_trace, is->f_trace, word, frame_size);
	ck_assert_int_eq(got.own_frames, is->hex < 0x030b0000);
	ck_assert_uint_eq(got.cstack_owner, is->hex < 0x030c0000 ? 0 : 3);
	if (is->hex < 0x030b0000)
		ck_assert_uint_eq(got.object_size, 0);
	else
		EXPECT(object_lineno, is->size + 3 * (int)word, 4, object_size);
	ck_assert_int_eq(got.frame_object != 0, is->hex >= 0x030b0000);
	ck_assert_uint_eq(got.frame_entry, is->hex >> 16 == 0x030b ? got.frame_owner - 1U : 0);
}

static void expect_code(const struct spec *is)
{
	const int texts[PY_OFFSETS_TEXTS] = { is->c_file, is->c_name, is->c_qual };
	unsigned word = (unsigned)image_word(&m);
	int elsewhere;

	for (int i = 0; i < PY_OFFSETS_TEXTS; i++)
		EXPECT(code_texts[i], texts[i], word, code_size);
	EXPECT(code_table, is->c_table, word, code_size);
	EXPECT(code_bytecode, is->c_bytes, word, code_size);
	elsewhere = is->text == TEXT_UCS2 || is->text == TEXT_UCS4 ? is->s_len + (int)word : -1;
	ck_assert_uint_eq(got.text_data, field(elsewhere));
	ck_assert_uint_eq(got.text_words, field(is->text == TEXT_BYTES ? is->size
						: elsewhere >= 0       ? elsewhere
								       : is->s_len));
	ck_assert_uint_eq(got.bytes_size, field(is->size));
	ck_assert_uint_eq(
	    got.size_mask, is->is_32bit || is->hex < 0x02050000 ? 0xffffffff : 0xffffffffffffffff);
	ck_assert_uint_eq(got.bytes_data, field(is->b_data));
	for (int i = 0; i < PY_OFFSETS_WORDS; i++)
		ck_assert_uint_lt(got.code_words[i], got.code_size);
	if (is->hex >= 0x030c0000) {
		ck_assert_uint_eq(got.frame_versioned, got.frame_code);
		ck_assert_uint_eq(got.version, field(is->c_file - 2 * (int)word - 4));
	} else if (is->hex >= 0x030b0000) {
		ck_assert_uint_eq(got.frame_versioned, field(0));
		ck_assert_uint_eq(got.version, field(is->size + 14 * (int)word));
	} else {
		ck_assert_uint_eq(got.version, 0);
	}
}

START_TEST(offsets_of_every_version)
{
	const struct spec *is = &specs[_i];

	start(is, ROOM);
	memset(&got, 0xee, sizeof(got));
	ck_assert_msg(py_offsets_get(py, 0, &got), "%s", is->what);
	expect_states(is);
	expect_frames(is);
	expect_code(is);
	ck_assert_uint_lt(got.tstate_size, PY_OFFSETS_TSTATE_MAX);
	ck_assert_uint_lt(got.frame_size, PY_OFFSETS_FRAME_MAX);
	ck_assert_uint_lt(got.code_size, PY_OFFSETS_CODE_MAX);
	ck_assert_uint_lt(got.cframe_size, PY_OFFSETS_OBJECT_MAX);
	ck_assert_uint_lt(got.object_size, PY_OFFSETS_OBJECT_MAX);
	done();
}
END_TEST

/* A structure of the largest size fits, a byte more does not. */
START_TEST(limits_of_structures)
{
	struct py_layout *l;
	uint32_t *extents[4], limits[] = { PY_OFFSETS_TSTATE_MAX, PY_OFFSETS_FRAME_MAX, PY_OFFSETS_CODE_MAX,
		PY_OFFSETS_OBJECT_MAX };

	start(&specs[SPEC_312], ROOM);
	l = &py->runtimes.at[0].layout;
	extents[0] = &l->tstate_extent;
	extents[1] = &l->frame_extent;
	extents[2] = &l->code_extent;
	extents[3] = &l->cframe_extent;
	for (int i = 0; i < 4; i++) {
		uint32_t before = *extents[i];

		*extents[i] = limits[i] - 1;
		ck_assert(py_offsets_get(py, 0, &got));
		*extents[i] = limits[i];
		ck_assert(!py_offsets_get(py, 0, &got));
		*extents[i] = 1 << 16;
		ck_assert(!py_offsets_get(py, 0, &got));
		*extents[i] = before;
	}
	ck_assert(py_offsets_get(py, 0, &got));
	done();
}
END_TEST

/* An interpreter's state is not read whole, but its members must be where the numbers say. */
START_TEST(limits_of_interpreters)
{
	struct spec large = specs[SPEC_313];
	int *offsets[] = { &large.next, &large.threads };

	*offsets[_i] = 0xfff8;
	start(&large, BIG_ROOM);
	ck_assert(py_offsets_get(py, 0, &got));
	ck_assert_uint_eq(_i == 0 ? got.interp_next : got.interp_threads, 0xfff9);
	done();
	*offsets[_i] = 0x10000 + 0x1000;
	start(&large, BIG_ROOM);
	ck_assert(!py_offsets_get(py, 0, &got));
	done();
}
END_TEST

START_TEST(state_of_every_version)
{
	const struct spec *is = &specs[_i];
	struct py_thread t;

	start(is, ROOM);
	memset(&t, 0xee, sizeof(t));
	ck_assert_msg(py_thread_at(py, 0, m.tstate, &t) == RES_OK, "%s", is->what);
	ck_assert_uint_eq(t.runtime, 0);
	ck_assert_uint_eq(t.tstate, m.tstate);
	ck_assert_uint_eq(t.interp, m.interp);
	ck_assert_int_eq(t.interp_id, is->id >= 0 ? 7 : 0);
	ck_assert_uint_eq(t.thread_id, image_thread_id(is));
	ck_assert_uint_eq(t.native_id, is->ts_native >= 0 ? 4711 : 0);
	done();
}
END_TEST

START_TEST(no_state_there)
{
	const uint64_t tstates[] = { 0, 1, 4095, UINT64_MAX, UINT64_MAX - 64, (uint64_t)1 << 47,
		IMAGE_BASE - 8, IMAGE_BASE + ROOM - 64, IMAGE_BASE + ROOM, 0x7f0000000000 };
	struct py_thread t = { .tstate = 1 };

	start(&specs[_i == 0 ? SPEC_313 : SPEC_I386_311], ROOM);
	for (size_t i = 0; i < sizeof(tstates) / sizeof(tstates[0]); i++)
		ck_assert_int_eq(py_thread_at(py, 0, tstates[i], &t), RES_NONE);
	ck_assert_int_eq(py_thread_at(py, 1, m.tstate, &t), RES_NONE);
	ck_assert_int_eq(py_thread_at(py, UINT32_MAX, m.tstate, &t), RES_NONE);
	ck_assert_uint_eq(t.tstate, 1); /* written on success only */
	done();
}
END_TEST

/* Its interpreter cannot be read. */
START_TEST(state_of_an_interpreter_elsewhere)
{
	struct py_thread t;

	start(&specs[SPEC_313], ROOM);
	put_word(&m, m.tstate, m.is->ts_interp, 0x7f0000000000);
	ck_assert_int_eq(py_thread_at(py, 0, m.tstate, &t), RES_OK);
	ck_assert_uint_eq(t.interp, 0x7f0000000000);
	ck_assert_int_eq(t.interp_id, 0);
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recorded");
	TCase *tcase = tcase_create("recorded");

	tcase_add_loop_test(tcase, offsets_of_every_version, 0, SPECS);
	tcase_add_test(tcase, limits_of_structures);
	tcase_add_loop_test(tcase, limits_of_interpreters, 0, 2);
	tcase_add_loop_test(tcase, state_of_every_version, 0, SPECS);
	tcase_add_loop_test(tcase, no_state_there, 0, 2);
	tcase_add_test(tcase, state_of_an_interpreter_elsewhere);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
