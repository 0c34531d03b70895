/* What --at and -i say where a right or a part of the system is missing: one line, which says what to
 * do. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/live.h"
#include "support/spawn_files.h"

/* Without which the tests say nothing: root, with setpriv and unshare. */
static const char *cannot(void)
{
	struct run r = { .status = 1 };
	const char *why = NULL;

	if (geteuid() != 0)
		return "not root";
	r = run_program(NULL, ARGS("unshare", "-m", "setpriv", "--bounding-set", "-bpf", "true"));
	if (r.status != 0)
		why = "unshare or setpriv does not work";
	run_free(&r);
	return why;
}

struct scene {
	struct fixture f;
	char pid[16];
};

static bool scene_start(struct scene *s)
{
	const char *why = cannot();

	if (why != NULL) {
		(void)printf("SKIP: rights: %s\n", why);
		return false;
	}
	fixture_start(&s->f, live_interpreters(NULL), &(struct fixture_options){ .no_rest = true },
	    ARGS("@sampled_kinds.py"));
	(void)snprintf(s->pid, sizeof(s->pid), "%d", (int)s->f.pid);
	return true;
}

/* The first and only line of r's messages, and that nothing was printed. Frees r. */
static void expect_line(struct run r, const char *line)
{
	const char *end = strchr(r.err, '\n');

	ck_assert_msg(
	    strstr(r.err, line) != NULL && end != NULL && end[1] == '\0' && r.status == 2 && r.out[0] == '\0',
	    "exit %d\n%s%s", r.status, r.out, r.err);
	run_free(&r);
}

START_TEST(no_capability)
{
	static const char *const sets[] = { "-bpf,-sys_admin", "-perfmon,-sys_admin" };
	struct scene s;
	struct run r;

	if (!scene_start(&s))
		return;
	for (size_t i = 0; i < 2; i++) {
		r = run_program(NULL, ARGS("setpriv", "--bounding-set", sets[i], spawn_tool(), "--at",
					  "profile:99", "-d", "1s", s.pid));
		if (strstr(r.err, "built without libbpf") != NULL) {
			(void)printf("SKIP: rights: %s", r.err);
			run_free(&r);
			break;
		}
		expect_line(r, "BPF programs may not be loaded: root has not all of CAP_BPF, ");
	}
	r = run_program(NULL, ARGS("setpriv", "--bounding-set", "-bpf,-sys_admin", spawn_tool(), "-i", "10ms",
				  "-N", "3", "-p", s.pid));
	ck_assert_msg(strncmp(r.err, "pystack: sampling from outside: ", 32) == 0 && r.status == 0 &&
			  strstr(r.out, "(runs) ]") != NULL,
	    "%s%s", r.err, r.out);
	run_free(&r);
	fixture_end(&s.f);
}
END_TEST

START_TEST(no_btf)
{
	struct scene s;
	struct run r;

	if (!scene_start(&s))
		return;
	r = run_program(
	    NULL, ARGS("unshare", "-m", "sh", "-c",
		      "mount -t tmpfs none /sys/kernel/btf && exec \"$0\" --at profile:99 -d 1s $1",
		      spawn_tool(), s.pid));
	if (strstr(r.err, "built without libbpf") == NULL && access("/sys/kernel/btf", R_OK) == 0) {
		expect_line(r, "this kernel has no BTF");
	} else {
		(void)printf("SKIP: rights: %s", r.err);
		run_free(&r);
	}
	fixture_end(&s.f);
}
END_TEST

/* The command that mounts it. System calls do not need it. */
START_TEST(no_tracefs)
{
	static const char hidden[] = "for d in /sys/kernel/tracing /sys/kernel/debug; do umount -l $d; done "
				     "2>/dev/null; exec \"$0\" \"$@\"";
	struct scene s;
	struct run r;

	if (!scene_start(&s))
		return;
	r = run_program(NULL, ARGS("unshare", "-m", "sh", "-c", hidden, spawn_tool(), "--at",
				  "tracepoint:sched:sched_switch", "-d", "1s", s.pid));
	expect_line(r, "this command as root mounts it: mount -t tracefs tracefs /sys/kernel/tracing");
	r = run_program(
	    NULL, ARGS("unshare", "-m", "sh", "-c", hidden, spawn_tool(), "--list=syscall:rmdir"));
	ck_assert_str_eq(r.out, "syscall:rmdir\nsyscall:rmdir:return\n");
	run_free(&r);
	fixture_end(&s.f);
}
END_TEST

/* Files like /proc/PID/mem are opened by their mode. */
START_TEST(not_the_owner)
{
	struct scene s;
	struct run r;

	if (!scene_start(&s))
		return;
	r = run_program(NULL, ARGS("setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps",
				  "+sys_ptrace", "--ambient-caps", "+sys_ptrace", spawn_tool(), s.pid));
	if (strstr(r.err, "security module") != NULL || r.status == 127) {
		(void)printf("SKIP: rights: %s", r.err); /* it may not be run by others */
		run_free(&r);
	} else {
		expect_line(
		    r, "its files in /proc belong to user 0, and this process has no CAP_DAC_READ_SEARCH");
	}
	fixture_end(&s.f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("rights");
	TCase *c = tcase_create("one line each");

	tcase_set_timeout(c, 120);
	if (live_speaks(live_interpreters(NULL))) {
		tcase_add_test(c, no_capability);
		tcase_add_test(c, no_btf);
		tcase_add_test(c, no_tracefs);
		tcase_add_test(c, not_the_owner);
	}
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
