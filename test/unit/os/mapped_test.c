/* Mappings that were made after the handle, and pages that were never touched. */
#include <sys/mman.h>
#include <unistd.h>

#include "os/mappings.h"
#include "support/run_suite.h"

enum { PAGE = 4096 };

START_TEST(younger_than_the_handle)
{
	int code = 0;
	struct ps_prochandle *P = Pgrab(getpid(), PGRAB_RDONLY, &code);
	char *at = mmap(NULL, (size_t)PAGE * 3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t va[3];
	struct os_range now[3];

	if (P == NULL)
		ck_abort_msg("cannot be grabbed: %d", code);
	ck_assert_ptr_ne(at, MAP_FAILED);
	/* Two adjacent mappings differ in their rights, and the first page is not mapped any
	 * more. */
	ck_assert_int_eq(munmap(at, PAGE), 0);
	ck_assert_int_eq(mprotect(at + (size_t)PAGE * 2, PAGE, PROT_READ), 0);
	for (size_t i = 0; i < 3; i++)
		va[i] = (uintptr_t)at + PAGE * i + 8;
	os_mapped_now(P, va, 3, now);
	ck_assert_uint_eq(now[0].hi, 0);
	ck_assert_uint_le(now[1].lo, va[1]);
	ck_assert_uint_eq(now[1].hi, va[1] - 8 + PAGE);
	ck_assert_uint_eq(now[2].lo, now[1].hi);
	ck_assert_uint_ge(now[2].hi, va[2]);
	os_mapped_now(P, va, 0, now);
	Prelease(P, 0);
}
END_TEST

/* Code that is mapped right after the grab makes a difference, whenever that is asked first. */
START_TEST(code_younger_than_the_handle)
{
	int code = 0;
	struct ps_prochandle *P = Pgrab(getpid(), PGRAB_RDONLY, &code);
	char *at;

	if (P == NULL)
		ck_abort_msg("cannot be grabbed: %d", code);
	ck_assert_uint_ne(os_code_token_grabbed(P), 0);
	ck_assert_uint_eq(os_code_token(P), os_code_token_grabbed(P));
	at = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(at, MAP_FAILED);
	ck_assert_uint_ne(os_code_token(P), os_code_token_grabbed(P));
	Prelease(P, 0);
}
END_TEST

START_TEST(pages_that_hold_something)
{
	enum { PAGES = 5000, LAST = PAGES - 1 };
	int code = 0;
	struct ps_prochandle *P = Pgrab(getpid(), PGRAB_RDONLY, &code);
	char *at =
	    mmap(NULL, (size_t)PAGE * PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t lo = (uintptr_t)at, hi = lo + (uint64_t)PAGE * PAGES, upto;
	struct os_range runs[3];

	if (P == NULL)
		ck_abort_msg("cannot be grabbed: %d", code);
	ck_assert_ptr_ne(at, MAP_FAILED);
	(void)madvise(at, (size_t)PAGE * PAGES, MADV_NOHUGEPAGE);
	at[0] = at[(size_t)PAGE * 3000] = at[(size_t)PAGE * 3001] = at[(size_t)PAGE * LAST] = 1;
	ck_assert_uint_eq(os_touched(P, lo + 8, hi - 8, runs, 3, &upto), 3);
	ck_assert_uint_eq(upto, hi - 8);
	ck_assert(runs[0].lo == lo + 8 && runs[0].hi == lo + PAGE);
	ck_assert(runs[1].lo == lo + PAGE * 3000ULL && runs[1].hi == lo + PAGE * 3002ULL);
	ck_assert(runs[2].lo == hi - PAGE && runs[2].hi == hi - 8);
	/* The last run does not fit. */
	ck_assert_uint_eq(os_touched(P, lo, hi, runs, 2, &upto), 2);
	ck_assert_uint_eq(upto, hi - PAGE);
	ck_assert_uint_eq(os_touched(P, upto, hi, runs, 2, &upto), 1);
	ck_assert(runs[0].lo == hi - PAGE && upto == hi);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { younger_than_the_handle, code_younger_than_the_handle,
		pages_that_hold_something };

	return run_suite("mapped", tests, sizeof(tests) / sizeof(tests[0]));
}
