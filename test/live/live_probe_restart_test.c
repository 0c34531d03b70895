/* --at while a program starts and ends Python again and again: code objects of different interpreters
 * may have the same address and the same number. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/live.h"
#include "support/observer.h"
#include "support/shapes.h"

enum { FIRST = 100, FUNCTIONS = 50, CALLS = 100 };

/* Add the counts of the functions, of which each is the innermost one of its stacks. */
static void read_counts(char *text, long counted[FUNCTIONS])
{
	char name[64] = "";
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		long count = strtol(line, &end, 10);

		if (*end == '\0' && end != line) {
			int i = name[0] == 'f' ? atoi(name + 1) - FIRST : -1;

			ck_assert_msg(i >= 0 && i < FUNCTIONS, "%s", name);
			counted[i] += count;
			name[0] = '\0';
		} else if (name[0] == '\0') {
			(void)observer_name(line, name);
		}
	}
}

/* Each call is counted for its function, or lost, which may happen to the first ones: the library
 * has just been mapped. */
START_TEST(functions_of_each_interpreter)
{
	char library[PATH_MAX], program[PATH_MAX];
	long counted[FUNCTIONS] = { 0 }, missing = 0, lost;
	struct observer o;
	struct run r;

	if (!shape_library(_i, library))
		return;
	spawn_built("test/programs/restarted", program);
	if (!observer_start(
		&o, ARGS("pystack", "-v", "-p", "-c", "--at", "syscall:umask", "--", program, library))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return;
	}
	r = observer_wait(&o);
	read_counts(r.out, counted);
	for (int i = 0; i < FUNCTIONS; i++) {
		ck_assert_msg(counted[i] <= CALLS, "f%d: %ld; %s", FIRST + i, counted[i], r.err);
		missing += CALLS - counted[i];
	}
	lost = observer_lost(r.err, "syscall:umask: ");
	ck_assert_msg(missing == lost, "%ld are missing; %s", missing, r.err);
	ck_assert_int_eq(r.status, lost == 0 ? 0 : 1);
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("restarted at a probe");
	TCase *c = tcase_create("counts");
	size_t n;

	tcase_set_timeout(c, 120);
	(void)live_interpreters(&n);
	tcase_add_loop_test(c, functions_of_each_interpreter, 0, (int)n);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
