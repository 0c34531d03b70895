/* Tasks of which a part of the way to them cannot be read: that some may be missing is said. */
#include "python/tasks/task_find.h"
#include "python/tasks/task_objects.h"
#include "python/tasks/task_trio.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

/* Of 3.12, in bytes. */
enum {
	DICT_KEYS = 32,
	LOG_SIZE = 8, /* of keys */
	LOG_INDEX_BYTES = 9,
	COUNT = 24,
	ITEMS = 40,
	MODULE_DICT = 16,
	MASK = 32, /* of a set */
	TABLE = 40,
	NOWHERE = 0x7000,
};

struct item {
	uint64_t hash, key, value;
};

struct made {
	struct image m;
	struct py_runtime rt;
	struct py_process py;
	struct py_tasks tasks;
	struct task_reader r;
	uint64_t dict_type, interp, modules, set, element;
};

static uint64_t add_dict(struct made *d, const struct item *items, size_t n)
{
	uint64_t dict = image_alloc(&d->m, 64), keys = image_alloc(&d->m, ITEMS + 8 * sizeof(*items));

	put_word(&d->m, dict, d->m.is->type, d->dict_type);
	put_word(&d->m, dict, DICT_KEYS, keys);
	put8(&d->m, keys, LOG_SIZE, 3);
	put8(&d->m, keys, LOG_INDEX_BYTES, 3);
	put_word(&d->m, keys, COUNT, n);
	memcpy(image_at(&d->m, keys + ITEMS, n * sizeof(*items)), items, n * sizeof(*items));
	return dict;
}

/* asyncio.tasks has a set of one object, which is no task. */
static void begin(struct made *d)
{
	struct item entry = { .hash = 1 };
	uint64_t module, table;

	memset(d, 0, sizeof(*d));
	image_init(&d->m, &specs[SPEC_312], 1 << 16);
	d->rt.version = PY_HEX(3, 12);
	ck_assert_int_eq(py_layout_of_version(PY_HEX(3, 12), 8, &d->rt.layout), RES_OK);
	py_layout_add_more(&d->rt.layout, PY_HEX(3, 12));
	d->dict_type = image_type(&d->m, "dict", 0);
	d->element = image_alloc(&d->m, 64);
	put_word(&d->m, d->element, d->m.is->type, image_type(&d->m, "NoneType", 0));
	d->set = image_alloc(&d->m, 64);
	table = image_alloc(&d->m, 64);
	put_word(&d->m, d->set, d->m.is->type, image_type(&d->m, "set", 0));
	put_word(&d->m, d->set, TABLE, table);
	put_word(&d->m, table, 0, d->element);
	module = image_alloc(&d->m, 64);
	put_word(&d->m, module, d->m.is->type, image_type(&d->m, "module", 0));
	entry.key = image_str(&d->m, "_scheduled_tasks");
	entry.value = d->set;
	put_word(&d->m, module, MODULE_DICT, add_dict(d, &entry, 1));
	entry.key = image_str(&d->m, "asyncio.tasks");
	entry.value = module;
	d->modules = add_dict(d, &entry, 1);
	d->interp = image_alloc(&d->m, (size_t)d->rt.layout.more.modules + 64);
	put_word(&d->m, d->interp, (int)d->rt.layout.more.modules - 1, d->modules);
}

/* Look for tasks; true: some may be missing. */
static bool end(struct made *d)
{
	const py_threads none = VEC_EMPTY;
	bool missed;

	image_grab(&d->m);
	d->py.P = d->m.P;
	d->r = (struct task_reader){ .py = &d->py, .P = d->m.P, .rt = &d->rt, .out = &d->tasks };
	task_find(&d->r, d->interp, &none);
	task_find_trio(&d->r, d->interp);
	ck_assert_int_eq(d->r.res, RES_OK);
	ck_assert_uint_eq(d->tasks.at.n, 0);
	missed = d->tasks.missed;
	py_tasks_free(&d->tasks);
	addrmap_free(&d->r.kinds);
	addrmap_free(&d->r.by_addr);
	addrmap_free(&d->r.by_loop);
	image_free(&d->m);
	return missed;
}

START_TEST(nothing_is_missing)
{
	struct made d;

	begin(&d);
	ck_assert(!end(&d));
	begin(&d);
	put_word(&d.m, d.interp, (int)d.rt.layout.more.modules - 1, 0); /* it begins */
	ck_assert(!end(&d));
}
END_TEST

START_TEST(modules)
{
	struct made d;

	begin(&d);
	put_word(&d.m, d.interp, (int)d.rt.layout.more.modules - 1, NOWHERE);
	ck_assert(end(&d));
}
END_TEST

START_TEST(a_key_of_the_modules)
{
	struct item entry = { .hash = 1, .key = NOWHERE, .value = NOWHERE };
	struct made d;

	begin(&d);
	put_word(&d.m, d.interp, (int)d.rt.layout.more.modules - 1, add_dict(&d, &entry, 1));
	ck_assert(end(&d));
}
END_TEST

START_TEST(an_element)
{
	struct made d;

	begin(&d);
	put_word(&d.m, d.element, d.m.is->type, NOWHERE);
	ck_assert(end(&d));
}
END_TEST

START_TEST(name_of_the_type_of_an_element)
{
	struct made d;
	uint64_t type;

	begin(&d);
	type = image_type(&d.m, "Task", 0);
	put_word(&d.m, type, d.m.is->tp_name, NOWHERE);
	put_word(&d.m, d.element, d.m.is->type, type);
	ck_assert(end(&d));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { nothing_is_missing, modules, a_key_of_the_modules, an_element,
		name_of_the_type_of_an_element };

	return run_suite("task_unread", tests, sizeof(tests) / sizeof(tests[0]));
}
