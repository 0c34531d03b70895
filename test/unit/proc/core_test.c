/* Generated cores, read through libproc. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../support/core_builder.h"
#include "proc/handle.h"
#include "support/notices.h"
#include "support/run_suite.h"

enum { PAGE = 4096 };

static uint8_t page_a[PAGE], page_b[PAGE];

static void set_up(void)
{
	memset(page_a, 'a', sizeof(page_a));
	memset(page_b, 'b', sizeof(page_b));
}

static void add_lwp(struct core_builder *b, int id, int cursig, uint64_t sp)
{
	uint64_t regs[CB_REGS] = { 0 };

	for (size_t i = 0; i < CB_REGS; i++)
		regs[i] = 1000 * (uint64_t)id + i;
	regs[CB_RSP] = sp;
	core_builder_prstatus(b, id, cursig, regs);
}

/* Three threads (the second crashed), heap, stack, a library as the kernel saves it. */
static struct core_builder *typical(void)
{
	static const uint64_t auxv[][2] = { { AT_PHDR, 0x400040 }, { AT_ENTRY, 0x401000 },
		{ AT_SYSINFO_EHDR, 0x900000 }, { AT_PAGESZ, 4096 } };
	struct core_builder *b = core_builder_create();

	add_lwp(b, 31, SIGSEGV, 0x800800);
	core_builder_prpsinfo(b, 30, "prog", "prog -x arg ");
	core_builder_siginfo(b, SIGSEGV, SEGV_MAPERR, 0x1234);
	core_builder_auxv(b, auxv, 4);
	core_builder_map(b, 0x400000, 0x401000, 0, "/opt/none/prog");
	core_builder_map(b, 0x401000, 0x403000, 0x1000, "/opt/none/prog");
	core_builder_map(b, 0x403000, 0x404000, 0x3000, "/opt/none/prog");
	core_builder_map(b, 0x700000, 0x702000, 0x10000, "/opt/none/lib.so (deleted)");
	core_builder_files(b, PAGE);
	add_lwp(b, 32, SIGSEGV, 0x801000);
	add_lwp(b, 30, SIGSEGV, 0x801800);
	core_builder_load(b, 0x400000, PAGE, PF_R, page_a, PAGE);
	core_builder_load(b, 0x401000, 2 * PAGE, PF_R | PF_X, NULL, 0);
	core_builder_load(b, 0x403000, PAGE, PF_R | PF_W, page_b, PAGE);
	core_builder_load(b, 0x404000, PAGE, PF_R | PF_W, page_a, PAGE);
	core_builder_load(b, 0x800000, 2 * PAGE, PF_R | PF_W, page_b, PAGE);
	core_builder_load(b, 0x900000, PAGE, PF_R | PF_X, page_a, PAGE);
	return b;
}

/* The last address. */
static uint64_t highest(void)
{
	return core_builder_word == 8 ? UINT64_MAX : UINT32_MAX;
}

static struct ps_prochandle *grab(struct core_builder *b, int *perr)
{
	int fd = core_builder_fd(b);

	core_builder_destroy(b);
	return Pfgrab_core(fd, NULL, perr);
}

static struct ps_prochandle *grab_ok(struct core_builder *b)
{
	int err = 0;
	struct ps_prochandle *P = grab(b, &err);

	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	return P;
}

static void set_number(struct core_builder *b, off_t at, const void *bytes, size_t n, int want)
{
	int err = 0, fd = core_builder_fd(b);

	core_builder_destroy(b);
	ck_assert_int_eq(pwrite(fd, bytes, n, at), (ssize_t)n);
	ck_assert_ptr_null(Pfgrab_core(fd, NULL, &err));
	ck_assert_int_eq(err, want);
}

START_TEST(what_is_refused)
{
	uint16_t exec = ET_EXEC, machine = EM_AARCH64;
	uint8_t other = core_builder_word == 8 ? ELFCLASS32 : ELFCLASS64, magic = 'X';
	struct core_builder *empty = core_builder_create();
	int err = 0;

	set_number(typical(), offsetof(Elf64_Ehdr, e_type), &exec, sizeof(exec), G_FORMAT);
	set_number(typical(), 0, &magic, 1, G_FORMAT);
	set_number(typical(), offsetof(Elf64_Ehdr, e_machine), &machine, sizeof(machine), G_ISAINVAL);
	set_number(typical(), EI_CLASS, &other, 1, G_ISAINVAL);
	core_builder_load(empty, 0x1000, PAGE, PF_R, page_a, PAGE);
	ck_assert_ptr_null(grab(empty, &err));
	ck_assert_int_eq(err, G_NOTE);
}
END_TEST

/* Make an empty directory for the test; its name is written to dir. */
static void make_dir(char dir[32])
{
	(void)strcpy(dir, "/tmp/core_test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

START_TEST(what_is_no_core_by_path)
{
	char dir[32], fifo[64];
	int err = 0;

	make_dir(dir);
	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	ck_assert_ptr_null(Pgrab_core(fifo, NULL, 0, &err));
	ck_assert_int_eq(err, G_NOCORE);
	ck_assert_ptr_null(Pgrab_core("/dev/null/x", NULL, 0, &err));
	ck_assert_int_eq(err, G_NOCORE);
	/* Would wait for ever if it were opened. */
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_ptr_null(Pgrab_core(fifo, NULL, 0, &err));
	ck_assert_int_eq(err, G_FORMAT);
	ck_assert_ptr_null(Pgrab_core(dir, NULL, 0, &err));
	ck_assert_int_eq(err, G_FORMAT);
	ck_assert_ptr_null(Pgrab_core("/proc/self/exe", NULL, 0, &err));
	ck_assert_int_eq(err, G_FORMAT);
	ck_assert_int_eq(unlink(fifo), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(grabbed_by_path)
{
	struct core_builder *b = typical();
	struct ps_prochandle *P;
	char dir[32], path[64];
	int err = 0;

	make_dir(dir);
	(void)snprintf(path, sizeof(path), "%s/core.7", dir);
	core_builder_save(b, path);
	core_builder_destroy(b);
	P = Pgrab_core(path, NULL, PGRAB_RDONLY, &err);
	ck_assert_ptr_nonnull(P);
	ck_assert_int_eq(Pstate(P), PS_DEAD);
	Prelease(P, 0);
	ck_assert_ptr_null(Pgrab_core(path, "/nonexistent/exe", 0, &err));
	ck_assert_int_eq(err, G_NOEXEC);
	ck_assert_ptr_null(Pgrab_core(path, "/etc/passwd", 0, &err));
	ck_assert_int_eq(err, G_NOEXEC);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(who_it_was)
{
	struct ps_prochandle *P = grab_ok(typical());
	const psinfo_t *ps = Ppsinfo(P);
	char name[PRFNSZ], exec[64];

	ck_assert_int_eq(ps->pr_pid, 30);
	ck_assert_int_eq(ps->pr_nlwp, 3);
	ck_assert_str_eq(ps->pr_fname, "prog");
	ck_assert_str_eq(ps->pr_psargs, "prog -x arg");
	ck_assert_int_eq(ps->pr_lwp.pr_lwpid, 31);
	ck_assert_int_eq(ps->pr_dmodel, core_builder_word == 8 ? PR_MODEL_LP64 : PR_MODEL_ILP32);
	ck_assert_int_eq(Pstatus(P)->pr_dmodel, ps->pr_dmodel);
	ck_assert_int_eq(Pgetauxval(P, AT_ENTRY), 0x401000);
	ck_assert_int_eq(Pgetauxval(P, AT_RANDOM), -1);
	/* Whatever runs here under these ids has nothing to do with it. */
	ck_assert_int_eq(Plwp_getname(P, 30, name, sizeof(name)), -1);
	ck_assert_ptr_nonnull(Pexecname(P, exec, sizeof(exec)));
	ck_assert_str_eq(exec, "/opt/none/prog");
	Prelease(P, 0);
}
END_TEST

START_TEST(what_killed_it)
{
	struct ps_prochandle *P = grab_ok(typical());
	const lwpstatus_t *lwp = &Pstatus(P)->pr_lwp;

	ck_assert_int_eq(lwp->pr_lwpid, 31);
	ck_assert_int_eq(lwp->pr_cursig, SIGSEGV);
	ck_assert_int_eq(lwp->pr_info.pr_signo, SIGSEGV);
	ck_assert_int_eq(lwp->pr_info.pr_code, SEGV_MAPERR);
	ck_assert_uint_eq(lwp->pr_info.pr_addr, 0x1234);
	ck_assert_int_eq(lwp->pr_info.pr_pid, 0);
	Prelease(P, 0);
}
END_TEST

static lwpstatus_t status_of(int cursig, int signo, int code, uint64_t data)
{
	struct core_builder *b = core_builder_create();
	struct ps_prochandle *P;
	lwpstatus_t lwp;

	add_lwp(b, 5, cursig, 0);
	core_builder_siginfo(b, signo, code, data);
	P = grab_ok(b);
	lwp = Pstatus(P)->pr_lwp;
	Prelease(P, 0);
	return lwp;
}

START_TEST(other_signals)
{
	uint64_t sender = 77 | UINT64_C(1000) << 32;
	lwpstatus_t lwp = status_of(SIGABRT, SIGABRT, SI_TKILL, sender);

	ck_assert_int_eq(lwp.pr_info.pr_pid, 77);
	ck_assert_uint_eq(lwp.pr_info.pr_uid, 1000);
	ck_assert_uint_eq(lwp.pr_info.pr_addr, 0);
	/* Sent by kill(1): no fault address. */
	lwp = status_of(SIGSEGV, SIGSEGV, SI_USER, sender);
	ck_assert_int_eq(lwp.pr_info.pr_pid, 77);
	ck_assert_uint_eq(lwp.pr_info.pr_addr, 0);
	/* A timer's fields mean something else. */
	lwp = status_of(SIGALRM, SIGALRM, SI_TIMER, sender);
	ck_assert_int_eq(lwp.pr_info.pr_pid, 0);
	/* As gcore writes it: nothing killed the process. */
	lwp = status_of(0, SIGSTOP, SI_USER, sender);
	ck_assert_int_eq(lwp.pr_cursig, 0);
	ck_assert_int_eq(lwp.pr_info.pr_signo, 0);
	/* About another signal: the signal is known, nothing more. */
	lwp = status_of(SIGSEGV, SIGSTOP, SI_USER, sender);
	ck_assert_int_eq(lwp.pr_cursig, SIGSEGV);
	ck_assert_int_eq(lwp.pr_info.pr_signo, 0);
}
END_TEST

struct seen {
	int n;
	lwpid_t id[8];
	int cursig[8];
};

static int see_lwp(void *data, const lwpstatus_t *lwp, const lwpsinfo_t *info)
{
	struct seen *seen = data;

	ck_assert_int_eq(lwp->pr_lwpid, info->pr_lwpid);
	ck_assert_str_eq(info->pr_fname, "");
	seen->id[seen->n] = lwp->pr_lwpid;
	seen->cursig[seen->n++] = lwp->pr_cursig;
	return 0;
}

START_TEST(lwps_by_id)
{
	struct ps_prochandle *P = grab_ok(typical());
	struct seen seen = { 0 };
	prgregset_t regs;

	ck_assert_int_eq(Plwp_iter_all(P, see_lwp, &seen), 0);
	ck_assert_int_eq(seen.n, 3);
	ck_assert_int_eq(seen.id[0], 30);
	ck_assert_int_eq(seen.id[1], 31);
	ck_assert_int_eq(seen.id[2], 32);
	ck_assert_int_eq(seen.cursig[0], 0);
	ck_assert_int_eq(seen.cursig[1], SIGSEGV);
	ck_assert_int_eq(seen.cursig[2], 0);
	ck_assert_int_eq(Plwp_getregs(P, 32, regs), 0);
	ck_assert_int_eq(regs[R_SP], 0x801000);
	ck_assert_int_eq(regs[R_PC], 32000 + CB_RIP);
	ck_assert_int_eq(regs[R_FP], 32000 + CB_RBP);
	ck_assert_int_eq(regs[PRREG_RBX], 32000 + CB_RBX);
	ck_assert_int_eq(regs[PRREG_RDI], 32000 + CB_RDI);
	ck_assert_int_eq(regs[PRREG_FSBASE], core_builder_word == 8 ? 32000 + CB_FS_BASE : 0);
	ck_assert_int_eq(regs[PRREG_R12], core_builder_word == 8 ? 32000 + CB_R12 : 0);
	ck_assert_int_eq(regs[PRREG_GS], 32000 + CB_GS);
	ck_assert_int_eq(Plwp_getregs(P, 33, regs), -1);
	Prelease(P, 0);
}
END_TEST

START_TEST(reads_stop_where_nothing_was_saved)
{
	struct ps_prochandle *P = grab_ok(typical());
	char buf[3 * PAGE];

	memset(buf, 'z', sizeof(buf));
	/* Across two neighbours: data and bss. */
	ck_assert_int_eq(Pread(P, buf, 2 * PAGE, 0x403000), 2 * PAGE);
	ck_assert_int_eq(buf[PAGE - 1], 'b');
	ck_assert_int_eq(buf[PAGE], 'a');
	/* Half of the stack was saved. */
	ck_assert_int_eq(Pread(P, buf, 64, 0x801000 - 10), 10);
	ck_assert_int_eq(Pread(P, buf, 64, 0x801000), 0);
	/* Text: not saved, and the file does not exist. */
	ck_assert_int_eq(Pread(P, buf, 64, 0x401000), 0);
	ck_assert_int_eq(Pread(P, buf, 64, 0x401000 - 1), 1);
	ck_assert_int_eq(Pread(P, buf, 64, 0), 0);
	ck_assert_int_eq(Pread(P, buf, 64, UINTPTR_MAX - 3), 0);
	Prelease(P, 0);
}
END_TEST

struct map_seen {
	int n;
	prmap_t map[16];
	char name[16][64];
};

static int see_map(void *data, const prmap_t *map, const char *name)
{
	struct map_seen *seen = data;

	ck_assert_int_lt(seen->n, 16);
	seen->map[seen->n] = *map;
	(void)snprintf(seen->name[seen->n++], sizeof(seen->name[0]), "%s", name == NULL ? "" : name);
	return 0;
}

static void check_map(
    const struct map_seen *seen, int i, uintptr_t va, size_t size, off_t off, int mflags, const char *name)
{
	ck_assert_uint_eq(seen->map[i].pr_vaddr, va);
	ck_assert_uint_eq(seen->map[i].pr_size, size);
	ck_assert_int_eq(seen->map[i].pr_offset, off);
	ck_assert_int_eq(seen->map[i].pr_mflags, mflags);
	ck_assert_str_eq(seen->name[i], name);
}

START_TEST(mappings)
{
	const int rw = MA_READ | MA_WRITE, rx = MA_READ | MA_EXEC;
	struct ps_prochandle *P = grab_ok(typical());
	struct map_seen seen = { 0 };

	ck_assert_int_eq(Pmapping_iter(P, see_map, &seen), 0);
	ck_assert_int_eq(seen.n, 7);
	check_map(&seen, 0, 0x400000, 0x1000, 0, MA_READ, "/opt/none/prog");
	check_map(&seen, 1, 0x401000, 0x2000, 0x1000, rx, "/opt/none/prog");
	check_map(&seen, 2, 0x403000, 0x1000, 0x3000, rw, "/opt/none/prog");
	check_map(&seen, 3, 0x404000, 0x1000, 0, rw | MA_ANON, "");
	/* Known from NT_FILE only. */
	check_map(&seen, 4, 0x700000, 0x2000, 0x10000, rx, "/opt/none/lib.so");
	check_map(&seen, 5, 0x800000, 0x2000, 0, rw | MA_ANON | MA_STACK, "[stack]");
	check_map(&seen, 6, 0x900000, 0x1000, 0, rx | MA_ANON, "[vdso]");
	ck_assert(handle_objects(P)->maps.at[4].deleted);
	ck_assert(!handle_objects(P)->maps.at[1].deleted);
	Prelease(P, 0);
}
END_TEST

START_TEST(mappings_cut_at_every_boundary)
{
	struct core_builder *b = core_builder_create();
	struct map_seen seen = { 0 };
	struct ps_prochandle *P;

	add_lwp(b, 1, 0, 0);
	core_builder_load(b, 0x10000, 0x3000, PF_R | PF_W, NULL, 0);
	core_builder_load(b, 0x14000, 0x1000, PF_R, NULL, 0);
	core_builder_map(b, 0x12000, 0x16000, 0x5000, "/l");
	core_builder_files(b, 1); /* as gdb counts */
	P = grab_ok(b);
	ck_assert_int_eq(Pmapping_iter(P, see_map, &seen), 0);
	ck_assert_int_eq(seen.n, 5);
	check_map(&seen, 0, 0x10000, 0x2000, 0, MA_READ | MA_WRITE | MA_ANON, "");
	check_map(&seen, 1, 0x12000, 0x1000, 0x5000, MA_READ | MA_WRITE, "/l");
	check_map(&seen, 2, 0x13000, 0x1000, 0x6000, MA_READ | MA_EXEC, "/l");
	check_map(&seen, 3, 0x14000, 0x1000, 0x7000, MA_READ, "/l");
	check_map(&seen, 4, 0x15000, 0x1000, 0x8000, MA_READ | MA_EXEC, "/l");
	Prelease(P, 0);
}
END_TEST

START_TEST(content)
{
	struct core_builder *b = core_builder_create();
	struct ps_prochandle *P = grab_ok(typical());

	ck_assert_uint_eq(
	    Pcontent(P), CC_CONTENT_STACK | CC_CONTENT_ANON | CC_CONTENT_HEAP | CC_CONTENT_DATA);
	Prelease(P, 0);
	/* The stack exists, but was not saved. */
	add_lwp(b, 1, 0, 0x10800);
	core_builder_load(b, 0x10000, PAGE, PF_R | PF_W, NULL, 0);
	core_builder_map(b, 0x20000, 0x22000, 0, "/l");
	core_builder_files(b, PAGE);
	core_builder_load(b, 0x20000, 2 * PAGE, PF_R | PF_X, NULL, 2 * PAGE);
	P = grab_ok(b);
	ck_assert_uint_eq(Pcontent(P), CC_CONTENT_TEXT);
	Prelease(P, 0);
}
END_TEST

START_TEST(truncated)
{
	struct core_builder *b = typical();
	int err = 0, fd = core_builder_fd(b);
	off_t size = lseek(fd, 0, SEEK_END);
	const struct notice *notice;
	struct ps_prochandle *P;
	char buf[64];

	core_builder_destroy(b);
	/* The vdso and half of the saved stack are lost. */
	ck_assert_int_eq(ftruncate(fd, size - PAGE - PAGE / 2), 0);
	P = Pfgrab_core(fd, NULL, &err);
	ck_assert_ptr_nonnull(P);
	notice = notice_of(P, NOTICE_CORE_TRUNCATED);
	ck_assert_ptr_nonnull(notice);
	ck_assert_uint_eq(notice->count[0], 6144);
	ck_assert_uint_eq(notice->count[1], (uint64_t)size);
	ck_assert(notice->failed);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x800800 - 8), 8);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x900000), 0);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x404000), 64);
	Prelease(P, 0);
}
END_TEST

START_TEST(whole_core_has_no_notices)
{
	struct ps_prochandle *P = grab_ok(typical());

	ck_assert_uint_eq(handle_objects(P)->notices.n, 0);
	Prelease(P, 0);
}
END_TEST

START_TEST(senseless_parts_are_left_out)
{
	static const uint32_t files[] = { 1u << 30, 0, PAGE, 0, 0x1000, 0 };
	struct core_builder *b = core_builder_create();
	struct ps_prochandle *P;
	struct seen seen = { 0 };
	char buf[8];

	add_lwp(b, 7, SIGSEGV, 0);
	add_lwp(b, 7, 0, 0); /* twice */
	add_lwp(b, -1, 0, 0);
	core_builder_note(b, "CORE", NT_PRSTATUS, files, sizeof(files)); /* too short */
	core_builder_note(b, "CORE", NT_FILE, files, sizeof(files));     /* more entries than bytes */
	core_builder_load(b, 0x10000, 2 * PAGE, PF_R, NULL, 2 * PAGE);
	core_builder_load(b, 0x11000, PAGE, PF_R, page_a, PAGE);              /* overlaps */
	core_builder_load(b, highest() - PAGE + 2, PAGE, PF_R, page_a, PAGE); /* wraps */
	P = grab_ok(b);
	ck_assert_int_eq(Plwp_iter_all(P, see_lwp, &seen), 0);
	ck_assert_int_eq(seen.n, 1);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x11000), 8);
	ck_assert_int_eq(buf[0], 0);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), highest() - PAGE + 2), 0);
	ck_assert_ptr_nonnull(notice_of(P, NOTICE_CORE_DAMAGED));
	ck_assert_ptr_nonnull(notice_of(P, NOTICE_CORE_FILES));
	Prelease(P, 0);
}
END_TEST

/* Sizes that no kernel writes would only cost time and memory. */
START_TEST(too_long_to_be_true)
{
	struct core_builder *b = core_builder_create();
	uint64_t auxv[1000][2];
	char path[5000];
	struct ps_prochandle *P;

	for (size_t i = 0; i < 1000; i++) {
		auxv[i][0] = 1000 + i;
		auxv[i][1] = i;
	}
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	add_lwp(b, 7, SIGSEGV, 0);
	core_builder_load(b, 0x10000, PAGE, PF_R, page_a, PAGE);
	core_builder_auxv(b, (const uint64_t(*)[2])auxv, 1000);
	P = grab_ok(b);
	ck_assert_int_eq(Pgetauxval(P, 1100), 100);
	ck_assert_int_eq(Pgetauxval(P, 1999), -1);
	ck_assert_ptr_nonnull(notice_of(P, NOTICE_CORE_DAMAGED));
	Prelease(P, 0);
	b = core_builder_create();
	add_lwp(b, 7, SIGSEGV, 0);
	core_builder_load(b, 0x10000, PAGE, PF_R, page_a, PAGE);
	core_builder_map(b, 0x10000, 0x11000, 0, path);
	core_builder_map(b, 0x20000, 0x21000, 0, "/nonexistent");
	core_builder_files(b, PAGE);
	P = grab_ok(b);
	ck_assert_ptr_nonnull(notice_of(P, NOTICE_CORE_DAMAGED));
	ck_assert_ptr_null(Pobjname(P, 0x10000, path, sizeof(path)));
	ck_assert_ptr_nonnull(Pobjname(P, 0x20000, path, sizeof(path)));
	Prelease(P, 0);
}
END_TEST

/* The cost of opening does not depend on the contents of a core: this one claims 100 GB. */
START_TEST(huge_and_sparse)
{
	const uint64_t size = UINT64_C(100) << 30;
	struct core_builder *b = core_builder_create();
	struct ps_prochandle *P;
	char buf[8] = "";

	add_lwp(b, 7, 0, 0x7f0000000000);
	core_builder_load(b, 0x7f0000000000, size, PF_R | PF_W, NULL, size);
	core_builder_load(b, 0x7fff00000000, PAGE, PF_R | PF_W, page_b, PAGE);
	P = grab_ok(b);
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x7fff00000000), 8);
	ck_assert_int_eq(buf[7], 'b');
	ck_assert_int_eq(Pread(P, buf, sizeof(buf), 0x7f0000000000 + size - 3), 3);
	Prelease(P, 0);
}
END_TEST

/* Each test with cores of either word size. */
static TCase *tests(const char *name, void (*start)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, what_is_refused);
	tcase_add_test(tcase, what_is_no_core_by_path);
	tcase_add_test(tcase, grabbed_by_path);
	tcase_add_test(tcase, who_it_was);
	tcase_add_test(tcase, what_killed_it);
	tcase_add_test(tcase, other_signals);
	tcase_add_test(tcase, lwps_by_id);
	tcase_add_test(tcase, reads_stop_where_nothing_was_saved);
	tcase_add_test(tcase, mappings);
	tcase_add_test(tcase, mappings_cut_at_every_boundary);
	tcase_add_test(tcase, content);
	tcase_add_test(tcase, truncated);
	tcase_add_test(tcase, whole_core_has_no_notices);
	tcase_add_test(tcase, senseless_parts_are_left_out);
	tcase_add_test(tcase, too_long_to_be_true);
	return tcase;
}

static void use_64bit(void)
{
	set_up();
	core_builder_word = 8;
}

static void use_32bit(void)
{
	set_up();
	core_builder_word = 4;
}

int main(void)
{
	Suite *suite = suite_create("core");
	TCase *other = tcase_create("core");

	suite_add_tcase(suite, tests("64-bit", use_64bit));
	suite_add_tcase(suite, tests("32-bit", use_32bit));
	tcase_add_checked_fixture(other, set_up, NULL);
	tcase_add_test(other, huge_and_sparse);
	suite_add_tcase(suite, other);
	return run_made_suite(suite);
}
