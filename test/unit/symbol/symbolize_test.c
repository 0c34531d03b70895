/* Names of pcs, in this very process. */
#include "symbol/symbolize.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

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
	struct symbol_query queries[] = { { start, true }, { start + 1, false }, { start + 2, true },
		{ 0, true }, { start, true } };
	const struct symbol_name *out[5];
	struct fault f;

	ck_assert_ptr_nonnull(P);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(symbolize(s, queries, 5, out, &f), RES_OK);
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
	struct symbol_query queries[] = { { base + 8, true }, { base + 9, false },
		{ (uintptr_t)&self, true } };
	const struct symbol_name *out[3];
	struct fault f;

	ck_assert_ptr_nonnull(P);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(symbolize(s, queries, 3, out, &f), RES_OK);
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

/* A return address is looked up as the call before it, because at a function's first byte it
 * belongs to the previous function. */
START_TEST(return_addresses)
{
	struct self_process self;
	struct ps_prochandle *P = self_process(&self, NULL, NULL) ? fake_grab(&self.fake) : NULL;
	struct symbolizer *s = symbolizer_create(P);
	uint64_t start = (uintptr_t)symbolize_me;
	struct symbol_query query = { start, false };
	const struct symbol_name *out;
	struct fault f;

	ck_assert_ptr_nonnull(P);
	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(symbolize(s, &query, 1, &out, &f), RES_OK);
	ck_assert(out->symbol == NULL || strcmp(out->symbol, "symbolize_me") != 0);
	symbolizer_destroy(s);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *tests[] = { names, addresses_of_the_file, return_addresses };

	return run_suite("symbol/symbolize", tests, sizeof(tests) / sizeof(tests[0]));
}
