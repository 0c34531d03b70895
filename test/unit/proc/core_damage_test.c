/* Damaged cores: every header and note field may be anything. Each call must return one of its
 * promised results; sanitizers check the rest. */
#include <check.h>
#include <elf.h>
#include <libproc.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../support/core_builder.h"
#include "proc/handle.h"
#include "support/run_suite.h"

enum { PAGE = 4096, ROUNDS = 4000 };

/* A small linear congruential generator: the same damage in every run. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static struct core_builder *sample(void)
{
	static const uint64_t auxv[][2] = { { AT_PHDR, 0x400040 }, { AT_RANDOM, 0x800010 },
		{ AT_SYSINFO_EHDR, 0x900000 } };
	static const uint8_t page[PAGE];
	struct core_builder *b = core_builder_create();
	uint64_t regs[CB_REGS] = { 0 };

	regs[CB_RSP] = 0x800800;
	core_builder_prstatus(b, 31, SIGSEGV, regs);
	core_builder_prpsinfo(b, 30, "prog", "prog -x");
	core_builder_siginfo(b, SIGSEGV, SEGV_MAPERR, 0x1234);
	core_builder_auxv(b, auxv, 3);
	core_builder_map(b, 0x400000, 0x401000, 0, "/nonexistent/prog");
	core_builder_map(b, 0x700000, 0x702000, 0x10000, "/nonexistent/lib.so (deleted)");
	core_builder_files(b, PAGE);
	core_builder_prstatus(b, 30, SIGSEGV, regs);
	core_builder_load(b, 0x400000, PAGE, PF_R, page, PAGE);
	core_builder_load(b, 0x800000, 2 * PAGE, PF_R | PF_W, page, PAGE);
	core_builder_load(b, 0x900000, PAGE, PF_R | PF_X, page, PAGE);
	return b;
}

static int see_lwp(void *data, const lwpstatus_t *status, const lwpsinfo_t *info)
{
	lwpid_t *last = data;

	ck_assert_int_gt(status->pr_lwpid, *last);
	ck_assert_int_eq(status->pr_lwpid, info->pr_lwpid);
	*last = status->pr_lwpid;
	return 0;
}

struct walk {
	struct ps_prochandle *P;
	uintptr_t end;
};

static int see_map(void *data, const prmap_t *map, const char *name)
{
	struct walk *walk = data;
	char buf[64];

	(void)name;
	ck_assert_uint_ge(map->pr_vaddr, walk->end);
	ck_assert_uint_gt(map->pr_size, 0);
	walk->end = map->pr_vaddr + map->pr_size;
	ck_assert_uint_gt(walk->end, map->pr_vaddr);
	ck_assert_int_le(Pread(walk->P, buf, sizeof(buf), map->pr_vaddr), (ssize_t)sizeof(buf));
	ck_assert_int_le(Pread(walk->P, buf, sizeof(buf), walk->end - 7), (ssize_t)sizeof(buf));
	return 0;
}

static void ask_everything(struct ps_prochandle *P)
{
	struct walk walk = { P, 0 };
	lwpid_t last = 0;
	GElf_Sym sym;
	char buf[64];

	ck_assert_int_eq(Pstate(P), PS_DEAD);
	ck_assert_ptr_nonnull(Ppsinfo(P));
	ck_assert_ptr_nonnull(memchr(Ppsinfo(P)->pr_psargs, '\0', PRARGSZ));
	ck_assert_ptr_nonnull(memchr(Ppsinfo(P)->pr_fname, '\0', PRFNSZ));
	ck_assert_int_ge(Pstatus(P)->pr_nlwp, 1);
	ck_assert_int_eq(Plwp_iter_all(P, see_lwp, &last), 0);
	ck_assert_int_eq(Pmapping_iter(P, see_map, &walk), 0);
	(void)Pcontent(P);
	(void)Pgetauxval(P, AT_ENTRY);
	(void)Pexecname(P, buf, sizeof(buf));
	(void)Plookup_by_addr(P, 0x400800, buf, sizeof(buf), &sym);
	(void)Plookup_by_addr(P, 0x900800, buf, sizeof(buf), &sym);
}

static void grab_and_ask(int fd)
{
	int err = 12345;
	struct ps_prochandle *P = Pfgrab_core(fd, NULL, &err);

	if (P == NULL) {
		ck_assert_msg(err == G_FORMAT || err == G_ISAINVAL || err == G_NOTE || err == G_STRANGE,
		    "code %d", err);
		return;
	}
	ask_everything(P);
	Prelease(P, 0);
}

START_TEST(bytes_changed)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	struct core_builder *b = sample();
	uint64_t state = 1;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = core_builder_fd(b);

		/* Headers and notes end before the first page does. */
		for (uint32_t n = 1 + next_random(&state) % 4; n > 0; n--) {
			off_t at = (off_t)(next_random(&state) % 2200);

			ck_assert_int_eq(pwrite(fd, &values[next_random(&state) % sizeof(values)], 1, at), 1);
		}
		grab_and_ask(fd);
	}
	core_builder_destroy(b);
}
END_TEST

START_TEST(words_changed)
{
	static const uint64_t values[] = { 0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63, PAGE, UINT32_MAX };
	struct core_builder *b = sample();
	uint64_t state = 2;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = core_builder_fd(b);
		off_t at = (off_t)(next_random(&state) % 275 * 8);
		uint64_t value = values[next_random(&state) % 7];

		ck_assert_int_eq(pwrite(fd, &value, sizeof(value), at), 8);
		grab_and_ask(fd);
	}
	core_builder_destroy(b);
}
END_TEST

START_TEST(cut_anywhere)
{
	struct core_builder *b = sample();

	for (off_t size = 0; size < 4200; size += 3) {
		int fd = core_builder_fd(b);

		ck_assert_int_eq(ftruncate(fd, size), 0);
		grab_and_ask(fd);
	}
	core_builder_destroy(b);
}
END_TEST

/* A note segment that is one long hole must not be read to its end. */
START_TEST(endless_notes)
{
	const uint64_t size = UINT64_C(1) << 40;
	struct core_builder *b = sample();
	int fd = core_builder_fd(b), err = 0;

	core_builder_destroy(b);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	size_t at = sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset);
	ck_assert_int_eq(pwrite(fd, &(uint64_t){ 0x10000 }, 8, (off_t)at), 8);
	at = sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_filesz);
	ck_assert_int_eq(pwrite(fd, &(uint64_t){ size - 0x10000 }, 8, (off_t)at), 8);
	ck_assert_ptr_null(Pfgrab_core(fd, NULL, &err));
	ck_assert_int_eq(err, G_NOTE);
}
END_TEST

/* Each with cores of either word size. */
static TCase *damage(const char *name, void (*start)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, start, NULL);
	tcase_add_test(tcase, bytes_changed);
	tcase_add_test(tcase, words_changed);
	tcase_add_test(tcase, cut_anywhere);
	return tcase;
}

static void use_64bit(void)
{
	core_builder_word = 8;
}

static void use_32bit(void)
{
	core_builder_word = 4;
}

int main(void)
{
	Suite *suite = suite_create("core_damage");
	TCase *tcase = tcase_create("core_damage");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, endless_notes);
	suite_add_tcase(suite, damage("64-bit", use_64bit));
	suite_add_tcase(suite, damage("32-bit", use_32bit));
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
