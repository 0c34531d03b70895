/* Dicts as versions lay them out, and damaged ones. */
#include "python/objects/py_dict.h"

#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { ENTRIES = 5 };

/* A dict, whose keys are k0 … and whose values are at VALUE, VALUE + 16 … Entry 2 is deleted. */
#define VALUE 0x5000

struct made {
	struct image m;
	struct py_runtime rt;
	uint64_t dict, keys, names[ENTRIES];
};

static void begin(struct made *d, int spec)
{
	char name[] = "k0";

	image_init(&d->m, &specs[spec], 1 << 16);
	d->rt = (struct py_runtime){ .version = (uint32_t)specs[spec].hex };
	ck_assert_int_eq(py_layout_of_version(d->rt.version, 8, &d->rt.layout), RES_OK);
	d->rt.layout.char_width = 4;
	for (int i = 0; i < ENTRIES; i++, name[1]++)
		d->names[i] = image_str(&d->m, name);
	d->dict = image_alloc(&d->m, 64);
	put64(&d->m, d->dict, 8, image_type(&d->m, "dict", 0));
	d->keys = image_alloc(&d->m, 1024);
}

static void put_entries(struct made *d, uint64_t at, bool hashed, bool values)
{
	int stride = hashed ? 24 : 16, key = hashed ? 8 : 0;

	for (int i = 0; i < ENTRIES; i++) {
		if (i == 2)
			continue;
		if (hashed)
			put64(&d->m, at, i * stride, 100 + (uint64_t)i);
		put64(&d->m, at, i * stride + key, d->names[i]);
		if (values)
			put64(&d->m, at, i * stride + key + 8, VALUE + 16 * (uint64_t)i);
	}
}

/* 2.5 to 3.2. */
static void make_table(struct made *d)
{
	put64(&d->m, d->dict, 32, 7);
	put64(&d->m, d->dict, 40, d->keys);
	put_entries(d, d->keys, true, true);
}

/* 3.6 to 3.10; a table of 8 indices of a byte. */
static void make_compact(struct made *d)
{
	put64(&d->m, d->dict, 32, d->keys);
	put64(&d->m, d->keys, 8, 8);
	put64(&d->m, d->keys, 32, ENTRIES);
	put_entries(d, d->keys + 48, true, true);
}

/* 3.11 and later. kind: 0 with hashes, 1 without, 2 split. */
static void make_new(struct made *d, unsigned kind)
{
	put64(&d->m, d->dict, 32, d->keys);
	put8(&d->m, d->keys, 8, 3);
	put8(&d->m, d->keys, 9, 3);
	put8(&d->m, d->keys, 10, kind);
	put64(&d->m, d->keys, 24, ENTRIES);
	put_entries(d, d->keys + 40, kind == 0, kind != 2);
	if (kind == 2) {
		uint64_t values = image_alloc(&d->m, ENTRIES * 8);

		for (int i = 0; i < ENTRIES; i++)
			put64(&d->m, values, 8 * i, i == 2 ? 0 : VALUE + 16 * (uint64_t)i);
		put64(&d->m, d->dict, 40, values);
	}
}

static void make(struct made *d, int way)
{
	static const int of[] = { SPEC_27, SPEC_38, SPEC_312, SPEC_312, SPEC_312 };

	begin(d, of[way]);
	if (way == 0)
		make_table(d);
	else if (way == 1)
		make_compact(d);
	else
		make_new(d, (unsigned)way - 2);
}

START_TEST(entries)
{
	struct made d;
	struct py_dict dict;
	struct py_dict_entry entry;
	uint64_t key = 0;
	int n = 0;

	make(&d, _i);
	image_grab(&d.m);
	ck_assert(py_dict_open(d.m.P, &d.rt, d.dict, &dict));
	for (; py_dict_next(&dict, &entry); n++) {
		int i = n < 2 ? n : n + 1;

		ck_assert_uint_eq(entry.key, d.names[i]);
		ck_assert_uint_eq(entry.value, VALUE + 16 * (uint64_t)i);
		ck_assert_uint_eq(entry.hash, dict.hashed ? 100 + (uint64_t)i : 0);
	}
	ck_assert_int_eq(n, ENTRIES - 1);
	ck_assert(py_dict_find(&dict, "k3", &key, &entry));
	ck_assert_uint_eq(entry.value, VALUE + 48);
	ck_assert_uint_eq(key, d.names[3]);
	ck_assert(py_dict_find(&dict, "k3", &key, &entry)); /* by the address of its key */
	key = 0;
	ck_assert(!py_dict_find(&dict, "k2", &key, &entry));
	ck_assert(!py_dict_find(&dict, "other", &key, &entry));
	image_free(&d.m);
}
END_TEST

static void refused(struct made *d)
{
	struct py_dict dict;

	image_grab(&d->m);
	ck_assert(!py_dict_open(d->m.P, &d->rt, d->dict, &dict));
	image_free(&d->m);
}

START_TEST(damaged)
{
	struct made d;

	make(&d, 2);
	put8(&d.m, d.keys, 9, 200); /* a table of indices of 2^200 bytes */
	refused(&d);
	make(&d, 2);
	put8(&d.m, d.keys, 10, 3); /* no such kind */
	refused(&d);
	make(&d, 2);
	put64(&d.m, d.keys, 24, (uint64_t)1 << 40);
	refused(&d);
	make(&d, 4);
	put64(&d.m, d.dict, 40, 0); /* split, without values */
	refused(&d);
	make(&d, 1);
	put64(&d.m, d.keys, 8, (uint64_t)1 << 60);
	refused(&d);
	make(&d, 0);
	put64(&d.m, d.dict, 32, UINT64_MAX - 1);
	refused(&d);
	make(&d, 1);
	put64(&d.m, d.dict, 8, image_type(&d.m, "list", 0));
	refused(&d);
	make(&d, 1);
	put64(&d.m, d.dict, 32, 0x10);
	refused(&d);
}
END_TEST

/* More entries than others look through. */
START_TEST(large)
{
	static const int ways[] = { 1, 2, 3 };
	struct made d;
	struct py_dict dict;
	struct py_dict_entry entry;

	make(&d, ways[_i]);
	put64(&d.m, d.keys, ways[_i] == 1 ? 32 : 24, 1 << 21);
	image_grab(&d.m);
	ck_assert(!py_dict_open(d.m.P, &d.rt, d.dict, &dict));
	ck_assert(py_dict_open_derived(d.m.P, &d.rt, d.dict, &dict));
	ck_assert(py_dict_next(&dict, &entry));
	ck_assert_uint_eq(entry.key, d.names[0]);
	image_free(&d.m);
}
END_TEST

/* Entries that end where nothing is mapped. */
START_TEST(cut)
{
	struct made d;
	struct py_dict dict;
	struct py_dict_entry entry;
	uint64_t key = 0;

	make(&d, 1);
	put64(&d.m, d.keys, 32, 1 << 19);
	image_grab(&d.m);
	ck_assert(py_dict_open(d.m.P, &d.rt, d.dict, &dict));
	ck_assert(!py_dict_find(&dict, "no such key", &key, &entry));
	image_free(&d.m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("python/dict");
	TCase *c = tcase_create("dict");

	tcase_add_loop_test(c, entries, 0, 5);
	tcase_add_loop_test(c, large, 0, 3);
	tcase_add_test(c, damaged);
	tcase_add_test(c, cut);
	suite_add_tcase(s, c);
	return run_made_suite(s);
}
