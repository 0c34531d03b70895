/* Walking past what the unwinder cannot pass. The unwinder is a made-up one: a table says of each function how its
 * frames look. Stacks are drawn as words, code as bytes. */
#include <stdlib.h>
#include <string.h>

#include "stack/walk.h"
#include "stack/walk_pass.h"
#include "support/fake_process.h"
#include "support/run_suite.h"

enum {
	TEXT = 0x400000,  /* a program's code, a page a function */
	MADE = 0x900000,  /* code made at run time */
	STACK = 0x700000, /* WORDS of it */
	WORDS = 256,
	PAGE = 0x1000,
	/* Functions, by their page in TEXT. */
	MAIN = 0, /* the oldest */
	CALLER,   /* two words of its own */
	LOOP,     /* described by rbp */
	LEAF,     /* no words of its own */
	FIXED,    /* the loop, described by sp: 22 words */
	ALIEN,    /* nothing describes it */
	FRAMED,   /* described by rbp, as the loop is */
	FUNCTIONS,
	MARKER_BELOW = 0xa0 /* CFA − marker */
};

static uint8_t text[FUNCTIONS * PAGE], made[PAGE];
static uint64_t stack[WORDS];
static struct py_stack python;
static struct walk_model model;
static struct native_stack out;
static struct ps_prochandle *P;
static int walks;

/* --- the made-up unwinder --- */

static bool word(uint64_t va, uint64_t *value)
{
	if (va < STACK || va + 8 > STACK + sizeof(stack) || va % 8 != 0)
		return false;
	*value = stack[(va - STACK) / 8];
	return true;
}

static void set(struct unwind_regs *regs, unsigned dwarf, uint64_t value)
{
	regs->reg[dwarf] = value;
	regs->known |= 1U << dwarf;
}

static bool known(const struct unwind_regs *regs, unsigned dwarf)
{
	return (regs->known >> dwarf & 1) != 0;
}

/* To the caller of a frame with that CFA, which saved rbp at `rbp` (0: not at all). */
static enum unwind_end up(struct unwind_regs *regs, struct native_frame *fr, uint64_t cfa, uint64_t rbp)
{
	uint64_t pc, value;

	if (!word(cfa - 8, &pc) || (rbp != 0 && !word(rbp, &value)) || cfa <= fr->sp)
		return UNWIND_END_LOST;
	if (rbp != 0)
		set(regs, UNWIND_DWARF_RBP, value);
	set(regs, UNWIND_DWARF_PC, pc);
	set(regs, UNWIND_DWARF_RSP, cfa);
	fr->cfa = cfa;
	return UNWIND_END_CAP; /* goes on */
}

static enum unwind_end step(struct unwind_regs *regs, struct native_frame *fr)
{
	uint64_t sp = regs->reg[UNWIND_DWARF_RSP], rbp = regs->reg[UNWIND_DWARF_RBP];
	bool have_rbp = known(regs, UNWIND_DWARF_RBP);

	switch (fr->pc / PAGE - TEXT / PAGE) {
	case MAIN:
		return UNWIND_END_DONE;
	case CALLER:
		return up(regs, fr, sp + 24, 0);
	case LOOP:
	case FRAMED:
		return have_rbp ? up(regs, fr, rbp + 16, rbp) : UNWIND_END_LOST;
	case LEAF:
		return up(regs, fr, sp + 8, 0);
	case FIXED:
		return up(regs, fr, sp + 176, 0);
	default:
		fr->no_cfi = true;
		return have_rbp && rbp > sp ? up(regs, fr, rbp + 16, rbp) : UNWIND_END_LOST;
	}
}

enum res native_stack_walk(
    struct unwinder *u, const struct unwind_regs *from, size_t cap, struct native_stack *s, struct fault *f)
{
	static const uint8_t dwarf[UNWIND_SAVED] = { 3, 6, 12, 13, 14, 15 };
	struct unwind_regs regs = *from;
	bool first = s->frames.n == 0;
	enum unwind_how how = first ? UNWIND_FIRST : UNWIND_RESUMED;

	(void)u, (void)cap, (void)f;
	walks++;
	for (s->end = UNWIND_END_CAP; s->end == UNWIND_END_CAP && s->frames.n < WORDS; first = false) {
		struct native_frame fr = { .pc = regs.reg[UNWIND_DWARF_PC],
			.sp = regs.reg[UNWIND_DWARF_RSP],
			.how = (uint8_t)how,
			.exact = first };

		for (unsigned i = 0; i < UNWIND_SAVED; i++) {
			fr.saved[i] = regs.reg[dwarf[i]];
			fr.saved_known |= (uint8_t)(known(&regs, dwarf[i]) << i);
		}
		s->end = step(&regs, &fr);
		how = fr.no_cfi ? UNWIND_FP : UNWIND_CFI;
		ck_assert(vec_push(&s->frames, fr));
	}
	return RES_OK;
}

/* --- drawing --- */

static void grab(bool narrow)
{
	static const struct fake_segment segments[] = { { TEXT, text, sizeof(text) },
		{ MADE, made, sizeof(made) }, { STACK, stack, sizeof(stack) }, { 0 } };
	static const struct fake_map maps[] = { { TEXT, sizeof(text), MA_READ | MA_EXEC, 0, "program" },
		{ STACK, sizeof(stack), MA_READ | MA_WRITE, 0, NULL },
		{ MADE, sizeof(made), MA_READ | MA_EXEC | MA_ANON, 0, NULL }, { 0 } };
	static struct fake_process fake;

	fake = (struct fake_process){ .pid = 1, .narrow = narrow, .segments = segments, .maps = maps };
	P = fake_grab(&fake);
	ck_assert_ptr_nonnull(P);
}

static void setup(void)
{
	grab(false);
	memset(text, 0x90, sizeof(text));
	memset(made, 0x90, sizeof(made));
	for (int i = 0; i < FUNCTIONS; i++)
		text[i * PAGE + 0x10 - 5] = 0xe8; /* so that 0x10 in each is behind a call */
	memset(stack, 0, sizeof(stack));
	model = (struct walk_model){ .known = false };
	walks = 0;
}

static void teardown(void)
{
	vec_free(&python.runs);
	vec_free(&out.frames);
	Prelease(P, 0);
}

static uint64_t at(int function)
{
	return (uint64_t)TEXT + (uint64_t)function * PAGE + 0x10;
}

static uint64_t va(size_t index)
{
	return STACK + 8 * index;
}

static void marker(uint64_t address)
{
	ck_assert(vec_push(&python.runs, ((struct py_run){ .marker = address })));
}

/* An activation of the loop whose frame pointer is va(rbp); its caller goes on at pc, with its own frame pointer. */
static void loop(size_t rbp, uint64_t pc, uint64_t callers)
{
	stack[rbp] = callers;
	stack[rbp + 1] = pc;
	marker(va(rbp) + 16 - MARKER_BELOW);
}

static bool in_loop(void *data, const struct native_frame *fr)
{
	uint64_t page = fr->pc / PAGE - TEXT / PAGE;

	(void)data;
	return page == LOOP || page == FIXED;
}

static void walk_rax(
    uint64_t pc, size_t sp, uint64_t rbp, uint64_t rax, bool place_only, enum py_marking marking)
{
	struct fault f = { 0 };
	struct walk w = { P, NULL, &python, &model, &out, &f, place_only, 0, in_loop, NULL };
	prgregset_t regs = { 0 };

	regs[R_PC] = (prgreg_t)pc;
	regs[R_SP] = (prgreg_t)va(sp);
	regs[PRREG_RBP] = (prgreg_t)rbp;
	regs[PRREG_RAX] = (prgreg_t)rax;
	ck_assert_int_eq(walk_thread(&w, regs, marking), RES_OK);
}

static void walk(uint64_t pc, size_t sp, uint64_t rbp, bool place_only, enum py_marking marking)
{
	walk_rax(pc, sp, rbp, 0, place_only, marking);
}

/* The walk, a letter a frame: what function; G a gap; upper case means believed. */
static const char *drawn(void)
{
	static const char letters[FUNCTIONS + 1] = "MCLFXAR";
	static char line[WORDS + 1];

	ck_assert_uint_lt(out.frames.n, WORDS);
	for (size_t i = 0; i < out.frames.n; i++) {
		const struct native_frame *fr = &out.frames.at[i];
		uint64_t page = fr->pc / PAGE - TEXT / PAGE;
		char c = fr->pc == 0 ? 'G' : page < FUNCTIONS ? letters[page] : 'J';

		line[i] = (char)(fr->how == UNWIND_FP ? c - 'A' + 'a' : c);
	}
	line[out.frames.n] = '\0';
	return line;
}

static const uint64_t NOWHERE = 1; /* a value of rbp that leads nowhere */

/* --- glibc's clone, from its system call on --- */

enum { CLONE = 0x200, CLONE_BOTH = 1, CLONE_RAX = 0x1234 };

/* Where its instructions begin; CLONE_BOTH: newborn and caller may be there. */
static const uint8_t clone_places[][2] = { { 0, 0 }, { 2, CLONE_BOTH }, { 5, CLONE_BOTH }, { 7, CLONE_BOTH },
	{ 9, 0 } };
enum { CLONE_PLACES = sizeof(clone_places) / sizeof(clone_places[0]) };

static void draw_clone(void)
{
	static const uint8_t code[] = { 0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c, 0x13, 0x74, 0x01, 0xc3 };

	memcpy(made + CLONE, code, sizeof(code));
	stack[3] = at(CALLER);
	stack[6] = at(MAIN);
	stack[9] = at(LEAF); /* where the frame pointer would lead */
}

START_TEST(clone_leads_to_the_caller_only)
{
	draw_clone();
	for (size_t i = 0; i < CLONE_PLACES; i++) {
		out.frames.n = 0;
		walk_rax(MADE + CLONE + clone_places[i][0], 3, va(8), CLONE_RAX, false, PY_MARK_NONE);
		ck_assert_str_eq(drawn(), "JCM");
		ck_assert_int_eq(out.end, UNWIND_END_DONE);
		/* Nobody called from there. */
		stack[3] = at(CALLER) + 1;
		out.frames.n = 0;
		walk_rax(MADE + CLONE + clone_places[i][0], 3, NOWHERE, CLONE_RAX, false, PY_MARK_NONE);
		ck_assert_str_eq(drawn(), "J");
		ck_assert_int_eq(out.end, UNWIND_END_LOST);
		stack[3] = at(CALLER);
	}
}
END_TEST

/* With any marking: before 3.11 as well, where the frame pointer would be followed. */
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

/* The entry, at MADE: pushes, call, pops. Returns the address behind its call. */
static uint64_t jit_entry(void)
{
	static const uint8_t code[] = { 0x41, 0x57, 0x41, 0x56, 0x41, 0x55, 0x41, 0x54, 0x53, 0x49, 0x89,
		0xfc, 0xe8, 1, 2, 3, 4, 0x5b, 0x41, 0x5c, 0x41, 0x5d, 0x41, 0x5e, 0x41, 0x5f, 0xc3 };

	memcpy(made, code, sizeof(code));
	return MADE + 17;
}

/* The compiled code's stack from word 0 on: the loop's rbp (`saved`), the entry's frame, then the loop's. */
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
	ck_assert_uint_eq(fr->saved[UNWIND_RBX], 0xb5);
	ck_assert_uint_eq(fr->saved[UNWIND_R15], 0xb9);
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

/* Two words could be the frame pointer, and they say different things: neither is believed. */
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
		.rbp_below_cfa = 16,
		.rbp_known = true };
	walk(MADE + 0x200, 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "JGCM"); /* resumed by the model */
	ck_assert_uint_eq(out.frames.at[1].cfa, va(42));
}
END_TEST

START_TEST(jit_entry_half_done)
{
	/* Behind two of its pushes; before two of its pops. */
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

/* --- the other ways --- */

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

/* Known by pc and sp only. The first word that looks like a saved rbp leads nowhere; the next one through the marker to
 * the end. */
START_TEST(frame_pointer_is_guessed_and_verified)
{
	stack[3] = va(30);
	stack[4] = at(LEAF);
	stack[30] = va(60);
	stack[31] = at(LOOP);
	loop(60, at(CALLER), va(80));
	stack[64] = at(MAIN);
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "LlCM"); /* a return address was passed over: said */
	ck_assert_uint_eq(out.frames.at[0].cfa, va(32));
	ck_assert(out.frames.at[0].exact);
}
END_TEST

/* The first return address is over a word that fits. Without a marker in the frame it may be its caller's. */
START_TEST(frame_pointer_that_is_the_first)
{
	stack[30] = va(60);
	stack[31] = at(LOOP);
	loop(60, at(CALLER), va(80));
	stack[64] = at(MAIN);
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "LlCM");
}
END_TEST

/* With one, the other activation's confirms it. */
START_TEST(frame_pointer_that_a_marker_measures)
{
	loop(30, at(LOOP), va(60));
	loop(60, at(CALLER), va(80));
	stack[64] = at(MAIN);
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "LLCM");
}
END_TEST

/* What an earlier call has left in the frame leads to the frame's own end, through another function: it would hold the
 * marker, just where the loop has it. */
START_TEST(frame_pointer_of_an_earlier_call)
{
	stack[20] = va(60);
	stack[21] = at(FRAMED);
	loop(60, at(CALLER), va(80));
	stack[64] = stack[81] = at(MAIN);
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "LcM");
	ck_assert_uint_eq(out.frames.at[0].cfa, va(62));
}
END_TEST

/* The same behind code that nothing describes. */
START_TEST(guess_that_no_loop_confirms)
{
	loop(40, at(LOOP), 0);
	loop(90, at(CALLER), 0);
	stack[94] = at(MAIN);
	model = (struct walk_model){ .known = true,
		.pc = at(LOOP),
		.cfa_above_marker = MARKER_BELOW,
		.sp_below_cfa = 31 * 8,
		.rbp_below_cfa = 16,
		.rbp_known = true };
	stack[10] = va(40);
	stack[11] = at(FRAMED);
	stack[40] = va(90);
	walk(at(ALIEN), 1, va(10), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGLCM");
	ck_assert_uint_eq(out.frames.at[1].cfa, va(42));
}
END_TEST

/* No word looks like one. */
START_TEST(frame_pointer_that_nothing_verifies)
{
	stack[3] = va(30); /* no return address over it */
	stack[30] = va(60);
	stack[40] = va(30); /* leads down */
	stack[41] = at(CALLER);
	marker(va(20));
	walk(at(LOOP), 1, 0, true, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "L");
}
END_TEST

/* Bytes that tell of a caller say nothing in a 32-bit process. */
START_TEST(narrow_process_is_left_alone)
{
	static const uint8_t jump[] = { 0x41, 0xff, 0xe3 };
	struct fault f = { 0 };

	Prelease(P, 0);
	grab(true);
	memcpy(made + 0x100, jump, sizeof(jump));
	stack[10] = at(MAIN);
	ck_assert(vec_push(&out.frames,
	    ((struct native_frame){ .pc = MADE + 0x100, .sp = va(10), .exact = true, .no_cfi = true })));
	ck_assert_int_eq(
	    walk_pass_stub(&(struct walk){ P, NULL, &python, &model, &out, &f, false, 0, NULL, NULL }),
	    RES_NONE);
}
END_TEST

START_TEST(resumed_by_the_model)
{
	/* The first activation is seen whole; then code that nothing describes. */
	stack[1] = at(LOOP);
	loop(30, at(ALIEN), NOWHERE);
	loop(90, at(CALLER), 0);
	stack[94] = at(MAIN);
	walk(at(LEAF), 1, va(30), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "FLAGCM");
	ck_assert_uint_eq(out.frames.at[3].cfa, va(92));
}
END_TEST

START_TEST(resumed_by_trial)
{
	loop(30, at(CALLER), 0);
	stack[34] = at(MAIN);
	walk(at(ALIEN), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGcM"); /* nothing confirms it: marked */
	ck_assert_uint_eq(out.frames.at[1].cfa, va(32));
}
END_TEST

/* A second marker that lies as far below its CFA makes it certain. */
START_TEST(trial_confirmed_by_a_second_marker)
{
	loop(30, at(FIXED), 0);
	loop(52, at(CALLER), 0);
	stack[56] = at(MAIN);
	walk(at(ALIEN), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "AGXCM");
	ck_assert_uint_eq(out.frames.at[1].cfa, va(32));
}
END_TEST

/* No distance leads to the end of the stack: better a short stack than a made-up one. */
START_TEST(trial_that_fails)
{
	loop(30, at(ALIEN), 0);
	walk(at(ALIEN), 1, NOWHERE, false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "A");
}
END_TEST

/* A guess by frame pointer that meets the marker where the model has it stands, unmarked. */
START_TEST(guess_confirmed_by_a_marker)
{
	stack[20] = va(60);
	stack[21] = at(LOOP);
	loop(60, at(CALLER), 0);
	stack[64] = at(MAIN);
	walk(at(ALIEN), 1, va(20), false, PY_MARK_ENTRY);
	ck_assert_str_eq(drawn(), "ALCM");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk");
	TCase *t = tcase_create("walk");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, stub_is_passed_by_its_code);
	tcase_add_test(t, clone_leads_to_the_caller_only);
	tcase_add_test(t, jit_is_left_through_its_entry);
	tcase_add_test(t, jit_that_left_rbp_alone);
	tcase_add_test(t, jit_with_two_answers);
	tcase_add_test(t, jit_that_contradicts_the_model);
	tcase_add_test(t, jit_entry_half_done);
	tcase_add_test(t, jit_twice);
	tcase_add_test(t, trampoline_is_passed_by_its_code);
	tcase_add_test(t, trampoline_outweighs_a_frame_pointer);
	tcase_add_test(t, frame_pointer_is_guessed_and_verified);
	tcase_add_test(t, frame_pointer_that_is_the_first);
	tcase_add_test(t, frame_pointer_that_a_marker_measures);
	tcase_add_test(t, frame_pointer_of_an_earlier_call);
	tcase_add_test(t, frame_pointer_that_nothing_verifies);
	tcase_add_test(t, narrow_process_is_left_alone);
	tcase_add_test(t, resumed_by_the_model);
	tcase_add_test(t, resumed_by_trial);
	tcase_add_test(t, trial_confirmed_by_a_second_marker);
	tcase_add_test(t, trial_that_fails);
	tcase_add_test(t, guess_confirmed_by_a_marker);
	tcase_add_test(t, guess_that_no_loop_confirms);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
