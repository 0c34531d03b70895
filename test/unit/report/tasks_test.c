/* The tree of tasks, and tasks as text. */
#include "report/tasks.h"

#include <string.h>

#include "report/text.h"
#include "report/text_state.h"
#include "report/text_tasks.h"
#include "support/run_suite.h"

static struct py_tasks all;

static void add_task(uint64_t addr, const char *name)
{
	struct py_task t = {
		.addr = addr, .state = PY_TASK_SUSPENDED, .first_waiter = (uint32_t)all.waiters.n
	};

	if (name != NULL) {
		t.name = strdup(name);
		t.name_n = strlen(name);
	}
	ck_assert(vec_push(&all.at, t));
}

/* The last task added is awaited by task number `waiter`. */
static void add_waiter(uint32_t waiter)
{
	ck_assert(vec_push(&all.waiters, waiter));
	all.at.at[all.at.n - 1].n_waiters++;
}

static void add_loop(void)
{
	struct py_loop loop = { .addr = 0x7f00, .thread = 4711, .known = true };

	ck_assert(vec_push(&all.loops, loop));
}

/* The lines of the tree of the first loop are these. */
static void expect_tree(const char *want)
{
	struct strbuf out = STRBUF_EMPTY;
	task_visits visits;

	ck_assert_int_eq(tasks_order(&all, 0, &visits, NULL), RES_OK);
	for (size_t i = 0; i < visits.n; i++)
		text_task_line(&all, &visits.at[i], &out);
	ck_assert_str_eq(strbuf_text(&out), want);
	strbuf_free(&out);
	vec_free(&visits);
}

START_TEST(awaited_by_two)
{
	add_loop();
	add_task(0x10, "top");
	add_task(0x20, "left");
	add_waiter(0);
	add_task(0x30, "right");
	add_waiter(0);
	add_task(0x40, "bottom");
	add_waiter(1);
	add_waiter(2);
	add_task(0x50, NULL);
	all.at.at[4].waiters_unknown = true;
	expect_tree("* task \"top\"\n"
		    "|- task \"left\"\n"
		    "|  |- task \"bottom\"\n"
		    "|- task \"right\"\n"
		    "|  |- task \"bottom\" (above)\n"
		    "* task 0x50 ?\n");
	all.at.at[0].thread = 4711;
	all.at.at[0].state = PY_TASK_RUNNING;
	all.at.at[1].unsure = true;
	all.at.at[3].in_loop = PY_LOOPS_MAX;
	expect_tree("* task \"top\" runs in thread# 4711\n"
		    "|- task \"left\" ?\n"
		    "|  |- task \"bottom\"\n"
		    "|- task \"right\"\n"
		    "|  |- task \"bottom\" (above)\n"
		    "* task 0x50 ?\n");
	py_tasks_free(&all);
}
END_TEST

START_TEST(circles)
{
	add_loop();
	add_task(0x10, "a");
	add_waiter(2);
	add_task(0x20, "b");
	add_waiter(0);
	add_task(0x30, "c");
	add_waiter(1);
	add_task(0x40, "d");
	add_waiter(3);
	expect_tree("* task \"a\" (in a circle)\n"
		    "|- task \"b\"\n"
		    "|  |- task \"c\"\n"
		    "|  |  |- task \"a\" (above)\n"
		    "* task \"d\" (in a circle)\n"
		    "|- task \"d\" (above)\n");
	py_tasks_free(&all);
}
END_TEST

/* A hundred thousand tasks, each awaited by the one before. */
START_TEST(chain)
{
	enum { N = 100000 };
	struct strbuf out = STRBUF_EMPTY;
	task_visits visits;

	add_loop();
	for (uint32_t i = 0; i < N; i++) {
		add_task(0x1000 + i, NULL);
		if (i > 0)
			add_waiter(i - 1);
	}
	ck_assert_int_eq(tasks_order(&all, 0, &visits, NULL), RES_OK);
	ck_assert_uint_eq(visits.n, N);
	ck_assert_uint_eq(visits.at[N - 1].depth, N - 1);
	text_task_line(&all, &visits.at[N - 1], &out);
	ck_assert(out.n < 160 && strstr(strbuf_text(&out), "|  (depth 99999) |- task 0x") != NULL);
	strbuf_free(&out);
	vec_free(&visits);
	py_tasks_free(&all);
}
END_TEST

static void expect_state(const struct py_task *t, const char *want)
{
	struct strbuf out = STRBUF_EMPTY;

	text_task_state(&all, t, &out);
	ck_assert_str_eq(strbuf_text(&out), want);
	/* Readers of the text leave it out. */
	ck_assert(text_is_state(want + strlen(TEXT_INDENT), strlen(want) - strlen(TEXT_INDENT) - 1));
	strbuf_free(&out);
}

START_TEST(what_is_awaited)
{
	struct py_task *t;

	add_task(0x10, "first");
	add_task(0x20, "one; two\" (three)\n");
	add_waiter(0);
	t = &all.at.at[0];
	t->ready = true;
	expect_state(t, TEXT_INDENT "(ready)\n");
	t->ready = false;
	t->awaits = 0x7f00;
	(void)strcpy(t->awaits_type, "Future");
	expect_state(t, TEXT_INDENT "(awaits Future at 0x7f00)\n");
	t->awaits_type[0] = '\0';
	t->cut = t->waiters_unknown = true;
	expect_state(t, TEXT_INDENT "(awaits at 0x7f00; inner frames missing; awaited by ?)\n");
	t->cut = t->waiters_unknown = false;
	t->awaits = 0x20;
	t->awaits_task = 2;
	expect_state(t, TEXT_INDENT "(awaits task \"one\\x3b two\\x22 (three)\\x0a\")\n");
	t = &all.at.at[1];
	t->ready = true;
	expect_state(t, TEXT_INDENT "(ready; awaited by task \"first\")\n");
	t->state = PY_TASK_CREATED;
	expect_state(t, TEXT_INDENT "(not started; awaited by task \"first\")\n");
	t->state = PY_TASK_UNKNOWN;
	expect_state(t, TEXT_INDENT "(coroutine unknown; awaited by task \"first\")\n");
	t->library = PY_TASK_OF_TRIO;
	expect_state(t, TEXT_INDENT "(coroutine unknown; in a nursery of task \"first\")\n");
	py_tasks_free(&all);
}
END_TEST

/* The parent of a greenlet is its only waiter; the main one is its loop. */
START_TEST(greenlets)
{
	struct strbuf out = STRBUF_EMPTY;
	struct thread_state state = { .number = -1 };

	add_loop();
	all.loops.at[0].library = PY_TASK_OF_GREENLET;
	add_task(0x7f00, NULL);
	add_task(0x20, "a; name");
	add_waiter(0);
	add_task(0x30, NULL);
	add_waiter(1);
	for (size_t i = 0; i < all.at.n; i++) {
		all.at.at[i].library = PY_TASK_OF_GREENLET;
		all.at.at[i].loop = 0x7f00;
		(void)strcpy(all.at.at[i].type, i == 2 ? "Odd; \"(" : "Hub");
	}
	all.at.at[1].state = PY_TASK_RUNNING;
	all.at.at[1].thread = 4711;
	expect_tree("* greenlet 0x7f00 (main)\n"
		    "|- greenlet \"a\\x3b name\" (Hub) runs in thread# 4711\n"
		    "|  |- greenlet 0x30 (Odd\\x3b \\x22()\n");
	expect_state(&all.at.at[0], TEXT_INDENT "(main greenlet)\n");
	expect_state(
	    &all.at.at[2], TEXT_INDENT "(of type Odd\\x3b \\x22(; child of greenlet \"a\\x3b name\")\n");
	all.at.at[2].state = PY_TASK_CREATED;
	all.at.at[2].n_waiters = 0;
	all.at.at[2].waiters_unknown = true;
	all.at.at[2].type[0] = '\0';
	expect_state(&all.at.at[2], TEXT_INDENT "(not started; child of ?)\n");
	state.task = &all.at.at[1];
	text_state(&state, &out);
	all.at.at[1].other = true;
	text_state(&state, &out);
	text_loop_header(&all, 0, 3, &out);
	text_task_header(&all, &all.at.at[2], &out);
	all.at.at[2].in_loop = PY_LOOPS_MAX;
	text_loop_header(&all, 1, 1, &out);
	ck_assert_str_eq(strbuf_text(&out),
	    TEXT_INDENT "(runs greenlet \"a\\x3b name\")\n" TEXT_INDENT "(runs greenlet \"a\\x3b name\" ?)\n"
			"----- main greenlet 0x7f00 / thread# 4711 / 3 greenlets ------\n"
			"---------------- greenlet 0x30 / thread# 4711 ----------------\n"
			"------- main greenlet unknown / thread# - / 1 greenlet -------\n");
	strbuf_free(&out);
	py_tasks_free(&all);
}
END_TEST

START_TEST(headers)
{
	struct strbuf out = STRBUF_EMPTY;

	add_loop();
	add_task(0x10, "first");
	text_loop_header(&all, 0, 1, &out);
	text_loop_header(&all, 1, 2, &out);
	text_task_header(&all, &all.at.at[0], &out);
	ck_assert_str_eq(strbuf_text(&out),
	    "--------- event loop 0x7f00 / thread# 4711 / 1 task ----------\n"
	    "---------- event loop unknown / thread# - / 2 tasks ----------\n"
	    "------------ asyncio task \"first\" / thread# 4711 -------------\n");
	strbuf_free(&out);
	py_tasks_free(&all);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { awaited_by_two, circles, chain, what_is_awaited, greenlets, headers };

	return run_suite("report/tasks", tests, sizeof(tests) / sizeof(tests[0]));
}
