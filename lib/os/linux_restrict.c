/* restrict.h on Linux: a seccomp filter, and Landlock for files.
 *
 *   another architecture: one call is allowed, by which threads of its programs are known; else end
 *   binary search over the numbers          allow | end | ENOSYS | conditions
 *   conditions: is an argument allowed?     (ptrace, kill, open, …)
 *
 * The kernel tries each of its 460 numbers when the filter is installed, so a list would cost 1 ms.
 * What the filter always allows costs nothing later (Linux 5.11). */
#include "os/restrict.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/arch.h"
#include "os/landlock.h"
#include "os/sanitized.h"

#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW 4 /* Linux 4.17 */
#endif

enum { NUMBERS = 512, PROGRAM_MAX = 512 };

enum action { REFUSE, ALLOW, END, ASK };

static const uint16_t allowed[] = {
	/* memory */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_mincore,
	SYS_memfd_create,
	/* files that are open, and looks at others */
	SYS_read,
	SYS_readv,
	SYS_pread64,
	SYS_preadv,
	SYS_write,
	SYS_writev,
	SYS_pwrite64,
	SYS_pwritev,
	SYS_lseek,
	SYS_close,
	SYS_fcntl,
	SYS_dup,
	SYS_dup3,
	SYS_pipe2,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_statfs,
	SYS_fstatfs,
	SYS_readlinkat,
	SYS_faccessat,
	SYS_openat2,
	SYS_getdents64,
	SYS_ftruncate,
	SYS_fallocate,
	SYS_fadvise64,
	SYS_sendfile,
	SYS_copy_file_range,
	SYS_flock,
	SYS_getcwd,
	SYS_fgetxattr,
	SYS_unlinkat,
#ifdef SYS_close_range
	SYS_close_range,
#endif
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
	/* waits and time */
	SYS_ppoll,
	SYS_pselect6,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	SYS_futex,
	SYS_nanosleep,
	SYS_clock_nanosleep,
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_gettimeofday,
	SYS_restart_syscall,
	SYS_eventfd2,
	/* this process, its threads and children */
	SYS_getpid,
	SYS_getppid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_getgid,
	SYS_getegid,
	SYS_getgroups,
	SYS_exit,
	SYS_exit_group,
	SYS_wait4,
	SYS_waitid,
	SYS_set_tid_address,
	SYS_set_robust_list,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_sched_setattr,
	SYS_sched_getattr,
	SYS_getrusage,
	SYS_sysinfo,
	SYS_uname,
	SYS_getrandom,
	SYS_getcpu,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
	SYS_rt_sigreturn,
	SYS_rt_sigtimedwait,
	SYS_rt_sigpending,
	SYS_rt_sigsuspend,
	SYS_sigaltstack,
	SYS_capget,
	SYS_capset,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_setgroups,
	SYS_seccomp,
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef SYS_membarrier
	SYS_membarrier,
#endif
	/* targets */
	SYS_process_vm_readv,
	SYS_get_robust_list,
/* Older calls, which some architectures lack. */
#ifdef SYS_open
	SYS_stat,
	SYS_lstat,
	SYS_readlink,
	SYS_access,
	SYS_poll,
	SYS_select,
	SYS_epoll_wait,
	SYS_dup2,
	SYS_pipe,
	SYS_getdents,
	SYS_unlink,
	SYS_time,
	SYS_getrlimit,
	SYS_setrlimit,
	SYS_fork,
#endif
};

/* No run calls these, nor does a library by itself: only somebody who has taken pystack over. */
static const uint16_t never[] = { SYS_execve, SYS_execveat, SYS_process_vm_writev, SYS_setuid, SYS_setgid,
	SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_mount, SYS_umount2, SYS_pivot_root,
	SYS_chroot, SYS_unshare, SYS_setns, SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff };

/* Numbers that are the same on all architectures; older headers lack them. */
enum {
	PIDFD_SEND_SIGNAL = 424,
	IO_URING_SETUP,
	OPEN_TREE = 428,
	MOVE_MOUNT,
	FSOPEN,
	FSCONFIG,
	FSMOUNT,
	FSPICK,
	CLONE3 = 435,
	PIDFD_GETFD = 438,
	PROCESS_MADVISE = 440,
	MOUNT_SETATTR = 442
};

/* What a library may call to see whether it can: Kerberos below curl looks for keys, and C
 * libraries end by tkill. It fails, even if the network is needed and all else allowed. Filters do
 * not see what clone3 and io_uring do; the C library has other ways. */
static const uint16_t hidden[] = { CLONE3, IO_URING_SETUP, PIDFD_SEND_SIGNAL, OPEN_TREE, MOVE_MOUNT, FSOPEN,
	FSCONFIG, FSMOUNT, FSPICK, PIDFD_GETFD, PROCESS_MADVISE, MOUNT_SETATTR, SYS_acct, SYS_keyctl,
	SYS_add_key, SYS_request_key, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
	SYS_open_by_handle_at, SYS_personality, SYS_syslog, SYS_sethostname, SYS_setdomainname,
	SYS_settimeofday, SYS_clock_settime, SYS_userfaultfd };

struct program {
	struct sock_filter at[PROGRAM_MAX];
	unsigned short n;
};

/* What is decided for each number; the last one is for those above, like x32's. */
struct decisions {
	uint8_t action[NUMBERS + 1];
	struct program conditions;
};

static void put_instruction(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (p->n < PROGRAM_MAX)
		p->at[p->n] = (struct sock_filter){ code, yes, no, k };
	p->n++;
}

static void put_load(struct program *p, size_t offset)
{
	put_instruction(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void put_return(struct program *p, uint32_t value)
{
	put_instruction(p, BPF_RET | BPF_K, value, 0, 0);
}

/* The lower half of an argument. */
static size_t argument_offset(int i)
{
	return offsetof(struct seccomp_data, args) + (size_t)i * sizeof(uint64_t);
}

/* Begin the conditions of a call, which the caller ends by put_end. */
static unsigned short put_call(struct decisions *d, uint32_t number, int arg)
{
	struct program *p = &d->conditions;

	d->action[number] = ASK;
	put_instruction(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 0);
	put_load(p, argument_offset(arg));
	return (unsigned short)(p->n - 2);
}

/* value: what is returned if nothing before has. */
static void put_end(struct program *p, unsigned short call, uint32_t value)
{
	put_return(p, value);
	if (p->n <= PROGRAM_MAX)
		p->at[call].jf = (uint8_t)(p->n - call - 1);
}

static void put_if(struct program *p, uint16_t test, uint32_t k, uint32_t value)
{
	put_instruction(p, (uint16_t)(BPF_JMP | BPF_K | test), k, 0, 1);
	put_return(p, value);
}

/* Allow a call whose argument is one of these. */
static void put_one_of(
    struct decisions *d, uint32_t number, int arg, const uint32_t *these, size_t n, uint32_t otherwise)
{
	struct program *p = &d->conditions;
	const unsigned short call = put_call(d, number, arg);

	for (size_t i = 0; i < n; i++)
		put_if(p, BPF_JEQ, these[i], SECCOMP_RET_ALLOW);
	put_end(p, call, otherwise);
}

static void put_targets(struct decisions *d, const struct os_needs *needs)
{
	/* PTRACE_GET_THREAD_AREA: Linux arch/x86/include/uapi/asm/ptrace-abi.h */
	static const uint32_t requests[] = { PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, PTRACE_CONT,
		PTRACE_GETREGS, PTRACE_GETREGSET, PTRACE_GET_THREAD_AREA };
	const uint32_t signals[] = { 0, SIGKILL, needs->command ? SIGTERM : 0 };
	const uint32_t self = (uint32_t)getpid();

	put_one_of(d, SYS_ptrace, 0, requests, needs->files ? 0 : sizeof(requests) / sizeof(requests[0]),
	    needs->files ? SECCOMP_RET_ERRNO | EPERM : SECCOMP_RET_KILL_PROCESS);
	/* Children that do not answer are killed; signal 0 asks whether a process exists. A filter
	 * cannot know which are children, as they are started later. */
	put_one_of(d, SYS_kill, 1, signals, sizeof(signals) / sizeof(signals[0]), SECCOMP_RET_ERRNO | EPERM);
	/* A child that aborts is ended by the abort's next means. */
	put_one_of(d, SYS_tgkill, 0, &self, 1, SECCOMP_RET_ERRNO | EPERM);
}

static void put_process(struct decisions *d)
{
	struct program *p = &d->conditions;
	static const uint32_t options[] = { PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP };
	const uint32_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
				    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	unsigned short call;

	put_one_of(d, SYS_prctl, 0, options, sizeof(options) / sizeof(options[0]), SECCOMP_RET_ERRNO | EPERM);
	call = put_call(d, SYS_clone, 0);
	put_if(p, BPF_JSET, namespaces, SECCOMP_RET_KILL_PROCESS);
	put_end(p, call, SECCOMP_RET_ALLOW);
	/* Text is not typed on the terminal for the shell that waits there. */
	call = put_call(d, SYS_ioctl, 1);
	put_if(p, BPF_JEQ, TIOCSTI, SECCOMP_RET_KILL_PROCESS);
	put_if(p, BPF_JEQ, TIOCLINUX, SECCOMP_RET_KILL_PROCESS);
	put_end(p, call, SECCOMP_RET_ALLOW);
	/* Limits of other processes are read. */
	call = put_call(d, SYS_prlimit64, 0);
	put_if(p, BPF_JEQ, 0, SECCOMP_RET_ALLOW);
	put_load(p, argument_offset(2));
	put_instruction(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
	put_load(p, argument_offset(2) + sizeof(uint32_t));
	put_if(p, BPF_JEQ, 0, SECCOMP_RET_ALLOW);
	put_end(p, call, SECCOMP_RET_ERRNO | EPERM);
}

/* New files only: temporary ones. openat2's flags are in memory, which a filter does not see. */
static void put_open(struct decisions *d, uint32_t number, int arg)
{
	struct program *p = &d->conditions;
	const unsigned short call = put_call(d, number, arg);

	put_instruction(p, BPF_JMP | BPF_JSET | BPF_K, O_ACCMODE | O_CREAT | O_TRUNC, 1, 0);
	put_return(p, SECCOMP_RET_ALLOW);
	put_instruction(p, BPF_ALU | BPF_AND | BPF_K, O_CREAT | O_EXCL, 0, 0);
	put_if(p, BPF_JEQ, O_CREAT | O_EXCL, SECCOMP_RET_ALLOW);
	put_end(p, call, SECCOMP_RET_ERRNO | EACCES);
}

/* The C library tries to load libraries by itself: to end a thread, to convert text, to find names.
 * It goes on without them. */
static void put_code(struct decisions *d, uint32_t number, bool allowed_code)
{
	struct program *p = &d->conditions;
	const unsigned short call = put_call(d, number, 2);

	if (!allowed_code)
		put_if(p, BPF_JSET, PROT_EXEC, SECCOMP_RET_ERRNO | EACCES);
	put_end(p, call, SECCOMP_RET_ALLOW);
}

static void put_files(struct decisions *d, const struct os_needs *needs)
{
	put_open(d, SYS_openat, 2);
#ifdef SYS_open
	put_open(d, SYS_open, 1);
#endif
	put_code(d, SYS_mmap, needs->libraries);
	/* A library that needs an executable stack, or has branch targets marked, calls it. */
	put_code(d, SYS_mprotect, needs->libraries);
}

/* Nothing is pinned, and no program or map of others is used. */
static void put_probes(struct decisions *d, const struct os_needs *needs)
{
	static const uint32_t commands[] = { BPF_MAP_CREATE, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM,
		BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY, BPF_PROG_LOAD, BPF_OBJ_GET_INFO_BY_FD,
		BPF_RAW_TRACEPOINT_OPEN, BPF_BTF_LOAD, BPF_BTF_GET_FD_BY_ID, BPF_BTF_GET_NEXT_ID,
		BPF_MAP_LOOKUP_AND_DELETE_ELEM, BPF_MAP_FREEZE, BPF_MAP_LOOKUP_BATCH,
		BPF_MAP_LOOKUP_AND_DELETE_BATCH, BPF_MAP_UPDATE_BATCH, BPF_MAP_DELETE_BATCH, BPF_LINK_CREATE,
		BPF_ITER_CREATE, BPF_PROG_BIND_MAP };

	put_one_of(d, SYS_bpf, 0, commands, needs->probes ? sizeof(commands) / sizeof(commands[0]) : 0,
	    SECCOMP_RET_ERRNO | EPERM);
}

/* Binary search in the numbers from `from` up to and including `to`, in which begins[i] is the
 * first of a run of numbers with the same action. A jump to the conditions gets its distance
 * later. */
static void put_search(
    struct program *p, const uint16_t *begins, const uint8_t *actions, unsigned from, unsigned to)
{
	static const uint32_t returns[] = { [REFUSE] = SECCOMP_RET_ERRNO | ENOSYS,
		[ALLOW] = SECCOMP_RET_ALLOW,
		[END] = SECCOMP_RET_KILL_PROCESS };
	const unsigned middle = from + (to - from + 1) / 2;
	const unsigned short jump = p->n;

	if (from == to && actions[begins[from]] == ASK) {
		put_instruction(p, BPF_JMP | BPF_JA, 0, 0, 0);
		return;
	}
	if (from == to) {
		put_return(p, returns[actions[begins[from]]]);
		return;
	}
	put_instruction(p, BPF_JMP | BPF_JGE | BPF_K, begins[middle], 0, 0);
	put_search(p, begins, actions, from, middle - 1);
	if (p->n < PROGRAM_MAX)
		p->at[jump].jt = (uint8_t)(p->n - jump - 1);
	put_search(p, begins, actions, middle, to);
}

static void decide_calls(struct decisions *d, const struct os_needs *needs)
{
	memset(d->action, needs->network ? ALLOW : REFUSE, NUMBERS);
	d->action[NUMBERS] = REFUSE;
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		d->action[allowed[i]] = ALLOW;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		d->action[never[i]] = END;
	if (needs->probes)
		d->action[SYS_perf_event_open] = ALLOW;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		d->action[hidden[i]] = REFUSE;
	d->conditions.n = 0;
	put_targets(d, needs);
	put_process(d);
	put_probes(d, needs);
	if (needs->network)
		d->action[SYS_mmap] = d->action[SYS_mprotect] = ALLOW;
	else
		put_files(d, needs);
	put_return(&d->conditions, SECCOMP_RET_KILL_PROCESS);
}

/* What calls of architectures that are not our own get. */
static void put_foreign(struct program *p, const struct arch_system *own, const struct arch_system *other)
{
	const unsigned short begin = p->n;

	put_instruction(p, BPF_JMP | BPF_JEQ | BPF_K, own->audit, 0, 0);
	if (other != own && other->robust_head != NULL) {
		put_instruction(p, BPF_JMP | BPF_JEQ | BPF_K, other->audit, 0, 3);
		put_load(p, offsetof(struct seccomp_data, nr));
		put_if(p, BPF_JEQ, other->robust_call, SECCOMP_RET_ALLOW);
	}
	put_return(p, SECCOMP_RET_KILL_PROCESS);
	p->at[begin].jt = (uint8_t)(p->n - begin - 1);
}

static void make_program(struct program *p, const struct os_needs *needs)
{
	uint16_t begins[NUMBERS + 1];
	unsigned n = 0;
	struct decisions d;

	decide_calls(&d, needs);
	for (unsigned i = 0; i <= NUMBERS; i++) {
		if (i == 0 || d.action[i] != d.action[i - 1])
			begins[n++] = (uint16_t)i;
	}
	p->n = 0;
	put_load(p, offsetof(struct seccomp_data, arch));
	put_foreign(p, arch_of_host(false)->system, arch_of_host(true)->system);
	put_load(p, offsetof(struct seccomp_data, nr));
	put_search(p, begins, d.action, 0, n - 1);
	for (unsigned i = 0; i < p->n && i < PROGRAM_MAX; i++) {
		if (p->at[i].code == (BPF_JMP | BPF_JA))
			p->at[i].k = p->n - i - 1;
	}
	for (unsigned i = 0; i < d.conditions.n && i < PROGRAM_MAX; i++)
		put_instruction(p, d.conditions.at[i].code, d.conditions.at[i].k, d.conditions.at[i].jt,
		    d.conditions.at[i].jf);
}

#ifndef OS_SANITIZED

void os_restrict(const struct os_needs *needs, const char *dir)
{
	struct program p;
	struct sock_fprog filter = { .filter = p.at };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return;
	if (needs->files && !needs->network)
		landlock_reading_only(dir);
	make_program(&p, needs);
	if (p.n > PROGRAM_MAX)
		return;
	filter.len = p.n;
	/* Without that flag, kernels before 5.16 make every branch of this process slow. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) != 0)
		(void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}

#else

void os_restrict(const struct os_needs *needs, const char *dir)
{
	(void)needs;
	(void)dir;
	(void)make_program;
	(void)landlock_reading_only;
}

#endif
