/* Numbers in call frame information. A file with damaged tables may end a walk, but never the
 * program, with either engine. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/images.h"
#include "support/run_suite.h"
#include "support/self_process.h"
#include "support/x86_64_regs.h"
#include "unwind/cfi_entry.h"
#include "unwind/unwind.h"

START_TEST(numbers)
{
	static const struct {
		uint8_t bytes[10];
		size_t n;
		uint64_t u;
		int64_t s;
	} leb[] = {
		{ { 0x02 }, 1, 2, 2 },
		{ { 0x7e }, 1, 126, -2 },
		{ { 0x80, 0x7f }, 2, 16256, -128 },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 }, 10, UINT64_MAX, -1 },
	};

	for (size_t i = 0; i < sizeof(leb) / sizeof(leb[0]); i++) {
		struct span s = span_of(leb[i].bytes, leb[i].n), t = s;
		uint64_t u;
		int64_t n;

		ck_assert(cfi_uleb(&s, &u) && u == leb[i].u && span_left(&s) == 0);
		ck_assert(cfi_sleb(&t, &n) && n == leb[i].s && span_left(&t) == 0);
	}
}
END_TEST

static const enum unwind_engine engines[] = { UNWIND_ENGINE_CFI, UNWIND_ENGINE_LIBUNWIND };

/* How many of them are built in. */
static int engines_n(void)
{
	return unwind_engine_built(UNWIND_ENGINE_LIBUNWIND) ? 2 : 1;
}

static struct elf_image *self_image(void)
{
	struct elf_image *img = NULL;
	struct fault f;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(elf_image_open(fd, &img, &f), RES_OK);
	(void)close(fd);
	return img;
}

/* --- a walk over our own stack, through a copy of our own file with damaged tables --- */

/* A copy of the running program at path; its tables begin at *off and have *n bytes. */
static void copy_self(const char *path, off_t *off, size_t *n)
{
	struct elf_image *img = self_image();
	const GElf_Phdr *hdr = elf_image_phdr(img, PT_GNU_EH_FRAME);
	size_t size = (size_t)elf_image_size(img);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, elf_image_bytes(img, 0, size), size), (ssize_t)size);
	(void)close(fd);
	*off = (off_t)hdr->p_offset;
	*n = (size_t)hdr->p_filesz + 0x3000; /* .eh_frame follows its header */
	elf_image_close(img);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

struct patch {
	off_t at;
	uint8_t old;
};
enum { PATCHES = 200 };

/* Damage up to PATCHES of the n bytes at off of the file. */
static void damage(int fd, off_t off, size_t n, uint64_t seed, struct patch patches[PATCHES])
{
	for (unsigned i = 0; i < PATCHES; i++) {
		struct patch *p = &patches[i];
		uint8_t byte = (uint8_t)next_random(&seed);

		p->at = off + (off_t)(next_random(&seed) % n);
		ck_assert_int_eq(pread(fd, &p->old, 1, p->at), 1);
		ck_assert_int_eq(pwrite(fd, &byte, 1, p->at), 1);
	}
}

static void mend(int fd, const struct patch patches[PATCHES])
{
	for (unsigned i = PATCHES; i-- > 0;)
		ck_assert_int_eq(pwrite(fd, &patches[i].old, 1, patches[i].at), 1);
}

static void walk_by(
    enum unwind_engine engine, struct ps_prochandle *P, const struct unwind_regs *regs, size_t *frames)
{
	struct native_stack s = { .end = UNWIND_END_DONE };
	struct unwinder *u;
	struct fault f;

	ck_assert_int_eq(unwinder_create(P, engine, &u, &f), RES_OK);
	for (unsigned i = 0; i < 40; i++) {
		struct unwind_regs r = *regs;

		/* From many places of our text, so that many tables are read. */
		r.reg[X86_64_PC] += i * 0x151;
		native_stack_free(&s);
		ck_assert_int_eq(native_stack_walk(u, &r, 1000, &s, &f), RES_OK);
		if (i == 0)
			*frames = s.frames.n;
	}
	native_stack_free(&s);
	unwinder_destroy(u);
}

/* Walk with both engines; *frames: of the shorter walk. */
static void walk_once(struct ps_prochandle *P, const struct unwind_regs *regs, size_t *frames)
{
	size_t ours;

	walk_by(UNWIND_ENGINE_CFI, P, regs, &ours);
	*frames = ours;
	if (!unwind_engine_built(UNWIND_ENGINE_LIBUNWIND))
		return;
	walk_by(UNWIND_ENGINE_LIBUNWIND, P, regs, frames);
	*frames = ours < *frames ? ours : *frames;
}

static void self_regs(struct unwind_regs *regs)
{
	*regs = (struct unwind_regs){ .known = { { 0x1ffff } } };
	for (unsigned i = 0; i < 16; i++)
		regs->reg[i] = (uint64_t)__builtin_frame_address(0);
	__asm__ volatile("lea (%%rip), %0" : "=r"(regs->reg[X86_64_PC]));
	__asm__ volatile("mov %%rsp, %0" : "=r"(regs->reg[X86_64_RSP]));
	__asm__ volatile("mov %%rbp, %0" : "=r"(regs->reg[X86_64_RBP]));
}

/* This program as a process whose file is a copy that may be damaged. */
struct copied {
	struct self_process self;
	struct ps_prochandle *P;
	struct unwind_regs regs;
	int fd;
	off_t off; /* the tables in it */
	size_t n;
};

static struct copied *copied_create(void)
{
	struct copied *c = calloc(1, sizeof(*c));
	char exe[SELF_NAME], copy[SELF_NAME];

	ck_assert_ptr_nonnull(c);
	(void)snprintf(copy, sizeof(copy), "/tmp/cfi_test.%d", (int)getpid());
	copy_self(copy, &c->off, &c->n);
	c->fd = open(copy, O_RDWR | O_CLOEXEC);
	(void)unlink(copy);
	ck_assert_int_ge(c->fd, 0);
	(void)snprintf(copy, sizeof(copy), "/proc/%d/fd/%d", (int)getpid(), c->fd);
	ck_assert_msg(self_path(exe) && self_process(&c->self, exe, copy), "cannot describe this program");
	c->P = fake_grab(&c->self.fake);
	ck_assert_ptr_nonnull(c->P);
	self_regs(&c->regs);
	return c;
}

static void copied_free(struct copied *c)
{
	Prelease(c->P, 0);
	(void)close(c->fd);
	free(c);
}

/* The first step from each function of this program that has an entry. */
START_TEST(real_table)
{
	struct copied *c = copied_create();
	struct elf_image *img = self_image();
	struct cfi_table_bytes t = { .place.word = 8 };
	struct native_stack s = { .end = UNWIND_END_DONE };
	struct unwinder *u;
	struct cfi_entry entry;
	struct fault f;
	struct span at;
	GElf_Shdr sh;
	size_t n = 0;
	uint64_t bias;

	ck_assert_int_eq(elf_image_section(img, ".eh_frame", &sh, &t.place.bytes), RES_OK);
	ck_assert_int_eq(os_object_bias(c->P, c->regs.reg[X86_64_PC], &bias), RES_OK);
	t.place.va = sh.sh_addr;
	at = t.place.bytes;
	ck_assert_int_eq(unwinder_create(c->P, engines[_i], &u, &f), RES_OK);
	for (enum res res; (res = cfi_entry_read(&t, &at, &entry)) != RES_FAIL;) {
		if (res == RES_NONE || entry.lo == 0)
			continue;
		c->regs.reg[X86_64_PC] = entry.lo + bias;
		native_stack_free(&s);
		ck_assert_int_eq(native_stack_walk(u, &c->regs, 2, &s, &f), RES_OK);
		ck_assert_msg(!s.frames.at[0].no_cfi, "at 0x%llx", (unsigned long long)entry.lo);
		n++;
	}
	ck_assert_uint_gt(n, 20);
	native_stack_free(&s);
	unwinder_destroy(u);
	elf_image_close(img);
	copied_free(c);
}
END_TEST

START_TEST(damaged_tables)
{
	struct copied *c = copied_create();
	struct patch patches[PATCHES];
	size_t frames = 0;

	walk_once(c->P, &c->regs, &frames);
	ck_assert_uint_gt(frames, 4); /* undamaged, it leads to main and on */
	for (uint64_t seed = 1; seed <= 200; seed++) {
		damage(c->fd, c->off, seed % 4 == 0 ? 0x40 : c->n, seed * 0x9e3779b97f4a7c15ULL, patches);
		walk_once(c->P, &c->regs, &frames);
		mend(c->fd, patches);
	}
	walk_once(c->P, &c->regs, &frames);
	ck_assert_uint_gt(frames, 4);
	copied_free(c);
}
END_TEST

/* Each CIE has a CFA expression that jumps to itself, which a reader without limits would follow
 * for ever. */
START_TEST(tables_that_never_end)
{
	static const uint8_t rule[] = { 0x0c, 7, 8, 0x90, 1 },
			     endless[sizeof(rule)] = { 0x0f, 3, 0x2f, 0xfd, 0xff };
	struct copied *c = copied_create();
	uint8_t *bytes = malloc(c->n);
	size_t frames = 0, found = 0;

	ck_assert_int_gt(pread(c->fd, bytes, c->n, c->off), (ssize_t)sizeof(rule));
	for (size_t i = 0; i + sizeof(rule) < c->n; i++) {
		if (memcmp(bytes + i, rule, sizeof(rule)) == 0) {
			ck_assert_int_eq(
			    pwrite(c->fd, endless, sizeof(rule), c->off + (off_t)i), sizeof(rule));
			found++;
		}
	}
	ck_assert_uint_gt(found, 0);
	walk_once(c->P, &c->regs, &frames);
	ck_assert_uint_gt(frames, 0);
	free(bytes);
	copied_free(c);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cfi");
	TCase *tcase = tcase_create("cfi");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, numbers);
	tcase_add_loop_test(tcase, real_table, 0, engines_n());
	tcase_add_test(tcase, damaged_tables);
	tcase_add_test(tcase, tables_that_never_end);
	suite_add_tcase(suite, tcase);
	return run_made_suite(suite);
}
