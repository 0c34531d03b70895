/* A real library with a few damaged bytes in its structures: no query crashes, whatever it returns
 * (the sanitizer build checks more). The damage is the same in every run. */
#include <check.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/debugfile.h"
#include "elf/image.h"
#include "elf/symbols.h"
#include "support/run_suite.h"

enum { ROUNDS = 400, REGIONS = 16 };

/* A copy of the library in a memfd, mapped writable, and the offsets of its structures. */
struct victim {
	int fd;
	uint8_t *at;
	size_t n;
	struct {
		uint64_t off, n;
	} region[REGIONS];
	size_t region_n;
	uint64_t seed;
};

static uint64_t next_random(struct victim *v)
{
	v->seed = v->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return v->seed >> 33;
}

static int find_libc(struct dl_phdr_info *info, size_t size, void *data)
{
	(void)size;
	if (strstr(info->dlpi_name, "/libc.so.6") == NULL)
		return 0;
	*(const char **)data = info->dlpi_name;
	return 1;
}

static void add_region(struct victim *v, uint64_t off, uint64_t n)
{
	ck_assert_uint_lt(v->region_n, REGIONS);
	v->region[v->region_n].off = off;
	v->region[v->region_n++].n = n;
}

static void choose_regions(struct victim *v)
{
	static const char *const names[] = { ".dynsym", ".dynstr", ".gnu.hash", ".dynamic", ".shstrtab",
		".note.gnu.build-id", ".gnu_debuglink" };
	struct elf_image *img = NULL;
	GElf_Shdr sh;

	ck_assert_int_eq(elf_image_open(v->fd, &img, NULL), RES_OK);
	/* Twice, because the first bytes of a file matter most. */
	add_region(v, 0, 64);
	add_region(v, 16, 48);
	add_region(v, elf_image_ehdr(img)->e_phoff, elf_image_phnum(img) * 56);
	add_region(v, elf_image_ehdr(img)->e_shoff, elf_image_shnum(img) * 64);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (elf_image_section(img, names[i], &sh, NULL) == RES_OK)
			add_region(v, sh.sh_offset, sh.sh_size < 4096 ? sh.sh_size : 4096);
	}
	elf_image_close(img);
}

static bool victim_make(struct victim *v)
{
	const char *path = NULL;
	struct stat st;
	int from;

	memset(v, 0, sizeof(*v));
	v->seed = 7;
	if (dl_iterate_phdr(find_libc, &path) == 0) {
		puts("SKIP: no shared libc.so.6");
		return false;
	}
	from = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fstat(from, &st), 0);
	v->n = (size_t)st.st_size;
	v->fd = memfd_create("victim", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(v->fd, st.st_size), 0);
	v->at = mmap(NULL, v->n, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	ck_assert_ptr_ne(v->at, MAP_FAILED);
	ck_assert_int_eq(pread(from, v->at, v->n, 0), st.st_size);
	(void)close(from);
	choose_regions(v);
	return true;
}

static void victim_free(struct victim *v)
{
	(void)munmap(v->at, v->n);
	(void)close(v->fd);
}

static int open_nothing(void *data, const char *path)
{
	(void)data;
	(void)path;
	return -1;
}

static ssize_t read_victim(void *data, void *buf, size_t n, uint64_t va)
{
	struct victim *v = data;

	if (va >= v->n)
		return 0;
	if (n > v->n - va)
		n = v->n - va;
	memcpy(buf, v->at + va, n);
	return (ssize_t)n;
}

static void ask_everything(struct elf_image *img)
{
	struct elf_symbols *syms = elf_symbols_create(img);
	struct elf_image *debug = NULL;
	struct elf_symbol sym;
	struct span out;
	uint64_t vaddr;

	ck_assert_ptr_nonnull(syms);
	(void)elf_symbols_by_name(syms, "qsort", &sym);
	(void)elf_symbols_by_name(syms, "nothing of this name", &sym);
	for (uint64_t a = 0x20000; a < 0x200000; a += 0x10001) {
		if (elf_symbols_by_addr(syms, a, &sym) == RES_OK) {
			ck_assert_uint_ge(a, sym.sym.st_value);
			ck_assert_uint_lt(a - sym.sym.st_value, sym.sym.st_size);
			ck_assert_uint_le(sym.name_len, strlen(sym.name));
		}
		if (elf_image_at(img, a, &out, NULL) == RES_OK)
			ck_assert_uint_le(span_left(&out), elf_image_size(img));
		(void)elf_image_vaddr_of_offset(img, a, true, &vaddr);
	}
	(void)elf_symbols_has_symtab(syms);
	(void)elf_image_build_id(img, &out);
	ck_assert_int_eq(
	    elf_debugfile_open(img, "/lib/libc.so.6", &(struct elf_disk){ open_nothing, NULL }, &debug, NULL),
	    RES_NONE);
	elf_symbols_destroy(syms);
}

static void damage(struct victim *v, uint64_t offs[8], uint8_t was[8], size_t n)
{
	static const uint8_t evil[] = { 0, 1, 0x7f, 0x80, 0xff, 0xfe };

	for (size_t i = 0; i < n; i++) {
		size_t r = next_random(v) % v->region_n;

		offs[i] = v->region[r].off + next_random(v) % v->region[r].n;
		was[i] = v->at[offs[i]];
		v->at[offs[i]] =
		    next_random(v) % 2 ? evil[next_random(v) % sizeof(evil)] : (uint8_t)next_random(v);
	}
}

START_TEST(damaged_library)
{
	struct victim v;
	int opened = 0;

	if (!victim_make(&v))
		return;
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t offs[8];
		uint8_t was[8];
		size_t n = 1 + next_random(&v) % 8;
		struct elf_image *img = NULL;

		damage(&v, offs, was, n);
		if (_i == 0 ? elf_image_open(v.fd, &img, NULL) == RES_OK
			    : elf_image_from_memory(&(struct elf_memory){ read_victim, &v, 0, 4 << 20 }, &img,
				  NULL) == RES_OK) {
			opened++;
			ask_everything(img);
			elf_image_close(img);
		}
		while (n-- > 0)
			v.at[offs[n]] = was[n];
	}
	/* Most damaged files must still open: otherwise nothing was tested. */
	ck_assert_int_gt(opened, ROUNDS / 4);
	victim_free(&v);
}
END_TEST

/* A file that is truncated at any length. */
START_TEST(truncated_library)
{
	struct victim v;

	if (!victim_make(&v))
		return;
	for (size_t n = v.n; n > 0; n = n > 4096 ? n - n / 9 : n - (n + 15) / 16) {
		struct elf_image *img = NULL;

		ck_assert_int_eq(ftruncate(v.fd, (off_t)n), 0);
		if (elf_image_open(v.fd, &img, NULL) == RES_OK) {
			ck_assert_uint_eq(elf_image_size(img), n);
			ask_everything(img);
			elf_image_close(img);
		}
	}
	victim_free(&v);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("elf/hostile");
	TCase *tc = tcase_create("hostile");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, damaged_library, 0, 2);
	tcase_add_test(tc, truncated_library);
	suite_add_tcase(suite, tc);
	return run_made_suite(suite);
}
