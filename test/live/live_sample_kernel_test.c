/* -i in the kernel counts what it counts from outside. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/owned.h"
#include "support/json_lines.h"
#include "support/live.h"
#include "support/oracle.h"
#include "support/spawn_files.h"

static const char method[] = "pystack: sampling in the kernel";

/* Does r say that the kernel was asked and refused? */
static bool was_refused(const struct run *r)
{
	if (strncmp(r->err, method, strlen(method)) == 0)
		return false;
	ck_assert_msg(strncmp(r->err, "pystack: sampling from outside: ", 32) == 0, "%s", r->err);
	(void)printf("SKIP: %s", r->err);
	return true;
}

/* The sum of the counts of the lines that have `name`, of -o folded. */
static long total(const char *out, const char *name)
{
	OWNED(mem_release) char *copy = strdup(out);
	char *save = NULL;
	long n = 0;

	for (char *line = strtok_r(copy, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		const char *last = strrchr(line, ' ');

		if (strstr(line, name) != NULL && last != NULL)
			n += strtol(last, NULL, 10);
	}
	return n;
}

/* Three threads run all the time, on however many processors, whatever else runs there: each is
 * counted at each sample, but for those at which it has just been woken. */
START_TEST(same_as_from_outside)
{
	enum { SAMPLES = 200, MOST = SAMPLES + SAMPLES / 20, LEAST = SAMPLES - SAMPLES / 10 };
	static const char *const options[] = { "-p", "-v" };
	struct fixture f;
	char pid[16];

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .no_rest = true },
	    ARGS("@sampled_kinds.py"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct run in = TOOL("-i", "5ms", "-N", "200", "-o", "folded", options[i], pid);
		struct run out = TOOL("-i", "5ms", "-N", "200", "-o", "folded", options[i], "--no-bpf", pid);
		const struct run *const both[] = { &in, &out };

		ck_assert_ptr_null(strstr(out.err, "in the kernel"));
		for (size_t k = was_refused(&in) ? 1 : 0; k < 2; k++) {
			const struct run *r = both[k];
			long runs = total(r->out, "runs (") - total(r->out, "also_runs (");
			long also = total(r->out, "also_runs (");

			ck_assert_msg(runs >= 2 * LEAST && runs <= 2 * MOST && also >= LEAST &&
					  also <= MOST && total(r->out, "waits (") == 0,
			    "%s: %ld, %ld\n%.2000s%.1000s", k == 0 ? "in the kernel" : "from outside", runs,
			    also, r->out, r->err);
			ck_assert_int_eq(r->status, 0);
			if (options[i][1] == 'v')
				ck_assert_ptr_nonnull(strstr(r->err, ": 200 samples taken"));
		}
		run_free(&in);
		run_free(&out);
	}
	fixture_end(&f);
}
END_TEST

/* Sample until, after a while, a command of the shell ends it, which has its pid in $! and that of the
 * process in $1. */
static struct run ended_by(const char *command, const char *pid)
{
	char script[512], messages[PATH_MAX];

	(void)snprintf(messages, sizeof(messages), "%s/messages", spawn_folder());
	(void)snprintf(script, sizeof(script),
	    "\"$0\" -i 10ms $1 2>$2 & until grep -q kernel $2; do :; done; sleep 1; %s; wait $!; "
	    "echo status $?; cat $2 >&2",
	    command);
	return run_program(NULL, ARGS("sh", "-c", script, spawn_tool(), pid, messages));
}

/* Ended by the duration, by an interrupt, and by the end of the process. */
START_TEST(ends)
{
	struct fixture f;
	struct run r;
	char pid[16];

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .no_rest = true },
	    ARGS("@sampled_kinds.py"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("-v", "-i", "10ms", "-d", "95ms", "-t", "1", pid);
	if (!was_refused(&r)) {
		ck_assert_int_eq(r.status, 0);
		ck_assert_ptr_nonnull(strstr(r.err, ": 10 samples taken\n"));
		run_free(&r);
		r = ended_by("kill -TERM $!", pid);
		ck_assert_msg(strstr(r.out, "status 0\n") != NULL && strstr(r.out, "(runs) ]") != NULL,
		    "%s%s", r.out, r.err);
		run_free(&r);
		r = ended_by("kill -KILL $1", pid);
		ck_assert_msg(strstr(r.out, "status 1\n") != NULL && strstr(r.out, "(runs) ]") != NULL &&
				  strstr(r.err, " samples failed, the last: the process has exited") != NULL,
		    "%s%s", r.out, r.err);
	}
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* Runs code without unwind information, on memory that is no stack. */
static void run_bare(void)
{
	/* xor %ebp,%ebp; mov %rdi,%rsp; jmp . */
	static const unsigned char code[] = { 0x31, 0xed, 0x48, 0x89, 0xfc, 0xeb, 0xfe };
	static char memory[1 << 16];
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		_exit(1);
	memcpy(at, code, sizeof(code));
	((void (*)(void *))(uintptr_t)at)(memory + sizeof(memory) / 2);
}

/* Stacks that end early are not taken for whole ones. */
START_TEST(stacks_that_lack_something)
{
	struct run r;
	char id[16];
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_bare();
	}
	oracle_leave_out(); /* it runs */
	(void)snprintf(id, sizeof(id), "%d", (int)pid);
	r = TOOL("-i", "5ms", "-N", "200", id);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	if (!was_refused(&r))
		ck_assert_msg(r.status == 1 && strstr(r.out, "(no unwind information") != NULL &&
				  strstr(r.err, " of the samples lack") != NULL,
		    "exit %d, %.1000s%.1000s", r.status, r.out, r.err);
	run_free(&r);
}
END_TEST

/* In a pid namespace, by the ids that processes have there. */
START_TEST(in_a_namespace)
{
	static const char script[] = "tail -f /dev/null | PYSTACK_TEST_FDS=0,2 \"$1\" \"$2\" & sleep 5; "
				     "\"$0\" -i 10ms -N 50 -p -o folded $!; kill $!";
	const struct interpreter *in = live_interpreters(NULL);
	char program[PATH_MAX];
	struct run r;

	if (geteuid() != 0 || in->path[0] == 0 || in->root[0] != 0) {
		(void)printf("SKIP: a pid namespace: not root, or no Python\n");
		return;
	}
	(void)snprintf(program, sizeof(program), "%s/sampled_kinds.py", spawn_programs());
	r = run_program(NULL,
	    ARGS("unshare", "-p", "-f", "--mount-proc", "sh", "-c", script, spawn_tool(), in->path, program));
	ck_assert_msg(total(r.out, "runs (") > 50, "%s%s", r.out, r.err);
	ck_assert_ptr_null(strstr(r.err, "namespace"));
	run_free(&r);
}
END_TEST

/* What is done from outside only says so, and is done. */
START_TEST(from_outside)
{
	struct fixture f;
	struct run r;
	char pid[16], thread[32];

	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .no_rest = true },
	    ARGS("@sampled_kinds.py"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	(void)snprintf(thread, sizeof(thread), "%d/%d-", (int)f.pid, (int)f.pid);
	r = TOOL("-i", "10ms", "-N", "3", "-o", "folded", "-p", thread);
	ck_assert_msg(strncmp(r.err, "pystack: sampling from outside: ", 32) == 0, "%s", r.err);
	ck_assert_int_ge(total(r.out, "runs ("), 3);
	run_free(&r);
	r = TOOL("-i", "10ms", "-N", "3", "--stop", "-o", "folded", "-p", pid);
	ck_assert_ptr_null(strstr(r.err, "the kernel"));
	ck_assert_ptr_null(strstr(r.err, "from outside"));
	ck_assert_int_ge(total(r.out, "runs ("), 3);
	run_free(&r);
	fixture_end(&f);
}
END_TEST

/* The process, and how it was sampled; then the stacks. */
START_TEST(as_json)
{
	struct fixture f;
	struct run r;
	char pid[16];

	if (!json_lines_collected())
		return;
	fixture_start(&f, live_interpreters(NULL), &(struct fixture_options){ .no_rest = true },
	    ARGS("@sampled_kinds.py"));
	(void)snprintf(pid, sizeof(pid), "%d", (int)f.pid);
	r = TOOL("-i", "10ms", "-N", "20", "-o", "json", pid);
	if (!was_refused(&r)) {
		ck_assert_int_eq(r.status, 0);
		ck_assert_ptr_nonnull(strstr(r.out, "\"kind\":\"process\""));
		ck_assert_ptr_nonnull(strstr(r.out, "\"capture\":{\"method\":\"probe\""));
		ck_assert_ptr_nonnull(strstr(r.out, "\"samples\":{\"taken\":20,"));
		ck_assert_ptr_nonnull(strstr(r.out, "\"function\":\"runs\""));
		json_lines_add(r.out);
		run_free(&r);
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("sampling in the kernel");
	TCase *c = tcase_create("samples");

	tcase_set_timeout(c, 120);
	if (live_speaks(live_interpreters(NULL))) {
		tcase_add_test(c, same_as_from_outside);
		tcase_add_test(c, ends);
		tcase_add_test(c, in_a_namespace);
#ifdef __x86_64__
		tcase_add_test(c, stacks_that_lack_something);
#endif
		tcase_add_test(c, from_outside);
		tcase_add_test(c, as_json);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_added_json_main(suite);
}
