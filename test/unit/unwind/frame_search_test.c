/* The frame pointer of an activation of which pc and sp are known, and pushed words, on drawn
 * stacks and made-up code: which of several places is used, and when none is.
 *
 *   start ──> g ──> f   g calls f and h by name, and by registers; the thread is in f */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/elf_builder.h"
#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/x86_64_regs.h"
#include "unwind/frame_search.h"

enum {
	BASE = 0x400000,
	CODE = BASE + 0x1000,
	F = CODE,
	G = CODE + 0x100,
	H = CODE + 0x200,
	START = CODE + 0x300,
	FUNCTION = 0x80, /* bytes of each */
	BY_NAME = G + 0x10,
	OTHER = G + 0x20,
	BY_REGISTER = G + 0x30,
	STACK = 0x700000,
	SIZE = 0x20, /* bytes that f subtracts from sp */
	STEPS = 100000
};

struct drawn {
	uint8_t file[0x2000];
	uint64_t stack[0x200];
	struct fake_segment segments[3];
	struct fake_map maps[4];
	struct fake_process fake;
	char path[32];
	struct memory *mem;
	struct cfi_row rows[4], entries[4]; /* entries: at the function's start */
	bool parts;                         /* they start with complete frames */
	uint64_t steps;
	struct engine_target target;
	struct frame_search guess;
};

static void put(struct drawn *d, uint64_t at, uint64_t fp, uint64_t ra)
{
	d->stack[at / 8] = fp;
	d->stack[at / 8 + 1] = ra;
}

static void code(struct drawn *d, uint64_t va, const void *bytes, size_t n)
{
	memcpy(d->file + (va - BASE), bytes, n);
}

/* The call that returns to ra. */
static void call(struct drawn *d, uint64_t ra, uint64_t target)
{
	int32_t rel = (int32_t)(target - ra);

	code(d, ra - 5, "\xe8", 1);
	code(d, ra - 4, &rel, sizeof(rel));
}

/* Every function has a frame pointer; start is the oldest. */
static bool step(void *engine, struct activation *a, bool *oldest)
{
	struct drawn *d = engine;
	uint64_t fp = a->regs.reg[X86_64_RBP], ra, saved;

	*oldest = a->regs.reg[X86_64_PC] >= START && a->regs.reg[X86_64_PC] < START + FUNCTION;
	if (*oldest || a->regs.reg[X86_64_PC] < CODE || a->regs.reg[X86_64_PC] >= START + FUNCTION ||
	    !memory_word(d->mem, fp, &saved) || !memory_word(d->mem, fp + 8, &ra))
		return false;
	regs_set(&a->regs, X86_64_RBP, saved);
	regs_set(&a->regs, X86_64_RSP, fp + 16);
	regs_set(&a->regs, X86_64_PC, ra);
	a->exact = false;
	return true;
}

static const struct cfi_row *row(void *engine, uint64_t pc)
{
	const struct drawn *d = engine;

	for (size_t i = 0; i < 4; i++) {
		if (pc == d->rows[i].start && !d->parts)
			return &d->entries[i];
		if (pc >= d->rows[i].start && pc < d->rows[i].end)
			return &d->rows[i];
	}
	return NULL;
}

/* f in g in start: the true frame is at SIZE, g's at 0x100. */
static void drawn_init(struct drawn *d, uint64_t ra, const void *prologue, size_t n)
{
	static const uint64_t starts[] = { F, G, H, START };
	struct elf_builder b;
	uint64_t text;
	int fd;

	memset(d, 0, sizeof(*d));
	elf_builder_start(&b, ET_DYN);
	text = elf_builder_add(&b, NULL, 0x1000, 0x1000);
	ck_assert_uint_eq(text, 0x1000);
	elf_builder_segment(&b, PT_LOAD, PF_R, 0, 0, 0x1000, 0x1000);
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, text, text, 0x1000, 0x1000);
	elf_builder_finish(&b);
	memcpy(d->file, b.bytes, sizeof(d->file));
	elf_builder_free(&b);
	memset(d->file + 0x1000, 0x90, 0x1000);
	code(d, F + 4, prologue, n);
	call(d, BY_NAME, F);
	call(d, OTHER, H);
	code(d, BY_REGISTER - 2, "\xff\xd0", 2);
	call(d, START + 0x10, G);
	strcpy(d->path, "/tmp/guess_test.XXXXXX");
	fd = mkstemp(d->path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, d->file, sizeof(d->file)), (ssize_t)sizeof(d->file));
	(void)close(fd);

	put(d, SIZE, STACK + 0x100, ra);
	put(d, 0x100, 0, START + 0x10);
	d->segments[0] = (struct fake_segment){ BASE, d->file, sizeof(d->file) };
	d->segments[1] = (struct fake_segment){ STACK, d->stack, sizeof(d->stack) };
	d->maps[0] = (struct fake_map){ BASE, 0x1000, MA_READ, 0, d->path };
	d->maps[1] = (struct fake_map){ CODE, 0x1000, MA_READ | MA_EXEC, 0x1000, d->path };
	d->maps[2] = (struct fake_map){ STACK, sizeof(d->stack), MA_READ | MA_WRITE, 0, NULL };
	d->fake = (struct fake_process){ .segments = d->segments, .maps = d->maps };
	for (size_t i = 0; i < 4; i++) {
		d->rows[i] = (struct cfi_row){ .start = starts[i], .end = starts[i] + FUNCTION };
		d->rows[i].cfa = (struct cfi_rule){ CFI_REGISTER, X86_64_RBP, 0, { 16 } };
	}
	for (size_t i = 0; i < 4; i++) {
		d->entries[i] = d->rows[i];
		d->entries[i].cfa = (struct cfi_rule){ CFI_REGISTER, X86_64_RSP, 0, { 8 } };
	}
	d->steps = STEPS;
	d->target.P = fake_grab(&d->fake);
	ck_assert_ptr_nonnull(d->target.P);
	d->mem = d->target.mem = memory_create(d->target.P);
	d->target.arch = &arch_x86_64;
	d->guess.t = &d->target;
	d->guess.step = step;
	d->guess.row = row;
	d->guess.engine = d;
	d->guess.steps = &d->steps;
}

/* The place that is taken, from sp; -1: none. */
static int64_t taken_at(struct drawn *d, bool exact)
{
	struct activation a = { .exact = exact };
	uint64_t fp;

	regs_set(&a.regs, X86_64_PC, F + 0x40);
	regs_set(&a.regs, X86_64_RSP, STACK);
	return frame_search_fp(&d->guess, &a, &fp) ? (int64_t)(fp - STACK) : -1;
}

static int64_t taken(struct drawn *d)
{
	return taken_at(d, false);
}

static void drawn_free(struct drawn *d)
{
	memory_destroy(d->mem);
	Prelease(d->target.P, 0);
	(void)unlink(d->path);
}

/* How f was called, another frame that its locals have from before (0: none), and the result. */
static const struct scene {
	const char *what;
	uint64_t ra, stale_at, stale_ra;
	int64_t taken;
} scenes[] = {
	{ "called by its name", BY_NAME, 0, 0, SIZE },
	{ "called through a register", BY_REGISTER, 0, 0, SIZE },
	{ "another was called by its name", OTHER, 0, 0, -1 },
	{ "no call", G + 0x44, 0, 0, -1 },
	{ "one more, elsewhere", BY_NAME, 0x10, BY_REGISTER, SIZE },
	{ "one more, by name, at no size of its own", BY_NAME, 0x10, BY_NAME, SIZE },
	{ "one more, by name, at a size of its own", BY_NAME, 0x40, BY_NAME, -1 },
	{ "two that may be anything", BY_REGISTER, 0x10, BY_REGISTER, -1 },
	{ "reached by a jump from h, with a remnant", OTHER, 0x10, BY_REGISTER, -1 },
};

static const uint8_t prologue[] = { 0x48, 0x83, 0xec, SIZE, 0x48, 0x83, 0xec, 0x40 };

START_TEST(which_place)
{
	const struct scene *s = &scenes[_i];
	struct drawn d;

	drawn_init(&d, s->ra, prologue, sizeof(prologue));
	if (s->stale_ra != 0)
		put(&d, s->stale_at, STACK + 0x100, s->stale_ra);
	ck_assert_msg(taken(&d) == s->taken, "%s", s->what);
	drawn_free(&d);
}
END_TEST

/* f has saved two registers below its frame pointer and has restored them: it is about to return,
 * and sp is `left` bytes below the frame pointer. A remnant further up is proven as well as its own
 * frame, so none is used. In a call both registers are on the stack, so its frame cannot be that
 * near. */
static const struct ending {
	const char *what;
	uint64_t left, ra;
	bool exact, stale;
	int64_t taken;
} endings[] = {
	{ "all are back", 0, BY_NAME, true, false, 0 },
	{ "one is", 8, BY_NAME, true, false, 8 },
	{ "all, with a remnant", 0, BY_NAME, true, true, -1 },
	{ "one, with a remnant", 8, BY_NAME, true, true, -1 },
	{ "one, and the call is of another", 8, OTHER, true, true, -1 },
	{ "in a call", 8, BY_NAME, false, true, SIZE },
};

START_TEST(about_to_return)
{
	static const uint64_t below[] = { [X86_64_RBX] = 32, [12] = 24 };
	const struct ending *e = &endings[_i];
	struct drawn d;

	drawn_init(&d, BY_REGISTER, prologue, sizeof(prologue));
	for (unsigned reg = X86_64_RBX; reg <= 12; reg += 12 - X86_64_RBX) {
		d.rows[0].regs[reg] = (struct cfi_rule){ CFI_AT, 0, 0, { .offset = -(int64_t)below[reg] } };
		arch_set_add(&d.rows[0].set, reg);
	}
	if (!e->stale)
		put(&d, SIZE, 0, 0);
	put(&d, e->left, STACK + 0x100, e->ra);
	ck_assert_msg(taken_at(&d, e->exact) == e->taken, "%s", e->what);
	drawn_free(&d);
}
END_TEST

/* In the file as well. */
static void patch(struct drawn *d, uint64_t va, const void *bytes, size_t n)
{
	FILE *file = fopen(d->path, "r+");

	code(d, va, bytes, n);
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fseek(file, (long)(va - BASE), SEEK_SET), 0);
	ck_assert_uint_eq(fwrite(bytes, 1, n, file), n);
	ck_assert_int_eq(fclose(file), 0);
}

/* g has called h, whose last act is to jump to f, always or on a condition. */
START_TEST(reached_by_a_jump)
{
	static const int32_t rel[] = { F - (H + 0x25), F + 4 - (H + 0x25) };
	static const char *const jumps[] = { "\xe9", "\x85" };
	struct drawn d;

	for (int i = 0; i < 2; i++) {
		drawn_init(&d, OTHER, prologue, sizeof(prologue));
		ck_assert_int_eq(taken(&d), -1);
		drawn_free(&d);
		drawn_init(&d, OTHER, prologue, sizeof(prologue));
		patch(&d, H + 0x20, jumps[i], 1);
		patch(&d, H + 0x21, &rel[0], sizeof(rel[0]));
		ck_assert_int_eq(taken(&d), SIZE);
		drawn_free(&d);
		drawn_init(&d, OTHER, prologue, sizeof(prologue));
		patch(&d, H + 0x20, jumps[i], 1);
		patch(&d, H + 0x21, &rel[1], sizeof(rel[1])); /* into f */
		ck_assert_int_eq(taken(&d), -1);
		drawn_free(&d);
	}
}
END_TEST

/* If f stores registers after it has moved the stack pointer, they are inside its frame, which is
 * smaller than if it had pushed them. There is a remnant where none of its frames can be. */
START_TEST(registers_stored)
{
	static const uint64_t below[] = { [X86_64_RBX] = 32, [12] = 24 };
	struct drawn d;

	for (int stored = 0; stored <= 2; stored++) {
		drawn_init(&d, 0, prologue, sizeof(prologue));
		for (unsigned reg = X86_64_RBX; reg <= 12; reg += 12 - X86_64_RBX) {
			d.rows[0].regs[reg] =
			    (struct cfi_rule){ CFI_AT, 0, 0, { .offset = -(int64_t)below[reg] } };
			arch_set_add(&d.rows[0].set, reg);
		}
		put(&d, SIZE + 16 - 8 * (uint64_t)stored, STACK + 0x100, BY_NAME);
		put(&d, 0x58, STACK + 0x100, BY_REGISTER);
		ck_assert_int_eq(taken(&d), SIZE + 16 - 8 * stored);
		drawn_free(&d);
	}
}
END_TEST

/* A call that names f is where no frame of f is known to be, in a function whose own caller is not
 * proven. Any other may be a remnant. */
START_TEST(named_but_not_proven)
{
	struct drawn d;

	drawn_init(&d, 0, prologue, sizeof(prologue));
	put(&d, 0x10, STACK + 0x100, BY_REGISTER);
	ck_assert_int_eq(taken(&d), 0x10);
	drawn_free(&d);
	drawn_init(&d, 0, prologue, sizeof(prologue));
	put(&d, 0x10, STACK + 0x100, BY_REGISTER);
	put(&d, 0x58, STACK + 0x90, BY_NAME);
	put(&d, 0x90, STACK + 0x100, G + 0x44);
	ck_assert_int_eq(taken(&d), -1);
	drawn_free(&d);
}
END_TEST

/* With too few steps for all places, the one proven so far is not used. */
START_TEST(steps_run_out)
{
	uint64_t whole;
	struct drawn d;

	drawn_init(&d, BY_NAME, prologue, sizeof(prologue));
	ck_assert_int_eq(taken(&d), SIZE);
	whole = STEPS - d.steps;
	ck_assert_uint_gt(whole, 4);
	for (uint64_t steps = 0; steps <= whole; steps++) {
		d.steps = steps;
		ck_assert_int_eq(taken(&d), -1);
	}
	d.steps = whole + 1;
	ck_assert_int_eq(taken(&d), SIZE);
	drawn_free(&d);
}
END_TEST

/* Other code shows the frame size of a part of a function. */
START_TEST(part_of_a_function)
{
	struct drawn d;

	drawn_init(&d, BY_NAME, prologue, sizeof(prologue));
	d.parts = true;
	ck_assert_int_eq(taken(&d), -1);
	drawn_free(&d);
}
END_TEST

/* f was called by a part of a function, which no call names. A call of another part further up is
 * no contradiction. */
START_TEST(called_by_a_part)
{
	struct drawn d;

	for (int i = 0; i < 2; i++) {
		drawn_init(&d, BY_REGISTER, prologue, sizeof(prologue));
		put(&d, SIZE, STACK + SIZE + 0x10, BY_REGISTER);
		put(&d, SIZE + 0x10, STACK + 0x100, OTHER); /* in g's stack frame, in the room for f */
		if (i == 1)
			d.entries[1] = d.rows[1];
		ck_assert_int_eq(taken(&d), i == 1 ? SIZE : -1);
		drawn_free(&d);
	}
}
END_TEST

/* A frame of two gigabytes has too many places; one of a size that is not constant has none. */
START_TEST(sizes_of_no_use)
{
	static const uint8_t huge[] = { 0x48, 0x81, 0xec, 0, 0, 0, 0x7f },
			     aligned[] = { 0x48, 0x83, 0xec, SIZE, 0x48, 0x83, 0xe4, 0xc0 };
	struct drawn d;

	drawn_init(&d, BY_NAME, huge, sizeof(huge));
	ck_assert_int_eq(taken(&d), -1);
	ck_assert_uint_eq(d.steps, STEPS);
	drawn_free(&d);
	drawn_init(&d, BY_NAME, aligned, sizeof(aligned));
	ck_assert_int_eq(taken(&d), -1);
	drawn_free(&d);
}
END_TEST

/* gcc -Og allocates by lea, with sizes of its own, which distinguish the frame from a remnant
 * elsewhere. This does not hold if the register is r12. */
START_TEST(sizes_by_lea)
{
	static const uint8_t of_8[] = { 0x48, 0x8d, 0x64, 0x24, 0x100 - SIZE, 0x90, 0x90, 0x90 },
			     of_32[] = { 0x48, 0x8d, 0xa4, 0x24, 0x100 - SIZE, 0xff, 0xff, 0xff },
			     back[] = { 0x48, 0x8d, 0x64, 0x24, SIZE, 0x90, 0x90, 0x90 },
			     of_r12[] = { 0x4c, 0x8d, 0x64, 0x24, 0x100 - SIZE, 0x90, 0x90, 0x90 };
	const uint8_t *const prologues[] = { of_8, of_32, back, of_r12 };
	struct drawn d;

	for (size_t i = 0; i < 4; i++) {
		drawn_init(&d, BY_NAME, prologues[i], sizeof(of_8));
		put(&d, 0x10, STACK + 0x100, BY_NAME);
		ck_assert_int_eq(taken(&d), i < 2 ? SIZE : -1);
		drawn_free(&d);
	}
}
END_TEST

/* Operations on r12 and r13 look like those on rsp and rbp, except for one bit of the prefix. */
START_TEST(other_registers)
{
	static const uint8_t r12[] = { 0x48, 0x83, 0xec, SIZE, 0x49, 0x89, 0xc4, 0x4c, 0x8b, 0xe0, 0x49, 0x83,
		0xe4, 0xf0, 0x4d, 0x8d, 0x67, 8 },
			     size_of_r12[] = { 0x49, 0x83, 0xec, SIZE, 0x48, 0x83, 0xec, 0x40 },
			     from_r13[] = { 0x48, 0x83, 0xec, SIZE, 0x4c, 0x89, 0xec };
	struct drawn d;

	drawn_init(&d, BY_NAME, r12, sizeof(r12));
	ck_assert_int_eq(taken(&d), SIZE);
	drawn_free(&d);
	drawn_init(&d, BY_NAME, from_r13, sizeof(from_r13));
	ck_assert_int_eq(taken(&d), -1);
	drawn_free(&d);
	/* Of two that the call names, the one with the function's own size. */
	drawn_init(&d, BY_NAME, size_of_r12, sizeof(size_of_r12));
	put(&d, 0x40, STACK + 0x100, BY_NAME);
	ck_assert_int_eq(taken(&d), 0x40);
	drawn_free(&d);
}
END_TEST

/* --- words that were pushed --- */

/* Every frame is one word: the return address is at sp + 8. */
static bool step_by_sp(void *engine, struct activation *a, bool *oldest)
{
	struct drawn *d = engine;
	uint64_t pc = a->regs.reg[X86_64_PC], sp = a->regs.reg[X86_64_RSP], ra;

	*oldest = pc >= START && pc < START + FUNCTION;
	if (*oldest || pc < CODE || pc >= START + FUNCTION || !memory_word(d->mem, sp + 8, &ra))
		return false;
	regs_set(&a->regs, X86_64_RSP, sp + 16);
	regs_set(&a->regs, X86_64_PC, ra);
	a->exact = false;
	return true;
}

/* The words that f has pushed and its row does not count (negative: popped), as found; 0: not
 * found. */
static int64_t pushed(struct drawn *d, bool exact)
{
	struct activation a = { .exact = exact };
	uint64_t sp;

	regs_set(&a.regs, X86_64_PC, F + 0x40);
	regs_set(&a.regs, X86_64_RSP, STACK);
	return frame_search_pushed(&d->guess, &a, &sp) ? (int64_t)(sp - STACK) / 8 : 0;
}

/* f with `words` pushed, and its caller. Another return address that leads to the end is further up
 * (0: none). */
static void draw_pushed(struct drawn *d, int64_t words, uint64_t ra, uint64_t other)
{
	drawn_init(d, 0, prologue, sizeof(prologue));
	d->guess.step = step_by_sp;
	for (size_t i = 0; i < 4; i++)
		d->rows[i].cfa.reg = X86_64_RSP;
	memset(d->stack, 0, sizeof(d->stack));
	d->stack[words + 1] = ra;
	d->stack[words + 3] = START + 0x10;
	if (other != 0) {
		d->stack[10] = other;
		d->stack[12] = START + 0x10;
	}
}

START_TEST(pushed_words)
{
	struct drawn d;

	for (int64_t words = -1; words <= 17; words++) {
		draw_pushed(&d, words, BY_NAME, 0);
		ck_assert_int_eq(pushed(&d, true), words <= 16 ? words : 0);
		ck_assert_int_eq(pushed(&d, false), words <= 16 ? words : 0);
		drawn_free(&d);
	}
}
END_TEST

static const struct pushed_scene {
	const char *what;
	uint64_t ra, other;
	int64_t words;
} pushed_scenes[] = {
	{ "called by its name", BY_NAME, 0, 3 },
	{ "called through a register", BY_REGISTER, 0, 3 },
	{ "another was called by its name", OTHER, 0, 0 },
	{ "no call", G + 0x44, 0, 0 },
	{ "the other one is of another function", BY_REGISTER, OTHER, 3 },
	{ "two that may be anything", BY_REGISTER, BY_REGISTER, 0 },
	{ "one of two by its name", BY_NAME, BY_REGISTER, 3 },
	{ "both by its name", BY_NAME, BY_NAME, 0 },
};

START_TEST(which_words)
{
	const struct pushed_scene *s = &pushed_scenes[_i];
	struct drawn d;

	draw_pushed(&d, 3, s->ra, s->other);
	ck_assert_msg(pushed(&d, true) == s->words, "%s", s->what);
	drawn_free(&d);
}
END_TEST

START_TEST(words_not_proven)
{
	struct drawn d;

	/* The stack does not lead to its end. */
	draw_pushed(&d, 3, BY_NAME, 0);
	d.stack[6] = 0;
	ck_assert_int_eq(pushed(&d, true), 0);
	drawn_free(&d);
	/* f's frame is not described by sp. */
	draw_pushed(&d, 3, BY_NAME, 0);
	d.rows[0].cfa.reg = X86_64_RBP;
	ck_assert_int_eq(pushed(&d, true), 0);
	drawn_free(&d);
	/* Not all could be tried. */
	draw_pushed(&d, 3, BY_NAME, 0);
	d.steps = 10;
	ck_assert_int_eq(pushed(&d, true), 0);
	drawn_free(&d);
}
END_TEST

/* Text that is not mapped from its file has its code in memory. */
START_TEST(moved_text)
{
	struct drawn d;

	drawn_init(&d, BY_NAME, prologue, sizeof(prologue));
	d.maps[1].name = NULL;
	d.maps[1].offset = 0;
	ck_assert_int_eq(taken(&d), SIZE);
	drawn_free(&d);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guess");
	TCase *tcase = tcase_create("guess");

	tcase_add_loop_test(tcase, which_place, 0, sizeof(scenes) / sizeof(scenes[0]));
	tcase_add_loop_test(tcase, about_to_return, 0, sizeof(endings) / sizeof(endings[0]));
	tcase_add_test(tcase, reached_by_a_jump);
	tcase_add_test(tcase, registers_stored);
	tcase_add_test(tcase, named_but_not_proven);
	tcase_add_test(tcase, steps_run_out);
	tcase_add_test(tcase, part_of_a_function);
	tcase_add_test(tcase, called_by_a_part);
	tcase_add_test(tcase, sizes_of_no_use);
	tcase_add_test(tcase, sizes_by_lea);
	tcase_add_test(tcase, other_registers);
	tcase_add_test(tcase, pushed_words);
	tcase_add_loop_test(tcase, which_words, 0, sizeof(pushed_scenes) / sizeof(pushed_scenes[0]));
	tcase_add_test(tcase, words_not_proven);
	tcase_add_test(tcase, moved_text);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
