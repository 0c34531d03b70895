/* Walking past code that itself shows where its caller is: stubs, clone, trampolines, the JIT. */
#include "support/run_suite.h"
#include "support/x86_64_regs.h"
#include "unit/stack/walk_scene.h"

/* --- glibc's clone, from its system call on --- */

enum { CLONE = 0x200, CLONE_BOTH = 1, CLONE_RAX = 0x1234 };

/* Offsets of its instructions; CLONE_BOTH: the new thread and the caller may be there. */
static const uint8_t clone_places[][2] = { { 0, 0 }, { 2, CLONE_BOTH }, { 5, CLONE_BOTH }, { 7, CLONE_BOTH },
	{ 9, 0 } };
enum { CLONE_PLACES = sizeof(clone_places) / sizeof(clone_places[0]) };

static void draw_clone(void)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0x13, 0x74, 0x01, 0xc3 };

	memcpy(made + CLONE, code, sizeof(code));
	stack[3] = at(CALLER);
	stack[6] = at(MAIN);
	stack[9] = at(LEAF); /* the frame pointer leads elsewhere */
}

START_TEST(clone_leads_to_the_caller_only)
{
	draw_clone();
	for (size_t i = 0; i < CLONE_PLACES; i++) {
		out.frames.n = 0;
		walk_rax(MADE + CLONE + clone_places[i][0], 3, va(8), CLONE_RAX, false, PY_MARK_NONE);
		ck_assert_str_eq(drawn(), "JCM");
		ck_assert_int_eq(out.end, UNWIND_END_DONE);
		/* It is not after a call. */
		stack[3] = at(CALLER) + 1;
		out.frames.n = 0;
		walk_rax(MADE + CLONE + clone_places[i][0], 3, NOWHERE, CLONE_RAX, false, PY_MARK_NONE);
		ck_assert_str_eq(drawn(), "J");
		ck_assert_int_eq(out.end, UNWIND_END_LOST);
		stack[3] = at(CALLER);
	}
}
END_TEST

/* With any marking: before 3.11 too, where the frame pointer would be followed. */
START_TEST(stub_is_passed_by_its_code)
{
	static const uint8_t code[] = { 0x4c, 0x89, 0x54, 0x24, 0x08, 0x4c, 0x8b, 0x15, 1, 2, 3, 4, 0x41,
		0xff, 0xe2 };

	memcpy(made + 0x100, code, sizeof(code));
	stack[12] = at(CALLER);
	stack[15] = at(MAIN);
	stack[40] = NOWHERE;
	stack[41] = at(ALIEN);
	walk(MADE + 0x100, 10, va(40), false, PY_MARK_NONE);
	ck_assert_str_eq(drawn(), "JCM");
	ck_assert_uint_eq(out.frames.at[0].cfa, va(13));
	ck_assert(!out.frames.at[1].exact);
}
END_TEST

/* --- the JIT --- */

/* The entry, at MADE: pushes, call, pops. Returns the address after its call. */
static uint64_t jit_entry(void)
{
	static const uint8_t code[] = { 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x53, 0x49, 0x89,
		0xfc, 0xe8, 1, 2, 3, 4, 0x5b, 0x41, 0x5c, 0x41, 0x5d, 0x41, 0x5e, 0x41, 0x5f, 0xc3 };

	memcpy(made, code, sizeof(code));
	return MADE + 17;
}

/* The compiled code's stack from word 0 on: the loop's rbp (`saved`), the entry's frame, then the
 * loop's. */
static void jit_stack(uint64_t saved)
{
	stack[2] = saved;
	stack[4] = jit_entry();
	for (size_t i = 5; i < 10; i++)
		stack[i] = 0xb0 + i; /* rbx, r12 … r15 */
	stack[10] = at(LOOP);
	loop(40, at(CALLER), 0);
	stack[44] = at(MAIN); /* CALLER's: two words, return address */
}

START_TEST(jit_is_left_through_its_entry)
{
	const struct native_frame *fr;

	jit_stack(va(40));
	walk(MADE + 0x200, 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "JGLCM");
	fr = &out.frames.at[2];
	ck_assert_uint_eq(fr->pc, at(LOOP));
	ck_assert_uint_eq(fr->sp, va(11));
	ck_assert_uint_eq(fr->cfa, va(42));
	ck_assert_uint_eq(fr->saved[X86_64_SAVED_RBX], 0xb5);
	ck_assert_uint_eq(fr->saved[X86_64_SAVED_R15], 0xb9);
	ck_assert(!fr->exact);
	ck_assert(model.known);
	ck_assert_uint_eq(model.cfa_above_marker, MARKER_BELOW);
}
END_TEST

START_TEST(jit_that_left_rbp_alone)
{
	jit_stack(0);
	walk(MADE + 0x200, 1, va(40), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "JGLCM");
}
END_TEST

/* Two words could be the frame pointer and differ: neither is believed. */
START_TEST(jit_with_two_answers)
{
	jit_stack(va(40));
	stack[3] = va(60);
	stack[60] = 0;
	stack[61] = at(CALLER);
	stack[64] = at(MAIN);
	walk(MADE + 0x200, 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_ptr_null(strchr(drawn(), 'L'));
	ck_assert(!model.known);
}
END_TEST

/* The model knows better than a word that happens to fit. */
START_TEST(jit_that_contradicts_the_model)
{
	jit_stack(va(60));
	stack[60] = 0;
	stack[61] = at(CALLER);
	stack[64] = at(MAIN);
	model = (struct walk_model){ .known = true,
		.pc = at(LOOP),
		.cfa_above_marker = MARKER_BELOW,
		.sp_below_cfa = 31 * 8,
		.fp_below_cfa = 16,
		.fp_known = true };
	walk(MADE + 0x200, 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "JGCM"); /* resumed by the model */
	ck_assert_uint_eq(out.frames.at[1].cfa, va(42));
}
END_TEST

START_TEST(jit_entry_half_done)
{
	/* After two of its pushes; before two of its pops. */
	jit_stack(va(40));
	walk(MADE + 4, 8, va(40), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "JGLCM");
	ck_assert_uint_eq(out.frames.at[2].sp, va(11));
	out.frames.n = 0;
	model.known = false;
	walk(MADE + 22, 8, va(40), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "JGLCM");
	ck_assert_uint_eq(out.frames.at[2].sp, va(11));
}
END_TEST

/* Two activations, each left by way of compiled code. */
START_TEST(jit_twice)
{
	jit_stack(va(40));
	stack[41] = at(LEAF);
	stack[42] = MADE + 0x210; /* compiled code again */
	made[0x210 - 5] = 0xe8;
	stack[44] = va(90);
	stack[46] = MADE + 17;
	stack[52] = at(LOOP);
	loop(90, at(CALLER), 0);
	stack[94] = at(MAIN);
	walk(MADE + 0x200, 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "JGLFJGLCM");
}
END_TEST

/* --- trampolines --- */

/* Trampolines for perf drop one word, which is rbp or nothing. */
START_TEST(trampoline_is_passed_by_its_code)
{
	static const uint8_t drop[] = { 0x48, 0x83, 0xc4, 0x08, 0xc3 }, pop[] = { 0x5d, 0xc3 };

	memcpy(made + 0x300, drop, sizeof(drop));
	memcpy(made + 0x400, pop, sizeof(pop));
	stack[1] = MADE + 0x300;
	stack[3] = at(LEAF);
	stack[4] = MADE + 0x400;
	stack[5] = va(40);
	stack[6] = at(LOOP);
	loop(40, at(MAIN), 0);
	walk(at(LEAF), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "FJFJLM");
	ck_assert_uint_eq(out.frames.at[4].cfa, va(42));
}
END_TEST

/* A frame pointer that leads elsewhere than the trampoline's code does is not followed. */
START_TEST(trampoline_outweighs_a_frame_pointer)
{
	static const uint8_t drop[] = { 0x48, 0x83, 0xc4, 0x08, 0xc3 };

	memcpy(made + 0x300, drop, sizeof(drop));
	stack[1] = MADE + 0x300;
	stack[3] = at(CALLER);
	stack[6] = at(MAIN);
	stack[60] = 0;
	stack[61] = at(MAIN);
	walk(at(LEAF), 1, va(60), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "FJCM");
}
END_TEST

/* Such bytes have no meaning in a 32-bit process. */
START_TEST(process_of_32bit_is_left_alone)
{
	static const uint8_t jump[] = { 0x41, 0xff, 0xe3 };
	struct fault f = { 0 };

	Prelease(P, 0);
	grab(true);
	memcpy(made + 0x100, jump, sizeof(jump));
	stack[10] = at(MAIN);
	ck_assert(vec_push(&out.frames,
	    ((struct native_frame){ .pc = MADE + 0x100, .sp = va(10), .exact = true, .no_cfi = true })));
	ck_assert_int_eq(walk_pass_stub(&(struct walk){
			     .P = P, .python = &python, .model = &model, .out = &out, .f = &f }),
	    RES_NONE);
}
END_TEST

/* --- a handler's stack above the interrupted frames --- */

enum { HANDLER = 119, HANDLERS_MARKER = 122, LOW = 10, LOW_MARKER = 12, ABOVE_MARKER = 182 };

/* A handler that runs the loop at HANDLER, inside a frame whose callees, at LOW, it interrupted:
 * the loop, and code that nothing describes, where the walk is lost. */
static void draw_handler(void)
{
	stack[HANDLER] = at(FIXED);
	stack[141] = at(SIGNAL);
	stack[142] = at(FIXED);
	stack[143] = va(LOW);
	stack[144] = NOWHERE;
	stack[LOW + 21] = at(ALIEN);
}

/* The handler's own marker is above the place where the walk is lost, but the walk has passed it
 * already. */
START_TEST(handlers_marker_is_not_gone_back_to)
{
	draw_handler();
	marker(va(HANDLERS_MARKER));
	if (_i == 0)
		marker(va(LOW_MARKER));
	walk(at(LEAF), HANDLER, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "FXSXA");
	ck_assert_int_eq(out.end, UNWIND_END_LOST);
	ck_assert_int_lt(walks, 3);
}
END_TEST

START_TEST(marker_above_the_handlers_stack)
{
	draw_handler();
	stack[201] = at(MAIN);
	marker(va(HANDLERS_MARKER));
	marker(va(LOW_MARKER));
	marker(va(ABOVE_MARKER));
	walk(at(LEAF), HANDLER, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "FXSXAGM");
	ck_assert_int_eq(out.end, UNWIND_END_DONE);
}
END_TEST

/* Markers in an order that contradicts the stack lead to the same signal frame again, and the walk
 * ends. */
START_TEST(walk_that_comes_back_ends)
{
	draw_handler();
	marker(va(LOW_MARKER));
	marker(va(HANDLERS_MARKER));
	walk(at(LEAF), HANDLER, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "FXSXA");
	ck_assert_int_eq(out.end, UNWIND_END_LOOP);
	ck_assert_int_eq(out.reason, UNWIND_LEADS_BACK);
	ck_assert_ptr_nonnull(strstr(out.why, "loops back"));
}
END_TEST

/* A guess on the way to the next marker, which belongs to the interrupted frames, is confirmed by
 * that marker and not by the handler's. */
START_TEST(guess_below_a_handlers_stack)
{
	draw_handler();
	stack[142] = at(ALIEN);
	stack[144] = va(14);
	stack[14] = 0;
	stack[15] = at(FIXED); /* from word 16 on */
	stack[37] = at(MAIN);
	marker(va(HANDLERS_MARKER));
	marker(va(18));
	walk(at(LEAF), HANDLER, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "FXSAXM");
	ck_assert_int_eq(out.frames.at[4].how, UNWIND_RESUMED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk");
	TCase *t = tcase_create("walk");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, clone_leads_to_the_caller_only);
	tcase_add_test(t, stub_is_passed_by_its_code);
	tcase_add_test(t, jit_is_left_through_its_entry);
	tcase_add_test(t, jit_that_left_rbp_alone);
	tcase_add_test(t, jit_with_two_answers);
	tcase_add_test(t, jit_that_contradicts_the_model);
	tcase_add_test(t, jit_entry_half_done);
	tcase_add_test(t, jit_twice);
	tcase_add_test(t, trampoline_is_passed_by_its_code);
	tcase_add_test(t, trampoline_outweighs_a_frame_pointer);
	tcase_add_test(t, process_of_32bit_is_left_alone);
	tcase_add_loop_test(t, handlers_marker_is_not_gone_back_to, 0, 2);
	tcase_add_test(t, marker_above_the_handlers_stack);
	tcase_add_test(t, walk_that_comes_back_ends);
	tcase_add_test(t, guess_below_a_handlers_stack);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
