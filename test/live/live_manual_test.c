/* The EXAMPLES of the manual page, run as printed. 4711 stands for a program started here; cores
 * and executables that an example names are made. An example without a row here fails the test. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/live.h"
#include "support/spawn_files.h"
#include "support/victim.h"

enum { PAGE_MAX = 1 << 16, COMMAND_MAX = 1024, EXAMPLES = 20 };

static const char page_path[] = "man1/pystack.1";

/* What an example must print and must not. The first row with a part of its command counts. */
static const struct row {
	const char *part, *out, *not_out;
} rows[] = {
	{ "--at syscall:rmdir 4711", "] rmdir(\"", NULL },
	{ "--at profile:", ";<module> (", NULL },
	{ "--at ", "(<module>) ]\n", NULL },
	{ "-pv 4711/4711", "s_map.<locals>.c_item) ]\n", "`" },
	{ "-n 20 4711", "(c_item) ]\n", NULL },
	{ "| grep '\\['", "(c_item) ]\n", "`" },
	{ "-e ./python3.11 core.4711", "core 'core.4711' of 4711:\t", NULL },
	{ "jq -r ", "p_leaf\n", "`" },
	{ "-c 4711", "(c_item) ]\n", NULL },
	{ "-i 100ms ", "(c_item) ]\n", NULL },
	{ "bpftrace ", "(remove) ]\n", NULL },
	{ "pystack 4711", "(c_item) ]\n", NULL },
};

/* The text between ".Sh EXAMPLES" and the next ".Sh"; the caller frees it. */
static char *examples(void)
{
	char *page = malloc(PAGE_MAX);
	char *from, *to;

	ck_assert_ptr_nonnull(page);
	ck_assert(spawn_head(page_path, page, PAGE_MAX));
	from = strstr(page, "\n.Sh EXAMPLES\n");
	ck_assert_ptr_nonnull(from);
	to = strstr(from + 1, "\n.Sh ");
	ck_assert_ptr_nonnull(to);
	*to = 0;
	from = strdup(from);
	free(page);
	return from;
}

/* The next command, as a shell reads it (in roff "\e" is a backslash), and the text after it; NULL:
 * no more. */
static const char *next(const char *at, char out[COMMAND_MAX])
{
	static const char line[] = "\n.Dl ", block[] = "\n.Bd -literal -offset indent\n";
	const char *one = strstr(at, line), *many = strstr(at, block), *end;
	bool is_block = many != NULL && (one == NULL || many < one);
	size_t n = 0;

	if (one == NULL && many == NULL)
		return NULL;
	at = (is_block ? many + strlen(block) : one + strlen(line)) + strlen("$ ");
	end = is_block ? strstr(at, "\n.Ed") : strchrnul(at, '\n');
	ck_assert_ptr_nonnull(end);
	for (; at < end && n + 1 < COMMAND_MAX; at++) {
		out[n++] = *at;
		if (*at == '\\' && at[1] == 'e')
			at++;
	}
	out[n] = 0;
	return end;
}

/* text with every `from` replaced by `to`. */
static void replace(char text[COMMAND_MAX], const char *from, const char *to)
{
	struct strbuf out = STRBUF_EMPTY;
	const char *at = text, *hit;

	for (; (hit = strstr(at, from)) != NULL; at = hit + strlen(from))
		strbuf_fmt(&out, "%.*s%s", (int)(hit - at), at, to);
	strbuf_str(&out, at);
	(void)snprintf(text, COMMAND_MAX, "%s", strbuf_text(&out));
	strbuf_free(&out);
}

/* Run it in dir with pid for 4711, and compare. */
static void run_example(const char *dir, long pid, const char *printed)
{
	const struct run_options opt = { .cwd = dir };
	char shell[COMMAND_MAX], want[COMMAND_MAX], number[24];
	const struct row *row = NULL;
	struct run r;

	for (size_t i = 0; row == NULL && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strstr(printed, rows[i].part) != NULL)
			row = &rows[i];
	}
	ck_assert_msg(row != NULL, "%s: what must this print? %s", page_path, printed);
	(void)snprintf(number, sizeof(number), "%ld", pid);
	(void)snprintf(shell, sizeof(shell), "%s", printed);
	(void)snprintf(want, sizeof(want), "%s", row->out);
	replace(shell, "4711", number);
	replace(want, "4711", number);
	r = run_program(&opt, ARGS("/bin/sh", "-c", shell));
	ck_assert_msg(r.status == 0 && strstr(r.err, "pystack: ") == NULL && strstr(r.out, want) != NULL &&
			  (row->not_out == NULL || strstr(r.out, row->not_out) == NULL),
	    "%s: exit %d, %.500s%.2000s", shell, r.status, r.err, r.out);
	run_free(&r);
}

/* All examples of a process, or of a core, that belong to pid. */
static void run_all(const char *dir, long pid, bool cores)
{
	char *text = examples();
	char shell[COMMAND_MAX];

	for (const char *at = text; (at = next(at, shell)) != NULL;) {
		if (strstr(shell, "bpftrace") == NULL && strstr(shell, "--at") == NULL &&
		    cores == (strstr(shell, "core.4711") != NULL))
			run_example(dir, pid, shell);
	}
	free(text);
}

START_TEST(process_and_core)
{
	const struct interpreter *in = live_interpreters(NULL);
	char dir[300], path[400], core[PATH_MAX];
	const char *why = "";
	struct fixture f;
	pid_t pid;

	if (in->path[0] == 0)
		return;
	(void)snprintf(dir, sizeof(dir), "%s/examples", spawn_folder());
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	live_tool_in_path();
	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%", "map"));
	pid = f.pid;
	run_all(dir, pid, false);
	if (fixture_core(&f, SIGABRT, core, &why)) {
		(void)snprintf(path, sizeof(path), "%s/core.%d", dir, (int)pid);
		ck_assert_int_eq(symlink(core, path), 0);
		(void)snprintf(path, sizeof(path), "%s/python3.11", dir);
		ck_assert_int_eq(symlink(in->path, path), 0);
		run_all(dir, pid, true);
	} else {
		(void)printf("SKIP: examples of a core: %s\n", why);
	}
	fixture_end(&f);
	spawn_remove(dir);
}
END_TEST

/* As printed, but for this test's process alone, and once. */
START_TEST(tracer)
{
	const struct interpreter *in = live_interpreters(NULL);
	const char *why = live_no_bpftrace();
	char shell[COMMAND_MAX], only[40];
	char *text;
	struct fixture f;

	if (in->path[0] == 0 || why != NULL) {
		(void)printf("SKIP: example with bpftrace: %s\n", why == NULL ? "no Python" : why);
		return;
	}
	text = examples();
	for (const char *at = text; (at = next(at, shell)) != NULL;) {
		if (strstr(shell, "bpftrace") == NULL)
			continue;
		ck_assert_ptr_nonnull(strstr(shell, "/comm == \"python3\"/"));
		live_tool_in_path();
		fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@rmdir.py", "%"));
		(void)snprintf(only, sizeof(only), "/pid == %d/", (int)f.pid);
		replace(shell, "/comm == \"python3\"/", only);
		replace(shell, "; }", "; exit(); }");
		run_example(f.dir, f.pid, shell);
		ck_assert(victim_settles(f.pid, f.pid, 'T'));
		fixture_end(&f);
	}
	free(text);
}
END_TEST

/* Those of --at, for a process that removes directories, and until a few events were met. */
START_TEST(probes)
{
	const struct interpreter *in = live_interpreters(NULL);
	char shell[COMMAND_MAX];
	char *text, number[24];
	struct fixture f;
	struct run r;

	if (in->path[0] == 0)
		return;
	text = examples();
	live_tool_in_path();
	fixture_start(&f, in, &(struct fixture_options){ .no_rest = true }, ARGS("@rmdir.py", "%"));
	(void)snprintf(number, sizeof(number), "%d", (int)f.pid);
	r = TOOL("--at", "syscall:rmdir", "-N", "1", number);
	if (r.status == 2)
		(void)printf("SKIP: examples of --at: %s", r.err);
	for (const char *at = text; r.status != 2 && (at = next(at, shell)) != NULL;) {
		/* Probes that not every system has: live_probe_recipes_test. */
		if (strstr(shell, "--at") == NULL || strstr(shell, "python:") != NULL)
			continue;
		replace(shell, "profile:97 ", "syscall:write ");
		replace(shell, "syscall:write:return", "syscall:write");
		replace(shell, "-\\&- hg clone -q project copy", "4711");
		replace(shell, "syscall:write", "syscall:rmdir:return");
		replace(shell, " -d 10s", "");
		replace(shell, " --min 1ms", "");
		replace(shell, ">app.folded", "");
		replace(shell, "pystack --at", "pystack -N 3 --at");
		run_example(f.dir, f.pid, shell);
	}
	ck_assert_int_eq(kill(f.pid, SIGSTOP), 0);
	ck_assert(victim_settles(f.pid, f.pid, 'T'));
	fixture_end(&f);
	run_free(&r);
	free(text);
}
END_TEST

START_TEST(all_are_found)
{
	char *text = examples();
	char shell[COMMAND_MAX];
	size_t n = 0;

	for (const char *at = text; (at = next(at, shell)) != NULL;)
		n++;
	ck_assert_uint_eq(n, EXAMPLES);
	free(text);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("manual");
	TCase *c = tcase_create("examples");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, all_are_found);
	tcase_add_test(c, process_and_core);
	tcase_add_test(c, tracer);
	tcase_add_test(c, probes);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
