/* The state of a traced LWP, from waitid(2), and its registers. */
#include "proc/live/hold_lwp.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "arch/arch.h"
#include "proc/live/hold_regs.h"

static void set_why(struct hold_lwp *l, const char *why)
{
	(void)snprintf(l->why, sizeof(l->why), "%s", why);
}

/* --- registers --- */

/* The registers of an LWP in 32-bit code: the 64-bit set, which ptrace(2) gives too, with upper
 * halves of 0, and the number of its system call. The base of GS, the thread pointer, is in a
 * segment descriptor of the thread. */
static bool regs_32bit(lwpid_t id, prgregset_t regs, long *syscall)
{
	enum { DESCRIPTOR_SHIFT = 3 };
	const struct arch_system *system = arch_of_host(true)->system;
	struct user_regs_struct user;
	uint32_t area[4]; /* struct user_desc: entry, base, limit, flags */
	long entry;

	if (ptrace(PTRACE_GETREGS, id, NULL, &user) != 0)
		return false;
	hold_regs_from_user(regs, &user);
	*syscall = (int32_t)hold_regs_syscall(&user);
	entry = (regs[system->tls_selector] & 0xffff) >> DESCRIPTOR_SHIFT;
	if (entry != 0 && ptrace(PTRACE_GET_THREAD_AREA, id, (void *)entry, area) == 0)
		regs[system->thread_pointer] = (prgreg_t)area[1];
	for (int i = 0; i < NPRGREG; i++)
		regs[i] = (system->absent >> i & 1) != 0 ? 0 : (prgreg_t)(uint32_t)regs[i];
	return true;
}

/* --- stops and ends --- */

void hold_lwp_note_end(lwpid_t id)
{
	siginfo_t si;

	(void)waitid(P_PID, (id_t)id, &si, WEXITED | WNOHANG | __WALL);
}

void hold_lwp_gone(struct hold_lwp *l)
{
	l->state = HOLD_GONE;
	l->why[0] = '\0';
	hold_lwp_note_end(l->id);
}

/* ESRCH: it has just been killed. */
static void no_registers(struct hold_lwp *l, int error)
{
	if (error == ESRCH) {
		hold_lwp_gone(l);
		return;
	}
	(void)ptrace(PTRACE_DETACH, l->id, NULL, (void *)(intptr_t)l->signo);
	l->state = HOLD_REFUSED;
	l->code = G_STRANGE;
	l->sys = error;
	(void)snprintf(l->why, sizeof(l->why), "its registers cannot be read: %s", strerror(error));
}

/* Get the registers of a stopped LWP. The kernel gives those of the processor's mode. */
static void read_stopped(struct hold_lwp *l, int code, bool is_32bit)
{
	const size_t size_32bit = arch_of_host(true)->system->n_user_regs * sizeof(uint32_t);
	struct user_regs_struct user;
	struct iovec iov = { &user, sizeof(user) };

	l->signo = code >> 8 == 0 ? code & 0x7f : 0;
	if (ptrace(PTRACE_GETREGSET, l->id, (void *)NT_PRSTATUS, &iov) != 0) {
		no_registers(l, errno);
		return;
	}
	if (iov.iov_len != (is_32bit ? size_32bit : sizeof(user))) {
		(void)ptrace(PTRACE_DETACH, l->id, NULL, (void *)(intptr_t)l->signo);
		l->state = HOLD_REFUSED;
		l->code = G_ISAINVAL;
		set_why(l, is_32bit ? "it is running 64-bit code" : "it is running 32-bit code");
		return;
	}
	if (!is_32bit) {
		hold_regs_from_user(l->regs, &user);
		l->syscall = hold_regs_syscall(&user);
	} else if (!regs_32bit(l->id, l->regs, &l->syscall)) {
		no_registers(l, errno);
		return;
	}
	l->state = HOLD_HELD;
	l->why[0] = '\0';
}

static bool is_end(const siginfo_t *si)
{
	return si->si_code == CLD_EXITED || si->si_code == CLD_KILLED || si->si_code == CLD_DUMPED;
}

/* Without WNOWAIT a stop would be taken, too, although only ends are asked for. */
bool hold_lwp_has_ended(lwpid_t id)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)id, &si, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 && si.si_pid != 0 &&
	       is_end(&si);
}

void hold_lwp_look(struct hold_lwp *l, bool is_32bit)
{
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)l->id, &si, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) != 0) {
		if (errno == ECHILD)
			hold_lwp_gone(l);
		return;
	}
	if (si.si_pid == 0)
		return;
	if (is_end(&si))
		hold_lwp_gone(l);
	else
		read_stopped(l, si.si_status, is_32bit);
}
