/* The types of illumos's <procfs.h> that pystack uses, for Linux.
 *
 * Field names and meanings are illumos's (proc(5)). Layouts differ, because nothing here is read
 * from or written to a file. Fields without a meaning on Linux are left out. Register sets are
 * x86-64's. i386 registers are stored zero-extended in the x86-64 ones (eip in PRREG_RIP, esp in
 * PRREG_RSP and so on; the thread pointer is PRREG_GSBASE), and pr_dmodel is PR_MODEL_ILP32. */
#ifndef PYSTACK_LINUX_PROCFS_H
#define PYSTACK_LINUX_PROCFS_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

typedef int lwpid_t; /* on Linux a TID, in pystack's pid namespace; in a core, the core's */
typedef unsigned int uint_t;
typedef unsigned char uchar_t;

#define PRFNSZ 16
#define PRARGSZ 80
#define PRMAPSZ 64

/* General registers in the order of illumos amd64 <sys/regset.h>. Index them with R_PC, R_SP, R_FP
 * or PRREG_ names (illumos's REG_ names collide with glibc's <sys/ucontext.h>). */
typedef long prgreg_t;
#define NPRGREG 28
typedef prgreg_t prgregset_t[NPRGREG];

enum {
	PRREG_R15,
	PRREG_R14,
	PRREG_R13,
	PRREG_R12,
	PRREG_R11,
	PRREG_R10,
	PRREG_R9,
	PRREG_R8,
	PRREG_RDI,
	PRREG_RSI,
	PRREG_RBP,
	PRREG_RBX,
	PRREG_RDX,
	PRREG_RCX,
	PRREG_RAX,
	PRREG_TRAPNO,
	PRREG_ERR,
	PRREG_RIP,
	PRREG_CS,
	PRREG_RFL,
	PRREG_RSP,
	PRREG_SS,
	PRREG_FS,
	PRREG_GS,
	PRREG_ES,
	PRREG_DS,
	PRREG_FSBASE,
	PRREG_GSBASE
};
#define R_PC PRREG_RIP
#define R_SP PRREG_RSP
#define R_FP PRREG_RBP

#define PR_MODEL_UNKNOWN 0
#define PR_MODEL_ILP32 1
#define PR_MODEL_LP64 2
#define PR_MODEL_NATIVE PR_MODEL_LP64 /* pystack's */

#define PRSYSARGS 8
#define THREAD_NAME_MAX 32 /* of Plwp_getname, with the NUL; Linux has 15 bytes */

/* pr_flags */
#define PR_STOPPED 0x00000001
#define PR_ISTOP 0x00000002
#define PR_DSTOP 0x00000004
#define PR_ASLEEP 0x00000010 /* in a system call that can wait */
#define PR_VFORKP 0x00002000 /* never set */

/* pr_why */
#define PR_REQUESTED 1
#define PR_SIGNALLED 2
#define PR_SYSENTRY 3 /* never set, nor is PR_SYSEXIT */
#define PR_SYSEXIT 4
#define PR_JOBCONTROL 5

typedef struct {
	int pr_signo;
	int pr_code;
	int pr_errno;
	uintptr_t pr_addr; /* fault address, for SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP */
	pid_t pr_pid;      /* sender of a signal that a process sent, else 0 */
	uid_t pr_uid;
} prsiginfo_t;

typedef struct lwpstatus {
	int pr_flags;
	lwpid_t pr_lwpid;
	short pr_why;
	short pr_what;
	short pr_cursig;     /* signal that killed the process (core), or is being delivered */
	prsiginfo_t pr_info; /* valid when pr_cursig != 0; pr_signo 0 when unknown */
	/* With PR_ASLEEP: the number of the system call, as on x86-64, and its arguments. -1 and 0
	 * if unknown, as for LWPs that are not held and for i386 programs. */
	short pr_syscall;
	short pr_nsysarg;
	long pr_sysarg[PRSYSARGS];
	prgregset_t pr_reg;
} lwpstatus_t;

typedef struct lwpsinfo {
	lwpid_t pr_lwpid;
	char pr_sname;         /* state letter of /proc/PID/stat; Z for an exited LWP */
	char pr_fname[PRFNSZ]; /* kernel's name of the LWP; "" if unknown, as in cores */
} lwpsinfo_t;

typedef struct psinfo {
	int pr_nlwp;
	int pr_nzomb;
	pid_t pr_pid;
	pid_t pr_ppid;
	uid_t pr_uid;
	uid_t pr_euid;
	char pr_dmodel;
	char pr_fname[PRFNSZ];
	char pr_psargs[PRARGSZ]; /* arguments joined by spaces, truncated to 79 bytes */
	lwpsinfo_t pr_lwp;       /* representative LWP */
} psinfo_t;

typedef struct pstatus {
	int pr_flags;
	int pr_nlwp;
	int pr_nzomb;
	pid_t pr_pid;
	pid_t pr_ppid;
	char pr_dmodel;
	lwpstatus_t pr_lwp; /* representative LWP: in a core the first, else the main thread */
} pstatus_t;

/* pr_mflags */
#define MA_EXEC 0x01
#define MA_WRITE 0x02
#define MA_READ 0x04
#define MA_SHARED 0x08
#define MA_BREAK 0x10
#define MA_STACK 0x20
#define MA_ANON 0x40

typedef struct prmap {
	uintptr_t pr_vaddr;
	size_t pr_size;
	char pr_mapname[PRMAPSZ]; /* the last bytes of the path; "" if anonymous */
	off_t pr_offset;
	int pr_mflags;
	int pr_pagesize;
} prmap_t;

typedef struct prheader {
	long pr_nent;
	long pr_entsize;
} prheader_t; /* followed by pr_nent entries of pr_entsize bytes */

typedef struct {
	int a_type;
	union {
		long a_val;
		void *a_ptr;
	} a_un;
} auxv_t;

#endif
