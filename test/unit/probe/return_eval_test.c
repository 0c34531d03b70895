/* Where a thread is in the trampoline of a return probe, and in the kernel's call of it: each state,
 * made up. It is found, or the caller is not known; it is never another one. */
#include "probe/bpf/return_eval.h"

#include "support/run_suite.h"

static const uint64_t PAGE_AT = 0x7fffffffe000, SLOT = 0x7ffd00001000;
enum { CALLER = 0x401234, AX = 0xa, CX = 0xc, R11 = 0x11, N_SLOTS = 4 };

static struct probe_return_regs regs_of(uint64_t ip, int64_t sp, uint64_t cx, uint64_t call)
{
	return (struct probe_return_regs){
		.ip = ip,
		.sp = SLOT + (uint64_t)sp,
		.ax = AX,
		.cx = cx,
		.r11 = R11,
		.call = call,
		.word = 8,
	};
}

/* The first of these slots that is listed for the thread. 0: none. */
static uint64_t listed(const struct probe_return_regs *r, const uint64_t slots[N_SLOTS])
{
	uint64_t at = r->ip - PAGE_AT < PROBE_RETURN_PAGE ? r->ip - PAGE_AT : PROBE_RETURN_PAGE;

	for (int i = 0; i < N_SLOTS; i++) {
		if (probe_return_is_listed(r, at, slots[i]))
			return slots[i];
	}
	return 0;
}

/* A program's registers from one instruction of the trampoline to the next. */
static const struct {
	unsigned at;
	int sp; /* less the slot */
} before[] = { { 0, 8 }, { 1, 0 }, { 2, -8 }, { 4, -16 }, { 11, -16 } },
  after[] = { { 13, -16 }, { 15, -8 }, { 16, 0 } };

enum { N_BEFORE = sizeof(before) / sizeof(before[0]), N_AFTER = sizeof(after) / sizeof(after[0]) };

/* The probed function of the caller, whose slot is as near as the ABI allows, is listed as well, and
 * so is one that longjmp has left. */
static const int nearest[] = { 16, 32, 48 };

START_TEST(before_the_call)
{
	for (int i = 0; i < N_BEFORE; i++) {
		const struct probe_return_regs r = regs_of(PAGE_AT + before[i].at, before[i].sp, CX, ~0ull);

		for (int k = 0; k < 3; k++)
			ck_assert_uint_eq(
			    listed(&r, (uint64_t[]){ SLOT - 64, SLOT, SLOT + (uint64_t)nearest[k], 0 }),
			    SLOT);
	}
}
END_TEST

/* The address is back: that of the caller's function, which is listed still, is not meant. */
START_TEST(after_the_call)
{
	for (int i = 0; i < N_AFTER; i++) {
		const uint64_t ip = PAGE_AT + after[i].at;
		const struct probe_return_regs r =
		    regs_of(ip, after[i].sp, after[i].at == 13 ? ip : CX, ~0ull);
		uint64_t slot = 0;

		for (int k = 0; k < 3; k++)
			ck_assert_uint_eq(
			    listed(&r, (uint64_t[]){ SLOT - 64, SLOT + (uint64_t)nearest[k], 0, 0 }), 0);
		ck_assert(probe_return_is_back(&r, after[i].at, &slot));
		ck_assert_uint_eq(slot, SLOT);
	}
}
END_TEST

/* The system call has begun: its registers, then the program's ones, set in any order. */
START_TEST(call_begins)
{
	const uint64_t ip = PAGE_AT + PROBE_RETURN_AFTER_CALL;
	uint64_t slot;

	for (int i = 0; i < 8; i++) {
		const struct probe_return_regs r =
		    regs_of(ip, i & 1 ? 8 : -16, i & 2 ? CX : ip, i & 4 ? ~0ull : 335);

		ck_assert_uint_eq(listed(&r, (uint64_t[]){ SLOT - 64, SLOT, SLOT + 16, 0 }), SLOT);
	}
	/* Nothing is listed for it, and no address is back: the kernel will kill it. */
	ck_assert(!probe_return_is_back(&(const struct probe_return_regs){ ip, SLOT, AX, ip, R11, 335, 8 },
	    PROBE_RETURN_AFTER_CALL, &slot));
}
END_TEST

/* The thread is given the address; sp is the caller's. */
START_TEST(address_in_pc)
{
	const struct probe_return_regs r = regs_of(CALLER, 8, CX, ~0ull);

	/* It is listed still: its address is the pc, or that of a function that longjmp has left. */
	ck_assert(probe_return_may_call(&r));
	ck_assert_uint_eq(listed(&r, (uint64_t[]){ SLOT - 64, SLOT, SLOT + 16, 0 }), SLOT);
	/* It is no more: all is as after a return. */
	ck_assert_uint_eq(listed(&r, (uint64_t[]){ SLOT - 64, SLOT + 16, 0, 0 }), 0);
	ck_assert(!probe_return_is_torn(&r, (const uint64_t[]){ CALLER, 0, SLOT }));
}
END_TEST

/* sp is set back, pc is not: what the trampoline has pushed is at sp. */
START_TEST(torn)
{
	const struct probe_return_regs r = regs_of(CALLER, -16, CX, ~0ull);
	struct probe_return_regs other = r;

	ck_assert(probe_return_may_call(&r));
	ck_assert_uint_eq(listed(&r, (uint64_t[]){ SLOT - 64, SLOT + 16, 0, 0 }), 0);
	ck_assert(probe_return_is_torn(&r, (const uint64_t[]){ R11, CX, AX }));
	/* In another system call, and in i386, it cannot be. */
	other.call = 0;
	ck_assert(!probe_return_may_call(&other));
	other = r;
	other.word = 4;
	ck_assert(!probe_return_may_call(&other));
}
END_TEST

/* pc is set back, too, and the address is in the kernel only. */
START_TEST(nowhere)
{
	const uint64_t ip = PAGE_AT + PROBE_RETURN_AFTER_CALL;
	uint64_t slot;

	for (int i = 0; i < 2; i++) {
		/* Its two registers could be set in the other order as well. */
		const struct probe_return_regs r = regs_of(ip, i == 0 ? -16 : 8, CX, ~0ull);

		ck_assert_uint_eq(listed(&r, (uint64_t[]){ SLOT - 64, SLOT + 16, SLOT + 32, 0 }), 0);
		ck_assert(!probe_return_is_back(&r, PROBE_RETURN_AFTER_CALL, &slot));
	}
}
END_TEST

/* The trampoline of i386, and that of x86-64 before Linux 6.11, is a breakpoint. */
START_TEST(breakpoint)
{
	static const unsigned words[] = { 4, 8 };
	uint64_t slot;

	for (unsigned i = 0; i < 4; i++) {
		const uint64_t word = words[i / 2], at = i % 2;
		const struct probe_return_regs r = {
			.ip = PAGE_AT + at, .sp = SLOT + word, .word = (uint32_t)word
		};

		ck_assert_uint_eq(listed(&r, (uint64_t[]){ SLOT - 64, SLOT, SLOT + word, 0 }), SLOT);
		ck_assert(!probe_return_is_back(&r, at, &slot));
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { before_the_call, after_the_call, call_begins, address_in_pc, torn,
		nowhere, breakpoint };

	return run_suite("trampolines", tests, sizeof(tests) / sizeof(tests[0]));
}
