/* What is said where native frames could not be unwound. */
#include "report/collect.h"

#include "support/fake_process.h"
#include "support/run_suite.h"

enum { CODE = 0x10000, DATA = 0x20000, FILE_CODE = 0x30000, NOWHERE = 0x3, SIZE = 0x1000 };

static const struct fake_map maps[] = {
	{ CODE, SIZE, MA_READ | MA_EXEC | MA_ANON, 0, NULL },
	{ DATA, SIZE, MA_READ | MA_WRITE | MA_ANON, 0, NULL },
	{ FILE_CODE, SIZE, MA_READ | MA_EXEC, 0, "/lib/libmade.so" },
	{ 0 },
};
static const struct fake_segment segments[] = { { 0 } };

/* The remark after a frame at pc. */
static enum record_remark remark_after(uint64_t pc)
{
	const struct stack_options stack = { .engine = UNWIND_ENGINE_FP };
	const struct collect_options opt = { .frames = 0 };
	struct fake_process fake = { .maps = maps, .segments = segments };
	struct native_frame frame = { .pc = pc };
	struct join_item gap = { .index = 1, .kind = JOIN_GAP };
	const uint64_t regs[21] = { 0 };
	const struct stack_recorded recorded = { .id = 1, .regs = regs, .n_regs = 21 };
	struct stack_thread th = { .id = 1 };
	struct record_thread record;
	struct stack_target *target;
	struct ps_prochandle *P = fake_grab(&fake);
	enum record_remark remark;
	struct fault f;

	ck_assert_ptr_nonnull(P);
	ck_assert_msg(stack_target_prepare(P, &stack, &target, &f) == RES_OK, "%s", f.text);
	ck_assert_int_eq(stack_target_take(target, P, &recorded, &f), RES_OK);
	ck_assert(vec_push(&th.native.frames, frame));
	ck_assert(vec_push(&th.join.items, gap));
	th.native.end = UNWIND_END_DONE;
	ck_assert_int_eq(collect_thread(target, &th, &opt, NULL, &record, &f), RES_OK);
	ck_assert_uint_eq(record.items.n, 1);
	ck_assert_int_eq(record.items.at[0].kind, RECORD_REMARK);
	remark = record.items.at[0].remark;
	record_thread_free(&record);
	vec_free(&th.native.frames);
	vec_free(&th.join.items);
	stack_target_close(target);
	Prelease(P, 0);
	return remark;
}

START_TEST(only_code_of_no_file_is_a_jit)
{
	ck_assert_int_eq(remark_after(CODE + 1), REMARK_JIT);
	ck_assert_int_eq(remark_after(FILE_CODE + 1), REMARK_GAP);
	ck_assert_int_eq(remark_after(DATA + 1), REMARK_GAP);
	ck_assert_int_eq(remark_after(NOWHERE), REMARK_GAP);
}
END_TEST

int main(void)
{
	return run_suite("gaps", (const TTest *const[]){ only_code_of_no_file_is_a_jit }, 1);
}
