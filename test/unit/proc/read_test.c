/* Reading memory: up to a hole, and from files if memory must equal them. */
#include <libproc.h>
#include <stdlib.h>
#include <string.h>

#include "proc/handle.h"
#include "support/run_suite.h"
#include "support/self_process.h"

static const struct fake_segment segments[] = { { 0x1000, "abcd", 4 }, { 0x1004, "efg", 4 },
	{ 0x2000, "no end", 6 }, { UINTPTR_MAX - 3, "high", 4 }, { 0 } };

START_TEST(reads_stop_at_holes)
{
	struct fake_process fake = { .segments = segments };
	struct ps_prochandle *P = fake_grab(&fake);
	char buf[16] = "................";

	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x1002), 6);
	ck_assert_mem_eq(buf, "cdefg\0..", 8);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x1008), 0);
	ck_assert_int_eq(Pread(P, buf, 0, 0x1000), 0);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0), 0);
	Prelease(P, 0);
}
END_TEST

START_TEST(reads_do_not_wrap_around)
{
	struct fake_process fake = { .segments = segments };
	struct ps_prochandle *P = fake_grab(&fake);
	char buf[16];

	/* The very last byte cannot be named with a length; the others can. */
	ck_assert_int_ge(Pread(P, buf, sizeof(buf), UINTPTR_MAX - 3), 3);
	ck_assert_int_le(Pread(P, buf, sizeof(buf), UINTPTR_MAX - 3), 4);
	ck_assert_mem_eq(buf, "hig", 3);
	Prelease(P, 0);
}
END_TEST

START_TEST(strings_end)
{
	struct fake_process fake = { .segments = segments };
	struct ps_prochandle *P = fake_grab(&fake);
	char buf[16];

	ck_assert_int_eq(Pread_string(P, buf, sizeof(buf), 0x1000), 7);
	ck_assert_str_eq(buf, "abcdefg");
	ck_assert_int_eq(Pread_string(P, buf, 4, 0x1000), 3);
	ck_assert_str_eq(buf, "abc");
	ck_assert_int_eq(Pread_string(P, buf, sizeof(buf), 0x2000), 6);
	ck_assert_str_eq(buf, "no end");
	ck_assert_int_eq(Pread_string(P, buf, sizeof(buf), 0x1007), 0);
	ck_assert_int_eq(Pread_string(P, buf, sizeof(buf), 0x3000), -1);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(Pread_string(P, buf, 1, 0x1000), -1);
	Prelease(P, 0);
}
END_TEST

START_TEST(long_strings_are_read_whole)
{
	char text[500], buf[600];
	const struct fake_segment one[] = { { 0x1000, text, sizeof(text) }, { 0 } };
	struct fake_process fake = { .segments = one };
	struct ps_prochandle *P = fake_grab(&fake);

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(Pread_string(P, buf, sizeof(buf), 0x1000), sizeof(text) - 1);
	ck_assert_str_eq(buf, text);
	Prelease(P, 0);
}
END_TEST

static ssize_t lying_read(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	(void)fake;
	(void)buf;
	return va == 0x1000 ? (ssize_t)n + 100 : -1;
}

START_TEST(a_backend_cannot_claim_more_than_was_asked)
{
	struct fake_process fake = { .read = lying_read };
	struct ps_prochandle *P = fake_grab(&fake);
	char buf[4];

	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x1000), 4);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x2000), 0);
	Prelease(P, 0);
}
END_TEST

static struct self_process self;
static char saved_rodata[] = "this is written, so no file has it";
static const char kept_rodata[64] = "this is only read, so the file has it";

/* A core as the kernel writes it: only memory that differs from the files was saved, which is none
 * here. */
static ssize_t nothing(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	(void)fake;
	(void)buf;
	(void)n;
	(void)va;
	return 0;
}

START_TEST(holes_over_read_only_segments_come_from_the_file)
{
	struct ps_prochandle *P;
	char buf[64];
	uintptr_t text = (uintptr_t)nothing;

	ck_assert(self_process(&self, NULL, NULL));
	self.fake.read = nothing;
	P = fake_grab(&self.fake);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), (uintptr_t)kept_rodata), sizeof(kept_rodata));
	ck_assert_mem_eq(buf, kept_rodata, sizeof(kept_rodata));
	ck_assert_int_eq(Pread(P, buf, 16, text), 16);
	ck_assert_mem_eq(buf, (const void *)text, 16);
	/* Written memory is not the file's. */
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), (uintptr_t)saved_rodata), 0);
	Prelease(P, 0);
}
END_TEST

START_TEST(a_live_process_answers_for_itself)
{
	struct ps_prochandle *P;
	char buf[64];

	ck_assert(self_process(&self, NULL, NULL));
	self.fake.read = nothing;
	P = fake_grab(&self.fake);
	P->backend.kind = HANDLE_LIVE;
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), (uintptr_t)kept_rodata), 0);
	ck_assert_ptr_null(P->objects);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { reads_stop_at_holes, reads_do_not_wrap_around, strings_end,
		long_strings_are_read_whole, a_backend_cannot_claim_more_than_was_asked,
		holes_over_read_only_segments_come_from_the_file, a_live_process_answers_for_itself };

	return run_suite("read", tests, sizeof(tests) / sizeof(tests[0]));
}
