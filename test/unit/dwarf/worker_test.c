/* How a child process that gives no reply has ended. */
#include "dwarf/worker.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/run_suite.h"

#if defined(WITH_LIBDWARF) || defined(WITH_LIBIBERTY)

static size_t answer(void *arg, void *reply, size_t room)
{
	(void)room;
	memcpy(reply, arg, 4);
	return 4;
}

/* More than the child may have. */
static size_t exhaust(void *arg, void *reply, size_t room)
{
	void *volatile block;
	const size_t most = (size_t)1 << 20;

	(void)room;
	for (size_t got = 0; got < (size_t)4 << 30; got += most) {
		block = malloc(most);
		if (block == NULL)
			break;
	}
	memcpy(reply, arg, 4);
	return 4;
}

static size_t spin(void *arg, void *reply, size_t room)
{
	volatile bool on = true;

	(void)arg;
	(void)reply;
	(void)room;
	while (on) {
	}
	return 0;
}

static size_t break_down(void *arg, void *reply, size_t room)
{
	(void)arg;
	(void)reply;
	(void)room;
	abort();
}

static enum res run_job(size_t (*run)(void *, void *, size_t), char *at, enum worker_end *end)
{
	char text[] = "yes";
	struct worker_job job = { run, text };
	struct worker_reply reply = { .at = at, .room = 4 };
	struct fault f;
	enum res res = worker_run(&job, &reply, &f);

	*end = reply.end;
	return res;
}

START_TEST(replies)
{
	char text[4] = "";
	enum worker_end end;

	ck_assert_int_eq(run_job(answer, text, &end), RES_OK);
	ck_assert_str_eq(text, "yes");
}
END_TEST

static const struct {
	size_t (*run)(void *, void *, size_t);
	enum worker_end end;
	const char *words;
} failures[] = {
	{ break_down, WORKER_DIED, "is damaged" },
	{ spin, WORKER_LATE, "too long" },
#ifndef __SANITIZE_ADDRESS__ /* which needs more memory than a limit could leave */
	{ exhaust, WORKER_NO_MEMORY, "too much memory" },
#endif
};

START_TEST(failures_told_apart)
{
	char text[4] = "";
	enum worker_end end;
	struct fault f = { 0 };

	ck_assert_int_eq(run_job(failures[_i].run, text, &end), RES_NONE);
	ck_assert_int_eq(end, failures[_i].end);
	ck_assert_int_eq(worker_fault(end, "it", &f), RES_FAIL);
	ck_assert_msg(strstr(f.text, failures[_i].words) != NULL, "%s", f.text);
	/* With an error of the system the exit status is 1. */
	ck_assert_int_eq(f.sys == 0, end == WORKER_DIED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dwarf/worker");
	TCase *tcase = tcase_create("all");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, replies);
	tcase_add_loop_test(tcase, failures_told_apart, 0, sizeof(failures) / sizeof(failures[0]));
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}

#else

int main(void)
{
	(void)puts("SKIP: no library runs in a child process");
	return 0;
}

#endif
