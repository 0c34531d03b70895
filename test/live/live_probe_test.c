/* --at: what the kernel counts at a probe is what the program has done, by its own account. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/vec.h"
#include "support/live.h"
#include "support/observer.h"

struct pair {
	char leaf[64], caller[64];
	long told, counted;
};

struct pairs {
	VEC(struct pair) at;
};

static struct pair *pair_of(struct pairs *p, const char *leaf, const char *caller)
{
	struct pair one = { .told = 0 };

	for (size_t i = 0; i < p->at.n; i++) {
		if (strcmp(p->at.at[i].leaf, leaf) == 0 && strcmp(p->at.at[i].caller, caller) == 0)
			return &p->at.at[i];
	}
	(void)snprintf(one.leaf, sizeof(one.leaf), "%s", leaf);
	(void)snprintf(one.caller, sizeof(one.caller), "%s", caller);
	ck_assert(vec_push(&p->at, one));
	return &p->at.at[p->at.n - 1];
}

static void read_truth(const struct fixture *f, struct pairs *p)
{
	char path[512], leaf[64], caller[64];
	FILE *in;
	long n;

	(void)snprintf(path, sizeof(path), "%s/truth", f->dir);
	in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	while (fscanf(in, "%ld %63s %63s", &n, leaf, caller) == 3)
		pair_of(p, leaf, caller)->told += n;
	(void)fclose(in);
}

/* Add the counts of the output. Returns the number of stacks. */
static size_t read_counts(char *text, struct pairs *p)
{
	char names[2][64];
	size_t n = 0, stacks = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *end;
		long count = strtol(line, &end, 10);

		ck_assert_msg(
		    strstr(line, " ?") == NULL && strstr(line, "(unwind") == NULL, "marked: %s", line);
		if (*end == '\0' && end != line) {
			if (n >= 2)
				pair_of(p, names[0], names[1])->counted += count;
			n = 0;
			stacks++;
		} else if (n < 2 && observer_name(line, names[n])) {
			n++;
		}
	}
	return stacks;
}

/* Count the calls of rmdir(2) in f, probed.py under `in`, and compare with its account. args[4] is
 * the probe. Ends f. */
static void compare_counts_of(struct fixture *f, const struct interpreter *in, const char *const args[])
{
	struct pairs pairs = { VEC_EMPTY };
	struct observer o;
	struct run r;
	const char *probe = args[4];
	char operand[64];
	long lost, missing = 0;
	size_t stacks;

	if (!observer_start(&o, args)) {
		(void)printf("SKIP: %s\n", observer_why_not());
		fixture_end(f);
		return;
	}
	fixture_echo(f);
	r = observer_end(&o);
	read_truth(f, &pairs);
	ck_assert_uint_eq(pairs.at.n, 8);
	stacks = read_counts(r.out, &pairs);
	(void)snprintf(operand, sizeof(operand), "%s: ", probe);
	lost = observer_lost(r.err, operand);
	/* All events of a pair may be among the lost ones. */
	ck_assert_msg(lost != 0 || stacks >= 8, "%s: %zu stacks; %s", in->label, stacks, r.err);
	for (size_t i = 0; i < pairs.at.n; i++) {
		const struct pair *p = &pairs.at.at[i];

		missing += p->told - p->counted;
		ck_assert_msg(lost == 0 ? p->told == p->counted : p->told >= p->counted,
		    "%s: %s called by %s: told %ld, counted %ld; %s", in->label, p->leaf, p->caller, p->told,
		    p->counted, r.err);
	}
	ck_assert_msg(missing == lost, "%s: %ld are missing; %s", in->label, missing, r.err);
	ck_assert_int_eq(r.status, lost == 0 ? 0 : 1);
	vec_free(&pairs.at);
	run_free(&r);
	fixture_end(f);
}

/* Count the calls of rmdir(2) at `probe` in a program under `in`, and compare with its account. */
static void compare_counts(const struct interpreter *in, const char *probe, const char *when)
{
	struct fixture f;
	char pid[16];

	fixture_start(&f, in, &(struct fixture_options){ .alone = true }, ARGS("@probed.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	compare_counts_of(&f, in, ARGS("pystack", "-v", "-c", "--at", probe, pid, when));
}

START_TEST(counts_are_the_programs)
{
	compare_counts(&live_interpreters(NULL)[_i], "syscall:rmdir", NULL);
}
END_TEST

/* A breakpoint in the function, or at its return: the same. */
START_TEST(counts_of_a_function)
{
	compare_counts(live_interpreters(NULL), "uprobe:libc.so.6:rmdir", NULL);
	compare_counts(live_interpreters(NULL), "uretprobe:libc.so.6:rmdir", NULL);
}
END_TEST

/* An event is counted once although its process is given twice. */
START_TEST(process_given_twice)
{
	struct fixture f;
	char pid[16];

	fixture_start(
	    &f, live_interpreters(NULL), &(struct fixture_options){ .alone = true }, ARGS("@probed.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	compare_counts_of(&f, live_interpreters(NULL),
	    ARGS("pystack", "-v", "-c", "--at", "uprobe:libc.so.6:rmdir", pid, pid));
}
END_TEST

/* The condition is tested in the kernel: one that holds for all of them changes nothing, one that
 * holds for none leaves nothing. */
START_TEST(conditions)
{
	struct fixture f;
	struct observer o;
	struct run r;
	char pid[16];

	compare_counts(live_interpreters(NULL), "syscall:rmdir", "--when=path ~ \"absent-*\" && pid != 1");
	compare_counts(live_interpreters(NULL), "syscall:rmdir:return", "--when=retval == -2");
	fixture_start(
	    &f, live_interpreters(NULL), &(struct fixture_options){ .alone = true }, ARGS("@probed.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (observer_start(
		&o, ARGS("pystack", "-v", "-c", "--at", "syscall:rmdir", pid, "--when=path == \"absent\""))) {
		fixture_echo(&f);
		r = observer_end(&o);
		ck_assert_str_eq(r.out, "");
		ck_assert_int_eq(r.status, 0);
		run_free(&r);
	}
	fixture_end(&f);
	r = TOOL("--at", "syscall:rmdir", "--when", "size > 1", "1");
	ck_assert_int_eq(r.status, 2);
	ck_assert_ptr_nonnull(strstr(r.err, "--when"));
	run_free(&r);
}
END_TEST

/* Run probed_kinds.py at `probe`. Returns the count of the stacks of `function`; −1: it cannot be
 * observed, and a message was printed. */
static long count_at(const char *probe, const char *function)
{
	struct fixture f;
	struct observer o;
	struct run r;
	char pid[16];
	long n;

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@probed_kinds.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (!observer_start(&o, ARGS("pystack", "-v", "-c", "--at", probe, pid))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		fixture_end(&f);
		return -1;
	}
	fixture_echo(&f);
	r = observer_end(&o);
	n = observer_count(r.out, function);
	ck_assert_msg(observer_lost(r.err, ": ") != 0 || r.status == 0, "%s: %s", probe, r.err);
	run_free(&r);
	fixture_end(&f);
	return n;
}

START_TEST(time_off_the_cpu)
{
	long n = count_at("off-cpu", "nap");

	ck_assert_msg(n == -1 || n >= 15 * 10000, "%ld us", n);
}
END_TEST

START_TEST(ticks_of_a_clock)
{
	long n = count_at("profile:997", "spin");

	ck_assert_msg(n == -1 || (n >= 100 && n <= 1000), "%ld ticks", n);
}
END_TEST

/* The interpreter's own probe, with a semaphore; not every build has it. */
START_TEST(collections_of_garbage)
{
	long n = count_at("python:gc-start", "collect");

	ck_assert_msg(n == -1 || n == 7, "%ld collections", n);
}
END_TEST

/* The probe is in the file that is mapped, not in the one that has its name now. */
START_TEST(replaced_file)
{
	long n = count_at("uprobe:truth.so:fabs", "call");

	ck_assert_msg(n == -1 || n == 9, "%ld calls", n);
}
END_TEST

/* The file that is mapped by one name is found by another. */
START_TEST(other_name)
{
	long n = count_at("uprobe:alias.so:fabs", "call");

	ck_assert_msg(n == -1 || n == 9, "%ld calls", n);
}
END_TEST

/* A stack is printed whole however long its text is. */
START_TEST(long_stacks)
{
	struct fixture f;
	struct observer o;
	struct run r;
	char pid[16];
	size_t n = 0;

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .alone = true },
	    ARGS("@probed_kinds.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (observer_start(&o, ARGS("pystack", "-v", "--at", "uprobe:truth.so:fabs", pid))) {
		fixture_echo(&f);
		r = observer_end(&o);
		for (const char *at = r.out; (at = strstr(at, " (descend) ]")) != NULL; at++)
			n++;
		ck_assert_uint_eq(n, (size_t)9 * 501);
		run_free(&r);
	}
	fixture_end(&f);
}
END_TEST

/* Each event is printed with the call and its path, and the stack has the innermost frame. */
START_TEST(events_have_their_call)
{
	const struct interpreter *in = live_interpreters(NULL);
	struct fixture f;
	struct observer o;
	struct run r;
	char pid[16];
	size_t calls = 0;

	fixture_start(&f, in, &(struct fixture_options){ .alone = true }, ARGS("@probed.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	if (!observer_start(
		&o, ARGS("pystack", "-v", "-p", "-N", "50", "--at", "syscall:rmdir:return", pid))) {
		(void)printf("SKIP: %s\n", observer_why_not());
		fixture_end(&f);
		return;
	}
	fixture_echo(&f);
	r = observer_end(&o);
	for (const char *at = r.out; (at = strstr(at, "] rmdir(\"absent-directory\") = -1 ENOENT\n")) != NULL;
	     at++) {
		char line[256], name[64];

		(void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(strchr(at, '\n') + 1, "\n"),
		    strchr(at, '\n') + 1);
		calls++;
		if (strstr(line, "(its stack is missing)") != NULL)
			continue;
		ck_assert(observer_name(line, name));
		ck_assert_msg(strcmp(name, "leaf") == 0 || strcmp(name, "other_leaf") == 0, "%s", name);
	}
	ck_assert_uint_eq(calls, 50);
	ck_assert_msg(r.status == (observer_lost(r.err, "syscall:rmdir:return: ") == 0 ? 0 : 1), "%s", r.err);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* A wrong probe is refused with the nearest name, and without a look at the process. */
START_TEST(wrong_probes)
{
	struct run r = TOOL("--at", "syscall:rmdri", "1");

	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.out, "");
	ck_assert_ptr_nonnull(strstr(r.err, "syscall:rmdir"));
	run_free(&r);
	r = TOOL("--at", "profile:0", "1");
	ck_assert_int_eq(r.status, 2);
	run_free(&r);
	r = TOOL("--at", "off-cpu", "--at", "off-cpu", "1");
	ck_assert_int_eq(r.status, 2);
	run_free(&r);
	r = TOOL("--at", "syscall:rmdir:return", "--at", "syscall:rmdir", "--at", "syscall:rmdir", "1");
	ck_assert_int_eq(r.status, 2);
	ck_assert_str_eq(r.err, "pystack: --at syscall:rmdir: it was given twice\n");
	run_free(&r);
	r = TOOL("--at", "uprobe:libc.so.6:rmdir", "--at", "uprobe:libc.so.6:rmdir", "1");
	ck_assert_str_eq(r.err, "pystack: --at uprobe:libc.so.6:rmdir: it was given twice\n");
	run_free(&r);
	r = TOOL("--at", "profile:99", "--at", "profile:99", "1");
	ck_assert_str_eq(r.err, "pystack: --at profile:99: it was given twice\n");
	run_free(&r);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("at a probe");
	TCase *c = tcase_create("counts");
	size_t n;

	tcase_set_timeout(c, 120);
	(void)live_interpreters(&n);
	tcase_add_loop_test(c, counts_are_the_programs, 0, (int)n);
	if (n > 0)
		tcase_add_test(c, events_have_their_call);
	if (n > 0 && live_speaks(live_interpreters(NULL))) {
		tcase_add_test(c, counts_of_a_function);
		tcase_add_test(c, process_given_twice);
		tcase_add_test(c, conditions);
		tcase_add_test(c, time_off_the_cpu);
		tcase_add_test(c, ticks_of_a_clock);
		tcase_add_test(c, collections_of_garbage);
		tcase_add_test(c, replaced_file);
		tcase_add_test(c, other_name);
		tcase_add_test(c, long_stacks);
	}
	tcase_add_test(c, wrong_probes);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
