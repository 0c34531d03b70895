/* The notes of a Linux core, all of name "CORE".
 *
 *   kernel:  PRSTATUS of the crashing thread, PRPSINFO, SIGINFO, AUXV, FILE, register sets,
 *            then PRSTATUS and register sets of each further thread
 *   gcore:   PRPSINFO, then PRSTATUS, register sets and SIGINFO of each thread; AUXV, FILE
 *
 * A SIGINFO belongs to the PRSTATUS before it. Layouts: struct elf_prstatus, elf_prpsinfo (Linux
 * include/linux/elfcore.h, uapi/linux/elfcore.h), siginfo_t (uapi/asm-generic/siginfo.h), NT_FILE:
 * fs/binfmt_elf.c fill_files_note. A type that has no row in `handlers` is skipped. */
#include "proc/core.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "elf/notes.h"

enum {
	PRSTATUS_SIZE = 336,
	PRSTATUS_CURSIG = 12, /* i16 */
	PRSTATUS_PID = 32,    /* i32: the thread's */
	PRSTATUS_REGS = 112,  /* 27 of u64 */
	PRPSINFO_SIZE = 136,
	PRPSINFO_SNAME = 1,
	PRPSINFO_UID = 16, /* u32 */
	PRPSINFO_PID = 24, /* i32, then ppid */
	PRPSINFO_FNAME = 40,
	PRPSINFO_PSARGS = 56,
	SIGINFO_SIZE = 24, /* as much of it as is looked at */
	SIGINFO_FIELDS = 16,
	FILE_ENTRY = 24,              /* bytes of one entry of NT_FILE, before the names */
	NOTES_LIMIT = 1 << 30,        /* bytes of notes looked at: some 300,000 threads */
	PAGE_SIZE_LIMIT = 0x40000000, /* of NT_FILE's unit */
	AUXV_LIMIT = 256,             /* entries; Linux writes some 25 */
};

/* struct user_regs_struct's order (uapi/asm/ptrace-abi.h, sys/user.h) in terms of ours; -1: not kept. */
static const signed char user_regs[] = {
	PRREG_R15,
	PRREG_R14,
	PRREG_R13,
	PRREG_R12,
	PRREG_RBP,
	PRREG_RBX,
	PRREG_R11,
	PRREG_R10,
	PRREG_R9,
	PRREG_R8,
	PRREG_RAX,
	PRREG_RCX,
	PRREG_RDX,
	PRREG_RSI,
	PRREG_RDI,
	-1,
	PRREG_RIP,
	PRREG_CS,
	PRREG_RFL,
	PRREG_RSP,
	PRREG_SS,
	PRREG_FSBASE,
	PRREG_GSBASE,
	PRREG_DS,
	PRREG_ES,
	PRREG_FS,
	PRREG_GS,
};

/* Copy n bytes at offset off of a note whose size was checked. */
static void field(const struct elf_note *note, size_t off, void *out, size_t n)
{
	struct span s = note->desc;

	if (!span_skip(&s, off) || !span_take(&s, out, n))
		memset(out, 0, n);
}

static enum res take_prstatus(struct core *core, const struct elf_note *note, struct fault *f)
{
	lwpstatus_t lwp = { .pr_flags = PR_STOPPED | PR_ISTOP };
	int16_t cursig;
	int32_t id;

	field(note, PRSTATUS_CURSIG, &cursig, sizeof(cursig));
	field(note, PRSTATUS_PID, &id, sizeof(id));
	if (id <= 0) {
		core->damaged = true;
		return RES_OK;
	}
	lwp.pr_lwpid = id;
	for (size_t i = 0; i < sizeof(user_regs); i++) {
		if (user_regs[i] >= 0)
			field(note, PRSTATUS_REGS + i * sizeof(uint64_t), &lwp.pr_reg[user_regs[i]],
			    sizeof(uint64_t));
	}
	/* The kernel writes the signal into every thread's; it is the first one's. */
	if (core->lwps.n == 0) {
		lwp.pr_cursig = cursig > 0 ? cursig : 0;
		core->first = lwp;
	}
	return vec_push(&core->lwps, lwp) ? RES_OK : fault_memory(f);
}

static bool has_address(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE || signo == SIGTRAP;
}

/* Codes of signals sent by a process: sender's pid and uid are valid. */
static bool has_sender(int code)
{
	return code == SI_USER || code == SI_QUEUE || code == SI_MESGQ || code == SI_TKILL;
}

static enum res take_siginfo(struct core *core, const struct elf_note *note, struct fault *f)
{
	lwpstatus_t *first = &core->first;
	prsiginfo_t info = { 0 };

	(void)f;
	/* Gdb writes one for each thread, SIGSTOP, when all it did was to stop the process. */
	if (core->lwps.n != 1 || first->pr_cursig == 0 || first->pr_info.pr_signo != 0)
		return RES_OK;
	field(note, 0, &info.pr_signo, sizeof(int32_t));
	field(note, 4, &info.pr_errno, sizeof(int32_t));
	field(note, 8, &info.pr_code, sizeof(int32_t));
	if (info.pr_signo != first->pr_cursig)
		return RES_OK;
	if (has_sender(info.pr_code)) {
		field(note, SIGINFO_FIELDS, &info.pr_pid, sizeof(int32_t));
		field(note, SIGINFO_FIELDS + 4, &info.pr_uid, sizeof(uint32_t));
	} else if (info.pr_code > 0 && has_address(info.pr_signo)) {
		field(note, SIGINFO_FIELDS, &info.pr_addr, sizeof(uint64_t));
	}
	first->pr_info = info;
	core->lwps.at[0].pr_info = info;
	return RES_OK;
}

static enum res take_prpsinfo(struct core *core, const struct elf_note *note, struct fault *f)
{
	psinfo_t *ps = &core->psinfo;
	size_t n;

	(void)f;
	if (core->has_psinfo)
		return RES_OK;
	core->has_psinfo = true;
	field(note, PRPSINFO_SNAME, &ps->pr_lwp.pr_sname, 1);
	field(note, PRPSINFO_UID, &ps->pr_uid, sizeof(uint32_t));
	field(note, PRPSINFO_PID, &ps->pr_pid, sizeof(int32_t));
	field(note, PRPSINFO_PID + 4, &ps->pr_ppid, sizeof(int32_t));
	field(note, PRPSINFO_FNAME, ps->pr_fname, sizeof(ps->pr_fname) - 1);
	field(note, PRPSINFO_PSARGS, ps->pr_psargs, sizeof(ps->pr_psargs) - 1);
	ps->pr_euid = ps->pr_uid;
	/* The kernel made the NUL of the last argument a blank, too. */
	n = strlen(ps->pr_psargs);
	while (n > 0 && ps->pr_psargs[n - 1] == ' ')
		ps->pr_psargs[--n] = '\0';
	return RES_OK;
}

static enum res take_auxv(struct core *core, const struct elf_note *note, struct fault *f)
{
	struct span s = note->desc;
	uint64_t type, value;

	if (core->auxv.n != 0)
		return RES_OK;
	while (span_u64(&s, &type) && span_u64(&s, &value) && type != AT_NULL) {
		auxv_t entry = { .a_type = (int)type, .a_un.a_val = (long)value };

		if (type > INT32_MAX || core->auxv.n == AUXV_LIMIT) {
			core->damaged = true;
			break;
		}
		if (!vec_push(&core->auxv, entry))
			return fault_memory(f);
	}
	return RES_OK;
}

/* One entry of NT_FILE. False: it makes no sense. */
static bool range_of(struct span *entries, struct span *names, uint64_t unit, struct core_range *out)
{
	static const char suffix[] = " (deleted)";
	const size_t cut = sizeof(suffix) - 1;
	uint64_t units;

	if (!span_u64(entries, &out->start) || !span_u64(entries, &out->end) || !span_u64(entries, &units) ||
	    !span_cstr(names, &out->path))
		return false;
	if (out->start >= out->end || units > (uint64_t)INT64_MAX / unit)
		return false;
	out->off = units * unit;
	out->path_len = strlen(out->path);
	if (out->path_len > cut && strcmp(out->path + out->path_len - cut, suffix) == 0) {
		out->path_len -= cut;
		out->deleted = true;
	}
	return out->path_len > 0 && out->path_len < PATH_MAX; /* a longer one could not be opened */
}

static enum res take_file(struct core *core, const struct elf_note *note, struct fault *f)
{
	struct span names = note->desc, entries;
	uint64_t count, unit;

	if (core->ranges.n != 0)
		return RES_OK;
	if (!span_u64(&names, &count) || !span_u64(&names, &unit) || unit == 0 || unit > PAGE_SIZE_LIMIT ||
	    count > span_left(&names) / FILE_ENTRY ||
	    !span_cut(&names, (size_t)count * FILE_ENTRY, &entries)) {
		core->damaged = true;
		return RES_OK;
	}
	for (uint64_t i = 0; i < count; i++) {
		struct core_range range = { 0 };

		if (!range_of(&entries, &names, unit, &range))
			core->damaged = true;
		else if (!vec_push(&core->ranges, range))
			return fault_memory(f);
		if (span_left(&names) == 0)
			break;
	}
	return RES_OK;
}

/* How to add a note: its type, the fewest bytes its handler needs, the handler. */
static const struct note_handler {
	uint32_t type;
	uint32_t least;
	enum res (*take)(struct core *core, const struct elf_note *note, struct fault *f);
} handlers[] = {
	{ NT_PRSTATUS, PRSTATUS_SIZE, take_prstatus },
	{ NT_PRPSINFO, PRPSINFO_SIZE, take_prpsinfo },
	{ NT_SIGINFO, SIGINFO_SIZE, take_siginfo },
	{ NT_AUXV, 0, take_auxv },
	{ NT_FILE, 0, take_file },
};

static enum res take_note(struct core *core, const struct elf_note *note, struct fault *f)
{
	if (strcmp(note->name, "CORE") != 0)
		return RES_OK;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		if (handlers[i].type != note->type)
			continue;
		if (span_left(&note->desc) < handlers[i].least) {
			core->damaged = true;
			return RES_OK;
		}
		return handlers[i].take(core, note, f);
	}
	return RES_OK;
}

/* The notes of one PT_NOTE, as far as the file has them. */
static enum res take_notes(struct core *core, const GElf_Phdr *ph, struct fault *f)
{
	uint64_t size = elf_image_size(core->image), n = ph->p_filesz;
	struct elf_note note;
	struct span s;
	enum res got;

	if (ph->p_offset >= size)
		return RES_OK;
	if (n > size - ph->p_offset)
		n = size - ph->p_offset;
	if (n > NOTES_LIMIT) {
		core->damaged = true;
		n = NOTES_LIMIT;
	}
	s = span_of(elf_image_bytes(core->image, ph->p_offset, n), n);
	if (s.at == NULL)
		return RES_OK;
	while ((got = elf_note_next(&s, ph->p_align, &note)) != RES_NONE) {
		if (got == RES_FAIL)
			core->damaged = true;
		/* A note of nothing: a hole in the file, which may be long. */
		if (note.type == 0 && note.name[0] == '\0' && span_left(&note.desc) == 0) {
			core->damaged = true;
			break;
		}
		if (take_note(core, &note, f) != RES_OK)
			return RES_FAIL;
		if (got == RES_FAIL)
			break;
	}
	return RES_OK;
}

static int by_id(const void *a, const void *b)
{
	const lwpstatus_t *x = a, *y = b;

	return x->pr_lwpid < y->pr_lwpid ? -1 : x->pr_lwpid > y->pr_lwpid;
}

static int by_start(const void *a, const void *b)
{
	const struct core_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sort LWPs and ranges, leave out what comes twice. */
static void put_in_order(struct core *core)
{
	size_t kept = 0;

	qsort(core->lwps.at, core->lwps.n, sizeof(*core->lwps.at), by_id);
	for (size_t i = 0; i < core->lwps.n; i++) {
		if (kept > 0 && core->lwps.at[kept - 1].pr_lwpid == core->lwps.at[i].pr_lwpid) {
			core->damaged = true;
			continue;
		}
		core->lwps.at[kept++] = core->lwps.at[i];
	}
	core->lwps.n = kept;
	if (core->ranges.n == 0)
		return;
	kept = 0;
	qsort(core->ranges.at, core->ranges.n, sizeof(*core->ranges.at), by_start);
	for (size_t i = 0; i < core->ranges.n; i++) {
		if (kept > 0 && core->ranges.at[kept - 1].end > core->ranges.at[i].start) {
			core->damaged = true;
			continue;
		}
		core->ranges.at[kept++] = core->ranges.at[i];
	}
	core->ranges.n = kept;
}

enum res core_notes_read(struct core *core, struct fault *f)
{
	const GElf_Phdr *ph = elf_image_phdrs(core->image);

	for (size_t i = 0; i < elf_image_phnum(core->image); i++) {
		if (ph[i].p_type == PT_NOTE && take_notes(core, &ph[i], f) != RES_OK)
			return RES_FAIL;
	}
	if (core->lwps.n == 0)
		return fault_set(f, G_NOTE, 0, 0, "the core has no note of any thread's registers");
	put_in_order(core);
	return RES_OK;
}

uint64_t core_auxv(const struct core *core, int type)
{
	for (size_t i = 0; i < core->auxv.n; i++) {
		if (core->auxv.at[i].a_type == type)
			return (uint64_t)core->auxv.at[i].a_un.a_val;
	}
	return 0;
}

const struct core_range *core_range_at(const struct core *core, uint64_t va)
{
	size_t lo = 0, hi = core->ranges.n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct core_range *range = &core->ranges.at[mid];

		if (va < range->start)
			hi = mid;
		else if (va >= range->end)
			lo = mid + 1;
		else
			return range;
	}
	return NULL;
}

const struct core_range *core_exe(const struct core *core)
{
	const struct core_range *range = core_range_at(core, core_auxv(core, AT_PHDR));

	return range != NULL ? range : core_range_at(core, core_auxv(core, AT_ENTRY));
}
