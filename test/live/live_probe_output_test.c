/* --at: what is printed of events, and how they are selected, summed and grouped, compared with what
 * the program does. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/live.h"
#include "support/observer.h"
#include "support/terminal.h"

/* How often `part` is in `text`. */
static long occurrences(const char *text, const char *part)
{
	long n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

/* What the program of the last observe() has said of itself; "" nothing. */
static char truth[8192];

static void read_truth(const struct fixture *f)
{
	char path[512];
	FILE *in;
	size_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	in = fopen(path, "r");
	if (in != NULL) {
		n = fread(truth, 1, sizeof(truth) - 1, in);
		(void)fclose(in);
	}
	truth[n] = '\0';
}

/* The sum of the numbers before `leaf` in lines "N LEAF CALLER". */
static long told(const char *leaf)
{
	char copy[sizeof(truth)], name[64], *save = NULL;
	long sum = 0, n;

	memcpy(copy, truth, sizeof(copy));
	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%ld %63s", &n, name) == 2 && strcmp(name, leaf) == 0)
			sum += n;
	}
	return sum;
}

/* Run `program` under pystack with these arguments, in which "%" stands for its pid. False: it
 * cannot be observed, and a message was printed. The caller frees *r. */
static bool observe(const char *program, struct run *r, const char *const args[])
{
	const char *all[24] = { NULL };
	struct fixture f;
	struct observer o;
	char pid[16];
	bool ok;

	fixture_start(
	    &f, live_interpreters(NULL), &(struct fixture_options){ .alone = true }, ARGS(program, "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (size_t i = 0; args[i] != NULL; i++) {
		ck_assert_uint_lt(i + 1, sizeof(all) / sizeof(all[0]));
		all[i] = strcmp(args[i], "%") == 0 ? pid : args[i];
	}
	ok = observer_start(&o, all);
	if (ok) {
		fixture_echo(&f);
		*r = observer_end(&o);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	read_truth(&f);
	fixture_end(&f);
	return ok;
}

#define OBSERVE(program, r, ...) observe(program, r, ARGS("pystack", "-v", __VA_ARGS__, "%"))

static void check_lines(const struct run *r, const char *line, long want)
{
	ck_assert_msg(occurrences(r->out, line) == want, "%ld of %s in %s%s", want, line, r->out, r->err);
}

/* Strings and numbers of static probes: the operands of their notes are registers and memory. */
START_TEST(arguments_of_static_probes)
{
	struct run r;

	if (!OBSERVE("@probed_output.py", &r, "-p", "--at", "python:gc-start", "--at",
		"python:import-find-load-start"))
		return;
	check_lines(&r, "python:gc-start(0)\n", 2);
	check_lines(&r, "python:gc-start(1)\n", 2);
	check_lines(&r, "python:gc-start(2)\n", 1);
	check_lines(&r, "python:import-start(\"absent_module_3\")\n", 1);
	ck_assert_int_eq(r.status, 0);
	run_free(&r);
}
END_TEST

START_TEST(conditions_at_static_probes)
{
	struct run r;

	if (!OBSERVE("@probed_output.py", &r, "-p", "--at", "python:gc-start", "--when", "generation == 1"))
		return;
	check_lines(&r, "python:gc-start(1)\n", 2);
	check_lines(&r, "python:gc-start", 2);
	run_free(&r);
	if (!OBSERVE("@probed_output.py", &r, "-c", "--at", "python:import-find-load-start", "--when",
		"modulename ~ \"absent_module_*\" && arg0 != \"absent_module_2\""))
		return;
	ck_assert_int_eq(observer_count(r.out, "load"), 4);
	ck_assert_int_eq(r.status, 0);
	run_free(&r);
}
END_TEST

/* Fields of a tracepoint by their names. */
START_TEST(arguments_of_tracepoints)
{
	struct run r;

	if (!OBSERVE("@probed_output.py", &r, "-p", "--at", "tracepoint:task:task_rename"))
		return;
	check_lines(&r, "] task:task_rename(", 5);
	check_lines(&r, "newcomm=\"name-4\"", 1);
	ck_assert_int_eq(r.status, 0);
	run_free(&r);
	if (!OBSERVE("@probed_output.py", &r, "-c", "--at", "tracepoint:task:task_rename", "--when",
		"newcomm == \"name-3\" || (newcomm ~ \"name*\" && oom_score_adj == 2000)"))
		return;
	ck_assert_int_eq(observer_count(r.out, "rename"), 1);
	run_free(&r);
	r = TOOL("--at", "tracepoint:task:task_rename", "--when", "newcom == \"x\"", "1");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "newcomm"));
	run_free(&r);
}
END_TEST

/* The innermost function: until it is known in the kernel, user space decides. */
START_TEST(innermost_function)
{
	struct run r;
	long lost;

	if (!OBSERVE("@probed.py", &r, "-c", "--at", "syscall:rmdir", "--when", "func == \"leaf\""))
		return;
	lost = observer_lost(r.err, "syscall:rmdir: ");
	ck_assert_int_gt(told("leaf"), 0);
	ck_assert_msg(lost != 0 ? observer_count(r.out, "leaf") <= told("leaf")
				: observer_count(r.out, "leaf") == told("leaf"),
	    "%s%s", r.out, r.err);
	ck_assert_int_eq(observer_count(r.out, "other_leaf"), 0);
	run_free(&r);
	if (!OBSERVE("@probed.py", &r, "-c", "--at", "syscall:rmdir", "--when",
		"path == \"absent-directory\" && !(file ~ \"*probed.py\" && func ~ \"leaf*\")"))
		return;
	lost = observer_lost(r.err, "syscall:rmdir: ");
	ck_assert_msg(
	    lost != 0 || observer_count(r.out, "other_leaf") == told("other_leaf"), "%s%s", r.out, r.err);
	ck_assert_int_eq(observer_count(r.out, "leaf"), 0);
	run_free(&r);
	if (!OBSERVE("@probed.py", &r, "-p", "-N", "20", "--at", "syscall:rmdir", "--when",
		"func == \"other_leaf\""))
		return;
	check_lines(&r, "] rmdir(", 20);
	check_lines(&r, " (other_leaf) ]", 20);
	run_free(&r);
	if (!OBSERVE("@probed_kinds.py", &r, "-c", "--at", "off-cpu", "--when", "func == \"nap\""))
		return;
	ck_assert_int_ge(observer_count(r.out, "nap"), 15 * 10000);
	ck_assert_int_eq(observer_count(r.out, "<module>") + observer_count(r.out, "spin"), 0);
	run_free(&r);
}
END_TEST

/* A condition on what is not in memory is neither true nor false. With several probes the message
 * names all of them. */
START_TEST(arguments_out_of_memory)
{
	struct run r;

	if (!OBSERVE("@probed_output.py", &r, "-c", "--at", "syscall:rmdir", "--at", "syscall:mkdir",
		"--when", "path != \"x\""))
		return;
	if (truth[0] != '\0') { /* it has ctypes */
		ck_assert_msg(
		    strstr(r.err, "pystack: syscall:rmdir, syscall:mkdir: 5 events") != NULL, "%s", r.err);
		ck_assert_int_eq(r.status, 1);
	}
	run_free(&r);
}
END_TEST

/* Frames of a second interpreter are labelled. */
START_TEST(interpreters)
{
	struct run r;
	char label[64];

	if (!OBSERVE("@probed_interpreter.py", &r, "-p", "--at", "syscall:rmdir"))
		return;
	if (truth[0] != '\0') {
		(void)snprintf(
		    label, sizeof(label), "] rmdir(\"absent\") / interp# %ld,0\n", strtol(truth, NULL, 10));
		check_lines(&r, label, 1);
	}
	run_free(&r);
}
END_TEST

/* A wrong function, and --min without off-cpu. A file that the process has not mapped may be mapped
 * later; if it is not, the run has failed. */
START_TEST(probes_that_cannot_be_met)
{
	struct fixture f;
	struct run r;
	char pid[16];

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@probed_output.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("--at", "uprobe:libc.so.6:rmdri", pid);
	if (geteuid() == 0 && strstr(r.err, "no function") != NULL)
		ck_assert_ptr_nonnull(strstr(r.err, "rmdir"));
	run_free(&r);
	r = TOOL("--at", "syscall:rmdir", "--min", "1ms", pid);
	ck_assert_int_eq(r.status, 2);
	run_free(&r);
	r = TOOL("-d", "1ms", "--at", "uprobe:/proc/self/exe:main", pid);
	if (strstr(r.err, "BPF") == NULL && strstr(r.err, "bpf") == NULL)
		ck_assert_msg(strstr(r.err, "has not mapped this file\n") != NULL &&
				  strstr(r.err, "no process was seen to map this file\n") != NULL &&
				  r.status == 1,
		    "%s", r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* The sum that is printed for the stacks of `function`; -1: they cannot be observed. */
static long sum_at(const char *program, const char *probe, const char *value, const char *function)
{
	struct run r;
	long sum;

	if (!OBSERVE(program, &r, "-c", "--buffer", "1M", "--sum", value, "--at", probe))
		return -1;
	ck_assert_msg(r.status == 0 || observer_lost(r.err, ": ") != 0, "%s", r.err);
	sum = observer_count(r.out, function);
	run_free(&r);
	return sum;
}

START_TEST(sums)
{
	long n = sum_at("@probed_output.py", "syscall:write", "size", "put");

	ck_assert_msg(n == -1 || n == 2 * 10000, "%ld", n);
	/* Errors add nothing. */
	n = sum_at("@probed_output.py", "syscall:write:return", "retval", "put");
	ck_assert_msg(n == -1 || n == 10000, "%ld", n);
	n = sum_at("@probed_output.py", "uprobe:libc.so.6:write", "arg2", "put");
	ck_assert_msg(n == -1 || n == 2 * 10000, "%ld", n);
	n = sum_at("@probed_output.py", "python:gc-start", "generation", "collect");
	ck_assert_msg(n == -1 || n == 0 + 1 + 2 + 0 + 1, "%ld", n);
}
END_TEST

/* Times of calls, in microseconds: 20 of 10 milliseconds at least, and 7 collections. */
START_TEST(durations)
{
	static const char *const names[] = { "syscall:clock_nanosleep:return",
		"uretprobe:libc.so.6:clock_nanosleep" };
	long n;

	for (size_t i = 0; i < 2; i++) {
		n = sum_at("@probed_kinds.py", names[i], "duration", "nap");
		ck_assert_msg(n == -1 || (n >= 20 * 10000 && n < 60000000), "%s: %ld us", names[i], n);
	}
	n = sum_at("@probed_kinds.py", "python:gc-done", "duration", "collect");
	ck_assert_msg(n == -1 || (n > 0 && n < 60000000), "%ld us", n);
}
END_TEST

START_TEST(wrong_sums)
{
	struct run r = TOOL("-c", "--at", "syscall:write", "--sum", "duration", "1");

	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "syscall:NAME:return"));
	run_free(&r);
	r = TOOL("-c", "--at", "syscall:write", "--sum", "sizee", "1");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "is it size?"));
	run_free(&r);
	r = TOOL("-c", "--at", "syscall:write", "--buffer", "1", "1");
	ck_assert_int_eq(r.status, 2);
	run_free(&r);
}
END_TEST

/* The counts of intervals are those of the whole time, and a stack may come after its first ones. */
START_TEST(counts_of_intervals)
{
	struct run r;
	long lost;

	if (!OBSERVE("@probed.py", &r, "--every", "1ms", "--at", "syscall:rmdir"))
		return;
	lost = observer_lost(r.err, "syscall:rmdir: ");
	ck_assert_msg(lost != 0 || (observer_count(r.out, "leaf") == told("leaf") &&
				       observer_count(r.out, "other_leaf") == told("other_leaf")),
	    "%ld of %ld, %ld of %ld; %s", observer_count(r.out, "leaf"), told("leaf"),
	    observer_count(r.out, "other_leaf"), told("other_leaf"), r.err);
	ck_assert_int_eq(strncmp(r.out, "20", 2), 0); /* a line with the time */
	run_free(&r);
	r = TOOL("--at", "syscall:rmdir", "-o", "folded", "--every", "1s", "1");
	ck_assert_int_eq(r.status, 2);
	run_free(&r);
}
END_TEST

/* Take what pystack writes to a terminal of 8 rows and 40 columns while f works. NULL: it cannot be
 * observed. */
static char *on_terminal(struct fixture *f, const char *const args[])
{
	const struct winsize size = { .ws_row = 8, .ws_col = 40 };
	int slave, master = terminal_open(&slave);
	struct observer o;
	char *text;

	ck_assert_int_eq(ioctl(slave, TIOCSWINSZ, &size), 0);
	if (!observer_start_on(&o, args, slave)) {
		(void)close(master);
		(void)close(slave);
		return NULL;
	}
	(void)close(slave);
	fixture_echo(f);
	ck_assert_int_eq(kill(o.pid, SIGINT), 0);
	text = terminal_read(master);
	(void)close(o.err);
	ck_assert_int_eq(waitpid(o.pid, NULL, 0), o.pid);
	return text;
}

static void remove_colors(char *text)
{
	char *to = text;

	while (*text != '\0') {
		size_t n = strncmp(text, "\033[", 2) == 0 ? strspn(text + 2, "0123456789;") + 2 : 0;

		if (n > 0 && text[n] == 'm')
			text += n + 1;
		else
			*to++ = *text++;
	}
	*to = '\0';
}

/* Each screen has a head, and no more lines and columns than there are; the last line is a count. */
START_TEST(counts_on_a_screen)
{
	struct fixture f;
	char pid[16], *text, *screen, *save = NULL;
	size_t screens = 0;

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@probed_kinds.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	text = on_terminal(&f,
	    ARGS("pystack", "--color=always", "-v", "-c", "--every", "100ms", "--at", "profile:997", pid));
	for (char *rest = text; text != NULL && (screen = strstr(rest, "\033[H")) != NULL; screens++) {
		char *end = strstr(screen, "\033[J"), *last = NULL;
		size_t rows = 0;

		ck_assert_ptr_nonnull(end);
		*end = '\0';
		rest = end + 1;
		screen += strlen("\033[H");
		ck_assert_msg(strncmp(screen, "\033[1;34m20", 9) == 0, "%s", screen);
		remove_colors(screen);
		ck_assert_msg(
		    strncmp(screen, "20", 2) == 0 && strstr(screen, "profile:997") != NULL, "%s", screen);
		for (char *line = strtok_r(screen, "\r\n", &save); line != NULL;
		     line = strtok_r(NULL, "\r\n", &save)) {
			size_t n = strlen(line);

			ck_assert_msg(n >= 3 && strcmp(line + n - 3, "\033[K") == 0, "%s", line);
			line[n - 3] = '\0';
			ck_assert_uint_le(n - 3, 40);
			rows++;
			last = line;
		}
		ck_assert_uint_le(rows, 7);
		if (rows > 1) {
			ck_assert_msg(strtol(last, &end, 10) > 0 && *end == '\0', "%s", last);
		}
	}
	if (text == NULL)
		(void)printf("SKIP: %s\n", observer_why_not());
	else
		ck_assert_uint_ge(screens, 2);
	free(text);
	fixture_end(&f);
}
END_TEST

/* Is the process blocked in write(2) to its standard output? */
static bool is_writing(pid_t pid)
{
	char path[64], text[64] = "";
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	in = fopen(path, "r");
	if (in != NULL) {
		(void)fgets(text, sizeof(text), in);
		(void)fclose(in);
	}
	return strncmp(text, "1 0x1 ", 6) == 0;
}

/* ^C while the reader of the output is slow: nothing is lost. */
START_TEST(interrupted_while_writing)
{
	struct fixture f;
	struct observer o;
	struct run r;
	char pid[16];

	fixture_start(
	    &f, live_interpreters(NULL), &(struct fixture_options){ .alone = true }, ARGS("@probed.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (observer_start(&o, ARGS("pystack", "-v", "-p", "--at", "syscall:rmdir", pid))) {
		fixture_echo(&f);
		while (!is_writing(o.pid))
			continue;
		r = observer_end(&o);
		read_truth(&f);
		ck_assert_ptr_null(strstr(r.err, "cannot write"));
		ck_assert_int_eq(occurrences(r.out, "] rmdir(") + observer_lost(r.err, "syscall:rmdir: "),
		    told("leaf") + told("other_leaf"));
		run_free(&r);
	} else {
		(void)printf("SKIP: %s\n", observer_why_not());
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("what is printed at a probe");
	TCase *c = tcase_create("output");
	size_t n;

	tcase_set_timeout(c, 120);
	(void)live_interpreters(&n);
	if (n > 0 && live_speaks(live_interpreters(NULL))) {
		tcase_add_test(c, arguments_of_static_probes);
		tcase_add_test(c, conditions_at_static_probes);
		tcase_add_test(c, arguments_of_tracepoints);
		tcase_add_test(c, innermost_function);
		tcase_add_test(c, arguments_out_of_memory);
		tcase_add_test(c, interpreters);
		tcase_add_test(c, probes_that_cannot_be_met);
		tcase_add_test(c, sums);
		tcase_add_test(c, durations);
		tcase_add_test(c, wrong_sums);
		tcase_add_test(c, counts_of_intervals);
		tcase_add_test(c, interrupted_while_writing);
		tcase_add_test(c, counts_on_a_screen);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
