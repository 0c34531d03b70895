/* Stand-in for illumos <libproc.h>: what is used of it. */
#ifndef STAND_IN_LIBPROC_H
#define STAND_IN_LIBPROC_H

#include <gelf.h>
#include <procfs.h>
#include <sys/types.h>

struct ps_prochandle;
typedef struct rd_agent rd_agent_t;
struct utsname;
struct prcred;
struct prpriv;
struct prsecflags;
struct ssd;

#define PGRAB_RETAIN 0x01
#define PGRAB_FORCE 0x02
#define PGRAB_RDONLY 0x04
#define PGRAB_NOSTOP 0x08
#define PGRAB_INCORE 0x10

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

#define PS_RUN 1
#define PS_STOP 2
#define PS_LOST 3
#define PS_UNDEAD 4
#define PS_DEAD 5
#define PS_IDLE 6

#define PRELEASE_CLEAR 0x10
#define PRELEASE_RETAIN 0x20
#define PRELEASE_HANG 0x40
#define PRELEASE_KILL 0x80

#define PR_ARG_PIDS 0x1
#define PR_ARG_CORES 0x2

typedef uint64_t core_content_t;
#define CC_CONTENT_STACK 0x0001ULL
#define CC_CONTENT_HEAP 0x0002ULL
#define CC_CONTENT_DATA 0x0020ULL
#define CC_CONTENT_ANON 0x0080ULL

#define PR_OBJ_EXEC ((const char *)0)
#define PR_OBJ_LDSO ((const char *)1)
#define PR_OBJ_EVERY ((const char *)-1)

/* Of symbol iterators: which kinds. */
#define PR_SYMTAB 1
#define PR_DYNSYM 2
#define BIND_LOCAL 0x0001
#define BIND_GLOBAL 0x0002
#define BIND_WEAK 0x0004
#define BIND_ANY (BIND_LOCAL | BIND_GLOBAL | BIND_WEAK)
#define TYPE_NOTYPE 0x0100
#define TYPE_OBJECT 0x0200
#define TYPE_FUNC 0x0400
#define TYPE_SECTION 0x0800
#define TYPE_FILE 0x1000
#define TYPE_ANY (TYPE_NOTYPE | TYPE_OBJECT | TYPE_FUNC | TYPE_SECTION | TYPE_FILE)

typedef ssize_t (*pop_pread_t)(struct ps_prochandle *, void *, size_t, uintptr_t, void *);
typedef ssize_t (*pop_pwrite_t)(struct ps_prochandle *, const void *, size_t, uintptr_t, void *);
typedef int (*pop_read_maps_t)(struct ps_prochandle *, prmap_t **, ssize_t *, void *);
typedef void (*pop_read_aux_t)(struct ps_prochandle *, auxv_t **, int *, void *);
typedef int (*pop_cred_t)(struct ps_prochandle *, struct prcred *, int, void *);
typedef int (*pop_priv_t)(struct ps_prochandle *, struct prpriv **, void *);
typedef const psinfo_t *(*pop_psinfo_t)(struct ps_prochandle *, psinfo_t *, void *);
typedef void (*pop_status_t)(struct ps_prochandle *, pstatus_t *, void *);
typedef prheader_t *(*pop_lstatus_t)(struct ps_prochandle *, void *);
typedef prheader_t *(*pop_lpsinfo_t)(struct ps_prochandle *, void *);
typedef void (*pop_fini_t)(struct ps_prochandle *, void *);
typedef char *(*pop_platform_t)(struct ps_prochandle *, char *, size_t, void *);
typedef int (*pop_uname_t)(struct ps_prochandle *, struct utsname *, void *);
typedef char *(*pop_zonename_t)(struct ps_prochandle *, char *, size_t, void *);
typedef char *(*pop_execname_t)(struct ps_prochandle *, char *, size_t, void *);
typedef int (*pop_secflags_t)(struct ps_prochandle *, struct prsecflags **, void *);
typedef int (*pop_ldt_t)(struct ps_prochandle *, struct ssd *, int, void *);

typedef struct ps_ops {
	pop_pread_t pop_pread;
	pop_pwrite_t pop_pwrite;
	pop_read_maps_t pop_read_maps;
	pop_read_aux_t pop_read_aux;
	pop_cred_t pop_cred;
	pop_priv_t pop_priv;
	pop_psinfo_t pop_psinfo;
	pop_status_t pop_status;
	pop_lstatus_t pop_lstatus;
	pop_lpsinfo_t pop_lpsinfo;
	pop_fini_t pop_fini;
	pop_platform_t pop_platform;
	pop_uname_t pop_uname;
	pop_zonename_t pop_zonename;
	pop_execname_t pop_execname;
	pop_secflags_t pop_secflags;
	pop_ldt_t pop_ldt;
} ps_ops_t;

extern struct ps_prochandle *Pgrab(pid_t, int, int *);
extern struct ps_prochandle *Pgrab_ops(pid_t, void *, const ps_ops_t *, int);
extern struct ps_prochandle *proc_arg_xgrab(const char *, const char *, int, int, int *, const char **);
extern const char *Pgrab_error(int);
extern void Prelease(struct ps_prochandle *, int);
extern void Pfree(struct ps_prochandle *);

extern int Pstate(struct ps_prochandle *);
extern const psinfo_t *Ppsinfo(struct ps_prochandle *);
extern const pstatus_t *Pstatus(struct ps_prochandle *);
extern core_content_t Pcontent(struct ps_prochandle *);
extern long Pgetauxval(struct ps_prochandle *, int);
extern char *Pexecname(struct ps_prochandle *, char *, size_t);

extern ssize_t Pread(struct ps_prochandle *, void *, size_t, uintptr_t);
extern ssize_t Pread_string(struct ps_prochandle *, char *, size_t, uintptr_t);

typedef int proc_lwp_f(void *, const lwpstatus_t *);
typedef int proc_lwp_all_f(void *, const lwpstatus_t *, const lwpsinfo_t *);
extern int Plwp_iter(struct ps_prochandle *, proc_lwp_f *, void *);
extern int Plwp_iter_all(struct ps_prochandle *, proc_lwp_all_f *, void *);
extern int Plwp_getregs(struct ps_prochandle *, lwpid_t, prgregset_t);
extern int Plwp_getname(struct ps_prochandle *, lwpid_t, char *, size_t);

typedef int proc_map_f(void *, const prmap_t *, const char *);
extern int Pmapping_iter(struct ps_prochandle *, proc_map_f *, void *);
extern int Pobject_iter(struct ps_prochandle *, proc_map_f *, void *);
extern const prmap_t *Paddr_to_map(struct ps_prochandle *, uintptr_t);
extern rd_agent_t *Prd_agent(struct ps_prochandle *);
extern char *Pobjname(struct ps_prochandle *, uintptr_t, char *, size_t);
extern int Plookup_by_addr(struct ps_prochandle *, uintptr_t, char *, size_t, GElf_Sym *);
extern int Plookup_by_name(struct ps_prochandle *, const char *, const char *, GElf_Sym *);

extern int proc_lwp_in_set(const char *, lwpid_t);
extern int proc_lwp_range_valid(const char *);
extern void proc_unctrl_psinfo(psinfo_t *);

#endif
