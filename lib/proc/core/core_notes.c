/* The notes of a Linux core; all but one have the name "CORE".
 *
 *   kernel:  PRSTATUS of the crashing thread, PRPSINFO, SIGINFO, AUXV, FILE, register sets,
 *            then PRSTATUS and register sets of each further thread
 *   gcore:   PRPSINFO, then PRSTATUS, register sets and SIGINFO of each thread; AUXV, FILE
 *
 * A SIGINFO belongs to the PRSTATUS before it, and so does the kernel's NT_386_TLS (name "LINUX")
 * of an i386 process. Layouts: struct elf_prstatus, elf_prpsinfo (Linux include/linux/elfcore.h,
 * uapi/linux/elfcore.h; for i386 processes arch/x86/include/asm/compat.h, fs/compat_binfmt_elf.c),
 * siginfo_t (uapi/asm-generic/siginfo.h), NT_FILE: fs/binfmt_elf.c fill_files_note. Types without a
 * row in `handlers` are skipped. core_illumos.c has the notes of illumos. */
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "proc/core/core_notes.h"
#include "proc/syscall.h"

enum {
	PRSTATUS_CURSIG = 12, /* i16 */
	PRPSINFO_SNAME = 1,
	PRPSINFO_LONG_IDS = 128,      /* bytes */
	FILE_WORDS = 3,               /* words of an entry of NT_FILE */
	NOTES_LIMIT = 1 << 30,        /* bytes of notes read, enough for 300,000 threads */
	PAGE_SIZE_LIMIT = 0x40000000, /* limit of NT_FILE's unit */
	AUXV_LIMIT = 256,             /* entries; Linux writes about 25 */
};

/* Offsets and sizes that differ between processes with words of 8 and of 4 bytes. */
struct shape {
	uint16_t prstatus_pid, prstatus_regs;          /* pid: i32, the thread's */
	uint16_t prpsinfo_uid, uid_size, prpsinfo_pid; /* pid: i32, then ppid */
	uint16_t prpsinfo_fname, prpsinfo_psargs;
	uint16_t siginfo_fields;
};

static const struct shape shape_64 = { 32, 112, 16, 4, 24, 40, 56, 16 };
static const struct shape shape_32 = { 24, 72, 8, 2, 12, 28, 44, 12 };
/* Some debuggers write user ids of 32 bits, which make NT_PRPSINFO longer. */
static const struct shape shape_32_long_ids = { 24, 72, 8, 4, 16, 32, 48, 12 };

static const struct shape *shape_of(const struct core *core)
{
	return core->word == 4 ? &shape_32 : &shape_64;
}

static enum res take_prstatus(struct core *core, const struct elf_note *note, struct fault *f)
{
	lwpstatus_t lwp = { .pr_flags = PR_STOPPED | PR_ISTOP };
	const struct arch_system *system = core->arch->system;
	const struct shape *is = shape_of(core);
	int64_t call = -1;
	int16_t cursig;
	int32_t id;

	core_note_field(note, PRSTATUS_CURSIG, &cursig, sizeof(cursig));
	core_note_field(note, is->prstatus_pid, &id, sizeof(id));
	if (id <= 0) {
		core->damaged = true;
		return RES_OK;
	}
	lwp.pr_lwpid = id;
	for (size_t i = 0; i < system->n_user_regs; i++) {
		if (system->user_regs[i] >= 0)
			core_note_field(note, is->prstatus_regs + i * core->word,
			    &lwp.pr_reg[system->user_regs[i]], core->word);
	}
	if (system->calls != NULL) {
		core_note_field(
		    note, is->prstatus_regs + system->user_syscall * core->word, &call, core->word);
		syscall_note(core->arch, &lwp, core->word == sizeof(int32_t) ? (int32_t)call : call);
	}
	/* The kernel writes the signal to the note of every thread. Only the first was killed by
	 * it. */
	if (core->lwps.n == 0) {
		lwp.pr_cursig = cursig > 0 ? cursig : 0;
		core->first = lwp;
	}
	return vec_push(&core->lwps, lwp) ? RES_OK : fault_memory(f);
}

/* The thread's segment descriptors, to one of which GS refers: struct user_desc { entry, base,
 * limit, flags } (uapi/asm/ldt.h). */
static enum res take_tls(struct core *core, const struct elf_note *note, struct fault *f)
{
	enum { DESCRIPTOR_SHIFT = 3, DESC_WORDS = 4 };
	const struct arch_system *system = core->arch->system;
	lwpstatus_t *lwp = core->lwps.n == 0 ? NULL : &core->lwps.at[core->lwps.n - 1];
	struct span s = note->desc;
	uint32_t desc[DESC_WORDS];

	(void)f;
	if (system->tls_selector == ARCH_NO_REG || lwp == NULL || lwp->pr_reg[system->thread_pointer] != 0)
		return RES_OK;
	while (span_take(&s, desc, sizeof(desc))) {
		if (desc[0] != 0 &&
		    desc[0] == (uint32_t)(lwp->pr_reg[system->tls_selector] & 0xffff) >> DESCRIPTOR_SHIFT)
			lwp->pr_reg[system->thread_pointer] = (prgreg_t)desc[1];
	}
	if (core->lwps.n == 1)
		core->first.pr_reg[system->thread_pointer] = lwp->pr_reg[system->thread_pointer];
	return RES_OK;
}

static bool has_address(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE || signo == SIGTRAP;
}

/* Was the signal sent by a process? Then the sender's pid and uid are valid. */
static bool has_sender(int code)
{
	return code == SI_USER || code == SI_QUEUE || code == SI_MESGQ || code == SI_TKILL;
}

static enum res take_siginfo(struct core *core, const struct elf_note *note, struct fault *f)
{
	lwpstatus_t *first = &core->first;
	const struct shape *is = shape_of(core);
	prsiginfo_t info = { 0 };

	(void)f;
	/* If gdb only stopped the process, it writes a SIGSTOP for each thread. */
	if (core->lwps.n != 1 || first->pr_cursig == 0 || first->pr_info.pr_signo != 0)
		return RES_OK;
	core_note_field(note, 0, &info.pr_signo, sizeof(int32_t));
	core_note_field(note, 4, &info.pr_errno, sizeof(int32_t));
	core_note_field(note, 8, &info.pr_code, sizeof(int32_t));
	if (info.pr_signo != first->pr_cursig)
		return RES_OK;
	if (has_sender(info.pr_code)) {
		core_note_field(note, is->siginfo_fields, &info.pr_pid, sizeof(int32_t));
		core_note_field(note, is->siginfo_fields + 4U, &info.pr_uid, sizeof(uint32_t));
	} else if (info.pr_code > 0 && has_address(info.pr_signo)) {
		core_note_field(note, is->siginfo_fields, &info.pr_addr, core->word);
	}
	first->pr_info = info;
	core->lwps.at[0].pr_info = info;
	return RES_OK;
}

static enum res take_prpsinfo(struct core *core, const struct elf_note *note, struct fault *f)
{
	const struct shape *is = shape_of(core);
	psinfo_t *ps = &core->psinfo;
	size_t n;

	(void)f;
	if (core->has_psinfo)
		return RES_OK;
	core->has_psinfo = true;
	if (core->word == 4 && span_left(&note->desc) >= PRPSINFO_LONG_IDS)
		is = &shape_32_long_ids;
	core_note_field(note, PRPSINFO_SNAME, &ps->pr_lwp.pr_sname, 1);
	core_note_field(note, is->prpsinfo_uid, &ps->pr_uid, is->uid_size);
	core_note_field(note, is->prpsinfo_pid, &ps->pr_pid, sizeof(int32_t));
	core_note_field(note, is->prpsinfo_pid + 4U, &ps->pr_ppid, sizeof(int32_t));
	core_note_field(note, is->prpsinfo_fname, ps->pr_fname, sizeof(ps->pr_fname) - 1);
	core_note_field(note, is->prpsinfo_psargs, ps->pr_psargs, sizeof(ps->pr_psargs) - 1);
	ps->pr_euid = ps->pr_uid;
	/* The kernel replaces the NUL of the last argument by a space too. */
	n = strlen(ps->pr_psargs);
	while (n > 0 && ps->pr_psargs[n - 1] == ' ')
		ps->pr_psargs[--n] = '\0';
	return RES_OK;
}

/* Read an unsigned long of the process. */
static bool take_word(const struct core *core, struct span *s, uint64_t *out)
{
	*out = 0;
	return span_take(s, out, core->word);
}

static enum res take_auxv(struct core *core, const struct elf_note *note, struct fault *f)
{
	struct span s = note->desc;
	uint64_t type, value;

	if (core->auxv.n != 0)
		return RES_OK;
	while (take_word(core, &s, &type) && take_word(core, &s, &value) && type != AT_NULL) {
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

/* Read one entry of NT_FILE. False: it is invalid. */
static bool take_range(
    const struct core *core, struct span *entries, struct span *names, uint64_t unit, struct core_range *out)
{
	static const char suffix[] = " (deleted)";
	const size_t cut = sizeof(suffix) - 1;
	uint64_t units;

	if (!take_word(core, entries, &out->start) || !take_word(core, entries, &out->end) ||
	    !take_word(core, entries, &units) || !span_cstr(names, &out->path))
		return false;
	if (out->start >= out->end || units > (uint64_t)INT64_MAX / unit)
		return false;
	out->off = units * unit;
	out->path_len = strlen(out->path);
	if (out->path_len > cut && strcmp(out->path + out->path_len - cut, suffix) == 0) {
		out->path_len -= cut;
		out->deleted = true;
	}
	return out->path_len > 0 && out->path_len < PATH_MAX; /* longer paths cannot be opened */
}

static enum res take_file(struct core *core, const struct elf_note *note, struct fault *f)
{
	struct span names = note->desc, entries;
	size_t size = (size_t)FILE_WORDS * core->word;
	uint64_t count, unit;

	if (core->ranges.n != 0)
		return RES_OK;
	if (!take_word(core, &names, &count) || !take_word(core, &names, &unit) || unit == 0 ||
	    unit > PAGE_SIZE_LIMIT || count > span_left(&names) / size ||
	    !span_cut(&names, (size_t)count * size, &entries)) {
		core->damaged = true;
		return RES_OK;
	}
	for (uint64_t i = 0; i < count; i++) {
		struct core_range range = { 0 };

		if (!take_range(core, &entries, &names, unit, &range))
			core->damaged = true;
		else if (!vec_push(&core->ranges, range))
			return fault_memory(f);
		if (span_left(&names) == 0)
			break;
	}
	return RES_OK;
}

static const struct core_note_handler handlers[] = {
	{ "CORE", NT_PRSTATUS, { 336, 144 }, take_prstatus },
	{ "CORE", NT_PRPSINFO, { 136, 124 }, take_prpsinfo },
	{ "CORE", NT_SIGINFO, { 24, 20 }, take_siginfo },
	{ "CORE", NT_AUXV, { 0, 0 }, take_auxv },
	{ "CORE", NT_FILE, { 0, 0 }, take_file },
	{ "LINUX", NT_386_TLS, { 16, 16 }, take_tls },
};

static enum res take_note(struct core *core, const struct elf_note *note, struct fault *f)
{
	const struct core_note_handler *h = core->illumos ? core_illumos_handlers : handlers;
	size_t n = core->illumos ? core_illumos_handlers_n : sizeof(handlers) / sizeof(handlers[0]);

	for (size_t i = 0; i < n; i++) {
		if (h[i].type != note->type || strcmp(h[i].name, note->name) != 0)
			continue;
		if (span_left(&note->desc) < h[i].least[core->word == 4]) {
			core->damaged = true;
			return RES_OK;
		}
		return h[i].take(core, note, f);
	}
	return RES_OK;
}

/* The part of a PT_NOTE that the file has. */
static struct span notes_of(struct core *core, const GElf_Phdr *ph)
{
	uint64_t size = elf_image_size(core->image), n = ph->p_filesz;
	const void *bytes;

	if (ph->p_offset >= size)
		return span_of(NULL, 0);
	if (n > size - ph->p_offset)
		n = size - ph->p_offset;
	if (n > NOTES_LIMIT) {
		core->damaged = true;
		n = NOTES_LIMIT;
	}
	bytes = elf_image_bytes(core->image, ph->p_offset, n);
	return span_of(bytes, bytes == NULL ? 0 : n);
}

/* An empty note, as in a hole of the file. Holes may be long. */
static bool is_hole(const struct elf_note *note)
{
	return note->type == 0 && note->name[0] == '\0' && span_left(&note->desc) == 0;
}

static enum res take_notes(struct core *core, const GElf_Phdr *ph, struct fault *f)
{
	struct span s = notes_of(core, ph);
	struct elf_note note;
	enum res got;

	while ((got = elf_note_next(&s, core->illumos ? 4 : ph->p_align, &note)) != RES_NONE) {
		if (got == RES_FAIL)
			core->damaged = true;
		if (is_hole(&note)) {
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

/* The last PT_NOTE, if illumos wrote it; else NULL. */
static const GElf_Phdr *illumos_notes(struct core *core)
{
	const GElf_Phdr *ph = elf_image_phdrs(core->image), *last = NULL;
	struct elf_note note;
	struct span s;

	for (size_t i = 0; i < elf_image_phnum(core->image); i++) {
		if (ph[i].p_type == PT_NOTE)
			last = &ph[i];
	}
	if (last == NULL)
		return NULL;
	s = notes_of(core, last);
	while (elf_note_next(&s, 4, &note) == RES_OK && !is_hole(&note)) {
		if (core_illumos_note(&note))
			return last;
		/* Only Linux writes an NT_PRSTATUS there, as one of the first notes. */
		if (note.type == NT_PRSTATUS)
			break;
	}
	return NULL;
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

/* Sort LWPs and ranges, and drop duplicates. */
static void put_in_order(struct core *core)
{
	size_t kept = 0;

	if (core->lwps.n > 0)
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
	const GElf_Phdr *ph = elf_image_phdrs(core->image), *illumos = illumos_notes(core);

	core->illumos = illumos != NULL;
	for (size_t i = 0; i < elf_image_phnum(core->image); i++) {
		if (ph[i].p_type == PT_NOTE && (illumos == NULL || illumos == &ph[i]) &&
		    take_notes(core, &ph[i], f) != RES_OK)
			return RES_FAIL;
	}
	if (core->illumos && core_illumos_ranges(core, f) != RES_OK)
		return RES_FAIL;
	put_in_order(core);
	if (core->illumos && core_illumos_complete(core, f) != RES_OK)
		return RES_FAIL;
	if (core->lwps.n == 0)
		return fault_set(f, G_NOTE, 0, 0, "the core has no note of any thread's registers");
	return RES_OK;
}
