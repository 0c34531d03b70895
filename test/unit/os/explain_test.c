/* Messages about operands that cannot be examined, and ids of LWPs in other pid namespaces. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/explain.h"
#include "os/hold.h"
#include "os/lwps.h"
#include "os/read.h"
#include "os/regs.h"
#include "support/run_suite.h"
#include "support/victim.h"

static char folder[] = "/tmp/explain_test.XXXXXX";

#define said(text, part) ck_assert_msg(strstr(text, part) != NULL, "said: %s", text)

static void operand(char *arg, size_t n, pid_t pid)
{
	(void)snprintf(arg, n, "%d", pid);
}

START_TEST(files_that_are_no_cores)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *part;
	} rows[] = {
		{ "", 0, "it is empty" },
		{ "#!/bin/sh\n", 10, "it is a script" },
		{ "hello\n", 6, "it is text" },
		{ "\0\1\2\3", 4, "it is not ELF" },
		{ "\x7f"
		  "ELF",
		    4, "truncated" },
		{ "\x28\xb5\x2f\xfd....", 8, "zstd" },
		{ "\x1f\x8b....", 6, "gzip" },
		{ "\x7f"
		  "ELF\1\1\1\0\0\0\0\0\0\0\0\0\4\0\x3e\0",
		    20, "32-bit ELF file of x32 (a core)" },
		{ "\x7f"
		  "ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0",
		    20, "not a core" },
		{ "\x7f"
		  "ELF\2\1\1\0\0\0\0\0\0\0\0\0\4\0\xb7\0",
		    20, "aarch64" },
		{ "\x7f"
		  "ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0\x3e\0",
		    20, "not a core" },
	};
	char path[64], text[256];

	(void)snprintf(path, sizeof(path), "%s/file", folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		ck_assert_int_eq(write(fd, rows[i].bytes, rows[i].n), (ssize_t)rows[i].n);
		(void)close(fd);
		os_explain(path, G_FORMAT, text, sizeof(text));
		said(text, rows[i].part);
	}
	(void)unlink(path);
}
END_TEST

START_TEST(file_of_another_user)
{
	char path[64], text[256];
	int fd;

	if (geteuid() != 0) {
		(void)puts("SKIP: the file of another user: needs root");
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	os_explain(path, G_PERM, text, sizeof(text));
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_str_eq(text, "the file belongs to user 0, this is user 65534; run as that user or as root");
	(void)unlink(path);
}
END_TEST

START_TEST(things_that_are_no_files)
{
	char path[64], text[256], few[8];

	os_explain("/tmp", G_FORMAT, text, sizeof(text));
	ck_assert_str_eq(text, "it is a directory; give a process id or an ELF core");
	os_explain("/dev/null", G_FORMAT, text, sizeof(text));
	said(text, "a device");
	os_explain("/dev/null/3-5", G_FORMAT, text, sizeof(text));
	said(text, "a device");
	(void)snprintf(path, sizeof(path), "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	os_explain(path, G_FORMAT, text, sizeof(text));
	said(text, "a FIFO");
	os_explain("/proc/self/exe", G_FORMAT, text, sizeof(text));
	said(text, "an ELF executable");
	os_explain("/nonexistent", G_FORMAT, text, sizeof(text));
	ck_assert_str_eq(text, "");
	os_explain("/nonexistent", G_NOCORE, text, sizeof(text));
	ck_assert_str_eq(text, "");
	os_explain("core", G_NOPROCORCORE, text, sizeof(text));
	ck_assert_str_eq(text, "");
	os_explain("/tmp", G_FORMAT, few, sizeof(few));
	ck_assert_str_eq(few, "it is a");
	(void)unlink(path);
}
END_TEST

START_TEST(number_of_a_thread)
{
	struct victim v = victim_start(victim_threads, 1);
	char arg[32], text[256], want[128];
	pid_t tids[4];

	ck_assert_int_eq(victim_lwps(v.pid, tids, 4), 2);
	operand(arg, sizeof(arg), tids[1]);
	os_explain(arg, G_NOPROC, text, sizeof(text));
	(void)snprintf(want, sizeof(want), "it is a thread of process %d; use %d/%d", v.pid, v.pid, tids[1]);
	ck_assert_str_eq(text, want);
	os_explain("99999999", G_NOPROC, text, sizeof(text));
	ck_assert_str_eq(text, "");
	victim_end(&v);
}
END_TEST

START_TEST(zombie_and_its_parent)
{
	struct victim v = victim_start(victim_ended, 0);
	char arg[32], text[256], want[32];

	victim_send(&v);
	ck_assert(victim_settles(v.pid, v.pid, 'Z'));
	operand(arg, sizeof(arg), v.pid);
	os_explain(arg, G_ZOMB, text, sizeof(text));
	(void)snprintf(want, sizeof(want), "explain_test (pid %d)", v.parent);
	said(text, want);
	victim_end(&v);
}
END_TEST

START_TEST(name_of_the_tracer)
{
	struct victim v = victim_start(victim_blocked, 0);
	char arg[32], text[256], want[64];
	int ready[2];
	pid_t tracer;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	tracer = fork();
	if (tracer == 0) {
		if (ptrace(PTRACE_SEIZE, v.pid, NULL, NULL) == 0)
			(void)!write(ready[1], "!", 1);
		for (;;)
			(void)pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	(void)snprintf(arg, sizeof(arg), "/proc/%d/1-5", v.pid);
	os_explain(arg, G_BUSY, text, sizeof(text));
	(void)snprintf(want, sizeof(want), "traced by explain_test (pid %d); detach it", tracer);
	said(text, want);
	(void)kill(tracer, SIGKILL);
	(void)waitpid(tracer, NULL, 0);
	victim_end(&v);
}
END_TEST

static void victim_not_dumpable(int out, int in, int unused)
{
	(void)prctl(PR_SET_DUMPABLE, 0);
	victim_blocked(out, in, unused);
}

static void look_without_rights(void)
{
	struct victim v = victim_start(victim_not_dumpable, 0);
	char arg[32], text[256];

	operand(arg, sizeof(arg), v.pid);
	os_explain(arg, G_PERM, text, sizeof(text));
	said(text, "it is not dumpable");
	victim_end(&v);
}

/* Runs in a separate process, which drops root's rights. */
START_TEST(not_dumpable)
{
	enum { NOBODY = 65534 };
	int status = 0;
	pid_t looker = fork();

	if (looker == 0) {
		if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
			_exit(1);
		(void)prctl(PR_SET_DUMPABLE, 1);
		look_without_rights();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(looker, &status, 0), looker);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(errors_of_the_system)
{
	char text[256];

	errno = ELOOP;
	os_explain("/nonexistent", G_STRANGE, text, sizeof(text));
	ck_assert_str_eq(text, strerror(ELOOP));
	errno = ENOMEM;
	os_explain("1", G_STRANGE, text, sizeof(text));
	ck_assert_str_eq(text, strerror(ENOMEM));
	errno = 0;
	os_explain("/nonexistent", G_STRANGE, text, sizeof(text));
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(fixed_phrases)
{
	char text[256];

	os_explain("2", G_SYS, text, sizeof(text));
	said(text, "kernel");
	os_explain("1", G_ISAINVAL, text, sizeof(text));
	ck_assert_str_eq(text, ""); /* not x32, so there is no explanation */
}
END_TEST

/* The intermediate process is 1 in a new pid namespace, the victim 2 and its thread 3. The victim's
 * parent knows it by that number too, so its number here must be searched. */
static pid_t child_of(pid_t parent)
{
	char path[64], text[32] = "";
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		(void)!read(fd, text, sizeof(text) - 1);
		(void)close(fd);
	}
	return atoi(text);
}

static void look_into_namespace(void)
{
	struct victim v;
	struct ps_prochandle *P;
	pid_t outer, tids[4];
	int code = 0;

	v = victim_start(victim_threads, 1);
	ck_assert_int_eq(v.pid, 2);
	outer = child_of(v.parent);
	ck_assert_int_gt(outer, 2);
	ck_assert_int_eq(victim_lwps(outer, tids, 4), 2);
	P = Pgrab(outer, PGRAB_RDONLY, &code);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(code));
	ck_assert_int_eq(os_inner_lwpid(P, outer), 2);
	ck_assert_int_eq(os_inner_lwpid(P, tids[1]), 3);
	ck_assert_int_eq(os_inner_lwpid(P, 1), 1); /* not one of its LWPs: unchanged */
	Prelease(P, 0);
	v.pid = outer;
	victim_end(&v);
}

/* Runs in a separate process: after unsharing a pid namespace a process cannot start others once
 * the first process there, here the intermediate one, has ended. */
START_TEST(inner_numbers)
{
	int status = 0;
	pid_t looker = fork();

	if (looker == 0) {
		if (geteuid() != 0 || unshare(CLONE_NEWPID) != 0)
			_exit(77);
		look_into_namespace();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(looker, &status, 0), looker);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		(void)puts("SKIP: no right to make a pid namespace");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(same_numbers_without_namespace)
{
	struct victim v = victim_start(victim_blocked, 0);
	int code = 0;
	struct ps_prochandle *P = Pgrab(v.pid, PGRAB_RDONLY, &code);

	ck_assert_ptr_nonnull(P);
	ck_assert_int_eq(os_inner_lwpid(P, v.pid), v.pid);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

struct seam {
	struct ps_prochandle *P;
	pid_t pid;
	bool called;
};

static bool wants_all(void *data, lwpid_t id, int64_t end)
{
	(void)end;
	(void)data;
	return id > 0;
}

static void see_held(void *data, const struct os_hold *h)
{
	struct seam *seam = data;

	seam->called = true;
	ck_assert_uint_eq(os_hold_count(h), 3);
	for (size_t i = 0; i < 3; i++) {
		const prgreg_t *regs;
		uintptr_t word = 0, pointer;
		const char *why;
		lwpid_t id;

		ck_assert_int_eq(os_hold_lwp(h, i, &id, &regs, &why), OS_HELD);
		ck_assert_str_eq(why, "");
		ck_assert_int_eq(victim_state(seam->pid, id), 't');
		/* On x86-64 the first word at the thread pointer is the pointer itself. */
		pointer = os_thread_pointer(seam->P, id, regs);
		ck_assert_int_eq(os_read(seam->P, &word, sizeof(word), pointer), sizeof(word));
		ck_assert_uint_eq(word, pointer);
		ck_assert_ptr_eq(os_arch(seam->P), &arch_x86_64);
		ck_assert_int_ne(regs[R_SP], 0);
	}
}

START_TEST(hold_through_the_seam)
{
	struct victim v = victim_start(victim_threads, 2);
	int code = 0;
	struct seam seam = { Pgrab(v.pid, PGRAB_RDONLY, &code), v.pid, false };
	const struct os_hold_call call = { .wants = wants_all, .held = see_held, .data = &seam };
	struct os_hold *h = NULL;
	struct fault f = { 0 };

	ck_assert_ptr_nonnull(seam.P);
	ck_assert_int_eq(os_hold_during(seam.P, &call, 1000, &h, &f), RES_OK);
	ck_assert(seam.called);
	ck_assert(victim_settles(v.pid, v.pid, 'S'));
	os_hold_free(h);
	Prelease(seam.P, 0);
	victim_end(&v);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { files_that_are_no_cores, file_of_another_user,
		things_that_are_no_files, number_of_a_thread, zombie_and_its_parent, name_of_the_tracer,
		not_dumpable, errors_of_the_system, fixed_phrases, inner_numbers,
		same_numbers_without_namespace, hold_through_the_seam };
	int status;

	if (mkdtemp(folder) == NULL)
		return 1;
	status = run_suite("explain", tests, sizeof(tests) / sizeof(tests[0]));
	(void)rmdir(folder);
	return status;
}
