/* Run a program in which one system call fails.
 *
 *   inject COUNTS COMMAND...               run it, and write to COUNTS how often it made each call:
 *                                          lines "NUMBER COUNT"
 *   inject NUMBER:N:WHAT COMMAND...        the Nth call of that number (from 1) fails
 *   inject NUMBER:N+:WHAT COMMAND...       that call and all later ones of the number fail
 *
 * WHAT is an errno as a number; "short": a read or write gets half the room (at least a byte); or
 * "kill-SIGNAL": the call succeeds, and the program gets that signal as the call begins.
 *
 * Children and threads count, too. Calls of the dynamic linker do not, and none that cannot fail.
 * A call that fails is not made: munmap of nothing is made in its place, which every filter of system
 * calls permits. A brk that fails leaves the break where it is. After the last failure the program runs undisturbed. The exit status is that of the
 * program; if a signal ends it, the same one ends this program. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLS = 512, THREADS = 4096, WORD = 8 };

/* A call under way whose outcome is decided at its end. */
struct pending {
	pid_t id;
	bool failed, cut;
	struct user_regs_struct regs; /* as the call began */
	unsigned long word_at, word;  /* the program's word that was changed; 0: none */
};

static struct {
	bool counting, all, is_short, begun, over;
	long number, n, error, kill;
	long seen[CALLS];
	unsigned long linker, linker_end; /* addresses of the dynamic linker */
	struct pending pending[THREADS];
	pid_t program;
} run;

static void die(const char *what)
{
	perror(what);
	exit(125);
}

static void plan(const char *text)
{
	char *end;

	run.counting = strchr(text, ':') == NULL;
	if (run.counting)
		return;
	run.number = strtol(text, &end, 10);
	run.n = strtol(end + 1, &end, 10);
	run.all = *end == '+';
	end += run.all + 1;
	run.is_short = strcmp(end, "short") == 0;
	if (strncmp(end, "kill-", 5) == 0)
		run.kill = strtol(end + 5, NULL, 10);
	else if (!run.is_short)
		run.error = strtol(end, NULL, 10);
}

static struct pending *pending_of(pid_t id)
{
	for (size_t i = 0; i < THREADS; i++) {
		if (run.pending[i].id == id)
			return &run.pending[i];
	}
	return NULL;
}

static struct pending *pending_new(pid_t id)
{
	struct pending *p = pending_of(id);

	if (p == NULL)
		p = pending_of(0);
	if (p == NULL)
		die("too many threads");
	memset(p, 0, sizeof(*p));
	p->id = id;
	return p;
}

/* Where the dynamic linker of a program that has just been executed is. */
static void find_linker(void)
{
	char path[64], line[4352];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)run.program);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		unsigned long from, to;

		if (strstr(line, "/ld-linux") == NULL || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		if (run.linker == 0)
			run.linker = from;
		run.linker_end = to;
	}
	if (f != NULL)
		(void)fclose(f);
}

static bool can_fail(long number)
{
	static const long never[] = { SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_restart_syscall,
		SYS_rseq, SYS_set_robust_list, SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid,
		SYS_getgid, SYS_getegid, SYS_sched_yield };

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (number == never[i])
			return false;
	}
	return number >= 0 && number < CALLS;
}

/* The word at an address of the program is changed until the call has ended. */
static bool change_word(struct pending *p, unsigned long at, unsigned long to)
{
	errno = 0;
	p->word = (unsigned long)ptrace(PTRACE_PEEKDATA, p->id, (void *)at, NULL);
	if (errno != 0 || ptrace(PTRACE_POKEDATA, p->id, (void *)at, (void *)to) != 0)
		return false;
	p->word_at = at;
	return true;
}

static unsigned long half(unsigned long n)
{
	return n > 1 ? n / 2 : n;
}

/* Give the call half of the room. */
static void make_short(struct pending *p, struct user_regs_struct *r)
{
	struct iovec first;

	switch (run.number) {
	case SYS_read:
	case SYS_write:
	case SYS_pread64:
	case SYS_pwrite64:
	case SYS_getdents64:
	case SYS_readlink:
		r->rdx = half(r->rdx);
		break;
	case SYS_readlinkat:
		r->r10 = half(r->r10);
		break;
	case SYS_process_vm_readv:
		if (r->r8 > 1) {
			r->r8 = half(r->r8);
			break;
		}
		errno = 0;
		first.iov_len = (unsigned long)ptrace(PTRACE_PEEKDATA, p->id, (void *)(r->r10 + WORD), NULL);
		if (errno != 0 || !change_word(p, r->r10 + WORD, half(first.iov_len)))
			return;
		break;
	default:
		return;
	}
	p->cut = true;
}

static void disturb(pid_t id)
{
	struct pending *p = pending_new(id);
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, id, NULL, &r) != 0)
		return;
	p->regs = r;
	if (run.kill != 0) {
		(void)kill(run.program, (int)run.kill);
		p->id = 0;
	} else if (run.is_short) {
		make_short(p, &r);
	} else if (run.number == SYS_brk) {
		p->cut = true;
		r.rdi = 0;
	} else {
		p->failed = true;
		r.orig_rax = SYS_munmap;
		r.rdi = 1;
		r.rsi = 0;
	}
	if (p->failed || p->cut)
		(void)ptrace(PTRACE_SETREGS, id, NULL, &r);
	else
		p->id = 0;
	run.over = !run.all;
}

static void call_begins(pid_t id, const struct __ptrace_syscall_info *info)
{
	long number = (long)info->entry.nr;

	if (!run.begun || run.over || !can_fail(number) ||
	    (info->instruction_pointer >= run.linker && info->instruction_pointer < run.linker_end))
		return;
	run.seen[number]++;
	if (!run.counting && number == run.number &&
	    (run.all ? run.seen[number] >= run.n : run.seen[number] == run.n))
		disturb(id);
}

static void call_ends(pid_t id)
{
	struct pending *p = pending_of(id);
	struct user_regs_struct now;

	if (p == NULL)
		return;
	if (ptrace(PTRACE_GETREGS, id, NULL, &now) == 0) {
		unsigned long result = p->failed ? (unsigned long)-run.error : now.rax;

		now = p->regs;
		now.rax = result;
		if (p->word_at != 0)
			(void)ptrace(PTRACE_POKEDATA, id, (void *)p->word_at, (void *)p->word);
		(void)ptrace(PTRACE_SETREGS, id, NULL, &now);
	}
	p->id = 0;
}

/* A stop of a system call. */
static void at_call(pid_t id)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, id, (void *)sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		call_begins(id, &info);
	else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		call_ends(id);
}

/* Undisturbed, a thread need stop no more, unless a call of its is to be mended at its end. */
static void go_on(pid_t id, int signo)
{
	bool calls = !run.over || pending_of(id) != NULL;

	(void)ptrace(calls ? PTRACE_SYSCALL : PTRACE_CONT, id, NULL, (void *)(intptr_t)signo);
}

static void stopped(pid_t id, int status)
{
	int event = status >> 16, signo = WSTOPSIG(status);

	if (signo == (SIGTRAP | 0x80)) {
		at_call(id);
		go_on(id, 0);
	} else if (event == PTRACE_EVENT_EXEC && !run.begun) {
		run.begun = true;
		find_linker();
		go_on(id, 0);
	} else if (event == PTRACE_EVENT_STOP && (signo == SIGSTOP || signo == SIGTSTP)) {
		(void)ptrace(PTRACE_LISTEN, id, NULL, NULL);
	} else {
		go_on(id, event == 0 ? signo : 0);
	}
}

static int watch(void)
{
	int status, last = 0;
	pid_t id;

	while ((id = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (id <= 0)
			continue;
		if (WIFSTOPPED(status))
			stopped(id, status);
		else if (id == run.program)
			last = status;
	}
	return last;
}

static void start(char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
			     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int go[2];
	char byte = 0;

	if (pipe2(go, O_CLOEXEC) != 0)
		die("pipe");
	run.program = fork();
	if (run.program < 0)
		die("fork");
	if (run.program == 0) {
		(void)close(go[1]);
		(void)!read(go[0], &byte, 1);
		(void)execv(argv[0], argv);
		die(argv[0]);
	}
	if (ptrace(PTRACE_SEIZE, run.program, NULL, (void *)options) != 0)
		die("ptrace");
	(void)!write(go[1], &byte, 1);
	(void)close(go[0]);
	(void)close(go[1]);
}

static void tell_counts(const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		die(path);
	for (int i = 0; i < CALLS; i++) {
		if (run.seen[i] != 0)
			(void)fprintf(f, "%d %ld\n", i, run.seen[i]);
	}
	(void)fclose(f);
}

int main(int argc, char **argv)
{
	const struct rlimit none = { 0, 0 };
	int status;

	if (argc < 3)
		return 125;
	plan(argv[1]);
	start(argv + 2);
	status = watch();
	if (run.counting)
		tell_counts(argv[1]);
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(WTERMSIG(status), SIG_DFL);
	(void)raise(WTERMSIG(status));
	return 126;
}
