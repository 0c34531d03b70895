/* The system call in which an LWP sleeps, and further functions that users of illumos's libproc
 * call. */
#include <libproc.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proc/syscall.h"
#include "support/fake_process.h"
#include "support/run_suite.h"
#include "support/victim.h"

START_TEST(names)
{
	static const struct {
		int number;
		const char *name;
	} known[] = { { SYS_read, "read" }, { SYS_restart_syscall, "restart_syscall" },
		{ SYS_futex, "futex" }, { SYS_clock_nanosleep, "clock_nanosleep" },
		{ SYS_epoll_pwait2, "epoll_pwait2" }, { 467, "open_tree_attr" }, { 400, "SYS#400" },
		{ -1, "SYS#-1" }, { 100000, "SYS#100000" } };
	char buf[32], small[4];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		ck_assert_ptr_eq(proc_sysname(known[i].number, buf, sizeof(buf)), buf);
		ck_assert_str_eq(buf, known[i].name);
	}
	ck_assert_str_eq(proc_sysname(SYS_futex, small, sizeof(small)), "fut");
}
END_TEST

static lwpstatus_t noted(long number, long result)
{
	lwpstatus_t status = { .pr_flags = PR_STOPPED,
		.pr_reg = { [PRREG_RAX] = result,
		    [PRREG_RDI] = 1,
		    [PRREG_RSI] = 2,
		    [PRREG_RDX] = 3,
		    [PRREG_R10] = 4,
		    [PRREG_R8] = 5,
		    [PRREG_R9] = 6 } };

	syscall_note(&arch_x86_64, &status, number);
	return status;
}

START_TEST(by_registers)
{
	lwpstatus_t status = noted(SYS_mmap, -512);

	ck_assert_int_eq(status.pr_flags, PR_STOPPED | PR_ASLEEP);
	ck_assert_int_eq(status.pr_syscall, SYS_mmap);
	ck_assert_int_eq(status.pr_nsysarg, 6);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(status.pr_sysarg[i], i + 1);
	ck_assert_int_eq(noted(SYS_read, -516).pr_nsysarg, 3);
	ck_assert_int_eq(noted(SYS_getpid, -514).pr_nsysarg, 0);
	ck_assert_int_eq(noted(1000, -513).pr_nsysarg, 6); /* a later kernel's */
	ck_assert_int_eq(noted(SYS_read, 0).pr_flags, PR_STOPPED);
	ck_assert_int_eq(noted(SYS_read, -4).pr_flags, PR_STOPPED); /* EINTR: done with */
	ck_assert_int_eq(noted(-1, -512).pr_flags, PR_STOPPED);
	ck_assert_int_eq(noted(1 << 20, -512).pr_flags, PR_STOPPED);
}
END_TEST

/* Registers of 32 bits have no sign. */
START_TEST(by_registers_of_32_bits)
{
	const uint8_t *prgreg = arch_i386.system->prgreg;
	lwpstatus_t status = { .pr_flags = PR_STOPPED };

	status.pr_reg[prgreg[arch_i386.result]] = (prgreg_t)(uint32_t)-512;
	status.pr_reg[prgreg[arch_i386.args[0]]] = 7;
	syscall_note(&arch_i386, &status, 168); /* poll */
	ck_assert_int_eq(status.pr_flags, PR_STOPPED | PR_ASLEEP);
	ck_assert_int_eq(status.pr_syscall, 168);
	ck_assert_int_eq(status.pr_sysarg[0], 7);
	ck_assert_int_eq(syscall_result(&arch_i386, status.pr_reg), -512);
}
END_TEST

static int look(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	(void)info;
	*(lwpstatus_t *)data = *status;
	return 0;
}

START_TEST(of_a_process)
{
	struct victim v = victim_start(victim_blocked, 0);
	lwpstatus_t held, seen;
	struct ps_prochandle *P;
	int code;

	ck_assert(victim_settles(v.pid, v.pid, 'S'));
	P = Pgrab(v.pid, 0, &code);
	ck_assert_msg(P != NULL, "Pgrab: %s", Pgrab_error(code));
	ck_assert_int_eq(Plwp_iter_all(P, look, &held), 0);
	ck_assert_int_eq(held.pr_flags, PR_STOPPED | PR_ISTOP | PR_ASLEEP);
	ck_assert_int_eq(held.pr_syscall, SYS_read);
	ck_assert_int_eq(held.pr_nsysarg, 3);
	ck_assert_int_eq(held.pr_sysarg[2], 1);
	ck_assert_int_eq(Pstatus(P)->pr_lwp.pr_syscall, SYS_read);
	Prelease(P, 0);
	/* It wakes as it is let go of, and enters the call again. */
	ck_assert(victim_settles(v.pid, v.pid, 'S'));
	P = Pgrab(v.pid, PGRAB_NOSTOP, &code);
	ck_assert_ptr_nonnull(P);
	ck_assert_int_eq(Plwp_iter_all(P, look, &seen), 0);
	ck_assert_int_eq(seen.pr_flags, PR_ASLEEP);
	ck_assert_int_eq(seen.pr_syscall, -1); /* not looked for */
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(of_one_that_runs)
{
	struct victim v = victim_start(victim_spinning, 0);
	struct ps_prochandle *P;
	lwpstatus_t held;
	int code;

	P = Pgrab(v.pid, 0, &code);
	ck_assert_msg(P != NULL, "Pgrab: %s", Pgrab_error(code));
	ck_assert_int_eq(Plwp_iter_all(P, look, &held), 0);
	ck_assert_int_eq(held.pr_flags, PR_STOPPED | PR_ISTOP);
	Prelease(P, 0);
	victim_end(&v);
}
END_TEST

START_TEST(what_else_a_consumer_names)
{
	struct fake_process fake = { .pid = 1 };
	struct ps_prochandle *P = fake_grab(&fake);
	lwpstatus_t status = { .pr_why = PR_SYSENTRY };

	ck_assert_int_eq(PR_ARG_ANY, PR_ARG_PIDS | PR_ARG_CORES);
	ck_assert_int_eq(PR_MODEL_NATIVE, sizeof(long) == 8 ? PR_MODEL_LP64 : PR_MODEL_ILP32);
	ck_assert((status.pr_flags & PR_VFORKP) == 0 && status.pr_why != PR_SYSEXIT);
	ck_assert_int_ge(THREAD_NAME_MAX, 16);
	ck_assert_ptr_nonnull(Prd_agent(P));
	ck_assert_int_eq(proc_initstdio(), 0);
	ck_assert_int_eq(proc_flushstdio(), 0);
	ck_assert_int_eq(proc_finistdio(), 0);
	Prelease(P, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { names, by_registers, by_registers_of_32_bits, of_a_process,
		of_one_that_runs, what_else_a_consumer_names };

	return run_suite("syscall", tests, sizeof(tests) / sizeof(tests[0]));
}
