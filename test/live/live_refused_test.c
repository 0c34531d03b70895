/* The system refuses memory and files, one request at a time. The output is complete, or a message
 * is printed. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/json_lines.h"
#include "support/live.h"
#include "support/oracle.h"
#include "support/victim.h"

enum { RUNS = 80 }; /* of each kind of request at most, spread over all requests */

static char count_file[PATH_MAX];

/* The tool, with the request `k` (0: none) of that kind refused. */
static struct run run_refused(const char *kind, long k, const char *const args[])
{
	char text[64], library[PATH_MAX];
	struct run r;

	spawn_built("test/programs/librefuse.so", library);
	(void)snprintf(text, sizeof(text), "%s:%ld", kind, k);
	ck_assert_int_eq(setenv("REFUSE", text, 1), 0);
	ck_assert_int_eq(setenv("REFUSE_COUNT", count_file, 1), 0);
	ck_assert_int_eq(setenv("LD_PRELOAD", library, 1), 0);
	r = run_tool(NULL, args);
	ck_assert_int_eq(unsetenv("LD_PRELOAD"), 0);
	return r;
}

static long requests(void)
{
	FILE *f = fopen(count_file, "r");
	char line[32] = "";

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	(void)fclose(f);
	return strtol(line, NULL, 10);
}

/* The number of headers. If one is missing, frames seem to belong to the thread before. */
static size_t headers(const char *out)
{
	size_t n = 0;

	for (; (out = strstr(out, "- thread# ")) != NULL; out++)
		n++;
	return n;
}

/* How many remarks are there? */
static size_t remarks(const char *out)
{
	size_t n = 0;

	for (; (out = strstr(out, "\n              (")) != NULL; out++)
		n++;
	return n;
}

/* Each request in turn, or as many as there is time for. */
static void sweep(const char *kind, const char *const args[], struct strbuf *wrong)
{
	struct run whole = run_refused(kind, 0, args), r;
	long n = requests(), step = n / RUNS + 1;
	bool json = false;

	for (size_t i = 0; args[i] != NULL; i++)
		json |= strcmp(args[i], "json") == 0;
	ck_assert_msg(
	    whole.status == 0 && whole.err[0] == '\0', "%s: exit %d, %s", kind, whole.status, whole.err);
	for (long k = 1; k <= n; k += step) {
		r = run_refused(kind, k, args);
		if (json)
			json_lines_add(r.out);
		if (r.status == 0 && strcmp(r.out, whole.out) != 0)
			strbuf_fmt(
			    wrong, "%s, %s %ld of %ld: exit 0, and not all printed\n", args[0], kind, k, n);
		else if (r.status < 0 || r.status > 2)
			strbuf_fmt(
			    wrong, "%s, %s %ld of %ld: exit %d, %s\n", args[0], kind, k, n, r.status, r.err);
		else if (r.status != 0 && strncmp(r.err, "pystack: ", 9) != 0 &&
			 remarks(r.out) <= remarks(whole.out))
			strbuf_fmt(wrong, "%s, %s %ld of %ld: exit %d, and nothing said\n", args[0], kind, k,
			    n, r.status);
		else if (r.status == 1 && headers(r.out) != headers(whole.out) && args[1] == NULL &&
			 strstr(r.err, " threads are missing: ") == NULL)
			strbuf_fmt(wrong, "%s, %s %ld of %ld: a thread has no header\n", args[0], kind, k, n);
		run_free(&r);
	}
	run_free(&whole);
}

/* What is printed is valid whatever is refused. (Of a core, since a process's has the time.) */
static void sweep_json(const char *core, struct strbuf *wrong)
{
	if (!json_lines_collected())
		return;
	sweep("memory", ARGS("-o", "json", core), wrong);
	sweep("memory", ARGS("-c", "-o", "json", core), wrong);
}

static const char *const kinds[] = { "memory", "open", "read", "pread", "stat", "map", "target" };

static void sweep_all(const char *const args[], struct strbuf *wrong)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		sweep(kinds[i], args, wrong);
}

/* While some process has a userfaultfd, memory is read through /proc/PID/mem. Each read of it is
 * refused in turn. */
static void sweep_memory_file(const char *pid, struct strbuf *wrong)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0) {
		(void)printf("SKIP: reads of /proc/PID/mem: userfaultfd: %s\n", strerror(errno));
		return;
	}
	sweep("pread", ARGS(pid), wrong);
	(void)close(fd);
}

START_TEST(of_a_process)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct strbuf wrong = STRBUF_EMPTY;
	struct fixture f;
	char pid[24];

	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)snprintf(count_file, sizeof(count_file), "%s/requests", f.dir);
	sweep_all(ARGS(pid), &wrong);
	sweep_memory_file(pid, &wrong);
	sweep("memory", ARGS("-c", pid), &wrong);
	sweep("memory", ARGS("-pv", pid), &wrong);
	sweep("memory", ARGS("-o", "folded", pid), &wrong);
	sweep("memory", ARGS("-i", "100ms", "-N", "2", "--idle", pid), &wrong);
	live_judge(in->label, &wrong);
	fixture_end(&f);
}
END_TEST

START_TEST(of_a_core)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct strbuf wrong = STRBUF_EMPTY;
	struct fixture f;
	char core[PATH_MAX];
	const char *why;

	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	(void)snprintf(count_file, sizeof(count_file), "%s/requests", f.dir);
	if (fixture_core(&f, SIGABRT, core, &why)) {
		sweep_all(ARGS(core), &wrong);
		sweep("memory", ARGS("-c", core), &wrong);
		sweep_json(core, &wrong);
	} else {
		(void)printf("SKIP: core of %s: %s\n", in->label, why);
	}
	live_judge(in->label, &wrong);
	fixture_end(&f);
}
END_TEST

START_TEST(of_tasks)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	struct strbuf wrong = STRBUF_EMPTY;
	struct fixture f;
	char pid[24];

	if (in->major == 2)
		return;
	fixture_start(&f, in, NULL, ARGS("@tasks.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)snprintf(count_file, sizeof(count_file), "%s/requests", f.dir);
	sweep("memory", ARGS("-a", "-p", pid), &wrong);
	sweep("target", ARGS("-a", "-p", pid), &wrong);
	sweep("memory", ARGS("-a", "-c", pid), &wrong);
	live_judge(in->label, &wrong);
	fixture_end(&f);
}
END_TEST

/* All memory after some request is refused, as by a limit. */
START_TEST(of_all_that_follow)
{
	const struct interpreter *in = &live_interpreters(NULL)[_i];
	char pid[24], limited[128];
	struct fixture f;
	struct run r;

	fixture_start(&f, in, NULL, ARGS("@scenes.py", "%"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (int kb = 256; kb <= 1024; kb += 64) {
		(void)snprintf(limited, sizeof(limited), "prlimit --data=%d000 \"$0\" $1", kb);
		r = run_program(NULL, ARGS("sh", "-c", limited, spawn_tool(), pid));
		ck_assert_msg(r.status == 0 || strstr(r.err, "emory") != NULL, "%d kB: exit %d, %.200s", kb,
		    r.status, r.err);
		run_free(&r);
	}
	fixture_end(&f);
}
END_TEST

/* Nothing stops. The reason is that, whatever the system's last error was. */
START_TEST(of_every_stop)
{
	struct victim v = victim_start(victim_spinning, 0);
	char pid[24];
	struct run r;

	oracle_leave_out(); /* what is refused to one is refused to the other */
	(void)snprintf(pid, sizeof(pid), "%d", (int)v.pid);
	(void)snprintf(count_file, sizeof(count_file), "/dev/null");
	r = run_refused("stop", 1, ARGS(pid));
	ck_assert_msg(r.status == 2 && strstr(r.err, ": it did not stop within ") != NULL &&
			  strstr(r.err, "rror") == NULL,
	    "exit %d, %s", r.status, r.err);
	run_free(&r);
	victim_end(&v);
}
END_TEST

/* A thread stops, but its registers cannot be read. It is not taken for one that has ended. */
START_TEST(of_registers)
{
	struct victim v = victim_start(victim_spinning, 0);
	char pid[24];
	struct run r;

	oracle_leave_out();
	(void)snprintf(pid, sizeof(pid), "%d", (int)v.pid);
	(void)snprintf(count_file, sizeof(count_file), "/dev/null");
	r = run_refused("registers", 1, ARGS(pid));
	ck_assert_msg(
	    r.status != 0 && strstr(r.err, "its registers cannot be read: Input/output error") != NULL,
	    "exit %d, %s", r.status, r.err);
	run_free(&r);
	ck_assert(victim_settles(v.pid, v.pid, 'R'));
	victim_end(&v);
}
END_TEST

/* Stacks of samples whose files and stacks cannot be read are not taken for whole ones. */
START_TEST(of_samples)
{
	struct victim v = victim_start(victim_spinning, 0);
	char pid[24];
	struct run r;

	(void)snprintf(pid, sizeof(pid), "%d", (int)v.pid);
	(void)snprintf(count_file, sizeof(count_file), "/dev/null");
	r = run_refused("pread:1", 0, ARGS("-i", "1ms", "-N", "2", "--no-bpf", pid)); /* and all later ones */
	ck_assert_msg(r.status != 0 && strstr(r.err, ": cannot be read: Input/output error") != NULL,
	    "exit %d, %s%s", r.status, r.out, r.err);
	run_free(&r);
	victim_end(&v);
}
END_TEST

static Suite *refused_suite(void)
{
	Suite *suite = suite_create("live_refused");
	TCase *tcase = tcase_create("refused");
	int last = 0;

	/* The newest interpreter that has the programs. One below a root has no executable at the
	 * path in its core. */
	for (size_t n = 0, i = 0; (void)live_interpreters(&n), i < n; i++) {
		const struct interpreter *in = &live_interpreters(NULL)[i];

		if (live_speaks(in) && in->root[0] == '\0')
			last = (int)i;
	}
	tcase_set_timeout(tcase, 240);
#ifdef __SANITIZE_ADDRESS__
	(void)last;
	(void)printf(
	    "SKIP: requests refused: the sanitizer's own functions stand in for those of the C library\n");
#else
	tcase_add_loop_test(tcase, of_a_process, last, last + 1);
	tcase_add_loop_test(tcase, of_a_core, last, last + 1);
	tcase_add_loop_test(tcase, of_tasks, last, last + 1);
	tcase_add_loop_test(tcase, of_all_that_follow, last, last + 1);
	tcase_add_test(tcase, of_every_stop);
	tcase_add_test(tcase, of_registers);
	tcase_add_test(tcase, of_samples);
#endif
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return live_added_json_main(refused_suite);
}
