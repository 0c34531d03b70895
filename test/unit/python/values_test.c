/* Values in memory that no interpreter has: random objects that refer to one another, and sizes
 * beyond all bounds. What is written of sound objects is compared in live_values_test. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "python/values/py_value.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

enum { BASE = 0x10000000, SIZE = 1 << 20, OBJECTS = 512, STRIDE = 512, HEAP = 1 << 9 };

static const char *const type_names[] = { "type", "object", "NoneType", "bool", "int", "long", "float",
	"complex", "str", "unicode", "bytes", "bytearray", "list", "tuple", "dict", "frozendict",
	"collections.defaultdict", "collections.OrderedDict", "dict_keys", "dict_values", "dict_items", "set",
	"frozenset", "collections.deque", "range", "xrange", "slice", "mappingproxy", "cell", "weakref",
	"function", "method", "instancemethod", "builtin_function_or_method", "module", "code", "generator",
	"BaseException", "exceptions.BaseException", "property", "classobj", "instance", "numpy.ndarray",
	"numpy.int64", "numpy.float32", "EnumMeta" };
enum { NAMES = sizeof(type_names) / sizeof(type_names[0]), TYPES = 2 * NAMES };

struct world {
	uint8_t *bytes;
	size_t used;
	uint64_t types[TYPES], objects, seed;
	struct fake_segment segments[2];
	struct fake_map maps[2];
	struct fake_process fake;
	struct ps_prochandle *P;
	struct py_runtime rt;
};

static uint64_t next(struct world *m)
{
	m->seed = m->seed * 6364136223846793005 + 1442695040888963407;
	return m->seed >> 33;
}

static void put(struct world *m, uint64_t va, uint64_t value, size_t n)
{
	ck_assert(va >= BASE && va - BASE + n <= SIZE);
	memcpy(m->bytes + (va - BASE), &value, n);
}

static uint64_t take(struct world *m, size_t n)
{
	uint64_t va = BASE + m->used;

	m->used += (n + 15) & ~(size_t)15;
	ck_assert_uint_le(m->used, SIZE);
	return va;
}

/* Type i: one of the interpreter's own, or a class that derives from it. */
static void make_type(struct world *m, unsigned i)
{
	const struct py_layout *l = &m->rt.layout;
	const char *text = type_names[i % NAMES];
	uint64_t type = m->types[i], name = take(m, strlen(text) + 1), words = type + l->type.name - 1;
	unsigned packed = l->size_width < l->word;

	memcpy(m->bytes + (name - BASE), text, strlen(text) + 1);
	put(m, type + l->object.type - 1,
	    m->types[i < NAMES          ? 0
		     : next(m) % 4 != 0 ? 0
					: TYPES - 1],
	    l->word);
	put(m, words, name, l->word);
	put(m, words + l->word, 64, packed ? 4 : l->word);
	put(m, words + (packed ? l->word + 4U : 2U * l->word), next(m) % 2 != 0 ? 4 : 2, 4);
	put(m, type + l->type.flags - 1, (i < NAMES ? 0 : HEAP) | (next(m) % 4 << 2), l->word);
	put(m, type + l->type.flags - 1 + 11U * l->word, i < NAMES ? 0 : m->types[i - NAMES], l->word);
	put(m, type + l->type.flags - 1 + 12U * l->word, m->objects + next(m) % OBJECTS * STRIDE, l->word);
	put(m, type + l->type.flags - 1 + 15U * l->word, next(m) % 8 * l->word, l->word);
}

static uint64_t any_word(struct world *m)
{
	switch (next(m) % 16) {
	case 0:
		return BASE + next(m) % SIZE;
	case 1:
		return next(m) << 33 ^ next(m);
	case 2:
		return UINT64_MAX - next(m) % 20;
	case 3:
	case 4:
	case 5:
	case 6:
		return next(m) % 24;
	default:
		return m->objects + next(m) % OBJECTS * STRIDE;
	}
}

static void make_world(struct world *m, const struct py_layout *l, unsigned seed)
{
	*m = (struct world){ .seed = seed, .bytes = calloc(1, SIZE) };
	ck_assert_ptr_nonnull(m->bytes);
	m->rt = (struct py_runtime){ .version = l->version, .layout = *l };
	m->rt.layout.char_width = seed % 2 != 0 ? 2 : 4;
	m->rt.object = strdup("/python");
	for (unsigned i = 0; i < TYPES; i++)
		m->types[i] = take(m, 1024);
	m->objects = take(m, OBJECTS * STRIDE);
	for (uint64_t at = m->objects; at < m->objects + OBJECTS * STRIDE; at += l->word)
		put(m, at, any_word(m), l->word);
	for (unsigned i = 0; i < OBJECTS; i++)
		put(m, m->objects + i * STRIDE + l->object.type - 1, m->types[next(m) % TYPES], l->word);
	for (unsigned i = 0; i < TYPES; i++)
		make_type(m, i);
	m->segments[0] = (struct fake_segment){ BASE, m->bytes, SIZE };
	m->maps[0] = (struct fake_map){ BASE, SIZE, MA_READ | MA_WRITE, 0, "/python" };
	m->fake = (struct fake_process){ .is_32bit = l->word == 4, .segments = m->segments, .maps = m->maps };
	m->P = fake_grab(&m->fake);
	ck_assert_ptr_nonnull(m->P);
}

static void end_world(struct world *m)
{
	Prelease(m->P, 0);
	free(m->rt.object);
	free(m->bytes);
}

/* The versions of the tables, of both word sizes. Later ones have the head of 3.12's objects. */
static bool layout_of(unsigned i, struct py_layout *l)
{
	static const uint32_t versions[] = { PY_HEX(2, 4), PY_HEX(2, 5), PY_HEX(2, 7), PY_HEX(3, 0),
		PY_HEX(3, 2), PY_HEX(3, 3), PY_HEX(3, 5), PY_HEX(3, 6), PY_HEX(3, 8), PY_HEX(3, 10),
		PY_HEX(3, 11), PY_HEX(3, 12), PY_HEX(3, 13), PY_HEX(3, 14), PY_HEX(3, 15) };
	enum { N = sizeof(versions) / sizeof(versions[0]) };
	uint32_t version = versions[i % N], row = version > PY_HEX(3, 12) ? PY_HEX(3, 12) : version;

	if (py_layout_of_version(row, i / N % 2 == 0 ? 8 : 4, l) != RES_OK)
		return false;
	py_layout_add_more(l, row);
	l->version = version;
	return true;
}

START_TEST(random_objects)
{
	static const struct py_value_limits limits = { 200, 10, 3 };
	struct world m;
	struct py_layout l;
	struct py_values v;
	size_t written = 0;

	if (!layout_of((unsigned)_i, &l))
		return;
	make_world(&m, &l, (unsigned)_i + 1);
	py_values_begin(&v, m.P, &m.rt, limits);
	for (unsigned i = 0; i < OBJECTS; i++) {
		uint64_t before = v.budget;
		size_t reads = m.fake.reads, n = 0;
		char *text = NULL;

		if (py_value_text(&v, m.objects + i * STRIDE, &text, &n) == RES_OK) {
			ck_assert_uint_eq(strlen(text), n);
			ck_assert_uint_le(n, limits.bytes + 3);
			for (size_t at = 0; at < n; at++)
				ck_assert_int_ge((unsigned char)text[at], 0x20);
			written++;
		}
		free(text);
		ck_assert_uint_le(before - v.budget, PY_VALUE_BUDGET);
		ck_assert_uint_le(m.fake.reads - reads, 200000);
	}
	ck_assert_uint_gt(written, OBJECTS / 2);
	py_values_end(&v);
	end_world(&m);
}
END_TEST

/* One object of that type, whose head is followed by `words`. */
static void make_one(struct world *m, const char *type, const uint64_t *words, unsigned n)
{
	const struct py_layout *l = &m->rt.layout;
	uint64_t t = 0;

	for (unsigned i = 0; i < NAMES && t == 0; i++)
		t = strcmp(type_names[i], type) == 0 ? m->types[i] : 0;
	put(m, m->objects + l->object.type - 1, t, l->word);
	put(m, t + l->type.name - 1 + 2U * l->word, 4, l->word); /* tp_itemsize */
	for (unsigned i = 0; i < n; i++)
		put(m, m->objects + l->object.type - 1 + (1 + i) * (uint64_t)l->word, words[i], l->word);
}

static void expect(struct world *m, const char *expected)
{
	static const struct py_value_limits limits = { 200, 10, 3 };
	struct py_values v;
	char *text;
	size_t n;

	py_values_begin(&v, m->P, &m->rt, limits);
	ck_assert_int_eq(py_value_text(&v, m->objects, &text, &n), RES_OK);
	ck_assert_str_eq(text, expected);
	ck_assert_uint_lt(PY_VALUES_BUDGET - v.budget, 1 << 20);
	free(text);
	py_values_end(&v);
}

static void begin_312(struct world *m)
{
	struct py_layout l;

	ck_assert_int_eq(py_layout_of_version(PY_HEX(3, 12), 8, &l), RES_OK);
	py_layout_add_more(&l, PY_HEX(3, 12));
	make_world(m, &l, 1);
}

START_TEST(sizes)
{
	struct world m;

	begin_312(&m);
	/* A list of 10^9 items, which are itself. */
	make_one(&m, "list", (const uint64_t[]){ 1000000000, m.objects + 64 }, 2);
	for (unsigned i = 0; i < 11; i++)
		put(&m, m.objects + 64 + i * 8U, m.objects, 8);
	expect(&m, "[[...], [...], [...], [...], [...], [...], [...], [...], [...], [...], ...]");
	/* Beyond all memory. */
	make_one(&m, "list", (const uint64_t[]){ UINT64_MAX, m.objects + 64 }, 2);
	expect(&m, "<unreadable at 0x10017000>");
	make_one(&m, "list", (const uint64_t[]){ 3, 0x666000 }, 2);
	expect(&m, "[<unreadable at 0x666000>, <unreadable at 0x666008>, <unreadable at 0x666010>]");
	/* An int whose digits would take 4 GB; its last one is not there. */
	make_one(&m, "int", (const uint64_t[]){ (uint64_t)1000000000 << 3, 0 }, 2);
	expect(&m, "<unreadable at 0x10017000>");
	make_one(&m, "tuple", (const uint64_t[]){ 0 }, 1);
	expect(&m, "()");
	end_world(&m);
}
END_TEST

/* An instance whose dict has its entries beyond all memory, as in a truncated core. */
START_TEST(lost_attributes)
{
	struct world m;
	struct py_layout l;
	uint64_t dict, type = 0;

	ck_assert_int_eq(py_layout_of_version(PY_HEX(2, 7), 8, &l), RES_OK);
	py_layout_add_more(&l, PY_HEX(2, 7));
	make_world(&m, &l, 1);
	dict = m.objects + STRIDE;
	for (unsigned i = 0; i < NAMES && type == 0; i++)
		type = strcmp(type_names[i], "dict") == 0 ? m.types[i] : 0;
	put(&m, dict + l.object.type - 1, type, 8);
	for (uint64_t i = 2; i < 5; i++) /* ma_fill, ma_used, ma_mask */
		put(&m, dict + i * 8, 7, 8);
	put(&m, dict + 40, 0x666000, 8);
	make_one(&m, "instance", (const uint64_t[]){ 0x666000, dict }, 2);
	expect(&m, "<? instance at 0x10017000: <unreadable at 0x666000>>");
	end_world(&m);
}
END_TEST

/* A core without the interpreter's file lacks the names of types. */
START_TEST(nameless)
{
	const struct py_layout *l;
	struct world m;
	uint64_t t = 0;

	begin_312(&m);
	l = &m.rt.layout;
	for (unsigned i = 0; i < NAMES && t == 0; i++)
		t = strcmp(type_names[i], "list") == 0 ? m.types[i] : 0;
	make_one(&m, "list", (const uint64_t[]){ 2, m.objects + 64 }, 2);
	put(&m, m.objects + 64, m.objects, 8);
	put(&m, m.objects + 72, m.objects, 8);
	put(&m, t + l->type.name - 1, 0x666000, 8);
	put(&m, t + l->type.flags - 1, 1 << 25, 8);              /* Py_TPFLAGS_LIST_SUBCLASS */
	put(&m, t + l->type.flags - 1 + 11U * 8, m.types[1], 8); /* tp_base: object */
	expect(&m, "[[...], [...]]");
	end_world(&m);
}
END_TEST

START_TEST(budget)
{
	static const struct py_value_limits limits = { 200, 10, 3 };
	struct world m;
	struct py_values v;
	char *text = NULL;
	size_t n;

	begin_312(&m);
	make_one(&m, "list", (const uint64_t[]){ 5, m.objects + 64 }, 2);
	py_values_begin(&v, m.P, &m.rt, limits);
	v.budget = 1000;
	while (py_value_text(&v, m.objects, &text, &n) == RES_OK) {
		free(text);
		text = NULL;
	}
	ck_assert_int_eq(py_value_text(&v, m.objects, &text, &n), RES_NONE);
	ck_assert_uint_eq(v.budget, 0);
	py_values_end(&v);
	end_world(&m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("python/values");
	TCase *c = tcase_create("values");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, random_objects, 0, 60);
	tcase_add_test(c, sizes);
	tcase_add_test(c, lost_attributes);
	tcase_add_test(c, nameless);
	tcase_add_test(c, budget);
	suite_add_tcase(s, c);
	return run_made_suite(s);
}
