/* A libproc for Linux: the part of illumos's libproc(3LIB) that pystack uses, under the same names.
 *
 * Differences from illumos:
 *  - An LWP id is a TID; ids do not start at 1.
 *  - A live process is read through /proc/PID/mem and process_vm_readv(2), and stopped by ptrace.
 *    Pgrab without PGRAB_NOSTOP stops every LWP by PTRACE_SEIZE and PTRACE_INTERRUPT, without a
 *    signal. Prelease restores the state in which Pgrab found the process: a process stopped by job
 *    control stays stopped. PRELEASE_HANG and PRELEASE_KILL do not exist, because no stop outlives
 *    its tracer.
 *  - A process has one tracer at a time: if there is another, Pgrab fails with G_BUSY, even with
 *    PGRAB_FORCE.
 *  - There is no link map: object names are the paths in /proc/PID/maps or in a core's NT_FILE, as
 *    the target sees them. "a.out" (PR_OBJ_EXEC) is the executable.
 *  - A function of illumos that is not declared here does not exist.
 *
 * Returned strings and structures belong to the handle. They are valid until it is released or,
 * where a comment says so, until the next call. Only one thread at a time may use a handle. */
#ifndef PYSTACK_LINUX_LIBPROC_H
#define PYSTACK_LINUX_LIBPROC_H

#include <gelf.h>
#include <procfs.h>
#include <sys/types.h>

struct utsname;
struct ps_prochandle;
typedef struct rd_agent rd_agent_t;

/* Pgrab flags */
#define PGRAB_RETAIN 0x01
#define PGRAB_FORCE 0x02
#define PGRAB_RDONLY 0x04 /* read only: nothing is stopped */
#define PGRAB_NOSTOP 0x08
#define PGRAB_INCORE 0x10

/* Error codes of Pgrab, Pgrab_core, Pfgrab_core, proc_arg_xgrab */
#define G_STRANGE -1
#define G_NOPROC 1
#define G_NOCORE 2
#define G_NOPROCORCORE 3
#define G_NOEXEC 4
#define G_ZOMB 5
#define G_PERM 6
#define G_BUSY 7
#define G_SYS 8
#define G_SELF 9
#define G_INTR 10
#define G_LP64 11
#define G_FORMAT 12
#define G_ELF 13
#define G_NOTE 14
#define G_ISAINVAL 15
#define G_BADLWPS 16
#define G_NOFD 17

/* Pstate */
#define PS_RUN 1
#define PS_STOP 2
#define PS_LOST 3
#define PS_UNDEAD 4
#define PS_DEAD 5
#define PS_IDLE 6

/* Prelease flags */
#define PRELEASE_CLEAR 0x10
#define PRELEASE_RETAIN 0x20

/* proc_arg_xgrab's oflag */
#define PR_ARG_PIDS 0x1
#define PR_ARG_CORES 0x2
#define PR_ARG_ANY (PR_ARG_PIDS | PR_ARG_CORES)

/* Pcontent */
typedef uint64_t core_content_t;
#define CC_CONTENT_STACK 0x0001ULL
#define CC_CONTENT_HEAP 0x0002ULL
#define CC_CONTENT_SHFILE 0x0004ULL
#define CC_CONTENT_SHANON 0x0008ULL
#define CC_CONTENT_TEXT 0x0010ULL
#define CC_CONTENT_DATA 0x0020ULL
#define CC_CONTENT_RODATA 0x0040ULL
#define CC_CONTENT_ANON 0x0080ULL
#define CC_CONTENT_ALL 0x1fffULL

/* Plookup_by_name objects */
#define PR_OBJ_EXEC ((const char *)0)
#define PR_OBJ_LDSO ((const char *)1)
#define PR_OBJ_EVERY ((const char *)-1)

/* prsyminfo_t.prs_table */
#define PR_SYMTAB 1
#define PR_DYNSYM 2

typedef struct prsyminfo {
	const char *prs_object; /* basename of the object; NULL unknown */
	const char *prs_name;   /* the caller's buffer; NULL if its size is 0 */
	uint_t prs_id;
	uint_t prs_table;
} prsyminfo_t;

/* The functions of a made-up process. A NULL member fails. The last argument is Pgrab_ops's
 * data. */
typedef struct ps_ops {
	ssize_t (*pop_pread)(struct ps_prochandle *, void *, size_t, uintptr_t, void *);
	ssize_t (*pop_pwrite)(struct ps_prochandle *, const void *, size_t, uintptr_t, void *);
	/* Sets a malloc'd array, which libproc frees, and the number of its entries. Returns 0 or
	 * -1. On Linux a pr_mapname that starts with '/' is also the path of the mapped file. */
	int (*pop_read_maps)(struct ps_prochandle *, prmap_t **, ssize_t *, void *);
	void (*pop_read_aux)(struct ps_prochandle *, auxv_t **, int *, void *); /* malloc'd */
	int (*pop_cred)(struct ps_prochandle *, void *, int, void *);
	int (*pop_priv)(struct ps_prochandle *, void *, void *);
	const psinfo_t *(*pop_psinfo)(struct ps_prochandle *, psinfo_t *, void *);
	void (*pop_status)(struct ps_prochandle *, pstatus_t *, void *);
	prheader_t *(*pop_lstatus)(struct ps_prochandle *, void *); /* malloc'd, lwpstatus_t entries */
	prheader_t *(*pop_lpsinfo)(struct ps_prochandle *, void *); /* malloc'd, lwpsinfo_t entries */
	void (*pop_fini)(struct ps_prochandle *, void *);
	char *(*pop_platform)(struct ps_prochandle *, char *, size_t, void *);
	int (*pop_uname)(struct ps_prochandle *, struct utsname *, void *);
	char *(*pop_zonename)(struct ps_prochandle *, char *, size_t, void *);
	char *(*pop_execname)(struct ps_prochandle *, char *, size_t, void *);
	int (*pop_secflags)(struct ps_prochandle *, void *, void *);
	int (*pop_ldt)(struct ps_prochandle *, void *, int, void *);
} ps_ops_t;

/* Grab a live process. flags: PGRAB_*. NULL with *perr: G_NOPROC (ENOENT), G_PERM (EACCES, EPERM),
 * G_BUSY (another tracer), G_SYS (kernel thread), G_SELF (the caller, without PGRAB_RDONLY), G_ZOMB
 * (zombie, for which illumos mostly returns G_NOPROC), G_ISAINVAL (x32 program), G_NOFD (EMFILE).
 * PGRAB_RDONLY and PGRAB_NOSTOP stop nothing: they read the mappings and open /proc/PID, the
 * process's root and the files of deleted mappings. */
extern struct ps_prochandle *Pgrab(pid_t, int, int *);

/* Grab a core file by its path. aout: path of the executable, or of a directory that holds the
 * files under the names recorded in the core; NULL: the files are looked up on this machine. gflag:
 * PGRAB_RDONLY is implied. NULL with G_NOCORE, G_FORMAT, G_NOTE, G_ISAINVAL or G_STRANGE (errno).
 * Never waits: a path that is not a regular file is G_FORMAT. Pfgrab_core takes over the
 * descriptor: it is closed with the handle, or when the call fails. */
extern struct ps_prochandle *Pgrab_core(const char *, const char *, int, int *);
extern struct ps_prochandle *Pfgrab_core(int, const char *, int *);

/* Create a process from functions; its state is PS_STOP. The ops are copied; the caller keeps the
 * data. */
extern struct ps_prochandle *Pgrab_ops(pid_t, void *, const ps_ops_t *, int);

/* Grab the process or core that a command-line operand names, in proc(1)'s grammar: `123`,
 * `/proc/123` or `core`, each optionally followed by `/lwps`. (On illumos arg must be writable;
 * here it is only read.) If lwps is not NULL, *lwps is set to the text after the slash, inside arg,
 * or to NULL. path: as aout, for cores. oflag: PR_ARG_*. */
extern struct ps_prochandle *proc_arg_xgrab(const char *, const char *, int, int, int *, const char **);

extern const char *Pgrab_error(int); /* never NULL; "unknown error" for others */

extern void Prelease(struct ps_prochandle *, int); /* NULL ok */
extern void Pfree(struct ps_prochandle *);         /* NULL ok; on Linux the same as Prelease(P, 0) */

extern int Pstate(struct ps_prochandle *);
extern const psinfo_t *Ppsinfo(struct ps_prochandle *);         /* live: read again; NULL: gone */
extern const pstatus_t *Pstatus(struct ps_prochandle *);        /* never NULL */
extern core_content_t Pcontent(struct ps_prochandle *);         /* live: CC_CONTENT_ALL */
extern long Pgetauxval(struct ps_prochandle *, int);            /* -1 when absent */
extern char *Pexecname(struct ps_prochandle *, char *, size_t); /* the buffer, or NULL */

/* Returns the number of bytes read, up to the first unreadable byte; 0: none is readable; -1: I/O
 * error. Pages of a file mapping that a core lacks are read from the file if it is proven to be the
 * mapped one. */
extern ssize_t Pread(struct ps_prochandle *, void *, size_t, uintptr_t);
/* Length of the string, which is always NUL-terminated (size >= 2); -1: nothing could be read. */
extern ssize_t Pread_string(struct ps_prochandle *, char *, size_t, uintptr_t);

/* A non-zero result of the callback ends the iteration and is returned. Order: creation in live
 * processes, ascending ids in cores. status is NULL for an exited LWP. pr_reg is zero if a live
 * process is not stopped, because Linux shows registers of stopped LWPs only. */
typedef int proc_lwp_all_f(void *, const lwpstatus_t *, const lwpsinfo_t *);
typedef int proc_lwp_f(void *, const lwpstatus_t *);
extern int Plwp_iter_all(struct ps_prochandle *, proc_lwp_all_f *, void *);
extern int Plwp_iter(struct ps_prochandle *, proc_lwp_f *, void *);
extern int Plwp_getregs(struct ps_prochandle *, lwpid_t, prgregset_t);    /* -1, EINVAL: no such LWP */
extern int Plwp_getname(struct ps_prochandle *, lwpid_t, char *, size_t); /* -1: it has no name */

/* Mappings by ascending address. The name is a path or a name such as "[stack]"; NULL:
 * anonymous. */
typedef int proc_map_f(void *, const prmap_t *, const char *);
extern int Pmapping_iter(struct ps_prochandle *, proc_map_f *, void *);
/* One call per load object, with the mapping of its ELF header, else with its first mapping. */
extern int Pobject_iter(struct ps_prochandle *, proc_map_f *, void *);
extern const prmap_t *Paddr_to_map(struct ps_prochandle *, uintptr_t);
/* Path of the object mapped at addr, without " (deleted)"; the vdso is "linux-vdso.so.1". Returns
 * buf; NULL: no file is mapped at addr. */
extern char *Pobjname(struct ps_prochandle *, uintptr_t, char *, size_t);

/* Symbols. st_value in *sym is a target address. Names are truncated to the buffer and at
 * `@VERSION`. -1: not found. elf/symbols.h says which of several symbols is chosen. */
extern int Plookup_by_addr(struct ps_prochandle *, uintptr_t, char *, size_t, GElf_Sym *);
extern int Pxlookup_by_addr(struct ps_prochandle *, uintptr_t, char *, size_t, GElf_Sym *, prsyminfo_t *);
/* obj: PR_OBJ_*, a full path, a basename, or a prefix of one that ends before a '.'. */
extern int Plookup_by_name(struct ps_prochandle *, const char *, const char *, GElf_Sym *);

/* Frame-pointer walk; see Pstack_iter in libproc(3LIB). The walk ends at a frame pointer that it
 * has met before. argv on i386: the words at the place of arguments, as many as the caller removes
 * after the call, else six, which may be something else. On x86-64: the register arguments that the
 * function's first instructions store in its frame, in order from the first; argc is 0 if they stay
 * in registers. */
typedef int proc_stack_f(void *, prgregset_t, uint_t, const long *);
extern int Pstack_iter(struct ps_prochandle *, const prgregset_t, proc_stack_f *, void *);

extern int proc_lwp_in_set(const char *, lwpid_t); /* 1 or 0; a NULL set holds all */
extern int proc_lwp_range_valid(const char *);     /* 0 or -1 */
extern void proc_unctrl_psinfo(psinfo_t *);        /* unprintable bytes become spaces */

/* Write the name of an x86-64 system call to the buffer, truncated to size; "SYS#450" if it has no
 * name. Returns the buffer. */
extern char *proc_sysname(int, char *, size_t);

/* On illumos these buffer output, because the process that displays it may be stopped. Here output
 * is not buffered: the second and third flush stdout and stderr. Returns 0 or -1. */
extern int proc_initstdio(void);
extern int proc_flushstdio(void);
extern int proc_finistdio(void);

/* A value that is not NULL. It says that objects have names; Linux needs no agent for them. */
extern rd_agent_t *Prd_agent(struct ps_prochandle *);

#endif
