/* Cores as processes: Pgrab_core, Pfgrab_core, and the backend over a parsed core.
 *
 * All data come from the core and from the files it names. /proc of this machine is never read,
 * because the core may come from another machine, and its pid may be another process here. */
#include "proc/core/core.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/owned.h"
#include "proc/core/core_owner.h"
#include "proc/handle.h"
#include "proc/lwp_list.h"

void core_destroy(struct core *core)
{
	if (core == NULL)
		return;
	vec_free(&core->segments);
	vec_free(&core->ranges);
	vec_free(&core->lwps);
	vec_free(&core->names);
	vec_free(&core->zombies);
	vec_free(&core->auxv);
	elf_image_close(core->image);
	free(core);
}

static void core_release(struct core **core)
{
	core_destroy(*core);
}

char core_model(const struct core *core)
{
	return core->arch->model;
}

/* Fill in psinfo from other notes if there is no NT_PRPSINFO. */
static void complete_psinfo(struct core *core)
{
	psinfo_t *ps = &core->psinfo;
	const struct core_range *exe = core_exe(core);

	if (ps->pr_pid <= 0)
		ps->pr_pid = core->first.pr_lwpid;
	ps->pr_nlwp = core->lwps.n > INT_MAX ? INT_MAX : (int)core->lwps.n;
	ps->pr_nzomb = core->zombies.n > INT_MAX ? INT_MAX : (int)core->zombies.n;
	ps->pr_dmodel = core_model(core);
	ps->pr_lwp.pr_lwpid = core->first.pr_lwpid;
	if (!core->has_psinfo && exe != NULL)
		(void)snprintf(ps->pr_psargs, sizeof(ps->pr_psargs), "%.*s",
		    exe->path_len > PATH_MAX ? PATH_MAX : (int)exe->path_len, exe->path);
}

/* Add a main thread that exited before the others, by pthread_exit. A core has no registers of it.
 * Its state in NT_PRPSINFO is '.', because the kernel has no letter for TASK_DEAD there
 * (fs/binfmt_elf.c, fill_psinfo), or Z in a core of gcore. */
static bool add_exited_leader(struct core *core)
{
	char state = core->psinfo.pr_lwp.pr_sname;
	lwpid_t id = (lwpid_t)core->psinfo.pr_pid;

	if (core->illumos || !core->has_psinfo || id <= 0 || core->lwps.n == 0 ||
	    (state != '.' && state != 'Z'))
		return true;
	for (size_t i = 0; i < core->lwps.n; i++) {
		if ((lwpid_t)core->lwps.at[i].pr_lwpid == id)
			return true;
	}
	return vec_push(&core->zombies, id);
}

enum res core_create(int fd, struct core **out, struct fault *f)
{
	OWNED(core_release) struct core *core = calloc(1, sizeof(*core));

	if (core == NULL)
		return fault_memory(f);
	if (elf_image_open(fd, &core->image, f) != RES_OK)
		return RES_FAIL;
	if (!core_owner_read(fd, &core->user, &core->group))
		return fault_set(f, 0, errno, 0, "%s", strerror(errno));
	core->arch = arch_of_elf(
	    elf_image_ehdr(core->image)->e_machine, elf_image_ehdr(core->image)->e_ident[EI_CLASS]);
	core->word = core->arch->pointer_size;
	if (elf_image_ehdr(core->image)->e_type != ET_CORE)
		return fault_set(f, G_FORMAT, 0, 0, "an ELF file, but not a core");
	if (core_segments_read(core, f) != RES_OK || core_notes_read(core, f) != RES_OK)
		return RES_FAIL;
	core_stacks_mark(core);
	if (!add_exited_leader(core))
		return fault_memory(f);
	complete_psinfo(core);
	if (!core->illumos)
		core_args_complete(core);
	*out = mem_keep(&core);
	return RES_OK;
}

/* --- the backend; data is the struct core --- */

static ssize_t pop_pread(struct ps_prochandle *P, void *buf, size_t n, uintptr_t va, void *data)
{
	(void)P;
	return core_read(data, buf, n, va);
}

static void pop_read_aux(struct ps_prochandle *P, auxv_t **out, int *n, void *data)
{
	const struct core *core = data;
	auxv_t *auxv = calloc(core->auxv.n + 1, sizeof(*auxv)); /* with AT_NULL, which is not counted */

	(void)P;
	*out = auxv;
	*n = 0;
	if (auxv == NULL || core->auxv.n == 0)
		return;
	memcpy(auxv, core->auxv.at, core->auxv.n * sizeof(*auxv));
	*n = (int)core->auxv.n;
}

static const psinfo_t *pop_psinfo(struct ps_prochandle *P, psinfo_t *out, void *data)
{
	const struct core *core = data;

	(void)P;
	*out = core->psinfo;
	return out;
}

static void pop_status(struct ps_prochandle *P, pstatus_t *out, void *data)
{
	const struct core *core = data;

	(void)P;
	*out = (pstatus_t){
		.pr_flags = core->first.pr_flags,
		.pr_nlwp = core->psinfo.pr_nlwp,
		.pr_nzomb = core->psinfo.pr_nzomb,
		.pr_pid = core->psinfo.pr_pid,
		.pr_ppid = core->psinfo.pr_ppid,
		.pr_dmodel = core_model(core),
		.pr_lwp = core->first,
	};
}

static prheader_t *pop_lstatus(struct ps_prochandle *P, void *data)
{
	const struct core *core = data;
	prheader_t *list = lwp_list_create(core->lwps.n, sizeof(lwpstatus_t));

	(void)P;
	for (size_t i = 0; list != NULL && i < core->lwps.n; i++)
		lwp_list_add(list, &core->lwps.at[i]);
	return list;
}

static prheader_t *pop_lpsinfo(struct ps_prochandle *P, void *data)
{
	const struct core *core = data;
	prheader_t *list = lwp_list_create(core->lwps.n + core->zombies.n, sizeof(lwpsinfo_t));

	(void)P;
	for (size_t i = 0; list != NULL && i < core->lwps.n; i++) {
		/* The state in a core is the dumping thread's. */
		lwpsinfo_t info = { .pr_lwpid = core->lwps.at[i].pr_lwpid, .pr_sname = '?' };

		if (info.pr_lwpid == core->first.pr_lwpid && core->psinfo.pr_lwp.pr_sname != '\0' &&
		    core->psinfo.pr_lwp.pr_sname != 'Z')
			info.pr_sname = core->psinfo.pr_lwp.pr_sname;
		lwp_list_add(list, &info);
	}
	for (size_t i = 0; list != NULL && i < core->zombies.n; i++) {
		lwpsinfo_t info = { .pr_lwpid = core->zombies.at[i], .pr_sname = 'Z' };

		lwp_list_add(list, &info);
	}
	return list;
}

static char *pop_execname(struct ps_prochandle *P, char *buf, size_t n, void *data)
{
	OWNED(mem_release) char *exe = core_exe_path(data);

	(void)P;
	if (exe == NULL || n == 0)
		return NULL;
	(void)snprintf(buf, n, "%.*s", PATH_MAX, exe);
	return buf;
}

static core_content_t core_content_of(struct ps_prochandle *P, void *data)
{
	(void)P;
	return core_content(data);
}

static enum res read_maps(struct ps_prochandle *P, struct proc_maps *maps, struct fault *f, void *data)
{
	(void)P;
	return core_maps_read(data, maps, f);
}

static void pop_fini(struct ps_prochandle *P, void *data)
{
	(void)P;
	core_destroy(data);
}

/* Cores of Linux have no thread names. Returning at once saves a search of all LWPs for each
 * LWP. */
static int lwp_name(struct ps_prochandle *P, lwpid_t id, char *buf, size_t n, void *data)
{
	const struct core *core = data;
	size_t lo = 0, hi = core->names.n;

	(void)P;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (core->names.at[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == core->names.n || core->names.at[lo].id != id)
		return -1;
	(void)snprintf(buf, n, "%s", core->names.at[lo].text);
	return 0;
}

static enum res read_arguments(struct ps_prochandle *P, struct strbuf *out, void *data)
{
	(void)P;
	return core_args_read(data, out);
}

static const struct proc_backend core_backend = {
	.kind = HANDLE_CORE,
	.ops = {
	    .pop_pread = pop_pread,
	    .pop_read_aux = pop_read_aux,
	    .pop_psinfo = pop_psinfo,
	    .pop_status = pop_status,
	    .pop_lstatus = pop_lstatus,
	    .pop_lpsinfo = pop_lpsinfo,
	    .pop_execname = pop_execname,
	    .pop_fini = pop_fini,
	},
	.content = core_content_of,
	.arguments = read_arguments,
	.lwp_name = lwp_name,
	.read_maps = read_maps,
};

/* --- grabbing --- */

/* Record what the core file lacks. */
static void notice_core(struct proc_objects *objects, enum notice_code code, uint64_t first, uint64_t second)
{
	objects_notice(objects, &(struct notice){ .code = code, .failed = true, .count = { first, second } });
}

static void notice_damage(struct proc_objects *objects, const struct core *core)
{
	uint64_t size = elf_image_size(core->image);

	if (objects->maps.n >= CORE_MAPS_MAX)
		notice_core(objects, NOTICE_CORE_MAPPINGS, CORE_MAPS_MAX - 1, 0);
	objects->cut = core->expects > size;
	if (objects->cut)
		notice_core(objects, NOTICE_CORE_TRUNCATED, core->expects - size, core->expects);
	/* What is cut off in the middle looks damaged. */
	if (core->damaged && !objects->cut)
		notice_core(objects, NOTICE_CORE_DAMAGED, 0, 0);
	if (core->ranges.n == 0)
		notice_core(objects, core->illumos ? NOTICE_CORE_LINK_MAP : NOTICE_CORE_FILES, 0, 0);
}

/* Set the mappings and files of P now, because they must not be opened like a live process's. */
static enum res attach_objects(struct ps_prochandle *P, struct core *core, const char *aout, struct fault *f)
{
	struct proc_maps maps = { NULL, 0, 0 };
	struct proc_files files;

	if (core_files_create(core, aout, &files, f) != RES_OK)
		return RES_FAIL;
	if (core_maps_read(core, &maps, f) != RES_OK) {
		proc_maps_clear(&maps);
		files.destroy(files.data);
		return RES_FAIL;
	}
	P->objects = objects_create(&maps, &files, handle_read_raw, P);
	if (P->objects == NULL)
		return fault_memory(f);
	P->objects->no_build_ids = core->illumos;
	notice_damage(P->objects, core);
	return RES_OK;
}

/* Create a handle over *core, which it takes over. NULL: see f. */
static struct ps_prochandle *handle_of(struct core **core, const char *aout, struct fault *f)
{
	struct ps_prochandle *P = handle_create((*core)->psinfo.pr_pid, PGRAB_RDONLY, &core_backend, *core);
	struct core *mine;

	if (P == NULL) {
		(void)fault_memory(f);
		return NULL;
	}
	mine = mem_keep(core);
	P->state = PS_DEAD;
	P->illumos = mine->illumos;
	P->arch = mine->arch;
	(void)pop_psinfo(P, &P->psinfo, mine);
	pop_status(P, &P->status, mine);
	if (attach_objects(P, mine, aout, f) != RES_OK) {
		Prelease(P, 0);
		return NULL;
	}
	return P;
}

/* The G_ code of a fault; errno is set for G_STRANGE. */
static int grab_code_of(const struct fault *f)
{
	if (f->code != 0)
		return f->code;
	errno = f->sys;
	return G_STRANGE;
}

struct ps_prochandle *core_grab_of(int fd, const char *aout, const struct core_owner *owner, int *perr)
{
	OWNED(fd_release) int core_fd = fd;
	OWNED(core_release) struct core *core = NULL;
	struct ps_prochandle *P;
	struct fault f = { 0 };
	struct stat st;

	if (fstat(core_fd, &st) != 0) {
		*perr = G_STRANGE;
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		*perr = G_FORMAT;
		return NULL;
	}
	if (core_create(core_fd, &core, &f) != RES_OK || core == NULL) {
		*perr = grab_code_of(&f);
		return NULL;
	}
	if (owner != NULL) {
		core->user = owner->user;
		core->group = owner->group;
	}
	P = handle_of(&core, aout, &f);
	if (P == NULL)
		*perr = grab_code_of(&f);
	return P;
}

/* The descriptor is taken over even on failure, as on illumos. */
struct ps_prochandle *Pfgrab_core(int fd, const char *aout, int *perr)
{
	return core_grab_of(fd, aout, NULL, perr);
}

struct ps_prochandle *Pgrab_core(const char *path, const char *aout, int gflag, int *perr)
{
	int fd = core_open_regular(path);

	(void)gflag; /* a core is only read */
	if (fd >= 0)
		return Pfgrab_core(fd, aout, perr);
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		*perr = G_NOCORE;
		break;
	case EACCES:
	case EPERM:
		*perr = G_PERM;
		break;
	case EMFILE:
	case ENFILE:
		*perr = G_NOFD;
		break;
	case EINVAL: /* not a regular file */
	case ENOTSUP:
		*perr = G_FORMAT;
		break;
	default:
		*perr = G_STRANGE;
		break;
	}
	return NULL;
}
