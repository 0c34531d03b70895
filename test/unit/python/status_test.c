/* Who holds the GIL and who collects garbage, in memory as versions lay it out, and damaged. */
#include "python/threads/py_status.h"

#include "python/py_process.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum { PART = 2048, OLD = 0x10 };

struct made {
	struct image m;
	struct py_runtime runtime;
	struct py_process py;
	struct py_thread thread;
	uint64_t gil, gc;
};

/* A runtime, an interpreter and a thread state of this version, whose thread holds the GIL. */
static void begin(struct made *d, uint32_t version)
{
	struct py_layout *l = &d->runtime.layout;

	memset(d, 0, sizeof(*d));
	image_init(&d->m, &specs[0], 1 << 16);
	d->runtime.version = version;
	ck_assert_int_eq(py_layout_of_version(d->runtime.version, 8, l), RES_OK);
	d->runtime.addr = image_alloc(&d->m, PART);
	d->thread.interp = image_alloc(&d->m, PART);
	d->thread.tstate = image_alloc(&d->m, PART);
	if (l->more.gil != 0) {
		d->gil = d->runtime.addr + l->more.gil - 1;
	} else if (l->more.gil_pointer != 0) {
		d->gil = image_alloc(&d->m, PART);
		put64(&d->m, d->thread.interp, (int)l->more.gil_pointer - 1, d->gil);
	}
	if (d->gil != 0) {
		put64(&d->m, d->gil, 8, d->thread.tstate);
		put32(&d->m, d->gil, 16, 1);
	}
	d->gc = l->more.gc == 0 ? d->runtime.addr : d->thread.interp + l->more.gc - 1;
}

static struct py_status read_status(struct made *d)
{
	struct py_status status;

	image_grab(&d->m);
	d->py.P = d->m.P;
	d->py.runtimes.at = &d->runtime;
	d->py.runtimes.n = 1;
	py_status_read(&d->py, &d->thread, NULL, &status);
	image_free(&d->m);
	return status;
}

static const uint32_t versions[] = { PY_HEX(3, 7) | 0x0400, PY_HEX(3, 8), PY_HEX(3, 9), PY_HEX(3, 10),
	PY_HEX(3, 11), PY_HEX(3, 12) };
enum { VERSIONS = sizeof(versions) / sizeof(versions[0]) };

START_TEST(held)
{
	struct made d;
	struct py_status s;

	begin(&d, versions[_i]);
	s = read_status(&d);
	ck_assert_uint_eq(s.holder, d.thread.tstate);
	ck_assert_uint_eq(s.holder_at, d.gil + 8);
	ck_assert_uint_eq(s.locked_at, d.gil + 16);
	ck_assert_uint_eq(s.gil_lo, d.gil + 32);
	ck_assert_uint_gt(s.gil_hi, s.gil_lo);
	ck_assert(!s.collecting && !s.finalizing);
}
END_TEST

/* The last holder counts while the GIL is locked alone. */
START_TEST(free_or_damaged)
{
	static const uint32_t locked[] = { 0, 2, UINT32_MAX };

	for (size_t i = 0; i < sizeof(locked) / sizeof(locked[0]); i++) {
		struct made d;

		begin(&d, versions[_i]);
		put32(&d.m, d.gil, 16, locked[i]);
		ck_assert_uint_eq(read_status(&d).holder, 0);
	}
}
END_TEST

START_TEST(collecting)
{
	struct made d;
	struct py_status s;

	begin(&d, versions[_i]);
	put32(&d.m, d.gc, (int)d.runtime.layout.more.collecting - 1, 1);
	put64(&d.m, d.runtime.addr, (int)d.runtime.layout.more.finalizing - 1, d.thread.tstate);
	s = read_status(&d);
	ck_assert(s.collecting && !s.collecting_known && s.finalizing);
	begin(&d, versions[_i]);
	put32(&d.m, d.gc, (int)d.runtime.layout.more.collecting - 1, 0x5a5a5a5a);
	ck_assert(!read_status(&d).collecting);
}
END_TEST

START_TEST(wild_pointer)
{
	struct made d;
	struct py_status s;

	begin(&d, PY_HEX(3, 12));
	put64(&d.m, d.thread.interp, (int)d.runtime.layout.more.gil_pointer - 1, UINT64_MAX - 7);
	s = read_status(&d);
	ck_assert_uint_eq(s.holder, 0);
	ck_assert_uint_eq(s.gil_hi, 0);
}
END_TEST

/* Variables of the interpreter, some of which have no symbol. */
START_TEST(variables)
{
	struct made d;
	struct py_status s;

	begin(&d, PY_HEX(3, 6));
	d.runtime.current = d.runtime.addr + OLD;
	d.runtime.gil_condition = d.runtime.addr + 2 * OLD;
	d.runtime.collecting = d.runtime.addr + 8 * OLD;
	put64(&d.m, d.runtime.addr, OLD, d.thread.tstate);
	put32(&d.m, d.runtime.addr, 8 * OLD, 1);
	s = read_status(&d);
	ck_assert_uint_eq(s.holder, d.thread.tstate);
	ck_assert_uint_eq(s.holder_at, d.runtime.current);
	ck_assert_uint_eq(s.locked_at, 0);
	ck_assert_uint_eq(s.gil_lo, d.runtime.gil_condition);
	ck_assert(s.collecting);
	begin(&d, PY_HEX(2, 7));
	d.runtime.current = d.runtime.addr + OLD;
	d.runtime.gil_lock = d.runtime.addr + 2 * OLD;
	put64(&d.m, d.runtime.addr, 2 * OLD, 0x7000);
	s = read_status(&d);
	ck_assert_uint_eq(s.holder, 0);
	ck_assert_uint_eq(s.gil_lo, 0x7000);
	ck_assert_uint_eq(s.gil_hi, 0x7004);
	begin(&d, PY_HEX(2, 7));
	s = read_status(&d);
	ck_assert(s.holder_at == 0 && s.gil_hi == 0 && !s.collecting);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("python/status");
	TCase *c = tcase_create("status");

	tcase_add_loop_test(c, held, 0, VERSIONS);
	tcase_add_loop_test(c, free_or_damaged, 0, VERSIONS);
	tcase_add_loop_test(c, collecting, 0, VERSIONS);
	tcase_add_test(c, wild_pointer);
	tcase_add_test(c, variables);
	suite_add_tcase(s, c);
	return run_made_suite(s);
}
