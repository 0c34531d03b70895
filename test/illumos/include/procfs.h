/* Stand-in for illumos <procfs.h>, LP64 on amd64: proc(5). The sizes and offsets are asserted in layout.c. */
#ifndef STAND_IN_PROCFS_H
#define STAND_IN_PROCFS_H

#include <signal.h>
#include <sys/regset.h>
#include <sys/types.h>

#define R_PC REG_RIP
#define R_SP REG_RSP
#define R_FP REG_RBP
#define NPRGREG 28
typedef long prgreg_t;
typedef prgreg_t prgregset_t[NPRGREG];
typedef struct {
	long prfpreg[66];
} prfpregset_t;

#define PRFNSZ 16
#define PRARGSZ 80
#define PRMAPSZ 64
#define PRCLSZ 8
#define PRSYSARGS 8

#define PR_MODEL_UNKNOWN 0
#define PR_MODEL_ILP32 1
#define PR_MODEL_LP64 2

#define PR_STOPPED 0x00000001
#define PR_ISTOP 0x00000002
#define PR_DSTOP 0x00000004
#define PR_ASLEEP 0x00000010

#define PR_REQUESTED 1
#define PR_SIGNALLED 2
#define PR_JOBCONTROL 5

typedef struct lwpstatus {
	int pr_flags;
	id_t pr_lwpid;
	short pr_why;
	short pr_what;
	short pr_cursig;
	short pr_pad1;
	siginfo_t pr_info;
	sigset_t pr_lwppend;
	sigset_t pr_lwphold;
	struct {
		int sa_flags;
		void (*sa_code)(void);
		sigset_t sa_blocked;
	} pr_action;
	struct {
		void *ss_sp;
		size_t ss_size;
		int ss_flags;
	} pr_altstack;
	uintptr_t pr_oldcontext;
	short pr_syscall;
	short pr_nsysarg;
	int pr_errno;
	long pr_sysarg[PRSYSARGS];
	long pr_rval1;
	long pr_rval2;
	char pr_clname[PRCLSZ];
	timestruc_t pr_tstamp;
	timestruc_t pr_utime;
	timestruc_t pr_stime;
	int pr_filler[3];
	int pr_errpriv;
	uintptr_t pr_ustack;
	ulong_t pr_instr;
	prgregset_t pr_reg;
	prfpregset_t pr_fpreg;
} lwpstatus_t;

typedef struct pstatus {
	int pr_flags;
	int pr_nlwp;
	pid_t pr_pid;
	pid_t pr_ppid;
	pid_t pr_pgid;
	pid_t pr_sid;
	id_t pr_aslwpid;
	id_t pr_agentid;
	sigset_t pr_sigpend;
	uintptr_t pr_brkbase;
	size_t pr_brksize;
	uintptr_t pr_stkbase;
	size_t pr_stksize;
	timestruc_t pr_times[4]; /* of its own and of its children, user and system */
	sigset_t pr_sigtrace;
	unsigned int pr_flttrace[4];
	unsigned int pr_sysentry[16];
	unsigned int pr_sysexit[16];
	char pr_dmodel;
	char pr_pad[3];
	taskid_t pr_taskid;
	projid_t pr_projid;
	int pr_nzomb;
	zoneid_t pr_zoneid;
	int pr_filler[15];
	lwpstatus_t pr_lwp;
} pstatus_t;

typedef struct lwpsinfo {
	int pr_flag;
	id_t pr_lwpid;
	uintptr_t pr_addr;
	uintptr_t pr_wchan;
	char pr_stype;
	char pr_state;
	char pr_sname;
	char pr_nice;
	short pr_syscall;
	char pr_oldpri;
	char pr_cpu;
	int pr_pri;
	ushort_t pr_pctcpu;
	ushort_t pr_pad;
	timestruc_t pr_start;
	timestruc_t pr_time;
	char pr_clname[PRCLSZ];
	char pr_name[PRFNSZ];
	int pr_onpro;
	int pr_bindpro;
	int pr_bindpset;
	int pr_lgrp;
	uint64_t pr_last_onproc;
	int pr_filler[2];
} lwpsinfo_t;

typedef struct psinfo {
	int pr_flag;
	int pr_nlwp;
	pid_t pr_pid;
	pid_t pr_ppid;
	pid_t pr_pgid;
	pid_t pr_sid;
	uid_t pr_uid;
	uid_t pr_euid;
	gid_t pr_gid;
	gid_t pr_egid;
	uintptr_t pr_addr;
	size_t pr_size;
	size_t pr_rssize;
	size_t pr_pad1;
	dev_t pr_ttydev;
	ushort_t pr_pctcpu;
	ushort_t pr_pctmem;
	timestruc_t pr_start;
	timestruc_t pr_time;
	timestruc_t pr_ctime;
	char pr_fname[PRFNSZ];
	char pr_psargs[PRARGSZ];
	int pr_wstat;
	int pr_argc;
	uintptr_t pr_argv;
	uintptr_t pr_envp;
	char pr_dmodel;
	char pr_pad2[3];
	taskid_t pr_taskid;
	projid_t pr_projid;
	int pr_nzomb;
	poolid_t pr_poolid;
	zoneid_t pr_zoneid;
	id_t pr_contract;
	int pr_filler[1];
	lwpsinfo_t pr_lwp;
} psinfo_t;

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
	char pr_mapname[PRMAPSZ];
	long long pr_offset;
	int pr_mflags;
	int pr_pagesize;
	int pr_shmid;
	int pr_filler[1];
} prmap_t;

typedef struct prheader {
	long pr_nent;
	long pr_entsize;
} prheader_t;

typedef struct {
	int a_type;
	union {
		long a_val;
		void *a_ptr;
		void (*a_fcn)(void);
	} a_un;
} auxv_t;

#endif
