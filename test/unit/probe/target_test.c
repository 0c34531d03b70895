/* The code of a made-up process as windows of bits. */
#include <check.h>
#include <string.h>

#include "probe/probe_target.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

enum { PAGE = 4096, CODE = MA_READ | MA_EXEC, DATA = MA_READ | MA_WRITE };

static struct probe_target target;

static void fill(const struct fake_map *maps)
{
	struct fake_process fake = { .pid = 1, .maps = maps };
	struct ps_prochandle *P = fake_grab(&fake);
	struct fault f = { 0 };

	ck_assert_ptr_nonnull(P);
	memset(&target, 0, sizeof(target));
	ck_assert_int_eq(probe_target_fill(P, NULL, &target, &f), RES_OK);
	ck_assert_uint_eq(target.n_pythons, 0);
	Prelease(P, 0);
}

/* As the BPF program asks (window_has in bpf/stack.h). */
static bool window_has(const struct probe_window *w, uint64_t va)
{
	uint64_t bit = (va - w->lo) >> (w->shift & 63);

	return bit < PROBE_WINDOW_BITS && (w->bits[bit / 64] >> (bit % 64) & 1) != 0;
}

static bool has(uint64_t va)
{
	return window_has(&target.windows[0], va) || window_has(&target.windows[1], va) ||
	       va - target.vdso_lo < target.vdso_size;
}

/* As hash_words in bpf/stack.h asks first. */
static bool may_be_code(uint64_t va)
{
	return target.near_code[va >> PROBE_BLOCK_SHIFT & (PROBE_BLOCKS - 1)] != 0;
}

static bool is_code(const struct fake_map *m)
{
	return (m->flags & MA_EXEC) != 0 && (m->name == NULL || strcmp(m->name, "[vsyscall]") != 0);
}

/* Every page of code is found, and its last byte. */
static void expect_code(const struct fake_map *maps)
{
	for (const struct fake_map *m = maps; m->size != 0; m++) {
		for (uint64_t va = m->va; is_code(m) && va < m->va + m->size; va += PAGE)
			ck_assert_msg(
			    has(va) && has(va + PAGE - 1) && may_be_code(va) && may_be_code(va + PAGE - 1),
			    "%lx", (unsigned long)va);
	}
}

/* Set bits of a window stand for code, at least in part, and there are no others. */
static void expect_no_more(const struct fake_map *maps)
{
	for (int i = 0; i < PROBE_WINDOWS; i++) {
		const struct probe_window *w = &target.windows[i];

		for (uint64_t bit = 0; bit < PROBE_WINDOW_BITS; bit++) {
			uint64_t lo = w->lo + (bit << w->shift), hi = lo + ((uint64_t)1 << w->shift);
			bool code = false;

			if ((w->bits[bit / 64] >> (bit % 64) & 1) == 0)
				continue;
			for (const struct fake_map *m = maps; m->size != 0; m++)
				code |= is_code(m) && m->va < hi && lo < m->va + m->size;
			ck_assert_msg(code, "window %d, %lx", i, (unsigned long)lo);
		}
	}
}

/* A program and its libraries, as Linux places them. */
START_TEST(program_and_libraries)
{
	static const struct fake_map maps[] = {
		{ 0x400000, PAGE, MA_READ, 0, "/bin/program" },
		{ 0x401000, 300 * PAGE, CODE, 0x1000, "/bin/program" },
		{ 0x52d000, 20 * PAGE, MA_READ, 0, "/bin/program" },
		{ 0x541000, 5 * PAGE, DATA, 0, "/bin/program" },
		{ 0x1541000, 50 * PAGE, DATA, 0, "[heap]" },
		{ 0x7f0000400000, 3 * PAGE, CODE, 0, "/lib/libm.so" },
		{ 0x7f0000403000, 9 * PAGE, DATA, 0, "/lib/libm.so" },
		{ 0x7f0000c00000, PAGE, CODE | MA_WRITE, 0, NULL },
		{ 0x7f0000e00000, 200 * PAGE, CODE, 0, "/lib/libc.so" },
		{ 0x7ffd00000000, 30 * PAGE, DATA, 0, "[stack]" },
		{ 0 },
	};

	fill(maps);
	expect_code(maps);
	expect_no_more(maps);
	for (int i = 0; i < PROBE_WINDOWS; i++)
		ck_assert_uint_eq((uint64_t)1 << target.windows[i].shift, PAGE);
	ck_assert_uint_eq(target.windows[0].lo, 0x401000);
	ck_assert_uint_eq(target.windows[1].lo, 0x7f0000400000);
	for (const struct fake_map *m = maps; m->size != 0; m++)
		ck_assert(has(m->va) == is_code(m));
	ck_assert(!has(0x400fff) && !has(0x52d000));
	ck_assert(!has(0) && !has(UINT64_MAX) && !has(0x7f00003fffff) && !has(0x7f0000403000));
	ck_assert_uint_eq(target.vdso_size, 0);
	ck_assert(!may_be_code(0) && !may_be_code(0x7ffd00000000) && !may_be_code(0x1541000));
}
END_TEST

/* The vdso lies near the stack: a window that had it as well would be wide. */
START_TEST(vdso_is_apart)
{
	static const struct fake_map maps[] = {
		{ 0x401000, 3 * PAGE, CODE, 0x1000, "/bin/program" },
		{ 0x7f0000400000, 3 * PAGE, CODE, 0, "/lib/libc.so" },
		{ 0x7ffd00100000, 2 * PAGE, CODE, 0, "[vdso]" },
		{ 0xffffffffff600000, PAGE, MA_EXEC, 0, "[vsyscall]" },
		{ 0 },
	};

	fill(maps);
	expect_code(maps);
	expect_no_more(maps);
	ck_assert_uint_eq(target.vdso_lo, 0x7ffd00100000);
	ck_assert_uint_eq(target.vdso_size, 2 * PAGE);
	ck_assert(!has(0x7ffd000fffff) && !has(0x7ffd00102000) && !has(0xffffffffff600000));
	for (int i = 0; i < PROBE_WINDOWS; i++)
		ck_assert_uint_eq((uint64_t)1 << target.windows[i].shift, PAGE);
}
END_TEST

/* The largest gap is not the first nor the last one. */
START_TEST(split_at_the_largest_gap)
{
	static const struct fake_map maps[] = {
		{ 0x10000000, PAGE, CODE, 0, "a" },
		{ 0x18000000, PAGE, CODE, 0, "b" },
		{ 0x7f0000000000, PAGE, CODE, 0, "c" },
		{ 0x7f0008000000, 2 * PAGE, CODE, 0, "d" },
		{ 0 },
	};

	fill(maps);
	expect_code(maps);
	expect_no_more(maps);
	ck_assert_uint_eq(target.windows[0].lo, 0x10000000);
	ck_assert_uint_eq(target.windows[1].lo, 0x7f0000000000);
	ck_assert(window_has(&target.windows[0], 0x18000000));
	ck_assert(window_has(&target.windows[1], 0x7f0008001fff));
}
END_TEST

/* More than the bits of a window for one each: several pages share a bit. */
START_TEST(wide_spans)
{
	const uint64_t lo = 0x7e0000000000, most = (uint64_t)PROBE_WINDOW_BITS * PAGE;
	const struct fake_map maps[] = {
		{ 0x401000, PAGE, CODE, 0, "/bin/program" },
		{ lo, PAGE, CODE, 0, "a" },
		{ lo + (most << _i) / 2 + PAGE, 2 * PAGE, CODE, 0, "b" },
		{ lo + (most << _i) - PAGE, PAGE, CODE, 0, "c" },
		{ 0 },
	};
	const struct probe_window *w = &target.windows[1];

	fill(maps);
	expect_code(maps);
	expect_no_more(maps);
	ck_assert_uint_eq(w->lo, lo);
	ck_assert_uint_ge(w->size, (most << _i));
	ck_assert_uint_eq(w->size, (uint64_t)PROBE_WINDOW_BITS << w->shift);
	/* No more of them than needed; at the limit one is spare. */
	ck_assert_uint_le((uint64_t)1 << w->shift, (uint64_t)PAGE << (_i + 1));
	ck_assert_uint_eq((uint64_t)1 << target.windows[0].shift, PAGE);
}
END_TEST

START_TEST(one_group)
{
	static const struct fake_map maps[] = { { 0x401000, 7 * PAGE, CODE, 0, "/bin/static" }, { 0 } };

	fill(maps);
	expect_code(maps);
	expect_no_more(maps);
	ck_assert_uint_eq(target.windows[1].size, 0);
}
END_TEST

/* Touching ranges have no gap between them. */
START_TEST(touching)
{
	static const struct fake_map maps[] = { { 0x401000, PAGE, CODE, 0, "/bin/static" },
		{ 0x402000, PAGE, CODE, 0, NULL }, { 0 } };

	fill(maps);
	expect_code(maps);
	expect_no_more(maps);
}
END_TEST

START_TEST(no_code)
{
	static const struct fake_map maps[] = { { 0x401000, PAGE, DATA, 0, NULL }, { 0 } };

	fill(maps);
	expect_no_more(maps);
	ck_assert(!has(0) && !has(0x401000));
}
END_TEST

/* What was mapped before is forgotten. */
START_TEST(filled_anew)
{
	static const struct fake_map before[] = { { 0x401000, 3 * PAGE, CODE, 0, NULL },
		{ 0x7f0000000000, PAGE, CODE, 0, NULL }, { 0x7ffd00100000, PAGE, CODE, 0, "[vdso]" }, { 0 } };
	static const struct fake_map after[] = { { 0x401000, PAGE, CODE, 0, NULL },
		{ 0x7f0000001000, PAGE, CODE, 0, NULL }, { 0 } };
	struct fake_process fake = { .pid = 1, .maps = after };
	struct ps_prochandle *P = fake_grab(&fake);

	fill(before);
	ck_assert(probe_target_fill_code(P, &target));
	Prelease(P, 0);
	expect_code(after);
	expect_no_more(after);
	ck_assert(!has(0x402000) && !has(0x7f0000000000) && !has(0x7ffd00100000));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("target");
	TCase *tcase = tcase_create("target");

	tcase_add_test(tcase, program_and_libraries);
	tcase_add_test(tcase, vdso_is_apart);
	tcase_add_test(tcase, split_at_the_largest_gap);
	tcase_add_loop_test(tcase, wide_spans, 0, 10);
	tcase_add_test(tcase, one_group);
	tcase_add_test(tcase, touching);
	tcase_add_test(tcase, no_code);
	tcase_add_test(tcase, filled_anew);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
