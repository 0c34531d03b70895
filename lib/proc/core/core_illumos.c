/* The notes of an illumos core. It has two PT_NOTEs; libproc, and this file, read only the last
 * one:
 *
 *   PSINFO, PSTATUS, AUXV …   of the process, then for each LWP:
 *   LWPSINFO                  also if it has exited and is not joined (a zombie, pr_sname Z)
 *   LWPSTATUS                 registers, if it has not exited
 *   LWPNAME                   if it has a name
 *
 * Descriptors are the structures of /proc, in the process's data model: illumos <sys/procfs.h> and
 * <procfs.h> of amd64 and i386. Names are padded to 8 bytes and descriptors to 4, whatever the
 * class. The kernel and gcore(1) order the notes differently. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "proc/core/core_notes.h"

enum {
	PSTATUS = 10, /* illumos <sys/elf.h> NT_ */
	PSINFO = 13,
	LWPSTATUS = 16,
	LWPSINFO = 17,
	LWPNAME = 25,
	AUXV_LIMIT = 256, /* entries; illumos writes about 25 */
	LWP_NAME_AT = 8   /* in LWPNAME, after the id, a u64 */
};

/* psinfo_t: members at the same offset in both models */
enum { PS_NLWP = 4, PS_PID = 8, PS_PPID = 12, PS_UID = 24, PS_EUID = 28 };
/* lwpstatus_t: members at the same offset in both models; SIGINFO: its siginfo_t */
enum { LWP_FLAGS = 0, LWP_ID = 4, LWP_WHY = 8, LWP_WHAT = 10, LWP_CURSIG = 12, LWP_SIGINFO = 16 };
enum { INFO_SIGNO = 0, INFO_CODE = 4, INFO_ERRNO = 8 };

/* Offsets that differ between the models. */
struct shape {
	uint16_t fname, psargs; /* psinfo_t */
	uint16_t lwp;           /* pstatus_t.pr_lwp */
	uint16_t regs;          /* lwpstatus_t.pr_reg */
	uint16_t fields;        /* in siginfo_t: the sender's pid and uid, or the address */
	uint16_t sname;         /* lwpsinfo_t */
};

static const struct shape shape_64 = { 136, 152, 384, 544, 16, 26 };
static const struct shape shape_32 = { 88, 104, 336, 344, 12, 18 };

static const struct shape *shape_of(const struct core *core)
{
	return core->word == 4 ? &shape_32 : &shape_64;
}

bool core_illumos_note(const struct elf_note *note)
{
	return (note->type == PSTATUS || note->type == LWPSTATUS) && strcmp(note->name, "CORE") == 0;
}

/* Read the status of an LWP at offset `at` of a note. */
static void read_status(const struct core *core, const struct elf_note *note, size_t at, lwpstatus_t *out)
{
	const struct arch_system *system = core->arch->system;
	const struct shape *is = shape_of(core);
	lwpstatus_t lwp = { .pr_flags = 0 };
	prsiginfo_t *info = &lwp.pr_info;

	core_note_field(note, at + LWP_FLAGS, &lwp.pr_flags, sizeof(int32_t));
	lwp.pr_syscall = -1; /* illumos's system calls have no names here */
	core_note_field(note, at + LWP_ID, &lwp.pr_lwpid, sizeof(int32_t));
	core_note_field(note, at + LWP_WHY, &lwp.pr_why, sizeof(int16_t));
	core_note_field(note, at + LWP_WHAT, &lwp.pr_what, sizeof(int16_t));
	core_note_field(note, at + LWP_CURSIG, &lwp.pr_cursig, sizeof(int16_t));
	core_note_field(note, at + LWP_SIGINFO + INFO_SIGNO, &info->pr_signo, sizeof(int32_t));
	core_note_field(note, at + LWP_SIGINFO + INFO_CODE, &info->pr_code, sizeof(int32_t));
	core_note_field(note, at + LWP_SIGINFO + INFO_ERRNO, &info->pr_errno, sizeof(int32_t));
	if (info->pr_code <= 0) { /* SI_FROMUSER */
		core_note_field(note, at + LWP_SIGINFO + is->fields, &info->pr_pid, sizeof(int32_t));
		core_note_field(note, at + LWP_SIGINFO + is->fields + 4, &info->pr_uid, sizeof(uint32_t));
	} else {
		core_note_field(note, at + LWP_SIGINFO + is->fields, &info->pr_addr, core->word);
	}
	for (size_t i = 0; i < system->n_illumos_regs; i++) {
		int reg = system->illumos_regs == NULL ? (int)i : system->illumos_regs[i];

		if (reg >= 0)
			core_note_field(note, at + is->regs + i * core->word, &lwp.pr_reg[reg], core->word);
	}
	*out = lwp;
}

static enum res take_psinfo(struct core *core, const struct elf_note *note, struct fault *f)
{
	psinfo_t *ps = &core->psinfo;

	(void)f;
	if (core->has_psinfo)
		return RES_OK;
	core->has_psinfo = true;
	core_note_field(note, PS_PID, &ps->pr_pid, sizeof(int32_t));
	core_note_field(note, PS_PPID, &ps->pr_ppid, sizeof(int32_t));
	core_note_field(note, PS_UID, &ps->pr_uid, sizeof(uint32_t));
	core_note_field(note, PS_EUID, &ps->pr_euid, sizeof(uint32_t));
	core_note_field(note, shape_of(core)->fname, ps->pr_fname, sizeof(ps->pr_fname) - 1);
	core_note_field(note, shape_of(core)->psargs, ps->pr_psargs, sizeof(ps->pr_psargs) - 1);
	return RES_OK;
}

/* Its pr_lwp is the LWP that made the core. */
static enum res take_pstatus(struct core *core, const struct elf_note *note, struct fault *f)
{
	(void)f;
	if (core->first.pr_lwpid != 0)
		return RES_OK;
	read_status(core, note, shape_of(core)->lwp, &core->first);
	if (core->first.pr_lwpid < 0)
		core->first.pr_lwpid = 0;
	if (core->first.pr_cursig < 0)
		core->first.pr_cursig = 0;
	return RES_OK;
}

static enum res take_lwpstatus(struct core *core, const struct elf_note *note, struct fault *f)
{
	lwpstatus_t lwp;

	read_status(core, note, 0, &lwp);
	if (lwp.pr_lwpid <= 0) {
		core->damaged = true;
		return RES_OK;
	}
	return vec_push(&core->lwps, lwp) ? RES_OK : fault_memory(f);
}

static enum res take_lwpsinfo(struct core *core, const struct elf_note *note, struct fault *f)
{
	int32_t id;
	char sname;

	core_note_field(note, LWP_ID, &id, sizeof(id));
	core_note_field(note, shape_of(core)->sname, &sname, 1);
	if (sname != 'Z' || id <= 0)
		return RES_OK;
	return vec_push(&core->zombies, (lwpid_t)id) ? RES_OK : fault_memory(f);
}

static enum res take_lwpname(struct core *core, const struct elf_note *note, struct fault *f)
{
	struct core_name name = { .text = "" };
	uint64_t id;

	core_note_field(note, 0, &id, sizeof(id));
	core_note_field(note, LWP_NAME_AT, name.text, sizeof(name.text) - 1);
	if (id == 0 || id > INT32_MAX || name.text[0] == '\0')
		return RES_OK;
	name.id = (lwpid_t)id;
	return vec_push(&core->names, name) ? RES_OK : fault_memory(f);
}

/* auxv_t: an int, padded in 64-bit processes, and a long. */
static enum res take_auxv(struct core *core, const struct elf_note *note, struct fault *f)
{
	struct span s = note->desc;
	int32_t type;

	if (core->auxv.n != 0)
		return RES_OK;
	while (span_take(&s, &type, sizeof(type)) && type != AT_NULL && core->auxv.n < AUXV_LIMIT) {
		auxv_t entry = { .a_type = type, .a_un.a_val = 0 };

		if (!span_skip(&s, core->word - sizeof(type)) ||
		    !span_take(&s, &entry.a_un.a_val, core->word))
			break;
		if (!vec_push(&core->auxv, entry))
			return fault_memory(f);
	}
	return RES_OK;
}

const struct core_note_handler core_illumos_handlers[] = {
	{ "CORE", PSINFO, { 416, 336 }, take_psinfo },
	{ "CORE", PSTATUS, { 1680, 1136 }, take_pstatus },
	{ "CORE", LWPSTATUS, { 1296, 800 }, take_lwpstatus },
	{ "CORE", LWPSINFO, { 128, 104 }, take_lwpsinfo },
	{ "CORE", LWPNAME, { 40, 40 }, take_lwpname },
	{ "CORE", NT_AUXV, { 0, 0 }, take_auxv },
};
const size_t core_illumos_handlers_n = sizeof(core_illumos_handlers) / sizeof(core_illumos_handlers[0]);

static int by_id(const void *a, const void *b)
{
	const struct core_name *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int by_number(const void *a, const void *b)
{
	const lwpid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Sort the zombies; drop duplicates and LWPs that live. */
static void order_zombies(struct core *core)
{
	size_t kept = 0, k = 0;

	qsort(core->zombies.at, core->zombies.n, sizeof(*core->zombies.at), by_number);
	for (size_t i = 0; i < core->zombies.n; i++) {
		lwpid_t id = core->zombies.at[i];

		while (k < core->lwps.n && core->lwps.at[k].pr_lwpid < id)
			k++;
		if ((kept == 0 || core->zombies.at[kept - 1] != id) &&
		    (k == core->lwps.n || core->lwps.at[k].pr_lwpid != id))
			core->zombies.at[kept++] = id;
	}
	core->zombies.n = kept;
}

enum res core_illumos_complete(struct core *core, struct fault *f)
{
	if (core->lwps.n == 0 && core->first.pr_lwpid != 0 && !vec_push(&core->lwps, core->first))
		return fault_memory(f);
	if (core->lwps.n > 0 && core->first.pr_lwpid == 0)
		core->first = core->lwps.at[0];
	/* The other LWPs were killed so that the core could be made. That signal is not their
	 * own. */
	for (size_t i = 0; i < core->lwps.n; i++) {
		if (core->lwps.at[i].pr_lwpid != core->first.pr_lwpid)
			core->lwps.at[i].pr_cursig = 0;
	}
	if (core->zombies.n > 0)
		order_zombies(core);
	if (core->names.n > 0)
		qsort(core->names.at, core->names.n, sizeof(*core->names.at), by_id);
	return RES_OK;
}
