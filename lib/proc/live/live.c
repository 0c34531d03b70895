/* Pgrab: a live process as a libproc handle.
 *
 *   /proc/PID ──open──> checks (exists; no zombie, kernel thread or tracer; readable; x86-64, i386)
 *             ──read──> maps; deleted files opened
 *             ──hold──> unless PGRAB_RDONLY or PGRAB_NOSTOP
 *
 * All files are opened and read before the hold. If the main thread has exited while other threads
 * run, its /proc directory lacks memory, maps, exe and root, and another LWP's are used. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fileio.h"
#include "base/owned.h"
#include "elf/class.h"
#include "proc/handle.h"
#include "proc/live/live.h"
#include "proc/lwp_list.h"
#include "proc/syscall.h"

enum { GRAB_MS = 2000 }; /* as long as illumos's libproc waits for a stop */

/* --- the backend's functions --- */

static ssize_t ops_pread(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va, void *data)
{
	(void)P;
	return live_read(data, buf, n, va);
}

static void ops_auxv(struct ps_prochandle *P, auxv_t **auxv, int *n, void *data)
{
	bool is_32bit;

	(void)P;
	(void)live_auxv(data, auxv, n, &is_32bit);
}

static const psinfo_t *ops_psinfo(struct ps_prochandle *P, psinfo_t *out, void *data)
{
	(void)P;
	return live_psinfo(data, out) == RES_OK ? out : NULL;
}

static const struct hold_lwp *held_lwp(const struct live *live, lwpid_t id)
{
	if (live->holding == NULL)
		return NULL;
	for (size_t i = 0; i < live->holding->lwps.n; i++) {
		const struct hold_lwp *l = &live->holding->lwps.at[i];

		if (l->id == id && l->state == HOLD_HELD)
			return l;
	}
	return NULL;
}

static void fill_status(
    const struct arch *arch, lwpstatus_t *out, lwpid_t id, char state, const struct hold_lwp *held)
{
	memset(out, 0, sizeof(*out));
	out->pr_lwpid = id;
	if (held != NULL) {
		out->pr_flags = PR_STOPPED | PR_ISTOP;
		out->pr_why = PR_REQUESTED;
		out->pr_cursig = (short)held->signo;
		memcpy(out->pr_reg, held->regs, sizeof(out->pr_reg));
		syscall_note(arch, out, held->syscall);
	} else if (state == 'T') {
		out->pr_flags = PR_STOPPED;
		out->pr_why = PR_JOBCONTROL;
	} else if (state == 'S' || state == 'D') {
		out->pr_flags = PR_ASLEEP;
		out->pr_syscall = -1;
	}
}

static void ops_status(struct ps_prochandle *P, pstatus_t *out, void *data)
{
	const struct live *live = data;
	struct live_stat st;

	(void)P;
	if (live_stat_of(live, &st) != RES_OK) {
		out->pr_nlwp = 0; /* gone: the other members keep their last values */
		memset(&out->pr_lwp, 0, sizeof(out->pr_lwp));
		return;
	}
	out->pr_pid = live->pid;
	out->pr_ppid = st.ppid;
	out->pr_nzomb = st.state == 'Z' ? 1 : 0;
	out->pr_nlwp = st.nlwp - out->pr_nzomb;
	out->pr_dmodel = live_model(live);
	fill_status(
	    arch_of_host(live->is_32bit), &out->pr_lwp, live->pid, st.state, held_lwp(live, live->pid));
	out->pr_flags = out->pr_lwp.pr_flags;
}

static bool lwp_stat(const struct live *live, lwpid_t id, struct live_stat *out)
{
	char path[LIVE_PATH];

	live_lwp_path(path, id, "stat");
	return live_stat_read(live->dir, path, out, NULL) == RES_OK && out->state != 'X';
}

/* Build either list in one pass over the LWPs. */
static prheader_t *list_lwps(const struct live *live, bool statuses)
{
	struct live_ids ids = VEC_EMPTY;
	prheader_t *list = NULL;

	if (live_ids_read(live->dir, &ids) == RES_OK)
		list = lwp_list_create(ids.n, statuses ? sizeof(lwpstatus_t) : sizeof(lwpsinfo_t));
	for (size_t i = 0; list != NULL && i < ids.n; i++) {
		const struct hold_lwp *held = statuses ? held_lwp(live, ids.at[i]) : NULL;
		struct live_stat st = { 0 };
		lwpstatus_t status;
		lwpsinfo_t info = { 0 };

		if (held == NULL && !lwp_stat(live, ids.at[i], &st))
			continue;
		if (statuses) {
			fill_status(arch_of_host(live->is_32bit), &status, ids.at[i], st.state, held);
			if (st.state != 'Z')
				lwp_list_add(list, &status);
			continue;
		}
		info.pr_lwpid = ids.at[i];
		info.pr_sname = st.state;
		(void)snprintf(info.pr_fname, sizeof(info.pr_fname), "%.15s", st.comm);
		lwp_list_add(list, &info);
	}
	vec_free(&ids);
	return list;
}

static prheader_t *ops_lstatus(struct ps_prochandle *P, void *data)
{
	(void)P;
	return list_lwps(data, true);
}

static prheader_t *ops_lpsinfo(struct ps_prochandle *P, void *data)
{
	(void)P;
	return list_lwps(data, false);
}

/* The text of the link exe ends in " (deleted)" if the file has no name any more. */
static char *ops_execname(struct ps_prochandle *P, char *buf, size_t n, void *data)
{
	static const char deleted[] = " (deleted)";
	const struct live *live = data;
	char path[PATH_MAX];
	ssize_t len = readlinkat(live->mm_dir, "exe", path, sizeof(path) - 1);
	const char *root = live_files_root(live->files), *name = path;
	size_t cut = sizeof(deleted) - 1, prefix = strlen(root);

	(void)P;
	if (len <= 0 || n == 0)
		return NULL;
	path[len] = '\0';
	if ((size_t)len > cut && strcmp(path + (size_t)len - cut, deleted) == 0)
		path[(size_t)len - cut] = '\0';
	if (prefix != 0 && strncmp(path, root, prefix) == 0 && path[prefix] == '/')
		name += prefix;
	(void)snprintf(buf, n, "%s", name);
	return buf;
}

static int backend_lwp_name(struct ps_prochandle *P, lwpid_t id, char *buf, size_t n, void *data)
{
	const struct live *live = data;

	(void)P;
	return live_name(live->dir, id, buf, n) == RES_OK ? 0 : -1;
}

static void backend_exec_file(uint64_t *dev, uint64_t *inode, void *data)
{
	const struct live *live = data;
	struct statx st;

	/* The kernel's cached values suffice; its file system is not asked. */
	if (statx(live->mm_dir, "exe", AT_STATX_DONT_SYNC, STATX_INO, &st) != 0)
		return;
	*dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	*inode = st.stx_ino;
}

static enum res backend_arguments(struct ps_prochandle *P, struct strbuf *out, void *data)
{
	(void)P;
	return live_arguments(data, out);
}

static core_content_t backend_content(struct ps_prochandle *P, void *data)
{
	(void)P;
	(void)data;
	return CC_CONTENT_ALL;
}

static int backend_state(struct ps_prochandle *P, void *data)
{
	const struct live *live = data;
	struct live_stat st;

	if (live_stat_read(live->dir, "stat", &st, NULL) != RES_OK || (st.state == 'Z' && st.nlwp <= 1))
		return PS_UNDEAD;
	return P->state == PS_STOP && live->holding == NULL ? PS_RUN : P->state;
}

static enum res backend_read_maps(
    struct ps_prochandle *P, struct proc_maps *maps, struct fault *f, void *data)
{
	const struct live *live = data;
	uint64_t ignored;

	(void)P;
	return live_maps_read(live->mm_dir, live->files, maps, &ignored, f);
}

static void backend_release(struct ps_prochandle *P, int flags, void *data)
{
	struct live *live = data;

	(void)P;
	(void)flags;
	hold_free(&live->own);
}

static void live_free(struct live *live)
{
	if (live == NULL)
		return;
	if (live->mm_dir != live->dir)
		fd_release(&live->mm_dir);
	fd_release(&live->dir);
	fd_release(&live->mem);
	fd_release(&live->pagemap);
	vec_free(&live->wary);
	free(live);
}

static void live_release(struct live **slot)
{
	live_free(*slot);
}

static void ops_fini(struct ps_prochandle *P, void *data)
{
	(void)P;
	live_free(data);
}

static const struct proc_backend backend = {
	.kind = HANDLE_LIVE,
	.ops = {
		.pop_pread = ops_pread,
		.pop_read_aux = ops_auxv,
		.pop_psinfo = ops_psinfo,
		.pop_status = ops_status,
		.pop_lstatus = ops_lstatus,
		.pop_lpsinfo = ops_lpsinfo,
		.pop_fini = ops_fini,
		.pop_execname = ops_execname,
	},
	.lwp_name = backend_lwp_name,
	.arguments = backend_arguments,
	.content = backend_content,
	.exec_file = backend_exec_file,
	.state = backend_state,
	.read_maps = backend_read_maps,
	.release = backend_release,
};

/* --- grabbing: each step returns 0 or a G_* code --- */

static int open_process(pid_t pid)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_dir(struct live *live)
{
	live->dir = live->mm_dir = open_process(live->pid);
	if (live->dir >= 0)
		return 0;
	/* With hidepid, other users' processes seem not to exist. Signal 0 is not sent but shows
	 * whether they do. */
	if (errno == ENOENT)
		return kill(live->pid, 0) != 0 && errno == EPERM ? G_PERM : G_NOPROC;
	return live_code_of_errno(errno);
}

/* The main thread has exited: find another LWP, which still has the memory. */
static int find_survivor(struct live *live)
{
	struct live_ids ids = VEC_EMPTY;
	struct live_stat st;
	int code = G_ZOMB;

	(void)live_ids_read(live->dir, &ids);
	for (size_t i = 0; i < ids.n && code != 0; i++) {
		int dir;

		if (!lwp_stat(live, ids.at[i], &st) || st.state == 'Z')
			continue;
		dir = open_process(ids.at[i]); /* /proc has a directory for any TID, though unlisted */
		if (dir < 0)
			continue;
		live->mm_dir = dir;
		live->mm_pid = ids.at[i];
		code = 0;
	}
	vec_free(&ids);
	return code;
}

static int check_kind(struct live *live, int flags)
{
	struct live_stat st;
	struct live_status status;
	int sys = ESRCH;
	enum res r = live_stat_read(live->dir, "stat", &st, &sys);

	if (r == RES_OK)
		r = live_status_read(live->dir, "status", &status, &sys);
	if (r != RES_OK)
		return live_code_of_errno(sys);
	if (status.tgid != live->pid)
		return G_NOPROC; /* it is an LWP's id */
	if ((st.flags & LIVE_PF_KTHREAD) != 0)
		return G_SYS;
	if (live->pid == getpid() && (flags & PGRAB_RDONLY) == 0)
		return G_SELF;
	if (st.state == 'Z' || st.state == 'X') {
		int code = st.nlwp > 1 ? find_survivor(live) : G_ZOMB;

		if (code != 0)
			return code;
	}
	if (status.tracer != 0 && (flags & (PGRAB_RDONLY | PGRAB_NOSTOP)) == 0)
		return G_BUSY;
	live->stat = st;
	live->status = status;
	live->checked = true;
	return 0;
}

static bool is_of_host(const struct elf_class *c, const uint8_t *bytes)
{
	GElf_Ehdr eh;

	elf_class_ehdr(c, bytes, &eh);
	return eh.e_ident[EI_DATA] == ELFDATA2LSB &&
	       arch_of_elf(eh.e_machine, eh.e_ident[EI_CLASS]) == arch_of_host(true);
}

/* Is a program with 32-bit words an i386 program? x32 programs have 32-bit words too. The header of
 * the executable tells, in the file or, if its program headers follow it, in memory. */
static bool check_machine(const struct live *live)
{
	OWNED(fd_release) int exe = live_files_open_exe(live->files);
	uint8_t head[sizeof(Elf64_Ehdr)] = { 0 };
	const struct elf_class *c;
	auxv_t *auxv = NULL;
	uintptr_t va = 0;
	bool is_32bit;
	int n = 0;

	(void)live_auxv(live, &auxv, &n, &is_32bit);
	for (int i = 0; i < n; i++)
		va = auxv[i].a_type == AT_PHDR ? (uintptr_t)auxv[i].a_un.a_val : va;
	free(auxv);
	if (fileio_pread(exe, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, ELFMAG, SELFMAG) != 0)
		(void)live_read(live, head, sizeof(head), va - sizeof(Elf32_Ehdr));
	c = memcmp(head, ELFMAG, SELFMAG) == 0 ? elf_class_of(head) : NULL;
	return c != NULL && is_of_host(c, head);
}

/* Only reading shows whether reading is permitted. */
static int check_access(struct live *live)
{
	auxv_t *auxv = NULL;
	int n = 0;
	enum res r;

	live->mem = openat(live->mm_dir, "mem", O_RDONLY | O_CLOEXEC);
	if (live->mem < 0)
		return live_code_of_errno(errno);
	live->served = live_read_may_be_served();
	r = live_auxv(live, &auxv, &n, &live->is_32bit);
	free(auxv);
	if (r == RES_OK)
		return 0;
	if (r == RES_NONE)
		return G_NOPROC; /* it has no memory (any more): it is exiting */
	return live_code_of_errno(errno);
}

static int read_objects(
    struct live *live, struct live_files *before, struct proc_objects **out, struct fault *f)
{
	struct proc_maps maps = VEC_EMPTY;
	struct proc_files files;
	enum res r = live_files_create(live->mm_dir, before, &live->files, f);

	if (r == RES_OK) {
		r = live_maps_read(live->mm_dir, live->files, &maps, &live->code, f);
		if (r == RES_OK)
			live_files_keep(live->files, &maps);
		else
			live_files_destroy(live->files);
	}
	if (r != RES_OK) {
		proc_maps_clear(&maps);
		errno = f->sys;
		return r == RES_NONE ? G_NOPROC : f->code != 0 ? f->code : G_STRANGE;
	}
	files = live_files_interface(live->files);
	if (live_wary_find(live, &maps) != RES_OK) {
		proc_maps_clear(&maps);
		live_files_destroy(live->files);
		return G_STRANGE;
	}
	*out = objects_create(&maps, &files, handle_read_raw, NULL);
	return *out == NULL ? G_STRANGE : 0;
}

static int prepare_live(
    struct live *live, int flags, struct live_files *before, struct proc_objects **objects)
{
	struct fault f = { 0 };
	int code;

	/* If /proc belongs to another pid namespace, it would show one process and ptrace would
	 * reach another. */
	char self[16] = "";

	if (readlink("/proc/self", self, sizeof(self) - 1) > 0 && atoi(self) != getpid()) {
		errno = ESRCH;
		return G_STRANGE;
	}
	code = open_dir(live);
	if (code == 0)
		code = check_kind(live, flags);
	if (code == 0)
		code = check_access(live);
	if (code == 0)
		code = read_objects(live, before, objects, &f);
	if (code == 0 && live->is_32bit && !check_machine(live)) {
		objects_unref(*objects);
		code = G_ISAINVAL;
	}
	return code;
}

static struct ps_prochandle *grab_live(pid_t pid, int flags, struct live_files *before, int *perr)
{
	OWNED(live_release) struct live *live = calloc(1, sizeof(*live));
	struct proc_objects *objects = NULL;
	struct ps_prochandle *P;
	struct live *mine;
	struct fault f = { 0 };

	*perr = G_STRANGE;
	if (live == NULL)
		return NULL;
	live->pid = live->mm_pid = pid;
	live->dir = live->mm_dir = live->mem = live->pagemap = -1;
	*perr = pid <= 0 ? G_NOPROC : prepare_live(live, flags, before, &objects);
	if (*perr != 0)
		return NULL;
	P = handle_create(pid, flags, &backend, live);
	if (P == NULL) {
		objects_unref(objects);
		*perr = G_STRANGE;
		return NULL;
	}
	live = NULL; /* the handle owns it now: P->data */
	P->arch = arch_of_host(((struct live *)P->data)->is_32bit);
	P->objects = objects;
	P->objects->read_data = P;
	P->state = PS_RUN;
	mine = P->data;
	if ((flags & (PGRAB_RDONLY | PGRAB_NOSTOP)) == 0) {
		mine->checked = false; /* it is about to be stopped */
		if (hold_lwps(P, NULL, GRAB_MS, &mine->own, &f) != RES_OK) {
			Prelease(P, 0);
			errno = f.sys;
			*perr = f.code != 0 ? f.code : G_STRANGE;
			return NULL;
		}
		P->state = PS_STOP;
	}
	(void)Ppsinfo(P);
	(void)Pstatus(P);
	mine->checked = false;
	return P;
}

struct ps_prochandle *Pgrab(pid_t pid, int flags, int *perr)
{
	return grab_live(pid, flags, NULL, perr);
}

struct ps_prochandle *live_grab_again(struct ps_prochandle *P, int flags, int *perr)
{
	const struct live *live = live_of(P);

	if (live == NULL) {
		*perr = G_NOPROC;
		return NULL;
	}
	return grab_live(live->pid, flags, live->files, perr);
}
