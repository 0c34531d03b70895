/* What threads do and are called, compared with what they say of themselves (states.py). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"
#include "support/oracle.h"

static void compare_name(const struct output_thread *thread, const char *name, struct strbuf *wrong)
{
	if (thread != NULL && (thread->called == NULL || strcmp(thread->called, name) != 0) &&
	    (thread->name == NULL || strcmp(thread->name, name) != 0))
		strbuf_fmt(wrong, "thread %ld: called \"%s\", not \"%s\"\n", thread->tid,
		    thread->called == NULL ? "" : thread->called, name);
}

/* A line of the fixture's file: the thread's id, and what is said of it. */
static void compare_line(const struct output *o, const char *line, bool names, struct strbuf *wrong)
{
	char *words;
	long tid = strtol(line, &words, 10);
	const struct output_thread *thread = output_thread(o, tid);
	const char *state = thread == NULL ? NULL : thread->state;

	words++;
	if (strncmp(words, "called ", 7) == 0) {
		if (o->headers)
			compare_name(thread, words + 7, wrong);
		return;
	}
	if (names || words[0] == '\0')
		return;
	if (state == NULL || strstr(state, words) == NULL)
		strbuf_fmt(wrong, "thread %ld: \"%s\" is not in \"%s\"\n", tid, words,
		    thread == NULL  ? "(no thread)"
		    : state == NULL ? "(nothing)"
				    : state);
}

/* names: compare these alone. */
static void compare_states(const struct fixture *f, const struct output *o, bool names, struct strbuf *wrong)
{
	char path[300], line[1000];
	FILE *said;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	said = fopen(path, "r");
	ck_assert_ptr_nonnull(said);
	while (fgets(line, sizeof(line), said) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		compare_line(o, line, names, wrong);
	}
	(void)fclose(said);
}

static void look(const struct fixture *f, const char *option)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct run r = live_look(f, option, "kept running");
	struct output o = output_parse(r.out, (long)f->pid);

	compare_states(f, &o, false, &wrong);
	output_free(&o);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

/* names: compare these alone, as a core does not tell how long a call waits. */
static void look_at_core(struct fixture *f, bool names)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct run_options opt = { .cwd = f->dir };
	char core[PATH_MAX];
	struct run r;
	struct output o;

	if (!live_core(f, core))
		return;
	r = run_tool(&opt, ARGS(core));
	o = output_parse(r.out, (long)f->pid);
	compare_states(f, &o, names, &wrong);
	output_free(&o);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

/* What threads that were held wait for is the same as before, and so is who holds it. */
static void look_stopped(const struct fixture *f)
{
	look(f, "--stop");
	/* Waits with a time-out go on by another call. */
	if (f->in->root[0] == '\0')
		look(f, NULL);
}

/* A thread that waits for the GIL wakes now and then. */
static void look_often(const struct fixture *f)
{
	enum { TIMES = 50 };

	for (int i = 1; i <= TIMES; i++) {
		struct strbuf wrong = STRBUF_EMPTY;
		struct run r = live_look(f, NULL, "kept running");
		struct output o = output_parse(r.out, (long)f->pid);

		compare_states(f, &o, false, &wrong);
		output_free(&o);
		run_free(&r);
		if (wrong.n == 0)
			i = TIMES;
		if (i == TIMES)
			live_judge(f->in->label, &wrong);
		strbuf_free(&wrong);
	}
}

START_TEST(lock_of_the_interpreter)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@states.py", "%", "gil"));
	look_often(&f);
	fixture_end(&f);
}
END_TEST

/* Each waits for the other: the last line says so. */
START_TEST(deadlock)
{
	char pid_json[16];
	struct fixture f;
	struct run r;
	const char *last;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@states.py", "%", "mutexes"));
	look(&f, NULL);
	r = live_look(&f, NULL, "kept running");
	last = strstr(r.out, "\ndeadlock: ");
	ck_assert_msg(last != NULL && strchr(last + 1, '\n')[1] == '\0', "%s", r.out);
	run_free(&r);
	if (json_lines_collected()) {
		(void)snprintf(pid_json, sizeof(pid_json), "%d", (int)f.pid);
		r = TOOL("-o", "json", pid_json);
		json_lines_add(r.out);
		ck_assert_msg(strstr(r.out, "\"deadlocks\":[[{\"lwp\":") != NULL, "%s", r.out);
		run_free(&r);
	}
	look(&f, "--stop");
	look_at_core(&f, true);
	fixture_end(&f);
}
END_TEST

/* Returns whether the truth says that a thread waits for the interpreter's lock. */
static bool awaits_gil(const struct fixture *f)
{
	char path[300], text[2000] = "";
	FILE *said;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	said = fopen(path, "r");
	ck_assert_ptr_nonnull(said);
	ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, said), 0);
	(void)fclose(said);
	return strstr(text, "waits for the GIL") != NULL;
}

static bool has_crossed(const struct fixture *f, const char *option)
{
	struct run r = live_look(f, option, "kept running");
	const char *last = strstr(r.out, "\ndeadlock: ");
	bool has = last != NULL && strchr(last + 1, '\n')[1] == '\0' &&
		   strstr(last, " waits for the mutex at 0x") != NULL &&
		   strstr(last, "waits for the GIL held by ") != NULL;

	run_free(&r);
	return has;
}

/* Who waits for the interpreter's lock wakes now and then. */
START_TEST(deadlock_with_the_lock_of_the_interpreter)
{
	enum { TIMES = 50 };
	struct fixture f;
	int i = 0, k = 0;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@states.py", "%", "crossed"));
	look_often(&f);
	while (awaits_gil(&f) && i < TIMES && !has_crossed(&f, NULL))
		i++;
	while (awaits_gil(&f) && k < TIMES && !has_crossed(&f, "--stop"))
		k++;
	ck_assert_msg(i < TIMES && k < TIMES, "%s: no deadlock", f.in->label);
	fixture_end(&f);
}
END_TEST

/* Locks, and what is made of them. The second thread with the same code is found by hints. */
START_TEST(objects)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@waits.py", "%"));
	look(&f, NULL);
	look(&f, "-p");
	look_at_core(&f, false);
	fixture_end(&f);
}
END_TEST

START_TEST(objects_of_held_threads)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@waits.py", "%"));
	look_stopped(&f);
	fixture_end(&f);
}
END_TEST

/* The last line of the output of pystack if it tells of a deadlock, in which this many wait for an RLock. */
static bool has_circle(const struct fixture *f, const char *option, size_t n)
{
	struct run r = live_look(f, option, "kept running");
	const char *last = strstr(r.out, "\ndeadlock: ");
	bool has = last != NULL && strchr(last + 1, '\n')[1] == '\0';

	for (; has && n > 0; n--) {
		last = strstr(last, "waits for the RLock at 0x");
		has = last != NULL;
		last += has;
	}
	has = has && strstr(last, "waits for") == NULL;
	run_free(&r);
	return has;
}

START_TEST(circles)
{
	static const struct {
		const char *n;
		size_t threads;
	} rows[] = { { "2", 2 }, { "3", 3 }, { "70", 70 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;

		fixture_start(
		    &f, &live_interpreters(NULL)[_i], NULL, ARGS("@waits.py", "%", "circle", rows[i].n));
		look(&f, NULL);
		ck_assert_msg(has_circle(&f, NULL, rows[i].threads), "circle of %s", rows[i].n);
		if (rows[i].threads < 70)
			ck_assert_msg(
			    has_circle(&f, "--stop", rows[i].threads), "held circle of %s", rows[i].n);
		fixture_end(&f);
	}
}
END_TEST

/* A new thread with the stack of one that is missing since the fork has not taken its locks. */
START_TEST(locks_after_a_fork)
{
	struct fixture f;
	char path[300];
	pid_t parent;
	int child;
	FILE *said;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@forked_locks.py", "%"));
	(void)snprintf(path, sizeof(path), "%s/truth", f.dir);
	said = fopen(path, "r");
	ck_assert_ptr_nonnull(said);
	ck_assert_int_eq(fscanf(said, "%d", &child), 1);
	(void)fclose(said);
	parent = f.pid;
	f.pid = child;
	look(&f, NULL);
	look(&f, "--stop");
	oracle_judge(oracle_process(f.pid));
	(void)kill(child, SIGKILL);
	f.pid = parent;
	fixture_end(&f);
}
END_TEST

/* Waits that end are no deadlock. */
START_TEST(waits_with_a_limit)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct run r;

	if (in->major == 2)
		return; /* it has no such waits */
	fixture_start(&f, in, NULL, ARGS("@waits.py", "%", "limited"));
	look(&f, NULL);
	r = live_look(&f, NULL, "kept running");
	ck_assert_ptr_null(strstr(r.out, "deadlock"));
	run_free(&r);
	look_stopped(&f);
	r = live_look(&f, NULL, "kept running");
	ck_assert_ptr_null(strstr(r.out, "deadlock"));
	run_free(&r);
	fixture_end(&f);
}
END_TEST

START_TEST(end_of_the_interpreter)
{
	struct fixture f;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@states.py", "%", "end"));
	look(&f, NULL);
	fixture_end(&f);
}
END_TEST

START_TEST(states)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;

	fixture_start(&f, in, NULL, ARGS("@states.py", "%"));
	look(&f, NULL);
	look(&f, "-p");
	look(&f, "--stop"); /* last, as it interrupts the calls */
	look_at_core(&f, true);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live/states");
	TCase *c = tcase_create("states");

	live_add(c, states);
	live_add(c, lock_of_the_interpreter);
	live_add(c, deadlock);
	live_add(c, deadlock_with_the_lock_of_the_interpreter);
	live_add(c, objects);
	live_add(c, objects_of_held_threads);
	live_add(c, circles);
	live_add(c, locks_after_a_fork);
	live_add(c, waits_with_a_limit);
	live_add(c, end_of_the_interpreter);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
