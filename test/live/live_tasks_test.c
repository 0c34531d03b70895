/* Tasks of asyncio and Trio, compared with what the program knows of them (tasks.py,
 * tasks_trio.py). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "support/json_lines.h"
#include "support/live.h"

enum { LINE = 1000 };

/* The block of a task in the output: its lines. */
struct block {
	const char *at, *end;
};

/* The block below the header that has these words. at NULL: there is none. */
static struct block find_block(const char *out, const char *words)
{
	const char *header = strstr(out, words), *end;

	if (header == NULL)
		return (struct block){ NULL, NULL };
	end = header = strchr(header, '\n') + 1;
	while (*end == ' ')
		end = strchr(end, '\n') + 1;
	return (struct block){ header, end };
}

static bool block_has(const struct block *b, const char *words)
{
	const char *at = strstr(b->at, words);

	return at != NULL && at < b->end;
}

/* The number of names of those that await it. */
static size_t count_waiters(const struct block *b)
{
	const char *at;
	size_t n = 1;

	if (!block_has(b, "awaited by task ") && !block_has(b, "in a nursery of task "))
		return 0;
	at = strstr(b->at, block_has(b, "awaited by task ") ? "awaited by task " : "in a nursery of task ");
	for (; *at != '\n'; at++)
		n += at[0] == ',' && at[1] == ' ';
	return n;
}

/* What the program says of one task. */
struct said {
	char name[LINE];
	struct block block;
	size_t waiters, frames;
	const char *next; /* the line where the next frame should be, or a variable of the last one */
};

static const char local_mark[] = "                    ";

/* The first line from `line` on that is no variable. */
static const char *skip_variables(const char *line, const char *end)
{
	while (line < end && strncmp(line, local_mark, strlen(local_mark)) == 0)
		line = strchr(line, '\n') + 1;
	return line;
}

static void end_task(struct said *t, struct strbuf *wrong)
{
	if (t->name[0] == '\0' || t->block.at == NULL)
		return;
	if (count_waiters(&t->block) != t->waiters || block_has(&t->block, "awaited by ?"))
		strbuf_fmt(wrong, "task %s: awaited by %zu in truth: %.*s", t->name, t->waiters,
		    (int)(strchr(t->block.at, '\n') + 1 - t->block.at), t->block.at);
	t->next = skip_variables(t->next, t->block.end);
	if (t->next != t->block.end)
		strbuf_fmt(wrong, "task %s: more frames than in truth: %.*s", t->name,
		    (int)(t->block.end - t->next), t->next);
}

static void begin_task(struct said *t, const char *out, const char *name, struct strbuf *wrong)
{
	char words[LINE + 32];

	*t = (struct said){ .waiters = 0 };
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	(void)snprintf(words, sizeof(words), " task %s / thread# ", name);
	t->block = find_block(out, words);
	t->next = t->block.at;
	if (t->next == NULL)
		strbuf_fmt(wrong, "task %s: no block\n", name);
	else if (strncmp(t->next, "              (", 15) == 0)
		t->next = strchr(t->next, '\n') + 1;
}

static void compare_frame(struct said *t, const char *frame, struct strbuf *wrong)
{
	char line[LINE + 20];
	size_t n = (size_t)snprintf(line, sizeof(line), "                %s\n", frame);

	t->next = skip_variables(t->next, t->block.end);
	if (t->next < t->block.end && strncmp(t->next, line, n) == 0)
		t->next += n;
	else
		strbuf_fmt(wrong, "task %s: not %s but %.*s\n", t->name, frame, (int)strcspn(t->next, "\n"),
		    t->next);
}

/* Of the frame that was compared last. Without -l none is printed. */
static void compare_variable(const struct said *t, const char *out, const char *told, struct strbuf *wrong)
{
	const char *end = skip_variables(t->next, t->block.end);
	char line[LINE + 32];
	size_t n = (size_t)snprintf(line, sizeof(line), "%s%s\n", local_mark, told);

	if (strstr(out, " = ") == NULL)
		return;
	for (const char *at = t->next; at < end; at = strchr(at, '\n') + 1) {
		if (strncmp(at, line, n) == 0)
			return;
	}
	strbuf_fmt(wrong, "task %s: no %s but %.*s\n", t->name, told, (int)(end - t->next), t->next);
}

/* The remark of the thread says it, and a line of the tree. */
static void compare_runs(const char *out, const char *words, struct strbuf *wrong)
{
	char *name, part[LINE + 32];
	long tid = strtol(words, &name, 10);

	(void)snprintf(part, sizeof(part), "; runs task%s)\n", name);
	if (strstr(out, part) == NULL)
		strbuf_fmt(wrong, "no remark with %s", part);
	/* uvloop is told by a function that is not asyncio's: then the mark ? follows. */
	(void)snprintf(part, sizeof(part), " task%s runs in thread# %ld", name, tid);
	if (strstr(out, part) == NULL)
		strbuf_fmt(wrong, "no line with%s\n", part);
}

static void compare_line(struct said *t, const char *out, const char *line, struct strbuf *wrong)
{
	char words[LINE + 4];

	if (strncmp(line, "runs ", 5) == 0) {
		compare_runs(out, line + 5, wrong);
	} else if (strncmp(line, "task ", 5) == 0) {
		end_task(t, wrong);
		begin_task(t, out, line + 5, wrong);
	} else if (t->block.at == NULL) {
		return;
	} else if (strncmp(line, "says ", 5) == 0) {
		if (!block_has(&t->block, line + 5))
			strbuf_fmt(wrong, "task %s: does not say %s\n", t->name, line + 5);
	} else if (strncmp(line, "waiter ", 7) == 0) {
		t->waiters++;
		(void)snprintf(words, sizeof(words), "%s", line + 7);
		if (!block_has(&t->block, words))
			strbuf_fmt(wrong, "task %s: not awaited by %s\n", t->name, words);
	} else if (strncmp(line, "is ", 3) == 0) {
		compare_variable(t, out, line + 3, wrong);
	} else {
		compare_frame(t, line, wrong);
	}
}

/* Compare with the fixture's file. */
static void compare_tasks(const struct fixture *f, const char *out, struct strbuf *wrong)
{
	char path[300], line[LINE];
	struct said task = { .waiters = 0 };
	size_t n = 0, blocks = 0;
	FILE *said;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	said = fopen(path, "r");
	ck_assert_ptr_nonnull(said);
	while (fgets(line, sizeof(line), said) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		n += strncmp(line, "task ", 5) == 0;
		compare_line(&task, out, line, wrong);
	}
	end_task(&task, wrong);
	(void)fclose(said);
	for (const char *at = out; (at = strstr(at, "- asyncio task ")) != NULL; at++)
		blocks++;
	for (const char *at = out; (at = strstr(at, "- Trio task ")) != NULL; at++)
		blocks++;
	if (blocks != n)
		strbuf_fmt(wrong, "%zu blocks, %zu in truth\n", blocks, n);
}

static struct run run_on(const char *target)
{
	return TOOL("-p", "-a", target);
}

static struct run run_live(const struct fixture *f)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	return run_on(pid);
}

/* Compare r, of which `what` is looked at. Frees r. */
static void judge(const struct fixture *f, struct run *r, const char *what)
{
	struct strbuf wrong = STRBUF_EMPTY;

	if (r->status != 0)
		strbuf_fmt(&wrong, "exit status %d: %s\n", r->status, r->err);
	compare_tasks(f, r->out, &wrong);
	if (wrong.n > 0)
		strbuf_fmt(&wrong, "(%s)\n%.20000s", what, r->out);
	run_free(r);
	live_judge(f->in->label, &wrong);
}

static void look_at_core(struct fixture *f)
{
	char core[PATH_MAX];
	struct run r;

	if (!live_core(f, core))
		return;
	r = live_tasks_of_core(f, "-pal", core);
	judge(f, &r, "core");
}

static bool has_asyncio(const struct interpreter *in)
{
	return in->major == 3 && in->minor >= 6;
}

START_TEST(tasks)
{
	static const char a_variable[] = "                    words = ['waits', 1.5]\n";
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char pid[16];
	struct fixture f;
	struct run r;

	if (!has_asyncio(in))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks.py", "%"));
	r = run_live(&f);
	judge(&f, &r, "live");
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("-pal", pid);
	ck_assert_msg(strstr(r.out, a_variable) != NULL, "%s: %s", in->label, r.out);
	judge(&f, &r, "live, variables");
	if (json_lines_collected()) {
		r = TOOL("-al", "-o", "json", pid);
		json_lines_add(r.out);
		ck_assert_msg(strstr(r.out, "\"tasks\":[{\"id\":\"0x") != NULL, "%s", r.out);
		ck_assert_msg(strstr(strstr(r.out, "\"tasks\":["),
				  "{\"name\":\"words\",\"value\":\"['waits', 1.5]\"") != NULL,
		    "%s", r.out);
		run_free(&r);
	}
	look_at_core(&f);
	fixture_end(&f);
}
END_TEST

START_TEST(tasks_in_python)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct run r;

	if (!has_asyncio(in))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks.py", "%", "python"));
	r = run_live(&f);
	judge(&f, &r, "live");
	fixture_end(&f);
}
END_TEST

/* A module that the interpreter may lack; statement: it imports it. */
static bool has_module(const struct interpreter *in, const char *statement)
{
	struct run_options opt = { .in = in, .own = true };
	struct run r;
	bool has;

	if (!has_asyncio(in))
		return false;
	r = run_program(&opt, ARGS(in->path, "-c", statement));
	has = r.status == 0;
	if (!has)
		(void)printf("SKIP: %s fails in %s\n", statement, in->label);
	run_free(&r);
	return has;
}

START_TEST(tasks_of_trio)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct run r;

	if (!has_module(in, "import trio"))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks_trio.py", "%"));
	r = run_live(&f);
	judge(&f, &r, "live");
	look_at_core(&f);
	fixture_end(&f);
}
END_TEST

START_TEST(tasks_of_uvloop)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct run r;

	if (!has_module(in, "import uvloop"))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks.py", "%", "uvloop"));
	r = run_live(&f);
	/* A loop that no task runs in, but the thread. */
	ck_assert_msg(strstr(r.out, " asyncio task \"thread left\" / thread# ") != NULL &&
			  strstr(r.out, " asyncio task \"thread left\" / thread# - ") == NULL,
	    "%s", r.out);
	judge(&f, &r, "live");
	fixture_end(&f);
}
END_TEST

/* Tasks await each other, and a coroutine seems to await itself. */
START_TEST(circles)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct run r;

	if (!has_asyncio(in))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks.py", "%", "circle"));
	r = run_live(&f);
	ck_assert_msg(r.status == 1, "%s: exit %d: %s", in->label, r.status, r.err);
	ck_assert_msg(strstr(r.out, " (in a circle)\n") != NULL, "%s", r.out);
	ck_assert_msg(strstr(r.out, "; inner frames missing)\n") != NULL, "%s: %.20000s", in->label, r.out);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

START_TEST(more_than_are_read)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	struct run r;

	if (!has_asyncio(in))
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks.py", "%", "many"));
	r = run_live(&f);
	ck_assert_msg(r.status == 1 && strstr(r.err, "it has more than 10000 tasks") != NULL,
	    "%s: exit %d: %s", in->label, r.status, r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* The number after the first `words` in text; 0: there is none. *end: behind it. */
static long number_after(const char *text, const char *words, char **end)
{
	const char *at = strstr(text, words);

	return at == NULL ? 0 : strtol(at + strlen(words), end, 10);
}

/* Tasks that end soon leave their memory to the next ones. That which a thread is said to run,
 * without a mark, is the one whose number is among the thread's variables. */
START_TEST(short_ones)
{
	enum { TIMES = 10 };
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct fixture f;
	char pid[16], *end = NULL;

	if (in->major != 3 || in->minor < 8) /* names */
		return;
	fixture_start(
	    &f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@tasks.py", "%", "short_ones"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int i = 0; i < TIMES; i++) {
		struct run r = TOOL("-p", "-a", "-l", pid);
		char *tree = strstr(r.out, "---- event loop "), *behind;
		long runs, number;

		if (tree != NULL)
			*tree = '\0';
		runs = number_after(r.out, "; runs task \"short ", &end);
		number = number_after(r.out, " number = ", &behind);
		ck_assert_msg(runs == 0 || number == 0 || runs == number || strncmp(end, "\" ?", 3) == 0,
		    "%s: %s", in->label, r.out);
		run_free(&r);
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live/tasks");
	TCase *c = tcase_create("tasks");

	live_add(c, tasks);
	live_add(c, tasks_in_python);
	live_add(c, tasks_of_trio);
	live_add(c, tasks_of_uvloop);
	live_add(c, circles);
	live_add(c, more_than_are_read);
	live_add(c, short_ones);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
