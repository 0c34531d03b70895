/* Values of all types as lib/python writes them, compared with what their program says they are
 * (values.py). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libproc.h>

#include "python/values/py_value.h"
#include "support/live.h"

/* The limits that values.py has. */
static const struct py_value_limits limits = { 200, 10, 3 };

/* Append to the file that test/matrix/values.py names: how it was read, a kind, was it right? */
static void tell_table(const char *way, const char *kind, bool right)
{
	const char *path = getenv("PYSTACK_VALUES_TABLE");
	FILE *table = path == NULL ? NULL : fopen(path, "a");

	if (table == NULL)
		return;
	(void)fprintf(table, "%s\t%s\t%d\n", way, kind, right);
	(void)fclose(table);
}

/* A line of the fixture's file: a kind of values, an address, a text. */
static bool compare_line(struct py_values *v, char *line, struct strbuf *wrong)
{
	char *rest, *text = NULL, *expected;
	size_t n, before = wrong->n;
	uint64_t addr;

	rest = strchr(line, '\t');
	ck_assert_ptr_nonnull(rest);
	*rest++ = '\0';
	addr = strtoull(rest, &expected, 16);
	ck_assert_int_eq(*expected++, '\t');
	if (py_value_text(v, addr, &text, &n) != RES_OK)
		strbuf_fmt(wrong, "%s: none, not %.300s\n", line, expected);
	else if (strcmp(text, expected) != 0)
		strbuf_fmt(wrong, "%s: %.300s\n    not %.300s\n", line, text, expected);
	free(text);
	return wrong->n == before;
}

static void compare(struct ps_prochandle *P, const struct fixture *f, const char *way)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct py_process *py;
	struct py_values v;
	struct fault fault;
	char path[300], *line = NULL;
	size_t size = 0;
	ssize_t n;
	bool right;
	FILE *said;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	said = fopen(path, "r");
	ck_assert_ptr_nonnull(said);
	ck_assert_int_eq(py_process_create(P, &py, &fault), RES_OK);
	py_values_begin(&v, P, &py->runtimes.at[0], limits);
	while ((n = getline(&line, &size, said)) > 0) {
		line[n - 1] = '\0';
		right = compare_line(&v, line, &wrong);
		tell_table(way, line, right);
	}
	free(line);
	(void)fclose(said);
	py_values_end(&v);
	py_process_destroy(py);
	Prelease(P, 0);
	live_judge(f->in->label, &wrong);
}

START_TEST(test_live)
{
	static const struct fixture_options alone = { .alone = true };
	struct fixture f;
	struct ps_prochandle *P;
	int err;

	fixture_start(&f, &live_interpreters(NULL)[_i], &alone, ARGS("@values.py", "%"));
	P = Pgrab(f.pid, PGRAB_RDONLY, &err);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	compare(P, &f, "live");
	fixture_end(&f);
}
END_TEST

START_TEST(test_core)
{
	static const struct fixture_options alone = { .alone = true };
	struct fixture f;
	struct ps_prochandle *P;
	char core[PATH_MAX];
	const char *why = "";
	int err;

	fixture_start(&f, &live_interpreters(NULL)[_i], &alone, ARGS("@values.py", "%"));
	if (fixture_core(&f, SIGABRT, core, &why)) {
		P = Pgrab_core(core, NULL, PGRAB_RDONLY, &err);
		ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
		compare(P, &f, "core");
	} else {
		(void)printf("SKIP: core of %s: %s\n", f.in->label, why);
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live_values");
	TCase *c = tcase_create("live");
	size_t n;
	const struct interpreter *in = live_interpreters(&n);

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, test_live, 0, (int)n);
	/* Files of a core are found by their paths, which are those of the machine's own root. */
	for (size_t i = 0; i < n; i++) {
		if (in[i].root[0] == '\0')
			tcase_add_loop_test(c, test_core, (int)i, (int)i + 1);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
