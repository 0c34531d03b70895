/* Which memory belongs to which object: its writable mappings, and anonymous ones after them. */
#include "python/find/py_objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/fake_process.h"
#include "support/run_suite.h"

enum { PAGE = 4096, RW = MA_READ | MA_WRITE, RX = MA_READ | MA_EXEC };

#define FIRST "/nowhere/first.so"
#define SECOND "/nowhere/second.so"

static struct ps_prochandle *P;
static struct fake_process fake;
static struct py_objects objects;

static void list(const struct fake_map *maps)
{
	fake = (struct fake_process){ .pid = 1, .maps = maps };
	P = fake_grab(&fake);
	ck_assert_ptr_nonnull(P);
	memset(&objects, 0, sizeof(objects));
	ck_assert(py_objects_list(P, &objects));
	ck_assert(py_objects_measure(P, &objects));
}

static void teardown(void)
{
	py_objects_free(&objects);
	Prelease(P, 0);
}

static size_t named(const char *path)
{
	for (size_t i = 0; i < objects.at.n; i++) {
		if (strcmp(objects.at.at[i].path, path) == 0)
			return i;
	}
	ck_abort_msg("%s is not listed", path);
}

static void has(const char *path, const struct py_region *wanted, size_t n)
{
	const py_regions *r = py_objects_regions(P, &objects, named(path));

	ck_assert_ptr_nonnull(r);
	ck_assert_uint_eq(r->n, n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(r->at[i].lo, wanted[i].lo);
		ck_assert_uint_eq(r->at[i].hi, wanted[i].hi);
	}
}

START_TEST(writable_memory_of_each)
{
	static const struct fake_map maps[] = {
		{ 0x10000, 2 * PAGE, RX, 0, FIRST },
		{ 0x12000, PAGE, MA_READ, 2 * PAGE, FIRST },
		{ 0x13000, PAGE, RW, 3 * PAGE, FIRST },
		{ 0x14000, PAGE, RW, 0, NULL }, /* .bss */
		{ 0x15000, PAGE, MA_READ, 0, NULL },
		{ 0x16000, PAGE, RW, 0, NULL }, /* and on */
		{ 0x18000, PAGE, RW, 0, NULL }, /* belongs to none */
		{ 0x20000, PAGE, RX, 0, SECOND },
		{ 0x21000, PAGE, RW, PAGE, SECOND },
		{ 0x22000, PAGE, RW, 0, "[heap]" },
		{ 0x23000, PAGE, RW, 0, NULL }, /* follows the heap */
		{ 0x30000, PAGE, RW, 4 * PAGE, FIRST },
		{ 0x31000, PAGE, RW, 0, "/nowhere/data" },
		{ 0x32000, PAGE, RW, 0, NULL },
		{ 0 },
	};
	static const struct py_region first[] = { { 0x13000, 0x14000 }, { 0x14000, 0x15000 },
		{ 0x16000, 0x17000 }, { 0x30000, 0x31000 } };
	static const struct py_region second[] = { { 0x21000, 0x22000 } };

	list(maps);
	ck_assert_uint_eq(objects.at.n, 2); /* an object needs executable memory */
	for (int again = 0; again < 2; again++) {
		has(FIRST, first, 4);
		has(SECOND, second, 1);
	}
	has(SECOND, second, 1);
	ck_assert_uint_eq(objects.at.at[named(FIRST)].mapped, 5 * PAGE);
	ck_assert_uint_eq(objects.at.at[named(FIRST)].writable, 2 * PAGE);
	ck_assert_uint_eq(objects.at.at[named(SECOND)].mapped, 2 * PAGE);
	teardown();
}
END_TEST

START_TEST(object_without_writable_memory)
{
	static const struct fake_map maps[] = { { 0x10000, PAGE, RX, 0, FIRST }, { 0 } };

	list(maps);
	has(FIRST, NULL, 0);
	ck_assert_uint_eq(objects.at.at[0].writable, 0);
	teardown();
}
END_TEST

/* Each finds its own among very many. */
START_TEST(many_objects)
{
	enum { MANY = 2000 };
	struct fake_map *maps = calloc(2 * MANY + 1, sizeof(*maps));
	char(*names)[32] = calloc(MANY, sizeof(*names));

	ck_assert(maps != NULL && names != NULL);
	for (size_t i = 0; i < MANY; i++) {
		uintptr_t va = 0x100000 + i * 0x10000;

		(void)snprintf(names[i], sizeof(names[i]), "/nowhere/%zu.so", i);
		maps[2 * i] = (struct fake_map){ va, PAGE, RX, 0, names[i] };
		maps[2 * i + 1] = (struct fake_map){ va + PAGE, PAGE, RW, PAGE, names[i] };
	}
	list(maps);
	ck_assert_uint_eq(objects.at.n, MANY);
	for (size_t i = 0; i < MANY; i++) {
		const py_regions *r = py_objects_regions(P, &objects, i);

		ck_assert_ptr_nonnull(r);
		ck_assert_uint_eq(r->n, 1);
		ck_assert_uint_eq(r->at[0].lo, objects.at.at[i].addr + PAGE);
	}
	teardown();
	free(maps);
	free(names);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { writable_memory_of_each, object_without_writable_memory,
		many_objects };

	return run_suite("objects", tests, sizeof(tests) / sizeof(tests[0]));
}
