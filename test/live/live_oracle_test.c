/* Two unwinding engines on busy programs at random moments, and proof that differences are found.
 * support/oracle.h compares the targets of all other live tests. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/live.h"

static void engines_path(char out[PATH_MAX])
{
	spawn_built("test/oracle/engines", out);
}

/* The message for programs that libunwind does not read, and without libunwind. */
static bool not_read(struct run *r)
{
	if (strstr(r->out, "not compared: ") == NULL)
		return false;
	(void)printf("SKIP: two engines: %s", r->out);
	run_free(r);
	return true;
}

START_TEST(random_stops)
{
	enum { STOPS = 200 };
	const struct interpreter *in = live_interpreters(NULL);
	unsigned stops = 0, stacks = 0, frames = 0, differ = 1;
	char engines[PATH_MAX], number[16], label[64];
	struct run r;

	engines_path(engines);
	(void)snprintf(number, sizeof(number), "%d", STOPS);
	r = run_program(
	    &(struct run_options){ .timeout = 200 }, ARGS("test/oracle/oracle.py", "--engines", engines, "-n",
							 number, "--python", in->path, "--root", in->root));
	if (not_read(&r))
		return;
	ck_assert_msg(sscanf(r.out, "%63s %u stops %u stacks %u frames %u differ", label, &stops, &stacks,
			  &frames, &differ) == 5 &&
			  r.status == 0 && stops == STOPS && stacks >= stops && frames > stacks &&
			  differ == 0,
	    "exit %d: %.3000s%.500s", r.status, r.out, r.err);
	run_free(&r);
}
END_TEST

/* Every scene of an interpreter, blocked: with frame pointers every frame is found and none is
 * marked, whatever the build options of the interpreter and its libraries. */
START_TEST(scenes_by_frame_pointer)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	unsigned stops = 0, stacks = 0, frames = 0, differ = 1, excused = 1, marked = 1;
	char engines[PATH_MAX], pid[16];
	struct fixture f;
	struct run r;

	engines_path(engines);
	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = run_program(NULL, ARGS(engines, "-a", "fp", "1", pid));
	ck_assert_msg(sscanf(r.out, "%u stops %u stacks %u frames %u differ %u excused %u marked", &stops,
			  &stacks, &frames, &differ, &excused, &marked) == 6 &&
			  r.status == 0 && stacks > 20 && frames > 10 * stacks && differ == 0 &&
			  excused == 0 && marked == 0,
	    "%s: exit %d: %.3000s%.500s", in->label, r.status, r.out, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* An engine that gets only pc and sp cannot know which registers a frame has. */
START_TEST(a_difference_is_found)
{
	char engines[PATH_MAX], pid[16];
	struct fixture f;
	struct run r;

	engines_path(engines);
	fixture_start(&f, live_interpreters(NULL), NULL, ARGS("@scenes.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = run_program(NULL, ARGS(engines, "-x", "-a", "fp", "1", pid));
	ck_assert_msg(r.status == 1 && strstr(r.out, " frame ") != NULL &&
			  strstr(r.out, "  cfi       #") != NULL && strstr(r.out, "  fp        #") != NULL,
	    "exit %d: %.3000s%.500s", r.status, r.out, r.err);
	run_free(&r);
	r = run_program(NULL, ARGS(engines, "1", "99999999"));
	ck_assert_int_ne(r.status, 0);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("two engines");
	TCase *c = tcase_create("two engines");
	size_t n;

	(void)live_interpreters(&n);
	tcase_set_timeout(c, 240);
	if (n > 0) {
		tcase_add_test(c, random_stops);
		tcase_add_test(c, a_difference_is_found);
		tcase_add_loop_test(c, scenes_by_frame_pointer, 0, (int)n);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
