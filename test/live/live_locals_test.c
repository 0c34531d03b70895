/* Variables and their values (-l), compared with what the program says of them (locals.py): of live
 * processes, cores, and in JSON; and those that change all the time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"

static const char frame_mark[] = "                [ ", local_mark[] = "                    ";

static bool starts(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* A line of the output in the words of the fixture; of the frame of `stop` nothing is told. */
static void put_line(const char *line, size_t n, bool *stops, struct strbuf *out)
{
	const char *header = strstr(line, "thread# "), *name;

	if (starts(line, local_mark)) {
		if (!*stops)
			strbuf_fmt(
			    out, "is %.*s\n", (int)(n - strlen(local_mark)), line + strlen(local_mark));
		return;
	}
	if (starts(line, frame_mark)) {
		for (name = line + n; *name != '('; name--)
			;
		n = (size_t)(strchr(name, ')') - name);
		*stops = starts(name, "(stop)");
		if (!*stops)
			strbuf_fmt(out, "frame %.*s\n", (int)n - 1, name + 1);
	} else if (header != NULL && header < line + n) {
		strbuf_fmt(out, "thread %ld\n", strtol(header + strlen("thread# "), NULL, 10));
	}
}

static char *in_words(const char *out)
{
	struct strbuf text = STRBUF_EMPTY;
	bool stops = false;

	for (const char *line = out; *line != '\0'; line = strchr(line, '\n') + 1)
		put_line(line, strcspn(line, "\n"), &stops, &text);
	strbuf_str(&text, "");
	return text.at == NULL ? strdup("") : text.at;
}

/* Does the line that was printed say what the told one does? */
static bool agrees(const char *told, const char *line)
{
	size_t n = strcspn(told, "\n");

	if (!starts(told, "has "))
		return strcspn(line, "\n") == n && strncmp(told, line, n) == 0;
	n -= strlen("has ");
	return starts(line, "is ") && strncmp(line + 3, told + 4, n) == 0 && starts(line + 3 + n, " = ") &&
	       strcspn(line, "\n") > n + 6;
}

/* Compare a thread; told and line are at its lines, after the first. Returns the end of told. */
static const char *compare_thread(const char *told, const char *line, struct strbuf *wrong)
{
	while (*told != '\0' && !starts(told, "thread ")) {
		if (!agrees(told, line)) {
			strbuf_fmt(wrong, "told \"%.*s\", printed \"%.*s\"\n", (int)strcspn(told, "\n"), told,
			    (int)strcspn(line, "\n"), line);
			return strstr(told, "thread ") == NULL ? "" : strstr(told, "thread ");
		}
		told = strchr(told, '\n') + 1;
		line = strchr(line, '\n') + 1;
	}
	if (*line != '\0' && !starts(line, "thread "))
		strbuf_fmt(wrong, "printed as well \"%.*s\"\n", (int)strcspn(line, "\n"), line);
	return told;
}

static void compare(const char *truth, const char *out, struct strbuf *wrong)
{
	char *printed = in_words(out);
	const char *told = truth;

	while (*told != '\0') {
		size_t n = strcspn(told, "\n") + 1;
		char header[64];
		const char *at;

		(void)snprintf(header, sizeof(header), "%.*s", (int)n, told);
		at = strstr(printed, header);
		if (at == NULL)
			strbuf_fmt(wrong, "not printed: %s", header);
		told = compare_thread(told + n, at == NULL ? "" : at + n, wrong);
	}
	if (wrong->n != 0)
		strbuf_str(wrong, out);
	free(printed);
}

/* What `pystack option PID` prints. */
static void look(const struct fixture *f, const char *truth, const char *option)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct run r = live_look(f, option, "kept running");

	compare(truth, r.out, &wrong);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

/* The text of -l, read as stacks from standard input, has the same stacks as without it. */
static void count_text(const struct fixture *f)
{
	char pid[16], command[3 * PATH_MAX];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	(void)snprintf(command, sizeof(command),
	    "a=$('%s' -lp %s | '%s' -c) && b=$('%s' -p %s | '%s' -c) && [ \"$a\" = \"$b\" ] && echo same",
	    spawn_tool(), pid, spawn_tool(), spawn_tool(), pid, spawn_tool());
	r = run_program(NULL, ARGS("sh", "-c", command));
	ck_assert_msg(strcmp(r.out, "same\n") == 0, "%s%s", r.out, r.err);
	run_free(&r);
}

/* Of threads that wait the values are read after the stop, from copies: none is missing. */
static void look_stopped(const struct fixture *f, const char *truth)
{
	struct strbuf wrong = STRBUF_EMPTY;
	char pid[16];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = TOOL("--stop", "-lp", pid);
	compare(truth, r.out, &wrong);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

static void look_at_json(const struct fixture *f)
{
	char pid[16];
	struct run r;

	if (!json_lines_collected())
		return;
	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = TOOL("-l", "-o", "json", pid);
	json_lines_add(r.out);
	ck_assert_msg(strstr(r.out, "{\"name\":\"nothing\",\"value\":\"None\"") != NULL, "%s", r.out);
	run_free(&r);
}

static void look_at_core(struct fixture *f, const char *truth)
{
	struct strbuf wrong = STRBUF_EMPTY;
	struct run_options opt = { .in = f->in };
	char core[PATH_MAX], inside[PATH_MAX];
	struct run r;

	if (!live_core(f, core))
		return;
	fixture_path(f->in, core, inside, sizeof(inside));
	r = run_tool(&opt, ARGS("-lp", inside));
	compare(truth, r.out, &wrong);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

/* Values may be secrets: they are printed with -l only. */
static void look_without(const struct fixture *f)
{
	static const char *const options[] = { "-v", "-a", "--stop", "-c" };
	char pid[16], mark[32];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	(void)snprintf(mark, sizeof(mark), "\n%s", local_mark);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		r = TOOL(options[i], pid);
		ck_assert_msg(strstr(r.out, frame_mark) != NULL, "%s: %s", options[i], r.err);
		ck_assert_msg(strstr(r.out, mark) == NULL, "%s: %s", options[i], r.out);
		run_free(&r);
	}
	r = TOOL("-o", "json", pid);
	ck_assert_ptr_nonnull(strstr(r.out, "\"frames\""));
	ck_assert_ptr_null(strstr(r.out, "\"locals\""));
	run_free(&r);
}

START_TEST(variables)
{
	struct fixture f;
	char *truth;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@locals.py", "%"));
	truth = truth_text(f.dir);
	look_without(&f);
	look(&f, truth, "-lp");
	look(&f, truth, "-l");
	look(&f, truth, "-llp");
	look_stopped(&f, truth);
	count_text(&f);
	look_at_json(&f);
	look(&f, truth, "-lp"); /* none was disturbed */
	look_at_core(&f, truth);
	free(truth);
	fixture_end(&f);
}
END_TEST

/* Is the value a list of nine numbers as it was at some moment, or said to change? It is filled by one
 * call, from the first item on: a thread may have been stopped in there. */
static bool is_one_moment(const char *value)
{
	unsigned long long last = 0;
	int items = 0, steps = 0;
	char *end;

	if (starts(value, "<changed while read>\n"))
		return true;
	for (; *value == (items == 0 ? '[' : ','); value = end, items++) {
		unsigned long long number = strtoull(value + 1, &end, 10);

		steps += items > 0 && number != last;
		last = number;
	}
	return starts(value, "]\n") && items == 9 && steps <= 1;
}

static void judge_busy(const char *out, const char *name, size_t *seen)
{
	char mark[64];

	(void)snprintf(mark, sizeof(mark), "\n%s%s = ", local_mark, name);
	for (const char *at = out; (at = strstr(at, mark)) != NULL; at++) {
		ck_assert_msg(is_one_moment(at + strlen(mark)), "%.300s", at);
		(*seen)++;
	}
}

/* Values that running threads change are those of one moment. */
START_TEST(changing)
{
	enum { TIMES = 8 };
	static const char *const options[] = { "-lp", "-l", "-lp" };
	struct fixture f;
	char pid[16];
	size_t seen = 0;

	fixture_start(&f, &live_interpreters(NULL)[_i], &(struct fixture_options){ .no_rest = true },
	    ARGS("@locals.py", "%", "busy"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int i = 0; i < TIMES; i++) {
		struct run r = i % 4 == 3 ? TOOL("--stop", "-lp", pid) : TOOL(options[i % 3], pid);

		judge_busy(r.out, "shared", &seen);
		run_free(&r);
	}
	ck_assert_uint_ge(seen, TIMES);
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live/locals");
	TCase *c = tcase_create("locals");

	live_add(c, variables);
	live_add(c, changing);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
