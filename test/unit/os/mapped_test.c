/* Mappings that are younger than the handle. */
#include <sys/mman.h>
#include <unistd.h>

#include "os/target_os.h"
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
	/* Two neighbours differ in their rights, and nothing is mapped in the first page any more. */
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

int main(void)
{
	const TTest *const tests[] = { younger_than_the_handle };

	return run_suite("mapped", tests, sizeof(tests) / sizeof(tests[0]));
}
