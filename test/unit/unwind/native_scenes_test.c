/* Walks over the stacks of test/programs/native_scenes.c in all its builds: every activation that
 * the program reports is found, with its exact sp, and in step scenes at every instruction. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/run_suite.h"
#include "support/tracee.h"
#include "support/x86_64_regs.h"

static const char *const builds[] = { "O2", "O0", "O3fp", "O2now", "O2static", "O2debug" };
enum { BUILDS = sizeof(builds) / sizeof(builds[0]) };

/* The engines by call frame information. */
static const enum unwind_engine engines[] = { UNWIND_ENGINE_CFI, UNWIND_ENGINE_LIBUNWIND };
enum { ENGINES = sizeof(engines) / sizeof(engines[0]) };

static void program_path(char path[512], const char *build)
{
	char self[400];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *unit;

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	unit = strstr(self, "/unit/");
	ck_assert_ptr_nonnull(unit);
	(void)snprintf(path, 512, "%.*s/programs/native_scenes.%s", (int)(unit - self), self, build);
}

struct walked {
	struct tracee t;
	struct ps_prochandle *P;
	struct unwinder *u;
	struct native_stack s;
};

static void scene_begin(struct walked *w, const char *build, const char *scene, enum unwind_engine engine)
{
	char path[512];
	struct fault f;
	int perr = 0;

	memset(w, 0, sizeof(*w));
	program_path(path, build);
	ck_assert_msg(tracee_start(&w->t, path, scene), "%s was not built", path);
	w->P = Pgrab(w->t.pid, PGRAB_RDONLY, &perr);
	ck_assert_msg(w->P != NULL, "Pgrab: %s", Pgrab_error(perr));
	ck_assert_int_eq(unwinder_create(w->P, engine, &w->u, &f), RES_OK);
}

static void scene_walk(struct walked *w, uint32_t known)
{
	struct unwind_regs regs;
	struct fault f;

	tracee_regs(&w->t, &regs);
	arch_set_intersect(&regs.known, (arch_set){ { known } });
	native_stack_free(&w->s);
	w->s = (struct native_stack){ .end = UNWIND_END_LOST };
	ck_assert_int_eq(native_stack_walk(w->u, &regs, 0, &w->s, &f), RES_OK);
}

static void scene_end(struct walked *w)
{
	native_stack_free(&w->s);
	unwinder_destroy(w->u);
	Prelease(w->P, 0);
	tracee_end(&w->t);
}

static void dump(const struct native_stack *s)
{
	for (size_t i = 0; i < s->frames.n && i < 40; i++) {
		const struct native_frame *f = &s->frames.at[i];

		printf("  #%zu pc %" PRIx64 " sp %" PRIx64 " how %d%s, known %x:", i, f->pc, f->sp, f->how,
		    f->no_cfi ? " no cfi" : "", f->saved_known);
		for (unsigned r = 0; r < X86_64_SAVED; r++)
			printf(" %" PRIx64, f->saved[r]);
		printf("\n");
	}
	printf("  end %d %s\n", s->end, s->why);
	(void)fflush(stdout);
}

static const struct native_frame *frame_with(const struct native_stack *s, uint64_t pc, uint64_t sp)
{
	for (size_t i = 0; i < s->frames.n; i++) {
		if (s->frames.at[i].pc == pc && s->frames.at[i].sp == sp)
			return &s->frames.at[i];
	}
	return NULL;
}

/* All that the program reported is found. */
static void expect_said(const struct walked *w, const char *build, const char *scene)
{
	for (size_t i = 0; i < w->t.said_n; i++) {
		const struct said *said = &w->t.said[i];
		const struct native_frame *f = frame_with(&w->s, said->pc, said->sp);

		if (strcmp(said->what, "depth") == 0) {
			ck_assert_uint_ge(w->s.frames.n, said->pc);
			continue;
		}
		if (f == NULL)
			dump(&w->s);
		ck_assert_msg(f != NULL, "%s %s: no frame at %" PRIx64 " sp %" PRIx64, build, scene, said->pc,
		    said->sp);
		ck_assert_int_eq(f->exact, strcmp(said->what, "exact") == 0);
		ck_assert_int_eq(f->how == UNWIND_SIGNAL, strcmp(said->what, "exact") == 0);
	}
}

/* The chain of [sp, cfa) has no holes, and each frame says how it was reached. */
static void expect_chain(const struct walked *w, const char *build, const char *scene)
{
	const struct native_frame *f = w->s.frames.at;

	if (w->s.end != UNWIND_END_DONE)
		dump(&w->s);
	ck_assert_msg(w->s.end == UNWIND_END_DONE, "%s %s: %s", build, scene, w->s.why);
	ck_assert_int_eq(f[0].how, UNWIND_FIRST);
	ck_assert(f[0].exact);
	ck_assert_uint_eq(f[w->s.frames.n - 1].cfa, 0);
	for (size_t i = 0; i + 1 < w->s.frames.n; i++) {
		ck_assert_uint_eq(f[i].cfa, f[i + 1].sp);
		ck_assert_int_eq(f[i].signal_frame, f[i + 1].how == UNWIND_SIGNAL);
		ck_assert(!f[i].signal_frame || f[i].exact);
	}
}

static void check_scene(const char *scene)
{
	for (size_t i = 0; i < BUILDS * ENGINES; i++) {
		size_t b = i / ENGINES;
		struct walked w;

		if (!unwind_engine_built(engines[i % ENGINES]))
			continue;
		scene_begin(&w, builds[b], scene, engines[i % ENGINES]);
		ck_assert_uint_gt(w.t.said_n, 0);
		scene_walk(&w, ~0U);
		expect_chain(&w, builds[b], scene);
		expect_said(&w, builds[b], scene);
		scene_end(&w);
	}
}

static const char *const plain_scenes[] = { "drap", "signal", "altstack", "first_instruction", "null_call",
	"noreturn", "cold", "jit", "jit_bare", "deep", "thread" };

START_TEST(scenes_say_the_truth)
{
	check_scene(plain_scenes[_i]);
}
END_TEST

/* Code that nothing describes is followed without marks. This holds for a thread of which only pc
 * and sp are known too, if the C library below it needs no more. */
START_TEST(code_that_nothing_describes)
{
	static const char *const scenes[] = { "signal", "altstack", "first_instruction", "noreturn", "cold",
		"deep", "thread" };
	static const char *const bare[] = { "O2bare", "O1bare" };
	const char *scene = scenes[_i / 4], *build = bare[_i % 4 / 2];
	enum unwind_engine engine = engines[_i % 2];
	struct walked w;

	if (!unwind_engine_built(engine))
		return;
	scene_begin(&w, build, scene, engine);
	for (int all = 1; all >= 0; all--) {
		if (!all && strcmp(scene, "noreturn") != 0 && strcmp(scene, "cold") != 0)
			break;
		scene_walk(&w, all ? ~0U : 1U << X86_64_PC | 1U << X86_64_RSP);
		expect_chain(&w, build, scene);
		expect_said(&w, build, scene);
		for (size_t i = 0; i < w.s.frames.n; i++) {
			if (w.s.frames.at[i].how == UNWIND_FP || w.s.frames.at[i].no_cfi)
				dump(&w.s);
			ck_assert_msg(w.s.frames.at[i].how != UNWIND_FP && !w.s.frames.at[i].no_cfi,
			    "%s %s %zu", build, scene, i);
		}
	}
	scene_end(&w);
}
END_TEST

START_TEST(guess_behind_generated_code_is_marked)
{
	struct walked w;
	size_t i = 0;

	scene_begin(&w, "O2", "jit", UNWIND_ENGINE_CFI);
	scene_walk(&w, ~0U);
	while (i < w.s.frames.n && !w.s.frames.at[i].no_cfi)
		i++;
	ck_assert_uint_lt(i + 1, w.s.frames.n);
	ck_assert_int_eq(w.s.frames.at[i + 1].how, UNWIND_FP);
	ck_assert(!w.s.frames.at[i + 1].no_cfi);
	ck_assert_uint_eq(w.s.frames.at[i + 1].saved_known, 1U << X86_64_SAVED_RBP);
	scene_end(&w);
}
END_TEST

/* Its frame pointer is its caller's, which would be left out by it. */
START_TEST(caller_of_generated_code_without_a_frame)
{
	for (size_t i = 0; i < BUILDS * ENGINES; i++) {
		struct walked w;
		const struct native_frame *f;

		if (!unwind_engine_built(engines[i % ENGINES]))
			continue;
		scene_begin(&w, builds[i / ENGINES], "jit_bare", engines[i % ENGINES]);
		scene_walk(&w, ~0U);
		f = w.s.frames.at;
		ck_assert_uint_gt(w.s.frames.n, 2);
		ck_assert(f[0].no_cfi);
		ck_assert_uint_eq(f[1].sp, f[0].sp + 8);
		ck_assert_int_eq(f[1].how, UNWIND_FP);
		ck_assert_uint_eq(f[1].cfa, f[0].sp + 8 + 32);
		ck_assert_int_eq(f[2].how, UNWIND_CFI);
		scene_end(&w);
	}
}
END_TEST

/* At the fault the callee has not run an instruction: its caller's registers are the LWP's. */
START_TEST(call_to_nowhere_loses_nothing)
{
	struct walked w;

	scene_begin(&w, "O2", "null_call", UNWIND_ENGINE_CFI);
	scene_walk(&w, ~0U);
	ck_assert_uint_eq(w.s.frames.at[0].pc, 0);
	ck_assert_int_eq(w.s.frames.at[1].how, UNWIND_CFI);
	ck_assert_int_eq(w.s.frames.at[1].saved_known, (1 << X86_64_SAVED) - 1);
	ck_assert_mem_eq(w.s.frames.at[1].saved, w.s.frames.at[0].saved, sizeof(w.s.frames.at[0].saved));
	scene_end(&w);
}
END_TEST

/* Pc and sp suffice if no frame on the way needs another register, or if it can be proven. */
START_TEST(pc_and_sp_alone)
{
	struct walked w;

#ifndef __clang__ /* clang keeps a frame pointer in a function that uses its CFA */
	scene_begin(&w, "O2", "noreturn", UNWIND_ENGINE_CFI);
	scene_walk(&w, 1U << X86_64_PC | 1U << X86_64_RSP);
	expect_chain(&w, "O2", "noreturn");
	expect_said(&w, "O2", "noreturn");
	ck_assert_int_eq(w.s.frames.at[0].saved_known, 0);
	scene_end(&w);
#endif
	scene_begin(&w, "O3fp", "drap", UNWIND_ENGINE_CFI);
	scene_walk(&w, 1U << X86_64_PC | 1U << X86_64_RSP);
	if (w.s.end == UNWIND_END_LOST)
		ck_assert_str_eq(w.s.why, "needs rbp, which is not known");
	else
		expect_said(&w, "O3fp", "drap");
	scene_end(&w);
}
END_TEST

/* The same walk with another engine has the same frames. */
static void expect_same(struct walked *w, struct unwinder *other, const char *build)
{
	struct native_stack a = w->s;
	struct unwinder *u = w->u;

	w->s = (struct native_stack){ .end = UNWIND_END_LOST };
	w->u = other;
	scene_walk(w, ~0U);
	ck_assert_uint_eq(w->s.frames.n, a.frames.n);
	for (size_t i = 0; i < a.frames.n; i++) {
		const struct native_frame *x = &a.frames.at[i], *y = &w->s.frames.at[i];

		if (x->pc != y->pc || x->cfa != y->cfa || x->saved_known != y->saved_known ||
		    memcmp(x->saved, y->saved, sizeof(x->saved)) != 0) {
			dump(&a);
			dump(&w->s);
			ck_abort_msg("%s: frame %zu", build, i);
		}
	}
	native_stack_free(&w->s);
	w->s = a;
	w->u = u;
}

/* Between the two stops of a step scene, at every instruction: the reported activations up to the
 * end, and all that libunwind finds. */
START_TEST(every_instruction)
{
	struct walked w;
	size_t steps = 0, deepest = 0;
	struct unwinder *other = NULL;
	struct fault f;

	scene_begin(&w, builds[_i], "step_work", UNWIND_ENGINE_CFI);
	if (unwind_engine_built(UNWIND_ENGINE_LIBUNWIND))
		ck_assert_int_eq(unwinder_create(w.P, UNWIND_ENGINE_LIBUNWIND, &other, &f), RES_OK);
	do {
		scene_walk(&w, ~0U);
		expect_chain(&w, builds[_i], "step_work");
		expect_said(&w, builds[_i], "step_work");
		if (other != NULL)
			expect_same(&w, other, builds[_i]);
		deepest = w.s.frames.n > deepest ? w.s.frames.n : deepest;
		steps++;
	} while (tracee_step(&w.t));
	ck_assert_uint_gt(steps, 1000);
	ck_assert_uint_gt(deepest, 8);
	unwinder_destroy(other);
	scene_end(&w);
}
END_TEST

/* At a return, gcc's call frame information of a function that aligns its stack still has the saved
 * registers at offsets from the frame pointer, which is the caller's already. */
static bool registers_are_said(const struct walked *w)
{
	uint8_t code = 0;

	(void)Pread(w->P, &code, 1, w->s.frames.at[0].pc);
	return code != 0xc3;
}

/* By frame pointers, everything that is not marked equals call frame information, including the
 * end. True: nothing is marked. */
static bool fp_agrees(struct walked *w, struct unwinder *fp, const char *what)
{
	struct native_stack truth = w->s;
	struct unwinder *u = w->u;
	bool said = registers_are_said(w), whole;
	size_t i = 0;

	w->s = (struct native_stack){ .end = UNWIND_END_LOST };
	w->u = fp;
	scene_walk(w, ~0U);
	for (; i < w->s.frames.n && w->s.frames.at[i].how != UNWIND_FP; i++) {
		const struct native_frame *x = &truth.frames.at[i], *y = &w->s.frames.at[i];
		bool same = i < truth.frames.n && x->pc == y->pc && x->sp == y->sp &&
			    (x->exact == y->exact || y->signal_frame) &&
			    (x->cfa == y->cfa || i + 1 == w->s.frames.n || y[1].how == UNWIND_FP);

		for (unsigned r = 0; same && said && r < X86_64_SAVED; r++)
			same = (x->saved_known & y->saved_known & 1U << r) == 0 || x->saved[r] == y->saved[r];
		if (!same) {
			dump(&truth);
			dump(&w->s);
			ck_abort_msg("%s: frame %zu", what, i);
		}
	}
	whole = i == w->s.frames.n && w->s.end == UNWIND_END_DONE;
	ck_assert_msg(!whole || i == truth.frames.n, "%s: %zu frames of %zu", what, i, truth.frames.n);
	native_stack_free(&w->s);
	w->s = truth;
	w->u = u;
	return whole;
}

/* Hand-written code is followed too. The start of a JIT's code is unknown, and a function that
 * aligns its stack keeps no record of where it was. */
START_TEST(frame_pointers)
{
	static const struct {
		const char *scene;
		bool whole;
	} cases[] = { { "signal", true }, { "altstack", true }, { "first_instruction", true },
		{ "noreturn", true }, { "cold", true }, { "deep", true }, { "thread", true },
		{ "null_call", true }, { "drap", false }, { "jit", false } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct unwinder *fp;
		struct fault f;
		struct walked w;
		bool whole;

		scene_begin(&w, builds[_i], cases[i].scene, UNWIND_ENGINE_CFI);
		ck_assert_int_eq(unwinder_create(w.P, UNWIND_ENGINE_FP, &fp, &f), RES_OK);
		scene_walk(&w, ~0U);
		whole = fp_agrees(&w, fp, cases[i].scene);
		ck_assert_msg(whole == cases[i].whole, "%s %s", builds[_i], cases[i].scene);
		unwinder_destroy(fp);
		scene_end(&w);
	}
}
END_TEST

/* If linkage tables are filled on demand, half of the instructions are the dynamic linker's, whose
 * entry keeps its frame in rbx. */
START_TEST(frame_pointers_at_every_instruction)
{
	struct walked w;
	size_t steps = 0, whole = 0;
	struct unwinder *fp;
	struct fault f;

	scene_begin(&w, builds[_i], "step_work", UNWIND_ENGINE_CFI);
	ck_assert_int_eq(unwinder_create(w.P, UNWIND_ENGINE_FP, &fp, &f), RES_OK);
	do {
		scene_walk(&w, ~0U);
		whole += fp_agrees(&w, fp, builds[_i]);
		steps++;
	} while (tracee_step(&w.t));
	ck_assert_msg(
	    strcmp(builds[_i], "O2now") == 0 ? whole * 100 >= steps * 80 : whole * 100 >= steps * 40,
	    "%s: %zu whole of %zu", builds[_i], whole, steps);
	unwinder_destroy(fp);
	scene_end(&w);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("native_scenes");
	TCase *tcase = tcase_create("native_scenes");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, scenes_say_the_truth, 0, sizeof(plain_scenes) / sizeof(plain_scenes[0]));
	tcase_add_loop_test(tcase, code_that_nothing_describes, 0, 7 * 4);
	tcase_add_test(tcase, guess_behind_generated_code_is_marked);
	tcase_add_test(tcase, caller_of_generated_code_without_a_frame);
	tcase_add_test(tcase, call_to_nowhere_loses_nothing);
	tcase_add_test(tcase, pc_and_sp_alone);
	/* The last one is static: its linkage stubs have no call frame information. */
	tcase_add_loop_test(tcase, every_instruction, 0, BUILDS - 1);
	tcase_add_loop_test(tcase, frame_pointers, 0, BUILDS);
	tcase_add_loop_test(tcase, frame_pointers_at_every_instruction, 0, BUILDS - 1);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
