/* Sets that tasks share in memory of no interpreter: reading them ends. */
#include "python/tasks/task_reader.h"
#include "python/tasks/task_objects.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

/* Of 3.12, in bytes. */
enum { MASK = 32, TABLE = 40, ENTRY = 16, ENTRIES = 1 << 15, ROOM = ENTRIES * ENTRY + (1 << 16) };

static bool count(struct task_reader *r, uint64_t element, void *data)
{
	(void)r;
	(void)element;
	++*(uint32_t *)data;
	return true;
}

START_TEST(read_again_and_again)
{
	enum { TIMES = TASK_VISITS_MAX / ENTRIES };
	struct image m;
	struct py_runtime rt = { .version = PY_HEX(3, 12) };
	struct task_reader r = { .rt = &rt };
	uint64_t set, table;
	uint32_t elements = 0;

	image_init(&m, &specs[SPEC_312], ROOM);
	ck_assert_int_eq(py_layout_of_version(PY_HEX(3, 12), 8, &rt.layout), RES_OK);
	set = image_alloc(&m, 64);
	table = image_alloc(&m, (size_t)ENTRIES * ENTRY);
	put_word(&m, set, m.is->type, image_type(&m, "set", 0));
	put_word(&m, set, MASK, ENTRIES - 1);
	put_word(&m, set, TABLE, table);
	put_word(&m, table, 5 * ENTRY, m.runtime);
	image_grab(&m);
	r.P = m.P;
	for (uint32_t i = 0; i < TIMES; i++)
		ck_assert(task_set_each(&r, set, count, &elements));
	ck_assert_uint_eq(elements, TIMES);
	ck_assert(!task_set_each(&r, set, count, &elements));
	ck_assert_uint_eq(elements, TIMES);
	addrmap_free(&r.kinds);
	image_free(&m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("python/task_sets");
	TCase *c = tcase_create("task_sets");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, read_again_and_again);
	suite_add_tcase(s, c);
	return run_made_suite(s);
}
