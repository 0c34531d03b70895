/* Names of pcs, in this very process. */
#include "symbol/symbolize.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "support/run_suite.h"
#include "support/self_process.h"

int symbolize_me(int x);
int __attribute__((noinline)) symbolize_me(int x)
{
	return x * 3 + 1;
}

START_TEST(names)
{
	struct self_process self;
	struct ps_prochandle *P = self_process(&self, NULL, NULL) ? fake_grab(&self.fake) : NULL;
	struct symbolizer *s = symbolizer_create(P);
	uint64_t start = (uintptr_t)symbolize_me;
	struct symbol_query queries[] = { { start, true, false, false }, { start + 1, false, false, false },
		{ start + 2, true, false, false }, { 0, true, false, false }, { start, true, false, false } };
	const struct symbol_name *out[5];
	struct fault f;

	ck_assert_ptr_nonnull(P);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(symbolizer_names(s, queries, 5, out, &f), RES_OK);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_str_eq(out[i]->symbol, "symbolize_me");
		ck_assert_str_eq(out[i]->object, "symbolize_test");
		ck_assert_uint_eq(out[i]->offset, i);
	}
	ck_assert_ptr_null(out[3]->object);
	ck_assert_ptr_null(out[3]->symbol);
	ck_assert_ptr_eq(out[4], out[0]);
	ck_assert_uint_eq(out[0]->id, 0);
	ck_assert_uint_eq(out[3]->id, 3);
	symbolizer_destroy(s);
	Prelease(P, 0);
}
END_TEST

/* Code without a symbol has its address in the file; code in no file has its address in the
 * process. */
START_TEST(addresses_of_the_file)
{
	struct self_process self;
	struct ps_prochandle *P = self_process(&self, NULL, NULL) ? fake_grab(&self.fake) : NULL;
	struct symbolizer *s = symbolizer_create(P);
	uint64_t base = getauxval(AT_PHDR) & ~(uint64_t)4095;
	struct symbol_query queries[] = { { base + 8, true, false, false }, { base + 9, false, false, false },
		{ (uintptr_t)&self, true, false, false } };
	const struct symbol_name *out[3];
	struct fault f;

	ck_assert_ptr_nonnull(P);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(symbolizer_names(s, queries, 3, out, &f), RES_OK);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_str_eq(out[i]->object, "symbolize_test");
		ck_assert_ptr_null(out[i]->symbol);
		ck_assert_uint_eq(out[i]->pc, base + 8 + i);
		ck_assert_uint_eq(out[i]->address, 8 + i);
	}
	ck_assert_ptr_null(out[2]->object);
	ck_assert_uint_eq(out[2]->address, (uintptr_t)&self);
	symbolizer_destroy(s);
	Prelease(P, 0);
}
END_TEST

/* The place of a pc, on request: its file, the file's build-id, the address and the offset in it. */
START_TEST(places)
{
	struct self_process self;
	struct ps_prochandle *P = self_process(&self, NULL, NULL) ? fake_grab(&self.fake) : NULL;
	struct symbolizer *s = symbolizer_create(P);
	uint64_t base = getauxval(AT_PHDR) & ~(uint64_t)4095;
	struct symbol_query queries[] = { { base + 8, true, false, false },
		{ (uintptr_t)symbolize_me + 1, false, false, false }, { 0, true, false, false } };
	const struct symbol_name *out[3];
	struct fault f;
	char self_path[4096];
	ssize_t n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);

	ck_assert_int_gt(n, 0);
	self_path[n] = '\0';
	ck_assert_ptr_nonnull(s);
	symbolizer_want(s, (struct symbol_wants){ .places = true });
	ck_assert_int_eq(symbolizer_names(s, queries, 3, out, &f), RES_OK);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_str_eq(out[i]->place->path, self_path);
		ck_assert_uint_ge(out[i]->place->id_n, 8);
		ck_assert(out[i]->place->has_address && out[i]->place->has_offset);
	}
	ck_assert_uint_eq(out[0]->place->address, 8);
	ck_assert_uint_eq(out[0]->place->offset, 8);
	ck_assert_uint_eq(out[1]->place->address, (uintptr_t)symbolize_me + 1 - base);
	ck_assert_ptr_null(out[2]->place);
	symbolizer_destroy(s);
	Prelease(P, 0);
}
END_TEST

/* A return address is looked up as the call before it, because at a function's first byte it
 * belongs to the previous function. */
START_TEST(return_addresses)
{
	struct self_process self;
	struct ps_prochandle *P = self_process(&self, NULL, NULL) ? fake_grab(&self.fake) : NULL;
	struct symbolizer *s = symbolizer_create(P);
	uint64_t start = (uintptr_t)symbolize_me;
	struct symbol_query query = { start, false, false, false };
	const struct symbol_name *out;
	struct fault f;

	ck_assert_ptr_nonnull(P);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(symbolizer_names(s, &query, 1, &out, &f), RES_OK);
	ck_assert(out->symbol == NULL || strcmp(out->symbol, "symbolize_me") != 0);
	symbolizer_destroy(s);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { names, addresses_of_the_file, places, return_addresses };

	return run_suite("symbol/symbolize", tests, sizeof(tests) / sizeof(tests[0]));
}
