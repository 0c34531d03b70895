#include "support/tracee.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(const char *program, const char *scene, int out)
{
	if (dup2(out, STDOUT_FILENO) < 0 || ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
		_exit(127);
	execl(program, program, scene, (char *)NULL);
	_exit(127);
}

/* Wait for a stop of any LWP of the tracee. False: the process is gone. */
static bool wait_stop(struct tracee *t, int *event)
{
	int status;
	pid_t id;

	for (;;) {
		id = waitpid(-1, &status, __WALL);
		if (id < 0)
			return false;
		if (WIFSTOPPED(status))
			break;
		if (id == t->pid)
			return false;
	}
	t->stop = id;
	t->signo = WSTOPSIG(status);
	*event = status >> 16;
	return true;
}

/* Whether the last stop is one of the scene's own, or an end. */
static bool is_scene_stop(const struct tracee *t, int event)
{
	siginfo_t info;

	if (event != 0 || ptrace(PTRACE_GETSIGINFO, t->stop, 0, &info) != 0)
		return false;
	return t->signo == SIGTRAP && info.si_code == SI_KERNEL;
}

static bool is_handled(pid_t pid, int signo)
{
	char path[64], line[256];
	unsigned long long caught = 0;
	FILE *status;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	status = fopen(path, "re");
	while (status != NULL && fgets(line, sizeof(line), status) != NULL)
		(void)sscanf(line, "SigCgt: %llx", &caught);
	if (status != NULL)
		(void)fclose(status);
	return (caught >> (signo - 1) & 1) != 0;
}

static void hear(struct tracee *t)
{
	char text[4096], *at, *line;
	ssize_t n = read(t->from, text, sizeof(text) - 1);
	unsigned long pc, sp;

	text[n < 0 ? 0 : n] = '\0';
	for (line = strtok_r(text, "\n", &at); line != NULL; line = strtok_r(NULL, "\n", &at)) {
		struct said *said = &t->said[t->said_n];
		int got = sscanf(line, "%15s %lx", said->what, &pc);

		if (strcmp(said->what, "forget") == 0) {
			t->said_n = 0;
			continue;
		}
		ck_assert_int_eq(got, 2);
		ck_assert_uint_lt(t->said_n, TRACEE_SAID_MAX);
		said->pc = pc;
		said->sp = sscanf(line, "%*s %*x %lx", &sp) == 1 ? sp : 0;
		t->said_n++;
	}
}

bool tracee_run(struct tracee *t)
{
	int pass = 0, event;

	for (;;) {
		if (ptrace(PTRACE_CONT, t->stop, 0, pass) != 0 || !wait_stop(t, &event))
			return false;
		if (is_scene_stop(t, event) ||
		    (event == 0 && t->signo == SIGSEGV && !is_handled(t->pid, SIGSEGV))) {
			hear(t);
			return true;
		}
		/* A new LWP begins with SIGSTOP, which is for us. */
		pass = event != 0 || t->signo == SIGSTOP || t->signo == SIGTRAP ? 0 : t->signo;
	}
}

bool tracee_step(struct tracee *t)
{
	int event;

	ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, t->stop, 0, 0), 0);
	return wait_stop(t, &event) && !is_scene_stop(t, event);
}

bool tracee_start(struct tracee *t, const char *program, const char *scene)
{
	int pipes[2], event;

	memset(t, 0, sizeof(*t));
	if (access(program, X_OK) != 0)
		return false;
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	t->pid = fork();
	ck_assert_int_ge(t->pid, 0);
	if (t->pid == 0)
		child(program, scene, pipes[1]);
	(void)close(pipes[1]);
	t->from = pipes[0];
	ck_assert(wait_stop(t, &event));
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, t->pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE), 0);
	ck_assert(tracee_run(t));
	return true;
}

void tracee_regs(const struct tracee *t, struct unwind_regs *out)
{
	struct user_regs_struct r;

	ck_assert_int_eq(ptrace(PTRACE_GETREGS, t->stop, 0, &r), 0);
	*out = (struct unwind_regs){
		.reg = { r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11,
		    r.r12, r.r13, r.r14, r.r15, r.rip },
		.known = { { 0x1ffff } },
	};
}

void tracee_end(struct tracee *t)
{
	(void)kill(t->pid, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
	(void)close(t->from);
}
