/* Threads that end while they are looked at, and leave what names them to others (brief.py). */
#include <stdio.h>
#include <string.h>

#include "support/live.h"
#include "support/truth.h"

static bool runs(const struct output_thread *t, const char *function)
{
	char part[16];

	(void)snprintf(part, sizeof(part), " (%s) ]", function);
	for (size_t i = 0; i < t->lines.n; i++) {
		if (strstr(t->lines.at[i].text, part) != NULL)
			return true;
	}
	return false;
}

/* No thread has another one's name. Returns the number of those that stay and have theirs: none if the
 * list of names changed each time that it was read. */
static size_t judge_names(const struct output *o)
{
	static const char *const names[] = { "even", "odd" };
	size_t staying = 0;

	for (size_t i = 0; i < o->threads.n; i++) {
		const struct output_thread *t = &o->threads.at[i];
		const char *name = t->called != NULL ? t->called : t->name; /* 3.14 tells the kernel */

		staying += name != NULL && strcmp(name, "starter") == 0;
		for (size_t k = 0; t->called != NULL && k < 2; k++)
			ck_assert_msg(!runs(t, names[k]) || strcmp(t->called, names[1 - k]) != 0,
			    "thread %ld runs %s, but is called %s", t->tid, names[k], t->called);
	}
	return staying;
}

START_TEST(names)
{
	enum { TIMES = 40 }; /* with the names of successors one thread in three is wrong */
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	char pid[16];
	bool named = false;

	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@brief.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int i = 0; i < TIMES; i++) {
		struct run r = TOOL(pid);
		struct output o = output_parse(r.out, (long)f.pid);

		named |= judge_names(&o) >= 4;
		output_free(&o);
		run_free(&r);
	}
	ck_assert(named);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live/brief");
	TCase *c = tcase_create("brief");

	live_add(c, names);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
