/* Variables of a class body, which are in a dict, of which a core lacks a part. */
#include "python/locals/py_locals.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { ROOM = 1 << 16, AT = 8, LENGTH = 64 };

/* Of 3.12, in bytes: co_localsplusnames and co_localspluskinds; f_globals and f_locals; a dict's
 * ma_keys; dk_log2_index_bytes, dk_kind, dk_nentries and the entries, after 8 bytes of indices. */
enum { NAMES = 96, KINDS = 104, GLOBALS = 24, LOCALS = 40, KEYS = 32 };
enum { LOG_BYTES = 9, KIND = 10, COUNT = 24, ENTRIES = 40, STR_KEYS = 1 };

/* A dict of a str whose value is that str, and of further entries. lost: the str is not there. */
static uint64_t dict_of(struct image *m, uint64_t entries, bool lost)
{
	uint64_t dict = image_alloc(m, 64), keys = image_alloc(m, 64),
		 text = lost ? 0x666000 : image_str(m, "a");

	put_word(m, dict, m->is->type, image_type(m, "dict", 1U << 29));
	put_word(m, dict, KEYS, keys);
	put8(m, keys, LOG_BYTES, 3);
	put8(m, keys, KIND, STR_KEYS);
	put_word(m, keys, COUNT, entries);
	put_word(m, keys, ENTRIES, text);
	put_word(m, keys, ENTRIES + 8, text);
	return dict;
}

static struct py_locals *read_body(uint64_t entries, bool lost)
{
	const uint8_t table[] = { 0xdb, 0, 0, 0xdf, 0, 0, 0xdf, 0, 0 };
	struct image m;
	struct fault f = { 0 };
	struct py_process *py;
	struct py_stack stack = { .broken = false };
	struct py_locals_reader *reader;
	struct py_locals *locals;
	py_threads threads = VEC_EMPTY;
	uint64_t code, frame, around;

	image_init(&m, &specs[SPEC_312], ROOM);
	code = image_code(&m, "/srv/app.py", "Body", 10, table, sizeof(table), LENGTH);
	put_word(&m, code, NAMES, image_alloc(&m, 64)); /* a tuple of none */
	put_word(&m, code, KINDS, image_bytes(&m, "", 0));
	around = image_entry(&m, 0);
	frame = image_frame(&m, code, AT, around);
	put_word(&m, frame, GLOBALS, m.runtime);
	put_word(&m, frame, LOCALS, dict_of(&m, entries, lost));
	image_start(&m, frame);
	image_grab(&m);
	ck_assert_msg(py_process_create(m.P, &py, &f) == RES_OK, "%s", f.text);
	ck_assert_msg(py_threads_read(py, &threads, &f) == RES_OK, "%s", f.text);
	ck_assert_msg(py_stack_read(py, &threads.at[0], &stack, &f) == RES_OK, "%s", f.text);
	ck_assert_uint_eq(stack.frames.n, 1);
	reader = py_locals_reader_create(py, 1);
	ck_assert_ptr_nonnull(reader);
	locals = py_locals_read(reader, &stack);
	ck_assert_ptr_nonnull(locals);
	py_locals_reader_free(reader);
	vec_free(&threads);
	py_stack_free(&stack);
	py_process_destroy(py);
	image_free(&m);
	return locals;
}

START_TEST(whole)
{
	struct py_locals *locals = read_body(1, false);

	ck_assert_uint_eq(locals->frames.at[0].count, 1);
	ck_assert(!locals->frames.at[0].cut);
	py_locals_free(locals);
}
END_TEST

START_TEST(entries_beyond_memory)
{
	struct py_locals *locals = read_body(ROOM, false);

	ck_assert(locals->frames.at[0].cut);
	py_locals_free(locals);
}
END_TEST

START_TEST(name_beyond_memory)
{
	struct py_locals *locals = read_body(1, true);

	ck_assert_uint_eq(locals->frames.at[0].count, 0);
	ck_assert(locals->frames.at[0].cut);
	py_locals_free(locals);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("python/class_body");
	TCase *c = tcase_create("class_body");

	tcase_add_test(c, whole);
	tcase_add_test(c, entries_beyond_memory);
	tcase_add_test(c, name_beyond_memory);
	suite_add_tcase(s, c);
	return run_made_suite(s);
}
