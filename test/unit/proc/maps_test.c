/* Mappings that make one object, and look-ups by address. */
#include <libproc.h>
#include <string.h>

#include "proc/handle.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

#define R MA_READ
#define RX (MA_READ | MA_EXEC)
#define RW (MA_READ | MA_WRITE)

static const struct fake_map maps[] = {
	/* given out of order on purpose */
	{ 0x30000, 0x1000, R, 0, "/lib/a.so.1" }, /* the same file once more */
	{ 0x31000, 0x1000, RX, 0x1000, "/lib/a.so.1" },
	{ 0x10000, 0x1000, R, 0, "/lib/a.so.1" },
	{ 0x11000, 0x3000, RX, 0x1000, "/lib/a.so.1" },
	{ 0x14000, 0x2000, RW, 0x3000, "/lib/a.so.1" }, /* shares a page of the file */
	{ 0x16000, 0x1000, RW, 0, NULL },
	{ 0x17000, 0x1000, RX, 0x5000, "/lib/a.so.1" }, /* after text of huge pages */
	{ 0x20000, 0x8000, R, 0, "/share/data" },
	{ 0x40000, 0x2000, RX, 0, "[vdso]" },
	{ 0x50000, 0x1000, RW, 0, "[stack]" },
	{ 0 },
};

struct seen {
	uintptr_t va[16];
	char name[16][64];
	size_t n;
};

static int see(void *cd, const prmap_t *m, const char *name)
{
	struct seen *seen = cd;

	seen->va[seen->n] = m->pr_vaddr;
	strcpy(seen->name[seen->n++], name == NULL ? "(null)" : name);
	return 0;
}

static int stop(void *cd, const prmap_t *m, const char *name)
{
	(void)cd;
	(void)name;
	return (int)(m->pr_vaddr >> 12);
}

START_TEST(mappings_ascend)
{
	struct fake_process fake = { .maps = maps };
	struct ps_prochandle *P = fake_grab(&fake);
	struct seen seen = { .n = 0 };

	ck_assert_int_eq(Pmapping_iter(P, see, &seen), 0);
	ck_assert_uint_eq(seen.n, 10);
	for (size_t i = 1; i < seen.n; i++)
		ck_assert_uint_lt(seen.va[i - 1], seen.va[i]);
	ck_assert_str_eq(seen.name[3], "(null)");
	ck_assert_str_eq(seen.name[9], "[stack]");
	ck_assert_int_eq(Pmapping_iter(P, stop, NULL), 0x10);
	Prelease(P, 0);
}
END_TEST

START_TEST(load_objects_are_programs_and_libraries)
{
	struct fake_process fake = { .maps = maps };
	struct ps_prochandle *P = fake_grab(&fake);
	struct seen seen = { .n = 0 };

	ck_assert_int_eq(Pobject_iter(P, see, &seen), 0);
	ck_assert_uint_eq(seen.n, 3);
	ck_assert_uint_eq(seen.va[0], 0x10000);
	ck_assert_uint_eq(seen.va[1], 0x30000);
	ck_assert_uint_eq(seen.va[2], 0x40000);
	ck_assert_str_eq(seen.name[2], "linux-vdso.so.1");
	ck_assert_int_eq(Pobject_iter(P, stop, NULL), 0x10);
	Prelease(P, 0);
}
END_TEST

START_TEST(addresses_find_their_mapping_and_object)
{
	struct fake_process fake = { .maps = maps };
	struct ps_prochandle *P = fake_grab(&fake);
	char buf[64];

	ck_assert_ptr_null(Paddr_to_map(P, 0));
	ck_assert_ptr_null(Paddr_to_map(P, 0xffff));
	ck_assert_uint_eq(Paddr_to_map(P, 0x10000)->pr_vaddr, 0x10000);
	ck_assert_uint_eq(Paddr_to_map(P, 0x15fff)->pr_vaddr, 0x14000);
	ck_assert_ptr_null(Paddr_to_map(P, 0x18000));
	ck_assert_ptr_null(Paddr_to_map(P, UINTPTR_MAX));

	ck_assert_str_eq(Pobjname(P, 0x17800, buf, sizeof(buf)), "/lib/a.so.1");
	ck_assert_str_eq(Pobjname(P, 0x40010, buf, sizeof(buf)), "linux-vdso.so.1");
	ck_assert_str_eq(Pobjname(P, 0x11000, buf, 5), "/lib");
	ck_assert_ptr_null(Pobjname(P, 0x16000, buf, sizeof(buf)));
	ck_assert_ptr_null(Pobjname(P, 0x50000, buf, sizeof(buf)));
	ck_assert_ptr_null(Pobjname(P, 0x11000, buf, 0));
	Prelease(P, 0);
}
END_TEST

START_TEST(one_object_for_one_run)
{
	struct fake_process fake = { .maps = maps };
	struct ps_prochandle *P = fake_grab(&fake);
	struct proc_objects *o = handle_objects(P);

	ck_assert_ptr_eq(objects_at(o, 0x10000), objects_at(o, 0x17000));
	ck_assert_uint_eq(objects_at(o, 0x17000)->base, 0x10000);
	ck_assert_ptr_ne(objects_at(o, 0x10000), objects_at(o, 0x30000));
	ck_assert(!objects_at(o, 0x20000)->loaded);
	Prelease(P, 0);
}
END_TEST

START_TEST(a_whole_file_mapped_below_a_library_is_not_the_library)
{
	static const struct fake_map whole[] = { { 0x10000, 0x6000, R, 0, "/lib/a.so" },
		{ 0x16000, 0x1000, R, 0, "/lib/a.so" }, { 0x17000, 0x3000, RX, 0x1000, "/lib/a.so" }, { 0 } };
	struct fake_process fake = { .maps = whole };
	struct ps_prochandle *P = fake_grab(&fake);

	ck_assert_uint_eq(objects_at(handle_objects(P), 0x17000)->base, 0x16000);
	Prelease(P, 0);
}
END_TEST

START_TEST(a_reservation_between_segments_belongs_to_the_library)
{
	static const struct fake_map old_layout[] = { { 0x10000, 0x1000, RX, 0, "/lib/a.so" },
		{ 0x11000, 0x1ff000, 0, 0x1000, "/lib/a.so" }, { 0x210000, 0x1000, R, 0x1000, "/lib/a.so" },
		{ 0x211000, 0x1000, RW, 0x2000, "/lib/a.so" }, { 0 } };
	struct fake_process fake = { .maps = old_layout };
	struct ps_prochandle *P = fake_grab(&fake);

	ck_assert_uint_eq(handle_objects(P)->objects.n, 1);
	Prelease(P, 0);
}
END_TEST

START_TEST(offsets_at_the_end_of_numbers)
{
	static const struct fake_map odd[] = { { 0x10000, SIZE_MAX - 0x10000, RX, -4096, "/a" },
		{ 0x20000, 0x1000, RX, INT64_MAX - 1, "/a" }, { 0 } };
	struct fake_process fake = { .maps = odd };
	struct ps_prochandle *P = fake_grab(&fake);

	ck_assert_uint_ge(handle_objects(P)->objects.n, 1);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { mappings_ascend, load_objects_are_programs_and_libraries,
		addresses_find_their_mapping_and_object, one_object_for_one_run,
		a_whole_file_mapped_below_a_library_is_not_the_library,
		a_reservation_between_segments_belongs_to_the_library, offsets_at_the_end_of_numbers };

	return run_suite("maps", tests, sizeof(tests) / sizeof(tests[0]));
}
