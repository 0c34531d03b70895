/* The command line: operands, options, messages, exit statuses. */
#include <check.h>
#include <elf.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/core_builder.h"
#include "support/live.h"
#include "support/oracle.h"
#include "support/spawn_files.h"
#include "support/victim.h"

/* The expected result of a run. out and err: text that must occur; NULL: the stream must be
 * empty. */
static void expect(struct run r, int status, const char *out, const char *err)
{
	struct strbuf wrong = STRBUF_EMPTY;

	if (r.status != status)
		strbuf_fmt(&wrong, "exit status %d, not %d\n", r.status, status);
	if (out == NULL ? r.out[0] != 0 : strstr(r.out, out) == NULL)
		strbuf_fmt(&wrong, "stdout lacks %s: %.800s\n", out == NULL ? "silence" : out, r.out);
	if (err == NULL ? r.err[0] != 0 : strstr(r.err, err) == NULL)
		strbuf_fmt(&wrong, "stderr lacks %s: %.800s\n", err == NULL ? "silence" : err, r.err);
	run_free(&r);
	live_judge("run", &wrong);
}

static char *print(char out[96], long n, const char *suffix)
{
	(void)snprintf(out, 96, "%ld%s", n, suffix);
	return out;
}

/* A process without Python: cat, blocked on a pipe. */
static pid_t cat_start(void)
{
	int io[2];
	pid_t pid;

	ck_assert_int_eq(pipe(io), 0);
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)close(io[1]);
		if (dup2(io[0], 0) == 0)
			(void)execlp("cat", "cat", NULL);
		_exit(127);
	}
	/* The other end stays open in this test's process, which ends soon. */
	while (true) {
		char path[64], name[64];

		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		ck_assert(spawn_head(path, name, sizeof(name)));
		if (strcmp(name, "cat\n") == 0)
			break;
		(void)sched_yield();
	}
	fixture_settle(pid);
	return pid;
}

static void cat_end(pid_t pid)
{
	char *differs = oracle_process(pid);

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	oracle_judge(differs);
}

START_TEST(usage)
{
	expect(TOOL(NULL), 2, NULL, "usage: pystack");
	expect(TOOL("--unknown"), 2, NULL, "usage: pystack");
	expect(TOOL("-n", "0", "1"), 2, NULL, "pystack: ");
	expect(
	    TOOL("-m", "frames", "1"), 2, NULL, "pystack: -m takes auto, cfi, libunwind or fp, not 'frames'");
	expect(TOOL("-n", "-4", "1"), 2, NULL, "pystack: ");
	expect(TOOL("-n", "4x", "1"), 2, NULL, "pystack: ");
	expect(TOOL("--sysroot", "/etc/passwd", "1"), 2, NULL,
	    "pystack: --sysroot: /etc/passwd: not a directory");
	expect(TOOL("--sysroot", "/nowhere", "1"), 2, NULL, "pystack: --sysroot: /nowhere: ");
	expect(
	    TOOL("--sysroot", "/", "-e", "/bin/true", "1"), 2, NULL, "-e and --sysroot exclude each other");
	expect(TOOL("--at", "off-cpu"), 2, NULL, "--at needs a process id, --exe, --all or -- COMMAND");
	expect(TOOL("--at", "off-cpu", "--all", "1"), 2, NULL, "--exe and --all take no operands");
	expect(TOOL("--exe", "python3", "--all"), 2, NULL, "--exe and --all exclude each other");
	expect(TOOL("--every", "1s", "1"), 2, NULL, "--every needs --at");
	expect(TOOL("--when", "fd == 1", "1"), 2, NULL, "--when needs --at");
	expect(TOOL("--list", "--at", "off-cpu"), 2, NULL, "--list does not go with --at");
	expect(TOOL("-r"), 2, NULL, "-r needs process ids");
	expect(TOOL("-lc", "1"), 2, NULL, "-l does not go with -c");
	expect(TOOL("-l", "-o", "folded", "1"), 2, NULL, "-l does not go with -c, -o count and -o folded");
	expect(TOOL("-l", "-i", "10ms", "1"), 2, NULL, "-l does not go with -i");
	expect(TOOL("-l", "--at", "off-cpu", "1"), 2, NULL, "-l does not go with --at");
	expect(TOOL("--help"), 0, "--frames", NULL);
	expect(TOOL("--version"), 0, "pystack ", NULL);
	expect(TOOL("--version"), 0, "libzstd", NULL);
	expect(TOOL("--version"), 0, "libdwarf", NULL);
	expect(TOOL("--version"), 0, "libiberty", NULL);
}
END_TEST

START_TEST(no_such_process)
{
	char name[96];
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	expect(TOOL(print(name, pid, "")), 2, NULL, "cannot examine ");
	expect(TOOL("/nowhere/core"), 2, NULL, "pystack: cannot examine /nowhere/core: no such");
}
END_TEST

START_TEST(zombie)
{
	char name[96];
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &(siginfo_t){ .si_signo = 0 }, WEXITED | WNOWAIT), 0);
	expect(TOOL(print(name, pid, "")), 2, NULL, "zombie");
	(void)waitpid(pid, NULL, 0);
}
END_TEST

static void *stay(void *data)
{
	(void)data;
	(void)pause();
	return NULL;
}

/* A process whose first thread has ended; another is left. */
static pid_t without_first(void)
{
	char path[64], line[64];
	pthread_t left;
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (pthread_create(&left, NULL, stay, NULL) == 0)
			pthread_exit(NULL);
		_exit(127);
	}
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	do {
		(void)sched_yield();
		ck_assert(spawn_head(path, line, sizeof(line)));
	} while (strstr(line, ") Z ") == NULL);
	fixture_settle(pid);
	return pid;
}

/* Without headers, the frames of the remaining thread would be taken for those of the first. */
START_TEST(first_thread_ended)
{
	pid_t pid = without_first();
	char name[96], first[96], want[256];
	const char *header;
	struct run r;

	(void)snprintf(first, sizeof(first), "thread# %d / lwp# %d ", (int)pid, (int)pid);
	(void)snprintf(want, sizeof(want), "-\n              (zombie: exited, not yet joined)\n-");
	r = TOOL(print(name, pid, ""));
	ck_assert_msg(r.status == 0 && strstr(r.out, want) != NULL, "exit %d, %s%s", r.status, r.out, r.err);
	header = strstr(r.out, first);
	ck_assert_msg(header != NULL && header < strstr(r.out, want), "%s", r.out);
	ck_assert_msg((header = strstr(header, " / lwp# ")) != NULL && strstr(header, "`pause+0x") != NULL,
	    "%s", r.out);
	run_free(&r);
	expect(TOOL("-p", print(name, pid, "")), 0, want, "no Python interpreter found");
	expect(TOOL("--stop", print(name, pid, "")), 0, want, "no Python interpreter found");
	r = TOOL("-c", print(name, pid, ""));
	ck_assert_msg(strstr(r.out, "zombie") == NULL && strstr(r.out, "`pause+0x") != NULL, "%s", r.out);
	run_free(&r);
	r = TOOL("-i", "1ms", "-N", "2", "--idle", print(name, pid, ""));
	ck_assert_msg(strstr(r.out, "zombie") == NULL && strstr(r.out, "`pause+0x") != NULL, "%s", r.out);
	run_free(&r);
	cat_end(pid);
}
END_TEST

START_TEST(kernel_thread)
{
	char text[64];

	if (!spawn_head("/proc/2/comm", text, sizeof(text)) || strcmp(text, "kthreadd\n") != 0) {
		(void)puts("SKIP: kernel thread: process 2 is none here");
		return;
	}
	expect(TOOL("2"), 2, NULL, "system process");
}
END_TEST

/* FIFOs, devices and directories are not waited for. */
START_TEST(not_a_file)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/fifo", spawn_folder());
	(void)unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect(run_tool(&(struct run_options){ .timeout = 10 }, ARGS(path)), 2, NULL,
	    "pystack: cannot examine ");
	expect(TOOL("/dev/zero"), 2, NULL, "pystack: cannot examine /dev/zero: ");
	expect(TOOL("/"), 2, NULL, "pystack: cannot examine /: ");
	(void)unlink(path);
}
END_TEST

/* The shell's redirections on the tool with one operand. */
static struct run redirected(const char *operand, const char *redirections)
{
	char command[2 * PATH_MAX];

	(void)snprintf(command, sizeof(command), "'%s' '%s' %s", spawn_tool(), operand, redirections);
	return run_program(NULL, ARGS("sh", "-c", command));
}

/* A file that may not grow. Messages go to a file, too, which is shorter. */
START_TEST(limited_file)
{
	pid_t pid = cat_start();
	char command[2 * PATH_MAX];

	(void)snprintf(command, sizeof(command),
	    "f=$(mktemp) && prlimit --fsize=120 '%s' %d >\"$f\"; s=$?; rm -f \"$f\"; exit $s", spawn_tool(),
	    (int)pid);
	expect(
	    run_program(NULL, ARGS("sh", "-c", command)), 1, NULL, "cannot write the output: File too large");
	cat_end(pid);
}
END_TEST

/* A file opened later gets the number of a closed standard stream. It must not get the output. */
START_TEST(closed_streams)
{
	pid_t pid = cat_start();
	char name[96];

	(void)print(name, pid, "");
	expect(redirected(name, ">&-"), 1, NULL, "cannot write the output");
	expect(redirected(name, "<&- >&-"), 1, NULL, "cannot write the output");
	expect(redirected(name, "<&- >&- 2>&-"), 1, NULL, NULL);
	expect(redirected(name, "<&- 2>&-"), 0, "libc.so.6`", NULL);
	expect(redirected(name, ">/dev/full"), 1, NULL, "No space left on device");
	cat_end(pid);
}
END_TEST

START_TEST(loop_of_links)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/loop", spawn_folder());
	ck_assert_int_eq(symlink(path, path), 0);
	expect(TOOL(path), 2, NULL, "symbolic links");
	(void)unlink(path);
}
END_TEST

/* Names in a core are the core's choice. */
START_TEST(names_in_remarks)
{
	struct core_builder *b = core_builder_create();
	uint64_t regs[CB_REGS] = { [CB_RIP] = 0x10010, [CB_RSP] = 0x20000, [CB_RBP] = 0x20100 };
	char path[PATH_MAX];
	struct run r;

	(void)snprintf(path, sizeof(path), "%s/core.names", spawn_folder());
	core_builder_prstatus(b, 7, SIGSEGV, regs);
	core_builder_map(b, 0x10000, 0x11000, 0, "/\x1b[31m");
	core_builder_files(b, 4096);
	core_builder_load(b, 0x10000, 4096, PF_R | PF_X, NULL, 0);
	core_builder_load(b, 0x20000, 4096, PF_R | PF_W, "", 1);
	core_builder_save(b, path);
	core_builder_destroy(b);
	r = TOOL("-F", path);
	ck_assert_int_eq(r.status, 1);
	ck_assert_msg(
	    strstr(r.out, "\n              (no unwind information at 0x10010 in \\x1b\\x5b31m)\n") != NULL,
	    "%s", r.out);
	ck_assert_ptr_null(strchr(r.out, '\x1b'));
	ck_assert_ptr_null(strchr(r.err, '\x1b'));
	run_free(&r);
	(void)unlink(path);
}
END_TEST

START_TEST(not_a_core)
{
	expect(TOOL("Makefile"), 2, NULL, "not an ELF core file");
	expect(TOOL("/usr/bin/cat"), 2, NULL, "not an ELF core file");
}
END_TEST

/* Another program named pystack has these subcommands. A further line explains how to call this
 * one. */
START_TEST(foreign_subcommands)
{
	struct run r = TOOL("remote", "1");
	const char *first = strchr(r.err, '\n');

	ck_assert_ptr_nonnull(first);
	ck_assert_msg(strstr(first, "pystack ") != NULL, "%s", r.err);
	run_free(&r);
}
END_TEST

START_TEST(no_python)
{
	char pid[96], head[96];
	pid_t cat = cat_start();
	struct run r;

	r = TOOL(print(pid, cat, ""));
	(void)print(head, cat, ":\tcat\n");
	ck_assert_msg(strncmp(r.out, head, strlen(head)) == 0, "%s", r.out);
	expect(r, 0, "`read", "no Python");
	r = TOOL(pid, "99999999");
	expect(r, 1, "`read", "cannot examine 99999999: no such process");
	expect(TOOL("99999999", "Makefile"), 2, NULL, "cannot examine Makefile: ");
	expect(TOOL("-n", "1", pid), 0, "\n              ...\n", "no Python");
	cat_end(cat);
}
END_TEST

/* Each way of finding native frames finds the first frames of cat. If libunwind is missing, a
 * message says so. */
START_TEST(modes)
{
	static const char *const names[] = { "auto", "cfi", "fp", "libunwind" };
	char pid[96];
	pid_t cat = cat_start();
	struct run r;

	(void)print(pid, cat, "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		r = TOOL("-m", names[i], pid);
		if (r.status == 2 && strcmp(names[i], "libunwind") == 0)
			expect(r, 2, NULL, "pystack: -m libunwind: not built in");
		else
			expect(r, r.status, "`read", "");
	}
	expect(TOOL("--mode=cfi", pid), 0, "`__libc_start_main", "no Python");
	cat_end(cat);
}
END_TEST

START_TEST(stopped_by_signal)
{
	char pid[96];
	pid_t cat = cat_start();

	(void)kill(cat, SIGSTOP);
	ck_assert_int_eq(waitpid(cat, &(int){ 0 }, WUNTRACED), cat);
	expect(TOOL(print(pid, cat, "")), 0, "`read", "no Python");
	/* A thread that had not quite left its processor was held. The kernel stops it again as
	 * soon as it gets to it. */
	ck_assert(victim_settles(cat, cat, 'T'));
	cat_end(cat);
}
END_TEST

/* Between the detach and its next stop, a target runs in the kernel but no code of its own. The
 * input that it would read is there all the time, and is read only when the target is continued. */
START_TEST(stopped_does_nothing)
{
	enum { TIMES = 20 };
	struct victim v = victim_start(victim_blocked, 0);
	struct pollfd from = { .fd = v.from, .events = POLLIN };
	char pid[96];

	ck_assert(victim_settles(v.pid, v.pid, 'S'));
	(void)kill(v.pid, SIGSTOP);
	ck_assert(victim_settles(v.pid, v.pid, 'T'));
	victim_send(&v);
	for (int i = 0; i < TIMES; i++) {
		expect(TOOL(i % 2 == 0 ? "--stop" : "-n1", print(pid, v.pid, "")), 0, "`", "no Python");
		ck_assert(victim_settles(v.pid, v.pid, 'T'));
		ck_assert_int_eq(poll(&from, 1, 0), 0);
	}
	(void)kill(v.pid, SIGCONT);
	ck_assert(victim_byte(&v));
	victim_end(&v);
}
END_TEST

static struct fixture threads_start(void)
{
	struct fixture f;

	fixture_start(&f, live_interpreters(NULL), NULL, ARGS("@scenes.py", "%"));
	return f;
}

START_TEST(some_lwps)
{
	char arg[96], one[64], proc[96];
	struct output out;
	struct truth truth;
	struct fixture f;
	struct run r;
	long absent = 1;

	if (live_interpreters(NULL)->path[0] == 0)
		return;
	f = threads_start();
	truth = truth_read(f.dir);
	(void)snprintf(one, sizeof(one), "/%d,%ld", (int)f.pid, truth.threads.at[2].tid);
	/* Thread ids restart after pid_max, so any id may be a thread's. */
	for (size_t i = 0; i < truth.threads.n; i++)
		if (truth.threads.at[i].tid == absent) {
			absent++;
			i = (size_t)-1;
		}
	truth_free(&truth);
	r = TOOL(print(arg, f.pid, one));
	out = output_parse(r.out, 0);
	ck_assert_uint_eq(out.threads.n, 2);
	ck_assert(out.headers);
	ck_assert_int_eq(out.threads.at[0].tid, f.pid);
	output_free(&out);
	expect(r, 0, "thread# ", NULL);
	(void)snprintf(one, sizeof(one), "/%ld-%ld", absent, absent);
	/* The first line was printed, so not 2. */
	expect(TOOL(print(arg, f.pid, one)), 1, ":\t", "no matching LWPs found");
	expect(TOOL(print(arg, f.pid, "/x")), 2, NULL,
	    "bad lwp specification: expected thread ids or ranges after the slash");
	(void)snprintf(proc, sizeof(proc), "/proc/%d/%d", (int)f.pid, (int)f.pid);
	expect(TOOL(proc), 0, "thread# ", NULL);
	fixture_end(&f);
}
END_TEST

/* -n N: each thread has at most N native lines, the innermost ones, then `...` if there are
 * more. */
START_TEST(some_frames)
{
	char pid[96];
	struct output out, all;
	struct fixture f;
	struct run r, whole;

	if (live_interpreters(NULL)->path[0] == 0)
		return;
	f = threads_start();
	whole = TOOL(print(pid, f.pid, ""));
	r = TOOL("--frames=4", pid);
	out = output_parse(r.out, f.pid);
	all = output_parse(whole.out, f.pid);
	ck_assert_uint_eq(out.threads.n, all.threads.n);
	for (size_t i = 0; i < out.threads.n; i++) {
		const struct output_thread *t = &out.threads.at[i];
		size_t native = 0;

		for (size_t k = 0; k + 1 < t->lines.n; k++) {
			native += t->lines.at[k].kind == LINE_NATIVE;
			ck_assert_str_eq(t->lines.at[k].text, all.threads.at[i].lines.at[k].text);
		}
		native += t->lines.at[t->lines.n - 1].kind == LINE_NATIVE;
		ck_assert_uint_le(native, 4);
		if (t->lines.n < all.threads.at[i].lines.n)
			ck_assert_str_eq(t->lines.at[t->lines.n - 1].text, "...");
	}
	output_free(&out);
	output_free(&all);
	run_free(&whole);
	expect(r, 0, "...", NULL);
	fixture_end(&f);
}
END_TEST

START_TEST(several_operands)
{
	char pid[96], core[PATH_MAX], head[PATH_MAX + 64];
	const char *why = "";
	struct fixture live, dead;
	struct run r;

	if (live_interpreters(NULL)->path[0] == 0)
		return;
	fixture_start(&dead, live_interpreters(NULL), NULL, ARGS("@scenes.py", "%", "map"));
	if (!fixture_core(&dead, SIGABRT, core, &why)) {
		(void)printf("SKIP: several operands: %s\n", why);
		fixture_end(&dead);
		return;
	}
	live = threads_start();
	r = TOOL(core, print(pid, live.pid, ""), "--python", core);
	(void)snprintf(head, sizeof(head), "core '%s' of ", core);
	ck_assert_msg(strncmp(r.out, head, strlen(head)) == 0, "%.300s", r.out);
	ck_assert_ptr_nonnull(strstr(r.out + 1, head));
	ck_assert_ptr_null(strchr(r.out, '`'));
	expect(r, 0, print(pid, live.pid, ":\t"), NULL);
	expect(TOOL("-e", "/usr/bin/cat", core), 1, "core '", "/usr/bin/cat is not the file that was mapped");
	fixture_end(&live);
	fixture_end(&dead);
}
END_TEST

/* A core whose second half is missing is printed as far as it goes. */
START_TEST(truncated_core)
{
	char core[PATH_MAX];
	const char *why = "";
	struct fixture f;
	struct stat st;

	if (live_interpreters(NULL)->path[0] == 0)
		return;
	fixture_start(&f, live_interpreters(NULL), NULL, ARGS("@scenes.py", "%", "map"));
	if (fixture_core(&f, SIGABRT, core, &why)) {
		ck_assert_int_eq(stat(core, &st), 0);
		ck_assert_int_eq(truncate(core, st.st_size / 2), 0);
		expect(TOOL("-F", core), 1, "core '", "runcated");
		expect(TOOL(core), 1, "killed by SIGABRT", "runcated");
		/* Little more than the notes: all missing files are named, most in a few words. */
		ck_assert_int_eq(truncate(core, 200000), 0);
		expect(TOOL("--sysroot", f.dir, core), 1, "killed by SIGABRT",
		    ": cannot be opened, either (build-id of the mapped one: ");
		expect(TOOL("-v", "--sysroot", f.dir, core), 1, "core '", "libc.so.6: ");
		ck_assert_int_eq(truncate(core, 3000), 0);
		expect(TOOL(core), 2, NULL, "missing required data: it is truncated, ");
		ck_assert_int_eq(truncate(core, 60), 0);
		expect(TOOL(core), 2, NULL, "it is a truncated ELF file");
	} else {
		(void)printf("SKIP: truncated core: %s\n", why);
	}
	fixture_end(&f);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("command line");
	TCase *c = tcase_create("command line");

	tcase_set_timeout(c, 120);
	tcase_add_test(c, usage);
	tcase_add_test(c, no_such_process);
	tcase_add_test(c, zombie);
	tcase_add_test(c, first_thread_ended);
	tcase_add_test(c, kernel_thread);
	tcase_add_test(c, not_a_file);
	tcase_add_test(c, limited_file);
	tcase_add_test(c, closed_streams);
	tcase_add_test(c, loop_of_links);
	tcase_add_test(c, names_in_remarks);
	tcase_add_test(c, not_a_core);
	tcase_add_test(c, foreign_subcommands);
	tcase_add_test(c, no_python);
	tcase_add_test(c, modes);
	tcase_add_test(c, stopped_by_signal);
	tcase_add_test(c, stopped_does_nothing);
	tcase_add_test(c, some_lwps);
	tcase_add_test(c, some_frames);
	tcase_add_test(c, several_operands);
	tcase_add_test(c, truncated_core);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return live_main(suite);
}
