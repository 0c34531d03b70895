/* Cores of illumos, built from the published layout: threads, registers, names, files of the link
 * map, damage. */
#include <check.h>
#include <elf.h>
#include <libproc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../support/illumos_core_builder.h"
#include "proc/handle.h"
#include "support/notices.h"
#include "support/run_suite.h"

enum {
	PAGE = 4096,
	EXE = 0x400000,
	LIB = 0x7f0000,
	LOADER = 0x7e0000,
	HEAP = 0x500000,
	STACK = 0x600000,
	ROUNDS = 4000,
	SIGBUS_THERE = 10,
	ILLUMOS_RIP = 17,
	ILLUMOS_RSP = 20
};

/* The first page of an ELF file that is mapped at base: text, then data a page further on. */
static void elf_page(uint8_t page[PAGE], uint64_t base, const char *interp, uint64_t dynamic)
{
	Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			      EV_CURRENT },
		.e_type = base == EXE ? ET_EXEC : ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(eh),
		.e_ehsize = sizeof(eh),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 4 };
	uint64_t start = base == EXE ? EXE : 0;
	Elf64_Phdr ph[4] = {
		{ .p_type = PT_LOAD,
		    .p_flags = PF_R | PF_X,
		    .p_vaddr = start,
		    .p_filesz = PAGE,
		    .p_memsz = PAGE },
		{ .p_type = PT_LOAD,
		    .p_flags = PF_R | PF_W,
		    .p_offset = PAGE,
		    .p_vaddr = start + PAGE,
		    .p_filesz = 64,
		    .p_memsz = 64 },
		{ .p_type = interp == NULL ? PT_NULL : PT_INTERP, .p_offset = 2048, .p_vaddr = start + 2048 },
		{ .p_type = dynamic == 0 ? PT_NULL : PT_DYNAMIC, .p_vaddr = dynamic },
	};

	memset(page, 0, PAGE);
	memcpy(page, &eh, sizeof(eh));
	memcpy(page + sizeof(eh), ph, sizeof(ph));
	if (interp != NULL)
		memcpy(page + 2048, interp, strlen(interp) + 1);
}

/* Dynamic section, r_debug, two links and their names, all in one page. `next`: l_next of the last
 * link. */
static void link_page(uint64_t page[PAGE / 8], uint64_t next)
{
	enum { DEBUG = 8, FIRST = 16, SECOND = 24, NAMES = 64 };
	char *names = (char *)(page + NAMES);

	memset(page, 0, PAGE);
	page[0] = DT_STRTAB;
	page[2] = DT_DEBUG;
	page[3] = HEAP + DEBUG * 8;
	page[DEBUG] = 1;
	page[DEBUG + 1] = HEAP + FIRST * 8;
	page[FIRST + 1] = HEAP + NAMES * 8;
	page[FIRST + 3] = HEAP + SECOND * 8;
	page[SECOND] = LIB;
	page[SECOND + 1] = HEAP + NAMES * 8 + 32;
	page[SECOND + 3] = next;
	memcpy(names, "./prog", 7);
	memcpy(names + 32, "/usr/lib/64/libx.so.1", 22);
	memcpy(names + 64, "/opt/bin/prog", 14);
}

static struct core_builder *sample(uint64_t next)
{
	const uint64_t auxv[][2] = { { AT_PHDR, EXE + 64 }, { AT_BASE, LOADER }, { 2014, HEAP + 64 * 8 + 64 },
		{ 25, 0x12345678 } };
	struct illumos_lwp lwp[2] = { { .id = 2, .cursig = SIGBUS_THERE, .code = 1, .field = 0xdead000 },
		{ .id = 1, .cursig = 9 } };
	struct core_builder *b = core_builder_create();
	uint64_t links[PAGE / 8];
	uint8_t page[PAGE];

	for (unsigned i = 0; i < ILLUMOS_REGS; i++)
		lwp[0].regs[i] = 100 + i;
	lwp[0].regs[ILLUMOS_RSP] = STACK + 64;
	illumos_auxv(b, auxv, 1);
	core_builder_cut_notes(b);
	illumos_psinfo(b, 4711, "prog", "prog -x one");
	illumos_pstatus(b, 4711, &lwp[0]);
	illumos_auxv(b, auxv, 4);
	illumos_lwpsinfo(b, 3, 'Z');
	illumos_lwpsinfo(b, 2, 'S');
	illumos_lwpstatus(b, &lwp[0]);
	illumos_lwpname(b, 2, "worker");
	illumos_lwpsinfo(b, 1, 'S');
	illumos_lwpstatus(b, &lwp[1]);
	core_builder_note(b, "CORE", 77, "later", 6);
	elf_page(page, EXE, "/usr/lib/amd64/ld.so.1", HEAP);
	core_builder_load(b, EXE, PAGE, PF_R | PF_X, page, PAGE);
	core_builder_load(b, EXE + PAGE, PAGE, PF_R | PF_W, NULL, 0);
	link_page(links, next);
	core_builder_load(b, HEAP, PAGE, PF_R | PF_W, links, PAGE);
	core_builder_load(b, STACK, PAGE, PF_R | PF_W, page, PAGE);
	elf_page(page, LOADER, NULL, 0);
	core_builder_load(b, LOADER, PAGE, PF_R | PF_X, page, PAGE);
	elf_page(page, LIB, NULL, 0);
	core_builder_load(b, LIB, 2 * PAGE, PF_R | PF_X, page, PAGE);
	return b;
}

static struct ps_prochandle *grab(struct core_builder *b)
{
	int err = 0, fd = core_builder_fd(b);
	struct ps_prochandle *P = Pfgrab_core(fd, NULL, &err);

	core_builder_destroy(b);
	ck_assert_msg(P != NULL, "%s", Pgrab_error(err));
	return P;
}

static int see_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	int *n = data;

	ck_assert_int_eq(info->pr_lwpid, ++*n);
	ck_assert_int_eq(status == NULL, info->pr_lwpid == 3);
	ck_assert_int_eq(info->pr_sname == 'Z', info->pr_lwpid == 3);
	if (status != NULL)
		ck_assert_int_eq(status->pr_lwpid, info->pr_lwpid);
	return 0;
}

START_TEST(threads)
{
	struct ps_prochandle *P = grab(sample(0));
	const lwpstatus_t *first = &Pstatus(P)->pr_lwp;
	prgregset_t regs;
	char name[32];
	int n = 0;

	ck_assert(P->illumos);
	ck_assert_int_eq(Ppsinfo(P)->pr_pid, 4711);
	ck_assert_str_eq(Ppsinfo(P)->pr_psargs, "prog -x one");
	ck_assert_str_eq(Ppsinfo(P)->pr_fname, "prog");
	ck_assert_int_eq(Pstatus(P)->pr_nlwp, 2);
	ck_assert_int_eq(Pstatus(P)->pr_nzomb, 1);
	ck_assert_int_eq(Pstatus(P)->pr_dmodel, PR_MODEL_LP64);
	ck_assert_int_eq(first->pr_lwpid, 2);
	ck_assert_int_eq(first->pr_cursig, SIGBUS_THERE);
	ck_assert_int_eq(first->pr_info.pr_signo, SIGBUS_THERE);
	ck_assert_uint_eq(first->pr_info.pr_addr, 0xdead000);
	ck_assert_int_eq(Plwp_iter_all(P, see_lwp, &n), 0);
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(Plwp_getregs(P, 2, regs), 0);
	for (int i = 0; i < ILLUMOS_REGS; i++)
		ck_assert_int_eq(regs[i], i == ILLUMOS_RSP ? STACK + 64 : 100 + i);
	ck_assert_int_eq(regs[R_PC], 100 + ILLUMOS_RIP);
	ck_assert_int_eq(Plwp_getname(P, 2, name, sizeof(name)), 0);
	ck_assert_str_eq(name, "worker");
	ck_assert_int_eq(Plwp_getname(P, 1, name, sizeof(name)), -1);
	ck_assert_int_eq(Pgetauxval(P, AT_BASE), LOADER);
	Prelease(P, 0);
}
END_TEST

static void expect_name(struct ps_prochandle *P, uintptr_t addr, const char *name)
{
	char buf[128];

	if (name == NULL)
		ck_assert_ptr_null(Pobjname(P, addr, buf, sizeof(buf)));
	else
		ck_assert_str_eq(Pobjname(P, addr, buf, sizeof(buf)), name);
}

START_TEST(files_of_the_link_map)
{
	struct ps_prochandle *P = grab(sample(0));
	char buf[128];

	ck_assert_str_eq(Pexecname(P, buf, sizeof(buf)), "/opt/bin/prog");
	expect_name(P, EXE + 8, "/opt/bin/prog");
	expect_name(P, EXE + PAGE, "/opt/bin/prog");
	ck_assert_int_eq(Paddr_to_map(P, EXE + PAGE)->pr_offset, PAGE);
	expect_name(P, LOADER, "/usr/lib/amd64/ld.so.1");
	expect_name(P, LIB + PAGE + 5, "/usr/lib/64/libx.so.1");
	expect_name(P, HEAP, NULL);
	Prelease(P, 0);
}
END_TEST

START_TEST(link_map_that_has_no_end)
{
	struct ps_prochandle *P = grab(sample(HEAP + 16 * 8));

	expect_name(P, LIB, "/usr/lib/64/libx.so.1");
	ck_assert_ptr_nonnull(notice_of(P, NOTICE_CORE_DAMAGED));
	Prelease(P, 0);
	P = grab(sample(0x10));
	expect_name(P, LIB, "/usr/lib/64/libx.so.1");
	ck_assert_ptr_nonnull(notice_of(P, NOTICE_CORE_DAMAGED));
	Prelease(P, 0);
}
END_TEST

/* One LWP: there need be no note of it but the process's. */
START_TEST(one_thread)
{
	struct core_builder *b = core_builder_create();
	struct illumos_lwp lwp = { .id = 1, .cursig = 6, .code = 0, .field = 88 | UINT64_C(101) << 32 };
	struct ps_prochandle *P;

	illumos_psinfo(b, 9, "p", "p");
	illumos_pstatus(b, 9, &lwp);
	P = grab(b);
	ck_assert_int_eq(Pstatus(P)->pr_nlwp, 1);
	ck_assert_int_eq(Pstatus(P)->pr_lwp.pr_info.pr_pid, 88);
	ck_assert_int_eq(Pstatus(P)->pr_lwp.pr_info.pr_uid, 101);
	ck_assert_ptr_nonnull(notice_of(P, NOTICE_CORE_LINK_MAP));
	Prelease(P, 0);
}
END_TEST

START_TEST(of_32_bits)
{
	struct illumos_lwp lwp = { .id = 1, .cursig = 11, .code = 1, .field = 0x1234 };
	struct core_builder *b;
	struct ps_prochandle *P;
	prgregset_t regs;

	core_builder_word = 4;
	b = core_builder_create();
	for (unsigned i = 0; i < 19; i++)
		lwp.regs[i] = 0xf0000000 + i;
	illumos_psinfo(b, 9, "p", "p -3");
	illumos_pstatus(b, 9, &lwp);
	illumos_lwpsinfo(b, 1, 'S');
	illumos_lwpstatus(b, &lwp);
	illumos_lwpsinfo(b, 2, 'Z');
	P = grab(b);
	core_builder_word = 8;
	ck_assert_int_eq(Pstatus(P)->pr_dmodel, PR_MODEL_ILP32);
	ck_assert_str_eq(Ppsinfo(P)->pr_psargs, "p -3");
	ck_assert_int_eq(Pstatus(P)->pr_nzomb, 1);
	ck_assert_uint_eq(Pstatus(P)->pr_lwp.pr_info.pr_addr, 0x1234);
	ck_assert_int_eq(Plwp_getregs(P, 1, regs), 0);
	ck_assert_int_eq(regs[R_PC], 0xf000000e);
	ck_assert_int_eq(regs[R_SP], 0xf0000011);
	ck_assert_int_eq(regs[R_FP], 0xf0000006);
	Prelease(P, 0);
}
END_TEST

/* --- damage: each call returns one of its promised results; sanitizers check the rest --- */

static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static int any_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	lwpid_t *last = data;

	ck_assert_int_gt(info->pr_lwpid, *last);
	ck_assert(status == NULL || status->pr_lwpid == info->pr_lwpid);
	*last = info->pr_lwpid;
	return 0;
}

static int any_map(void *data, const prmap_t *map, const char *name)
{
	uintptr_t *end = data;

	(void)name;
	ck_assert_uint_ge(map->pr_vaddr, *end);
	ck_assert_uint_gt(map->pr_size, 0);
	*end = map->pr_vaddr + map->pr_size;
	return 0;
}

static void ask(int fd)
{
	int err = 12345;
	struct ps_prochandle *P = Pfgrab_core(fd, NULL, &err);
	uintptr_t end = 0;
	lwpid_t last = 0;
	char buf[64];
	GElf_Sym sym;

	if (P == NULL) {
		ck_assert_msg(err == G_FORMAT || err == G_ISAINVAL || err == G_NOTE || err == G_STRANGE,
		    "code %d", err);
		return;
	}
	(void)Plwp_iter_all(P, any_lwp, &last);
	ck_assert_int_eq(Pmapping_iter(P, any_map, &end), 0);
	(void)Pcontent(P);
	(void)Pexecname(P, buf, sizeof(buf));
	(void)Plwp_getname(P, 2, buf, sizeof(buf));
	(void)Plookup_by_addr(P, LIB + 100, buf, sizeof(buf), &sym);
	Prelease(P, 0);
}

START_TEST(words_changed)
{
	static const uint64_t values[] = { 0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63, PAGE, UINT32_MAX,
		EXE, HEAP + 128 };
	struct core_builder *b = sample(0);
	uint64_t state = 3;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = core_builder_fd(b);
		off_t size = lseek(fd, 0, SEEK_END);

		for (uint32_t n = 1 + next_random(&state) % 3; n > 0; n--) {
			/* Half of them in the notes, half in headers and lists in memory. */
			off_t at =
			    (off_t)(next_random(&state) % (uint32_t)(i % 2 == 0 ? 8192 : size - 8) & ~3U);
			uint64_t value = values[next_random(&state) % 9];

			ck_assert_int_eq(pwrite(fd, &value, sizeof(value), at), 8);
		}
		ask(fd);
	}
	core_builder_destroy(b);
}
END_TEST

START_TEST(cut_anywhere)
{
	struct core_builder *b = sample(0);

	for (off_t size = 0; size < 40000; size += 37) {
		int fd = core_builder_fd(b);

		ck_assert_int_eq(ftruncate(fd, size), 0);
		ask(fd);
	}
	core_builder_destroy(b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("illumos_core");
	TCase *tcase = tcase_create("illumos_core");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, threads);
	tcase_add_test(tcase, files_of_the_link_map);
	tcase_add_test(tcase, link_map_that_has_no_end);
	tcase_add_test(tcase, one_thread);
	tcase_add_test(tcase, of_32_bits);
	tcase_add_test(tcase, words_changed);
	tcase_add_test(tcase, cut_anywhere);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
