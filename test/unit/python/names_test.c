/* Names of threads, in memory of 3.12 as the module threading lays them out, and damaged. */
#include "python/threads/py_names.h"

#include "python/py_process.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum {
	DICT_KEYS = 32,
	LOG_SIZE = 8, /* of keys */
	LOG_INDEX_BYTES = 9,
	COUNT = 24,
	ITEMS = 40,
	MODULE_DICT = 16,
	DICT_OFFSET = 288, /* tp_dictoffset */
	NUMBER = 16,       /* lv_tag */
	THREADS = 2,
};

struct item {
	uint64_t hash, key, value;
};

struct made {
	struct image m;
	struct py_runtime rt;
	uint64_t dict_type, interp, modules, module, globals, active, threads[THREADS], attributes[THREADS];
};

static const uint64_t ids[THREADS] = { 0x7f0000001000, 0x7f0000002000 };

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

static uint64_t add_bool(struct made *d, uint64_t type, bool value)
{
	uint64_t it = image_alloc(&d->m, 32);

	put_word(&d->m, it, d->m.is->type, type);
	put_word(&d->m, it, NUMBER, value ? 8 : 1);
	return it;
}

/* Two threads, "first" and "second", which is a daemon. */
static void begin(struct made *d)
{
	static const char *const names[THREADS] = { "first", "second" };
	struct item active[THREADS];
	uint64_t type, of_bool;

	memset(d, 0, sizeof(*d));
	image_init(&d->m, &specs[SPEC_312], 1 << 16);
	d->rt.version = PY_HEX(3, 12);
	ck_assert_int_eq(py_layout_of_version(PY_HEX(3, 12), 8, &d->rt.layout), RES_OK);
	py_layout_add_more(&d->rt.layout, PY_HEX(3, 12));
	d->dict_type = image_type(&d->m, "dict", 0);
	of_bool = image_type(&d->m, "bool", 0);
	type = image_type(&d->m, "Thread", 0);
	put_word(&d->m, type, DICT_OFFSET, 16);
	for (int i = 0; i < THREADS; i++) {
		const struct item both[] = { { 1, image_str(&d->m, "_name"), image_str(&d->m, names[i]) },
			{ 2, image_str(&d->m, "_daemonic"), add_bool(d, of_bool, i == 1) } };

		d->attributes[i] = add_dict(d, both, 2);
		d->threads[i] = image_alloc(&d->m, 64);
		put_word(&d->m, d->threads[i], d->m.is->type, type);
		put_word(&d->m, d->threads[i], 16, d->attributes[i]);
		active[i] = (struct item){ ids[i], d->threads[i], d->threads[i] };
	}
	d->active = add_dict(d, active, THREADS);
	d->globals = add_dict(d, (struct item[]){ { 3, image_str(&d->m, "_active"), d->active } }, 1);
	d->module = image_alloc(&d->m, 64);
	put_word(&d->m, d->module, d->m.is->type, image_type(&d->m, "module", 0));
	put_word(&d->m, d->module, MODULE_DICT, d->globals);
	d->modules = add_dict(d,
	    (struct item[]){ { 4, image_str(&d->m, "sys"), d->dict_type },
		{ 5, image_str(&d->m, "threading"), d->module } },
	    2);
	d->interp = image_alloc(&d->m, 2048);
	put_word(&d->m, d->interp, (int)d->rt.layout.more.modules - 1, d->modules);
}

/* Read the names of both threads, and of one that there is not. Frees the image. */
static py_names read_names(struct made *d)
{
	const struct py_names_source source = { .P = NULL };
	struct py_names_source from = source;
	struct py_process py;
	py_names names = VEC_EMPTY;

	memset(&py, 0, sizeof(py));
	image_grab(&d->m);
	from.P = py.P = d->m.P;
	py.runtimes.at = &d->rt;
	py.runtimes.n = 1;
	ck_assert(vec_push(&names, ((struct py_name){ .thread_id = ids[1] })) &&
		  vec_push(&names, ((struct py_name){ .thread_id = 0x7f0000003000 })) &&
		  vec_push(&names, ((struct py_name){ .thread_id = ids[0] })));
	py_names_read(&py, &from, 0, d->interp, &names);
	image_free(&d->m);
	return names;
}

START_TEST(by_id)
{
	struct made d;
	py_names names;

	begin(&d);
	names = read_names(&d);
	ck_assert_str_eq(names.at[0].text, "second");
	ck_assert_uint_eq(names.at[0].n, 6);
	ck_assert(names.at[0].daemon);
	ck_assert_ptr_null(names.at[1].text);
	ck_assert_str_eq(names.at[2].text, "first");
	ck_assert(!names.at[2].daemon);
	py_names_free(&names);
}
END_TEST

/* Each leads nowhere: no name is told. */
START_TEST(damaged)
{
	enum { NO_MODULES, NO_DICT, NO_MODULE, NO_GLOBALS, NO_ACTIVE, IN_A_CIRCLE, WAYS };

	for (int way = 0; way < WAYS; way++) {
		struct made d;
		py_names names;

		begin(&d);
		if (way == NO_MODULES)
			put_word(&d.m, d.interp, (int)d.rt.layout.more.modules - 1, UINT64_MAX - 7);
		else if (way == NO_DICT)
			put_word(&d.m, d.modules, DICT_KEYS, 0x10);
		else if (way == NO_MODULE)
			put_word(&d.m, d.module, d.m.is->type, d.dict_type);
		else if (way == NO_GLOBALS)
			put_word(&d.m, d.module, MODULE_DICT, 0);
		else if (way == NO_ACTIVE)
			put_word(&d.m, get_word(&d.m, d.active, DICT_KEYS), COUNT, 1U << 30);
		else
			put_word(&d.m, d.module, MODULE_DICT, d.modules);
		names = read_names(&d);
		for (size_t i = 0; i < names.n && way != NO_ACTIVE; i++)
			ck_assert_msg(names.at[i].text == NULL && !names.at[i].daemon, "way %d", way);
		py_names_free(&names);
	}
}
END_TEST

/* A Thread without what is expected has no name; the other one has. */
START_TEST(damaged_thread)
{
	enum { NO_ATTRIBUTES, NO_TEXT, OTHER_DAEMON, WAYS };

	for (int way = 0; way < WAYS; way++) {
		struct made d;
		uint64_t items;
		py_names names;

		begin(&d);
		items = get_word(&d.m, d.attributes[1], DICT_KEYS) + ITEMS;
		if (way == NO_ATTRIBUTES)
			put_word(&d.m, d.threads[1], 16, d.threads[0]);
		else if (way == NO_TEXT)
			put_word(&d.m, items, 16, d.dict_type);
		else
			put_word(&d.m, items, 24 + 16, d.modules);
		names = read_names(&d);
		ck_assert_msg((names.at[0].text == NULL) == (way != OTHER_DAEMON), "way %d", way);
		ck_assert_msg(!names.at[0].daemon, "way %d", way);
		ck_assert_str_eq(names.at[2].text, "first");
		py_names_free(&names);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { by_id, damaged, damaged_thread };

	return run_suite("names", tests, sizeof(tests) / sizeof(tests[0]));
}
