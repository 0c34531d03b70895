/* Source lines (--source), compared with what the program says of them (sources.py): of live
 * processes, cores, counted, in JSON and read again from text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/json_lines.h"
#include "support/live.h"
#include "support/oracle.h"

static const char frame_mark[] = "                [ ", source_mark[] = "                  ";

static bool starts(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* A line of the output in the words of the fixture; of the frame of `stop` nothing is told. */
static void put_line(const char *line, size_t n, bool *stops, struct strbuf *out)
{
	const char *header = strstr(line, "thread# "), *name;

	if (starts(line, frame_mark)) {
		for (name = line + n; *name != '('; name--)
			;
		n = (size_t)(strchr(name, ')') - name);
		*stops = starts(name, "(stop)");
		if (!*stops)
			strbuf_fmt(out, "frame %.*s\n", (int)n - 1, name + 1);
	} else if (starts(line, source_mark) && line[strlen(source_mark)] != ' ') {
		if (!*stops)
			strbuf_fmt(
			    out, "src %.*s\n", (int)(n - strlen(source_mark)), line + strlen(source_mark));
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

/* The length of the block of a thread. */
static size_t block(const char *text)
{
	const char *next = strstr(text, "\nthread ");

	return next == NULL ? strlen(text) : (size_t)(next - text) + 1;
}

static void compare(const char *truth, const char *out, struct strbuf *wrong)
{
	char *printed = in_words(out);

	for (const char *told = truth; *told != '\0'; told += block(told)) {
		size_t n = block(told);
		char header[64];
		const char *at;

		(void)snprintf(header, sizeof(header), "%.*s\n", (int)strcspn(told, "\n"), told);
		at = strstr(printed, header);
		if (at == NULL || block(at) != n || memcmp(at, told, n) != 0)
			strbuf_fmt(wrong, "told:\n%.*sprinted:\n%.*s\n", (int)n, told,
			    at == NULL ? 0 : (int)block(at), at == NULL ? "" : at);
	}
	free(printed);
}

/* No file that cannot be read, or that is not the code's, goes unsaid. */
static void judge_messages(const char *err, bool core, struct strbuf *wrong)
{
	static const char *const said[] = { "/short.py: the file has no such line",
		"/other.py: a function begins elsewhere", "/absent.py: No such file or directory",
		"/fifo.py: not a regular file", "/kernel.py: ", "/huge.py: it is too large" };

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (strstr(err, said[i]) == NULL)
			strbuf_fmt(wrong, "not said: %s\n", said[i]);
	}
	if (strstr(err, core ? "newer than the core" : "newer than the process") == NULL)
		strbuf_str(wrong, "not said: newer\n");
	if (wrong->n != 0)
		strbuf_str(wrong, err);
}

static void look(const struct fixture *f, const char *truth, const char *option)
{
	struct strbuf wrong = STRBUF_EMPTY;
	char pid[16];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = TOOL("--source", option, pid);
	compare(truth, r.out, &wrong);
	judge_messages(r.err, false, &wrong);
	if (r.status != 0)
		strbuf_fmt(&wrong, "status %d\n", r.status);
	run_free(&r);
	live_judge(f->in->label, &wrong);
}

/* The text, read as stacks from standard input, has the same stacks as without source lines. */
static void count_text(const struct fixture *f)
{
	char command[3 * PATH_MAX];
	struct run r;

	(void)snprintf(command, sizeof(command),
	    "a=$('%s' --source -lp %d 2>/dev/null | '%s' -c) && b=$('%s' -p %d | '%s' -c) && [ \"$a\" = "
	    "\"$b\" ] && "
	    "echo same",
	    spawn_tool(), (int)f->pid, spawn_tool(), spawn_tool(), (int)f->pid, spawn_tool());
	r = run_program(NULL, ARGS("sh", "-c", command));
	ck_assert_msg(strcmp(r.out, "same\n") == 0, "%s%s", r.out, r.err);
	run_free(&r);
}

static void count(const struct fixture *f)
{
	char pid[16];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = TOOL("--source", "-pc", pid);
	ck_assert_msg(strstr(r.out, "\n                  | return x, y") == NULL, "%s", r.out);
	ck_assert_msg(
	    strstr(r.out, "\n                  | x = [second(a), 1]; y = 2\n                [ ") != NULL,
	    "%s", r.out);
	run_free(&r);
}

static void look_at_json(const struct fixture *f)
{
	char pid[16];
	struct run r;

	if (!json_lines_collected())
		return;
	(void)snprintf(pid, sizeof(pid), "%d", (int)f->pid);
	r = TOOL("--source", "-l", "-o", "json", pid);
	json_lines_add(r.out);
	ck_assert_msg(
	    strstr(r.out, "\"source\":{\"lines\":[\"    x = [second(a), 1]; y = 2\"]}") != NULL, "%s", r.out);
	ck_assert_msg(strstr(r.out, "\"doubts\":[\"newer\"]}") != NULL, "%s", r.out);
	ck_assert_msg(strstr(r.out, "\"source\":{\"lines\":[],\"doubts\":[\"short\"]}") != NULL, "%s", r.out);
	if (f->in->major == 3 && f->in->minor >= 11)
		ck_assert_msg(
		    strstr(r.out, "\"end_line\":8,\"column\":9,\"end_column\":18") != NULL, "%s", r.out);
	run_free(&r);
}

START_TEST(process)
{
	struct fixture f;
	char *truth;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@sources.py", "%"));
	truth = truth_text(f.dir);
	look(&f, truth, "-p");
	look(&f, truth, "-l");
	count_text(&f);
	count(&f);
	look_at_json(&f);
	free(truth);
	fixture_end(&f);
}
END_TEST

START_TEST(core_file)
{
	struct fixture f;
	struct strbuf wrong = STRBUF_EMPTY;
	char core[PATH_MAX], inside[PATH_MAX];
	struct run r;
	char *truth;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@sources.py", "%", "core"));
	truth = truth_text(f.dir);
	if (live_core(&f, core)) {
		struct run_options opt = { .in = f.in };

		fixture_path(f.in, core, inside, sizeof(inside));
		r = run_tool(&opt, ARGS("--source", "-p", inside));
		compare(truth, r.out, &wrong);
		judge_messages(r.err, true, &wrong);
		run_free(&r);
		live_judge(f.in->label, &wrong);
	}
	free(truth);
	fixture_end(&f);
}
END_TEST

/* The code of a worker may be older than the worker. */
START_TEST(forked)
{
	struct fixture f;
	struct run r;
	char *child;

	fixture_start(&f, &live_interpreters(NULL)[_i], NULL, ARGS("@sources_forked.py", "%"));
	child = truth_text(f.dir);
	child[strcspn(child, "\n")] = '\0';
	r = TOOL("--source", "-p", child);
	ck_assert_msg(
	    strstr(r.out, "\n                  ? stop()\n") != NULL, "%s: %s%s", f.in->label, r.out, r.err);
	ck_assert_msg(strstr(r.err, "newer than the process") != NULL, "%s: %s", f.in->label, r.err);
	run_free(&r);
	oracle_judge(oracle_process((pid_t)strtol(child, NULL, 10)));
	free(child);
	fixture_end(&f);
}
END_TEST

static void refused(const char *option, const char *value, const char *operand)
{
	struct run r = TOOL("--source", option, value, operand);

	ck_assert_int_eq(r.status, 2);
	ck_assert_msg(strstr(r.err, "--source") != NULL, "%s", r.err);
	run_free(&r);
}

START_TEST(options)
{
	refused("-o", "folded", "1");
	refused("-c", "-t", "1");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("live/source");
	TCase *c = tcase_create("source");

	live_add(c, process);
	live_add(c, core_file);
	live_add(c, forked);
	tcase_add_test(c, options);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_json_main(suite);
}
