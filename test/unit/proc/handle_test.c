/* Results of a handle whose backend returns valid data, nothing, or nonsense. */
#include <elf.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>

#include "proc/handle.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

static const auxv_t auxv[] = { { AT_PAGESZ, { 4096 } }, { AT_ENTRY, { 0x401000 } }, { AT_NULL, { 0 } },
	{ AT_BASE, { 77 } } };

START_TEST(aux_values_end_at_null)
{
	struct fake_process fake = { .auxv = auxv };
	struct ps_prochandle *P = fake_grab(&fake);

	ck_assert_int_eq(Pgetauxval(P, AT_PAGESZ), 4096);
	ck_assert_int_eq(Pgetauxval(P, AT_BASE), -1);
	Prelease(P, 0);
	ck_assert(fake.finished);
}
END_TEST

static int asked;

static void counting_aux(struct ps_prochandle *P, auxv_t **out, int *n, void *data)
{
	(void)P;
	(void)data;
	asked++;
	/* Three entries, none of them AT_NULL: the count alone ends the list. */
	*n = asked == 1 ? 2 : 0;
	*out = calloc(2, sizeof(**out));
	memcpy(*out, auxv, 2 * sizeof(**out));
}

START_TEST(aux_is_read_once)
{
	const ps_ops_t ops = { .pop_read_aux = counting_aux };
	struct ps_prochandle *P = Pgrab_ops(1, NULL, &ops, 0);

	asked = 0;
	ck_assert_int_eq(Pgetauxval(P, AT_ENTRY), 0x401000);
	ck_assert_int_eq(Pgetauxval(P, AT_BASE), -1);
	ck_assert_int_eq(asked, 1);
	Prelease(P, 0);
}
END_TEST

START_TEST(nothing_is_answered_by_nothing)
{
	const ps_ops_t ops = { 0 };
	struct ps_prochandle *P = Pgrab_ops(7, NULL, &ops, 0);
	char buf[8];

	ck_assert_int_eq(Pstate(P), PS_STOP);
	ck_assert_ptr_null(Ppsinfo(P));
	ck_assert_ptr_nonnull(Pstatus(P));
	ck_assert_uint_eq(Pcontent(P), CC_CONTENT_ALL);
	ck_assert_int_eq(Pgetauxval(P, AT_BASE), -1);
	ck_assert_ptr_null(Pexecname(P, buf, sizeof(buf)));
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x1000), 0);
	ck_assert_int_eq(Pmapping_iter(P, NULL, NULL), -1);
	ck_assert_ptr_null(Paddr_to_map(P, 0));
	Pfree(P);
	Prelease(NULL, 0);
	Pfree(NULL);
}
END_TEST

START_TEST(executable_by_entry_then_by_name_then_first)
{
	static const struct fake_map maps[] = { { 0x1000, 0x1000, MA_READ, 0, "/data" },
		{ 0x2000, 0x1000, MA_READ | MA_EXEC, 0, "/lib/first.so" },
		{ 0x400000, 0x2000, MA_READ | MA_EXEC, 0, "/bin/program" }, { 0 } };
	struct fake_process fake = { .maps = maps, .auxv = auxv };
	struct ps_prochandle *P = fake_grab(&fake);
	char buf[64], small[5];

	ck_assert_str_eq(Pexecname(P, buf, sizeof(buf)), "/bin/program");
	ck_assert_str_eq(Pexecname(P, small, sizeof(small)), "/bin");
	Prelease(P, 0);

	fake.auxv = NULL;
	fake.execname = "/bin/program";
	P = fake_grab(&fake);
	ck_assert_str_eq(handle_executable(P)->path, "/bin/program");
	Prelease(P, 0);

	fake.execname = NULL;
	P = fake_grab(&fake);
	ck_assert_str_eq(handle_executable(P)->path, "/lib/first.so");
	Prelease(P, 0);
}
END_TEST

static char order[8];

static void note_release(struct ps_prochandle *P, int flags, void *data)
{
	(void)P;
	(void)data;
	strcat(order, flags == PRELEASE_CLEAR ? "r" : "?");
}

static void note_fini(struct ps_prochandle *P, void *data)
{
	(void)P;
	(void)data;
	strcat(order, "f");
}

START_TEST(release_lets_go_first_and_objects_live_on)
{
	static const struct fake_map maps[] = { { 0x1000, 0x1000, MA_READ, 0, NULL }, { 0 } };
	static const struct fake_segment segments[] = { { 0x1000, "x", 1 }, { 0 } };
	struct fake_process fake = { .maps = maps, .segments = segments };
	struct ps_prochandle *P = fake_grab(&fake);
	struct proc_objects *o = objects_ref(handle_objects(P));

	P->backend.release = note_release;
	P->backend.ops.pop_fini = note_fini;
	ck_assert_ptr_eq(o->read_data, P);
	Prelease(P, PRELEASE_CLEAR);
	ck_assert_str_eq(order, "rf");
	ck_assert(o->read == NULL);
	ck_assert_ptr_nonnull(objects_map(o, 0x1000));
	objects_unref(o);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { aux_values_end_at_null, aux_is_read_once,
		nothing_is_answered_by_nothing, executable_by_entry_then_by_name_then_first,
		release_lets_go_first_and_objects_live_on };

	return run_suite("handle", tests, sizeof(tests) / sizeof(tests[0]));
}
