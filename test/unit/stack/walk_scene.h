/* Shared by tests of the walk: a made-up unwinder with a table of each function's frames, stacks
 * drawn as words, code drawn as bytes. */
#ifndef UNIT_WALK_SCENE_H
#define UNIT_WALK_SCENE_H

#include <stdlib.h>
#include <string.h>

#include "stack/walk/walk.h"
#include "stack/walk/walk_markers.h"
#include "stack/walk/walk_recover.h"
#include "stack/walk/walk_stubs.h"
#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/x86_64_regs.h"

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
	SIGNAL,   /* the return address of a handler: pc, sp and rbp of the interrupted frame are at sp */
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
	arch_set_add(&regs->known, dwarf);
}

static bool known(const struct unwind_regs *regs, unsigned dwarf)
{
	return arch_set_has(regs->known, dwarf);
}

/* Go to the caller of a frame with that CFA, which saved rbp at `rbp` (0: not at all). */
static enum unwind_end up(struct unwind_regs *regs, struct native_frame *fr, uint64_t cfa, uint64_t rbp)
{
	uint64_t pc, value;

	if (!word(cfa - 8, &pc) || (rbp != 0 && !word(rbp, &value)) || cfa <= fr->sp)
		return UNWIND_END_LOST;
	if (rbp != 0)
		set(regs, X86_64_RBP, value);
	set(regs, X86_64_PC, pc);
	set(regs, X86_64_RSP, cfa);
	fr->cfa = cfa;
	return UNWIND_END_CAP; /* continue */
}

/* Go to the frame that a signal interrupted. */
static enum unwind_end interrupted(struct unwind_regs *regs, struct native_frame *fr)
{
	static const unsigned dwarf[] = { X86_64_PC, X86_64_RSP, X86_64_RBP };
	uint64_t sp = fr->sp, value;

	fr->signal_frame = true;
	for (size_t i = 0; i < sizeof(dwarf) / sizeof(dwarf[0]); i++) {
		if (!word(sp + 8 * i, &value))
			return UNWIND_END_LOST;
		set(regs, dwarf[i], value);
	}
	fr->cfa = regs->reg[X86_64_RSP];
	return UNWIND_END_CAP; /* continue */
}

static enum unwind_end step(struct unwind_regs *regs, struct native_frame *fr)
{
	uint64_t sp = regs->reg[X86_64_RSP], rbp = regs->reg[X86_64_RBP];
	bool have_rbp = known(regs, X86_64_RBP);

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
	case SIGNAL:
		return interrupted(regs, fr);
	default:
		fr->no_cfi = true;
		return have_rbp && rbp > sp ? up(regs, fr, rbp + 16, rbp) : UNWIND_END_LOST;
	}
}

enum res native_stack_walk(
    struct unwinder *u, const struct unwind_regs *from, size_t cap, struct native_stack *s, struct fault *f)
{
	static const uint8_t dwarf[X86_64_SAVED] = { 3, 6, 12, 13, 14, 15 };
	struct unwind_regs regs = *from;
	bool first = s->frames.n == 0;
	enum unwind_how how = first ? UNWIND_FIRST : UNWIND_RESUMED;

	(void)u, (void)cap, (void)f;
	walks++;
	s->reason = UNWIND_NO_REASON;
	for (s->end = UNWIND_END_CAP; s->end == UNWIND_END_CAP && s->frames.n < WORDS; first = false) {
		struct native_frame fr = { .pc = regs.reg[X86_64_PC],
			.sp = regs.reg[X86_64_RSP],
			.how = (uint8_t)how,
			.exact = first };

		for (unsigned i = 0; i < X86_64_SAVED; i++) {
			fr.saved[i] = regs.reg[dwarf[i]];
			fr.saved_known |= (uint16_t)(known(&regs, dwarf[i]) << i);
		}
		s->end = step(&regs, &fr);
		if (s->end == UNWIND_END_LOST)
			s->reason = fr.no_cfi ? UNWIND_UNDESCRIBED : UNWIND_NO_REGISTER;
		how = fr.no_cfi ? UNWIND_FP : UNWIND_CFI;
		ck_assert(vec_push(&s->frames, fr));
	}
	return RES_OK;
}

/* --- drawing --- */

static void grab(bool is_32bit)
{
	static const struct fake_segment segments[] = { { TEXT, text, sizeof(text) },
		{ MADE, made, sizeof(made) }, { STACK, stack, sizeof(stack) }, { 0 } };
	static const struct fake_map maps[] = { { TEXT, sizeof(text), MA_READ | MA_EXEC, 0, "program" },
		{ STACK, sizeof(stack), MA_READ | MA_WRITE, 0, NULL },
		{ MADE, sizeof(made), MA_READ | MA_EXEC | MA_ANON, 0, NULL }, { 0 } };
	static struct fake_process fake;

	fake = (struct fake_process){ .pid = 1, .is_32bit = is_32bit, .segments = segments, .maps = maps };
	P = fake_grab(&fake);
	ck_assert_ptr_nonnull(P);
}

static void setup(void)
{
	grab(false);
	memset(text, 0x90, sizeof(text));
	memset(made, 0x90, sizeof(made));
	for (int i = 0; i < FUNCTIONS; i++)
		text[i * PAGE + 0x10 - 5] = 0xe8; /* so that 0x10 in each is after a call */
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

/* Draw an activation of the loop whose frame pointer is va(rbp). Its caller continues at pc with
 * its own frame pointer. */
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
	struct walk w = { .P = P,
		.python = &python,
		.model = &model,
		.out = &out,
		.f = &f,
		.place_only = place_only,
		.in_loop = in_loop };
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

/* The walk, one letter per frame, which is the function; G: a gap; upper case: believed. */
static const char *drawn(void)
{
	static const char letters[FUNCTIONS + 1] = "MCLFXARS";
	static char line[WORDS + 1];

	ck_assert_uint_lt(out.frames.n, WORDS);
	for (size_t i = 0; i < out.frames.n; i++) {
		const struct native_frame *fr = &out.frames.at[i];
		uint64_t page = fr->pc / PAGE - TEXT / PAGE;
		char c = fr->gap ? 'G' : page < FUNCTIONS ? letters[page] : 'J';

		line[i] = (char)(fr->how == UNWIND_FP ? c - 'A' + 'a' : c);
	}
	line[out.frames.n] = '\0';
	return line;
}

static const uint64_t NOWHERE = 1; /* a value of rbp that leads nowhere */

#endif
