/* Values of all types as lib/python writes them, compared with what their program says they are
 * (values.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libproc.h>

#include "python/values/py_value.h"
#include "support/fake_process.h"
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

/* The memory of a process, some bytes of which change at each read. */
struct damaged {
	struct fake_process fake;
	struct ps_prochandle *real;
	uint64_t seed;
	struct fake_map maps[2048];
	char names[2048][64];
	size_t n;
};

static uint64_t draw(struct damaged *d)
{
	d->seed = d->seed * 6364136223846793005 + 1442695040888963407;
	return d->seed >> 33;
}

static ssize_t read_damaged(struct fake_process *fake, void *buf, size_t n, uintptr_t va)
{
	struct damaged *d = (struct damaged *)fake;
	ssize_t got = Pread(d->real, buf, n, va);
	uint64_t word = draw(d) % 4 == 0 ? draw(d) << 33 ^ draw(d) : draw(d) % 4096;

	if (got < 1 || draw(d) % 16 != 0)
		return got;
	if ((size_t)got >= sizeof(word) && draw(d) % 2 == 0)
		memcpy((char *)buf + draw(d) % ((size_t)got - sizeof(word) + 1), &word, sizeof(word));
	else
		((char *)buf)[draw(d) % (size_t)got] ^= (char)(1 << draw(d) % 8);
	return draw(d) % 8 == 0 ? (ssize_t)(draw(d) % (uint64_t)got) : got;
}

static int add_map(void *data, const prmap_t *map, const char *name)
{
	struct damaged *d = data;

	if (d->n + 1 < sizeof(d->maps) / sizeof(d->maps[0]) && (name == NULL || strlen(name) < 64)) {
		(void)snprintf(d->names[d->n], sizeof(d->names[0]), "%s", name == NULL ? "" : name);
		d->maps[d->n] = (struct fake_map){ map->pr_vaddr, map->pr_size, (int)map->pr_mflags, 0,
			name == NULL ? NULL : d->names[d->n] };
		d->n++;
	}
	return 0;
}

/* Write all values of a process whose memory is damaged: each text must end, and keep its limits. */
static void write_damaged(struct damaged *d, struct py_runtime rt, const struct fixture *f)
{
	struct ps_prochandle *P = fake_grab(&d->fake);
	struct py_values v;
	char path[300], *line = NULL, *text;
	size_t size = 0, n;
	FILE *said;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	said = fopen(path, "r");
	ck_assert(P != NULL && said != NULL);
	py_values_begin(&v, P, &rt, limits);
	while (getline(&line, &size, said) > 0) {
		uint64_t before = v.budget;

		if (py_value_text(&v, strtoull(strchr(line, '\t') + 1, NULL, 16), &text, &n) == RES_OK) {
			ck_assert_uint_le(n, limits.bytes + 3);
			ck_assert_uint_eq(strlen(text), n);
			free(text);
		}
		ck_assert_uint_le(before - v.budget, PY_VALUE_BUDGET);
	}
	free(line);
	(void)fclose(said);
	py_values_end(&v);
	Prelease(P, 0);
}

START_TEST(test_damaged)
{
	static const struct fixture_options alone = { .alone = true };
	enum { ROUNDS = 5 };
	static struct damaged d;
	struct fixture f;
	struct py_process *py;
	struct fault fault;
	int err;

	fixture_start(&f, &live_interpreters(NULL)[_i], &alone, ARGS("@values.py", "%"));
	d.real = Pgrab(f.pid, PGRAB_RDONLY, &err);
	ck_assert_msg(d.real != NULL, "%s", Pgrab_error(err));
	ck_assert_int_eq(Pmapping_iter(d.real, add_map, &d), 0);
	ck_assert_int_eq(py_process_create(d.real, &py, &fault), RES_OK);
	d.fake = (struct fake_process){
		.is_32bit = Pstatus(d.real)->pr_dmodel == PR_MODEL_ILP32, .maps = d.maps, .read = read_damaged
	};
	for (unsigned i = 1; i <= ROUNDS; i++) {
		d.seed = i;
		write_damaged(&d, py->runtimes.at[0], &f);
	}
	py_process_destroy(py);
	Prelease(d.real, 0);
	fixture_end(&f);
}
END_TEST

START_TEST(test_core)
{
	static const struct fixture_options alone = { .alone = true };
	struct fixture f;
	struct ps_prochandle *P;
	char core[PATH_MAX];
	int err;

	fixture_start(&f, &live_interpreters(NULL)[_i], &alone, ARGS("@values.py", "%"));
	if (live_core(&f, core)) {
		P = Pgrab_core(core, NULL, PGRAB_RDONLY, &err);
		ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
		compare(P, &f, "core");
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
	tcase_add_loop_test(c, test_damaged, 0, (int)n);
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
