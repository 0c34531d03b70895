/* --at on C programs of x86-64 and i386: system calls are those of the table that the call uses. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/observer.h"
#include "support/run_suite.h"

/* A program that waits for a byte at `to`, and answers at `from`. */
struct program {
	char folder[64], path[80], pid_text[16];
	pid_t pid;
	int to, from;
};

/* Compile it. False: there is no compiler for 32 bits here. */
static bool build(struct program *p, const char *width)
{
	char source[4096];
	struct run r;
	bool built;

	(void)strcpy(p->folder, "/tmp/live_probe_calls.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->folder));
	(void)snprintf(p->path, sizeof(p->path), "%s/calls", p->folder);
	(void)snprintf(source, sizeof(source), "%s/probed_calls.c", spawn_programs());
	r = run_program(NULL, (const char *const[]){ "gcc", width, "-O1", "-g", "-pthread",
				  "-fno-omit-frame-pointer", "-o", p->path, source, NULL });
	built = r.status == 0;
	run_free(&r);
	if (!built)
		(void)rmdir(p->folder);
	return built;
}

static void start(struct program *p)
{
	int in[2], out[2];

	ck_assert_int_eq(pipe(in), 0);
	ck_assert_int_eq(pipe(out), 0);
	p->pid = fork();
	if (p->pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)execl(p->path, p->path, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_gt(p->pid, 0);
	(void)close(in[0]);
	(void)close(out[1]);
	p->to = in[1];
	p->from = out[0];
	(void)snprintf(p->pid_text, sizeof(p->pid_text), "%d", (int)p->pid);
	fixture_settle(p->pid);
}

static void echo(const struct program *p)
{
	char byte = '!';

	ck_assert_int_eq(write(p->to, &byte, 1), 1);
	ck_assert_int_eq(read(p->from, &byte, 1), 1);
}

static void end(const struct program *p)
{
	(void)kill(p->pid, SIGKILL);
	(void)waitpid(p->pid, NULL, 0);
	(void)close(p->to);
	(void)close(p->from);
	(void)unlink(p->path);
	(void)rmdir(p->folder);
}

/* The sum of the counts of stacks that have `outer` in a frame, and `inner` in one before it. */
static long count_of(const char *text, const char *inner, const char *outer)
{
	char *copy = strdup(text), *save = NULL;
	bool in = false, both = false;
	long sum = 0;

	ck_assert_ptr_nonnull(copy);
	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *tail;
		long count = strtol(line, &tail, 10);

		in |= strstr(line, inner) != NULL;
		both |= in && strstr(line, outer) != NULL;
		if (*tail == '\0' && tail != line) {
			sum += both ? count : 0;
			in = both = false;
		}
	}
	free(copy);
	return sum;
}

/* Run the program at this probe, of which `when` may be NULL. */
static bool observe(struct program *p, const char *probe, const char *option, struct run *r)
{
	struct observer o;

	start(p);
	if (!observer_start(
		&o, (const char *const[]){ "pystack", "-v", "--at", probe, p->pid_text, option, NULL })) {
		(void)printf("SKIP: %s\n", observer_why_not());
		return false;
	}
	echo(p);
	*r = observer_end(&o);
	ck_assert_msg(observer_lost(r->err, ": ") != 0 || r->status == 0, "%s", r->err);
	return true;
}

static const char *const widths[] = { "-m64", "-m32" };

static bool build_or_skip(struct program *p, int width)
{
	if (build(p, widths[width]))
		return true;
	(void)printf("SKIP: gcc %s does not work here (package gcc-multilib)\n", widths[width]);
	return false;
}

START_TEST(counts)
{
	struct program p;
	struct run r;

	if (!build_or_skip(&p, _i))
		return;
	if (observe(&p, "syscall:rmdir", "-c", &r)) {
		ck_assert_msg(count_of(r.out, "by_library", "main+") == 7, "%s", r.out);
		ck_assert_msg(count_of(r.out, "by_interrupt", "main+") == 5, "%s", r.out);
		ck_assert_msg(count_of(r.out, "in_handler", "interrupted+") == 3 + 5, "%s", r.out);
		ck_assert_msg(count_of(r.out, "with_room", "libc.so.6`") == 4, "%s%s", r.out, r.err);
		ck_assert_msg(count_of(r.out, "(signal handler called)", "second+") == 3 + 5, "%s", r.out);
		/* Those of 32-bit code in the 64-bit program. */
		ck_assert_msg(
		    observer_lost(r.err, "syscall:rmdir: ") == (_i == 0 ? 6 : 0), "%s%s", r.out, r.err);
		ck_assert_msg((strstr(r.err, "32-bit code") != NULL) == (_i == 0), "%s", r.err);
		run_free(&r);
	}
	end(&p);
}
END_TEST

/* The arguments are in other registers. */
START_TEST(events)
{
	struct program p;
	struct run r;
	size_t n = 0;

	if (!build_or_skip(&p, _i))
		return;
	if (observe(&p, "syscall:rmdir:return", "--when=path == \"absent-in-i386\" && retval == -2", &r)) {
		for (const char *at = r.out;
		     (at = strstr(at, "rmdir(\"absent-in-i386\") = -1 ENOENT")) != NULL; at++)
			n++;
		ck_assert_msg(n == 5, "%s", r.out);
		ck_assert_ptr_null(strstr(r.out, "absent-directory"));
		run_free(&r);
	}
	end(&p);
}
END_TEST

/* Of a thread's calls, the outermost have a duration (the kernel notices the return of the first 64),
 * and those for which there is no room are reported. */
START_TEST(durations)
{
	char probe[128];
	struct program p;
	struct run r;

	if (!build_or_skip(&p, _i))
		return;
	(void)snprintf(probe, sizeof(probe), "uretprobe:%s:deep", p.path);
	if (observe(&p, probe, "--sum=duration", &r)) {
		long n = 0;
		const char *at = strstr(r.err, "pystack: ");

		while (at != NULL && sscanf(at, "pystack: %ld events", &n) != 1)
			at = strstr(at + 1, "pystack: ");
		ck_assert_msg(n == 64 && strstr(r.err, "more than 65536 calls were under way") != NULL,
		    "%s%s", r.out, r.err);
		run_free(&r);
	}
	end(&p);
}
END_TEST

/* The size is the third argument of x86-64, and the fourth one of i386. */
START_TEST(sums)
{
	struct program p;
	struct run r;

	if (!build_or_skip(&p, _i))
		return;
	if (observe(&p, "syscall:readahead", "--sum=size", &r)) {
		ck_assert_msg(count_of(r.out, "read_ahead", "main+") == 3000, "%s", r.out);
		run_free(&r);
	}
	end(&p);
}
END_TEST

/* The number of rmdir there is that of another call here. */
START_TEST(other_numbers)
{
	struct program p;
	struct run r;

	if (!build_or_skip(&p, _i))
		return;
	if (observe(&p, _i == 0 ? "syscall:sendfile" : "syscall:set_thread_area", "-c", &r)) {
		ck_assert_str_eq(r.out, "");
		run_free(&r);
	}
	end(&p);
}
END_TEST

/* Calls that only i386 has. */
START_TEST(calls_of_i386)
{
	struct program p;
	struct run r;

	if (!build_or_skip(&p, 1))
		return;
	if (observe(&p, "syscall:mmap2", "-c", &r)) {
		ck_assert_msg(count_of(r.out, "pthread_create", "main+") >= 1, "%s", r.out);
		run_free(&r);
	}
	end(&p);
}
END_TEST

/* A function's arguments are on its stack there. */
START_TEST(functions)
{
	struct program p;
	struct run r;
	char probe[128];

	if (!build_or_skip(&p, _i))
		return;
	(void)snprintf(probe, sizeof(probe), "uprobe:%s:by_interrupt", p.path);
	if (observe(&p, probe, "--when=arg0 == 5 && str(arg1) == \"absent-in-i386\"", &r)) {
		ck_assert_msg(strstr(r.out, "calls`by_interrupt\n") != NULL, "%s", r.out);
		ck_assert_msg(strstr(r.out, "main+") != NULL, "%s", r.out);
		run_free(&r);
	}
	end(&p);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("live probe calls");
	TCase *tcase = tcase_create("calls");
	int status;

	if (!spawn_init())
		return EXIT_FAILURE;
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, counts, 0, 2);
	tcase_add_loop_test(tcase, events, 0, 2);
	tcase_add_loop_test(tcase, sums, 0, 2);
	tcase_add_loop_test(tcase, durations, 0, 2);
	tcase_add_loop_test(tcase, other_numbers, 0, 2);
	tcase_add_test(tcase, calls_of_i386);
	tcase_add_loop_test(tcase, functions, 0, 2);
	suite_add_tcase(suite, tcase);
	status = run_made_suite(suite);
	spawn_fini();
	return status;
}
