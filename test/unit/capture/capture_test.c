/* Copying the stacks of an LWP: its own, and from an alternate signal stack the interrupted one,
 * which is found by the kernel's signal frame only, not by anything that resembles one. */
#include "capture/capture.h"

#include <stdlib.h>
#include <string.h>

#include "os/mappings.h"
#include "support/fake_process.h"
#include "support/run_suite.h"
#include "unit/python/py_image.h"

enum {
	ALT = 0x20000,   /* the alternate stack */
	OTHER = 0x60000, /* the interrupted one */
	CODE = 0x90000,  /* code that the program can write */
	YOUNG = 0x10000000,
	SIZE = 0x4000,
	SP = ALT + 0x200,
	CONTEXT = ALT + 0x600, /* the signal frame's ucontext */
	INTERRUPTED = OTHER + 0x1000
};

/* Words of a ucontext (Linux arch/x86/include/uapi/asm/ucontext.h). */
enum { FLAGS, LINK, BASE, STACK_FLAGS, LENGTH, REGISTER_SP = 20, RFLAGS = 22, SEGMENTS };

static uint64_t alt[SIZE / 8], other[SIZE / 8];
static uint8_t code[SIZE];
static struct fake_map maps[4];
static struct ps_prochandle *live;
static struct capture c;
static struct capture_lwp l;

static uint64_t *context(size_t word)
{
	return &alt[(CONTEXT - ALT) / 8 + word];
}

static void setup(void)
{
	static const struct fake_segment segments[] = { { ALT, alt, SIZE }, { OTHER, other, SIZE },
		{ CODE, code, SIZE }, { 0 } };
	static struct fake_process fake;
	struct fault f = { 0 };

	maps[0] = (struct fake_map){ ALT, SIZE, MA_READ | MA_WRITE, 0, NULL };
	maps[1] = (struct fake_map){ OTHER, SIZE, MA_READ | MA_WRITE, 0, NULL };
	maps[2] = (struct fake_map){ CODE, SIZE, MA_READ | MA_WRITE | MA_EXEC, 0, NULL };
	fake = (struct fake_process){ .pid = 1, .segments = segments, .maps = maps };
	live = fake_grab(&fake);
	ck_assert_ptr_nonnull(live);
	memset(&c, 0, sizeof(c));
	c.request.live = live;
	ck_assert_int_eq(snapshot_create(live, &c.snapshot, &f), RES_OK);
	c.P = snapshot_handle(c.snapshot);
	memset(alt, 0, sizeof(alt));
	memset(other, 0x11, sizeof(other));
	memset(code, 0x22, sizeof(code));
	*context(FLAGS) = 6;
	*context(BASE) = ALT;
	*context(LENGTH) = SIZE;
	*context(REGISTER_SP) = INTERRUPTED;
	*context(RFLAGS) = 0x246;
	*context(SEGMENTS) = 0x002b000000000033;
	l = (struct capture_lwp){ .id = 1, .known_regs = REGS_ALL };
	l.regs[R_SP] = SP;
	l.regs[R_PC] = CODE + 0x100;
}

static void teardown(void)
{
	snapshot_destroy(c.snapshot);
	Prelease(live, 0);
}

/* True if the word at va is readable after the seal. */
static bool kept(uint64_t va)
{
	uint64_t word;

	snapshot_seal(c.snapshot);
	return Pread(c.P, &word, sizeof(word), va) == (ssize_t)sizeof(word);
}

START_TEST(interrupted_stack_is_copied_too)
{
	capture_stack(&c, &l);
	ck_assert(!capture_is_incomplete(&l));
	ck_assert_uint_ne(l.copies[1], 0);
	ck_assert(kept(SP) && kept(ALT + SIZE - 8));
	ck_assert(kept(INTERRUPTED) && kept(OTHER + SIZE - 8));
	ck_assert(!kept(OTHER));
}
END_TEST

/* SS_AUTODISARM in the flags. */
START_TEST(stack_that_disarms_itself)
{
	*context(STACK_FLAGS) = 1U << 31;
	capture_stack(&c, &l);
	ck_assert_uint_ne(l.copies[1], 0);
}
END_TEST

START_TEST(what_looks_like_a_signal_frame)
{
	static const struct {
		size_t word;
		uint64_t value;
	} odd[] = { { FLAGS, 8 }, { LINK, ALT }, { BASE, CONTEXT + 8 }, { STACK_FLAGS, 3 }, { LENGTH, 512 },
		{ LENGTH, CONTEXT - ALT }, { LENGTH, 1ULL << 40 }, { REGISTER_SP, ALT + 0x1000 },
		{ REGISTER_SP, 0x50000 }, { RFLAGS, 0x46 }, { SEGMENTS, 0x33000000 } };

	*context(odd[_i].word) = odd[_i].value;
	capture_stack(&c, &l);
	ck_assert_uint_eq(l.copies[1], 0);
	ck_assert(!capture_is_incomplete(&l));
	ck_assert(kept(SP));
	ck_assert(!kept(INTERRUPTED));
}
END_TEST

/* The alternate stack is inside a frame of the thread's own stack, so the interrupted frames are
 * below it. */
START_TEST(alternate_stack_in_a_frame)
{
	l.thread_pointer = ALT + SIZE;
	l.regs[R_SP] = ALT + 0x2000;
	memmove(&alt[(0x2600) / 8], context(0), 30 * 8);
	memset(context(0), 0, 30 * 8);
	alt[0x2600 / 8 + BASE] = ALT + 0x2000;
	alt[0x2600 / 8 + LENGTH] = 0x1000;
	alt[0x2600 / 8 + REGISTER_SP] = _i == 0 ? ALT + 0x800 : ALT + 0x3800; /* or above, which is copied */
	capture_stack(&c, &l);
	ck_assert(!capture_is_incomplete(&l));
	ck_assert(kept(ALT + 0x2000) && kept(ALT + SIZE - 8));
	ck_assert(kept(ALT + 0x800) == (_i == 0) && kept(ALT + 0x1ff0 - 0x100) == (_i == 0));
	ck_assert(!kept(ALT + 0x700));
	ck_assert(capture_stack_has(&c, &l, ALT + 0x1000) == (_i == 0));
	ck_assert(!capture_stack_has(&c, &l, ALT + 0x700) && !capture_stack_has(&c, &l, ALT + SIZE));
}
END_TEST

/* A thread's own stack. A signal frame on it shows that there is no alternate stack. */
START_TEST(own_stack_ends_at_the_control_block)
{
	*context(BASE) = *context(LENGTH) = 0;
	*context(STACK_FLAGS) = 2;
	l.thread_pointer = ALT + 0x2000;
	capture_stack(&c, &l);
	ck_assert_uint_eq(l.copies[1], 0);
	ck_assert(capture_stack_has(&c, &l, ALT + 0x1ff8));
	ck_assert(!capture_stack_has(&c, &l, ALT + 0x2000));
	ck_assert(!capture_stack_has(&c, &l, SP - 8));
	ck_assert(kept(ALT + 0x1ff8));
	ck_assert(!kept(ALT + 0x3000));
}
END_TEST

START_TEST(stack_that_cannot_be_read)
{
	l.regs[R_SP] = 0x50000;
	capture_stack(&c, &l);
	ck_assert_int_eq(l.note.missing, MISSING_STACK);
	ck_assert_ptr_nonnull(strstr(l.note.text, "0x50000"));
}
END_TEST

/* Code that the program can write, such as a closure of libffi, may have changed by the time it
 * is decoded. */
START_TEST(writable_code_at_pc_is_kept)
{
	capture_stack(&c, &l);
	snapshot_forget(c.snapshot); /* as for the next LWP */
	ck_assert(kept(CODE + 0x100));
}
END_TEST

/* A stack that is younger than the maps, of a thread whose pointer is unknown, is captured
 * twice: nothing of the first copy may be found under the second. */
START_TEST(nothing_of_a_stack_stays_behind)
{
	static uint64_t young[(3 << 20) / 8];
	static const struct fake_segment segments[] = { { YOUNG, young, sizeof(young) }, { 0 } };
	static const struct fake_map none[] = { { CODE, SIZE, MA_READ, 0, NULL }, { 0 } };
	static struct fake_process fake; /* until the teardown */
	struct fault f = { 0 };
	uint64_t word = 0;

	teardown();
	fake = (struct fake_process){ .pid = 1, .segments = segments, .maps = none };
	live = fake_grab(&fake);
	c.request.live = live;
	ck_assert_int_eq(snapshot_create(live, &c.snapshot, &f), RES_OK);
	c.P = snapshot_handle(c.snapshot);
	for (int era = 1; era <= 2; era++) {
		for (size_t i = 0; i < sizeof(young) / 8; i++)
			young[i] = (uint64_t)era;
		l.known_regs = REGS_ALL;
		l.regs[R_SP] = (prgreg_t)(YOUNG + 0x1000U * (_i == 0 ? (unsigned)era : 3U - (unsigned)era));
		capture_stack(&c, &l);
		ck_assert(!capture_is_incomplete(&l));
		ck_assert(snapshot_whole(c.snapshot, l.copies[0]));
		for (uint64_t va = (uint64_t)l.regs[R_SP]; va < YOUNG + sizeof(young); va += 0x8000) {
			ck_assert_int_eq(Pread(c.P, &word, sizeof(word), va), sizeof(word));
			ck_assert_uint_eq(word, (uint64_t)era);
		}
		capture_undo(&c, &l);
	}
	snapshot_forget(c.snapshot);
	snapshot_seal(c.snapshot);
	for (uint64_t va = YOUNG; va < YOUNG + sizeof(young); va += 0x8000)
		ck_assert_int_eq(Pread(c.P, &word, sizeof(word), va), 0);
}
END_TEST

/* Make the process one with these segments, and no known mapping. */
static void young_process(struct fake_process *fake, const struct fake_segment *segments)
{
	static const struct fake_map none[] = { { CODE, SIZE, MA_READ, 0, NULL }, { 0 } };
	struct fault f = { 0 };

	teardown();
	*fake = (struct fake_process){ .pid = 1, .segments = segments, .maps = none };
	live = fake_grab(fake);
	c.request.live = live;
	ck_assert_int_eq(snapshot_create(live, &c.snapshot, &f), RES_OK);
	c.P = snapshot_handle(c.snapshot);
	fake->reads = 0;
}

/* The own stack of a thread that is younger than all known mappings: one read, and no search for
 * a signal frame. */
START_TEST(stack_of_a_young_thread)
{
	static const struct fake_segment segments[] = { { ALT, alt, SIZE }, { OTHER, other, SIZE }, { 0 } };
	static struct fake_process fake;

	young_process(&fake, segments);
	l.thread_pointer = ALT + 0x2000;
	capture_stack(&c, &l);
	ck_assert(!capture_is_incomplete(&l));
	ck_assert_uint_eq(fake.reads, 1);
	ck_assert_uint_eq(l.copies[1], 0);
	ck_assert(capture_stack_has(&c, &l, ALT + 0x1ff8) && !capture_stack_has(&c, &l, ALT + 0x2000));
	ck_assert(kept(ALT + 0x1ff8) && !kept(ALT + 0x2000));
}
END_TEST

/* The alternate stack is near, but a guard page lies between, or the mapping of the thread's own
 * stack is known. */
START_TEST(alternate_stack_of_a_young_thread)
{
	static const struct fake_segment segments[] = { { ALT, alt, SIZE }, { OTHER, other, SIZE }, { 0 } };
	static struct fake_process fake;

	young_process(&fake, segments);
	l.thread_pointer = OTHER + 0x3000;
	if (_i == 1)
		l.stack = (struct os_range){ OTHER, OTHER + SIZE, false };
	capture_stack(&c, &l);
	ck_assert(!capture_is_incomplete(&l));
	/* Two copies, and the reads that show that the first is complete. */
	ck_assert_uint_le(fake.reads, 3);
	ck_assert(kept(SP) && kept(INTERRUPTED) && kept(OTHER + 0x2ff8));
	ck_assert(!kept(OTHER + 0x3000));
}
END_TEST

/* An alternate stack without a signal frame, and much memory after it: nothing is read beyond
 * the copy. */
START_TEST(nothing_is_sought_beyond_the_copy)
{
	static uint64_t large[(2 << 20) / 8];
	static const struct fake_segment segments[] = { { YOUNG, large, sizeof(large) }, { 0 } };
	static struct fake_process fake;

	young_process(&fake, segments);
	l.stack = (struct os_range){ YOUNG, YOUNG + SIZE, false };
	l.regs[R_SP] = YOUNG + 0x1000;
	capture_stack(&c, &l);
	ck_assert(!capture_is_incomplete(&l));
	ck_assert_uint_eq(fake.reads, 1);
	ck_assert_uint_le(fake.bytes_read, SIZE);
}
END_TEST

/* An activation of 3.13 that is linked while the owner of its entry frame is still a stale word of
 * the stack:
 *
 *   callee → ENTRY (on the C stack) → caller → ENTRY */
struct entered {
	struct image m;
	struct capture c;
	struct capture_lwp l;
	uint64_t callee, entry, caller, oldest;
};

static void draw_entered(struct entered *e, int spec, unsigned owner)
{
	struct image *m = &e->m;
	struct fault f = { 0 };
	uint64_t previous, name;

	memset(e, 0, sizeof(*e));
	image_init(m, &specs[spec], 1 << 16);
	name = image_code(m, "/srv/app.py", "call", 10, "", 0, 64);
	e->caller = image_frame(m, name, 8, 0);
	e->callee = image_frame(m, name, 8, 0);
	e->l =
	    (struct capture_lwp){ .id = 1, .thread_pointer = image_thread_id(m->is), .known_regs = REGS_ALL };
	e->l.regs[R_SP] = (prgreg_t)image_alloc(m, 64);
	e->entry = image_entry(m, e->caller);
	e->oldest = image_entry(m, 0);
	previous = (uint64_t)m->is->f_prev;
	put_word(m, e->caller + previous, 0, e->oldest);
	put_word(m, e->callee + previous, 0, e->entry);
	image_start(m, e->callee);
	image_grab(m);
	e->c.P = m->P;
	ck_assert_int_eq(py_process_create(m->P, &e->c.py, &f), RES_OK);
	put8(m, e->entry, m->is->f_owner, owner);
	capture_states_read(&e->c);
	ck_assert_int_eq(capture_frames(&e->c, &e->l), RES_OK);
	ck_assert_int_eq(e->l.python_is, PYTHON_READ);
}

static void free_entered(struct entered *e)
{
	py_stack_free(&e->l.python);
	py_process_destroy(e->c.py);
	capture_free(&e->c);
	image_free(&e->m);
}

/* Whatever its owner seems to be, it is not a frame, and its link is not followed. */
START_TEST(entry_frame_without_an_owner_yet)
{
	static const unsigned owners[] = { 0, 1, 2, 5, 0xee };
	struct entered e;
	const struct py_stack *s = &e.l.python;

	draw_entered(&e, SPEC_313, owners[_i]);
	ck_assert(s->entering && s->broken);
	ck_assert_uint_eq(s->frames.n, 1);
	ck_assert_uint_eq(s->frames.at[0].addr, e.callee);
	ck_assert_uint_eq(s->runs.n, 1);
	ck_assert_uint_eq(s->runs.at[0].count, 1);
	ck_assert_uint_eq(s->runs.at[0].marker, owners[_i] <= 4 ? e.entry : 0);
	free_entered(&e);
}
END_TEST

START_TEST(entry_frame_with_its_owner)
{
	struct entered e;

	draw_entered(&e, SPEC_313 + _i, 3);
	ck_assert(!e.l.python.entering && !e.l.python.broken);
	ck_assert_uint_eq(e.l.python.frames.n, 2);
	ck_assert_uint_eq(e.l.python.runs.n, 2);
	ck_assert_uint_eq(e.l.python.runs.at[0].marker, e.entry);
	ck_assert_uint_eq(e.l.python.runs.at[1].marker, e.oldest);
	free_entered(&e);
}
END_TEST

/* All frames are in the mapping of sp, as with a stack in the heap: none is an entry frame. */
START_TEST(frames_beside_the_stack)
{
	struct entered e;

	draw_entered(&e, SPEC_313, 3);
	py_stack_free(&e.l.python);
	put_word(&e.m, e.callee, e.m.is->f_prev, e.caller);
	e.l.regs[R_SP] = IMAGE_BASE;
	ck_assert_int_eq(capture_frames(&e.c, &e.l), RES_OK);
	ck_assert(!e.l.python.broken);
	ck_assert_uint_eq(e.l.python.runs.n, 1);
	ck_assert_uint_eq(e.l.python.runs.at[0].count, 2);
	free_entered(&e);
}
END_TEST

/* The same for a running LWP: its stack is below its thread pointer. If another LWP's pointer is
 * between them, the frame may be anywhere. */
START_TEST(entry_frame_without_an_owner_of_one_that_runs)
{
	struct image m;
	struct capture running = { .request = { .live = NULL } };
	struct capture_lwp *one;
	struct fault f = { 0 };
	uint64_t entry, oldest, pointers[2], code_object, caller, callee;
	bool is_mine = _i == 0;

	image_init(&m, &specs[SPEC_313], 1 << 16);
	entry = image_entry(&m, 0);
	oldest = image_entry(&m, 0);
	pointers[0] = image_alloc(&m, 64);
	pointers[1] = image_alloc(&m, 64);
	code_object = image_code(&m, "/srv/app.py", "call", 10, "", 0, 64);
	caller = image_frame(&m, code_object, 8, oldest);
	callee = image_frame(&m, code_object, 8, entry);
	put_word(&m, entry, m.is->f_prev, caller);
	put8(&m, entry, m.is->f_owner, 0);
	put_word(&m, m.tstate, m.is->ts_tid, pointers[!is_mine]);
	image_start(&m, callee);
	image_grab(&m);
	running.P = m.P;
	ck_assert_int_eq(py_process_create(m.P, &running.py, &f), RES_OK);
	ck_assert_int_eq(capture_add(&running, 1, pointers[0]), 0);
	ck_assert_int_eq(capture_add(&running, 2, pointers[1]), 1);
	capture_states_read(&running);
	one = &running.lwps.at[!is_mine];
	ck_assert_int_eq(capture_frames(&running, one), RES_OK);
	ck_assert_uint_eq(one->python.frames.n, is_mine ? 1 : 3);
	ck_assert_uint_eq(one->python.frames.at[0].addr, callee);
	ck_assert(one->python.broken == is_mine && one->python.entering == is_mine);
	py_process_destroy(running.py);
	capture_free(&running);
	image_free(&m);
}
END_TEST

/* The chain of 3.9 in frames_cut_test.c, with its missing frame on the stack, at an odd word of
 * a 32-bit process. */
START_TEST(missing_frames_are_sought_by_the_word)
{
	const struct spec *is = &specs[_i];
	unsigned word = is->is_32bit ? 4 : 8;
	struct image m;
	struct capture cut;
	struct capture_lwp thread = {
		.id = 1, .thread_pointer = image_thread_id(is), .known_regs = REGS_ALL
	};
	struct fault f = { 0 };
	uint64_t called, caller, inner, values, sp;

	memset(&cut, 0, sizeof(cut));
	image_init(&m, is, 1 << 16);
	called = image_code(&m, "/srv/app.py", "call", 10, "", 0, 64);
	caller = image_frame(&m, called, 8, 0);
	inner = image_frame(&m, called, 8, 0);
	values = image_alloc(&m, 32);
	put_word(&m, inner, is->is_32bit ? 48 : 96, values);      /* its generator */
	put_word(&m, inner, is->is_32bit ? 36 : 72, values + 16); /* its values' end */
	put8(&m, inner, is->f_state, 0);
	image_start(&m, inner);
	sp = image_alloc(&m, 64);
	put_word(&m, sp + 5U * word, 0, caller);
	thread.regs[R_SP] = (prgreg_t)sp;
	thread.regs[0] = -1;
	image_grab(&m);
	cut.P = m.P;
	ck_assert_int_eq(py_process_create(m.P, &cut.py, &f), RES_OK);
	capture_states_read(&cut);
	ck_assert_int_eq(capture_frames(&cut, &thread), RES_OK);
	ck_assert_uint_eq(thread.python.frames.n, 2);
	ck_assert_uint_eq(thread.python.frames.at[1].addr, caller);
	ck_assert(thread.python.frames.at[1].found);
	py_stack_free(&thread.python);
	py_process_destroy(cut.py);
	capture_free(&cut);
	image_free(&m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("capture");
	TCase *t = tcase_create("capture");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, interrupted_stack_is_copied_too);
	tcase_add_test(t, stack_that_disarms_itself);
	tcase_add_loop_test(t, what_looks_like_a_signal_frame, 0, 11);
	tcase_add_loop_test(t, alternate_stack_in_a_frame, 0, 2);
	tcase_add_test(t, own_stack_ends_at_the_control_block);
	tcase_add_test(t, stack_that_cannot_be_read);
	tcase_add_test(t, writable_code_at_pc_is_kept);
	tcase_add_loop_test(t, nothing_of_a_stack_stays_behind, 0, 2);
	tcase_add_test(t, stack_of_a_young_thread);
	tcase_add_loop_test(t, alternate_stack_of_a_young_thread, 0, 2);
	tcase_add_test(t, nothing_is_sought_beyond_the_copy);
	suite_add_tcase(suite, t);
	t = tcase_create("entering");
	tcase_add_loop_test(t, entry_frame_without_an_owner_yet, 0, 5);
	tcase_add_loop_test(t, entry_frame_with_its_owner, 0, 2);
	tcase_add_test(t, frames_beside_the_stack);
	tcase_add_loop_test(t, entry_frame_without_an_owner_of_one_that_runs, 0, 2);
	suite_add_tcase(suite, t);
	t = tcase_create("mend");
	tcase_add_loop_test(t, missing_frames_are_sought_by_the_word, SPEC_39, SPEC_39 + 1);
	tcase_add_loop_test(t, missing_frames_are_sought_by_the_word, SPEC_I386_39, SPEC_I386_39 + 1);
	suite_add_tcase(suite, t);
	return run_made_suite(suite);
}
