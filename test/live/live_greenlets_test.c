/* Greenlets, compared with what the program knows of them (tasks_greenlets.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"

enum { LINE = 1000 };

/* Where the block begins, behind its header; NULL: it is not there, or twice. */
static const char *find_block(const char *out, const char *name, const char *tid)
{
	char words[2 * LINE];
	const char *at;

	(void)snprintf(words, sizeof(words), "- greenlet %s / thread# %s -", name, tid);
	at = strstr(out, words);
	if (at == NULL || strstr(at + 1, words) != NULL)
		return NULL;
	return strchr(at, '\n') + 1;
}

/* The next line of the block must be this one. */
static void compare_line(const char **at, const char *line, struct strbuf *wrong)
{
	size_t n = strlen(line);

	if (strncmp(*at, line, n) != 0 || (*at)[n] != '\n') {
		strbuf_fmt(wrong, "not %s but %.*s\n", line, (int)strcspn(*at, "\n"), *at);
		*at = NULL;
		return;
	}
	*at += n + 1;
}

static void end_block(const char *at, struct strbuf *wrong)
{
	if (at != NULL && *at == ' ')
		strbuf_fmt(wrong, "too much: %.*s\n", (int)strcspn(at, "\n"), at);
}

static size_t count_blocks(const char *out)
{
	size_t n = 0;

	while ((out = strstr(out, "- greenlet ")) != NULL) {
		const char *end = strchr(out, '\n');
		const char *thread = strstr(out, " / thread# ");

		n += thread != NULL && thread < end;
		out = end;
	}
	return n;
}

/* Compare with the fixture's file. Returns the number of blocks there. */
static size_t compare(const struct fixture *f, const char *out, struct strbuf *wrong)
{
	char path[300], line[LINE];
	const char *at = NULL;
	size_t n = 0;
	FILE *said;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	said = fopen(path, "r");
	ck_assert_ptr_nonnull(said);
	while (fgets(line, sizeof(line), said) != NULL) {
		char *tid, *name;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "line ", 5) == 0) {
			if (strstr(out, line + 5) == NULL)
				strbuf_fmt(wrong, "no line with %s\n", line + 5);
		} else if (strncmp(line, "block ", 6) == 0) {
			end_block(at, wrong);
			tid = line + 6;
			name = strchr(tid, ' ');
			*name++ = '\0';
			at = find_block(out, name, tid);
			if (at == NULL)
				strbuf_fmt(wrong, "no block, or two, of greenlet %s\n", name);
			n++;
		} else if (at != NULL) {
			compare_line(&at, line, wrong);
		}
	}
	end_block(at, wrong);
	(void)fclose(said);
	return n;
}

/* Compare r, of which `what` is looked at. Frees r. */
static void judge(const struct fixture *f, struct run *r, const char *what)
{
	struct strbuf wrong = STRBUF_EMPTY;
	size_t n = compare(f, r->out, &wrong);

	if (r->status != 0)
		strbuf_fmt(&wrong, "exit status %d: %s\n", r->status, r->err);
	if (count_blocks(r->out) != n || n == 0)
		strbuf_fmt(&wrong, "%zu blocks, %zu in truth\n", count_blocks(r->out), n);
	if (wrong.n > 0)
		strbuf_fmt(&wrong, "(%s)\n%.20000s", what, r->out);
	run_free(r);
	live_judge(f->in->label, &wrong);
}

static struct run run_live(const struct fixture *f)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	return TOOL("-p", "-a", pid);
}

static void look_at_core(struct fixture *f)
{
	char core[PATH_MAX];
	struct run r;

	if (!live_core(f, core))
		return;
	r = live_tasks_of_core(f, "-pa", core);
	judge(f, &r, "core");
}

/* Does this statement, an import, succeed? */
static bool can(const struct interpreter *in, const char *statement)
{
	struct run r =
	    run_program(&(struct run_options){ .in = in, .own = true }, ARGS(in->path, "-c", statement));
	bool does = r.status == 0;

	if (!does)
		(void)printf("SKIP: %s fails in %s\n", statement, in->label);
	run_free(&r);
	return does;
}

START_TEST(greenlets)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char pid[16];
	struct fixture f;
	struct run r;

	if (!can(in, "import greenlet"))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks_greenlets.py", "%"));
	r = run_live(&f);
	judge(&f, &r, "live");
	if (json_lines_collected()) {
		(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
		r = TOOL("-a", "-o", "json", pid);
		json_lines_add(r.out);
		ck_assert_msg(strstr(r.out, "\"library\":\"greenlet\"") != NULL, "%s", r.out);
		run_free(&r);
	}
	look_at_core(&f);
	fixture_end(&f);
}
END_TEST

static void look_at_library(const struct interpreter *in, const char *name)
{
	char statement[64];
	struct fixture f;
	struct run r;

	(void)snprintf(statement, sizeof(statement), "import %s", name);
	if (!can(in, statement))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks_greenlets.py", "%", name));
	r = run_live(&f);
	judge(&f, &r, name);
	look_at_core(&f);
	fixture_end(&f);
}

START_TEST(of_gevent)
{
	look_at_library(&live_interpreters(NULL)[_i], "gevent");
}
END_TEST

START_TEST(of_eventlet)
{
	look_at_library(&live_interpreters(NULL)[_i], "eventlet");
}
END_TEST

START_TEST(more_than_are_read)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct run r;

	if (!can(in, "import greenlet"))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks_greenlets.py", "%", "many"));
	r = run_live(&f);
	ck_assert_msg(r.status == 1 && strstr(r.err, ": and 101 more greenlets, not printed\n") != NULL,
	    "%s: exit %d: %s", in->label, r.status, r.err);
	ck_assert_msg(strstr(r.out, "child of ?") == NULL, "%s", in->label);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* Lists of objects change while they are read: then the one that stays may be missing, which is
 * told, but it is never wrong. */
START_TEST(while_it_runs)
{
	enum { TIMES = 10 };
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;

	if (!can(in, "import greenlet"))
		return;
	fixture_start(
	    &f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@tasks_greenlets.py", "%", "busy"));
	for (int i = 0; i < TIMES; i++) {
		struct run r = run_live(&f);
		struct strbuf wrong = STRBUF_EMPTY;

		(void)compare(&f, r.out, &wrong);
		if (wrong.n > 0 && strstr(r.err, "its greenlets cannot be read whole") != NULL)
			strbuf_reset(&wrong);
		if (wrong.n > 0)
			strbuf_fmt(&wrong, "exit status %d: %s\n%.20000s", r.status, r.err, r.out);
		run_free(&r);
		live_judge(in->label, &wrong);
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live/greenlets");
	TCase *c = tcase_create("greenlets");

	live_add(c, greenlets);
	live_add(c, of_gevent);
	live_add(c, of_eventlet);
	live_add(c, more_than_are_read);
	live_add(c, while_it_runs);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
